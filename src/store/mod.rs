//! The ledger: SQLite or PostgreSQL through sea-orm.
//!
//! Flows in: typed rows from every folder that decides something. Flows out: the same rows, in pages.
//! Entities serve reading and single writes; bulk goes through multi-row statements. It never decides
//! anything about users, and no transaction stays open while something else than the database works.

pub mod connection;
pub mod enrollments;
pub mod entities;
pub mod hits;
pub mod lake;
pub mod lock;
pub mod messages;
pub mod outcomes;
pub mod runs;
pub mod suppressions;

pub use connection::{Store, StoreError};
