//! Numbers and spans as people read them. No locale, no machine settings: the same number, the same text.

use chrono::TimeDelta;

use crate::domain::contact::is_forbidden;
use crate::outcomes::effect::interval::Interval;

/// What stands where there is no figure.
pub const NONE: &str = "-";

/// `1,234,567`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A number of users that came out of a calculation, rounded: `1,626` or `-3`.
pub fn rounded(number: f64) -> String {
    signed_fixed(number, 0)
}

/// A share as a percentage with two decimals: `5.38 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", signed_fixed(share * 100.0, 2))
}

/// A difference of shares in percentage points, always with its sign: `+2.63 pt`.
pub fn points(difference: f64) -> String {
    format!("{} pt", plus(difference * 100.0, 2))
}

/// An interval of a share: `5.15 to 5.62 %`.
pub fn percent_interval(interval: Interval) -> String {
    format!("{} to {} %", signed_fixed(interval.low * 100.0, 2), signed_fixed(interval.high * 100.0, 2))
}

/// An interval of a difference of shares: `+2.03 to +3.15 pt`.
pub fn points_interval(interval: Interval) -> String {
    format!("{} to {} pt", plus(interval.low * 100.0, 2), plus(interval.high * 100.0, 2))
}

/// An amount in minor units, shown in units of currency: `1,908.86`.
pub fn money(minor: f64) -> String {
    signed_fixed(minor / 100.0, 2)
}

/// A p-value: four decimals, or that it is below what four can show.
pub fn p_value(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// A number with two decimals: `2.58`.
pub fn decimal(number: f64) -> String {
    signed_fixed(number, 2)
}

/// A span in the largest unit that divides it: `28 days`, `36 hours`, `90 seconds`.
pub fn span(window: TimeDelta) -> String {
    let (number, unit) = span_parts(window);
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// The same as a suffix: `28d`, `36h`, `90s`.
pub fn span_suffix(window: TimeDelta) -> String {
    let (number, unit) = span_parts(window);
    format!("{number}{}", &unit[..1])
}

fn span_parts(window: TimeDelta) -> (i64, &'static str) {
    let seconds = window.num_seconds();
    if seconds % 86_400 == 0 {
        (seconds / 86_400, "day")
    } else if seconds % 3_600 == 0 {
        (seconds / 3_600, "hour")
    } else {
        (seconds, "second")
    }
}

/// `1 user is`, `5 users are`.
pub fn users_are(number: u64) -> String {
    if number == 1 { "1 user is".to_owned() } else { format!("{} users are", count(number)) }
}

/// A text of the team's in one line, without characters that could steer a terminal.
pub fn clean(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if is_forbidden(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plus(number: f64, decimals: usize) -> String {
    let text = signed_fixed(number, decimals);
    if text.starts_with('-') || !number.is_finite() { text } else { format!("+{text}") }
}

/// Fixed decimals with groups of thousands, and no minus before a zero.
fn signed_fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", number.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    let sign = if number < 0.0 && !zero { "-" } else { "" };
    let fraction = fraction.map_or(String::new(), |f| format!(".{f}"));
    format!("{sign}{}{fraction}", grouped(whole))
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_numbers() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(123), "123");
        assert_eq!(rounded(-1_625.8), "-1,626");
        assert_eq!(points(-0.00001), "+0.00 pt");
        assert_eq!(points(-0.0123), "-1.23 pt");
        assert_eq!(money(-190_885.7), "-1,908.86");
        assert_eq!(span(TimeDelta::days(28)), "28 days");
        assert_eq!(span(TimeDelta::hours(36)), "36 hours");
        assert_eq!(span_suffix(TimeDelta::days(7)), "7d");
        assert_eq!(clean("a\u{1b}[31m\n b"), "a [31m b");
    }
}
