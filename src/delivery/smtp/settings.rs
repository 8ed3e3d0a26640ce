//! How a relay is reached: its URL taken apart, and how long its answers may take.

use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::project::model::Secret;

/// Connections to one relay unless said otherwise: what large relays allow from one address.
const CONNECTIONS: usize = 20;

/// How a relay is reached.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Name or address, an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When the connection is encrypted.
    pub security: Security,
    /// User and password, where the URL has them.
    pub login: Option<Login>,
    /// What we call ourselves in EHLO, a domain name; the address literal `[127.0.0.1]` without it,
    /// as RFC 5321 4.1.4 wants of a client without a name.
    pub hello: Option<String>,
    /// A PEM file with a root certificate to trust besides the public ones: a private authority.
    pub extra_root: Option<PathBuf>,
    /// At most this many connections at once, at least 1.
    pub connections: usize,
}

/// When the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte (`smtps://`, RFC 8314).
    Implicit,
    /// By STARTTLS, or not at all (`tls=required`).
    Required,
    /// By STARTTLS if it is offered (`tls=opportunistic`); a password still goes out only over
    /// verified TLS.
    Opportunistic,
    /// Never (`tls=none`): the author said so, and a password goes out as it is.
    None,
}

/// User and password of a relay. Neither is printed: the user is often an e-mail address.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: Secret,
    /// The password.
    pub password: Secret,
}

/// Why a URL names no relay. No variant repeats any part of it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    /// Not a URL at all.
    #[error("not a URL; write `smtp://user:password@host:port`")]
    Syntax,
    /// Another scheme.
    #[error("the URL must start with `smtp://` or `smtps://`")]
    Scheme,
    /// No host.
    #[error("the URL names no host")]
    Host,
    /// A password without a user or the other way round.
    #[error("the URL needs both a user and a password, or neither")]
    Login,
    /// Not percent-encoded UTF-8, or control characters.
    #[error("the user or password is not percent-encoded text")]
    Encoding,
    /// Something after the host other than `?tls=`.
    #[error("only `?tls=required`, `?tls=opportunistic` or `?tls=none` may follow the host")]
    Extra,
    /// `smtps://` is always encrypted.
    #[error("`smtps://` is always encrypted; leave `tls=` out")]
    Contradiction,
}

impl SmtpSettings {
    /// Reads `smtp://user:password@host:port?tls=required|opportunistic|none` or `smtps://…`.
    ///
    /// Without a port: 465 for `smtps`, else 587 with a login and 25 without. Without `tls`:
    /// required on port 587 or with a login, else opportunistic.
    pub fn parse(text: &str) -> Result<SmtpSettings, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_| SmtpUrlError::Syntax)?;
        let implicit = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(SmtpUrlError::Scheme),
        };
        let host = host(&url).ok_or(SmtpUrlError::Host)?;
        let login = login(&url)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpUrlError::Extra);
        }
        let port = url.port().unwrap_or(match (implicit, &login) {
            (true, _) => 465,
            (false, Some(_)) => 587,
            (false, None) => 25,
        });
        let security = match (implicit, url.query()) {
            (true, None) => Security::Implicit,
            (true, Some(_)) => return Err(SmtpUrlError::Contradiction),
            (false, None) if port == 587 || login.is_some() => Security::Required,
            (false, None) => Security::Opportunistic,
            (false, Some("tls=required")) => Security::Required,
            (false, Some("tls=opportunistic")) => Security::Opportunistic,
            (false, Some("tls=none")) => Security::None,
            (false, Some(_)) => return Err(SmtpUrlError::Extra),
        };
        Ok(SmtpSettings { host, port, security, login, hello: None, extra_root: None, connections: CONNECTIONS })
    }
}

/// The host in the form that a resolver takes. The url crate leaves names of unknown schemes as they
/// are, so an address stands there as a name and an international name is not yet in A-labels.
fn host(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => match name.parse::<std::net::Ipv4Addr>() {
            Ok(address) => Some(address.to_string()),
            Err(_) => {
                let name = percent_decoded(name).ok()?;
                idna::domain_to_ascii_strict(&name).ok().filter(|ascii| !ascii.is_empty())
            }
        },
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

fn login(url: &Url) -> Result<Option<Login>, SmtpUrlError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpUrlError::Login),
        (user, Some(password)) => {
            Ok(Some(Login { user: Secret(percent_decoded(user)?), password: Secret(percent_decoded(password)?) }))
        }
    }
}

/// Undoes percent-encoding. A `+` stays a plus (this is no form), and control characters are
/// refused: NUL separates the fields of AUTH PLAIN.
fn percent_decoded(text: &str) -> Result<String, SmtpUrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(SmtpUrlError::Encoding);
        };
        bytes.push((high * 16 + low) as u8);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| SmtpUrlError::Encoding)?;
    if decoded.chars().any(char::is_control) { Err(SmtpUrlError::Encoding) } else { Ok(decoded) }
}

