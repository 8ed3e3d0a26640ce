//! Time as an argument: the one place that reads the system's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

/// Where "now" comes from. Clones share the same time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set: replay, demo and tests.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// A virtual clock that shows `at`.
    pub fn virtual_at(at: DateTime<Utc>) -> Clock {
        Clock::Virtual(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// The current instant.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            // Microseconds, because that is what both databases keep: a time read back equals the one written.
            Clock::System => Utc::now().trunc_subsecs(6),
            Clock::Virtual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Sets a virtual clock; the system's clock is not ours to set, so it stays as it is.
    pub fn set(&self, at: DateTime<Utc>) {
        if let Clock::Virtual(micros) = self {
            micros.store(at.timestamp_micros(), Ordering::SeqCst);
        }
    }
}
