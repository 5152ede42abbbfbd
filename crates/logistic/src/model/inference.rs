//! What a maximum-likelihood coefficient is worth: standard error, Wald test and interval.

use serde::{Deserialize, Serialize};

use crate::cholesky::Cholesky;
use crate::dataset::Standardisation;

/// The Wald inference of one coefficient (McCullagh & Nelder, *Generalized Linear Models*, 2nd ed. 1989, §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The square root of the diagonal entry of the inverse information.
    pub std_error: f64,
    /// estimate / std_error.
    pub z: f64,
    /// Two-sided, P(|Z| ≥ |z|).
    pub p_value: f64,
    /// The lower end of the 95 % interval.
    pub ci_low: f64,
    /// The upper end of the 95 % interval.
    pub ci_high: f64,
}

/// The 97.5 % quantile of the normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

impl Inference {
    pub(super) fn new(estimate: f64, variance: f64) -> Option<Self> {
        let std_error = variance.sqrt();
        let z = estimate / std_error;
        let sound = std_error > 0.0 && std_error.is_finite() && z.is_finite();
        sound.then(|| Inference {
            std_error,
            z,
            p_value: libm::erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2),
            ci_low: estimate - NORMAL_975 * std_error,
            ci_high: estimate + NORMAL_975 * std_error,
        })
    }
}

/// The variances of the coefficients and of the intercept in the user's units, from the Cholesky factor of the mean
/// Hessian in standardised columns: with `w = w′/s` and `b = b′ − Σ w′·c/s`.
pub(super) fn variances(
    factor: &Cholesky,
    standard: &Standardisation,
    intercept: bool,
    total_weight: f64,
) -> (Vec<f64>, Option<f64>) {
    let inverse = factor.inverse();
    let k = standard.columns.len();
    let n = k + usize::from(intercept);
    let weight = (0..k).map(|j| inverse[j * n + j] / total_weight / standard.scale[j].powi(2)).collect();
    let bias = intercept.then(|| {
        let mut map: Vec<f64> = standard.centre.iter().zip(&standard.scale).map(|(c, s)| -c / s).collect();
        map.push(1.0);
        let row = |i: usize| (0..n).map(|j| inverse[i * n + j] * map[j]).sum::<f64>();
        (0..n).map(|i| map[i] * row(i)).sum::<f64>() / total_weight
    });
    (weight, bias)
}
