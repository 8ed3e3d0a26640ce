//! The accept loop of a listener that strangers reach: bounded connections, headers, bodies and time.
//!
//! `axum::serve` sets no timer, so a client that never finishes its header would hold a connection
//! for ever; hence hyper by hand.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// Octets of a request's line and header together: the longest token and what browsers add.
const MAX_HEADER: usize = 32 << 10;
/// How long to wait after accepting failed, which is mostly for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// How much a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of waiting for a request to the end of its header; ends idle connections too.
    pub header: Duration,
    /// From the end of the header to the answer.
    pub request: Duration,
    /// Octets of a body.
    pub body: usize,
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// For requests in flight when the listener shuts down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header: Duration::from_secs(10),
            request: Duration::from_secs(15),
            body: 64 << 10,
            connections: 1024,
            drain: Duration::from_secs(5),
        }
    }
}

/// Serves until `shutdown`, then finishes the requests in flight, for at most `limits.drain`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, limits: Limits) {
    let router = router
        .layer(RequestBodyLimitLayer::new(limits.body))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.request));
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    while let Some(stream) = accept(&listener, &permits, &mut connections, &shutdown).await {
        match stream {
            Ok((stream, permit)) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                connections.spawn(async move {
                    converse(stream, router, shutdown, limits.header).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off at shutdown");
        connections.shutdown().await;
    }
}

type Accepted = std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)>;

/// The next connection once there is room for one; `None` at shutdown.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    connections: &mut JoinSet<()>,
    shutdown: &CancellationToken,
) -> Option<Accepted> {
    let next = async {
        let permit = Arc::clone(permits).acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, _) = listener.accept().await?;
        Ok((stream, permit))
    };
    tokio::pin!(next);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = &mut next => return Some(accepted),
        }
    }
}

/// Serves one connection.
async fn converse(stream: TcpStream, router: Router, shutdown: CancellationToken, header: Duration) {
    // Answers are small: waiting to fill a packet would only delay them. Failing costs speed alone.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header)
        .max_buf_size(MAX_HEADER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
