//! What enrolled users did, in either arm, and what it proves.
//!
//! Flows in: the events and the enrollments. Flows out: outcomes in the ledger (`attribution`), and the
//! statistics of effects (`effect`, pure). Both arms are read by the same rule; nothing here knows
//! who was written to.

pub mod attribution;
pub mod effect;
