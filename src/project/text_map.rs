//! Where each piece of a decoded scalar stands in its file.
//!
//! YAML quotes, escapes, folds and indents; a caret under one word of an expression needs the way
//! back. The map holds runs in which text and file go in step; where the way back cannot be told,
//! it holds none and every question is answered with the whole scalar.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use super::problems::Place;

/// The way back from a scalar's text to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMap {
    /// The scalar as a whole, with its quotes.
    whole: Place,
    /// Starts of runs, in order: offset in the text, offset in the file.
    runs: Vec<(usize, usize)>,
}

impl TextMap {
    /// For a `text` that stands at `place`, written in the file as `source`.
    pub fn new(text: &str, place: &Place, source: &str) -> TextMap {
        let runs = align(text, source)
            .map(|runs| runs.into_iter().map(|(t, s)| (t, s + place.span.start)).collect())
            .unwrap_or_default();
        TextMap { whole: place.clone(), runs }
    }

    /// For a `text` of whose writing only the length is known: as it is, or in quotes.
    pub fn guess(text: &str, place: &Place) -> TextMap {
        let runs = match place.span.len().checked_sub(text.len()) {
            Some(0) => vec![(0, place.span.start)],
            Some(2) => vec![(0, place.span.start + 1)],
            Some(_) | None => Vec::new(),
        };
        TextMap { whole: place.clone(), runs }
    }

    /// The place of a byte range of the text.
    pub fn place(&self, range: Range<usize>) -> Place {
        let span = match (self.offset(range.start), range.end.checked_sub(1).and_then(|last| self.offset(last))) {
            (Some(start), Some(last)) if range.start < range.end => start..last + 1,
            (Some(start), _) => start..start,
            (None, _) => self.whole.span.clone(),
        };
        Place { file: self.whole.file.clone(), span }
    }

    /// The whole scalar.
    pub fn whole(&self) -> &Place {
        &self.whole
    }

    /// The map of a part of the text that is to stand for itself.
    pub fn part(&self, range: Range<usize>) -> TextMap {
        let first = self.offset(range.start).map(|file| (0, file));
        let inner = self.runs.iter().filter(|(text, _)| *text > range.start && *text < range.end);
        let runs = first.into_iter().chain(inner.map(|(text, file)| (text - range.start, *file))).collect();
        TextMap { whole: self.place(range), runs }
    }

    fn offset(&self, text: usize) -> Option<usize> {
        let run = self.runs.partition_point(|(start, _)| *start <= text).checked_sub(1)?;
        let (from, to) = self.runs.get(run)?;
        Some(to + (text - from))
    }
}

/// How the scalar is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
}

/// Runs of `text` in `source`, or `None` where they cannot be brought together.
fn align(text: &str, source: &str) -> Option<Vec<(usize, usize)>> {
    // Plain comes first: the text of a block scalar may itself begin and end with quotes.
    walk(text, source, 0, Style::Plain).or_else(|| {
        let quote = source.chars().next().filter(|c| source.len() >= 2 && source.ends_with(*c))?;
        let style = match quote {
            '\'' => Style::Single,
            '"' => Style::Double,
            _ => return None,
        };
        walk(text, &source[1..source.len() - 1], 1, style)
    })
}

fn walk(text: &str, source: &str, shift: usize, style: Style) -> Option<Vec<(usize, usize)>> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut note = |text: usize, file: usize| {
        // Offsets that go on in step need no new run.
        if runs.last().is_none_or(|(t, f)| text - t != file - f) {
            runs.push((text, file));
        }
    };
    let (mut left, mut right) = (text.char_indices().peekable(), source.char_indices().peekable());
    while let Some((at, wanted)) = left.next() {
        if wanted.is_whitespace() && style != Style::Double {
            // Folding and indentation change white space only, never whether there is some.
            note(at, shift + right.peek().map_or(source.len(), |(at, _)| *at));
            skip_white(&mut left);
            skip_white(&mut right);
            continue;
        }
        let (mut found_at, mut found) = right.next()?;
        let escaped = match style {
            Style::Plain => false,
            Style::Single => found == '\'',
            Style::Double => found == '\\',
        };
        if escaped {
            (found_at, found) = right.next()?;
            if !matches!(found, '\'' | '"' | '\\' | '/') {
                return None;
            }
        }
        if found != wanted {
            return None;
        }
        note(at, shift + found_at);
    }
    skip_white(&mut right);
    right.peek().is_none().then_some(runs)
}

fn skip_white(chars: &mut Peekable<CharIndices<'_>>) {
    while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(text: &str, source: &'a str, word: &str) -> &'a str {
        let map = TextMap::new(text, &Place { file: "f".into(), span: 0..source.len() }, source);
        let start = text.find(word).expect("the word is in the text");
        &source[map.place(start..start + word.len()).span]
    }

    #[test]
    fn words_are_found_through_quotes_escapes_and_folds() {
        for (text, source) in [
            ("a = 'x' AND b", "a = 'x' AND b"),
            ("a = 'x' AND b", "'a = ''x'' AND b'"),
            ("a = \"x\" AND b", r#""a = \"x\" AND b""#),
            ("中 = '文' AND b", "\"中 = '文' AND b\""),
            ("a = 1\nAND b", "a = 1\n    AND b"),
            ("a = 1 AND b\n", "a = 1\n  AND b"),
        ] {
            assert_eq!(found(text, source, "AND"), "AND", "{source}");
            assert_eq!(found(text, source, "b"), "b", "{source}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_the_whole() {
        assert_eq!(found("a\tb", r#""a\tb""#, "b"), r#""a\tb""#);
    }
}
