//! One table per file, as the migrations left it.

pub mod attempt;
pub mod enrollment;
pub mod hit;
pub mod lake_file;
pub mod message;
pub mod outcome;
pub mod run;
pub mod suppression;
pub mod workflow_version;
