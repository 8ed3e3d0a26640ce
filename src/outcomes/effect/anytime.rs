//! Intervals that may be looked at every day: the asymptotic confidence sequence of
//! Waudby-Smith et al. (2024), with the two cautions without which it raises false alarms.
//!
//! A small holdout without conversions has an estimated variance of 0 and would look certain. So
//! nothing is said before both arms have [`BURN_IN`] conversions, and the p-value uses the pooled
//! variance.

use super::interval::{Alpha, Interval};
use super::proportions::{Proportion, difference, pooled_variance};

/// Conversions that each arm needs before a running experiment is read.
pub const BURN_IN: u64 = 10;

/// A boundary at one look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary {
    /// Half the interval's width.
    pub half_width: f64,
    /// p-value that holds at every look.
    pub p: f64,
}

/// The boundary for `n` users in all, where the estimate has the variance `variance / n`.
///
/// `planned` is the number of users at which it is tightest; it must be chosen before looking.
/// `None` without users, plan or variance: an estimate that cannot vary has not been estimated.
pub fn boundary(n: u64, estimate: f64, variance: f64, planned: u64, alpha: Alpha) -> Option<Boundary> {
    if n == 0 || planned == 0 || !(variance > 0.0 && variance.is_finite() && estimate.is_finite()) {
        return None;
    }
    let n = n as f64;
    let spread = -2.0 * alpha.share().ln();
    let rho_squared = (spread + (1.0 + spread).ln()) / planned as f64;
    let k = n * rho_squared + 1.0;
    let half_width = (variance * 2.0 * k / (n * n * rho_squared) * (k.sqrt() / alpha.share()).ln()).sqrt();
    let p = k.sqrt() * (-n * n * rho_squared * estimate * estimate / (2.0 * variance * k)).exp();
    half_width.is_finite().then_some(Boundary { half_width, p: p.min(1.0) })
}

/// What may be read of a running experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anytime {
    /// Interval of the difference, from the variance of each arm.
    pub interval: Interval,
    /// p-value from the pooled variance.
    pub p: f64,
}

/// The difference of two shares of a running experiment, over users whose whole window has passed.
///
/// `None` before both arms have [`BURN_IN`] conversions.
pub fn confidence_sequence(treated: Proportion, holdout: Proportion, planned: u64, alpha: Alpha) -> Option<Anytime> {
    if treated.count() < BURN_IN || holdout.count() < BURN_IN {
        return None;
    }
    let n = treated.total().checked_add(holdout.total())?;
    let estimate = difference(treated, holdout);
    let separate = n as f64 * (treated.variance_of_rate() + holdout.variance_of_rate());
    let pooled = n as f64 * pooled_variance(treated, holdout);
    let half_width = boundary(n, estimate, separate, planned, alpha)?.half_width;
    let p = boundary(n, estimate, pooled, planned, alpha)?.p;
    Some(Anytime { interval: Interval::around(estimate, half_width).within(-1.0, 1.0), p })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(count: u64, total: u64) -> Proportion {
        Proportion::new(count, total).expect("a share")
    }

    #[test]
    fn nothing_is_said_before_ten_conversions_in_both_arms() {
        let alpha = Alpha::FIVE_PERCENT;
        assert_eq!(confidence_sequence(share(900, 9_000), share(9, 1_000), 10_000, alpha), None);
        assert_eq!(confidence_sequence(share(9, 9_000), share(900, 1_000), 10_000, alpha), None);
        assert!(confidence_sequence(share(900, 9_000), share(10, 1_000), 10_000, alpha).is_some());
    }

    #[test]
    fn arms_without_variance_have_no_boundary() {
        assert_eq!(confidence_sequence(share(20, 20), share(20, 20), 100, Alpha::FIVE_PERCENT), None);
        assert_eq!(boundary(0, 0.1, 1.0, 100, Alpha::FIVE_PERCENT), None);
    }

    #[test]
    fn the_p_value_uses_the_pooled_variance() {
        let (treated, holdout) = (share(1_310, 9_000), share(101, 1_000));
        let found = confidence_sequence(treated, holdout, 10_000, Alpha::FIVE_PERCENT).expect("past the burn-in");
        let pooled = 1_411.0 / 10_000.0 * (1.0 - 1_411.0 / 10_000.0) * (1.0 / 9_000.0 + 1.0 / 1_000.0);
        let expected = boundary(
            10_000,
            found.interval.low.midpoint(found.interval.high),
            10_000.0 * pooled,
            10_000,
            Alpha::FIVE_PERCENT,
        );
        assert!((found.p / expected.expect("a boundary").p - 1.0).abs() < 1e-9);
    }
}
