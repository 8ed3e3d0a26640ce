//! The final bytes of a mail (RFC 5322, MIME): the same input gives the same bytes on every attempt.
//!
//! The header is written here rather than by lettre's builder: lettre panics on control characters
//! in a name, does not fold a word longer than a line, and lets an ASCII text that looks like an
//! encoded word (`=?utf-8?…`) through, to be decoded by the reader. The multipart body is lettre's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::domain::contact::{EmailAddress, is_clean};

/// Longest header value, in octets before encoding.
const MAX_VALUE: usize = 900;
/// Where header lines fold (RFC 5322 2.1.1 recommends 78 with CRLF).
const FOLD: usize = 76;
/// Longest line that is written where a word cannot be folded.
const MAX_LINE: usize = 900;
/// Octets of text in one encoded word, so that it fits a line of 76 behind `Subject:` (RFC 2047 2).
const WORD: usize = 39;

/// What a mail is made of.
#[derive(Debug, Clone, Copy)]
pub struct MailParts<'a> {
    /// The message's key: letters, digits, `.`, `_`, `-`; the left half of its Message-ID.
    pub key: &'a str,
    /// The name of From.
    pub from_name: Option<&'a str>,
    /// The address of From.
    pub from: &'a EmailAddress,
    /// Where answers go, if not to From.
    pub reply_to: Option<&'a EmailAddress>,
    /// The recipient's name.
    pub to_name: Option<&'a str>,
    /// The recipient.
    pub to: &'a EmailAddress,
    /// One line.
    pub subject: &'a str,
    /// When the message was made: the same on every attempt.
    pub date: DateTime<Utc>,
    /// The address that unsubscribes by one POST (RFC 8058).
    pub unsubscribe_url: &'a str,
    /// The text part.
    pub text: &'a str,
    /// The HTML part.
    pub html: &'a str,
}

/// Why there can be no mail of these parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// The key cannot stand in a Message-ID.
    #[error("the message's key holds characters that no Message-ID may hold")]
    Key,
    /// A name, the subject or a link holds control characters or turns the direction of text.
    #[error("{0} holds characters that no header may hold")]
    Unclean(&'static str),
    /// Longer than a header line may be.
    #[error("{0} is longer than a header line may be")]
    Long(&'static str),
}

/// Builds the mail; lines end with CRLF, nothing is dot-stuffed. A local part outside of ASCII
/// stands in the header as UTF-8 (RFC 6532), which only a server with SMTPUTF8 takes.
///
/// # Errors
/// Where a part must not become a header. No input makes it panic.
pub fn build(parts: &MailParts<'_>) -> Result<Vec<u8>, MimeError> {
    let key_is_sound = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if parts.key.is_empty() || parts.key.len() > 200 || !parts.key.bytes().all(key_is_sound) {
        return Err(MimeError::Key);
    }
    let answers = parts.reply_to.unwrap_or(parts.from);
    let mut header = Header { out: String::with_capacity(1024) };
    header.mailbox("From", parts.from_name, parts.from)?;
    header.mailbox("To", parts.to_name, parts.to)?;
    if let Some(reply_to) = parts.reply_to {
        header.mailbox("Reply-To", None, reply_to)?;
    }
    header.text("Subject", parts.subject)?;
    header.line("Date", &[parts.date.format("%a, %d %b %Y %H:%M:%S +0000").to_string()])?;
    header.line("Message-ID", &[format!("<{}@{}>", parts.key, parts.from.domain())])?;
    // The mail address is the one that people answer to: who reads it takes the wish by hand, until
    // there is a mailbox of our own for it.
    let by_mail = format!("<mailto:{}?subject=unsubscribe>", in_mailto(answers));
    header.line("List-Unsubscribe", &[format!("<{}>,", in_angles(parts.unsubscribe_url)?), by_mail])?;
    header.line("List-Unsubscribe-Post", &["List-Unsubscribe=One-Click".to_owned()])?;
    header.line("MIME-Version", &["1.0".to_owned()])?;

    let mut bytes = header.out.into_bytes();
    bytes.extend(body(parts).formatted());
    Ok(bytes)
}

/// The two alternatives, the better one last (RFC 2046 5.1.4). The boundary follows from the key,
/// and its `=_` never occurs in quoted-printable text (RFC 2045 6.7).
fn body(parts: &MailParts<'_>) -> MultiPart {
    let boundary = format!("=_{}", hex::encode(&Sha256::digest(parts.key.as_bytes())[..16]));
    let part = |kind: ContentType, text: &str| {
        SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(text.to_owned())
    };
    MultiPart::alternative()
        .boundary(boundary)
        .singlepart(part(ContentType::TEXT_PLAIN, parts.text))
        .singlepart(part(ContentType::TEXT_HTML, parts.html))
}

/// The header of a mail, line by line.
struct Header {
    out: String,
}

impl Header {
    /// Writes a header of words, folded between them where the line becomes long.
    fn line(&mut self, name: &'static str, words: &[String]) -> Result<(), MimeError> {
        self.out.push_str(name);
        self.out.push(':');
        let mut width = name.len() + 1;
        for (at, word) in words.iter().enumerate() {
            if width + 1 + word.len() > FOLD && at > 0 {
                self.out.push_str("\r\n");
                width = 0;
            }
            width += 1 + word.len();
            if width > MAX_LINE {
                return Err(MimeError::Long(name));
            }
            self.out.push(' ');
            self.out.push_str(word);
        }
        self.out.push_str("\r\n");
        Ok(())
    }

    /// Writes free text (RFC 2047 where it is not plain ASCII).
    fn text(&mut self, name: &'static str, value: &str) -> Result<(), MimeError> {
        self.line(name, &words(name, value, |_| true)?)
    }

    /// Writes a name, if any, and an address.
    fn mailbox(&mut self, header: &'static str, name: Option<&str>, address: &EmailAddress) -> Result<(), MimeError> {
        let name = name.map(str::trim).unwrap_or_default();
        if name.is_empty() {
            return self.line(header, &[address.as_envelope()]);
        }
        let mut words = if is_quotable(name) {
            vec![format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))]
        } else {
            words(header, name, is_atom)?
        };
        words.push(format!("<{}>", address.as_envelope()));
        self.line(header, &words)
    }
}

