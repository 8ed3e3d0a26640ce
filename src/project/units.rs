//! Durations, shares and rates as people write them: `3d`, `10%`, `200/s`.
//!
//! Where a text is no such thing, the error is what to write instead, if that can be guessed.

use std::time::Duration;

use chrono::TimeDelta;

use super::model::{BasisPoints, Rate, Window};

/// Longest duration: a century, so that arithmetic with instants cannot overflow.
const MAX_DAYS: u32 = 36_500;

/// `30s`, `15m`, `12h` (exact), `3d`, `2w` (calendar days).
pub fn window(text: &str) -> Result<Window, Option<String>> {
    let (count, unit) = number_and_unit(text).ok_or(None)?;
    let hint = |unit: &str| Err(Some(format!("did you mean `{count}{unit}`?")));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        "" | "D" | "day" | "days" => return hint("d"),
        "S" | "sec" | "second" | "seconds" => return hint("s"),
        "min" | "minute" | "minutes" => return hint("m"),
        "H" | "hour" | "hours" => return hint("h"),
        "W" | "week" | "weeks" => return hint("w"),
        _ => return Err(None),
    };
    if u64::from(count) * seconds > u64::from(MAX_DAYS) * 86_400 {
        return Err(Some(format!("at most `{MAX_DAYS}d`")));
    }
    Ok(match unit {
        "d" => Window::Days(count),
        "w" => Window::Days(count * 7),
        // Bounded above, so it fits.
        _ => Window::Exact(TimeDelta::seconds((u64::from(count) * seconds) as i64)),
    })
}

/// `10%`, `0.5%`, `0.25%`: 0 to 100 with at most two decimals, in basis points.
pub fn share(text: &str) -> Result<BasisPoints, Option<String>> {
    let Some(percent) = text.strip_suffix('%').map(str::trim_end) else {
        let guess = match text.parse::<f64>() {
            Ok(number) if number > 0.0 && number < 1.0 => Some(number * 100.0),
            Ok(number) if (0.0..=100.0).contains(&number) => Some(number),
            Ok(_) | Err(_) => None,
        };
        return Err(guess.map(|percent| format!("did you mean `{}%`?", (percent * 100.0).round() / 100.0)));
    };
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(None);
    }
    if decimals.len() > 2 {
        return Err(Some("at most two decimals".to_owned()));
    }
    let hundredths: u32 = format!("{decimals:0<2}").parse().map_err(|_| None)?;
    let points = whole.parse::<u32>().ok().and_then(|w| w.checked_mul(100)?.checked_add(hundredths));
    points.filter(|points| *points <= 10_000).ok_or_else(|| Some("at most `100%`".to_owned()))
}

/// `200/s`, `20/m`, `1000/h`, `500/d`: at least one.
pub fn rate(text: &str) -> Result<Rate, Option<String>> {
    let (count, unit) = number_and_unit(text).ok_or(None)?;
    if count == 0 {
        return Err(Some("at least 1".to_owned()));
    }
    let seconds = match unit.strip_prefix('/').map(str::trim_start) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        Some(other) => {
            let initial = other.chars().next().map(|c| c.to_ascii_lowercase()).filter(|c| "smhd".contains(*c));
            return Err(initial.map(|unit| format!("did you mean `{count}/{unit}`?")));
        }
        None if unit.is_empty() => return Err(Some(format!("did you mean `{count}/s`?"))),
        None => return Err(None),
    };
    Ok(Rate { count, per: Duration::from_secs(seconds) })
}

fn number_and_unit(text: &str) -> Option<(u32, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_read_as_written() {
        assert_eq!(window("2w"), Ok(Window::Days(14)));
        assert_eq!(window("90m"), Ok(Window::Exact(TimeDelta::minutes(90))));
        assert_eq!(window("0s"), Ok(Window::Exact(TimeDelta::zero())));
        assert_eq!(share("10%"), Ok(1_000));
        assert_eq!(share("0.5%"), Ok(50));
        assert_eq!(share("0.05%"), Ok(5));
        assert_eq!(share("100%"), Ok(10_000));
        assert_eq!(rate("20/m"), Ok(Rate { count: 20, per: Duration::from_secs(60) }));
    }

    #[test]
    fn near_misses_say_what_to_write() {
        assert_eq!(window("3"), Err(Some("did you mean `3d`?".into())));
        assert_eq!(window("3 days"), Err(Some("did you mean `3d`?".into())));
        assert_eq!(window("99999999w"), Err(Some("at most `36500d`".into())));
        assert_eq!(window("3mo"), Err(None));
        assert_eq!(window("-3d"), Err(None));
        assert_eq!(share("0.1"), Err(Some("did you mean `10%`?".into())));
        assert_eq!(share("10"), Err(Some("did you mean `10%`?".into())));
        assert_eq!(share("1.005%"), Err(Some("at most two decimals".into())));
        assert_eq!(share("100.01%"), Err(Some("at most `100%`".into())));
        assert_eq!(share("99999999999%"), Err(Some("at most `100%`".into())));
        assert_eq!(share("-1%"), Err(None));
        assert_eq!(rate("200"), Err(Some("did you mean `200/s`?".into())));
        assert_eq!(rate("200/sec"), Err(Some("did you mean `200/s`?".into())));
        assert_eq!(rate("0/s"), Err(Some("at least 1".into())));
    }
}
