//! When the next attempt is due. Pure: time comes in as an age, chance as a number.

use std::time::Duration;

use chrono::TimeDelta;

/// Which promise about retries holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// From a minute, doubling to an hour, for a day. Long enough for greylisting and full
    /// mailboxes; later than a day a recall is no longer about today.
    Mail,
    /// The schedule of svix, which receivers of Standard Webhooks know.
    Webhook,
}

/// Delays before each attempt of a webhook; the first is the call itself.
const WEBHOOK: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(10 * 3600),
];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A mail older than this is given up.
const MAIL_MAX_AGE: TimeDelta = TimeDelta::hours(24);

/// How long to wait before the next attempt, or `None` to give up.
///
/// * `attempts_made`: attempts that count, so 0 asks about the first one.
/// * `age`: since the message was first due.
/// * `hint`: what the receiving side asked for; it is followed between one and two times the
///   scheduled delay, so that nobody can hurry us or park a message for weeks. Up to a minute is
///   always granted: the first delays of a webhook are far below what "too many requests" needs.
/// * `jitter`: 0 to 1; the delay varies by a fifth either way, so that messages which failed
///   together do not return together.
pub fn next_attempt(
    schedule: Schedule,
    attempts_made: u32,
    age: TimeDelta,
    hint: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    let scheduled = match schedule {
        Schedule::Mail => {
            if age > MAIL_MAX_AGE {
                return None;
            }
            mail_delay(attempts_made)
        }
        Schedule::Webhook => *WEBHOOK.get(usize::try_from(attempts_made).ok()?)?,
    };
    let delay = jittered(scheduled, jitter);
    let latest = (delay * 2).max(MINUTE);
    Some(hint.map_or(delay, |hint| hint.clamp(delay, latest)))
}

fn mail_delay(attempts_made: u32) -> Duration {
    match attempts_made.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => doubled(MINUTE, doublings, HOUR),
    }
}

/// How long a channel rests after `failures` failures in a row that were no message's fault: from a
/// second, doubling to five minutes.
pub fn transport_pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => doubled(Duration::from_secs(1), doublings, 5 * MINUTE),
    }
}

fn doubled(first: Duration, doublings: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(doublings)).min(most)
}

fn jittered(delay: Duration, jitter: f64) -> Duration {
    // Not a number counts as the middle; what remains is between 0.8 and 1.2, which cannot overflow.
    let jitter = if jitter.is_nan() { 0.5 } else { jitter.clamp(0.0, 1.0) };
    delay.mul_f64(0.8 + 0.4 * jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: f64 = 0.5;

    fn whole(schedule: Schedule, attempts: std::ops::Range<u32>) -> Vec<Option<u64>> {
        attempts
            .map(|n| next_attempt(schedule, n, TimeDelta::zero(), None, MIDDLE).map(|d| d.as_secs_f64().round() as u64))
            .collect()
    }

    #[test]
    fn mail_doubles_from_a_minute_to_an_hour() {
        let minutes = [0, 1, 2, 4, 8, 16, 32, 60, 60].map(|m| Some(m * 60));
        assert_eq!(whole(Schedule::Mail, 0..9), minutes);
        assert_eq!(whole(Schedule::Mail, u32::MAX - 1..u32::MAX), [Some(3600)]);
    }

    #[test]
    fn mail_is_given_up_after_a_day() {
        let at = |age| next_attempt(Schedule::Mail, 30, age, None, MIDDLE);
        assert!(at(TimeDelta::hours(24)).is_some());
        assert_eq!(at(TimeDelta::hours(24) + TimeDelta::seconds(1)), None);
    }

    #[test]
    fn webhooks_follow_the_table_to_its_end() {
        let seconds = [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000];
        let mut expected: Vec<Option<u64>> = seconds.into_iter().map(Some).collect();
        expected.push(None);
        assert_eq!(whole(Schedule::Webhook, 0..9), expected);
    }

    #[test]
    fn jitter_is_a_fifth_either_way() {
        let at = |jitter| {
            next_attempt(Schedule::Webhook, 2, TimeDelta::zero(), None, jitter).map(|d| d.as_secs_f64().round())
        };
        assert_eq!([at(0.0), at(1.0)], [Some(240.0), Some(360.0)]);
        assert_eq!([at(-5.0), at(7.0), at(f64::NAN)], [Some(240.0), Some(360.0), Some(300.0)]);
    }

    #[test]
    fn a_hint_counts_between_once_and_twice_the_delay() {
        let at = |n, hint| {
            next_attempt(Schedule::Webhook, n, TimeDelta::zero(), Some(Duration::from_secs(hint)), MIDDLE)
                .map(|d| d.as_secs_f64().round())
        };
        assert_eq!([at(2, 1), at(2, 400), at(2, 99_999)], [Some(300.0), Some(400.0), Some(600.0)]);
        assert_eq!([at(1, 1), at(1, 60), at(1, 99_999)], [Some(5.0), Some(60.0), Some(60.0)]);
        assert_eq!(at(8, 60), None);
    }

    #[test]
    fn a_channel_rests_up_to_five_minutes() {
        let pauses: Vec<u64> = (0..11).map(|n| transport_pause(n).as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(transport_pause(u32::MAX).as_secs(), 300);
    }
}
