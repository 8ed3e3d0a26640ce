//! Addresses and texts as strangers wrote them, before they come near a mail header.
//!
//! Stricter than RFC 5321 where being generous has bitten others: only dotted DNS domains, no quoted
//! local parts, no leading hyphen (it reads as an option of sendmail-like programs).

use std::fmt;

/// An address that mail can be sent to: its local part as written, its domain as A-labels.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    local: String,
    domain: String,
}

/// Why a text is no address we write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Empty after trimming.
    #[error("the address is empty")]
    Empty,
    /// No single `@` between two parts.
    #[error("an address is `name@domain`")]
    Shape,
    /// The local part is quoted, too long, or has characters outside RFC 5321's atom.
    #[error("the part before the @ cannot be used")]
    Local,
    /// The domain is not a dotted DNS name.
    #[error("the part after the @ is not a dotted domain name")]
    Domain,
    /// Longer than 254 octets.
    #[error("the address is longer than 254 characters")]
    Long,
}

impl EmailAddress {
    /// Reads an address: at most 64 octets before and 254 in all (RFC 5321 4.5.3.1).
    pub fn parse(text: &str) -> Result<EmailAddress, AddressError> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        check_local(local)?;
        let domain = ascii_domain(domain).ok_or(AddressError::Domain)?;
        if local.len() + 1 + domain.len() > 254 {
            return Err(AddressError::Long);
        }
        Ok(EmailAddress { local: local.to_owned(), domain })
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in A-labels, lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether the local part needs SMTPUTF8 (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// The address as it goes into the envelope.
    pub fn as_envelope(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The form under which an address is suppressed: lower case throughout, because no mail
    /// provider of note tells `Ann@` and `ann@` apart, and writing to either would be wrong.
    pub fn suppression_key(&self) -> String {
        self.as_envelope().to_lowercase()
    }
}

impl fmt::Debug for EmailAddress {
    /// Never the whole address: it must not reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain)
    }
}

fn check_local(local: &str) -> Result<(), AddressError> {
    let atom =
        |c: char| c.is_ascii_alphanumeric() || "!#%&'*+-/=?^_.~".contains(c) || (!c.is_ascii() && c.is_alphanumeric());
    let sound = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(atom)
        && !local.starts_with(['-', '.'])
        && !local.ends_with('.')
        && !local.contains("..");
    if sound { Ok(()) } else { Err(AddressError::Local) }
}

/// The A-label form of a dotted domain, or `None`.
pub fn ascii_domain(domain: &str) -> Option<String> {
    if domain.is_empty() || domain.ends_with('.') || domain.contains(char::is_whitespace) {
        return None;
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let top = labels.last()?;
    let sound = labels.len() >= 2
        && ascii.len() <= 253
        && labels.iter().all(|l| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-'))
        && top.len() >= 2
        && !top.bytes().all(|b| b.is_ascii_digit());
    sound.then_some(ascii)
}

/// A telephone number as suppressions know it: its digits, and the `+` before them, however it is written.
pub fn phone_key(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit);
    text.trim_start().chars().take(1).filter(|first| *first == '+').chain(digits).collect()
}

/// Whether a character may not stand in a name, subject or header: C0, DEL, C1, line and paragraph
/// separators, and the bidirectional controls that make text read other than it is.
pub fn is_forbidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text may become a header value.
pub fn is_clean(text: &str) -> bool {
    !text.chars().any(is_forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_libraries_accept_and_we_do_not() {
        for bad in [
            "",
            "a",
            "a@b",
            "a@127.0.0.1",
            "-oX@x.com",
            "${x}@x.com",
            "\"a b\"@x.com",
            "a@[127.0.0.1]",
            "a..b@x.com",
            "a b@x.com",
            "a@x..com",
            "a@-x.com",
            "a@x.com.",
            "a@x.c",
            "a\n@x.com",
            "a@x.com\r\nBcc: b@x.com",
            "@x.com",
            "a@b@c.com",
            "a@x.123",
            "a@x .com",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@x.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for text in ["+86 138-0000-0000", "+86 (138) 0000 0000", " +8613800000000 "] {
            assert_eq!(phone_key(text), "+8613800000000");
        }
    }

    #[test]
    fn addresses_in_use() {
        for good in ["ann@example.com", "Ann.B+tag@mail.example.co.uk", " o'neil@example.com ", "中文@example.com"] {
            assert!(EmailAddress::parse(good).is_ok(), "{good:?}");
        }
        let idn = EmailAddress::parse("ann@bücher.example").expect("an international domain");
        assert_eq!(idn.domain(), "xn--bcher-kva.example");
        assert!(!idn.needs_smtputf8());
        assert!(EmailAddress::parse("中文@example.com").expect("utf8").needs_smtputf8());
    }

    #[test]
    fn debug_never_shows_the_local_part() {
        let address = EmailAddress::parse("secret@example.com").expect("address");
        assert!(!format!("{address:?}").contains("secret"));
    }
}
