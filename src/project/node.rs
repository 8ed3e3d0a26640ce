//! A YAML document as a small tree in which every piece knows where it stands.

use std::ops::Range;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Byte range in the file: of a scalar its text (with quotes); of anything else, which has no
    /// text of its own to point at, its key where it has one.
    pub span: Range<usize>,
}

/// The kinds of value.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`; `yes` and `no` are texts.
    Bool(bool),
    /// A number, as far as JSON has it.
    Number(serde_json::Number),
    /// Any other scalar, without its quoting.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Byte range in the file, with quotes.
    pub span: Range<usize>,
}

impl Value {
    /// What it is, as it reads after "found".
    pub fn describe(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}
