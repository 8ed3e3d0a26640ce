//! One mail over one connection: MAIL, RCPT, DATA, the mark, the message, the final dot.

use std::error::Error as _;
use std::pin::pin;
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::describe;
use super::progress::{Blocks, Progress};
use super::reply::{Step, Verdict, classify, stored};
use super::settings::Timeouts;
use crate::delivery::excerpt::excerpt;
use crate::delivery::transport::{Delivery, Fault, Mail, Mark};

/// The outcome of a transaction, and whether the server still answers what it is asked: only then may
/// the connection be used again (after RSET).
pub(super) struct Finished {
    /// How the attempt ended.
    pub(super) delivery: Delivery,
    /// Whether the connection is in step.
    pub(super) in_step: bool,
}

/// Why a command did not get the reply it needs.
enum Failure {
    /// 4xx or 5xx: an answer, and the connection is in step.
    Negative { code: u16, text: String },
    /// A positive reply of the wrong kind: the replies have shifted and none can be trusted.
    Shifted { code: u16 },
    /// Nothing within the time limit.
    Silent,
    /// The connection broke, or what came was no reply.
    Broken { reason: String },
}

/// Sends one mail. Whoever drops this future must drop the connection with it: a reply that nobody
/// read would be taken for the next one.
///
/// The mark is set between the 354 and the message. Nothing a recipient could see happens before the
/// final dot, and refusals of MAIL, RCPT and DATA are the common ones, so this is the latest instant
/// that is still before the dot: later there is no place to wait, because the blocks and the dot go
/// out in one call. A server gives a client minutes here (RFC 5321 4.5.3.2.7: five) and a ledger
/// needs milliseconds; should it take longer, the server hangs up and the mail is deferred.
pub(super) async fn send<M: Mark>(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
    mark: M,
    timeouts: &Timeouts,
) -> Finished {
    let parameters = match parameters(connection, mail) {
        Ok(parameters) => parameters,
        Err(delivery) => return Finished { delivery, in_step: true },
    };
    let from = format!("MAIL FROM:<{}>{parameters}\r\n", mail.return_path.as_envelope());
    let to = format!("RCPT TO:<{}>\r\n", mail.to.as_envelope());
    let commands = [
        (Step::Mail, from, timeouts.command),
        (Step::Rcpt, to, timeouts.command),
        (Step::Data, "DATA\r\n".to_owned(), timeouts.data),
    ];
    for (step, line, limit) in commands {
        if let Err(failure) = command(connection, step, &line, limit).await {
            return finished(step, failure, false);
        }
    }
    if !mark.set().await {
        // After 354 the server waits for a message; hanging up is the only way not to send one.
        return Finished { delivery: Delivery::Abandoned, in_step: false };
    }
    transmit(connection, &mail.bytes, timeouts).await
}

/// Checks that the server can take the mail, and writes the parameters of MAIL.
fn parameters(connection: &AsyncSmtpConnection, mail: &Mail) -> Result<String, Delivery> {
    let server = connection.server_info();
    let ours = |reply: &str| Delivery::Refused { reply: reply.to_owned(), fault: Fault::Ours };
    if has_bare_line_end(&mail.bytes) {
        // Servers disagree about where such a line ends, which is how a second mail is smuggled in.
        return Err(ours("not sent: the message has a line end that is not CRLF"));
    }
    let mut parameters = String::new();
    if !mail.bytes.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(ours("not sent: the message is not ASCII and the server does not offer 8BITMIME"));
        }
        parameters.push_str(" BODY=8BITMIME");
    }
    if mail.to.needs_smtputf8() || mail.return_path.needs_smtputf8() {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(Delivery::NeedsSmtputf8);
        }
        parameters.push_str(" SMTPUTF8");
    }
    Ok(parameters)
}

fn has_bare_line_end(bytes: &[u8]) -> bool {
    let mut after_return = false;
    for &byte in bytes {
        if after_return != (byte == b'\n') {
            return true;
        }
        after_return = byte == b'\r';
    }
    after_return
}

