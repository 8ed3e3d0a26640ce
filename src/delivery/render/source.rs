//! Where the code of a template begins and ends: just enough of the template grammar to tell the
//! author's text from expressions, without compiling anything.

/// What a piece of a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The author's text.
    Text,
    /// `{{ … }}`.
    Expression,
    /// `{% … %}`, and everything from `{% raw %}` to `{% endraw %}`.
    Block,
    /// `{# … #}`.
    Comment,
}

/// A piece of a template, with its delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it stands in the file.
    pub text: &'a str,
}

impl<'a> Segment<'a> {
    /// The code between the delimiters, without the marks that trim white space.
    pub fn code(&self) -> &'a str {
        let inner = self.text.get(2..self.text.len().saturating_sub(2)).unwrap_or_default();
        inner.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim()
    }
}

/// Divides a template; the pieces put together are the template again. What is never closed ends
/// with the file: compiling says what is wrong with it.
pub(super) fn segments(source: &str) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((kind, at)) = next_code(rest) {
        let (text, code) = rest.split_at(at);
        if !text.is_empty() {
            found.push(Segment { kind: Kind::Text, text });
        }
        let length = code_length(kind, code);
        let (code, after) = code.split_at(length);
        found.push(Segment { kind, text: code });
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Segment { kind: Kind::Text, text: rest });
    }
    found
}

fn next_code(text: &str) -> Option<(Kind, usize)> {
    text.match_indices('{').find_map(|(at, _)| match text.as_bytes().get(at + 1) {
        Some(b'{') => Some((Kind::Expression, at)),
        Some(b'%') => Some((Kind::Block, at)),
        Some(b'#') => Some((Kind::Comment, at)),
        _ => None,
    })
}

fn code_length(kind: Kind, code: &str) -> usize {
    match kind {
        Kind::Text => 0,
        Kind::Comment => code.find("#}").map_or(code.len(), |at| at + 2),
        Kind::Expression => closing(code, "}}"),
        Kind::Block => {
            let length = closing(code, "%}");
            let segment = Segment { kind, text: &code[..length] };
            if segment.code() == "raw" { raw_length(code, length) } else { length }
        }
    }
}

/// The end of the first `close` that stands outside of a quoted text.
fn closing(code: &str, close: &str) -> usize {
    let mut quote: Option<char> = None;
    let mut chars = code.char_indices().skip(2);
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if code[at..].starts_with(close) => return at + close.len(),
            None => {}
        }
    }
    code.len()
}

fn raw_length(code: &str, from: usize) -> usize {
    code[from..]
        .match_indices("{%")
        .find_map(|(at, _)| {
            let block = &code[from + at..];
            let length = closing(block, "%}");
            (Segment { kind: Kind::Block, text: &block[..length] }.code() == "endraw").then_some(from + at + length)
        })
        .unwrap_or(code.len())
}

/// The line, from 1, of a byte position.
pub(super) fn line_at(source: &str, position: usize) -> usize {
    1 + source.bytes().take(position).filter(|b| *b == b'\n').count()
}

/// The line of the first code that contains `needle` as a whole word; 1 where none does.
pub(super) fn line_of(source: &str, needle: &str) -> usize {
    let mut position = 0;
    for segment in segments(source) {
        if segment.kind != Kind::Text
            && let Some(at) = find_word(segment.text, needle)
        {
            return line_at(source, position + at);
        }
        position += segment.text.len();
    }
    1
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        let source = "a {{ \"}}\" ~ 'x' }}b{%- raw -%}{{ no }}{% endraw %}{# }} #}{ c {{ open";
        let found = segments(source);
        let kinds: Vec<Kind> = found.iter().map(|s| s.kind).collect();
        use Kind::{Block, Comment, Expression, Text};
        assert_eq!(kinds, [Text, Expression, Text, Block, Comment, Text, Expression]);
        assert_eq!(found.iter().map(|s| s.text).collect::<String>(), source);
        assert_eq!(found[1].code(), "\"}}\" ~ 'x'");
        assert_eq!(line_of("x\nuser.a\n{{ user.ab }}\n{{ user.a }}", "user.a"), 4);
    }
}
