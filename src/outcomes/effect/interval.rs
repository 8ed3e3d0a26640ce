//! Intervals, error levels and the tails of the normal distribution that the other files share.

use statrs::distribution::{ContinuousCDF, Normal};

/// Two ends of a range, the lower first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval `centre ± half`.
    pub fn around(centre: f64, half: f64) -> Interval {
        Interval { low: centre - half, high: centre + half }
    }

    /// Both ends times a factor that is not negative: from "per user" to "in all".
    pub fn scaled(self, factor: f64) -> Interval {
        Interval { low: self.low * factor, high: self.high * factor }
    }

    /// Both ends brought into a range that the quantity cannot leave.
    pub fn within(self, low: f64, high: f64) -> Interval {
        Interval { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    /// Whether both ends are numbers.
    pub fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}

/// The accepted share of false alarms, strictly between 0 and 1; intervals cover `1 - alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alpha(f64);

impl Alpha {
    /// What every report uses: 95 % intervals.
    pub const FIVE_PERCENT: Alpha = Alpha(0.05);

    /// Another level; `None` outside the open range 0 to 1.
    pub fn new(share: f64) -> Option<Alpha> {
        (share > 0.0 && share < 1.0).then_some(Alpha(share))
    }

    /// The share.
    pub fn share(self) -> f64 {
        self.0
    }

    /// The normal quantile of a two-sided test: 1.959964 at five percent.
    pub fn two_sided_quantile(self) -> f64 {
        // The lower tail keeps its digits where 1 - alpha / 2 would round to 1.
        -Normal::standard().inverse_cdf(self.0 / 2.0)
    }
}

/// Two-sided p-value of a standard normal statistic.
pub(super) fn two_sided_p(z: f64) -> f64 {
    (2.0 * Normal::standard().sf(z.abs())).min(1.0)
}

/// Share of the standard normal distribution above `z`.
pub(super) fn upper_tail(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// The standard normal quantile of a share strictly between 0 and 1; `None` elsewhere.
pub(super) fn quantile(share: f64) -> Option<f64> {
    (share > 0.0 && share < 1.0).then(|| Normal::standard().inverse_cdf(share))
}
