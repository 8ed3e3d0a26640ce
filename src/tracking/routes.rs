//! Which request goes where.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::record::Record;
use super::{click, page, unsubscribe};
use crate::domain::clock::Clock;
use crate::domain::token::Signer;

/// What every handler needs.
#[derive(Debug)]
pub(super) struct Public<R> {
    /// Takes hits.
    pub record: Arc<R>,
    /// Reads tokens.
    pub signer: Signer,
    /// Says when a hit came.
    pub clock: Clock,
}

impl<R> Clone for Public<R> {
    /// By hand, because a derived one would ask for `R: Clone`.
    fn clone(&self) -> Self {
        Public { record: Arc::clone(&self.record), signer: self.signer.clone(), clock: self.clock.clone() }
    }
}

/// The public pages: `/c/TOKEN` (tracked links) and `/u/TOKEN` (unsubscribe).
pub fn router<R: Record>(record: Arc<R>, signer: Signer, clock: Clock) -> Router {
    Router::new()
        .route("/c/{token}", get(click::follow::<R>))
        .route("/u/{token}", get(unsubscribe::ask::<R>).post(unsubscribe::act::<R>))
        .fallback(|| async { page::not_found() })
        .with_state(Public { record, signer, clock })
}
