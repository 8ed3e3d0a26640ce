//! The composition root: one environment of concrete parts, and what is done with it.
//!
//! `check` says whether a project can start; `environment` opens its parts; `work` is one round of
//! outcomes, runs, stages and delivery; `daemon` repeats rounds on the heartbeat and serves the public
//! listener until it is told to stop. Only `cli` sees this folder.

pub mod check;
pub mod daemon;
pub mod environment;
pub mod preview;
pub mod work;
