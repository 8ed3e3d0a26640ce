//! `Retry-After` (RFC 9110 10.2.3).

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Nobody makes us wait longer than the longest pause between two attempts.
const MOST: Duration = Duration::from_secs(10 * 3600);

/// How long the header asks to wait: seconds or an HTTP date, at most ten hours. `None` where it is
/// neither; a date that has passed asks for no wait.
pub fn parse(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Only too many digits can fail here, and they ask for very long.
        return Some(value.parse().map_or(MOST, Duration::from_secs).min(MOST));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now = DateTime::from_timestamp(784_111_777, 0).expect("Sun, 06 Nov 1994 08:49:37 GMT");
        let secs = |value: &str| parse(value, now).map(|d| d.as_secs());
        assert_eq!(secs("120"), Some(120));
        assert_eq!(secs(" 0 "), Some(0));
        assert_eq!(secs("99999999999999999999999999"), Some(36_000));
        assert_eq!(secs("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(secs("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(secs("Fri, 31 Dec 1999 23:59:59 GMT"), Some(36_000));
        for nonsense in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994"] {
            assert_eq!(secs(nonsense), None, "{nonsense}");
        }
    }
}
