//! YAML text to [`Node`]: the only file that knows the YAML library.
//!
//! Hostile input is bounded before it costs anything: size, nodes, depth, and what aliases expand
//! to. Duplicate keys, second documents and tabs as indentation are errors, and `yes` and `no` are
//! texts (YAML 1.2), so that nothing means something else than it says.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::budget::BudgetBreach;
use serde_yaml::{Error, Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::node::{Key, Node, Value};

/// Longest file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Most values in a file, also after aliases are expanded.
const MAX_NODES: usize = 20_000;
/// Most uses of an alias.
const MAX_ALIASES: usize = 1_000;
/// Deepest nesting: the language needs eight levels, and each one costs stack.
const MAX_DEPTH: usize = 16;

/// Why a text is no YAML that we take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// A sentence without a full stop.
    pub message: String,
    /// Byte range in the text.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Reads one document.
pub fn parse(text: &str) -> Result<Node, LoadError> {
    if text.len() > MAX_BYTES {
        let message = format!("the file is longer than {} KiB", MAX_BYTES / 1024);
        return Err(LoadError { message, span: 0..0, hint: None });
    }
    let raw: Spanned<Raw> = serde_yaml::from_str_with_options(text, options()).map_err(|e| explain(&e, text))?;
    let root = settle(raw, None, text)?;
    match root.value {
        Value::Null => Err(LoadError { message: "the file is empty".into(), span: 0..0, hint: None }),
        _ => Ok(root),
    }
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_nodes: MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_total_scalar_bytes: MAX_BYTES,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MAX_NODES },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        // Excerpts are made at the edge, from our own spans.
        with_snippet: false,
    }
}

/// What the library hands over, before places are settled.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

/// Turns library positions into byte ranges and keys into names.
fn settle(raw: Spanned<Raw>, key: Option<&Key>, text: &str) -> Result<Node, LoadError> {
    let own = byte_range(raw.defined, text);
    let value = match raw.value {
        Raw::Scalar(value) => value,
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| settle(item, None, text)).collect::<Result<_, _>>()?)
        }
        Raw::Map(entries) => {
            let mut settled = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                let key = settle_key(name, text)?;
                let value = settle(value, Some(&key), text)?;
                settled.push((key, value));
            }
            Value::Map(settled)
        }
    };
    let span = match (&value, key) {
        (Value::Null | Value::List(_) | Value::Map(_), Some(key)) => key.span.clone(),
        (Value::Map(entries), None) => entries.first().map_or(own, |(key, _)| key.span.clone()),
        (Value::List(items), None) => items.first().map_or(own, |item| item.span.clone()),
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_), _) => own,
    };
    Ok(Node { value, span })
}

fn settle_key(raw: Spanned<Raw>, text: &str) -> Result<Key, LoadError> {
    let span = byte_range(raw.defined, text);
    match raw.value {
        Raw::Scalar(Value::Text(name)) => Ok(Key { name, span }),
        Raw::Scalar(Value::Bool(_) | Value::Number(_)) => {
            Ok(Key { name: text.get(span.clone()).unwrap_or_default().to_owned(), span })
        }
        Raw::Scalar(Value::Null | Value::List(_) | Value::Map(_)) | Raw::List(_) | Raw::Map(_) => {
            Err(LoadError { message: "a key is a name".into(), span, hint: None })
        }
    }
}

/// Byte range of a library position, cut to whole characters inside the text.
fn byte_range(location: Location, text: &str) -> Range<usize> {
    let span = location.span();
    let (start, len) = match (span.byte_offset(), span.byte_len()) {
        (Some(offset), Some(len)) => (to_usize(offset), to_usize(len)),
        // Scanner errors count characters only.
        _ if location != Location::UNKNOWN => {
            let mut offsets = text.char_indices().map(|(at, _)| at).skip(span.offset() as usize);
            let start = offsets.next().unwrap_or(text.len());
            (start, text[start..].chars().next().map_or(0, char::len_utf8))
        }
        _ => (0, 0),
    };
    let (start, end) = (start.min(text.len()), start.saturating_add(len).min(text.len()));
    match text.get(start..end) {
        // Block scalars reach to the next line; the text itself ends before.
        Some(slice) => start..start + slice.trim_end().len(),
        None => 0..0,
    }
}

fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Says in plain words what the library found.
fn explain(error: &Error, text: &str) -> LoadError {
    let (error, place) = match error.without_snippet() {
        // Where the alias is used says more than where its text stands.
        Error::AliasError { error, locations, .. } => (error.as_ref(), locations.primary_location()),
        error => (error, error.location()),
    };
    let span = place.map_or(0..0, |location| byte_range(location, text));
    let too_much = |what: String| (what, Some("split it into several files".to_owned()));
    let (message, hint) = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => (format!("the key `{key}` stands here twice"), None),
        Error::DuplicateMappingKey { key: None, .. } => ("a key stands here twice".to_owned(), None),
        Error::MultipleDocuments { .. } => {
            ("a second document begins here".to_owned(), Some("one file is one document".to_owned()))
        }
        Error::UnknownAnchor { .. } => ("there is no anchor of this name".to_owned(), None),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => ("aliases expand to too much".to_owned(), None),
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => (format!("nested deeper than {MAX_DEPTH} levels"), None),
            BudgetBreach::Nodes { .. } => too_much(format!("the file has more than {MAX_NODES} values")),
            BudgetBreach::Aliases { .. } | BudgetBreach::AliasAnchorRatio { .. } => {
                (format!("the file has more than {MAX_ALIASES} aliases, or too many of one anchor"), None)
            }
            _ => too_much("the file is too large".to_owned()),
        },
        other => match sentence(&UserMessageFormatter.format_message(other)) {
            // What the scanner says of brackets, before any level is counted.
            words if words.contains("recursion limit") => (format!("nested deeper than {MAX_DEPTH} levels"), None),
            words => (format!("this is no YAML: {words}"), None),
        },
    };
    // The scanner says "tab" in several ways, from right behind the tab or from the text before it.
    if message.contains("tab") {
        let from = span.start.saturating_sub(1);
        let tab = text.bytes().skip(from).position(|byte| byte == b'\t').map(|at| from + at..from + at + 1);
        let hint = Some("use spaces".to_owned());
        return LoadError { message: "a tab stands here".to_owned(), span: tab.unwrap_or(span), hint };
    }
    LoadError { message, span, hint }
}

/// The library's words without line breaks and control characters, and not as an essay.
fn sentence(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    line.trim().trim_end_matches('.').to_owned()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Number(value.into())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        let number = serde_json::Number::from_f64(value).ok_or_else(|| E::custom("a number is finite"))?;
        Ok(Raw::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
