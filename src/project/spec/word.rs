//! Values that are one of a few words.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::scalar::{Span, Text};
use crate::project::model::{ContactField, EventSelector, OnUncertain, Reentry, Ties};
use crate::project::names::shorten;
use crate::project::node::{Node, Value};
use crate::project::problems::did_you_mean;
use crate::project::reader::{Read, Reader};

/// Declares how the words of the files read as values of the model.
macro_rules! words {
    ($($name:ident is $expected:literal { $($word:literal => $value:expr,)+ })+) => {$(
        impl Read for $name {
            const EXPECTED: &'static str = $expected;

            fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
                match &node.value {
                    Value::Text(text) => match text.as_str() {
                        $($word => return Some($value),)+
                        other => {
                            let hint = did_you_mean(other, [$($word),+]);
                            reader.problem(&node.span, format!("`{key}` is {}, found `{}`", $expected, shorten(other)), hint);
                        }
                    },
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                        reader.wrong_kind(node, key, $expected);
                    }
                }
                None
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "enum": [$($word),+] })
            }
        }
    )+};
}

words! {
    Ties is "`share` or `split`" {
        "share" => Ties::Share,
        "split" => Ties::Split,
    }

    OnUncertain is "`hold` or `resend`" {
        "hold" => OnUncertain::Hold,
        "resend" => OnUncertain::Resend,
    }

    ContactField is "`email`, `phone` or `user_id`" {
        "email" => ContactField::Email,
        "phone" => ContactField::Phone,
        "user_id" => ContactField::UserId,
    }
}

impl Read for Reentry {
    const EXPECTED: &'static str = "a duration such as `90d`, or `never`";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "never" => Some(Reentry::Never),
            Value::Text(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                let hint = did_you_mean(text, ["never"]);
                let message = format!("`{key}` is {}, found `{}`", Self::EXPECTED, shorten(text));
                reader.problem(&node.span, message, hint);
                None
            }
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                Span::read(node, key, reader).map(|span| Reentry::After(span.value))
            }
        }
    }
}

impl JsonSchema for Reentry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reentry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^(never|\d+ ?[smhdw])$" })
    }
}

impl Read for EventSelector {
    const EXPECTED: &'static str = "an event's name, or `\"*\"` for any";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Null | Value::List(_) | Value::Map(_) => {
                reader.wrong_kind(node, key, Self::EXPECTED);
                None
            }
            Value::Text(_) | Value::Bool(_) | Value::Number(_) => {
                Text::read(node, key, reader).map(|text| selector(&text.text))
            }
        }
    }
}

impl JsonSchema for EventSelector {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventSelector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The events a text names.
pub fn selector(text: &str) -> EventSelector {
    match text {
        "*" => EventSelector::Any,
        name => EventSelector::Named(name.to_owned()),
    }
}
