use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 instant")
}

/// The next local times after a local-looking start, for tables that read like a calendar.
fn locally(line: &str, zone: Tz, from: &str, n: usize) -> Vec<String> {
    let cron = Cron::parse(line).expect("a good line");
    let slots = cron.upcoming(at(from), zone, n);
    slots.into_iter().map(|slot| slot.with_timezone(&zone).format("%a %m-%d %H:%M %:z").to_string()).collect()
}

#[test]
fn reads_numbers_names_ranges_lists_and_steps() {
    let berlin = chrono_tz::Europe::Berlin;
    let table: [(&str, &[&str]); 10] = [
        ("0 9 * * MON-FRI", &["Fri 01-01 09:00", "Mon 01-04 09:00"]),
        ("0 9 * * mon-fri/2", &["Fri 01-01 09:00", "Mon 01-04 09:00"]),
        ("*/30 8-9 * * *", &["Fri 01-01 08:00", "Fri 01-01 08:30", "Fri 01-01 09:00", "Fri 01-01 09:30"]),
        ("5 9,18 1,15 * *", &["Fri 01-01 09:05", "Fri 01-01 18:05", "Fri 01-15 09:05"]),
        ("0 7 L * *", &["Sun 01-31 07:00", "Sun 02-28 07:00"]),
        ("0 7 * * MON#1", &["Mon 01-04 07:00", "Mon 02-01 07:00"]),
        ("0 7 * * fri#l", &["Fri 01-29 07:00", "Fri 02-26 07:00"]),
        ("0 7 * * FRI-SUN", &["Fri 01-01 07:00", "Sat 01-02 07:00", "Sun 01-03 07:00", "Fri 01-08 07:00"]),
        ("0 7 * * */3", &["Sat 01-02 07:00", "Sun 01-03 07:00", "Wed 01-06 07:00"]),
        ("0 0 29 FEB *", &["Tue 02-29 00:00"]),
    ];
    for (line, expected) in table {
        let slots = locally(line, berlin, "2026-12-31T23:00:00Z", expected.len());
        let slots: Vec<&str> = slots.iter().map(|slot| slot.trim_end_matches(" +01:00")).collect();
        assert_eq!(slots, expected, "{line}");
    }
}

#[test]
fn a_bare_asterisk_however_written_leaves_the_other_day_field_alone() {
    for line in ["0 9 1 * *", "0 9 1 * */1", "0 9 1 * MON,*"] {
        let cron = Cron::parse(line).expect("a good line");
        assert_eq!(cron.warning(), None, "{line}");
        assert_eq!(cron.next_after(at("2027-01-01T09:00:00Z"), Tz::UTC), Some(at("2027-02-01T09:00:00Z")), "{line}");
    }
    assert!(Cron::parse("0 9 1 * MON").expect("a good line").warning().is_some());
}

#[test]
fn refuses_what_it_cannot_explain() {
    let table = [
        ("", "five fields", "MON-FRI"),
        ("0 0 9 * * MON", "this one has 6", "leave out the seconds"),
        ("@daily", "nickname", "`0 0 * * *`"),
        ("*/61 * * * *", "the step in `*/61` is beyond the range of minute", ""),
        ("*/60 * * * *", "beyond the range of minute", ""),
        ("*/0 * * * *", "beyond the range of minute", ""),
        ("0 8-10/3 * * *", "the step in `8-10/3` is beyond the range of hour", ""),
        ("0/10 * * * *", "cannot read `0/10` as minute", "after `*` or a range"),
        ("60 * * * *", "minute `60` is outside 0 to 59", ""),
        ("0 99999999999999999999 * * *", "is outside 0 to 23", ""),
        ("0 +9 * * *", "cannot read `+9` as hour", "not supported"),
        ("0 9 * * +MON", "cannot read `+MON` as day of week", "not supported"),
        ("0 9 ? * MON", "cannot read `?` as day of month", "write `*`"),
        ("0 9 15W * *", "cannot read `15W` as day of month", "last day"),
        ("0 9 * * 5L", "cannot read `5L` as day of week", "MON#1"),
        ("0 9 * * MON#6", "cannot read `MON#6`", "MON#1"),
        ("0 9 * * MONDAY", "cannot read `MONDAY` as day of week", "MON-FRI"),
        ("0 9 JAN * *", "cannot read `JAN` as day of month", ""),
        ("0 9 * * FRI-MON", "runs backwards", "FRI,SAT,SUN,MON"),
        ("0 22-6 * * *", "runs backwards", "22-23,0-6"),
        ("0,,5 * * * *", "cannot read `0,,5` as minute", ""),
        ("0 0 30 2 *", "`0 0 30 2 *` never runs", ""),
        ("0 0 31 4,6,9,11 *", "never runs", ""),
    ];
    for (line, message, hint) in table {
        let error = Cron::parse(line).expect_err(line);
        assert!(error.to_string().contains(message), "{line}: {error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{line}: {:?}", error.hint());
    }
    // A day of week is enough by itself, so this one does run.
    assert!(Cron::parse("0 0 30 2 MON").is_ok());
}

