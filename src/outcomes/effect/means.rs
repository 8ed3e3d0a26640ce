//! Money per user: means of two arms, and what comes back for what was spent.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::interval::{Alpha, Interval, two_sided_p};

/// Above so many degrees of freedom the quantile comes from its expansion: statrs 0.19 inverts the
/// incomplete beta function wrongly there (1.8266 for 1.9600 at 1e7), and ever more slowly.
const EXPANSION_FROM: f64 = 1e4;

/// Above so many degrees of freedom Student's tail is the normal one to six digits.
const NORMAL_FROM: f64 = 1e7;

/// Number, mean and variance of one arm's values, zeros included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many users.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Their sample variance (divisor n - 1); 0 with fewer than two users.
    pub variance: f64,
}

impl Moments {
    /// In one pass (Welford 1962), so that large sums lose no digits; `None` where there are no
    /// values or one of them is not a finite number.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Moments> {
        let (mut count, mut mean, mut squares) = (0u64, 0.0f64, 0.0f64);
        for value in values {
            count += 1;
            let step = value - mean;
            mean += step / count as f64;
            squares += step * (value - mean);
        }
        let variance = if count > 1 { squares / (count - 1) as f64 } else { 0.0 };
        (count > 0 && mean.is_finite() && variance.is_finite()).then_some(Moments { count, mean, variance })
    }
}

/// The difference of two means by Welch's t (Welch 1947).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// Treated less holdout, per user.
    pub difference: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Welch's degrees of freedom.
    pub degrees: f64,
    /// The statistic.
    pub t: f64,
    /// Its two-sided p-value.
    pub p: f64,
    /// The interval of the difference.
    pub interval: Interval,
}

/// Compares the arms without assuming equal variances.
///
/// `None` with fewer than two users in an arm, or where no value differs from another in either arm:
/// then nothing says how far the means could be off.
pub fn welch(treated: &Moments, holdout: &Moments, alpha: Alpha) -> Option<Welch> {
    if treated.count < 2 || holdout.count < 2 {
        return None;
    }
    let (n1, n0) = (treated.count as f64, holdout.count as f64);
    let (a, b) = (treated.variance / n1, holdout.variance / n0);
    let standard_error = (a + b).sqrt();
    let degrees = (a + b).powi(2) / (a * a / (n1 - 1.0) + b * b / (n0 - 1.0));
    if !(standard_error > 0.0 && standard_error.is_finite() && degrees.is_finite()) {
        return None;
    }
    let difference = treated.mean - holdout.mean;
    let t = difference / standard_error;
    let student = StudentsT::new(0.0, 1.0, degrees).ok()?;
    let p = if degrees < NORMAL_FROM { (2.0 * student.sf(t.abs())).min(1.0) } else { two_sided_p(t) };
    let quantile = if degrees < EXPANSION_FROM {
        -student.inverse_cdf(alpha.share() / 2.0)
    } else {
        expanded_quantile(alpha.two_sided_quantile(), degrees)
    };
    let interval = Interval::around(difference, quantile * standard_error);
    (interval.is_finite() && t.is_finite() && p.is_finite()).then_some(Welch {
        difference,
        standard_error,
        degrees,
        t,
        p,
        interval,
    })
}

/// Student's quantile from the normal one (Abramowitz and Stegun 26.7.5, two terms).
fn expanded_quantile(z: f64, degrees: f64) -> f64 {
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / degrees + second / (degrees * degrees)
}

/// Profit for each unit spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Return {
    /// `n1 × difference / cost`: 0 is break-even, 1 earns the cost twice.
    pub roi: f64,
    /// The interval of the difference on the same scale, where there is one.
    pub interval: Option<Interval>,
}

/// Return on the programme's cost, from a difference in *net* value per user (margin × value less
/// messages and redeemed incentives, so the cost is already taken off).
///
/// `None` where nothing was spent: there is no return on nothing.
pub fn return_on_cost(difference: f64, interval: Option<Interval>, treated: u64, cost: f64) -> Option<Return> {
    if !(cost > 0.0 && cost.is_finite()) {
        return None;
    }
    let factor = treated as f64 / cost;
    let roi = difference * factor;
    let interval = interval.map(|i| i.scaled(factor)).filter(|i| i.is_finite());
    roi.is_finite().then_some(Return { roi, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_say_nothing_have_no_interval() {
        let one = Moments::of([5.0]).expect("one value");
        let zeros = Moments::of([0.0, 0.0, 0.0]).expect("values");
        let some = Moments::of([0.0, 3.0]).expect("values");
        assert_eq!(Moments::of([]), None);
        assert_eq!(Moments::of([1.0, f64::NAN]), None);
        assert_eq!(welch(&one, &some, Alpha::FIVE_PERCENT), None);
        assert_eq!(welch(&zeros, &zeros, Alpha::FIVE_PERCENT), None);
        assert!(welch(&some, &zeros, Alpha::FIVE_PERCENT).is_some());
        assert_eq!(return_on_cost(1.0, None, 10, 0.0), None);
    }

    #[test]
    fn the_interval_is_right_for_any_number_of_users() {
        let quantile = |count: u64| {
            let arm = Moments { count, mean: 0.0, variance: count as f64 / 2.0 };
            welch(&arm, &arm, Alpha::FIVE_PERCENT).expect("an interval").interval.high
        };
        // Two equal arms of n have 2 (n - 1) degrees of freedom; values from tables of Student's t.
        for (count, expected) in [(2, 4.302652730), (6, 2.228138852), (51, 1.983971519), (501, 1.962339081)] {
            assert!((quantile(count) - expected).abs() < 1e-8, "{count}: {}", quantile(count));
        }
        assert!((quantile(4_999) - quantile(5_003)).abs() < 1e-6);
        assert!((quantile(5_000_000_000) - 1.959963985).abs() < 1e-8);
    }
}
