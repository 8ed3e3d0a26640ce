//! Stand-ins for template code while a program that knows nothing of templates (MJML, HTML to text)
//! works on the text around it.

use super::source::{Kind, Segment};

/// Code that has been replaced by words of letters and digits, which survive text, attributes and
/// addresses unchanged.
#[derive(Debug)]
pub(super) struct Placeholders {
    prefix: String,
    codes: Vec<(Kind, String)>,
    /// Codes that are now part of another one.
    merged: Vec<usize>,
}

impl Placeholders {
    /// Hides the code of a template; comments vanish for good, but not their line ends.
    pub fn hide(pieces: &[Segment<'_>]) -> (Placeholders, String) {
        let mut prefix = String::from("wbq");
        while pieces.iter().any(|piece| piece.text.contains(&prefix)) {
            prefix.push('q');
        }
        let mut hidden = Placeholders { prefix, codes: Vec::new(), merged: Vec::new() };
        let mut out = String::new();
        for segment in pieces {
            match segment.kind {
                Kind::Text => out.push_str(segment.text),
                Kind::Comment => out.extend(segment.text.chars().filter(|c| *c == '\n')),
                Kind::Expression | Kind::Block => out.push_str(&hidden.add(segment.kind, segment.text.to_owned())),
            }
        }
        (hidden, out)
    }

    /// Hides an expression that was not in the file, given without its delimiters.
    pub fn add_expression(&mut self, code: &str) -> String {
        self.add(Kind::Expression, format!("{{{{ {code} }}}}"))
    }

    fn add(&mut self, kind: Kind, code: String) -> String {
        self.codes.push((kind, code));
        format!("{}{}e", self.prefix, self.codes.len() - 1)
    }

    /// Puts the code back; `literal` treats the text between.
    pub fn restore(&self, text: &str, literal: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in self.pieces(text) {
            match piece {
                Piece::Text(text) => out.push_str(&literal(text)),
                Piece::Code(at) => out.push_str(&self.codes[at].1),
            }
        }
        out
    }

    /// The first code of the file that is no longer in `text`.
    pub fn missing_from(&self, text: &str) -> Option<&str> {
        self.missing(text, |_| true)
    }

    /// Whether a block of the file is no longer in `text`.
    pub fn lacks_block(&self, text: &str) -> bool {
        self.missing(text, |kind| kind == Kind::Block).is_some()
    }

    fn missing(&self, text: &str, wanted: impl Fn(Kind) -> bool) -> Option<&str> {
        let kept: Vec<usize> = self.pieces(text).iter().filter_map(Piece::code).collect();
        let lost = |at: &usize| !kept.contains(at) && !self.merged.contains(at);
        let mut codes = self.codes.iter().enumerate();
        codes.find(|(at, (kind, _))| lost(at) && wanted(*kind)).map(|(_, (_, code))| code.as_str())
    }

    /// A text with stand-ins as one expression of the template language: `"text" ~ (code)`.
    /// `None` where a `{% … %}` is in it.
    pub fn as_expression(&mut self, text: &str) -> Option<String> {
        let mut parts = Vec::new();
        for piece in self.pieces(text) {
            parts.push(match piece {
                Piece::Text(text) => quoted(text),
                Piece::Code(at) => match &self.codes[at] {
                    (Kind::Expression, code) => {
                        format!("({})", Segment { kind: Kind::Expression, text: code }.code())
                    }
                    (Kind::Block | Kind::Text | Kind::Comment, _) => return None,
                },
            });
        }
        self.merged.extend(self.pieces(text).iter().filter_map(Piece::code));
        if parts.is_empty() { Some(quoted("")) } else { Some(parts.join(" ~ ")) }
    }

    fn pieces<'t>(&self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, _) in text.match_indices(&self.prefix) {
            let digits = &text[at + self.prefix.len()..];
            let length = digits.bytes().take_while(u8::is_ascii_digit).count();
            let known = digits[..length].parse::<usize>().ok().filter(|code| *code < self.codes.len());
            if let Some(code) = known
                && digits[length..].starts_with('e')
                && at >= from
            {
                if at > from {
                    pieces.push(Piece::Text(&text[from..at]));
                }
                pieces.push(Piece::Code(code));
                from = at + self.prefix.len() + length + 1;
            }
        }
        if from < text.len() {
            pieces.push(Piece::Text(&text[from..]));
        }
        pieces
    }
}

enum Piece<'t> {
    Text(&'t str),
    Code(usize),
}

impl Piece<'_> {
    fn code(&self) -> Option<usize> {
        match self {
            Piece::Code(at) => Some(*at),
            Piece::Text(_) => None,
        }
    }
}

/// A text as a literal of the template language, which shares JSON's escapes.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
