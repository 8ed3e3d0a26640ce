//! Two groups of users against each other, with everything a report says about the difference.

use super::facts::Tally;
use crate::outcomes::effect::anytime::{Anytime, confidence_sequence};
use crate::outcomes::effect::interval::{Alpha, Interval};
use crate::outcomes::effect::proportions::{RelativeLift, difference, newcombe, pooled_z, relative_lift};

/// The anytime interval is tightest at so many users. It is valid for any number fixed before looking,
/// so one number serves all workflows; ten thousand is a usual audience.
pub const ANYTIME_TIGHTEST_AT: u64 = 10_000;

/// The difference of two groups' conversion rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Treated less holdout.
    pub difference: f64,
    /// Newcombe's 95 % interval: right when read once, at the end.
    pub interval: Interval,
    /// p-value of the pooled z test, likewise.
    pub p: f64,
    /// Right at every look; `None` before both groups have ten conversions.
    pub anytime: Option<Anytime>,
    /// The difference as a share of the holdout's rate; `None` where a group has no conversion.
    pub relative: Option<RelativeLift>,
}

impl Comparison {
    /// Compares; `None` where a group has nobody.
    pub fn of(treated: Tally, holdout: Tally) -> Option<Comparison> {
        let (treated, holdout) = (treated.proportion()?, holdout.proportion()?);
        let alpha = Alpha::FIVE_PERCENT;
        Some(Comparison {
            difference: difference(treated, holdout),
            interval: newcombe(treated, holdout, alpha),
            p: pooled_z(treated, holdout).p,
            anytime: confidence_sequence(treated, holdout, ANYTIME_TIGHTEST_AT, alpha),
            relative: relative_lift(treated, holdout, alpha),
        })
    }
}
