//! Declares a mapping of the language once, for reading and for the JSON Schema.

/// Declares structs for mappings. Each field is `Required<T>` or `Option<T>` and its key is its name;
/// the doc comments become the descriptions in the schema.
macro_rules! mapping {
    ($($(#[doc = $doc:literal])+ $name:ident {
        $($(#[doc = $field_doc:literal])+ $field:ident: $slot:ty,)+
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Where the mapping stands.
            pub place: $crate::project::problems::Place,
            $($(#[doc = $field_doc])+ pub $field: $slot,)+
        }

        impl $crate::project::reader::Read for $name {
            const EXPECTED: &'static str = "a mapping";

            fn read(
                node: &$crate::project::node::Node,
                key: &str,
                reader: &mut $crate::project::reader::Reader<'_>,
            ) -> Option<Self> {
                let known = [$($crate::project::spec::mapping::key(stringify!($field))),+];
                let fields = $crate::project::reader::Fields::open(node, key, &known, reader)?;
                Some($name {
                    place: reader.place(&node.span),
                    $($field: fields.take($crate::project::spec::mapping::key(stringify!($field)), reader),)+
                })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::project::spec::mapping::schema(
                    concat!($($doc, "\n"),+),
                    vec![$($crate::project::spec::mapping::property::<$slot>(
                        stringify!($field),
                        concat!($($field_doc, "\n"),+),
                        generator,
                    )),+],
                )
            }
        }
    )+};
}

pub(crate) use mapping;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::project::reader::Slot;

/// The key of a field: its name, where Rust needs `r#` before it without that.
pub fn key(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

/// One key in a schema.
pub struct Property {
    key: &'static str,
    required: bool,
    schema: Schema,
}

/// The schema of one field.
pub fn property<S: Slot>(field: &'static str, doc: &str, generator: &mut SchemaGenerator) -> Property
where
    S::Inner: JsonSchema,
{
    let mut schema = generator.subschema_for::<S::Inner>();
    schema.insert("description".to_owned(), prose(doc).into());
    Property { key: key(field), required: S::REQUIRED, schema }
}

/// The schema of a mapping: these keys and no others.
pub fn schema(doc: &str, properties: Vec<Property>) -> Schema {
    let required: Vec<&str> = properties.iter().filter(|p| p.required).map(|p| p.key).collect();
    let properties: Map<String, Value> =
        properties.iter().map(|p| (p.key.to_owned(), p.schema.clone().into())).collect();
    let mut schema = json_schema!({ "type": "object", "description": prose(doc), "properties": properties });
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

/// A doc comment as running text.
pub fn prose(doc: &str) -> String {
    doc.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
