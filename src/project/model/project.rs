//! The project as a whole, and the small values that all its parts use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::channels::{Channel, Policy, Tracking};
use super::sources::Sources;
use super::values::{Feature, LifecycleRule, Rfm, Segment};
use super::workflow::Workflow;
use crate::project::problems::Place;
use crate::project::text_map::TextMap;

/// A whole project: `winback.yaml` and its workflows.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder of `winback.yaml`; every path of the project stays below it.
    pub root: PathBuf,
    /// The zone of calendar days and of cron lines that name none.
    pub timezone: Tz,
    /// Where the ledger is: `sqlite:path` (absolute) or `postgres://…`.
    pub database: Secret,
    /// The folder of the lake (absolute).
    pub lake: PathBuf,
    /// Users and events.
    pub sources: Sources,
    /// In the order of the YAML; names are unique.
    pub features: Vec<Feature>,
    /// The score dimensions, where declared.
    pub rfm: Option<Rfm>,
    /// First match wins; empty where not declared.
    pub lifecycle: Vec<LifecycleRule>,
    /// Named predicates.
    pub segments: Vec<Segment>,
    /// By name.
    pub channels: BTreeMap<String, Channel>,
    /// What holds over all workflows.
    pub policy: Policy,
    /// Public address and key of links.
    pub tracking: Option<Tracking>,
    /// In order of name.
    pub workflows: Vec<Workflow>,
}

impl Project {
    /// The workflow of that name.
    pub fn workflow(&self, name: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|w| w.name == name)
    }
}

/// A text that is never printed: `Debug` shows dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

/// An SQL expression as it stands in the YAML, parsed; names and types are checked by `segments`.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The text, without YAML quoting.
    pub text: String,
    /// The grammar tree; positions in it count lines and columns of `text` from 1.
    pub ast: sqlparser::ast::Expr,
    /// Where the text stands in its file.
    pub place: Place,
    /// The way from offsets in `text` back to the file; `locate` uses it.
    pub map: TextMap,
}

/// A span back from the run's instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Calendar days of the project's zone.
    Days(u32),
    /// An exact span (hours, minutes, seconds).
    Exact(TimeDelta),
}

impl Window {
    /// The span as elapsed time; a day is 24 hours.
    pub fn to_delta(self) -> TimeDelta {
        match self {
            Window::Days(days) => TimeDelta::days(i64::from(days)),
            Window::Exact(delta) => delta,
        }
    }
}

/// A share in basis points, 0 to 10000: `10%` is 1000.
pub type BasisPoints = u32;
