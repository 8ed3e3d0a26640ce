//! The programme's figures: treated against holdout, by assignment, over matured users only.

use chrono::{DateTime, TimeDelta, Utc};

use super::comparison::Comparison;
use super::facts::{About, Participant, Tally, WorkflowFacts};
use super::verdict::{Evidence, Judgement, judge};
use crate::domain::vocabulary::Arm;
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::means::{Moments, return_on_cost, welch};
use crate::outcomes::effect::proportions::incremental_conversions;
use crate::outcomes::effect::srm::{BROKEN_BELOW, split_p};

/// Horizons in days that are shown where the goal window is longer; lift that shrinks from one to the
/// next only brought forward what would have come.
const HORIZONS: [i64; 4] = [7, 14, 28, 90];

/// The effect of the whole programme.
#[derive(Debug, Clone, PartialEq)]
pub struct Programme {
    /// Whether the arms came out as planned.
    pub split: Split,
    /// From the shortest to the goal window.
    pub horizons: Vec<Horizon>,
    /// Users still inside the goal window: in `split`, and in no figure of the goal window.
    pub open: u64,
    /// Later entries of users who are counted already: in the stages, not in the programme.
    pub again: u64,
    /// Money.
    pub value: Value,
    /// Conversions that last-touch counting claims, over all stages and users.
    pub attributed: u64,
    /// The same over matured users, who are those of `incremental`.
    pub attributed_matured: u64,
    /// Conversions that the messages added among matured treated users.
    pub incremental: Option<f64>,
    /// Its interval.
    pub incremental_interval: Option<Interval>,
    /// How many times too many last touch claims; `None` where nothing was added.
    pub over_claim: Option<f64>,
    /// The verdict.
    pub judgement: Judgement,
}

/// How many users each arm got, against the plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Users in the treated arm.
    pub treated: u64,
    /// Users in the holdout.
    pub holdout: u64,
    /// Planned holdout share in basis points.
    pub planned: u32,
    /// p-value against the plan; `None` where nothing was randomised.
    pub p: Option<f64>,
    /// Not below 0.001.
    pub ok: bool,
}

/// The arms after a span from entry, over users for whom all of it has passed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// The span.
    pub window: TimeDelta,
    /// Treated users and their conversions within the span.
    pub treated: Tally,
    /// Holdout users likewise.
    pub holdout: Tally,
    /// The difference; `None` where an arm is empty or the arms are broken.
    pub comparison: Option<Comparison>,
}

/// Net value per user: margin × value less messages and redeemed incentives, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Value {
    /// Treated less holdout, per user.
    pub difference: Option<f64>,
    /// Welch's interval.
    pub interval: Option<Interval>,
    /// Profit added by the messages for each unit that they cost.
    pub roi: Option<f64>,
    /// Its interval.
    pub roi_interval: Option<Interval>,
    /// What the matured treated users' messages and incentives cost, in minor units.
    pub cost: f64,
}

/// Computes them.
pub fn programme(facts: &WorkflowFacts) -> Programme {
    let split = split(facts);
    let goal = horizon(facts, facts.about.goal_window, split.ok);
    let shorter = HORIZONS.into_iter().map(TimeDelta::days).filter(|days| *days < facts.about.goal_window);
    let horizons = shorter.map(|window| horizon(facts, window, split.ok)).chain([goal]).collect();
    let matured = || first_entries(facts).filter(|p| has_matured(p, &facts.about));
    let open = (first_entries(facts).count() - matured().count()) as u64;
    let judgement = judge(&Evidence {
        sound: split.ok,
        holdout_planned: split.planned > 0,
        treated: goal.treated,
        holdout: goal.holdout,
        open,
        target: None,
    });
    let incremental = goal.comparison.and_then(|_| {
        Some(incremental_conversions(goal.treated.proportion()?, goal.holdout.proportion()?, Alpha::FIVE_PERCENT))
    });
    let claimed = |p: &Participant| if p.arm == Arm::Treated { u64::from(p.claimed) } else { 0 };
    let attributed_matured: u64 = matured().map(claimed).sum();
    let added = incremental.map(|i| i.conversions).filter(|added| *added > 0.0);
    Programme {
        split,
        horizons,
        open,
        again: facts.participants.iter().filter(|participant| !participant.first).count() as u64,
        value: value(facts, split.ok),
        attributed: facts.stages.iter().map(|stage| stage.converted).sum(),
        attributed_matured,
        incremental: incremental.map(|i| i.conversions),
        incremental_interval: incremental.map(|i| i.interval),
        over_claim: added.map(|added| attributed_matured as f64 / added),
        judgement,
    }
}

