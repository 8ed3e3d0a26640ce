//! Which names the team may give, and which paths stay inside the project.

use super::expression;
use super::problems::{Place, Problems};
use super::text_map::TextMap;

/// Words that expressions already know: a feature or segment of the same name would hide them.
const RESERVED: &[&str] = &[
    "lifecycle",
    "previous_lifecycle",
    "r",
    "f",
    "m",
    "rfm",
    "rfm_type",
    "p_alive",
    "expected_orders",
    "as_of",
    "user_id",
    "days_since",
    "days_until",
    "reached",
    "opened",
    "clicked",
    "recalled",
    "converted",
    "bounced",
];

/// Words of SQL that the parser takes for names where it can, and readers do not.
const SQL_WORDS: &[&str] = &[
    "all", "and", "any", "as", "asc", "between", "by", "case", "cast", "desc", "distinct", "else", "end", "exists",
    "extract", "false", "from", "ilike", "in", "interval", "is", "like", "not", "null", "or", "order", "select",
    "similar", "then", "true", "when", "where",
];

/// Longest name, in bytes: it also becomes a file's and a column's.
const MAX_LENGTH: usize = 64;

/// Notes a problem unless `name` can be one of a workflow, stage, channel, state, variant or message:
/// `[a-z][a-z0-9_-]*`.
pub fn check_plain(kind: &str, name: &str, place: &Place, problems: &mut Problems) {
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_LENGTH
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if !sound {
        let message = format!("`{}` cannot be the name of a {kind}", shorten(name));
        let rule = format!("a small letter, then small letters, digits, `-` and `_`, at most {MAX_LENGTH}");
        problems.push(place.clone(), message, Some(rule));
    }
}

/// Notes a problem unless `name` can stand in an expression: `[a-z_][a-z0-9_]*`, and neither a word of
/// SQL nor one that expressions already know.
pub fn check_column(kind: &str, name: &str, place: &Place, problems: &mut Problems) {
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.len() <= MAX_LENGTH
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let (message, hint) = if !sound {
        let rule = format!("small letters, digits and `_`, not first a digit, at most {MAX_LENGTH}");
        (format!("`{}` cannot be the name of a {kind}", shorten(name)), rule)
    } else if RESERVED.contains(&name) || name.starts_with("clicked_") {
        (format!("`{name}` already means something in expressions"), "choose another name".to_owned())
    } else if SQL_WORDS.contains(&name) || !is_identifier(name, place) {
        (format!("`{name}` is a word of SQL"), "choose another name".to_owned())
    } else {
        return;
    };
    problems.push(place.clone(), message, Some(hint));
}

fn is_identifier(name: &str, place: &Place) -> bool {
    expression::parse(name, TextMap::guess(name, place))
        .is_ok_and(|parsed| matches!(parsed.ast, sqlparser::ast::Expr::Identifier(_)))
}

/// A relative path that stays below the project's root, with `/`; the error is what to write.
pub fn inner_path(text: &str) -> Result<String, String> {
    let path = text.trim_start_matches("./").trim_end_matches('/');
    if path.is_empty() || path.contains('\0') {
        return Err("a path below the project's folder".to_owned());
    }
    if path.contains('\\') {
        return Err("write `/` between folders".to_owned());
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') || path.contains("://") {
        return Err("a path below the project's folder, not an absolute one".to_owned());
    }
    if path.split('/').any(|part| part == "..") {
        return Err("`..` would leave the project's folder".to_owned());
    }
    Ok(path.to_owned())
}

/// A text cut to what a message can bear.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let mut short: String = line.chars().filter(|c| !c.is_control()).take(MOST).collect();
    if line.chars().count() > MOST || line.len() < text.trim_end().len() {
        short.push('…');
    }
    short
}
