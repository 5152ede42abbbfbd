//! A difference of two numbers and whether it could be chance.

use super::interval::Interval;
use crate::distribution::normal_two_sided;

/// A difference with its standard error, and the test of whether it is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The first number less the second.
    pub value: f64,
    /// Its standard error, positive.
    pub std_error: f64,
    /// value ± 1.96 standard errors.
    pub interval: Interval,
    /// value / std_error.
    pub z: f64,
    /// Two-sided, P(|Z| ≥ |z|) for a standard normal Z.
    pub p_value: f64,
}

impl Difference {
    /// Absent where the variance is not a positive number.
    pub(super) fn new(value: f64, variance: f64) -> Option<Self> {
        let std_error = variance.sqrt();
        let z = value / std_error;
        let sound = std_error > 0.0 && std_error.is_finite() && z.is_finite();
        sound.then(|| Difference {
            value,
            std_error,
            interval: Interval::normal(value, std_error),
            z,
            p_value: normal_two_sided(z),
        })
    }
}
