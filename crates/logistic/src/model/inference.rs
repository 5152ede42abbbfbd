//! What a maximum-likelihood coefficient is worth: standard error, Wald test and interval.

use serde::{Deserialize, Serialize};

use super::likelihood_ratio::LikelihoodRatio;
use super::profile::ProfileInterval;
use crate::dataset::Standardisation;
use crate::distribution::{NORMAL_975, normal_two_sided};

/// The Wald inference of one coefficient (McCullagh & Nelder, *Generalized Linear Models*, 2nd ed. 1989, §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The square root of the diagonal entry of the covariance of the estimates.
    pub std_error: f64,
    /// estimate / std_error.
    pub z: f64,
    /// Two-sided, P(|Z| ≥ |z|).
    pub p_value: f64,
    /// The lower end of the 95 % interval.
    pub ci_low: f64,
    /// The upper end of the 95 % interval.
    pub ci_high: f64,
    /// The 95 % interval by profile likelihood, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileInterval>,
    /// The likelihood-ratio test that the coefficient is 0; comes with the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_test: Option<LikelihoodRatio>,
}

impl Inference {
    pub(super) fn new(estimate: f64, variance: f64) -> Option<Self> {
        let std_error = variance.sqrt();
        let z = estimate / std_error;
        let sound = std_error > 0.0 && std_error.is_finite() && z.is_finite();
        sound.then(|| Inference {
            std_error,
            z,
            p_value: normal_two_sided(z),
            ci_low: estimate - NORMAL_975 * std_error,
            ci_high: estimate + NORMAL_975 * std_error,
            profile: None,
            lr_test: None,
        })
    }
}

/// A covariance of parameters in standardised columns, carried to the user's units: `w = w′/s` and
/// `b = b′ − Σ w′·c/s`, for each output.
///
/// # Shapes
/// `covariance` row-major (n, n), n = outputs·p + biases, where the biases are `n − outputs·p`.
pub(super) fn to_user_units(covariance: &mut [f64], standard: &Standardisation, outputs: usize) {
    let p = standard.columns.len();
    let n = covariance.len().isqrt();
    let weights = outputs * p;
    // T·C, then the same from the other side.
    let scale = |at: usize| 1.0 / standard.scale[at % p];
    let shift = |at: usize| standard.centre[at % p];
    for i in 0..n {
        for at in 0..weights {
            covariance[at * n + i] *= scale(at);
        }
        for bias in weights..n {
            let own = (bias - weights) * p;
            let moved: f64 = (own..own + p).map(|at| covariance[at * n + i] * shift(at)).sum();
            covariance[bias * n + i] -= moved;
        }
    }
    for row in covariance.chunks_exact_mut(n.max(1)) {
        (0..weights).for_each(|at| row[at] *= scale(at));
        for bias in weights..n {
            let own = (bias - weights) * p;
            let moved: f64 = (own..own + p).map(|at| row[at] * shift(at)).sum();
            row[bias] -= moved;
        }
    }
}
