//! Whom a run takes: every considered user gets one decision with its reason.
//!
//! Flows in: the evaluated users, the workflow, the ledger's history and suppressions. Flows out:
//! enrollments in bulk, and one decision file per run in the lake. The rules are pure
//! (`eligibility`); the same facts and ledger give the same decisions, and a slot enrolls nobody twice.
//! It sends nothing.

pub mod decisions;
pub mod eligibility;
pub mod people;
pub mod reader;
pub mod refresh;
pub mod run;
pub mod selection;