#[test]
fn nights_on_which_clocks_change() {
    use chrono_tz::{America::New_York, Australia::Lord_Howe, Europe::Berlin};
    let table: [(&str, Tz, &str, &[&str]); 7] = [
        // Forward: a fixed time in the gap runs once, right after it; a stepped line skips the gap.
        ("30 2 * * *", Berlin, "2027-03-27T12:00:00Z", &["Sun 03-28 03:00 +02:00", "Mon 03-29 02:30 +02:00"]),
        ("0 */2 * * *", Berlin, "2027-03-27T22:00:00Z", &["Sun 03-28 00:00 +01:00", "Sun 03-28 04:00 +02:00"]),
        // Back: a fixed time runs at the first 02:30; a stepped line runs in both folds.
        ("30 2 * * *", Berlin, "2027-10-30T12:00:00Z", &["Sun 10-31 02:30 +02:00", "Mon 11-01 02:30 +01:00"]),
        (
            "*/30 * * * *",
            Berlin,
            "2027-10-31T00:00:00Z",
            &["Sun 10-31 02:30 +02:00", "Sun 10-31 02:00 +01:00", "Sun 10-31 02:30 +01:00", "Sun 10-31 03:00 +01:00"],
        ),
        ("15 2 * * *", New_York, "2027-03-13T12:00:00Z", &["Sun 03-14 03:00 -04:00", "Mon 03-15 02:15 -04:00"]),
        ("30 1 * * *", New_York, "2027-11-06T12:00:00Z", &["Sun 11-07 01:30 -04:00", "Mon 11-08 01:30 -05:00"]),
        // Half an hour only.
        ("15 2 * * *", Lord_Howe, "2027-10-02T12:00:00Z", &["Sun 10-03 02:30 +11:00", "Mon 10-04 02:15 +11:00"]),
    ];
    for (line, zone, from, expected) in table {
        assert_eq!(locally(line, zone, from, expected.len()), expected, "{line} {zone}");
    }
}

#[test]
fn far_away_instants_give_nothing() {
    let cron = Cron::parse("0 9 * * *").expect("a good line");
    for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, at("4999-12-31T23:00:00Z")] {
        assert_eq!(cron.next_after(instant, chrono_tz::Pacific::Kiritimati), None);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\u{e9}\u{131}\t]{0,40}") {
        if let Err(error) = Cron::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
            let _ = error.hint();
        }
    }

    #[test]
    fn any_line_of_known_pieces_is_read_or_refused_and_steps_forward(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec!["*", "*/7", "0", "5", "1-5", "MON", "L", "1,9", "2-9/3", "JAN", "23", "31", "TUE#2"]), 5),
        seconds in 0i64..4_000_000_000,
    ) {
        if let Ok(cron) = Cron::parse(&pieces.join(" ")) {
            let from = DateTime::from_timestamp(seconds, 0).expect("in range");
            let slots = cron.upcoming(from, chrono_tz::Europe::Berlin, 3);
            prop_assert_eq!(slots.len(), 3, "{}", cron.text());
            prop_assert!(slots.is_sorted_by(|a, b| a < b) && slots[0] > from);
        }
    }

    /// The next slot does not depend on where before it one asks, not even inside gaps and folds.
    #[test]
    fn the_next_slot_is_the_same_from_everywhere_before_it(
        line in proptest::sample::select(vec!["30 2 * * *", "0 3 * * *", "30 1 * * *", "*/30 * * * *", "0 */2 * * *", "15,45 1-3 * * *", "0 0 * * *"]),
        zone in proptest::sample::select(vec![chrono_tz::Europe::Berlin, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe, chrono_tz::America::Santiago, chrono_tz::Asia::Shanghai]),
        night in proptest::sample::select(vec!["2027-03-27", "2027-10-30", "2027-03-13", "2027-11-06", "2027-10-02", "2027-04-03", "2027-09-04"]),
        minutes in 0i64..2880,
        seconds in 0i64..60,
    ) {
        let cron = Cron::parse(line).expect("a good line");
        let from = at(&format!("{night}T12:00:00Z")) + TimeDelta::minutes(minutes) + TimeDelta::seconds(seconds);
        let next = cron.next_after(from, zone).expect("there is one");
        prop_assert!(next > from);
        let start = from - TimeDelta::days(2);
        let walked = std::iter::successors(cron.next_after(start, zone), |last| cron.next_after(*last, zone))
            .find(|slot| *slot > from);
        prop_assert_eq!(walked, Some(next), "{} {} from {}", line, zone, from);
    }
}
