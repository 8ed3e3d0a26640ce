//! Gives the fields of the spec their meaning, and checks them against each other.
//!
//! Flows in: spec, with every field that could be read. Flows out: parts of the model, and problems.
//! Every function looks at everything it is given before it gives up, so that one missing field hides
//! no other problem; it returns `None` only after a problem has been noted.

mod address;
mod channels;
mod features;
mod policy;
pub mod project;
mod rfm;
mod rules;
mod sources;
mod stages;
pub mod workflow;
