//! Users and events, read where they are, as two tables of the engine.
//!
//! Flows in: files below the project's root (CSV, NDJSON, Parquet; the first two also gzipped).
//! Flows out: [`catalog::Facts`]: `users` and `events` with fixed columns first, then attributes and
//! properties under their own names; nothing later than the run's instant. A row that cannot be read
//! is counted and named, never guessed; a source that is empty or mostly unreadable fails the run. It
//! never writes, and never reads outside the project's root.

pub mod catalog;
pub mod cell;
pub mod error;
pub mod faults;
pub mod files;
pub mod mapping;
pub mod parquet;
pub mod rows;
pub mod scan;

pub use catalog::{Catalog, Facts};
pub use error::SourceError;
