//! A channel's rate: at most so many messages in any span.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::project::model::Rate;

/// How far behind a wake-up of the timer may be; that many messages may go at once instead.
const TIMER_SLACK: Duration = Duration::from_millis(20);

/// Lets messages through at a channel's rate; shared by all its senders.
#[derive(Debug)]
pub struct Limit {
    bucket: Option<DefaultDirectRateLimiter>,
}

impl Limit {
    /// A limit for `rate`; without one, everything passes at once.
    pub fn new(rate: Option<Rate>) -> Limit {
        Limit { bucket: rate.and_then(quota).map(RateLimiter::direct) }
    }

    /// Returns when the next message may go. Waiters are served in no particular order.
    pub async fn ready(&self) {
        if let Some(bucket) = &self.bucket {
            bucket.until_ready().await;
        }
    }
}

/// Evenly spaced messages, plus a small burst so that a timer which wakes late does not lower the
/// rate. The spacing is widened by as much, so the count holds in every span, also the first.
fn quota(rate: Rate) -> Option<Quota> {
    let burst = burst(rate);
    let spaced = rate.count.saturating_sub(burst).saturating_add(1);
    if rate.per.is_zero() {
        return None;
    }
    // Division drops a fraction of a nanosecond; rounding up keeps the last message out of the span.
    let interval = rate.per.checked_div(spaced)? + Duration::from_nanos(1);
    Some(Quota::with_period(interval)?.allow_burst(NonZeroU32::new(burst)?))
}

/// One, or as many as are due within the timer's slack; never more than a tenth of the count.
fn burst(rate: Rate) -> u32 {
    let due = f64::from(rate.count) * TIMER_SLACK.as_secs_f64() / rate.per.as_secs_f64().max(f64::MIN_POSITIVE);
    // A cast from float to integer saturates, which is what is wanted here.
    (due as u32).min(rate.count / 10).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(count: u32, per: Duration) -> Rate {
        Rate { count, per }
    }

    #[test]
    fn the_count_holds_in_the_first_span_too() {
        for (count, secs) in [(1, 1), (2, 1), (10, 1), (200, 1), (5000, 1), (100, 60), (50_000, 86_400), (u32::MAX, 1)]
        {
            let rate = rate(count, Duration::from_secs(secs));
            let quota = quota(rate).expect("a quota");
            // The first `burst` go at once, then one per interval until the span ends.
            let later = rate.per.as_nanos().div_ceil(quota.replenish_interval().as_nanos()) - 1;
            let most = u128::from(quota.burst_size().get()) + later;
            assert!(most <= u128::from(count), "{count} per {secs} s: {most}");
            assert!(most >= u128::from(count.min(1_000_000)) * 99 / 100, "{count} per {secs} s: {most}");
        }
        assert_eq!(burst(rate(10, Duration::from_secs(1))), 1);
        assert_eq!(burst(rate(1000, Duration::from_secs(1))), 21);
    }

    #[test]
    fn spans_of_no_length_do_not_panic() {
        assert!(quota(rate(5, Duration::ZERO)).is_none());
        assert!(quota(rate(0, Duration::from_secs(1))).is_some());
    }
}
