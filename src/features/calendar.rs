//! Calendar days of the project's zone, as literals and expressions of the engine.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::scalar::ScalarValue;

use crate::project::model::Window;
use crate::sources::catalog::instant;
use crate::sources::cell::local;

/// What "now" and "today" mean in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The run's instant.
    pub as_of: DateTime<Utc>,
    /// The project's zone.
    pub zone: Tz,
}

impl Calendar {
    /// The date of the run's instant in the project's zone.
    pub fn today(self) -> NaiveDate {
        self.as_of.with_timezone(&self.zone).date_naive()
    }

    /// The first instant that is inside a window reaching back from the run's instant.
    ///
    /// `90d` takes the events whose date is later than today less 90; hours and minutes are exact
    /// and take what is later than the run's instant less the span.
    pub fn since(self, window: Window) -> DateTime<Utc> {
        match window {
            Window::Days(days) => {
                let first = self.today() - TimeDelta::days(i64::from(days)) + TimeDelta::days(1);
                local(first.and_time(chrono::NaiveTime::MIN), self.zone)
            }
            // Instants are kept in microseconds: the next one is the first that is later.
            Window::Exact(span) => self.as_of - span + TimeDelta::microseconds(1),
        }
    }

    /// [`Calendar::since`] as a literal.
    pub fn since_literal(self, window: Window) -> Expr {
        instant(self.since(window))
    }

    /// The date of an instant in the project's zone.
    pub fn date_of(self, time: Expr) -> Expr {
        let here = DataType::Timestamp(TimeUnit::Microsecond, Some(self.zone.name().into()));
        cast(cast(time, here), DataType::Date32)
    }

    /// Days from a date to today; negative for dates ahead.
    pub fn days_since(self, date: Expr) -> Expr {
        let number = |date: Expr| cast(cast(date, DataType::Int32), DataType::Int64);
        number(day(self.today())) - number(date)
    }
}

/// A calendar day as a literal.
pub fn day(date: NaiveDate) -> Expr {
    let days = i32::try_from((date - NaiveDate::default()).num_days()).ok();
    lit(ScalarValue::Date32(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn today_is_the_projects() {
        let calendar = Calendar { as_of: at("1998-01-01T17:00:00Z"), zone: Tz::Asia__Shanghai };
        assert_eq!(calendar.today(), NaiveDate::from_ymd_opt(1998, 1, 2).expect("date"));
    }

    #[test]
    fn days_are_calendar_days_and_hours_are_exact() {
        let calendar = Calendar { as_of: at("2027-03-28T20:00:00Z"), zone: Tz::Europe__Berlin };
        assert_eq!(calendar.since(Window::Days(1)), at("2027-03-27T23:00:00Z"));
        assert_eq!(calendar.since(Window::Days(2)), at("2027-03-26T23:00:00Z"));
        let hours = Window::Exact(TimeDelta::hours(12));
        assert_eq!(calendar.since(hours), at("2027-03-28T08:00:00.000001Z"));
    }
}
