//! The channel as the dispatcher sees it: one call per mail.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::connect::{Connector, SetupError};
use super::pool::Pool;
use super::settings::{SmtpSettings, Timeouts};
use super::transaction;
use crate::delivery::transport::{Delivery, Mail, Mark};

/// Sends mails through one relay; cheap to share, safe to call from many tasks.
pub struct SmtpTransport {
    pool: Arc<Pool>,
    /// One permit per connection in use; closed with the transport.
    permits: Semaphore,
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpTransport").finish_non_exhaustive()
    }
}

impl SmtpTransport {
    /// Prepares a transport; nothing is connected yet. Fails only over the private root certificate
    /// or TLS itself.
    pub fn new(settings: SmtpSettings, timeouts: Timeouts) -> Result<SmtpTransport, SetupError> {
        let permits = Semaphore::new(settings.connections.clamp(1, Semaphore::MAX_PERMITS));
        Ok(SmtpTransport { pool: Arc::new(Pool::new(Connector::new(settings, timeouts)?)), permits })
    }

    /// Sends one mail to its one recipient and says how it ended.
    ///
    /// The mark is set at most once, after the server's 354. It does not prove that anything went
    /// out: `Deferred` and `Refused` may follow it, and hold. The future may be dropped at any
    /// instant; its connection is then dropped too, and if the mark was set, nobody knows.
    pub async fn send<M: Mark>(&self, mail: &Mail, mark: M) -> Delivery {
        let Ok(_permit) = self.permits.acquire().await else {
            return Delivery::Unavailable { reply: "the channel is being closed".to_owned() };
        };
        let mut pooled = match self.pool.checkout().await {
            Ok(pooled) => pooled,
            Err(error) => return Delivery::Unavailable { reply: error.to_string() },
        };
        let finished = transaction::send(&mut pooled.connection, mail, mark, &self.pool.connector.timeouts).await;
        if finished.in_step {
            self.pool.give_back(pooled);
        }
        finished.delivery
    }

    /// Lets no further mail begin and says QUIT on connections at rest, within the time limit of
    /// QUIT. Mails under way end as they end.
    pub async fn close(&self) {
        self.permits.close();
        self.pool.close().await;
    }
}
