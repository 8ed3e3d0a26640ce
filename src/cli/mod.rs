//! The command line: one file per command, data on stdout, talk on stderr.
//!
//! Exit codes: 0 done, 1 a check or a run failed, 2 wrong usage.

#[macro_use]
mod output;

pub mod as_of;
pub mod check;
pub mod commands;
pub mod demo;
pub mod diagnostics;
pub mod init;
pub mod open;
pub mod plan;
pub mod progress;
pub mod report;
pub mod run;
pub mod sample;
pub mod schema;
pub mod segments;
pub mod serve;
pub mod suppress;

pub use commands::{Cli, start};
