//! The scalars of the language: texts, quantities, expressions.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::project::model::{BasisPoints, Expression, OrderBy, Rate, Window};
use crate::project::names::shorten;
use crate::project::node::{Node, Value};
use crate::project::problems::{Place, did_you_mean};
use crate::project::reader::{Named, Read, Reader};
use crate::project::text_map::TextMap;
use crate::project::{env, expression, units};
use crate::schedule::cron::Cron;

/// A text and the way back to its file.
#[derive(Debug, Clone)]
pub struct Text {
    /// As it is meant, without quotes.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// Where its parts stand.
    pub map: TextMap,
}

/// An address or secret, filled in from the environment. `Debug` shows dots: it must not be printed.
#[derive(Clone)]
pub struct FromEnv {
    /// What it came to.
    pub value: String,
    /// Where it stands.
    pub place: Place,
}

impl std::fmt::Debug for FromEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

/// Why a text is not what is expected.
pub struct Misread {
    /// In place of the usual sentence.
    message: Option<String>,
    /// What to write.
    hint: Option<String>,
}

impl From<Option<String>> for Misread {
    fn from(hint: Option<String>) -> Misread {
        Misread { message: None, hint }
    }
}

/// Declares scalars that are read from their text.
macro_rules! scalar {
    ($($(#[doc = $doc:literal])+ $name:ident($inner:ty) is $expected:literal, $schema:tt, from $parse:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name {
            /// What it came to.
            pub value: $inner,
            /// Where it stands.
            pub place: Place,
        }

        impl Read for $name {
            const EXPECTED: &'static str = $expected;

            fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
                let text = scalar_text(node, key, Self::EXPECTED, reader)?;
                let parse: fn(&str) -> Result<$inner, Misread> = $parse;
                match parse(text.text.trim()) {
                    Ok(value) => Some($name { value, place: text.place }),
                    Err(Misread { message, hint }) => {
                        let usual = || format!("`{key}` is {}, found `{}`", $expected, shorten(&text.text));
                        reader.problem(&node.span, message.unwrap_or_else(usual), hint);
                        None
                    }
                }
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
                json_schema!($schema)
            }
        }
    )+};
}

scalar! {
    /// A share of users or messages.
    Share(BasisPoints) is "a share such as `10%`",
        {"type": "string", "pattern": r"^\d{1,3}(\.\d{1,2})? ?%$"}, from |text| Ok(units::share(text)?);

    /// A span of time; days and weeks count calendar days where that makes a difference.
    Span(Window) is "a duration such as `3d` or `12h`",
        {"type": "string", "pattern": r"^\d+ ?[smhdw]$"}, from |text| Ok(units::window(text)?);

    /// So many per span.
    PerTime(Rate) is "a rate such as `200/s`",
        {"type": "string", "pattern": r"^\d+ ?/ ?[smhd]$"}, from |text| Ok(units::rate(text)?);

    /// An IANA time zone.
    Zone(chrono_tz::Tz) is "an IANA time zone such as `Asia/Shanghai`", {"type": "string"}, from |text| {
        text.parse().map_err(|_| did_you_mean(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())).into())
    };

    /// A cron line of five fields.
    CronLine(Cron) is "a cron line such as `0 9 * * MON-FRI`", {"type": "string"}, from |text| {
        Cron::parse(text).map_err(|error| Misread { message: Some(error.to_string()), hint: error.hint() })
    };

    /// A whole number, not negative.
    Count(u64) is "a whole number", {"type": "integer", "minimum": 0}, from |text| {
        text.parse().map_err(|_| None.into())
    };

    /// A whole number, also below zero.
    Whole(i32) is "a whole number", {"type": "integer"}, from |text| text.parse().map_err(|_| None.into());

    /// A number.
    Number(f64) is "a number", {"type": "number"}, from |text| {
        text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| None.into())
    };

    /// A block of network addresses.
    Block(ipnet::IpNet) is "an address block such as `10.0.0.0/8`", {"type": "string"}, from |text| {
        let alone = text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from);
        text.parse().map_err(|_| alone.map(|block| format!("did you mean `{block}`?")).into())
    };
}

