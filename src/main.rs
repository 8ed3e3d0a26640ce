//! The `winback` program: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser;
use winback::cli::Cli;

fn main() -> ExitCode {
    winback::cli::start(Cli::parse())
}
