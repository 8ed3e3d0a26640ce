use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 instant")
}

fn cron(line: &str) -> Cron {
    Cron::parse(line).expect("a good line")
}

/// Every slot between, one by one.
fn walked(cron: &Cron, zone: Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    std::iter::successors(cron.next_after(after, zone), |last| cron.next_after(*last, zone))
        .take_while(|slot| *slot <= until)
        .collect()
}

#[test]
fn the_latest_runs_while_fresh_and_the_others_are_missed() {
    let nine = cron("0 9 * * *");
    let hours = TimeDelta::hours;
    let find = |handled, now, catch_up| due(&nine, Tz::UTC, at(handled), at(now), catch_up);
    let only = |slot| Due { run: Some(at(slot)), ..Due::default() };

    assert_eq!(find("2027-05-03T08:00:00Z", "2027-05-03T08:59:59Z", hours(1)), Due::default());
    assert_eq!(find("2027-05-03T08:00:00Z", "2027-05-03T09:00:00Z", hours(0)), only("2027-05-03T09:00:00Z"));
    // Handled is handled, whether it ran or not.
    assert_eq!(find("2027-05-03T09:00:00Z", "2027-05-03T09:30:00Z", hours(1)), Due::default());
    // Exactly as old as allowed, and a second older.
    assert_eq!(find("2027-05-03T08:00:00Z", "2027-05-03T10:00:00Z", hours(1)), only("2027-05-03T09:00:00Z"));
    let late = find("2027-05-03T08:00:00Z", "2027-05-03T10:00:01Z", hours(1));
    assert_eq!(late, Due { missed: vec![at("2027-05-03T09:00:00Z")], ..Due::default() });
    // Three days away.
    let away = find("2027-05-01T10:00:00Z", "2027-05-04T09:10:00Z", hours(1));
    assert_eq!(away.run, Some(at("2027-05-04T09:00:00Z")));
    assert_eq!(away.missed, [at("2027-05-02T09:00:00Z"), at("2027-05-03T09:00:00Z")]);
    // The clock steps back.
    assert_eq!(find("2027-05-03T09:00:00Z", "2027-05-02T09:00:00Z", hours(1)), Due::default());
}

#[test]
fn nights_on_which_clocks_change() {
    use chrono_tz::{America::New_York, Australia::Lord_Howe, Europe::Berlin};
    // One evening to the next: which slots the night has.
    let table: [(&str, Tz, &str, &[&str]); 8] = [
        ("30 2 * * *", Berlin, "2027-03-27T20:00:00Z", &["03-28 01:00"]),
        ("30 2 * * *", Berlin, "2027-10-30T20:00:00Z", &["10-31 00:30"]),
        ("0 1-3 * * *", Berlin, "2027-03-27T20:00:00Z", &["03-28 00:00", "03-28 01:00"]),
        ("0 1-3 * * *", Berlin, "2027-10-30T20:00:00Z", &["10-30 23:00", "10-31 00:00", "10-31 01:00", "10-31 02:00"]),
        ("30 2 * * *", New_York, "2027-03-13T20:00:00Z", &["03-14 07:00"]),
        ("30 1 * * *", New_York, "2027-11-06T20:00:00Z", &["11-07 05:30"]),
        ("15 2 * * *", Lord_Howe, "2027-10-02T10:00:00Z", &["10-02 15:30"]),
        ("45 1 * * *", Lord_Howe, "2027-04-03T10:00:00Z", &["04-03 14:45"]),
    ];
    for (line, zone, from, expected) in table {
        let found = due(&cron(line), zone, at(from), at(from) + TimeDelta::hours(20), TimeDelta::days(1));
        let slots = found.missed.iter().chain(&found.run);
        let slots: Vec<String> = slots.map(|slot| slot.format("%m-%d %H:%M").to_string()).collect();
        assert_eq!(slots, expected, "{line} {zone}");
    }
}

#[test]
fn years_of_minutes_are_counted_and_the_latest_listed() {
    let found =
        due(&cron("* * * * *"), Tz::UTC, at("1970-01-01T00:00:00Z"), at("2027-01-01T00:00:30Z"), TimeDelta::hours(1));
    assert_eq!(found.run, Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(found.missed.len(), 100);
    assert_eq!(found.missed.last(), Some(&at("2026-12-31T23:59:00Z")));
    let minutes = (at("2027-01-01T00:00:00Z") - at("1970-01-01T00:00:00Z")).num_minutes();
    assert_eq!(found.more_missed, minutes as u64 - 101);
    // Instants no schedule has do not loop or panic either.
    assert_eq!(
        due(&cron("* * * * *"), Tz::UTC, DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, TimeDelta::MAX),
        Due::default()
    );
}

const LINES: [&str; 10] = [
    "30 2 * * *",
    "0 9 * * MON-FRI",
    "*/30 * * * *",
    "0 */2 * * *",
    "15,45 1-3 * * *",
    "0 0 1 * *",
    "0 0 L * MON#1",
    "* * * * *",
    "0 0 * * *",
    "59 23 * * *",
];
const ZONES: [Tz; 6] = [
    Tz::UTC,
    chrono_tz::Europe::Berlin,
    chrono_tz::America::New_York,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::America::Santiago,
    chrono_tz::Asia::Kathmandu,
];

proptest! {
    /// What days are counted instead of walked makes no difference.
    #[test]
    fn counting_agrees_with_walking(
        line in proptest::sample::select(&LINES[..]),
        zone in proptest::sample::select(&ZONES[..]),
        start in 1_780_000_000i64..1_840_000_000,
        length in 0i64..20 * 86_400,
        catch_up in 0i64..7_200,
    ) {
        let cron = cron(line);
        let (handled, now) = (DateTime::from_timestamp(start, 0).unwrap(), DateTime::from_timestamp(start + length, 0).unwrap());
        let mut slots = walked(&cron, zone, handled, now);
        let found = due(&cron, zone, handled, now, TimeDelta::seconds(catch_up));
        let run = slots.pop_if(|slot| (now - *slot).num_seconds() <= catch_up);
        prop_assert_eq!(found.run, run);
        let older = slots.len().saturating_sub(100);
        prop_assert_eq!(&found.missed[..], &slots[older..]);
        prop_assert_eq!(found.more_missed, older as u64);
    }

    /// Asked again and again, with the clock stepping back at times: no slot twice, none lost.
    #[test]
    fn successive_calls_give_every_slot_once(
        line in proptest::sample::select(&LINES[..7]),
        zone in proptest::sample::select(&ZONES[..]),
        start in 1_780_000_000i64..1_840_000_000,
        steps in proptest::collection::vec(-4_000i64..90_000, 1..20),
        catch_up in 0i64..7_200,
    ) {
        let cron = cron(line);
        let begin = DateTime::from_timestamp(start, 0).unwrap();
        let (mut handled, mut now) = (begin, begin);
        let mut given = Vec::new();
        for step in steps {
            now += TimeDelta::seconds(step);
            let found = due(&cron, zone, handled, now, TimeDelta::seconds(catch_up));
            prop_assert_eq!(found.more_missed, 0);
            given.extend(found.missed);
            given.extend(found.run);
            handled = handled.max(now);
        }
        prop_assert_eq!(given, walked(&cron, zone, begin, handled));
    }
}
