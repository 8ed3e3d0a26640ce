//! JSON Schemas of both files, so that editors complete and check them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::spec::project::ProjectSpec;
use super::spec::workflow::WorkflowSpec;

/// The schema of `winback.yaml` (JSON Schema 2020-12).
pub fn project() -> Schema {
    schema::<ProjectSpec>("winback.yaml")
}

/// The schema of `workflows/NAME.yaml` (JSON Schema 2020-12).
pub fn workflow() -> Schema {
    schema::<WorkflowSpec>("workflows/NAME.yaml")
}

fn schema<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}
