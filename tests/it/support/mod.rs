//! What the scenarios talk to: a PostgreSQL server, SMTP and HTTP receivers, and Python's opinion of a mail.
//!
//! Every helper starts its own process on a free port, waits until it answers, and takes it down again
//! however the test ends. Only `project` imports the product.

pub mod cdnow;
pub mod mail;
pub mod postgres;
pub mod process;
#[macro_use]
pub mod project;
pub mod smtp;
pub mod webhook;

mod tests;