async fn command(connection: &mut AsyncSmtpConnection, step: Step, line: &str, limit: Duration) -> Result<(), Failure> {
    let code = match timeout(limit, connection.command(line)).await {
        Err(_) => return Err(Failure::Silent),
        Ok(Err(error)) => return Err(failure(&error)),
        Ok(Ok(response)) => u16::from(response.code()),
    };
    // lettre counts 3xx as positive everywhere; it is so after DATA, and nowhere else.
    let expected = match step {
        Step::Mail | Step::Rcpt | Step::Dot => (200..300).contains(&code),
        Step::Data => code == 354,
    };
    if expected { Ok(()) } else { Err(Failure::Shifted { code }) }
}

async fn transmit(connection: &mut AsyncSmtpConnection, bytes: &[u8], timeouts: &Timeouts) -> Finished {
    let progress = Progress::new(*timeouts);
    let mut sending = pin!(connection.message_iter(Blocks::new(bytes, &progress)));
    let result = loop {
        match timeout_at(progress.deadline(), sending.as_mut()).await {
            Ok(result) => break result.map_err(|error| failure(&error)),
            // A block went out meanwhile: the next one has its own time.
            Err(_) if progress.deadline() > Instant::now() => {}
            Err(_) => break Err(Failure::Silent),
        }
    };
    match result {
        Ok(response) if (200..300).contains(&u16::from(response.code())) => {
            Finished { delivery: Delivery::Accepted { reply: accepted(&response) }, in_step: true }
        }
        Ok(response) => finished(Step::Dot, Failure::Shifted { code: response.code().into() }, progress.dot_started()),
        Err(failure) => finished(Step::Dot, failure, progress.dot_started()),
    }
}

fn accepted(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), excerpt(&text.join(" "))).trim_end().to_owned()
}

fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    match error.status() {
        Some(code) => {
            Failure::Negative { code: code.into(), text: error.source().map(ToString::to_string).unwrap_or_default() }
        }
        None => Failure::Broken { reason: describe(error) },
    }
}

fn finished(step: Step, failure: Failure, dot_started: bool) -> Finished {
    let reply = match failure {
        Failure::Negative { code, text } => {
            let reply = stored(step, code, &text);
            // 421 announces that the server hangs up.
            let in_step = code != 421;
            return match classify(step, code, &text) {
                Verdict::Later => Finished { delivery: Delivery::Deferred { reply, wait: None }, in_step },
                Verdict::Refused(fault) => Finished { delivery: Delivery::Refused { reply, fault }, in_step },
                Verdict::Login => Finished { delivery: Delivery::Unavailable { reply }, in_step: false },
            };
        }
        Failure::Shifted { code } => format!("unexpected reply {code}"),
        Failure::Silent => "no answer in time".to_owned(),
        Failure::Broken { reason } => reason,
    };
    let reply = match step {
        Step::Dot if !dot_started => format!("message: {reply}"),
        Step::Mail | Step::Rcpt | Step::Data | Step::Dot => format!("{step}: {reply}"),
    };
    let delivery = if dot_started { Delivery::Uncertain { reply } } else { Delivery::Deferred { reply, wait: None } };
    Finished { delivery, in_step: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_other_than_crlf_are_seen() {
        for good in ["", "a\r\n", "a\r\n\r\nb", "a"] {
            assert!(!has_bare_line_end(good.as_bytes()), "{good:?}");
        }
        for bad in ["a\n", "\n", "a\r", "a\rb", "a\r\r\n", "a\r\n.\nb"] {
            assert!(has_bare_line_end(bad.as_bytes()), "{bad:?}");
        }
    }

    #[test]
    fn what_breaks_after_the_dot_is_uncertain_and_before_it_is_not() {
        for dot in [false, true] {
            for failure in [Failure::Silent, Failure::Shifted { code: 354 }, Failure::Broken { reason: String::new() }]
            {
                let finished = finished(Step::Dot, failure, dot);
                assert_eq!(matches!(finished.delivery, Delivery::Uncertain { .. }), dot);
                assert!(!finished.in_step);
            }
            let refused = finished(Step::Dot, Failure::Negative { code: 554, text: String::new() }, dot);
            assert!(matches!(refused.delivery, Delivery::Refused { .. }) && refused.in_step);
        }
    }
}
