//! One value per user, computed from the events up to the run's instant.
//!
//! Flows in: the tables of `sources` and the features of the model. Flows out: a plan of built-in
//! functions that gives one row per user: contacts, attributes, features. The expression language
//! lives here too, because features already filter by it; `segments` uses it further on. Nothing is
//! executed here and nothing is random: the same facts give the same plan.

pub mod aggregates;
pub mod calendar;
mod calls;
pub mod expression;
pub mod functions;
pub mod scope;
pub mod table;

pub use expression::{Typed, compile};
pub use scope::{Kind, Scope};
