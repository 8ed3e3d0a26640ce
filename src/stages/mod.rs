//! The passage of an enrollment through its stages.
//!
//! Flows in: enrollments that are due, their facts from the ledger, the workflow version they entered
//! with. Flows out: one message row per enrollment and stage (to send, skipped, or withheld) and the
//! enrollment's next step, in the same transaction. The decision itself is pure (`machine`). It sends
//! nothing and reads no events.

pub mod advance;
pub mod facts;
pub mod machine;
pub mod versions;
