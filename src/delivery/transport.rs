//! What a channel takes and how it answers: the words shared by every transport and the dispatcher.

use std::future::Future;
use std::time::Duration;

use crate::domain::contact::EmailAddress;

/// A finished mail and its envelope.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The message's key: unique, the same on every attempt.
    pub key: String,
    /// MAIL FROM.
    pub return_path: EmailAddress,
    /// RCPT TO.
    pub to: EmailAddress,
    /// The final bytes, lines ended by CRLF, not dot-stuffed.
    pub bytes: Vec<u8>,
}

/// A finished call of a webhook.
#[derive(Debug, Clone)]
pub struct Call {
    /// The message's key: `webhook-id` and `Idempotency-Key`, the same on every attempt.
    pub key: String,
    /// The JSON body, exactly as signed and sent.
    pub body: Vec<u8>,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The receiving side took it (a final 2xx).
    Accepted {
        /// What it said, without addresses.
        reply: String,
    },
    /// Not now; try again by the schedule.
    Deferred {
        /// What it said.
        reply: String,
        /// How long it asked us to wait (`Retry-After`), already within bounds.
        wait: Option<Duration>,
    },
    /// Refused for good.
    Refused {
        /// What it said.
        reply: String,
        /// Why.
        fault: Fault,
    },
    /// The mark was set and no final answer came: it may have been accepted.
    Uncertain {
        /// What broke.
        reply: String,
    },
    /// Not this message's fault: no connection, no TLS, no login, the endpoint disabled. The whole
    /// channel waits and no attempt is counted.
    Unavailable {
        /// What broke.
        reply: String,
    },
    /// The mark was refused: the message is no longer ours (suppressed, or taken by another).
    Abandoned,
    /// The address is not ASCII and the server does not offer SMTPUTF8 (RFC 6531): nothing was
    /// sent, and no later attempt would end otherwise.
    NeedsSmtputf8,
}

/// Whose fault a final refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The address does not exist or takes no mail: it is suppressed.
    Address,
    /// Our reputation, signature, size or content: nobody is suppressed.
    Ours,
    /// Neither is certain: nobody is suppressed.
    Unclear,
}

/// The durable mark that must be in the ledger before anything that cannot be taken back.
pub trait Mark: Send {
    /// Sets it; `false` when the message must not go out.
    fn set(self) -> impl Future<Output = bool> + Send;
}