/// How long each step may take. The defaults are the minima of RFC 5321 4.5.3.2; being less patient
/// at the final dot is how the same mail gets delivered twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the name and the TCP connect (ours; the RFC has none).
    pub connect: Duration,
    /// The server's greeting, and a TLS handshake.
    pub greeting: Duration,
    /// EHLO, STARTTLS, AUTH, MAIL and RCPT.
    pub command: Duration,
    /// DATA until 354.
    pub data: Duration,
    /// Each block of the message.
    pub block: Duration,
    /// The final dot until the answer.
    pub dot: Duration,
    /// RSET on a connection about to be used again: failing costs only a new connection, so there
    /// is no reason to wait long (ours).
    pub reset: Duration,
    /// QUIT; the mails are settled by then (ours).
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Timeouts {
            connect: Duration::from_secs(30),
            greeting: minutes(5),
            command: minutes(5),
            data: minutes(2),
            block: minutes(3),
            dot: minutes(10),
            reset: Duration::from_secs(10),
            quit: Duration::from_secs(2),
        }
    }
}

impl Timeouts {
    /// The same proportions, shorter by `divisor` (at least 1): for trying out what happens when a
    /// server falls silent.
    pub fn divided_by(self, divisor: u32) -> Timeouts {
        let divide = |d: Duration| d / divisor.max(1);
        Timeouts {
            connect: divide(self.connect),
            greeting: divide(self.greeting),
            command: divide(self.command),
            data: divide(self.data),
            block: divide(self.block),
            dot: divide(self.dot),
            reset: divide(self.reset),
            quit: divide(self.quit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (String, u16, Security, Option<(String, String)>) {
        let s = SmtpSettings::parse(text).expect(text);
        (s.host, s.port, s.security, s.login.map(|l| (l.user.0, l.password.0)))
    }

    #[test]
    fn urls_and_their_defaults() {
        let login = |u: &str, p: &str| Some((u.to_owned(), p.to_owned()));
        let h = || "mail.example.com".to_owned();
        assert_eq!(parse("smtp://mail.example.com"), (h(), 25, Security::Opportunistic, None));
        assert_eq!(parse("smtp://mail.example.com:587/"), (h(), 587, Security::Required, None));
        assert_eq!(parse("smtp://u:p@mail.example.com"), (h(), 587, Security::Required, login("u", "p")));
        assert_eq!(parse("smtp://u:p@mail.example.com:2525?tls=none"), (h(), 2525, Security::None, login("u", "p")));
        assert_eq!(parse("smtp://mail.example.com?tls=required"), (h(), 25, Security::Required, None));
        assert_eq!(parse("smtps://mail.example.com"), (h(), 465, Security::Implicit, None));
        assert_eq!(parse("SMTP://Mail.Example.com:25?tls=opportunistic"), (h(), 25, Security::Opportunistic, None));
        assert_eq!(parse("smtp://127.0.0.1:2525").0, "127.0.0.1");
        assert_eq!(parse("smtp://[::1]:2525").0, "::1");
        assert_eq!(parse("smtp://bücher.example").0, "xn--bcher-kva.example");
        let (_, _, _, decoded) = parse("smtps://ann%40example.com:p%3A%2F+%C3%A9@mail.example.com");
        assert_eq!(decoded, login("ann@example.com", "p:/+é"));
    }

    #[test]
    fn errors_say_what_is_wrong_and_never_the_url() {
        for (text, expected) in [
            ("", SmtpUrlError::Syntax),
            ("mail.example.com", SmtpUrlError::Syntax),
            ("http://u:hunter2@mail.example.com", SmtpUrlError::Scheme),
            ("smtp:mail.example.com", SmtpUrlError::Host),
            ("smtp://", SmtpUrlError::Host),
            ("smtp://a b", SmtpUrlError::Syntax),
            ("smtp://hunter2@mail.example.com", SmtpUrlError::Login),
            ("smtp://:hunter2@mail.example.com", SmtpUrlError::Login),
            ("smtp://u:hunter2%zz@mail.example.com", SmtpUrlError::Encoding),
            ("smtp://u:hunter2%00@mail.example.com", SmtpUrlError::Encoding),
            ("smtp://u:hunter2%ff@mail.example.com", SmtpUrlError::Encoding),
            ("smtp://u:hunter2@mail.example.com/x", SmtpUrlError::Extra),
            ("smtp://u:hunter2@mail.example.com?tls=maybe", SmtpUrlError::Extra),
            ("smtp://u:hunter2@mail.example.com#x", SmtpUrlError::Extra),
            ("smtps://u:hunter2@mail.example.com?tls=none", SmtpUrlError::Contradiction),
        ] {
            let error = SmtpSettings::parse(text).expect_err(text);
            assert_eq!(error, expected, "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let settings = SmtpSettings::parse("smtp://carol:hunter2@mail.example.com").expect("settings");
        assert!(!format!("{settings:?}").contains("hunter2") && !format!("{settings:?}").contains("carol"));
    }

    #[test]
    fn waiting_is_never_shorter_than_the_rfc_demands() {
        let t = Timeouts::default();
        assert_eq!([t.greeting, t.command, t.data, t.block, t.dot].map(|d| d.as_secs()), [300, 300, 120, 180, 600]);
        assert_eq!(t.divided_by(600).dot, Duration::from_secs(1));
        assert_eq!(t.divided_by(0), t);
    }
}
