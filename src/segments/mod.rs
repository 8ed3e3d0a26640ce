//! What a user's values mean: scores, the lifecycle, named segments, conditions.
//!
//! Flows in: the feature table. Flows out: one plan whose rows are users with everything that the
//! project says of them ([`evaluation::Evaluation`]), and conditions over single enrollments
//! ([`condition::Condition`]). It reads nothing from the ledger and decides about nobody.

pub mod condition;
pub mod counts;
pub mod evaluation;
pub mod export;
pub mod lifecycle;
pub mod rfm;

pub use condition::Condition;
pub use evaluation::{Evaluation, EvaluationError};
