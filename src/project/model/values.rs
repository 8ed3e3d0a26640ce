//! What is said of each user: features, scores, lifecycle, segments.

use super::project::{Expression, Window};
use super::sources::Column;
use crate::project::problems::Place;

/// Which events a feature or goal looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSelector {
    /// `"*"`: any event.
    Any,
    /// Events of this name.
    Named(String),
}

/// One value per user.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Its name in expressions, templates and exports.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// How it comes about.
    pub kind: FeatureKind,
}

/// How a feature comes about.
#[derive(Debug, Clone)]
pub enum FeatureKind {
    /// Computed from events.
    Aggregate(Aggregate),
    /// Computed from other features and attributes.
    Expression(Expression),
}

/// One aggregate over a user's events.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// What is computed.
    pub function: AggregateFunction,
    /// Over which events.
    pub events: EventSelector,
    /// Not earlier than this before the run's instant.
    pub within: Option<Window>,
    /// Only events for which this holds (over `value` and the properties).
    pub filter: Option<Expression>,
}

/// What an aggregate computes. `count`, `sum`, `days` and `distinct` are 0 where a user has no such
/// event; the others are NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AggregateFunction {
    /// Number of events.
    Count,
    /// Sum of a number column (`value` or a property).
    Sum(Column),
    /// Smallest.
    Min(Column),
    /// Largest.
    Max(Column),
    /// Time of the first event.
    First,
    /// Time of the last event.
    Last,
    /// Number of calendar days with an event.
    Days,
    /// Number of different values of a property.
    Distinct(Column),
    /// The property's value at the last event that has one.
    Latest(Column),
}

/// Recency, frequency, monetary scores.
#[derive(Debug, Clone)]
pub struct Rfm {
    /// Recency.
    pub r: Dimension,
    /// Frequency.
    pub f: Dimension,
    /// Monetary.
    pub m: Dimension,
    /// Scores are 1 to this.
    pub bins: u32,
    /// What happens to equal values.
    pub ties: Ties,
    /// Who is scored; everybody where absent. Users whose value is NULL are never scored.
    pub over: Option<Expression>,
}

/// One score dimension.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// The feature or attribute; a larger (or later) value is better.
    pub of: Column,
    /// Lower bounds of scores 2, 3, …; quantiles where empty.
    pub thresholds: Vec<f64>,
}

/// What happens to equal values at a bin's edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// Equal values get equal scores: `1 + floor(bins × k / n)`, k = users strictly below.
    Share,
    /// SQL NTILE, equal values told apart by `user_id`.
    Split,
}

/// One state of the lifecycle.
#[derive(Debug, Clone)]
pub struct LifecycleRule {
    /// The state.
    pub state: String,
    /// Where the name stands.
    pub place: Place,
    /// The rule; `None` is `otherwise`, which is always last.
    pub rule: Option<Expression>,
}

/// A named predicate.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its name in expressions.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// The predicate.
    pub predicate: Expression,
}
