//! A cron line of five fields, read strictly: what we cannot explain to its author is refused.
//!
//! The arithmetic across daylight saving is croner's. Its grammar is wider than ours (seconds, years,
//! nicknames, `W`, `+`, steps that never step), so a line is first read here, field by field, and
//! handed on in plain numbers.
//!
//! Nights on which clocks change. A line with one minute and one hour names a fixed time: if that time
//! does not exist (`30 2 * * *` when clocks go forward) it runs once, when they have gone forward; if it
//! happens twice, it runs at the first. Any other line (a list, range, step or `*` in minute or hour)
//! follows the clock: it loses what the gap swallows and repeats what the fold repeats.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

/// The five fields, in their order.
const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    Field { name: "day of week", low: 0, high: 7, names: &WEEKDAYS },
];
const MONTHS: [(&str, u16); 12] = [
    ("JAN", 1),
    ("FEB", 2),
    ("MAR", 3),
    ("APR", 4),
    ("MAY", 5),
    ("JUN", 6),
    ("JUL", 7),
    ("AUG", 8),
    ("SEP", 9),
    ("OCT", 10),
    ("NOV", 11),
    ("DEC", 12),
];
const WEEKDAYS: [(&str, u16); 7] = [("SUN", 0), ("MON", 1), ("TUE", 2), ("WED", 3), ("THU", 4), ("FRI", 5), ("SAT", 6)];
/// The longest each month can be.
const MONTH_LENGTHS: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// croner searches up to the year 5000; instants outside are no schedule's business.
const YEARS: std::ops::Range<i32> = 1..4999;

/// A cron line that was read and will fire.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    pattern: croner::Cron,
}

/// Why a text is no cron line of ours. Sentences without a full stop, for the author of the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error("a cron line has five fields (minute, hour, day of month, month, day of week), this one has {0}")]
    FieldCount(usize),
    /// `@daily` and the like.
    #[error("`{0}` is a nickname, not five fields")]
    Nickname(String),
    /// Something that is no number, name, range, list or step.
    #[error("cannot read `{part}` as {field}")]
    Unreadable {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        part: String,
    },
    /// A number that the field cannot have.
    #[error("{field} `{part}` is outside {low} to {high}")]
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        part: String,
        /// The least value.
        low: u16,
        /// The greatest value.
        high: u16,
    },
    /// `FRI-MON`, `22-6`.
    #[error("the range `{part}` in {field} runs backwards")]
    Backwards {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        part: String,
    },
    /// `*/61`, `10-20/15`, `*/0`: it would never take a step.
    #[error("the step in `{part}` is beyond the range of {field}, so it would never be taken")]
    Step {
        /// The field's name.
        field: &'static str,
        /// What stands there.
        part: String,
    },
    /// 30 February.
    #[error("`{0}` never runs: no month it names has that day")]
    Never(String),
    /// The engine refused what we had accepted.
    #[error("`{text}` is not a cron line: {reason}")]
    Refused {
        /// The line.
        text: String,
        /// The engine's words.
        reason: String,
    },
}

impl CronError {
    /// What to write instead, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            CronError::FieldCount(6) => Some("leave out the seconds: the first field is the minute".to_owned()),
            CronError::FieldCount(_) => Some("for example `0 9 * * MON-FRI`: at 9:00 on weekdays".to_owned()),
            CronError::Nickname(name) => match name.to_ascii_lowercase().as_str() {
                "@hourly" => Some("write `0 * * * *`".to_owned()),
                "@daily" | "@midnight" => Some("write `0 0 * * *`".to_owned()),
                "@weekly" => Some("write `0 0 * * SUN`".to_owned()),
                "@monthly" => Some("write `0 0 1 * *`".to_owned()),
                "@yearly" | "@annually" => Some("write `0 0 1 1 *`".to_owned()),
                _ => Some("for example `0 9 * * MON-FRI`: at 9:00 on weekdays".to_owned()),
            },
            CronError::Unreadable { part, .. } if part.starts_with('+') => {
                Some("`+` is not supported: a day must match the day of month or the day of week".to_owned())
            }
            CronError::Unreadable { part, .. } if part.contains('?') => Some("write `*` for any".to_owned()),
            CronError::Unreadable { part, .. } if part.contains('/') => {
                Some("a step stands after `*` or a range: `*/15`, `8-20/2`".to_owned())
            }
            CronError::Unreadable { field: "day of month", .. } => Some(
                "a number, a range `1-7`, a list `1,15`, a step `*/10`, or `L` for the month's last day".to_owned(),
            ),
            CronError::Unreadable { field: "day of week", .. } => Some(
                "a day `MON`, a range `MON-FRI`, a list `TUE,THU`, or `MON#1` for the month's first Monday".to_owned(),
            ),
            CronError::Unreadable { .. } => {
                Some("a number, a range `8-20`, a list `8,12`, or a step `*/15`".to_owned())
            }
            CronError::Backwards { field: "day of week", .. } => {
                Some("list the days instead, for example `FRI,SAT,SUN,MON`".to_owned())
            }
            CronError::Backwards { .. } => Some("write two ranges, for example `22-23,0-6` for 22 to 6".to_owned()),
            CronError::OutOfRange { .. } | CronError::Step { .. } | CronError::Never(_) | CronError::Refused { .. } => {
                None
            }
        }
    }
}

