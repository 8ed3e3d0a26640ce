//! SQL expressions: one each, parsed for structure, with a way from the grammar tree back to the YAML.
//!
//! Names, types and the functions that are allowed are checked by `segments`, which knows the columns.

use std::ops::Range;

use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::dialect::ExpressionDialect;
use super::model::{Expression, OrderBy};
use super::names::shorten;
use super::problems::{Place, Problem};
use super::text_map::TextMap;

/// Longest expression, in characters.
const MAX_CHARS: usize = 4_000;
/// Most words and signs: a chain of operators is a tree as deep as the chain is long, and whoever
/// walks the tree does so by recursion.
const MAX_TOKENS: usize = 600;
/// Deepest nesting of parentheses, calls and the like, as the parser counts; each costs it stack.
const MAX_DEPTH: usize = 16;
/// Most of the words after which the parser reads what follows twice: each one inside another doubles
/// its work.
const MAX_TWICE: usize = 8;

/// Reads one expression that stands at `place`, as it is or in quotes.
pub fn parse_expression(text: &str, place: Place) -> Result<Expression, Problem> {
    parse(text, TextMap::guess(text, &place))
}

impl Expression {
    /// Where in the file a piece of the grammar tree stands; the whole expression where that cannot
    /// be told.
    pub fn locate(&self, span: Span) -> Place {
        locate(&self.text, &self.map, span)
    }
}

/// Reads one expression whose way back to the file is `map`.
pub(super) fn parse(text: &str, map: TextMap) -> Result<Expression, Problem> {
    let tokens = tokenize(text, &map)?;
    let mut parser =
        Parser::new(&ExpressionDialect).with_recursion_limit(MAX_DEPTH).with_tokens_with_locations(tokens.clone());
    let ast = parser.parse_expr().map_err(|error| explain(&error, text, &map, &tokens))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let message = format!("the expression is over before `{}`", shorten(&next.token.to_string()));
        let hint = Some("join conditions with one `AND` or `OR`".to_owned());
        return Err(Problem { message, place: locate(text, &map, next.span), hint });
    }
    Ok(Expression { text: text.to_owned(), ast, place: map.whole().clone(), map })
}

/// Reads `expression [ASC|DESC], …`.
pub(super) fn parse_order(text: &str, map: &TextMap) -> Result<Vec<OrderBy>, Vec<Problem>> {
    let tokens = tokenize(text, map).map_err(|problem| vec![problem])?;
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for mut tokens in split_at_commas(&tokens) {
        let mut descending = false;
        if let Some((last, before)) = tokens.split_last() {
            let word = last.token.to_string();
            let direction = ["ASC", "DESC"].into_iter().find(|d| word.eq_ignore_ascii_case(d));
            if let Some(direction) = direction {
                (descending, tokens) = (direction == "DESC", before);
            }
        }
        let range = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => byte_of(text, first.span.start)..byte_of(text, last.span.end),
            _ => {
                let message = "between commas stands an expression".to_owned();
                problems.push(Problem { message, place: map.whole().clone(), hint: None });
                continue;
            }
        };
        match parse(text.get(range.clone()).unwrap_or_default(), map.part(range)) {
            Ok(key) => keys.push(OrderBy { key, descending }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}

/// The tokens between commas that are in no parentheses, without white space.
fn split_at_commas(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut depth = 0i32;
    tokens
        .split(move |token| {
            match token.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => depth -= 1,
                _ => {}
            }
            depth == 0 && token.token == Token::Comma
        })
        .collect()
}

/// Words and signs without white space and comments.
fn tokenize(text: &str, map: &TextMap) -> Result<Vec<TokenWithSpan>, Problem> {
    let whole = |message: String| Problem { message, place: map.whole().clone(), hint: None };
    if text.trim().is_empty() {
        return Err(whole("the expression is empty".to_owned()));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(whole(format!("an expression has at most {MAX_CHARS} characters")));
    }
    let mut tokens = Tokenizer::new(&ExpressionDialect, text).tokenize_with_location().map_err(|error| {
        let place = locate(text, map, error.location.span_to(error.location));
        Problem { message: in_our_words(&error.message), place, hint: None }
    })?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    if tokens.len() > MAX_TOKENS {
        return Err(whole(format!("an expression has at most {MAX_TOKENS} words and signs")));
    }
    let read_twice = |token: &&TokenWithSpan| match &token.token {
        Token::Word(word) => matches!(word.keyword, Keyword::INTERVAL | Keyword::POSITION),
        _ => false,
    };
    if let Some(one_more) = tokens.iter().filter(read_twice).nth(MAX_TWICE) {
        let message = format!("an expression has at most {MAX_TWICE} words such as this");
        return Err(Problem { message, place: locate(text, map, one_more.span), hint: None });
    }
    Ok(tokens)
}

fn explain(error: &ParserError, text: &str, map: &TextMap, tokens: &[TokenWithSpan]) -> Problem {
    let whole = |message: String| Problem { message, place: map.whole().clone(), hint: None };
    match error {
        ParserError::RecursionLimitExceeded => whole("the expression is nested too deeply".to_owned()),
        ParserError::TokenizerError(message) => whole(in_our_words(message)),
        ParserError::ParserError(message) => match split_position(message) {
            Some((message, at)) => {
                let span = tokens.iter().find(|token| token.span.start == at).map_or(at.span_to(at), |t| t.span);
                Problem { message: in_our_words(message), place: locate(text, map, span), hint: None }
            }
            None => whole(in_our_words(message)),
        },
    }
}

/// The parser gives positions as text only: ` at Line: 1, Column: 2` at the end.
fn split_position(message: &str) -> Option<(&str, Location)> {
    let (rest, position) = message.rsplit_once(" at Line: ")?;
    let (line, column) = position.split_once(", Column: ")?;
    Some((rest, Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? }))
}

