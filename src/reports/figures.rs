//! From facts to a report: one call, no IO, the same facts give the same figures.

use super::facts::{About, MessageTotals, WorkflowFacts};
use super::programme::{Programme, programme};
use super::stages::{StageFigures, stage};

/// Everything that a report of one workflow says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whom and what it is about.
    pub about: About,
    /// Messages by state.
    pub messages: MessageTotals,
    /// The effect of the whole programme: what a report leads with.
    pub programme: Programme,
    /// In the workflow's order.
    pub stages: Vec<StageFigures>,
}

/// Computes a report.
pub fn report(facts: &WorkflowFacts) -> Report {
    Report {
        about: facts.about.clone(),
        messages: facts.messages,
        programme: programme(facts),
        stages: facts.stages.iter().map(stage).collect(),
    }
}
