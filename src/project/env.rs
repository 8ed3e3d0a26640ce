//! `${NAME}` from the environment, in secret and address fields only.
//!
//! It happens to one scalar at a time and after parsing, so a value can never become YAML; and no
//! message carries a value, only names.

use std::ops::Range;

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvError {
    /// A sentence without a full stop.
    pub message: String,
    /// Byte range in the text: the `${…}`.
    pub range: Range<usize>,
    /// What to do.
    pub hint: String,
}

/// The byte ranges of every `${…}` in a text, with the name inside. One that is never closed
/// reaches to the end.
pub fn references(text: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let inside = &text[start + 2..];
        let (name, end) = match inside.find('}') {
            Some(close) => (&inside[..close], start + 2 + close + 1),
            None => (inside, text.len()),
        };
        found.push((start..end, name));
        from = end;
    }
    found
}

/// Whether a name can be one of the environment.
pub fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Fills a text in, or says everything that stands in the way.
pub fn fill(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Vec<EnvError>> {
    let mut filled = String::with_capacity(text.len());
    let mut errors = Vec::new();
    let mut from = 0;
    for (range, name) in references(text) {
        filled.push_str(&text[from..range.start]);
        from = range.end;
        if !is_name(name) || !text[..range.end].ends_with('}') {
            let message = "this names no environment variable".to_owned();
            errors.push(EnvError { message, range, hint: "write `${NAME}`".to_owned() });
        } else if let Some(value) = env(name) {
            filled.push_str(&value);
        } else {
            let message = format!("the environment variable `{name}` is not set");
            errors.push(EnvError { message, range, hint: "set it before the start".to_owned() });
        }
    }
    filled.push_str(&text[from..]);
    if errors.is_empty() { Ok(filled) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_never_read_again() {
        let env = |name: &str| (name == "A").then(|| "${A}: [x]".to_owned());
        assert_eq!(fill("a ${A} b $c", &env).expect("A is set"), "a ${A}: [x] b $c");
        let errors = fill("${A}${B} ${} ${open", &env).expect_err("three are wrong");
        let ranges: Vec<_> = errors.into_iter().map(|e| e.range).collect();
        assert_eq!(ranges, [4..8, 9..12, 13..19]);
    }
}
