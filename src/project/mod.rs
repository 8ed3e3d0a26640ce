//! The project's files: YAML in, a checked [`model::Project`] out, or every problem at once.
//!
//! ```text
//! text --load--> Node --spec--> typed fields --compile--> model
//! ```
//!
//! - `folder` reads `winback.yaml` and `workflows/*.yaml` and leads them through the steps;
//! - `load` turns YAML into a small tree that knows where each piece stands (`node`);
//! - `spec` is the language: every mapping with its keys, types and descriptions;
//! - `compile` gives the fields their meaning and checks them against each other;
//! - `schema` describes the same spec to editors.
//!
//! Flows in: files and the environment, as arguments. Flows out: data. A step that finds something
//! wrong notes it as a problem with its place and goes on. Nothing is printed here, no clock is read,
//! and whether names and types inside expressions fit the sources is for `segments` to say.

mod compile;
mod dialect;
mod env;
pub mod expression;
mod folder;
mod load;
pub mod model;
mod names;
mod node;
pub mod problems;
mod reader;
pub mod schema;
pub mod spec;
mod text_map;
mod units;

#[cfg(test)]
mod tests;

pub use expression::parse_expression;
pub use folder::{compile_workflow, load};
pub use text_map::TextMap;