/// One entry of each user: the units that were randomised.
fn first_entries(facts: &WorkflowFacts) -> impl Iterator<Item = &Participant> {
    facts.participants.iter().filter(|participant| participant.first)
}

fn split(facts: &WorkflowFacts) -> Split {
    let holdout = first_entries(facts).filter(|p| p.arm == Arm::Holdout).count() as u64;
    let treated = first_entries(facts).count() as u64 - holdout;
    let planned = facts.about.planned_holdout;
    let p = split_p(holdout, treated, planned);
    Split { treated, holdout, planned, p, ok: p.is_none_or(|p| p >= BROKEN_BELOW) }
}

fn horizon(facts: &WorkflowFacts, window: TimeDelta, sound: bool) -> Horizon {
    let (mut treated, mut holdout) = (Tally::default(), Tally::default());
    for participant in first_entries(facts) {
        if !has_passed(participant.entered_at, window, facts.about.data_until) {
            continue;
        }
        let tally = match participant.arm {
            Arm::Treated => &mut treated,
            Arm::Holdout => &mut holdout,
        };
        tally.users += 1;
        tally.converted += u64::from(converted_within(participant, window));
    }
    let comparison = if sound { Comparison::of(treated, holdout) } else { None };
    Horizon { window, treated, holdout, comparison }
}

/// Whether the span from entry lies wholly before the report's instant.
fn has_passed(entered_at: DateTime<Utc>, window: TimeDelta, as_of: DateTime<Utc>) -> bool {
    entered_at.checked_add_signed(window).is_some_and(|end| end <= as_of)
}

fn has_matured(participant: &Participant, about: &About) -> bool {
    has_passed(participant.entered_at, about.goal_window, about.data_until)
}

/// Whether the conversion came at or after entry and strictly before the span's end.
fn converted_within(participant: &Participant, window: TimeDelta) -> bool {
    participant.converted_at.is_some_and(|at| {
        let since = at.signed_duration_since(participant.entered_at);
        since >= TimeDelta::zero() && since < window
    })
}

fn value(facts: &WorkflowFacts, sound: bool) -> Value {
    let margin = f64::from(facts.about.margin) / 10_000.0;
    let of = |arm: Arm| first_entries(facts).filter(move |p| p.arm == arm && has_matured(p, &facts.about));
    let cost: f64 = of(Arm::Treated).map(|p| p.cost_minor).sum();
    let cost = if cost.is_finite() { cost } else { 0.0 };
    let net = |arm| Moments::of(of(arm).map(|p| margin * p.value_minor as f64 - p.cost_minor));
    let arms = if sound && facts.about.goal_valued { net(Arm::Treated).zip(net(Arm::Holdout)) } else { None };
    let Some((treated, holdout)) = arms else {
        return Value { cost, ..Value::default() };
    };
    let difference = treated.mean - holdout.mean;
    let interval = welch(&treated, &holdout, Alpha::FIVE_PERCENT).map(|test| test.interval);
    let back = return_on_cost(difference, interval, treated.count, cost);
    Value {
        difference: Some(difference),
        interval,
        roi: back.map(|b| b.roi),
        roi_interval: back.and_then(|b| b.interval),
        cost,
    }
}
