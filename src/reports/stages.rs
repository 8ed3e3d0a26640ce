//! A stage's figures: its rates with intervals and targets, and what sending it added.

use super::comparison::Comparison;
use super::facts::{StageFacts, Tally};
use super::verdict::{Evidence, Judgement, judge};
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::proportions::{Proportion, wilson};
use crate::outcomes::effect::srm::{BROKEN_BELOW, split_p};
use crate::project::model::{Metric, Target};

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageFigures {
    /// The counts.
    pub facts: StageFacts,
    /// One of each [`RateKind`], in its order.
    pub rates: Vec<Rate>,
    /// The targets, in the workflow's order.
    pub targets: Vec<TargetFigure>,
    /// What sending added, where the stage withheld at random.
    pub effect: Option<StageEffect>,
}

/// The rates of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKind {
    /// Reached of sent.
    Reach,
    /// Clicked of reached.
    Click,
    /// Clicked on a link of the role `pay`, of reached.
    PayClick,
    /// Recalled of reached.
    Recall,
    /// Converted of reached, by last touch.
    Conversion,
}

impl RateKind {
    /// All, from the first step to the last.
    pub const ALL: [RateKind; 5] =
        [RateKind::Reach, RateKind::Click, RateKind::PayClick, RateKind::Recall, RateKind::Conversion];

    /// The key in output; the same as the target's where there can be one.
    pub fn as_str(self) -> &'static str {
        match self {
            RateKind::Reach => Metric::ReachRate.as_str(),
            RateKind::Click => Metric::ClickRate.as_str(),
            RateKind::PayClick => "pay_click_rate",
            RateKind::Recall => "recall_rate",
            RateKind::Conversion => Metric::ConversionRate.as_str(),
        }
    }

    /// The rate that a target is about.
    pub fn of_metric(metric: Metric) -> RateKind {
        match metric {
            Metric::ReachRate => RateKind::Reach,
            Metric::ClickRate => RateKind::Click,
            Metric::ConversionRate => RateKind::Conversion,
        }
    }
}

/// One rate with Wilson's 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Which.
    pub kind: RateKind,
    /// How many did.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; `None` where nobody could.
    pub value: Option<f64>,
    /// Its interval, likewise.
    pub interval: Option<Interval>,
}

/// A target against its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetFigure {
    /// The target.
    pub target: Target,
    /// The rate.
    pub rate: Rate,
    /// Yes if the whole interval reaches the target, no if none of it does, else `None`: cannot tell.
    pub met: Option<bool>,
}

/// Sending against withholding, by assignment, among the stage's eligible users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageEffect {
    /// Assigned to be sent.
    pub sent: Tally,
    /// Assigned to be withheld.
    pub withheld: Tally,
    /// Users whose stage window has not passed: in neither.
    pub open: u64,
    /// p-value of the two against the planned share.
    pub split_p: Option<f64>,
    /// The difference; `None` where a side has nobody or the shares are broken.
    pub comparison: Option<Comparison>,
    /// The verdict.
    pub judgement: Judgement,
}

/// Computes them.
pub fn stage(facts: &StageFacts) -> StageFigures {
    let rates: Vec<Rate> = RateKind::ALL.into_iter().map(|kind| rate(facts, kind)).collect();
    let targets = facts.targets.iter().map(|target| against(*target, rate(facts, RateKind::of_metric(target.metric))));
    StageFigures { rates, targets: targets.collect(), effect: effect(facts), facts: facts.clone() }
}

fn rate(facts: &StageFacts, kind: RateKind) -> Rate {
    let (count, of) = match kind {
        RateKind::Reach => (facts.reached, facts.sent),
        RateKind::Click => (facts.clicked, facts.reached),
        RateKind::PayClick => (facts.pay_clicked, facts.reached),
        RateKind::Recall => (facts.recalled, facts.reached),
        RateKind::Conversion => (facts.converted, facts.reached),
    };
    let share = Proportion::new(count, of);
    let interval = share.map(|share| wilson(share, Alpha::FIVE_PERCENT));
    Rate { kind, count, of, value: share.map(Proportion::rate), interval }
}

fn against(target: Target, rate: Rate) -> TargetFigure {
    let met = match rate.interval {
        Some(interval) if interval.low >= target.share => Some(true),
        Some(interval) if interval.high < target.share => Some(false),
        Some(_) | None => None,
    };
    TargetFigure { target, rate, met }
}

fn effect(facts: &StageFacts) -> Option<StageEffect> {
    let experiment = facts.experiment.filter(|_| facts.withheld > 0)?;
    let (sent, withheld) = (experiment.sent, experiment.withheld);
    let split_p = split_p(withheld.users, sent.users, facts.holdout);
    let sound = split_p.is_none_or(|p| p >= BROKEN_BELOW);
    let wanted = facts.targets.iter().find(|target| target.metric == Metric::ConversionRate);
    let judgement = judge(&Evidence {
        sound,
        holdout_planned: true,
        treated: sent,
        holdout: withheld,
        open: experiment.open,
        target: wanted.map(|target| target.share),
    });
    let comparison = if sound { Comparison::of(sent, withheld) } else { None };
    Some(StageEffect { sent, withheld, open: experiment.open, split_p, comparison, judgement })
}
