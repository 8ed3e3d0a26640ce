//! The one verdict on an effect, and the rule that gave it.
//!
//! The rules, the first that fits:
//!
//! 1. the arms did not come out in the planned shares (p < 0.001): `broken_randomisation`;
//! 2. there is no holdout: `cannot_tell`;
//! 3. an arm has nobody whose window has passed: `too_early` while users are still inside it (or nobody
//!    has entered), else `cannot_tell`;
//! 4. users are still inside their window and the anytime interval does not exist yet (fewer than ten
//!    conversions in an arm): `too_early`;
//! 5. the interval is above 0: `effect`; below 0: `harm`. While users are still inside their window
//!    it is the anytime interval, because the report is looked at again; afterwards Newcombe's;
//! 6. it holds 0: `cannot_tell` if the smallest detectable lift (80 % power) is larger than the lift worth
//!    having, else `no_effect_shown`. Worth having is the target or, without one, half the holdout's rate.

use super::comparison::Comparison;
use super::facts::Tally;
use crate::outcomes::effect::anytime::BURN_IN;
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::power::{USUAL_POWER, smallest_detectable_lift};

/// What can be said about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The messages brought conversions that would not have happened.
    Effect,
    /// They cost conversions.
    Harm,
    /// An effect worth having would probably have been seen, and was not.
    NoEffectShown,
    /// The data allow both nothing and an effect worth having.
    CannotTell,
    /// The arms are not comparable.
    BrokenRandomisation,
    /// Not enough has happened yet.
    TooEarly,
}

impl Verdict {
    /// The spelling in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Effect => "effect",
            Verdict::Harm => "harm",
            Verdict::NoEffectShown => "no_effect_shown",
            Verdict::CannotTell => "cannot_tell",
            Verdict::BrokenRandomisation => "broken_randomisation",
            Verdict::TooEarly => "too_early",
        }
    }
}

/// The rule that gave a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The arms did not come out in the planned shares.
    UnevenArms,
    /// Nobody is held out, and nobody was to be.
    NoHoldout,
    /// Nobody has entered.
    NobodyEntered,
    /// An arm has nobody whose window has passed, and users are still inside it.
    NobodyMatured,
    /// An arm has nobody, and nobody is on the way.
    EmptyArm,
    /// Fewer than ten conversions in an arm, and users are still inside their window.
    FewConversions,
    /// The interval is above 0.
    Above,
    /// The interval is below 0.
    Below,
    /// The interval holds 0, and a lift worth having would probably have been seen.
    NothingSeen,
    /// The interval holds 0, and a lift worth having could have been missed.
    TooFewUsers,
}

impl Reason {
    /// The verdict it leads to.
    pub fn verdict(self) -> Verdict {
        match self {
            Reason::UnevenArms => Verdict::BrokenRandomisation,
            Reason::NoHoldout | Reason::EmptyArm | Reason::TooFewUsers => Verdict::CannotTell,
            Reason::NobodyEntered | Reason::NobodyMatured | Reason::FewConversions => Verdict::TooEarly,
            Reason::Above => Verdict::Effect,
            Reason::Below => Verdict::Harm,
            Reason::NothingSeen => Verdict::NoEffectShown,
        }
    }
}

/// Which interval a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Newcombe's, when everybody's window has passed.
    Fixed,
    /// The anytime interval, while users are still inside theirs.
    Anytime,
}

impl Basis {
    /// The spelling in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Fixed => "fixed",
            Basis::Anytime => "anytime",
        }
    }
}

/// What is known when a verdict is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The arms came out in the planned shares.
    pub sound: bool,
    /// A holdout was planned.
    pub holdout_planned: bool,
    /// Users written to (or meant to be) whose window has passed.
    pub treated: Tally,
    /// Users held out whose window has passed.
    pub holdout: Tally,
    /// Users of either arm who are still inside their window.
    pub open: u64,
    /// The lift that the team asks for, where it names one.
    pub target: Option<f64>,
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The rule that applied.
    pub reason: Reason,
    /// The interval that decided, where one did.
    pub decided_by: Option<(Basis, Interval)>,
    /// The smallest lift that these numbers of users find with 80 % power, where there is one.
    pub smallest_detectable: Option<f64>,
    /// The lift worth having.
    pub worth_having: Option<f64>,
}

impl Judgement {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }

    fn without_interval(reason: Reason) -> Judgement {
        Judgement { reason, decided_by: None, smallest_detectable: None, worth_having: None }
    }
}