impl Cron {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`CronError`] for anything but five fields of numbers, names, `*`, ranges, lists and steps (also
    /// `L` as day of month and `MON#1` as day of week), and for a line that would never run.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let text = text.trim();
        if text.starts_with('@') {
            return Err(CronError::Nickname(text.to_owned()));
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(CronError::FieldCount(parts.len()));
        };
        let mut plain = Vec::with_capacity(FIELDS.len());
        for (field, part) in FIELDS.iter().zip([minute, hour, day, month, weekday]) {
            plain.push(field.read(part)?);
        }
        let refused =
            |error: croner::errors::CronError| CronError::Refused { text: text.to_owned(), reason: error.to_string() };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = parser.parse(&plain.join(" ")).map_err(refused)?;
        let cron = Cron { text: text.to_owned(), pattern };
        if cron.can_fire() { Ok(cron) } else { Err(CronError::Never(cron.text)) }
    }

    /// The line as its author wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first slot strictly after `instant`, the fields being read in `zone`. `None` only far outside
    /// the years of any schedule.
    pub fn next_after(&self, instant: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        // A local time near the ends of chrono's calendar would overflow.
        if !YEARS.contains(&instant.year()) {
            return None;
        }
        let next = self.pattern.find_next_occurrence(&instant.with_timezone(&zone), false).ok()?;
        Some(next.with_timezone(&Utc)).filter(|next| *next > instant)
    }

    /// The next `n` slots strictly after `from`.
    pub fn upcoming(&self, from: DateTime<Utc>, zone: Tz, n: usize) -> Vec<DateTime<Utc>> {
        let first = self.next_after(from, zone);
        std::iter::successors(first, |last| self.next_after(*last, zone)).take(n).collect()
    }

    /// What is allowed but seldom meant.
    pub fn warning(&self) -> Option<&'static str> {
        let pattern = &self.pattern.pattern;
        (!pattern.is_dom_wildcard() && !pattern.is_dow_wildcard()).then_some(
            "day of month and day of week are both given: it runs on days that match either, not only on those that match both",
        )
    }

    /// How many slots an ordinary day has: one on which clocks do not change and which the line names.
    pub(super) fn slots_per_day(&self) -> u64 {
        (self.pattern.pattern.hours.values().len() * self.pattern.pattern.minutes.values().len()) as u64
    }

    /// Whether some year has a day that fits. A day of week always comes, and it is enough by itself.
    fn can_fire(&self) -> bool {
        let pattern = &self.pattern.pattern;
        if !pattern.is_dow_wildcard() || pattern.days.has_modifiers() {
            return true;
        }
        let longest = pattern
            .months
            .values()
            .into_iter()
            .filter_map(|month| MONTH_LENGTHS.get(usize::from(month).checked_sub(1)?).copied());
        let longest = longest.max().unwrap_or(0);
        pattern.days.values().first().is_some_and(|first| *first <= longest)
    }
}

/// One field's name and values.
struct Field {
    name: &'static str,
    low: u16,
    high: u16,
    names: &'static [(&'static str, u16)],
}

impl Field {
    /// Reads a field into plain numbers.
    fn read(&self, text: &str) -> Result<String, CronError> {
        let parts =
            text.split(',').map(|part| self.read_part(part, text)).collect::<Result<Vec<String>, CronError>>()?;
        // `*` beside other parts, or `*/1`, is still every value; croner looks for the bare `*`.
        if parts.iter().any(|part| part == "*") {
            return Ok("*".to_owned());
        }
        Ok(parts.join(","))
    }

    /// Reads one part of a list; `whole` is the field, shown where the part itself is empty.
    fn read_part(&self, part: &str, whole: &str) -> Result<String, CronError> {
        let part_shown = if part.is_empty() { whole } else { part };
        let unreadable = || CronError::Unreadable { field: self.name, part: part_shown.to_owned() };
        if part.is_empty() {
            return Err(unreadable());
        }
        if self.name == "day of month" && part.eq_ignore_ascii_case("L") {
            return Ok("L".to_owned());
        }
        if self.name == "day of week"
            && let Some((day, nth)) = part.split_once('#')
        {
            let day = self.value(day, part)?;
            return match nth {
                "1" | "2" | "3" | "4" | "5" => Ok(format!("{day}#{nth}")),
                _ if nth.eq_ignore_ascii_case("L") => Ok(format!("{day}#L")),
                _ => Err(unreadable()),
            };
        }
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            // Sunday is both 0 and 7; a week of `*` has seven days, not eight.
            _ if range == "*" => (self.low, if self.name == "day of week" { 6 } else { self.high }),
            Some((low, high)) => {
                let low = self.value(low, part)?;
                let high = match self.value(high, part)? {
                    0 if self.name == "day of week" && low > 0 => 7,
                    high => high,
                };
                (low, high)
            }
            None if step.is_none() => return self.value(part, part).map(|value| value.to_string()),
            None => return Err(unreadable()),
        };
        if low > high {
            return Err(CronError::Backwards { field: self.name, part: part.to_owned() });
        }
        match step.map(number) {
            None if range == "*" => Ok("*".to_owned()),
            None => Ok(format!("{low}-{high}")),
            Some(None) => Err(unreadable()),
            Some(Some(1)) if range == "*" => Ok("*".to_owned()),
            Some(Some(step)) if step == 0 || step > high - low => {
                Err(CronError::Step { field: self.name, part: part.to_owned() })
            }
            Some(Some(step)) => Ok(format!("{low}-{high}/{step}")),
        }
    }

    /// A number within the field's range, or a name.
    fn value(&self, text: &str, part: &str) -> Result<u16, CronError> {
        if let Some((_, value)) = self.names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(*value);
        }
        let value = number(text).ok_or_else(|| CronError::Unreadable { field: self.name, part: part.to_owned() })?;
        if value < self.low || value > self.high {
            return Err(CronError::OutOfRange {
                field: self.name,
                part: part.to_owned(),
                low: self.low,
                high: self.high,
            });
        }
        Ok(value)
    }
}

/// Digits only: the standard parser would also take `+5`. A number too large to hold is larger than any field.
fn number(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