/// Characters of an atom (RFC 5322 3.2.3) and the space: a name of these needs no quotes.
fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c)
}

/// Whether a name becomes one quoted string: plain ASCII that is no atom, short enough for a line.
fn is_quotable(name: &str) -> bool {
    name.len() <= 60
        && !name.contains("=?")
        && name.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !name.chars().all(is_atom)
}

/// A header value as words to be separated by one space: as it stands where every character is
/// plain, else as encoded words, which need no quotes either.
fn words(header: &'static str, value: &str, plain: fn(char) -> bool) -> Result<Vec<String>, MimeError> {
    if !is_clean(value) {
        return Err(MimeError::Unclean(header));
    }
    if value.len() > MAX_VALUE {
        return Err(MimeError::Long(header));
    }
    let as_it_stands = value.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && plain(c))
        && !value.contains("=?")
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.contains("  ")
        && value.split(' ').all(|word| word.len() < FOLD);
    if as_it_stands {
        return Ok(value.split(' ').map(str::to_owned).collect());
    }
    let mut words = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(&rest[..end])));
        rest = &rest[end..];
    }
    Ok(words)
}

/// An address in a `mailto:` URI (RFC 6068 2).
fn in_mailto(address: &EmailAddress) -> String {
    let mut out = String::new();
    for byte in address.as_envelope().bytes() {
        if byte.is_ascii_alphanumeric() || b"@.-_~!$'*+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A URL that may stand between angle brackets.
fn in_angles(url: &str) -> Result<&str, MimeError> {
    let sound = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
    if sound { Ok(url) } else { Err(MimeError::Unclean("List-Unsubscribe")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("an address")
    }

    fn mail(name: &str, subject: &str, text: &str, html: &str) -> Result<Vec<u8>, MimeError> {
        let (from, reply_to, to) =
            (address("hello@shop.example"), address("a+b%c@shop.example"), address("中@bücher.example"));
        build(&MailParts {
            key: "w-12",
            from_name: Some(name),
            from: &from,
            reply_to: Some(&reply_to),
            to_name: Some(name),
            to: &to,
            subject,
            date: DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
            unsubscribe_url: "https://go.shop.example/u/TOKEN",
            text,
            html,
        })
    }

    /// The headers of a mail, unfolded, and its body.
    fn read(bytes: &[u8]) -> (Vec<(String, String)>, String) {
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let (header, body) = text.split_once("\r\n\r\n").expect("an empty line");
        assert!(header.split("\r\n").all(|line| line.len() <= 900), "{header}");
        let header = header.replace("\r\n ", " ");
        let pairs = header.split("\r\n").map(|line| line.split_once(": ").expect("a header"));
        (pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(), body.to_owned())
    }

    const NAMES: [&str; 10] = [
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
        "Content-Type",
    ];

    #[test]
    fn the_header_is_exactly_ours() {
        let bytes = mail("Ann, \"A\" <x@y.z>", "小店 = your basket", "Hi\nthere", "<p>é</p>").expect("a mail");
        assert_eq!(bytes, mail("Ann, \"A\" <x@y.z>", "小店 = your basket", "Hi\nthere", "<p>é</p>").expect("a mail"));
        let (header, body) = read(&bytes);
        assert_eq!(header.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), NAMES);
        let value = |name: &str| header.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).expect(name);
        assert_eq!(value("From"), "\"Ann, \\\"A\\\" <x@y.z>\" <hello@shop.example>");
        assert_eq!(value("Reply-To"), "a+b%c@shop.example");
        assert_eq!(value("Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
        assert_eq!(value("Message-ID"), "<w-12@shop.example>");
        assert_eq!(
            value("List-Unsubscribe"),
            "<https://go.shop.example/u/TOKEN>, <mailto:a+b%25c@shop.example?subject=unsubscribe>"
        );
        assert_eq!(value("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        assert!(
            body.contains("Content-Transfer-Encoding: quoted-printable\r\n") && body.contains("<p>=C3=A9</p>"),
            "{body}"
        );
    }

    #[test]
    fn what_must_not_become_a_header_is_refused() {
        assert_eq!(mail("a\r\nBcc: b@c.example", "s", "", ""), Err(MimeError::Unclean("From")));
        assert_eq!(mail("a", "s\u{202e}", "", ""), Err(MimeError::Unclean("Subject")));
        assert_eq!(mail("a", &"s".repeat(901), "", ""), Err(MimeError::Long("Subject")));
        assert!(mail("a", &"s".repeat(900), "", "").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_adds_a_header_or_panics(name in "\\PC{0,40}|.{0,40}", subject in "\\PC{0,300}|[\\r\\n -~]{0,60}", text in "(?s).{0,300}", html in "(?s)[\\r\\n.=_a-z-]{0,300}") {
            let Ok(bytes) = mail(&name, &subject, &text, &html) else {
                prop_assert!(!is_clean(&name) || !is_clean(&subject) || subject.len() > 900);
                return Ok(());
            };
            let (header, body) = read(&bytes);
            prop_assert_eq!(header.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), NAMES);
            prop_assert!(body.is_ascii() && body.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
            prop_assert_eq!(body.matches("\r\n--=_").count() + usize::from(body.starts_with("--=_")), 3);
        }
    }
}
