//! Planning: how many users it takes, and what a given number can show.
//!
//! The two-sided z test with pooled variance under "no effect" and unpooled variance under the
//! effect, without continuity correction (Fleiss).

use super::interval::{Alpha, quantile, upper_tail};

/// The power that plans and verdicts ask for.
pub const USUAL_POWER: f64 = 0.8;

/// Halvings until the bracket of the smallest detectable effect is below 1e-15.
const HALVINGS: u32 = 60;

/// Users needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleSize {
    /// The formula's holdout size before rounding up.
    pub exact: f64,
    /// Holdout users.
    pub holdout: u64,
    /// Treated users.
    pub treated: u64,
}

/// Users needed to tell the treated rate `p1` from the holdout's `p0` with this power, with `ratio`
/// treated users per holdout user.
///
/// `None` for equal rates, rates outside 0 to 1, or a power or ratio that is none.
pub fn sample_size(p0: f64, p1: f64, ratio: f64, alpha: Alpha, power: f64) -> Option<SampleSize> {
    let rates = 0.0..=1.0;
    if !(rates.contains(&p0) && rates.contains(&p1) && p0 != p1 && ratio > 0.0 && ratio.is_finite()) {
        return None;
    }
    let pooled = (p0 + ratio * p1) / (1.0 + ratio);
    let at_null = alpha.two_sided_quantile() * (pooled * (1.0 - pooled) * (1.0 + 1.0 / ratio)).sqrt();
    let at_effect = quantile(power)? * (p0 * (1.0 - p0) + p1 * (1.0 - p1) / ratio).sqrt();
    let exact = ((at_null + at_effect) / (p1 - p0)).powi(2);
    let holdout = exact.ceil().max(1.0);
    let treated = (holdout * ratio).ceil();
    // Beyond 2^53 a count is no longer exact, and no audience either.
    (treated.max(holdout) < 9e15).then_some(SampleSize { exact, holdout: holdout as u64, treated: treated as u64 })
}

/// Chance that the test finds the difference between `p1` (of `treated` users) and `p0` (of `holdout`).
///
/// `None` with nobody in an arm, a rate outside 0 to 1, or where nothing can vary at all.
pub fn power(p0: f64, p1: f64, holdout: u64, treated: u64, alpha: Alpha) -> Option<f64> {
    let rates = 0.0..=1.0;
    if holdout == 0 || treated == 0 || !rates.contains(&p0) || !rates.contains(&p1) {
        return None;
    }
    let (n0, n1) = (holdout as f64, treated as f64);
    let pooled = (n0 * p0 + n1 * p1) / (n0 + n1);
    let limit = alpha.two_sided_quantile() * (pooled * (1.0 - pooled) * (1.0 / n0 + 1.0 / n1)).sqrt();
    let deviation = (p0 * (1.0 - p0) / n0 + p1 * (1.0 - p1) / n1).sqrt();
    let distance = (p1 - p0).abs();
    if deviation == 0.0 {
        return (distance > 0.0).then_some(if distance > limit { 1.0 } else { 0.0 });
    }
    let found = upper_tail((limit - distance) / deviation) + upper_tail((limit + distance) / deviation);
    Some(found.min(1.0))
}

/// The smallest lift of the treated rate over `p0` that the test finds with this power.
///
/// `None` where even the largest possible lift would not be found, or an arm is empty.
pub fn smallest_detectable_lift(p0: f64, holdout: u64, treated: u64, alpha: Alpha, wanted: f64) -> Option<f64> {
    quantile(wanted)?;
    let reaches = |lift: f64| Some(power(p0, (p0 + lift).min(1.0), holdout, treated, alpha)? >= wanted);
    let (mut low, mut high) = (0.0, 1.0 - p0 - 1e-9);
    if high <= low || !reaches(high)? {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if reaches(middle)? { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_planned_is_none() {
        let alpha = Alpha::FIVE_PERCENT;
        assert_eq!(sample_size(0.1, 0.1, 1.0, alpha, 0.8), None);
        assert_eq!(sample_size(0.1, 0.2, 0.0, alpha, 0.8), None);
        assert_eq!(sample_size(0.1, 0.2, 1.0, alpha, 1.0), None);
        assert_eq!(sample_size(f64::NAN, 0.2, 1.0, alpha, 0.8), None);
        assert_eq!(power(0.1, 0.2, 0, 100, alpha), None);
        assert_eq!(power(0.0, 0.0, 10, 100, alpha), None);
        assert_eq!(smallest_detectable_lift(0.1, 1, 1, alpha, 0.8), None);
        assert_eq!(smallest_detectable_lift(1.0, 100, 100, alpha, 0.8), None);
    }

    #[test]
    fn a_holdout_that_never_converts_still_has_a_smallest_lift() {
        let lift = smallest_detectable_lift(0.0, 1_000, 9_000, Alpha::FIVE_PERCENT, 0.8).expect("a lift");
        assert!(lift > 0.0 && lift < 0.05, "{lift}");
    }
}
