//! The language of the files: every mapping with its keys, the types of its values, and what they mean.
//!
//! `mapping` is the macro that declares a mapping once for all three uses: reading it, refusing unknown
//! keys, and describing it to editors. `project` and `workflow` are the two files; `scalar` and `word`
//! are the values in them. Flows in: nodes. Flows out: fields, each with its place. Nothing is checked
//! here against anything else: that is `compile`'s part.

pub mod mapping;
pub mod project;
pub mod scalar;
pub mod word;
pub mod workflow;
