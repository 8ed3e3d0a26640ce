//! Which destinations a mail may carry, and their tracked form.

use url::Url;

use crate::domain::token::{MAX_ROLE, MAX_URL, Signer};

/// Makes the public links of messages.
#[derive(Debug, Clone)]
pub struct LinkMaker {
    /// Signs what the links say.
    pub signer: Signer,
    /// The public address, `https://host`, without a trailing slash. Empty where the project has none:
    /// then destinations stay as they are, and nobody can unsubscribe by a link.
    pub base_url: String,
}

/// Why a destination is refused. Never shows the destination: it may hold a user's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing there.
    #[error("the destination is empty")]
    Empty,
    /// No scheme: a mail has no page that the address could be relative to.
    #[error("the destination needs its full address, beginning with https://")]
    Relative,
    /// A scheme that runs code or that mail programs do not follow.
    #[error("only http, https, mailto and tel links can be sent")]
    Scheme,
    /// Control characters.
    #[error("the destination holds control characters")]
    Control,
    /// Not a URL after all.
    #[error("the destination is no address that a browser can follow")]
    Invalid,
    /// Longer than a token holds.
    #[error("the destination is longer than 2,048 characters")]
    Long,
    /// A role that is no name.
    #[error("a role is a name of small letters, digits and _, such as pay")]
    Role,
}

/// What becomes of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tracked {
    /// It is sent as it stands: an anchor, a mail address, a telephone number, or ours already.
    Unchanged,
    /// The tracked link to put in its place.
    As(String),
}

impl LinkMaker {
    /// The address that ends a user's subscription, by its page or by one click.
    pub fn unsubscribe_url(&self, message_id: i64) -> String {
        if self.base_url.is_empty() {
            return String::new();
        }
        format!("{}/u/{}", self.base_url, self.signer.unsubscribe(message_id))
    }

    /// Checks a destination (already free of HTML entities) and gives its tracked form.
    pub(super) fn track(&self, message_id: i64, href: &str, role: Option<&str>) -> Result<Tracked, LinkError> {
        let role = role.map(str::trim).filter(|role| !role.is_empty());
        if !role.is_none_or(is_role) {
            return Err(LinkError::Role);
        }
        let href = href.trim_matches(|c: char| c.is_ascii_whitespace());
        if href.is_empty() {
            return Err(LinkError::Empty);
        }
        if href.chars().any(char::is_control) {
            return Err(LinkError::Control);
        }
        if href.starts_with('#') || self.is_ours(href) {
            return Ok(Tracked::Unchanged);
        }
        match scheme(href).as_deref() {
            Some("http" | "https") => {
                let url = Url::parse(href).map_err(|_| LinkError::Invalid)?;
                if url.as_str().len() > MAX_URL {
                    return Err(LinkError::Long);
                }
                if self.base_url.is_empty() {
                    return Ok(Tracked::Unchanged);
                }
                let token = self.signer.click(message_id, role, url.as_str());
                Ok(Tracked::As(format!("{}/c/{token}", self.base_url)))
            }
            Some("mailto" | "tel") => Ok(Tracked::Unchanged),
            Some(_) => Err(LinkError::Scheme),
            None => Err(LinkError::Relative),
        }
    }

    /// Whether a destination is one of our own links with a token that we made.
    fn is_ours(&self, href: &str) -> bool {
        if self.base_url.is_empty() {
            return false;
        }
        let Some(path) = href.strip_prefix(self.base_url.as_str()) else { return false };
        if let Some(token) = path.strip_prefix("/c/") {
            return self.signer.read_click(token).is_some();
        }
        path.strip_prefix("/u/").is_some_and(|token| self.signer.read_unsubscribe(token).is_some())
    }
}

/// The scheme in small letters (RFC 3986 3.1); `None` where there is none.
fn scheme(href: &str) -> Option<String> {
    let (scheme, _) = href.split_once(':')?;
    let sound = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    sound.then(|| scheme.to_ascii_lowercase())
}

/// Whether a text names a role: it becomes part of the name `clicked_ROLE` in conditions.
fn is_role(role: &str) -> bool {
    role.len() <= MAX_ROLE
        && role.starts_with(|c: char| c.is_ascii_lowercase())
        && role.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_that_no_mail_may_carry() {
        let links = LinkMaker { signer: Signer::new(b"s"), base_url: "https://go.example".into() };
        let refused = |href: &str| links.track(1, href, None).expect_err(href);
        for href in
            ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://x"]
        {
            assert_eq!(refused(href), LinkError::Scheme, "{href}");
        }
        for href in
            ["/offers", "//shop.example", "shop.example", "javascript&colon;alert(1)", "?a=1", "offers/https://x"]
        {
            assert_eq!(refused(href), LinkError::Relative, "{href}");
        }
        assert_eq!(refused("java\tscript:x"), LinkError::Control);
        assert_eq!(refused("mailto:a@x.example\r\nBcc: b@x.example"), LinkError::Control);
        assert_eq!(refused("  "), LinkError::Empty);
        assert_eq!(refused("https://"), LinkError::Invalid);
        assert_eq!(refused(&format!("https://x.example/{}", "a".repeat(2048))), LinkError::Long);
        assert_eq!(links.track(1, "https://x.example", Some("Pay!")), Err(LinkError::Role));
    }

    #[test]
    fn our_own_links_are_left_alone_and_lookalikes_are_not() {
        let links = LinkMaker { signer: Signer::new(b"s"), base_url: "https://go.example".into() };
        let Ok(Tracked::As(tracked)) = links.track(1, " https://例子.example/路?a=1&b=2 ", Some("pay")) else {
            panic!("an ordinary link is tracked");
        };
        assert_eq!(links.track(1, &tracked, None), Ok(Tracked::Unchanged));
        assert_eq!(links.track(1, &links.unsubscribe_url(1), None), Ok(Tracked::Unchanged));
        for kept in ["#top", "mailto:a@x.example", "tel:+861000"] {
            assert_eq!(links.track(1, kept, None), Ok(Tracked::Unchanged));
        }
        assert!(matches!(links.track(1, "https://go.example/c/x", None), Ok(Tracked::As(_))));
        let click = links.signer.read_click(&tracked["https://go.example/c/".len()..]).expect("our token");
        assert_eq!((click.role.as_deref(), click.url.is_ascii()), (Some("pay"), true));
    }
}
