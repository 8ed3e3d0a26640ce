//! What a workflow achieved, said so that it can be believed.
//!
//! Flows in: what the ledger holds about a workflow (`facts`; `read` fetches it). Flows out: figures
//! with intervals and one verdict (`figures`), as a table for people, JSON for programs and CSV for
//! spreadsheets.
//!
//! Everything but `read` is pure: the same facts give the same bytes. It never calls a click or a last
//! touch a success, never hides who is still inside the window, and never prints a number that is not one.

pub mod comparison;
pub mod csv;
pub mod facts;
pub mod figures;
pub mod format;
pub mod json;
pub mod programme;
pub mod read;
pub mod stages;
pub mod table;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod words;
