//! The integration tests: one binary, one scenario per file, real parts only.

#[macro_use]
mod support;

mod architecture;
mod audience;
mod bad_sources;
mod demo;
mod diagnostics;
mod expressions;
mod kill;
mod reference_lifecycle;
mod reference_rfm;
mod run;
mod smtp;
mod stages;
mod tracking;
mod webhook;
