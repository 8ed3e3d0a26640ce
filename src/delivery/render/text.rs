//! The text part: links in the author's own text, and a text where the author wrote none.

use html2text::config;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use url::Url;

use super::constructs::whole_constructs;
use super::html::decode;
use super::placeholder::{Placeholders, quoted};
use super::source::{Kind, Segment, segments};

/// Where lines of a derived text break.
const WIDTH: usize = 76;

/// Turns the bare http(s) addresses in a text template into calls of `link()`. Done to the author's
/// template, not to the rendered text, so that an address in a user's data stays as it came and
/// never gets a redirect on our host.
///
/// An address ends at white space, a quotation mark or bracket, or the first character outside of
/// ASCII (a sentence goes on right behind it in Chinese); a final full stop or comma is not part of
/// it. Expressions inside of it stay: `https://shop.example/u/{{ user.slug }}`.
pub(super) fn link_addresses(source: &str) -> String {
    let pieces = segments(source);
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    let mut rest = pieces.first().map_or("", |piece| piece.text);
    while let Some(piece) = pieces.get(at) {
        let start = if piece.kind == Kind::Text { address_start(rest) } else { None };
        if let Some(start) = start {
            out.push_str(&rest[..start]);
            let (parts, next, after) = address(&pieces, at, &rest[start..]);
            out.push_str(&call(&parts));
            (at, rest) = (next, after);
        } else {
            out.push_str(rest);
            at += 1;
            rest = pieces.get(at).map_or("", |piece| piece.text);
        }
    }
    out
}

/// One part of an address: its own characters or an expression.
enum Part<'a> {
    Characters(&'a str),
    Expression(Segment<'a>),
}

/// Collects an address that begins with `rest` in piece `at`; gives its parts, and where the
/// template goes on: the piece, and what remains of it.
fn address<'a>(pieces: &[Segment<'a>], mut at: usize, mut rest: &'a str) -> (Vec<Part<'a>>, usize, &'a str) {
    let mut parts = Vec::new();
    loop {
        let end = rest.find(|c: char| !is_address(c)).unwrap_or(rest.len());
        let next = pieces.get(at + 1).filter(|next| next.kind == Kind::Expression && end == rest.len());
        let end = if next.is_some() { end } else { without_punctuation(&rest[..end]) };
        if end > 0 {
            parts.push(Part::Characters(&rest[..end]));
        }
        let Some(expression) = next else { return (parts, at, &rest[end..]) };
        parts.push(Part::Expression(*expression));
        at += 2;
        match pieces.get(at) {
            Some(piece) if piece.kind == Kind::Text => rest = piece.text,
            Some(piece) => return (parts, at, piece.text),
            None => return (parts, at, ""),
        }
    }
}

fn call(parts: &[Part<'_>]) -> String {
    if let [Part::Characters(only)] = parts
        && Url::parse(only).is_err()
    {
        return (*only).to_owned();
    }
    let terms: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Characters(text) => quoted(text),
            Part::Expression(segment) => format!("({})", segment.code()),
        })
        .collect();
    format!("{{{{ link({}) }}}}", terms.join(" ~ "))
}

fn address_start(text: &str) -> Option<usize> {
    text.match_indices("http").map(|(at, _)| at).find(|at| {
        let apart = !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric());
        apart && (text[*at..].starts_with("http://") || text[*at..].starts_with("https://"))
    })
}

fn is_address(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\'' | '`' | '{' | '}' | '|' | '\\' | '^' | '[' | ']')
}

fn without_punctuation(text: &str) -> usize {
    let mut text = text;
    loop {
        let shorter = text.trim_end_matches(['.', ',', ';', ':', '!', '?', '*']);
        let shorter = if shorter.contains('(') { shorter } else { shorter.trim_end_matches(')') };
        if shorter.len() == text.len() {
            return text.len();
        }
        text = shorter;
    }
}

