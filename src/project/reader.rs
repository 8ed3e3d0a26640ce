//! Reading a tree into typed fields: what is right is kept, what is wrong is noted, and on it goes.

use std::ops::Range;
use std::sync::Arc;

use super::names::shorten;
use super::node::{Key, Node, Value};
use super::problems::{Place, Problems, did_you_mean, nearest};

/// What reading needs to know beside the tree.
pub struct Reader<'a> {
    /// The file, relative to the project's root.
    pub file: Arc<str>,
    /// Its text.
    pub text: &'a str,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Where problems go.
    pub problems: &'a mut Problems,
}

/// Something that can stand as a value in the files.
pub trait Read: Sized {
    /// What it is, as it reads after "is": "a share such as `10%`".
    const EXPECTED: &'static str;

    /// Reads `node`, the value of `key`; `None` if something was wrong, and then it has been noted.
    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A field of a mapping: [`Required`] or `Option`.
pub trait Slot {
    /// What stands in it.
    type Inner: Read;
    /// Whether the mapping is wrong without it.
    const REQUIRED: bool;
    /// Keeps what was read.
    fn fill(value: Option<Self::Inner>) -> Self;
}

/// A field that has to be there. It holds `None` only after a problem has been noted.
#[derive(Debug, Clone)]
pub struct Required<T>(pub Option<T>);

impl<T: Read> Slot for Required<T> {
    type Inner = T;
    const REQUIRED: bool = true;
    fn fill(value: Option<T>) -> Self {
        Required(value)
    }
}

impl<T: Read> Slot for Option<T> {
    type Inner = T;
    const REQUIRED: bool = false;
    fn fill(value: Option<T>) -> Self {
        value
    }
}

impl Reader<'_> {
    /// The place of a byte range.
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place { file: self.file.clone(), span: span.clone() }
    }

    /// A scalar as it is written.
    pub fn source(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Notes a problem.
    pub fn problem(&mut self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let place = self.place(span);
        self.problems.push(place, message, hint);
    }

    /// Notes that a value is of another kind than `expected`.
    pub fn wrong_kind(&mut self, node: &Node, key: &str, expected: &str) {
        let found = node.value.describe();
        self.problem(&node.span, format!("`{key}` is {expected}, found {found}"), None);
    }
}

/// A mapping whose known keys are taken one by one.
pub struct Fields<'n> {
    entries: &'n [(Key, Node)],
    /// Known keys that somebody meant and misspelled: not also missing.
    meant: Vec<&'static str>,
    span: Range<usize>,
}

impl<'n> Fields<'n> {
    /// Opens the mapping `node`, the value of `key`, and notes every key that is not `known`.
    pub fn open(node: &'n Node, key: &str, known: &[&'static str], reader: &mut Reader<'_>) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            reader.wrong_kind(node, key, "a mapping");
            return None;
        };
        let mut meant = Vec::new();
        for (found, _) in entries.iter().filter(|(found, _)| !known.contains(&found.name.as_str())) {
            let near = known.iter().copied().filter(|name| !entries.iter().any(|(key, _)| key.name == *name));
            let near: Vec<&'static str> = near.collect();
            let hint = did_you_mean(&found.name, near.iter().copied());
            let name = nearest(&found.name, near.iter().copied());
            meant.extend(near.iter().copied().filter(|known| Some(*known) == name));
            reader.problem(&found.span, format!("unknown key `{}`", shorten(&found.name)), hint);
        }
        Some(Fields { entries, meant, span: node.span.clone() })
    }

    /// Takes the field `key`.
    pub fn take<S: Slot>(&self, key: &'static str, reader: &mut Reader<'_>) -> S {
        let found = self.entries.iter().find(|(found, _)| found.name == key);
        if found.is_none() && S::REQUIRED && !self.meant.contains(&key) {
            let hint = format!("add `{key}:`, {}", S::Inner::EXPECTED);
            reader.problem(&self.span, format!("`{key}` is missing"), Some(hint));
        }
        S::fill(found.and_then(|(_, node)| S::Inner::read(node, key, reader)))
    }
}

/// A mapping from names of the team's own to values, in the order of the file.
#[derive(Debug, Clone)]
pub struct Named<T> {
    /// The entries; a value that could not be read is `None`, so that its name is still known.
    pub entries: Vec<Entry<T>>,
}

/// One entry of a [`Named`].
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// What it names.
    pub value: Option<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named { entries: Vec::new() }
    }
}

impl<T: Read> Read for Named<T> {
    const EXPECTED: &'static str = "a mapping from names";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            // A section whose entries are all commented out.
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                reader.wrong_kind(node, key, Self::EXPECTED);
                return None;
            }
        };
        let read = |(key, node): &(Key, Node)| Entry {
            name: key.name.clone(),
            place: reader.place(&key.span),
            value: T::read(node, &key.name, reader),
        };
        Some(Named { entries: entries.iter().map(read).collect() })
    }
}

impl<T: Read> Read for Vec<T> {
    const EXPECTED: &'static str = "a list";

    fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::List(items) = &node.value else {
            reader.wrong_kind(node, key, Self::EXPECTED);
            return None;
        };
        Some(items.iter().filter_map(|item| T::read(item, key, reader)).collect())
    }
}
