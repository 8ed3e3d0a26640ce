//! What a report is made from: plain values read from the ledger, before anything is computed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::vocabulary::{Arm, SkipReason};
use crate::outcomes::effect::proportions::Proportion;
use crate::project::model::{BasisPoints, Target};

/// Everything known about one workflow at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowFacts {
    /// Whom and what it is about.
    pub about: About,
    /// Every enrollment of both arms, also those never reached (analysis is by assignment).
    pub participants: Vec<Participant>,
    /// Messages of all stages by state.
    pub messages: MessageTotals,
    /// In the workflow's order.
    pub stages: Vec<StageFacts>,
}

/// Whom and what a report is about.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The workflow's name.
    pub workflow: String,
    /// For people.
    pub title: Option<String>,
    /// What it is to achieve.
    pub objective: Option<String>,
    /// Who answers for the result.
    pub owner: Option<String>,
    /// By what means.
    pub strategy: Option<String>,
    /// The instant of the report: nothing later is counted.
    pub as_of: DateTime<Utc>,
    /// How far the events are known: the report's instant, or the newest event where that is earlier. Only
    /// a window that ends before it has passed.
    pub data_until: DateTime<Utc>,
    /// The event that counts as conversion.
    pub goal_event: String,
    /// Conversions count so long from entry.
    pub goal_window: TimeDelta,
    /// Whether the goal names a value; without one no money is compared.
    pub goal_valued: bool,
    /// Share of the value that stays as margin.
    pub margin: BasisPoints,
    /// The share that was to be held out of the whole programme: the mean over the enrollments, where
    /// the workflow's share was changed on the way.
    pub planned_holdout: BasisPoints,
}

/// One enrollment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Participant {
    /// Whether it is the user's first in this workflow. The programme is measured over these: a user
    /// keeps the arm at every entry, so later entries are not independent of the first.
    pub first: bool,
    /// As assigned at entry.
    pub arm: Arm,
    /// When the user entered.
    pub entered_at: DateTime<Utc>,
    /// The first conversion within the goal window.
    pub converted_at: Option<DateTime<Utc>>,
    /// All goal value within the window, in minor units.
    pub value_minor: i64,
    /// Messages sent to this user and incentives that the user redeemed, in minor units.
    pub cost_minor: f64,
    /// How many stages claim a conversion of this enrollment by last touch; the sum over all
    /// participants is the sum of the stages' `converted`.
    pub claimed: u32,
}

/// Messages by state, over all stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageTotals {
    /// Accepted by the receiving side.
    pub sent: u64,
    /// Refused for good or given up.
    pub failed: u64,
    /// Not sent for a recorded reason.
    pub skipped: u64,
    /// Held back at random, by a stage or the programme.
    pub withheld: u64,
    /// Went out perhaps; no answer was recorded.
    pub uncertain: u64,
    /// Not settled yet.
    pub pending: u64,
}

/// One stage of the workflow.
///
/// Counts nest: `sent` holds `reached`, and `reached` holds `clicked`, `recalled` and `converted`. A
/// message is reached when it was sent and not bounced; a person's click proves it was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct StageFacts {
    /// Its id.
    pub stage: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The channel's name.
    pub channel: String,
    /// What it is to achieve.
    pub targets: Vec<Target>,
    /// The share that was to be withheld at random at this stage: the mean over the eligible messages,
    /// where it was changed on the way.
    pub holdout: BasisPoints,
    /// Price of one message in minor units.
    pub message_cost_minor: f64,
    /// Messages of the treated arm that passed `when`: to be sent, or withheld by the stage.
    pub eligible: u64,
    /// Messages of the programme's holdout: withheld throughout.
    pub ghosts: u64,
    /// Sent.
    pub sent: u64,
    /// Withheld by the stage's own holdout.
    pub withheld: u64,
    /// Not sent, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Refused for good or given up.
    pub failed: u64,
    /// Went out perhaps; no answer was recorded.
    pub uncertain: u64,
    /// Not settled yet.
    pub pending: u64,
    /// Sent and not bounced.
    pub reached: u64,
    /// Messages with at least one click of a person.
    pub clicked: u64,
    /// Messages with a person's click on a link of the role `pay`.
    pub pay_clicked: u64,
    /// Users back after this message and before the next stage's turn (sent or withheld).
    pub recalled: u64,
    /// Last touch: users whose first conversion after this message came before the next stage's turn
    /// (sent or withheld) and within the goal window.
    pub converted: u64,
    /// Value of those conversions in minor units.
    pub revenue_minor: i64,
    /// What this stage's messages and the incentives redeemed through them cost, in minor units.
    pub cost_minor: f64,
    /// Sending against withholding, where the stage has a holdout.
    pub experiment: Option<StageExperiment>,
}

/// A stage's own experiment: its eligible messages by assignment, over those whose stage window (to the
/// next stage's turn, or the goal window's end) has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageExperiment {
    /// Assigned to be sent, whether or not delivery succeeded.
    pub sent: Tally,
    /// Assigned to be withheld.
    pub withheld: Tally,
    /// Eligible messages whose stage window has not passed yet.
    pub open: u64,
}

/// So many users, of whom so many converted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Users.
    pub users: u64,
    /// Those who converted.
    pub converted: u64,
}

impl Tally {
    /// As a share; `None` where nobody is there.
    pub fn proportion(self) -> Option<Proportion> {
        Proportion::new(self.converted, self.users)
    }
}
