//! The statistics of recall: what the messages added, and how sure one can be of it.
//!
//! Flows in: counts and per-user values of a treated arm and a holdout, as assigned. Flows out:
//! rates, differences, intervals and p-values. Everything is pure and total: where a figure does not
//! exist (nobody in an arm, no variance, no cost) the answer is `None`, never NaN or infinity.
//!
//! It never reads the ledger, never decides what a figure means (`reports` does), and never treats a
//! click or a last touch as an effect.

pub mod anytime;
pub mod interval;
pub mod means;
pub mod power;
pub mod proportions;
pub mod srm;
#[cfg(test)]
mod vectors;
