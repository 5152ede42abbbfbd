//! Intervals of 95 %, and the Wilson interval of a share.

use crate::distribution::NORMAL_975;

/// An interval that covers the true value in 95 % of samples, as nearly as its method can.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// estimate ± 1.96 standard errors.
    pub(super) fn normal(estimate: f64, std_error: f64) -> Self {
        let half = NORMAL_975 * std_error;
        Interval { low: estimate - half, high: estimate + half }
    }

    /// The score interval of a share: `successes` of `trials`, neither of which need be whole.
    ///
    /// With p = successes/trials, n = trials and z = 1.96: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). It stays
    /// within 0 and 1, and has a width where no trial or every one succeeds. (E. B. Wilson, Journal of the American
    /// Statistical Association 22 (1927) 209–212, doi:10.1080/01621459.1927.10502953.) Absent unless there are
    /// trials, and successes from 0 to as many.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::Interval;
    ///
    /// let Interval { low, high } = Interval::wilson(8.0, 10.0).unwrap();
    /// assert!((low - 0.4901625).abs() < 1e-7 && (high - 0.9433178).abs() < 1e-7);
    /// ```
    pub fn wilson(successes: f64, trials: f64) -> Option<Self> {
        if !(trials > 0.0 && trials.is_finite() && (0.0..=trials).contains(&successes)) {
            return None;
        }
        let p = successes / trials;
        let z2n = NORMAL_975 * NORMAL_975 / trials;
        let centre = (p + z2n / 2.0) / (1.0 + z2n);
        let half = (z2n * (p * (1.0 - p) + z2n / 4.0)).sqrt() / (1.0 + z2n);
        let interval = Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) };
        (interval.low <= interval.high).then_some(interval)
    }
}