fn in_our_words(message: &str) -> String {
    let message = message.replace("found: EOF", "found its end");
    let message = match message.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found")) {
        Some((expected, found)) => {
            let found = found.strip_prefix(": ").map_or(found.to_owned(), |token| format!(" `{}`", shorten(token)));
            format!("expected {expected}, found{found}")
        }
        None => message,
    };
    let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    format!("this is no SQL expression: {message}")
}

fn locate(text: &str, map: &TextMap, span: Span) -> Place {
    // Line 0 is the parser's word for "nowhere".
    if span.start.line == 0 || span.end.line == 0 {
        return map.whole().clone();
    }
    let start = byte_of(text, span.start);
    let end = byte_of(text, span.end).max(start + text[start..].chars().next().map_or(0, char::len_utf8));
    let range: Range<usize> = start..end;
    if range.is_empty() { map.whole().clone() } else { map.place(range) }
}

/// Byte offset of a line and column, both counted in characters from 1.
fn byte_of(text: &str, location: Location) -> usize {
    let line = usize::try_from(location.line.saturating_sub(1)).unwrap_or(usize::MAX);
    let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let start = match line {
        0 => 0,
        _ => text.match_indices('\n').nth(line - 1).map_or(text.len(), |(at, _)| at + 1),
    };
    text[start..].char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::ast::Spanned;

    fn at(span: Range<usize>) -> Place {
        Place { file: "f".into(), span }
    }

    #[test]
    fn a_piece_of_the_tree_is_found_in_the_file() {
        let text = "城市 = '上海' AND x > 1";
        let file = format!("where: \"{text}\"");
        let parsed = parse_expression(text, at(7..file.len())).expect("a sound expression");
        let sqlparser::ast::Expr::BinaryOp { right, .. } = &parsed.ast else { panic!("an AND") };
        assert_eq!(&file[parsed.locate(right.span()).span], "x > 1");
    }

    #[test]
    fn errors_stand_where_they_are() {
        for (text, under, message) in [
            ("'中文' = city AND )", ")", "expected an expression, found `)`"),
            ("中 > 1 2", "2", "the expression is over before `2`"),
            ("a AND", "a AND", "found its end"),
            ("中 = 'open", "'", "Unterminated"),
            ("  ", "  ", "empty"),
            (&"(".repeat(3_000), &"(".repeat(3_000), "words and signs"),
            (&"(".repeat(500), &"(".repeat(500), "nested too deeply"),
            (&"x".repeat(4_001), &"x".repeat(4_001), "at most 4000"),
        ] {
            let problem = parse_expression(text, at(0..text.len())).expect_err(text);
            assert_eq!(&text[problem.place.span.clone()], under, "{problem:?}");
            assert!(problem.message.contains(message), "{}", problem.message);
        }
    }

    #[test]
    fn what_people_write_is_not_too_deep() {
        let text = format!(
            "{}a{} > 1 AND NOT (b IN (1, 2) OR (c = 1 AND (d = 2 OR abs(coalesce(e, 1)) = 1)))",
            "(".repeat(12),
            ")".repeat(12)
        );
        assert!(parse_expression(&text, at(0..text.len())).is_ok());
        let chain = vec!["a = 1"; 100].join(" OR ");
        assert!(parse_expression(&chain, at(0..chain.len())).is_ok());
    }

    #[test]
    fn an_order_is_split_outside_of_parentheses_only() {
        let text = "coalesce(a, b) DESC, c";
        let map = TextMap::guess(text, &at(0..text.len()));
        let keys = parse_order(text, &map).expect("two keys");
        let texts: Vec<_> = keys.iter().map(|k| (k.key.text.as_str(), k.descending)).collect();
        assert_eq!(texts, [("coalesce(a, b)", true), ("c", false)]);
        assert_eq!(keys[1].key.place.span, 21..22);
        assert!(parse_order("a,,b", &TextMap::guess("a,,b", &at(0..4))).is_err());
        assert!(parse_order("a DESC NULLS LAST", &TextMap::guess("", &at(0..17))).is_err());
    }
}