/// Applies the rules of this file.
pub fn judge(evidence: &Evidence) -> Judgement {
    if !evidence.sound {
        return Judgement::without_interval(Reason::UnevenArms);
    }
    if !evidence.holdout_planned && evidence.holdout.users == 0 {
        return Judgement::without_interval(Reason::NoHoldout);
    }
    let Some(comparison) = Comparison::of(evidence.treated, evidence.holdout) else {
        let nobody = evidence.treated.users == 0 && evidence.holdout.users == 0;
        return Judgement::without_interval(match (evidence.open > 0, nobody) {
            (true, _) => Reason::NobodyMatured,
            (false, true) => Reason::NobodyEntered,
            (false, false) => Reason::EmptyArm,
        });
    };
    let organic = evidence.holdout.proportion().map_or(0.0, |share| share.rate());
    let (n0, n1) = (evidence.holdout.users, evidence.treated.users);
    let smallest_detectable = smallest_detectable_lift(organic, n0, n1, Alpha::FIVE_PERCENT, USUAL_POWER);
    let worth_having = evidence.target.unwrap_or(organic / 2.0);
    let with =
        |reason, decided_by| Judgement { reason, decided_by, smallest_detectable, worth_having: Some(worth_having) };
    let (basis, interval) = match (evidence.open > 0, comparison.anytime) {
        (false, _) => (Basis::Fixed, comparison.interval),
        (true, Some(anytime)) => (Basis::Anytime, anytime.interval),
        (true, None) => return with(Reason::FewConversions, None),
    };
    // Also when all have matured: between weekly runs a small campaign has "all matured" again and again,
    // and a handful of conversions in either arm, looked at often enough, always shows something.
    let enough = evidence.treated.converted.max(evidence.holdout.converted) >= BURN_IN;
    let reason = if !enough {
        Reason::TooFewUsers
    } else if interval.low > 0.0 {
        Reason::Above
    } else if interval.high < 0.0 {
        Reason::Below
    } else if smallest_detectable.is_some_and(|lift| lift <= worth_having) {
        Reason::NothingSeen
    } else {
        Reason::TooFewUsers
    };
    with(reason, Some((basis, interval)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(treated: (u64, u64), holdout: (u64, u64), open: u64, target: Option<f64>) -> (Verdict, Reason) {
        let tally = |(converted, users)| Tally { users, converted };
        let (treated, holdout) = (tally(treated), tally(holdout));
        let found = judge(&Evidence { sound: true, holdout_planned: true, treated, holdout, open, target });
        (found.verdict(), found.reason)
    }

    #[test]
    fn each_rule_gives_its_verdict() {
        let cases = [
            ((5_259, 35_926), (412, 4_074), 0, None, Verdict::Effect, Reason::Above),
            ((3_000, 36_000), (412, 4_000), 0, None, Verdict::Harm, Reason::Below),
            ((3_650, 36_000), (400, 4_000), 0, None, Verdict::NoEffectShown, Reason::NothingSeen),
            ((3_650, 36_000), (400, 4_000), 0, Some(0.002), Verdict::CannotTell, Reason::TooFewUsers),
            ((12, 90), (1, 10), 0, None, Verdict::CannotTell, Reason::TooFewUsers),
            ((0, 9_000), (0, 1_000), 0, None, Verdict::CannotTell, Reason::TooFewUsers),
            ((9, 90), (0, 1), 0, None, Verdict::CannotTell, Reason::TooFewUsers),
            ((5, 58), (5, 18), 0, None, Verdict::CannotTell, Reason::TooFewUsers),
            ((0, 900), (30, 100), 0, None, Verdict::Harm, Reason::Below),
            ((9, 90), (0, 0), 0, None, Verdict::CannotTell, Reason::EmptyArm),
            ((9, 90), (0, 0), 1, None, Verdict::TooEarly, Reason::NobodyMatured),
            ((0, 0), (0, 0), 0, None, Verdict::TooEarly, Reason::NobodyEntered),
            ((900, 9_000), (9, 1_000), 50, None, Verdict::TooEarly, Reason::FewConversions),
        ];
        for (treated, holdout, open, target, expected, reason) in cases {
            assert_eq!(verdict(treated, holdout, open, target), (expected, reason), "{treated:?} {holdout:?}");
        }
    }

    #[test]
    fn an_early_look_needs_more_than_the_fixed_interval() {
        // Just past the fixed interval, well inside the anytime one.
        assert_eq!(verdict((1_100, 9_000), (100, 1_000), 0, None).0, Verdict::Effect);
        assert_ne!(verdict((1_100, 9_000), (100, 1_000), 1, None).0, Verdict::Effect);
    }
}
