//! Sample ratio mismatch: did the arms come out in the planned shares?
//!
//! If not, something let users into or out of an arm after assignment, and no comparison of the arms
//! means anything (Fabijan et al. 2019).

use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, Discrete};

/// Below this p-value the arms are called broken and no effect is reported.
pub const BROKEN_BELOW: f64 = 0.001;

/// Pearson's chi-squared is trusted from this expected count on (Cochran 1954).
const EXPECTED_AT_LEAST: f64 = 5.0;

/// Pearson's test of counts against planned shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquaredTest {
    /// The statistic, `Σ (O - E)² / E`.
    pub chi_squared: f64,
    /// Groups less one.
    pub degrees: u32,
    /// Share of sound experiments that look at least this uneven.
    pub p: f64,
}

/// Tests counts per group against weights, which need not sum to 1.
///
/// `None` with fewer than two groups, unequal lengths, nobody at all, or a weight that is not positive.
pub fn chi_squared(observed: &[u64], weights: &[f64]) -> Option<ChiSquaredTest> {
    let total: f64 = observed.iter().map(|count| *count as f64).sum();
    let weight: f64 = weights.iter().sum();
    let sound = observed.len() >= 2
        && observed.len() == weights.len()
        && total > 0.0
        && weight.is_finite()
        && weights.iter().all(|w| *w > 0.0);
    if !sound {
        return None;
    }
    let chi_squared = observed
        .iter()
        .zip(weights)
        .map(|(count, share)| {
            let expected = total * share / weight;
            (*count as f64 - expected).powi(2) / expected
        })
        .sum::<f64>();
    let degrees = u32::try_from(observed.len() - 1).ok()?;
    let p = ChiSquared::new(f64::from(degrees)).ok()?.sf(chi_squared);
    (chi_squared.is_finite() && p.is_finite()).then_some(ChiSquaredTest { chi_squared, degrees, p })
}

/// p-value of a holdout and a treated arm against the planned holdout share in basis points.
///
/// Chi-squared; where an arm is expected to have fewer than five users, the exact two-sided binomial
/// test, because chi-squared raises false alarms there. `None` where nothing was randomised: nobody
/// entered, or the plan has only one arm and all are in it. A user in an arm that the plan does not
/// have gives 0.
pub fn split_p(holdout: u64, treated: u64, planned: u32) -> Option<f64> {
    let total = holdout.checked_add(treated)?;
    let impossible = (planned == 0 && holdout > 0) || (planned >= 10_000 && treated > 0);
    if impossible {
        return Some(0.0);
    }
    if total == 0 || planned == 0 || planned >= 10_000 {
        return None;
    }
    let share = f64::from(planned) / 10_000.0;
    if total as f64 * share.min(1.0 - share) < EXPECTED_AT_LEAST {
        return exact_p(holdout, total, share);
    }
    chi_squared(&[holdout, treated], &[share, 1.0 - share]).map(|test| test.p)
}

/// Sum of the probabilities of all outcomes at most as likely as the observed one. The share is at
/// least a basis point and fewer than five users are expected, so there are at most 50,000 outcomes.
fn exact_p(count: u64, total: u64, share: f64) -> Option<f64> {
    let binomial = Binomial::new(share, total).ok()?;
    // Outcomes as likely as the observed one must not drop out by rounding.
    let limit = binomial.pmf(count) * (1.0 + 1e-7);
    let p: f64 = (0..=total).map(|k| binomial.pmf(k)).filter(|mass| *mass <= limit).sum();
    p.is_finite().then_some(p.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_users_raise_no_false_alarm() {
        // 3 of 5 in a tenth: chi-squared says 0.0002; exactly, 0.00856 have so many or more.
        let p = split_p(3, 2, 1_000).expect("two arms");
        assert!((p - 0.00856).abs() < 1e-5, "{p}");
        assert!(split_p(1, 0, 1).expect("two arms") > 0.0);
    }

    #[test]
    fn plans_without_two_arms() {
        assert_eq!(split_p(0, 0, 1_000), None);
        assert_eq!(split_p(0, 100, 0), None);
        assert_eq!(split_p(7, 0, 10_000), None);
        assert_eq!(split_p(1, 100, 0), Some(0.0));
        assert_eq!(chi_squared(&[1, 2], &[1.0, 0.0]), None);
        assert_eq!(chi_squared(&[1], &[1.0]), None);
    }
}
