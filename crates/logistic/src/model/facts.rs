//! What was fitted on what, and how it went.

use serde::{Deserialize, Deserializer, Serialize};

use super::covariance::Covariance;
use super::likelihood_ratio::LikelihoodRatio;
use crate::solver::Termination;

/// What was fitted on what, and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The rows used.
    pub n_rows: usize,
    /// The weight of them, Σsᵢ.
    pub total_weight: f64,
    /// The coefficients estimated, the intercept included.
    pub rank: usize,
    /// The solver.
    pub solver: String,
    /// The lasso penalty.
    #[serde(default)]
    pub l1: f64,
    /// The ridge penalty.
    pub l2: f64,
    /// Whether the penalties act on coefficients of standardised columns.
    #[serde(default)]
    pub standardised_penalty: bool,
    /// Whether coefficients had bounds.
    #[serde(default)]
    pub bounded: bool,
    /// How the solver ended; [`Facts::IMPORTED`] where another program estimated the coefficients. Then what is not known is
    /// NaN, and null in files.
    pub termination: String,
    /// The solver's iterations; epochs for a mini-batch solver.
    pub iterations: usize,
    /// The objective at the end.
    #[serde(deserialize_with = "known_or_not")]
    pub objective: f64,
    /// The largest absolute entry of the gradient, in standardised columns.
    #[serde(deserialize_with = "known_or_not")]
    pub gradient_max_norm: f64,
    /// A bound on the distance of the objective to its minimum, in nats per row; infinite for a network, of which none is
    /// known.
    #[serde(default = "infinite", skip_serializing_if = "is_infinite", deserialize_with = "known_or_not")]
    pub gap: f64,
    /// Σ sᵢ·log P(yᵢ).
    #[serde(deserialize_with = "known_or_not")]
    pub log_likelihood: f64,
    /// The same, of the model of the intercept alone; without an intercept, of a probability of one half.
    #[serde(deserialize_with = "known_or_not")]
    pub null_log_likelihood: f64,
    /// What rows of each class weighed, on top of their own weights; empty where all weighed the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weight: Vec<f64>,
    /// Whether the columns that an l1 penalty selected were fitted again without it.
    #[serde(default)]
    pub relaxed: bool,
    /// Whether the weights of the classes were taken back out of the probabilities.
    #[serde(default)]
    pub calibrated: bool,
    /// Whether weights make the log-likelihood one of no sample, so that nothing can be tested by it.
    #[serde(default)]
    pub pseudo_likelihood: bool,
    /// The estimator of the covariance behind the standard errors: `information`, `hc0`, `hc1`, `cluster`, or
    /// `sampling` where weights rule out the first.
    #[serde(default = "information")]
    pub covariance: String,
    /// The number of clusters; of the covariance `cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_clusters: Option<usize>,
    /// The test of all columns together; absent where the likelihood is not that of a sample at its maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_test: Option<LikelihoodRatio>,
    /// Whether the fit is Firth's. Then `gap` is an estimate, ½·λ² with Newton's decrement λ, and no
    /// bound: the penalised likelihood need not have one maximum only.
    #[serde(default)]
    pub firth: bool,
    /// log-likelihood + ½·log|I|, the information I in the user's units; of Firth's fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalized_log_likelihood: Option<f64>,
}

fn infinite() -> f64 {
    f64::INFINITY
}

fn is_infinite(gap: &f64) -> bool {
    gap.is_infinite()
}

fn information() -> String {
    Covariance::Information.name().to_string()
}

/// NaN, of an imported model, is null in JSON.
fn known_or_not<'d, D: Deserializer<'d>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

impl Facts {
    /// What stands for the solver's end in a model of coefficients that another program estimated.
    pub const IMPORTED: &'static str = "imported";

    /// What is known of a fit before anything is said of it.
    pub(super) fn unsaid(solver: &str, rank: usize) -> Self {
        Facts {
            n_rows: 0,
            total_weight: 0.0,
            rank,
            solver: solver.to_string(),
            l1: 0.0,
            l2: 0.0,
            standardised_penalty: false,
            bounded: false,
            termination: String::new(),
            iterations: 0,
            objective: f64::NAN,
            gradient_max_norm: f64::NAN,
            gap: f64::NAN,
            log_likelihood: f64::NAN,
            null_log_likelihood: f64::NAN,
            class_weight: Vec::new(),
            relaxed: false,
            calibrated: false,
            pseudo_likelihood: false,
            covariance: information(),
            n_clusters: None,
            lr_test: None,
            firth: false,
            penalized_log_likelihood: None,
        }
    }

    /// What is known of a fit that another program made.
    pub(super) fn imported(rank: usize) -> Self {
        let imported = Facts::IMPORTED.to_string();
        Facts { termination: imported, pseudo_likelihood: true, ..Facts::unsaid(Facts::IMPORTED, rank) }
    }

    /// Whether another program estimated the coefficients.
    pub fn is_imported(&self) -> bool {
        self.termination == Facts::IMPORTED
    }

    /// −2·log-likelihood.
    pub fn deviance(&self) -> f64 {
        -2.0 * self.log_likelihood
    }

    /// Akaike's criterion, 2·rank − 2·log-likelihood; absent where that is not what it measures: under a penalty or bounds,
    /// where the likelihood is none of a sample, and for a network, which is at no maximum.
    pub fn aic(&self) -> Option<f64> {
        self.is_likelihood().then(|| 2.0 * self.rank as f64 + self.deviance())
    }

    /// Schwarz's criterion, rank·ln(rows) − 2·log-likelihood; absent where Akaike's is.
    pub fn bic(&self) -> Option<f64> {
        self.is_likelihood().then(|| self.rank as f64 * (self.n_rows as f64).ln() + self.deviance())
    }

    /// Whether the log-likelihood is the largest that coefficients can give the rows.
    fn is_likelihood(&self) -> bool {
        self.gap.is_finite()
            && !self.pseudo_likelihood
            && !self.firth
            && !self.bounded
            && self.l1 == 0.0
            && self.l2 == 0.0
    }

    /// McFadden's 1 − log-likelihood / null log-likelihood.
    pub fn pseudo_r2_mcfadden(&self) -> f64 {
        1.0 - self.log_likelihood / self.null_log_likelihood
    }

    /// Cox and Snell's 1 − (null likelihood / likelihood)^(2/Σsᵢ) (*Analysis of Binary Data*, 2nd ed. 1989, p. 209): below 1
    /// even for a perfect fit.
    pub fn pseudo_r2_cox_snell(&self) -> f64 {
        -(2.0 * (self.null_log_likelihood - self.log_likelihood) / self.total_weight).exp_m1()
    }

    /// Nagelkerke's: Cox and Snell's, over the largest that it can be (Biometrika 78(3), 1991).
    pub fn pseudo_r2_nagelkerke(&self) -> f64 {
        self.pseudo_r2_cox_snell() / -(2.0 * self.null_log_likelihood / self.total_weight).exp_m1()
    }

    /// Whether the optimum was reached, by the certificate.
    pub fn converged(&self) -> bool {
        self.termination == Termination::Converged.name()
    }
}
