//! One streaming pass over the HTML of a mail: every link is checked and tracked, and nothing else
//! is reformatted.

use std::borrow::Cow;

use lol_html::errors::RewritingError;
use lol_html::{RewriteStrSettings, element, rewrite_str};

use super::links::{LinkError, LinkMaker, Tracked};

/// Why the links of a mail could not be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RewriteError {
    /// A link is refused: which (from 1), and why.
    Link(usize, LinkError),
    /// The HTML defeats the parser.
    Html,
}

/// Checks and tracks `<a href>` and `<area href>`; the role comes from `data-role`, which goes.
pub(super) fn track_links(html: &str, links: &LinkMaker, message_id: i64) -> Result<String, RewriteError> {
    let mut number = 0;
    let settings = RewriteStrSettings::new().with_strict(false).append_element_content_handler(element!(
        "a[href], area[href]",
        |el| {
            number += 1;
            let href = el.get_attribute("href").unwrap_or_default();
            let role = el.get_attribute("data-role");
            if let Tracked::As(url) = links.track(message_id, &decode(&href), role.as_deref())? {
                el.set_attribute("href", &url.replace('&', "&amp;"))?;
            }
            el.remove_attribute("data-role");
            Ok(())
        }
    ));
    let rewritten = rewrite_str(html, settings);
    rewritten.map_err(|error| match error {
        RewritingError::ContentHandlerError(error) => {
            error.downcast_ref().map_or(RewriteError::Html, |error| RewriteError::Link(number, *error))
        }
        _ => RewriteError::Html,
    })
}

/// Names of character references that can hide in a destination; others stay as they are, and a
/// destination whose scheme cannot be read for them is refused.
const NAMED: [(&str, char); 21] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("colon", ':'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("num", '#'),
    ("quest", '?'),
    ("equals", '='),
    ("percnt", '%'),
    ("period", '.'),
    ("commat", '@'),
    ("lowbar", '_'),
    ("plus", '+'),
    ("semi", ';'),
    ("comma", ','),
];

/// The value of an attribute as a browser reads it (HTML 13.2.5.72, character references).
pub(super) fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (c, length) = reference(&rest[at..]).unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that a reference at the start of `text` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    if let Some(number) = text.strip_prefix("&#") {
        let hex = number.strip_prefix(['x', 'X']);
        let (digits, radix, before) = hex.map_or((number, 10, 2), |digits| (digits, 16, 3));
        let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
        if length == 0 {
            return None;
        }
        let code = u32::from_str_radix(&digits[..length], radix).ok().filter(|code| *code != 0);
        let c = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        return Some((c, before + length + usize::from(digits[length..].starts_with(';'))));
    }
    let name = &text[1..];
    if let Some((word, c)) = NAMED.iter().find(|(word, _)| name.strip_prefix(word).is_some_and(|r| r.starts_with(';')))
    {
        return Some((*c, 1 + word.len() + 1));
    }
    // The oldest names are also read without `;`, unless a letter, digit or `=` follows.
    NAMED[..4].iter().find_map(|(word, c)| {
        let after = name.strip_prefix(word)?;
        let apart = !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '=');
        apart.then_some((*c, 1 + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::token::Signer;

    fn links() -> LinkMaker {
        LinkMaker { signer: Signer::new(b"s"), base_url: "https://go.example".into() }
    }

    #[test]
    fn links_are_tracked_and_the_rest_stays_byte_for_byte() {
        let html = "<P>A &amp; B<A class=x HREF='https://x.example/?a=1&amp;b=2&copy=3' data-role=pay>go</A>\
                    <a href=\"#top\">top</a><img src=\"https://x.example/i.png\"><a name=q>q</a>";
        let out = track_links(html, &links(), 9).expect("links");
        let (before, after) = out.split_once("https://go.example/c/").expect("one tracked link");
        assert_eq!(before, "<P>A &amp; B<A class=x HREF=\"");
        let (token, after) = after.split_once('"').expect("the end of the attribute");
        assert_eq!(after, ">go</A><a href=\"#top\">top</a><img src=\"https://x.example/i.png\"><a name=q>q</a>");
        let click = links().signer.read_click(token).expect("our token");
        assert_eq!(click.url, "https://x.example/?a=1&b=2&copy=3");
        assert_eq!((click.message_id, click.role.as_deref()), (9, Some("pay")));
        assert_eq!(track_links(&out, &links(), 9).as_deref(), Ok(out.as_str()));
    }

    #[test]
    fn dangerous_destinations_are_found_behind_references() {
        for href in [
            "javascript&colon;alert(1)",
            "&#106;avascript:x",
            "java&Tab;script:x",
            "&#x6A;avascript&#58;x",
            "\u{1}javascript:x",
        ] {
            let html = format!("<a href='https://x.example'>1</a><a href=\"{href}\">2</a>");
            let error = track_links(&html, &links(), 1).expect_err(href);
            assert!(matches!(error, RewriteError::Link(2, LinkError::Scheme | LinkError::Control)), "{href} {error:?}");
        }
        assert_eq!(decode("a&ampb&amp;&b;&lt&#0;&#xffffff;&#;"), "a&ampb&&b;<\u{fffd}\u{fffd}&#;");
    }
}