/// The text of any scalar: numbers and the like as they are written, so that a team called `007` keeps
/// its zeros.
fn scalar_text(node: &Node, key: &str, expected: &str, reader: &mut Reader<'_>) -> Option<Text> {
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => reader.source(&node.span).to_owned(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            reader.wrong_kind(node, key, expected);
            return None;
        }
    };
    let place = reader.place(&node.span);
    let map = TextMap::new(&text, &place, reader.source(&node.span));
    Some(Text { text, place, map })
}

/// Notes a `${NAME}` where the environment is not read: it would go out as it is.
fn refuse_environment(text: &Text, reader: &mut Reader<'_>) {
    for (range, name) in env::references(&text.text).into_iter().filter(|(_, name)| env::is_name(name)) {
        let message = format!("`${{{name}}}` is not read from the environment here");
        let hint = "only secret and address fields are".to_owned();
        reader.problems.push(text.map.place(range), message, Some(hint));
    }
}

impl Read for Text {
    const EXPECTED: &'static str = "text";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let text = scalar_text(node, key, Self::EXPECTED, reader)?;
        if text.text.trim().is_empty() {
            reader.problem(&node.span, format!("`{key}` is empty"), None);
            return None;
        }
        refuse_environment(&text, reader);
        Some(text)
    }
}

impl Read for FromEnv {
    const EXPECTED: &'static str = "text, or `${NAME}` from the environment";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let text = scalar_text(node, key, Self::EXPECTED, reader)?;
        match env::fill(&text.text, reader.env) {
            Ok(value) => Some(FromEnv { value, place: text.place }),
            Err(errors) => {
                for error in errors {
                    reader.problems.push(text.map.place(error.range), error.message, Some(error.hint));
                }
                None
            }
        }
    }
}

/// An SQL condition or value.
#[derive(Debug, Clone)]
pub struct Sql(pub Expression);

impl Read for Sql {
    const EXPECTED: &'static str = "an SQL expression";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let text = scalar_text(node, key, Self::EXPECTED, reader)?;
        expression::parse(&text.text, text.map).map(Sql).map_err(|problem| reader.problems.list.push(problem)).ok()
    }
}

/// A rule of the lifecycle: a condition, or `otherwise`.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Whoever matched no rule before.
    Otherwise,
    /// Whoever fulfils this.
    When(Box<Expression>),
}

impl Read for Rule {
    const EXPECTED: &'static str = "an SQL condition, or `otherwise`";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text.trim() == "otherwise" => Some(Rule::Otherwise),
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                Sql::read(node, key, reader).map(|sql| Rule::When(Box::new(sql.0)))
            }
        }
    }
}

/// Keys of an order, such as `spend DESC, orders`.
#[derive(Debug, Clone)]
pub struct Ordering(pub Vec<OrderBy>);

impl Read for Ordering {
    const EXPECTED: &'static str = "an order such as `spend DESC`";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let text = scalar_text(node, key, Self::EXPECTED, reader)?;
        expression::parse_order(&text.text, &text.map)
            .map(Ordering)
            .map_err(|problems| reader.problems.list.extend(problems))
            .ok()
    }
}

/// Anything that a template may print: kept as it is.
#[derive(Debug, Clone)]
pub struct Anything(pub serde_json::Value);

impl Read for Anything {
    const EXPECTED: &'static str = "a value";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let value = match &node.value {
            Value::Null => json!(null),
            Value::Bool(value) => json!(value),
            Value::Number(number) => json!(number),
            Value::Text(_) => {
                let text = scalar_text(node, key, Self::EXPECTED, reader)?;
                refuse_environment(&text, reader);
                json!(text.text)
            }
            Value::List(items) => {
                items.iter().filter_map(|item| Anything::read(item, key, reader)).map(|item| item.0).collect()
            }
            Value::Map(entries) => entries
                .iter()
                .filter_map(|(key, node)| Some((key.name.clone(), Anything::read(node, &key.name, reader)?.0)))
                .collect(),
        };
        Some(Anything(value))
    }
}

/// Describes types that read a text of their own.
macro_rules! described {
    ($($name:ident: $schema:tt)+) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

described! {
    Text: {"type": ["string", "number", "boolean"]}
    FromEnv: {"type": "string"}
    Sql: {"type": ["string", "number", "boolean"]}
    Rule: {"type": ["string", "number", "boolean"]}
    Ordering: {"type": "string"}
    Anything: {}
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("NamesOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": ["object", "null"], "additionalProperties": value })
    }
}
