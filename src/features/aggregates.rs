//! The catalog of aggregates: each a built-in function of the engine with a filter of its own, so
//! that all features of a project come out of one pass over the events.

use datafusion::arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, first_value, max, min, sum};
use datafusion::logical_expr::{Expr, cast, ident, lit};
use datafusion::scalar::ScalarValue;

use super::calendar::Calendar;
use super::expression::compile;
use super::scope::{Kind, Scope};
use crate::project::model::{Aggregate, AggregateFunction, Column, EventSelector};
use crate::project::problems::Problem;
use crate::sources::Catalog;
use crate::sources::cell::ColumnType;

/// An aggregate of the engine.
#[derive(Debug, Clone)]
pub struct Built {
    /// Over the events of one user.
    pub expr: Expr,
    /// Kind of the value.
    pub kind: Kind,
    /// What it is for a user without such an event; NULL where absent.
    pub empty: Option<Expr>,
}

/// The scope of expressions over events: `value`, `id`, `event`, `time` and the properties.
pub fn event_scope(catalog: &Catalog, calendar: Calendar) -> Scope {
    let mut scope = Scope::new(calendar);
    scope.add("event", Kind::Text);
    scope.add("time", Kind::Time);
    for (name, column) in catalog.event_columns() {
        scope.add(&name, kind_of(column));
    }
    for (file, here) in catalog.renamed_event_columns() {
        scope.add_renamed(file, here);
    }
    scope
}

fn kind_of(column: ColumnType) -> Kind {
    match column {
        ColumnType::Bool => Kind::Bool,
        ColumnType::Int => Kind::Int,
        ColumnType::Float => Kind::Float,
        ColumnType::Date => Kind::Date,
        ColumnType::Time => Kind::Time,
        ColumnType::Text => Kind::Text,
    }
}

/// Which events an aggregate or goal looks at, as a condition over the events table.
pub fn selection(
    events: &EventSelector,
    filter: Option<&crate::project::model::Expression>,
    scope: &Scope,
) -> Result<Option<Expr>, Vec<Problem>> {
    let named = match events {
        EventSelector::Any => None,
        EventSelector::Named(name) => Some(ident("event").eq(lit(name.as_str()))),
    };
    let filter = filter.map(|filter| compile(filter, scope, Some(Kind::Bool))).transpose()?.map(|typed| typed.expr);
    Ok(match (named, filter) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (one, None) | (None, one) => one,
    })
}

/// Builds one aggregate.
pub fn build(aggregate: &Aggregate, scope: &Scope) -> Result<Built, Vec<Problem>> {
    let mut condition = selection(&aggregate.events, aggregate.filter.as_ref(), scope)?;
    if let Some(window) = aggregate.within {
        let recent = ident("time").gt_eq(scope.calendar.since_literal(window));
        condition = Some(match condition {
            Some(other) => other.and(recent),
            None => recent,
        });
    }
    let time = || ident("time");
    let zero = || Some(lit(0_i64));
    let (expr, kind, empty) = match &aggregate.function {
        AggregateFunction::Count => (count(lit(1)), Kind::Int, zero()),
        AggregateFunction::Sum(column) => {
            let (kind, expr) = find(column, scope)?;
            if !kind.is_number() {
                return Err(vec![odd(column, "sum", "a number", kind)]);
            }
            match kind {
                Kind::Int => (sum(expr), kind, zero()),
                _ => (exact_sum(expr), kind, Some(lit(ScalarValue::Decimal128(Some(0), SUM_PRECISION, SUM_SCALE)))),
            }
        }
        AggregateFunction::Min(column) => {
            let (kind, expr) = find(column, scope)?;
            (min(expr), kind, None)
        }
        AggregateFunction::Max(column) => {
            let (kind, expr) = find(column, scope)?;
            (max(expr), kind, None)
        }
        AggregateFunction::First => (min(time()), Kind::Time, None),
        AggregateFunction::Last => (max(time()), Kind::Time, None),
        AggregateFunction::Days => (count_distinct(scope.calendar.date_of(time())), Kind::Int, zero()),
        AggregateFunction::Distinct(column) => {
            let (_, expr) = find(column, scope)?;
            (count_distinct(expr), Kind::Int, zero())
        }
        AggregateFunction::Latest(column) => {
            let (kind, expr) = find(column, scope)?;
            let present = expr.clone().is_not_null();
            condition = Some(match condition {
                Some(other) => other.and(present),
                None => present,
            });
            // Events of the same instant are told apart by the value, so that any order of the
            // files gives the same answer.
            let order = vec![time().sort(false, false), expr.clone().sort(false, false)];
            (first_value(expr, order), kind, None)
        }
    };
    let expr = match condition {
        Some(condition) => only(expr, condition),
        None => expr,
    };
    Ok(Built { expr, kind, empty })
}

/// An aggregate over the rows where a condition holds. The engine's builder cannot be used for it: it forgets
/// that an aggregate was distinct, and its order.
fn only(aggregate: Expr, condition: Expr) -> Expr {
    match aggregate {
        Expr::AggregateFunction(mut function) => {
            function.params.filter = Some(Box::new(condition));
            Expr::AggregateFunction(function)
        }
        other => other,
    }
}

/// Digits of an exact sum: up to 10^29, in billionths.
const SUM_PRECISION: u8 = 38;
const SUM_SCALE: i8 = 9;

/// The sum of a decimal number, the same in whatever order the engine adds. A sum of floating-point
/// numbers is not: its last bit would depend on the number of threads, and with it who shares a score.
pub fn exact_sum(value: Expr) -> Expr {
    sum(cast(value, DataType::Decimal128(SUM_PRECISION, SUM_SCALE)))
}

/// A column of the events table by its name in the YAML.
pub fn find(column: &Column, scope: &Scope) -> Result<(Kind, Expr), Vec<Problem>> {
    scope.find(&column.name, true).ok_or_else(|| {
        let unmapped = || format!("say which column it is: `{}: …` under `sources.events`", column.name);
        let hint = match scope.hint(&column.name) {
            Some(hint) => Some(hint),
            None if matches!(column.name.as_str(), "value" | "id") => Some(unmapped()),
            None => Some(format!("they have {}", known_columns(scope))),
        };
        let message = format!("events have no column `{}`", column.name);
        vec![Problem { message, place: column.place.clone(), hint }]
    })
}

fn known_columns(scope: &Scope) -> String {
    let names = scope.names().filter(|name| *name != "as_of").take(8).map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

fn odd(column: &Column, function: &str, wanted: &str, kind: Kind) -> Problem {
    let message = format!("`{function}` needs {wanted}, but `{}` is {}", column.name, kind.noun());
    Problem { message, place: column.place.clone(), hint: None }
}
