//! Shares of users: one share, two shares against each other.

use super::interval::{Alpha, Interval, two_sided_p};

/// So many of so many, with at least one in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    count: u64,
    total: u64,
}

impl Proportion {
    /// `count` of `total`; `None` where nobody is there or the count exceeds the total.
    pub fn new(count: u64, total: u64) -> Option<Proportion> {
        (total > 0 && count <= total).then_some(Proportion { count, total })
    }

    /// Those who did.
    pub fn count(self) -> u64 {
        self.count
    }

    /// All.
    pub fn total(self) -> u64 {
        self.total
    }

    /// The share, 0 to 1.
    pub fn rate(self) -> f64 {
        self.x() / self.n()
    }

    pub(super) fn x(self) -> f64 {
        self.count as f64
    }

    pub(super) fn n(self) -> f64 {
        self.total as f64
    }

    /// `p (1 - p) / n`: the plug-in variance of the rate.
    pub(super) fn variance_of_rate(self) -> f64 {
        let p = self.rate();
        p * (1.0 - p) / self.n()
    }
}

/// Wilson's score interval of one share (Wilson 1927; Newcombe 1998a, method 3).
///
/// Unlike the textbook interval it stays within 0 to 1 and is right for small counts.
pub fn wilson(share: Proportion, alpha: Alpha) -> Interval {
    let (n, p, z) = (share.n(), share.rate(), alpha.two_sided_quantile());
    let scale = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / scale;
    let half = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    // The ends are exactly 0 and 1 at the extremes; rounding must not say otherwise.
    let low = if share.count == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if share.count == share.total { 1.0 } else { (centre + half).min(1.0) };
    Interval { low, high }
}

/// The treated share less the holdout's.
pub fn difference(treated: Proportion, holdout: Proportion) -> f64 {
    treated.rate() - holdout.rate()
}

/// Newcombe's hybrid score interval of the difference (Newcombe 1998b, method 10).
pub fn newcombe(treated: Proportion, holdout: Proportion, alpha: Alpha) -> Interval {
    let (p1, p0) = (treated.rate(), holdout.rate());
    let (w1, w0) = (wilson(treated, alpha), wilson(holdout, alpha));
    Interval { low: p1 - p0 - (p1 - w1.low).hypot(w0.high - p0), high: p1 - p0 + (w1.high - p1).hypot(p0 - w0.low) }
}

/// How many times more, less one: `p1 / p0 - 1` with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelativeLift {
    /// The lift; 0.5 is half as many again.
    pub lift: f64,
    /// Its interval.
    pub interval: Interval,
}

/// Relative lift with Katz's interval on the logarithm (Katz et al. 1978).
///
/// `None` where either arm has no conversion: there is no ratio to speak of.
pub fn relative_lift(treated: Proportion, holdout: Proportion, alpha: Alpha) -> Option<RelativeLift> {
    if treated.count == 0 || holdout.count == 0 {
        return None;
    }
    let ratio = treated.rate() / holdout.rate();
    let variance = 1.0 / treated.x() - 1.0 / treated.n() + 1.0 / holdout.x() - 1.0 / holdout.n();
    let half = alpha.two_sided_quantile() * variance.max(0.0).sqrt();
    let interval = Interval { low: ratio * (-half).exp() - 1.0, high: ratio * half.exp() - 1.0 };
    interval.is_finite().then_some(RelativeLift { lift: ratio - 1.0, interval })
}

/// The z test with pooled variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZTest {
    /// The statistic; 0 where nobody or everybody converted.
    pub z: f64,
    /// Its two-sided p-value.
    pub p: f64,
}

/// Tests that both arms have the same share. Valid once, at the planned end, not at every look.
pub fn pooled_z(treated: Proportion, holdout: Proportion) -> ZTest {
    let deviation = pooled_variance(treated, holdout).sqrt();
    let z = if deviation > 0.0 { difference(treated, holdout) / deviation } else { 0.0 };
    ZTest { z, p: two_sided_p(z) }
}

/// Variance of the difference if both arms had the same share.
pub(super) fn pooled_variance(treated: Proportion, holdout: Proportion) -> f64 {
    let pooled = (treated.x() + holdout.x()) / (treated.n() + holdout.n());
    pooled * (1.0 - pooled) * (1.0 / treated.n() + 1.0 / holdout.n())
}

/// Conversions that would not have happened without the messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incremental {
    /// Treated users times the difference; negative where the holdout did better.
    pub conversions: f64,
    /// Newcombe's interval on the same scale.
    pub interval: Interval,
}

/// What the messages added among the treated users.
pub fn incremental_conversions(treated: Proportion, holdout: Proportion, alpha: Alpha) -> Incremental {
    Incremental {
        conversions: treated.n() * difference(treated, holdout),
        interval: newcombe(treated, holdout, alpha).scaled(treated.n()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_no_share() {
        assert_eq!(Proportion::new(0, 0), None);
        assert_eq!(Proportion::new(2, 1), None);
    }

    #[test]
    fn extremes_give_numbers() {
        let shares = [(0, 1), (1, 1), (0, u64::MAX), (u64::MAX, u64::MAX), (1, u64::MAX)];
        for (x1, n1) in shares {
            for (x0, n0) in shares {
                let treated = Proportion::new(x1, n1).expect("a share");
                let holdout = Proportion::new(x0, n0).expect("a share");
                let interval = newcombe(treated, holdout, Alpha::FIVE_PERCENT);
                assert!(interval.is_finite() && interval.low <= interval.high, "{interval:?}");
                assert!(interval.low >= -1.0 - 1e-12 && interval.high <= 1.0 + 1e-12, "{interval:?}");
                assert!((0.0..=1.0).contains(&pooled_z(treated, holdout).p));
            }
        }
    }
}
