//! `winback schema`: what editors need to complete and check the YAML.

use super::commands::Which;
use crate::project::schema as schemas;

/// Prints one schema, or both in one object.
pub fn schema(which: Option<Which>) -> anyhow::Result<bool> {
    let value = match which {
        Some(Which::Project) => serde_json::to_value(schemas::project())?,
        Some(Which::Workflow) => serde_json::to_value(schemas::workflow())?,
        None => serde_json::json!({"project": schemas::project(), "workflow": schemas::workflow()}),
    };
    println!("{}", serde_json::to_string_pretty(&value)?);
    Ok(true)
}
