//! `--as-of`: a date means its end in the project's zone, an instant means itself.

use anyhow::anyhow;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::commands::Instant;
use crate::sources::cell::{date, instant, local};

/// The instant given, or `now`.
pub fn read(given: &Instant, zone: Tz, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let Some(text) = &given.as_of else { return Ok(now) };
    let text = text.trim();
    if let Some(next) = date(text).and_then(|day| day.checked_add_days(Days::new(1))) {
        return Ok(local(next.and_time(NaiveTime::MIN), zone) - TimeDelta::microseconds(1));
    }
    instant(text, zone)
        .ok_or_else(|| anyhow!("--as-of `{text}` is no date (2026-11-30) and no instant (2026-11-30T09:00:00Z)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_its_end_in_the_zone() {
        let read =
            |text: &str| read(&Instant { as_of: Some(text.to_owned()) }, Tz::Asia__Shanghai, DateTime::UNIX_EPOCH);
        let end = read("1998-06-30").expect("a date");
        assert_eq!(end.to_rfc3339(), "1998-06-30T15:59:59.999999+00:00");
        assert_eq!(read("1998-06-30 09:00").expect("a time").to_rfc3339(), "1998-06-30T01:00:00+00:00");
        assert!(read("soon").is_err());
    }
}
