//! Where hits go: what the ledger promises to the public listener.

use std::future::Future;

use chrono::{DateTime, Utc};

use crate::domain::vocabulary::HitClass;

/// A tracked link that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// The message whose link it is.
    pub message_id: i64,
    /// What the link is for (`pay`), where the author said so.
    pub role: Option<String>,
    /// Where it led.
    pub url: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who was behind it, as far as one request tells.
    pub class: HitClass,
}

/// How somebody unsubscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The mail program's own button (RFC 8058).
    OneClick,
    /// The button of our page.
    Page,
}

/// Whether the ledger still knows the message of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It does: its recipient is suppressed, now or already before.
    Yes,
    /// It does not (erased): nothing was recorded.
    No,
}

/// The ledger cannot take it now; the sender of the request should come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hit cannot be recorded now: {0}")]
pub struct RecordError(
    /// What failed, without addresses.
    pub String,
);

/// Takes hits. When a call succeeds, what it took is durable.
pub trait Record: Send + Sync + 'static {
    /// Records a click. A message that is no longer known records nothing and is no error.
    fn click(&self, hit: Click) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// Suppresses the recipient of a message; again is as good as once.
    fn unsubscribe(
        &self,
        message_id: i64,
        at: DateTime<Utc>,
        how: How,
    ) -> impl Future<Output = Result<Known, RecordError>> + Send;
}
