//! The fitted model: encoder, coefficients with their inference, certificate and training facts, in one file.

mod certificate;
mod columns;
mod cross_validation;
mod file;
mod fit;
mod inference;
mod path;
mod scoring;
mod screening;
mod separation;
mod settings;

pub use cross_validation::{CrossValidation, CvPoint, ELASTIC_NET_RATIOS, Rule};
pub use fit::Fit;
pub use inference::Inference;
pub use path::{Path, PathPoint};
pub use settings::{ClassWeight, LogisticRegression, Method, Penalty, WeightKind};

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::encode::{Encoded, Encoder, Term};
use crate::error::{Result, Warning};
use crate::loss::sigmoid;
use crate::solver::Termination;
use crate::table::Table;

/// A coefficient, in the user's units. What does not exist is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// `(intercept)`, `age`, `sex[male]`.
    pub term: String,
    /// The table's column; none for the intercept.
    pub column: Option<String>,
    /// The level, for a category.
    pub level: Option<String>,
    /// The change of the logit for one unit of the column; absent where the term was left out.
    pub estimate: Option<f64>,
    /// Standard error, test and interval; absent where they would mean nothing.
    pub inference: Option<Inference>,
}

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
    /// How the solver ended.
    pub termination: String,
    /// The solver's iterations; epochs for a mini-batch solver.
    pub iterations: usize,
    /// The objective at the end.
    pub objective: f64,
    /// The largest absolute entry of the gradient, in standardised columns.
    pub gradient_max_norm: f64,
    /// A bound on the distance of the objective to its minimum, in nats per row.
    pub gap: f64,
    /// Σ sᵢ·log P(yᵢ).
    pub log_likelihood: f64,
    /// The same, of the model of the intercept alone; without an intercept, of a probability of one half.
    pub null_log_likelihood: f64,
    /// What rows of each class weighed, on top of their own weights; empty where all weighed the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weight: Vec<f64>,
    /// Whether weights make the log-likelihood one of no sample, so that nothing can be tested by it.
    #[serde(default)]
    pub pseudo_likelihood: bool,
}

impl Facts {
    /// −2·log-likelihood.
    pub fn deviance(&self) -> f64 {
        -2.0 * self.log_likelihood
    }

    /// Akaike's criterion, 2·rank − 2·log-likelihood.
    pub fn aic(&self) -> f64 {
        2.0 * self.rank as f64 + self.deviance()
    }

    /// Schwarz's criterion, rank·ln(rows) − 2·log-likelihood.
    pub fn bic(&self) -> f64 {
        self.rank as f64 * (self.n_rows as f64).ln() + self.deviance()
    }

    /// McFadden's 1 − log-likelihood / null log-likelihood.
    pub fn pseudo_r2_mcfadden(&self) -> f64 {
        1.0 - self.log_likelihood / self.null_log_likelihood
    }

    /// Whether the optimum was reached, by the certificate.
    pub fn converged(&self) -> bool {
        self.termination == Termination::Converged.name()
    }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The way from a table to numbers.
    pub encoder: Encoder,
    /// The intercept first, where there is one, then the terms in design order.
    pub coefficients: Vec<Coefficient>,
    /// Probabilities of at least this are called positive.
    pub threshold: f64,
    /// What was fitted on what.
    pub facts: Facts,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
    /// The objective before every iteration, or the mean loss of every epoch.
    pub trace: Vec<f64>,
    /// How the penalty was chosen, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
}

impl Model {
    /// Joins an encoder with a fit on data that it encoded.
    pub fn new(encoder: Encoder, fit: Fit, threshold: f64, mut warnings: Vec<Warning>) -> Self {
        let terms = encoder.terms();
        warnings.extend(fit.warnings(&terms));
        let intercept = Term { term: "(intercept)".to_string(), column: String::new(), level: None };
        let of = |term: Term, estimate: Option<f64>, inference: Option<Inference>| Coefficient {
            column: (!term.column.is_empty()).then_some(term.column),
            term: term.term,
            level: term.level,
            estimate,
            inference,
        };
        let mut coefficients = Vec::with_capacity(terms.len() + 1);
        if let (Some(&bias), Some(&inference)) = (fit.bias.first(), fit.bias_inference.first()) {
            coefficients.push(of(intercept, Some(bias), inference));
        }
        for (j, term) in terms.into_iter().enumerate() {
            coefficients.push(of(term, fit.weight[j], fit.inference[j]));
        }
        Model { encoder, coefficients, threshold, facts: fit.facts, warnings, trace: fit.trace, cross_validation: None }
    }

    /// The same model with an encoder that asks only for the columns that have a coefficient: what the model does not
    /// use, scoring need not have. Data that the whole encoder encoded no longer fit this one.
    #[must_use]
    pub fn without_unused_columns(mut self) -> Self {
        let estimated = self.coefficients.iter().filter(|coefficient| coefficient.estimate.is_some());
        let used: HashSet<&str> = estimated.map(|coefficient| coefficient.term.as_str()).collect();
        self.encoder = self.encoder.without_unused(|term| used.contains(term));
        self
    }

    /// The intercept; 0 for a model without one.
    pub fn intercept(&self) -> f64 {
        let first = self.coefficients.first().filter(|coefficient| coefficient.column.is_none());
        first.and_then(|coefficient| coefficient.estimate).unwrap_or(0.0)
    }

    /// The coefficients of the encoder's design columns; 0 for a term that was left out.
    pub fn weight(&self) -> Vec<f64> {
        let terms = self.coefficients.iter().filter(|coefficient| coefficient.column.is_some());
        let estimates: HashMap<&str, f64> =
            terms.filter_map(|coefficient| Some((coefficient.term.as_str(), coefficient.estimate?))).collect();
        self.encoder.terms().iter().map(|term| estimates.get(term.term.as_str()).copied().unwrap_or(0.0)).collect()
    }

    /// The probability of the positive class for every row that was encoded.
    pub fn probabilities(&self, encoded: &Encoded) -> Vec<f64> {
        let weight = self.weight();
        let mut logits = vec![self.intercept(); encoded.dataset.len()];
        let mut rest = weight.as_slice();
        for feature in encoded.dataset.features() {
            let (own, others) = rest.split_at(feature.n_columns());
            feature.add_to(own, &mut logits);
            rest = others;
        }
        logits.into_iter().map(sigmoid).collect()
    }

    /// Encodes a table and gives the probability of every row that its missing values leave, with the rows.
    ///
    /// # Errors
    /// Those of [`Encoder::features`].
    pub fn predict(&self, table: &Table) -> Result<(Encoded, Vec<f64>)> {
        let encoded = self.encoder.features(table)?;
        let probabilities = self.probabilities(&encoded);
        Ok((encoded, probabilities))
    }

    /// The class that a probability is called.
    pub fn class(&self, probability: f64) -> &str {
        let target = &self.encoder.target;
        if probability >= self.threshold { &target.positive } else { &target.negative }
    }
}
