//! The heartbeat of the daemon: tokio-cron-scheduler wakes its owner up and does nothing else.
//!
//! By itself that scheduler loses daylight saving, missed runs and overlap, so it never sees a
//! workflow's line: it beats in UTC, and `due` decides. Its jobs do no work, because a job that panics
//! or overruns is its weak spot. It reads the system's clock: when that steps back, beats pause until it
//! has caught up, so an owner that also waits with a limit of its own loses nothing.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// How often a heartbeat beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// On every second.
    Second,
    /// On every minute.
    Minute,
}

impl Beat {
    /// The scheduler's own pattern: six fields, seconds first, unlike the lines of workflows.
    fn pattern(self) -> &'static str {
        match self {
            Beat::Second => "* * * * * *",
            Beat::Minute => "0 * * * * *",
        }
    }
}

/// Why there is no heartbeat.
#[derive(Debug, thiserror::Error)]
#[error("the heartbeat could not {doing}")]
pub struct TickerError {
    /// What was being done.
    doing: &'static str,
    /// The scheduler's own error.
    source: JobSchedulerError,
}

/// A running heartbeat. Stop it with [`Ticker::stop`]; dropped, it goes on beating to nobody.
pub struct Ticker {
    scheduler: JobScheduler,
    /// Emptied to end the beats: the scheduler keeps its jobs, and with them their senders, for good.
    senders: Vec<Arc<Mutex<Option<Sender<()>>>>>,
}

impl Ticker {
    /// Starts a heartbeat. The channel holds one tick: whoever is slow finds one waiting, never a queue
    /// of them. The first comes with the next whole second or minute.
    ///
    /// # Errors
    ///
    /// [`TickerError`] if the scheduler cannot be set up.
    pub async fn start(beat: Beat) -> Result<(Ticker, Receiver<()>), TickerError> {
        let scheduler = JobScheduler::new().await.map_err(|source| TickerError { doing: "be set up", source })?;
        let mut ticker = Ticker { scheduler, senders: Vec::new() };
        let receiver = ticker.register(beat).await?;
        ticker.scheduler.start().await.map_err(|source| TickerError { doing: "be started", source })?;
        Ok((ticker, receiver))
    }

    /// Adds another beat, independent of the others.
    ///
    /// # Errors
    ///
    /// [`TickerError`] if the scheduler refuses it.
    pub async fn register(&mut self, beat: Beat) -> Result<Receiver<()>, TickerError> {
        let failed = |source| TickerError { doing: "be registered", source };
        let (sender, receiver) = channel(1);
        let sender = Arc::new(Mutex::new(Some(sender)));
        let shared = Arc::clone(&sender);
        let job = Job::new_async(beat.pattern(), move |_, _| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                if let Some(sender) = shared.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                    // Full: a tick waits already. Closed: nobody listens. Neither matters.
                    let _ = sender.try_send(());
                }
            })
        });
        self.scheduler.add(job.map_err(failed)?).await.map_err(failed)?;
        self.senders.push(sender);
        Ok(receiver)
    }

    /// Ends all beats: receivers get what waits for them and then the end of the channel.
    ///
    /// # Errors
    ///
    /// [`TickerError`] if the scheduler does not stop; the beats have ended nevertheless.
    pub async fn stop(mut self) -> Result<(), TickerError> {
        for sender in &self.senders {
            sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        self.scheduler.shutdown().await.map_err(|source| TickerError { doing: "be stopped", source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn beats_on_every_registration_and_ends_them_all() {
        let (mut ticker, mut first) = Ticker::start(Beat::Second).await.expect("it starts");
        let mut second = ticker.register(Beat::Second).await.expect("a second one registers");
        let (other, mut third) = Ticker::start(Beat::Second).await.expect("another one starts beside it");
        for receiver in [&mut first, &mut second, &mut third] {
            assert_eq!(receiver.recv().await, Some(()));
            assert_eq!(receiver.recv().await, Some(()));
        }
        ticker.stop().await.expect("it stops");
        for receiver in [&mut first, &mut second] {
            let mut waiting = 0;
            while receiver.recv().await.is_some() {
                waiting += 1;
            }
            assert!(waiting <= 1, "{waiting} ticks waited");
        }
        assert_eq!(third.recv().await, Some(()), "the other one is not concerned");
        other.stop().await.expect("it stops too");
    }

    #[test]
    fn patterns_are_ones_the_scheduler_reads() {
        for beat in [Beat::Second, Beat::Minute] {
            assert!(Job::new_async(beat.pattern(), |_, _| Box::pin(async {})).is_ok(), "{beat:?}");
        }
    }
}