/// A text template that says what an HTML template says, made once. `None` where only the rendered
/// HTML can tell: a `{% … %}` has markup inside, or a value is escaped by hand.
pub(super) fn derive(html: &str) -> Option<String> {
    let pieces = whole_constructs(html)?;
    if !pieces.iter().all(|piece| piece.kind == Kind::Text || is_plain(piece.text)) {
        return None;
    }
    let (mut hidden, html) = Placeholders::hide(&pieces);
    let mut failed = false;
    let settings = RewriteStrSettings::new().with_strict(false).append_element_content_handler(element!(
        "a[href], area[href]",
        |el| {
            let href = decode(el.get_attribute("href").unwrap_or_default().trim()).into_owned();
            let role = el.get_attribute("data-role");
            if let (Some(href), Some(role)) = (
                hidden.as_expression(&href),
                role.map_or(Some(quoted("")), |role| hidden.as_expression(&decode(&role))),
            ) {
                let code = format!("link({href}, role={role})");
                el.set_attribute("href", &hidden.add_expression(&code))?;
            } else {
                failed = true;
            }
            Ok(())
        }
    ));
    let html = rewrite_str(&html, settings).ok().filter(|_| !failed)?;
    let text = from_html(&html).filter(|text| !hidden.lacks_block(text))?;
    Some(hidden.restore(&text, |literal| {
        literal.replace("{{", "{{ \"{{\" }}").replace("{%", "{{ \"{%\" }}").replace("{#", "{{ \"{#\" }}")
    }))
}

/// Whether code means the same in HTML and in text.
fn is_plain(code: &str) -> bool {
    !code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| matches!(word, "escape" | "e"))
}

/// The text of rendered HTML; `None` where it defeats the parser.
pub(super) fn from_html(html: &str) -> Option<String> {
    config::plain()
        .raw_mode(true)
        .link_footnotes(true)
        .no_link_wrapping()
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_text_become_links() {
        let links = |source: &str| link_addresses(source);
        assert_eq!(links("See https://a.example/x."), "See {{ link(\"https://a.example/x\") }}.");
        assert_eq!(
            links("看http://a.example/x，好 (https://b.example)"),
            "看{{ link(\"http://a.example/x\") }}，好 ({{ link(\"https://b.example\") }})"
        );
        assert_eq!(
            links("https://a.example/{{ user.a or 'x' }}/{{ user.b }}, {{ c }}"),
            "{{ link(\"https://a.example/\" ~ (user.a or 'x') ~ \"/\" ~ (user.b)) }}, {{ c }}"
        );
        for same in [
            "{{ link('https://a.example') }}",
            "https:// x",
            "{# https://a.example #}",
            "{% raw %}https://a.example{% endraw %}",
            "",
        ] {
            assert_eq!(links(same), same);
        }
    }

    #[test]
    fn a_text_template_is_derived_once_where_that_is_safe() {
        let text = derive(
            "<style>p{{ '{' }}</style><h1>Hi {{ user.name }}</h1><p>1 &lt; 2 &#123;{ x</p>\
             <a href='https://a.example/{{ user.id }}?x=1&amp;y=2' data-role='pay'>Buy {{ with.offer }}</a>\
             <a href='{{ unsubscribe_url }}'>Leave</a>",
        )
        .expect("no control structures");
        assert!(text.contains("Hi {{ user.name }}") && text.contains("1 < 2 {{ \"{{\" }} x"), "{text}");
        assert!(text.contains("link(\"https://a.example/\" ~ (user.id) ~ \"?x=1&y=2\", role=\"pay\")"), "{text}");
        assert!(text.contains("Buy {{ with.offer }}") && text.contains("link((unsubscribe_url), role=\"\")"), "{text}");
        let greeting = "Hi{% if user.name is defined %} {{ user.name }}{% endif %}!";
        assert_eq!(derive(&format!("<table><tr><td>{greeting}</table>")).as_deref().map(str::trim), Some(greeting));
        assert_eq!(derive("{% if x %}<p>a</p>{% endif %}"), None);
        assert_eq!(derive("<title>{% set x = 1 %}</title>{{ x }}"), None);
        assert_eq!(derive("{{ user.name | e }}"), None);
    }
}
