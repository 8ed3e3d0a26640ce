//! The integration tests: one binary, one scenario per file, real parts only.

#[macro_use]
mod support;

mod architecture;
mod demo;
mod run;
