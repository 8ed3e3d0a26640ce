//! Winback: a scheduler of recall campaigns that says what each recall really added.
//!
//! The folders follow the way of the data, and each imports only from those to its left:
//!
//! ```text
//! sources -> features -> segments -> audience -> stages -> delivery -> tracking -> outcomes -> reports
//!         (the engine, per run)          (the ledger, a database)            (engine and ledger)
//! ```
//!
//! Beside them: `domain` (words, no imports), `project` (YAML to model), `schedule` (when), `store` (the
//! ledger), and above them `app` (composition) and `cli` (commands), which see everything and which
//! nothing sees. What goes back, or further than one folder to the right, goes through the ledger.

pub mod app;
pub mod audience;
pub mod cli;
pub mod delivery;
pub mod domain;
pub mod features;
pub mod outcomes;
pub mod project;
pub mod reports;
pub mod schedule;
pub mod segments;
pub mod sources;
pub mod stages;
pub mod store;
pub mod tracking;
