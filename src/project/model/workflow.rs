//! One workflow: when it runs, whom it takes, what success is, its stages.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::project::{BasisPoints, Expression, Window};
use super::sources::Column;
use super::values::EventSelector;
use crate::project::problems::Place;
use crate::schedule::cron::Cron;

/// One workflow file.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its name, the same as its file's.
    pub name: String,
    /// The file, relative to the root, with `/`.
    pub file: String,
    /// Hex SHA-256 of the file: the version an enrollment keeps.
    pub version: String,
    /// The file's text, kept with the version.
    pub yaml: String,
    /// For people.
    pub title: Option<String>,
    /// Who answers for the result.
    pub owner: Option<String>,
    /// What it is to achieve.
    pub objective: Option<String>,
    /// By what means.
    pub strategy: Option<String>,
    /// The larger goes first.
    pub priority: i32,
    /// When it runs.
    pub schedule: Schedule,
    /// Whom it takes.
    pub audience: Audience,
    /// Held out of the whole programme.
    pub holdout: BasisPoints,
    /// What success is.
    pub goal: Goal,
    /// What counts as being back, before the goal.
    pub recall: Option<EventSelector>,
    /// At least one.
    pub stages: Vec<Stage>,
}

/// When a workflow runs.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Five fields.
    pub cron: Cron,
    /// The zone in which they are read.
    pub timezone: Tz,
    /// A missed slot still runs if younger than this.
    pub catch_up: TimeDelta,
}

/// Whom a workflow takes.
#[derive(Debug, Clone)]
pub struct Audience {
    /// The condition; unknown counts as no.
    pub filter: Expression,
    /// Who goes first where there is a limit; ties by `user_id`.
    pub order_by: Vec<OrderBy>,
    /// At most so many per run.
    pub limit: Option<u64>,
    /// When somebody may enter again.
    pub reentry: Reentry,
}

/// One key of an order.
#[derive(Debug, Clone)]
pub struct OrderBy {
    /// The key.
    pub key: Expression,
    /// `DESC`.
    pub descending: bool,
}

/// When somebody may enter a workflow again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reentry {
    /// Once only.
    Never,
    /// So long after the last entry, once that enrollment is over.
    After(Window),
}

/// What success is.
#[derive(Debug, Clone)]
pub struct Goal {
    /// The event.
    pub event: EventSelector,
    /// Only those for which this holds.
    pub filter: Option<Expression>,
    /// Counted so long from entry.
    pub within: Window,
    /// The number column that is worth money (`value` or a property).
    pub value: Option<Column>,
    /// Share of the value that stays, 0 to 10000 basis points; 10000 where not given.
    pub margin: BasisPoints,
}

/// One recall attempt.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name within the workflow.
    pub id: String,
    /// Where the name stands.
    pub place: Place,
    /// Who answers for it.
    pub owner: Option<String>,
    /// So long after the stage before (for the first: after entry).
    pub after: TimeDelta,
    /// Only if this holds; over the facts of the enrollment and the user's values.
    pub when: Option<Expression>,
    /// Withheld at random at this stage.
    pub holdout: BasisPoints,
    /// The channel's name; it exists.
    pub channel: String,
    /// One or more; weights are at least 1.
    pub variants: Vec<Variant>,
    /// Not sent later than this after it was due.
    pub expires: Option<TimeDelta>,
    /// What it is to achieve.
    pub targets: Vec<Target>,
}

/// One version of a stage's message.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name; the message's name where the stage has only one.
    pub name: String,
    /// The folder below `workflows/templates`; it exists.
    pub message: String,
    /// Where the message's name stands.
    pub place: Place,
    /// Share among the variants.
    pub weight: u32,
    /// `with.*` of the templates.
    pub with: BTreeMap<String, serde_json::Value>,
    /// What an incentive costs when it is used, in units of currency.
    pub incentive_cost: f64,
}

/// A figure that a stage is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Which.
    pub metric: Metric,
    /// At least this share, 0 to 1.
    pub share: f64,
}

/// The rates of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Reached of sent.
    ReachRate,
    /// Clicked of reached.
    ClickRate,
    /// Converted of reached.
    ConversionRate,
}

impl Metric {
    /// The key in YAML and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::ReachRate => "reach_rate",
            Metric::ClickRate => "click_rate",
            Metric::ConversionRate => "conversion_rate",
        }
    }
}
