//! Connections at rest. What comes back here is in step with its server; everything else is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::join_all;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Quit, Rset};
use tokio::time::{Instant, sleep, timeout};

use super::connect::{ConnectError, Connector};

/// After so many mails a connection is closed: many servers count, and spread load by connection.
const MAILS_PER_CONNECTION: u32 = 100;

/// How long a connection rests before it is closed; servers and firewalls are seldom less patient.
const REST: Duration = Duration::from_secs(30);

/// A connection in use.
pub(super) struct Pooled {
    /// The connection.
    pub(super) connection: AsyncSmtpConnection,
    mails: u32,
}

struct Resting {
    pooled: Pooled,
    since: Instant,
}

#[derive(Default)]
struct Rest {
    connections: Vec<Resting>,
    /// Whether a task is closing what rests too long.
    watched: bool,
    closed: bool,
}

/// The connections to one relay.
pub(super) struct Pool {
    /// Opens new ones.
    pub(super) connector: Connector,
    rest: Mutex<Rest>,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(connector: Connector) -> Pool {
        Pool { connector, rest: Mutex::default() }
    }

    /// A connection ready for MAIL: the one that rested least, or a new one.
    ///
    /// A connection that rested begins with RSET. It takes back what a refused mail left behind, and
    /// it is the cheap proof that the server is still there: if not, nothing has been said about any
    /// mail yet, and a new connection takes over without an attempt being counted.
    pub(super) async fn checkout(&self) -> Result<Pooled, ConnectError> {
        let rested = self.rest().connections.pop().filter(|r| r.since.elapsed() < REST);
        if let Some(Resting { mut pooled, .. }) = rested {
            let reset = timeout(self.connector.timeouts.reset, pooled.connection.command(Rset)).await;
            if matches!(reset, Ok(Ok(reply)) if reply.has_code(250)) {
                return Ok(pooled);
            }
        }
        Ok(Pooled { connection: self.connector.open().await?, mails: 0 })
    }

    /// Takes back a connection that is in step after one more mail.
    pub(super) fn give_back(self: &Arc<Self>, mut pooled: Pooled) {
        pooled.mails += 1;
        let mut rest = self.rest();
        if rest.closed || pooled.mails >= MAILS_PER_CONNECTION {
            drop(rest);
            tokio::spawn(quit(pooled, self.connector.timeouts.quit));
            return;
        }
        rest.connections.push(Resting { pooled, since: Instant::now() });
        if !rest.watched {
            rest.watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Closes what rests; what comes back later is closed at once.
    pub(super) async fn close(&self) {
        let resting = {
            let mut rest = self.rest();
            rest.closed = true;
            std::mem::take(&mut rest.connections)
        };
        join_all(resting.into_iter().map(|r| quit(r.pooled, self.connector.timeouts.quit))).await;
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        // A panic elsewhere leaves a list of connections behind that is as good as before.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what has rested too long; `None` once nothing is left to watch.
    fn expired(&self) -> Option<Vec<Resting>> {
        let mut rest = self.rest();
        if rest.connections.is_empty() {
            rest.watched = false;
            return None;
        }
        let (expired, kept) =
            std::mem::take(&mut rest.connections).into_iter().partition(|r| r.since.elapsed() >= REST);
        rest.connections = kept;
        Some(expired)
    }
}

/// Closes connections that rest too long, until none rests or the pool is gone.
async fn watch(pool: Weak<Pool>) {
    loop {
        sleep(REST / 3).await;
        let Some(pool) = pool.upgrade() else { return };
        let Some(expired) = pool.expired() else { return };
        join_all(expired.into_iter().map(|r| quit(r.pooled, pool.connector.timeouts.quit))).await;
    }
}

/// Says goodbye; whether the server answers does not matter any more.
async fn quit(mut pooled: Pooled, limit: Duration) {
    if let Ok(Err(error)) = timeout(limit, pooled.connection.command(Quit)).await {
        tracing::debug!(error = %error, "QUIT was not answered");
    }
}
