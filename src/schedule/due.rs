//! Which slots of a workflow are due now: pure arithmetic between two instants.
//!
//! However long the daemon was away, one slot at most is to run, the latest one, and only while it is
//! fresh; every other is reported as missed. The work is bounded by the days between the two instants,
//! not by the slots: a line of every minute after ten years away is counted, not walked.

use std::collections::VecDeque;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::cron::Cron;

/// How many missed slots are listed one by one.
const LISTED: usize = 100;
/// Slots that must be known one by one: those listed, and the one that may run.
const KEPT: u64 = LISTED as u64 + 1;

/// What is due: every slot between two instants, once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The latest slot, if it is fresh enough to run.
    pub run: Option<DateTime<Utc>>,
    /// The latest slots that do not run, in their order, at most 100.
    pub missed: Vec<DateTime<Utc>>,
    /// How many older slots were missed beside those listed.
    pub more_missed: u64,
}

/// The slots of `cron` in `zone` strictly after `handled` and not later than `now`. The latest runs if
/// it is not older than `catch_up`; all others are missed. When the clock has stepped back behind
/// `handled`, nothing is due.
///
/// The caller's next `handled` is this `now`, or what it was where that is later.
pub fn due(cron: &Cron, zone: Tz, handled: DateTime<Utc>, now: DateTime<Utc>, catch_up: TimeDelta) -> Due {
    let (total, mut slots) = latest_slots(cron, zone, handled, now);
    let run = slots.pop_if(|latest| now.signed_duration_since(*latest) <= catch_up);
    let missed = slots.split_off(slots.len().saturating_sub(LISTED));
    let more_missed = total - missed.len() as u64 - u64::from(run.is_some());
    Due { run, missed, more_missed }
}

/// A stretch of the way that has been counted but whose slots are not known one by one.
struct Stretch {
    /// Its slots are those after this instant, up to the next stretch.
    after: DateTime<Utc>,
    slots: u64,
}

/// How many slots there are, and at least the latest [`KEPT`] of them, in their order.
fn latest_slots(cron: &Cron, zone: Tz, handled: DateTime<Utc>, now: DateTime<Utc>) -> (u64, Vec<DateTime<Utc>>) {
    let mut stretches: VecDeque<Stretch> = VecDeque::new();
    let mut total = 0;
    let mut remembered = 0;
    let mut at = handled;
    while let Some(slot) = cron.next_after(at, zone).filter(|slot| *slot <= now) {
        let day_end = ordinary_day_end(zone, at, slot).filter(|end| *end <= now);
        let stretch = Stretch { after: at, slots: if day_end.is_some() { cron.slots_per_day() } else { 1 } };
        at = day_end.unwrap_or(slot);
        total += stretch.slots;
        remembered += stretch.slots;
        stretches.push_back(stretch);
        while stretches.front().is_some_and(|oldest| remembered - oldest.slots >= KEPT) {
            remembered -= stretches.pop_front().map_or(0, |oldest| oldest.slots);
        }
    }
    let Some(oldest) = stretches.front() else { return (0, Vec::new()) };
    let first = cron.next_after(oldest.after, zone);
    let slots = std::iter::successors(first, |last| cron.next_after(*last, zone));
    (total, slots.take_while(|slot| *slot <= now).collect())
}

/// The last second of the slot's local day, if that day can be counted without walking it: the slot is
/// its first, as `before` lies on an earlier day, and clocks do not change within the days around it.
fn ordinary_day_end(zone: Tz, before: DateTime<Utc>, slot: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let around = TimeDelta::days(2);
    let offset_at = |instant: DateTime<Utc>| zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    let offset = offset_at(slot.checked_sub_signed(around)?);
    if offset != offset_at(slot) || offset != offset_at(slot.checked_add_signed(around)?) {
        return None;
    }
    let day = local_date(zone, slot);
    if local_date(zone, before) >= day {
        return None;
    }
    let midnight = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
    midnight.and_utc().checked_sub_signed(TimeDelta::seconds(i64::from(offset.local_minus_utc()) + 1))
}

/// The date that calendars in `zone` show. Slots exist in the years of schedules only, and what lies
/// before the first of them is some earlier day whatever its date, so overflow cannot mislead.
fn local_date(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    let offset =
        TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()));
    instant.naive_utc().checked_add_signed(offset).map_or(instant.date_naive(), |local| local.date())
}

#[cfg(test)]
mod tests;
