//! What a negative reply means. Pure: a step, a code and a text in, a verdict out.

use std::fmt;

use crate::delivery::excerpt::excerpt;
use crate::delivery::transport::Fault;

/// The command that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// MAIL FROM: about us.
    Mail,
    /// RCPT TO: about the recipient, or about what the server thinks of us.
    Rcpt,
    /// DATA, before any of the message.
    Data,
    /// The final dot: about the message, from servers that decide late also about the recipient.
    Dot,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Mail => "MAIL",
            Step::Rcpt => "RCPT",
            Step::Data => "DATA",
            Step::Dot => "final dot",
        })
    }
}

/// What a negative reply means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again later.
    Later,
    /// Refused for good.
    Refused(Fault),
    /// The server wants a login that we did not give it: no message is to blame.
    Login,
}

/// Reads a negative reply: `code` is 400 to 599 and `text` what follows it, beginning with the
/// enhanced status code (RFC 3463) where there is one.
///
/// Only the codes that say "no such mailbox" blame the address. All that speaks of policy, security,
/// protocol or content is ours, because a list that loses subscribers over our own bad signature
/// never gets them back.
pub fn classify(step: Step, code: u16, text: &str) -> Verdict {
    match (step, code) {
        (_, ..500) => Verdict::Later,
        // RFC 5321 4.5.3.1.10: older servers say 552 for "too many recipients".
        (Step::Rcpt, 552) => Verdict::Later,
        (_, 530 | 534 | 535 | 538) => Verdict::Login,
        // Before a recipient is named nothing can be the recipient's fault, and DATA is no answer
        // about an address.
        (Step::Mail | Step::Data, _) => Verdict::Refused(Fault::Ours),
        (Step::Rcpt | Step::Dot, _) => Verdict::Refused(match enhanced(text) {
            Some((1, 1 | 2 | 3 | 6 | 10) | (2, 1)) => Fault::Address,
            // Our sender address, our size.
            Some((1, 7 | 8) | (2, 3)) => Fault::Ours,
            Some((3 | 5 | 6 | 7, _)) => Fault::Ours,
            Some(_) => Fault::Unclear,
            None => match (step, code) {
                (Step::Rcpt, 550 | 551 | 553 | 554) => Fault::Unclear,
                // The address was taken at RCPT: what is refused now is the message.
                (Step::Mail | Step::Rcpt | Step::Data | Step::Dot, _) => Fault::Ours,
            },
        }),
    }
}

/// The subject and detail of `5.subject.detail` at the beginning of a text. `#5.1.1` and `5.1.1:` are
/// no RFC 3463, but common.
fn enhanced(text: &str) -> Option<(u16, u16)> {
    let word = text.split_whitespace().next()?;
    let mut parts = word.trim_start_matches('#').trim_end_matches(':').split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |part: &str| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    if class == "5" && parts.next().is_none() { Some((number(subject)?, number(detail)?)) } else { None }
}

/// A reply as it is kept: `RCPT: 550 5.1.1 no such user`, without addresses and at most 200
/// characters of the server's own words.
pub fn stored(step: Step, code: u16, text: &str) -> String {
    format!("{step}: {code} {}", excerpt(text)).trim_end().to_owned()
}

/// Whether a kept reply is a 550 to RCPT without an enhanced code. One of them may mean anything;
/// two for the same address, of different messages, count as "no such mailbox".
pub fn is_bare_550(stored: &str) -> bool {
    stored
        .strip_prefix("RCPT: 550")
        .is_some_and(|text| (text.is_empty() || text.starts_with(' ')) && enhanced(text).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Verdict = Verdict::Refused(Fault::Address);
    const OURS: Verdict = Verdict::Refused(Fault::Ours);
    const UNCLEAR: Verdict = Verdict::Refused(Fault::Unclear);

    #[test]
    fn replies_and_their_meaning() {
        for (step, code, text, expected) in [
            (Step::Mail, 421, "4.3.2 shutting down", Verdict::Later),
            (Step::Rcpt, 450, "4.2.0 greylisted", Verdict::Later),
            (Step::Rcpt, 452, "4.5.3 too many recipients", Verdict::Later),
            (Step::Rcpt, 552, "5.2.2 mailbox full", Verdict::Later),
            (Step::Dot, 451, "4.7.1 try again", Verdict::Later),
            (Step::Rcpt, 550, "5.1.1 <x>: user unknown", ADDRESS),
            (Step::Rcpt, 550, "5.1.2 no such domain", ADDRESS),
            (Step::Rcpt, 553, "5.1.3 bad syntax", ADDRESS),
            (Step::Rcpt, 551, "5.1.6 moved", ADDRESS),
            (Step::Rcpt, 556, "5.1.10 null MX", ADDRESS),
            (Step::Rcpt, 550, "5.2.1 mailbox disabled", ADDRESS),
            (Step::Dot, 550, "5.1.1 user unknown", ADDRESS),
            (Step::Mail, 550, "5.1.1 who are you", OURS),
            (Step::Data, 554, "5.1.1 no valid recipients", OURS),
            (Step::Rcpt, 550, "5.7.1 relaying denied", OURS),
            (Step::Rcpt, 550, "5.7.26 unauthenticated", OURS),
            (Step::Dot, 550, "5.7.515 access denied", OURS),
            (Step::Dot, 552, "5.3.4 too big", OURS),
            (Step::Rcpt, 503, "5.5.1 bad sequence", OURS),
            (Step::Dot, 554, "5.6.0 bad content", OURS),
            (Step::Rcpt, 550, "5.1.8 bad sender domain", OURS),
            (Step::Rcpt, 550, "No such user", UNCLEAR),
            (Step::Rcpt, 550, "", UNCLEAR),
            (Step::Rcpt, 554, "refused", UNCLEAR),
            (Step::Rcpt, 550, "5.4.1 access denied", UNCLEAR),
            (Step::Rcpt, 550, "5.2.2 mailbox full", UNCLEAR),
            (Step::Rcpt, 550, "5.1.1.1 not a code", UNCLEAR),
            (Step::Rcpt, 550, "4.1.1 another class", UNCLEAR),
            (Step::Rcpt, 550, "#5.1.1: user unknown", ADDRESS),
            (Step::Rcpt, 501, "syntax", OURS),
            (Step::Dot, 550, "spam", OURS),
            (Step::Dot, 554, "", OURS),
            (Step::Mail, 530, "5.7.0 authentication required", Verdict::Login),
            (Step::Rcpt, 530, "", Verdict::Login),
        ] {
            assert_eq!(classify(step, code, text), expected, "{step}: {code} {text}");
        }
    }

    #[test]
    fn two_bare_550s_can_be_told_from_all_else() {
        assert!(is_bare_550(&stored(Step::Rcpt, 550, "<ann@example.com>: no such user")));
        assert!(is_bare_550(&stored(Step::Rcpt, 550, "")));
        for other in [
            stored(Step::Rcpt, 550, "5.4.1 access denied"),
            stored(Step::Rcpt, 554, "no"),
            stored(Step::Dot, 550, "no such user"),
            "RCPT: 5501".to_owned(),
        ] {
            assert!(!is_bare_550(&other), "{other}");
        }
        assert_eq!(stored(Step::Dot, 554, "no <ann@example.com>"), "final dot: 554 no <address>");
    }
}
