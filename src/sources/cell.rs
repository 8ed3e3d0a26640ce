//! Types of columns and the values of cells, inferred from text the way a person would read it.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// A calendar day.
    Date,
    /// An instant.
    Time,
    /// Anything.
    Text,
}

impl ColumnType {
    /// The engine's type.
    pub fn data_type(self) -> DataType {
        match self {
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Int => DataType::Int64,
            ColumnType::Float => DataType::Float64,
            ColumnType::Date => DataType::Date32,
            ColumnType::Time => instant_type(),
            ColumnType::Text => DataType::Utf8,
        }
    }

    /// What a cell of this type is called in a message.
    pub fn noun(self) -> &'static str {
        match self {
            ColumnType::Bool => "a truth value",
            ColumnType::Int => "a whole number",
            ColumnType::Float => "a number",
            ColumnType::Date => "a date",
            ColumnType::Time => "a time",
            ColumnType::Text => "a text",
        }
    }
}

/// The engine's type of an instant: microseconds in UTC.
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Narrows down a column's type, cell by cell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guess {
    seen: Option<ColumnType>,
}

impl Guess {
    /// Takes a cell into account.
    pub fn see(&mut self, cell: &str) {
        let this = kind(cell);
        self.seen = Some(match (self.seen, this) {
            (None, this) => this,
            (Some(a), b) if a == b => a,
            (Some(ColumnType::Int), ColumnType::Float) | (Some(ColumnType::Float), ColumnType::Int) => {
                ColumnType::Float
            }
            (Some(ColumnType::Date), ColumnType::Time) | (Some(ColumnType::Time), ColumnType::Date) => ColumnType::Time,
            (Some(_), _) => ColumnType::Text,
        });
    }

    /// The narrowest type that held all cells; text where none was seen.
    pub fn result(self) -> ColumnType {
        self.seen.unwrap_or(ColumnType::Text)
    }
}

/// The narrowest type of one cell. Digits with a leading zero are text: they are codes, not numbers.
fn kind(cell: &str) -> ColumnType {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if matches!(cell, "true" | "false" | "True" | "False" | "TRUE" | "FALSE") {
        ColumnType::Bool
    } else if !code && cell.parse::<i64>().is_ok() {
        ColumnType::Int
    } else if !code && number(cell).is_some() {
        ColumnType::Float
    } else if date(cell).is_some() {
        ColumnType::Date
    } else if instant(cell, Tz::UTC).is_some() {
        ColumnType::Time
    } else {
        ColumnType::Text
    }
}

/// A finite decimal number.
pub fn number(cell: &str) -> Option<f64> {
    let plain = cell.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    cell.parse::<f64>().ok().filter(|value| plain && value.is_finite())
}

/// A truth value as people write it: `true`, `yes`, `y`, `1` and their opposites, in any case.
pub fn truth(cell: &str) -> Option<bool> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" => Some(true),
        "false" | "no" | "n" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// A calendar day, `YYYY-MM-DD` or `YYYY/MM/DD`.
pub fn date(cell: &str) -> Option<NaiveDate> {
    (cell.len() == 10)
        .then(|| {
            NaiveDate::parse_from_str(cell, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(cell, "%Y/%m/%d")).ok()
        })
        .flatten()
}

/// An instant: RFC 3339, or a date (its first moment) or date and time in `zone`.
pub fn instant(cell: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(day) = date(cell) {
        return Some(local(day.and_time(NaiveTime::MIN), zone));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(cell) {
        return Some(at.to_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(cell, format).ok())
        .map(|at| local(at, zone))
        .or_else(|| DateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(|at| at.to_utc()))
}

/// A wall-clock time in a zone as an instant: the first of two when clocks go back, and as much later
/// as the clocks were moved when it was skipped.
pub fn local(at: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let found = zone.from_local_datetime(&at).earliest();
    let shifted = || zone.from_local_datetime(&(at + TimeDelta::hours(1))).earliest();
    found.or_else(shifted).map_or_else(|| at.and_utc(), |at| at.to_utc())
}

/// A column under construction.
#[derive(Debug)]
pub enum ColumnBuilder {
    /// See [`ColumnType::Bool`]; also consent.
    Bool(BooleanBuilder),
    /// See [`ColumnType::Int`].
    Int(Int64Builder),
    /// See [`ColumnType::Float`].
    Float(Float64Builder),
    /// See [`ColumnType::Date`].
    Date(Date32Builder),
    /// See [`ColumnType::Time`].
    Time(TimestampMicrosecondBuilder, Tz),
    /// See [`ColumnType::Text`].
    Text(StringBuilder),
}

impl ColumnBuilder {
    /// An empty column; `zone` is that of times without one.
    pub fn new(kind: ColumnType, zone: Tz) -> ColumnBuilder {
        match kind {
            ColumnType::Bool => ColumnBuilder::Bool(BooleanBuilder::new()),
            ColumnType::Int => ColumnBuilder::Int(Int64Builder::new()),
            ColumnType::Float => ColumnBuilder::Float(Float64Builder::new()),
            ColumnType::Date => ColumnBuilder::Date(Date32Builder::new()),
            ColumnType::Time => ColumnBuilder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC"), zone),
            ColumnType::Text => ColumnBuilder::Text(StringBuilder::new()),
        }
    }

    /// Whether a cell fits; the noun of what it should have been otherwise.
    pub fn fits(kind: ColumnType, cell: Option<&str>) -> Result<(), &'static str> {
        let Some(cell) = cell else { return Ok(()) };
        let fits = match kind {
            ColumnType::Bool => truth(cell).is_some(),
            ColumnType::Int => cell.parse::<i64>().is_ok(),
            ColumnType::Float => number(cell).is_some(),
            ColumnType::Date => date(cell).is_some(),
            ColumnType::Time => instant(cell, Tz::UTC).is_some(),
            ColumnType::Text => true,
        };
        if fits { Ok(()) } else { Err(kind.noun()) }
    }

    /// Adds a cell; one that does not fit becomes NULL (callers ask [`ColumnBuilder::fits`] first).
    pub fn push(&mut self, cell: Option<&str>) {
        match self {
            ColumnBuilder::Bool(builder) => builder.append_option(cell.and_then(truth)),
            ColumnBuilder::Int(builder) => builder.append_option(cell.and_then(|cell| cell.parse().ok())),
            ColumnBuilder::Float(builder) => builder.append_option(cell.and_then(number)),
            ColumnBuilder::Date(builder) => builder.append_option(
                cell.and_then(date).and_then(|day| i32::try_from((day - NaiveDate::default()).num_days()).ok()),
            ),
            ColumnBuilder::Time(builder, zone) => {
                builder.append_option(cell.and_then(|cell| instant(cell, *zone)).map(|at| at.timestamp_micros()));
            }
            ColumnBuilder::Text(builder) => builder.append_option(cell),
        }
    }

    /// The finished column; the builder is empty again.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Bool(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Time(builder, _) => Arc::new(builder.finish()),
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
        }
    }
}
