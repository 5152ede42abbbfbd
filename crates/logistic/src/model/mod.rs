//! The fitted model: encoder, coefficients with their inference, certificate and training facts, in one file.

mod attempt;
mod batches;
mod bootstrap;
mod certificate;
mod collinearity;
mod columns;
mod constrained;
mod convexity;
mod covariance;
mod cross_validation;
mod delta;
mod diagnostics;
mod effects;
mod facts;
mod file;
mod finish;
mod firth;
mod fit;
mod imported;
mod inference;
mod influence;
mod leave_one_out;
mod likelihood_ratio;
mod lockstep;
mod moves;
mod network;
mod path;
mod profile;
mod relaxed;
mod runaway;
mod sample;
mod scorer;
mod scoring;
mod screening;
mod separation;
mod settings;
mod side_by_side;
mod singular_values;
mod walker;

pub use bootstrap::{Bootstrap, Spread};
pub use collinearity::{Collinearity, Inflation};
pub use covariance::Covariance;
pub use cross_validation::{CrossValidation, CvPoint, ELASTIC_NET_RATIOS, Rule};
#[cfg(feature = "report")]
pub(crate) use delta::{Delta, around};
pub use diagnostics::Diagnostics;
pub use effects::MarginalEffect;
pub use facts::Facts;
pub use fit::Fit;
pub use imported::Imported;
pub use inference::Inference;
pub use influence::{Influence, RowInfluence};
pub use likelihood_ratio::{ColumnTest, LikelihoodRatio};
pub use network::{EarlyStopping, NetworkFit, NetworkTraining, Training, Validation, WithoutLayers};
pub use path::{Path, PathPoint};
pub use profile::ProfileInterval;
pub use runaway::{Runaway, Separated, Toward};
pub use scorer::{Scored, Scorer};
pub use scoring::Scores;
pub use settings::{ClassWeight, LogisticRegression, Method, Penalty, WeightKind};

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::dataset::predictors;
use crate::encode::{Encoded, Encoder, Term};
use crate::error::{Error, Result, Warning};
use crate::loss::{CrossEntropy, logit, sigmoid};
use crate::objective::Network;

/// Of more coefficients a model does not keep the covariance, whose size grows with their square.
pub const MOST_ESTIMATES: usize = 100;

/// A coefficient, in the user's units. What does not exist is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// `(intercept)`, `age`, `sex[male]`.
    pub term: String,
    /// The table's column; none for the intercept.
    pub column: Option<String>,
    /// The level, for a category.
    pub level: Option<String>,
    /// The class whose logit it is part of, where there are more than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The change of the logit for one unit of the column; absent where the term was left out.
    pub estimate: Option<f64>,
    /// Standard error, test and interval; absent where they would mean nothing.
    pub inference: Option<Inference>,
    /// How the estimate varies over resamples of the rows, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<Spread>,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The way from a table to numbers.
    pub encoder: Encoder,
    /// The intercept first, where there is one, then the terms in design order. Of more than two classes, those of
    /// one class after those of another: of all of them, or of all but the base.
    pub coefficients: Vec<Coefficient>,
    /// Of two classes: probabilities of at least this are called positive.
    pub threshold: f64,
    /// Of more: a row is called the class whose probability times this is the largest. Empty: all 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weight: Vec<f64>,
    /// What was fitted on what.
    pub facts: Facts,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
    /// The objective before every iteration, or the mean loss of every epoch.
    pub trace: Vec<f64>,
    /// The covariance of the coefficients that have an estimate, in their order: the lower triangle, row by row. Empty
    /// where it would mean nothing, and beyond [`MOST_ESTIMATES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariance: Vec<f64>,
    /// Where the classes are separated, what of maximum likelihood is infinite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation: Option<Separated>,
    /// What the fit says of its rows and columns, as far as it was asked.
    #[serde(default, skip_serializing_if = "Diagnostics::is_empty")]
    pub diagnostics: Diagnostics,
    /// The likelihood-ratio test of each column, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<ColumnTest>,
    /// How the penalty was chosen, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
    /// The hidden layers, where there are any, over the encoder's design columns. Then there are no coefficients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// How the hidden layers were trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
}

impl Model {
    /// Joins an encoder with a fit on data that it encoded.
    pub fn new(encoder: Encoder, fit: Fit, threshold: f64, mut warnings: Vec<Warning>) -> Self {
        let terms = encoder.terms();
        warnings.extend(fit.warnings(&terms));
        let target = &encoder.target;
        let names: Vec<Option<&String>> = match (fit.n_outputs(), target.classes.len()) {
            (1, _) => vec![None],
            (outputs, classes) => target.classes.iter().skip(classes - outputs).map(Some).collect(),
        };
        let mut coefficients = Vec::with_capacity(names.len() * (terms.len() + 1));
        for (k, class) in names.into_iter().enumerate() {
            if let (Some(&bias), Some(&inference)) = (fit.bias.get(k), fit.bias_inference.get(k)) {
                let term = "(intercept)".to_string();
                let class = class.cloned();
                coefficients.push(Coefficient {
                    term,
                    column: None,
                    level: None,
                    class,
                    estimate: Some(bias),
                    inference,
                    bootstrap: None,
                });
            }
            for (j, Term { term, column, level }) in terms.iter().cloned().enumerate() {
                let (estimate, inference) = (fit.weight[k * terms.len() + j], fit.inference[k * terms.len() + j]);
                let (column, class) = (Some(column), class.cloned());
                let bootstrap = None;
                coefficients.push(Coefficient { term, column, level, class, estimate, inference, bootstrap });
            }
        }
        let names: Vec<String> = terms.into_iter().map(|term| term.term).collect();
        let covariance = fit.covariance_by_coefficient();
        let separation = fit.runaways.as_ref().map(|runaways| runaways.named(&names, &encoder.target.classes));
        Model {
            encoder,
            coefficients,
            threshold,
            class_weight: Vec::new(),
            facts: fit.facts,
            warnings,
            trace: fit.trace,
            covariance,
            separation,
            tests: Vec::new(),
            cross_validation: None,
            diagnostics: Diagnostics::default(),
            network: None,
            training: None,
        }
    }

    /// The same model with what resampling says of its coefficients: a bootstrap of the settings and rows of its fit.
    #[must_use]
    pub fn bootstrapped(mut self, bootstrap: &Bootstrap) -> Self {
        let (mut weight, mut bias) = (bootstrap.weight.iter(), bootstrap.bias.iter());
        for coefficient in &mut self.coefficients {
            let spreads = if coefficient.column.is_none() { &mut bias } else { &mut weight };
            coefficient.bootstrap = spreads.next().copied().flatten();
        }
        self
    }

    /// The names of the columns that scoring adds: `probability` of two classes, `probability[class]` of more, and
    /// `predicted`.
    pub fn scored_columns(&self) -> Vec<String> {
        let classes = &self.encoder.target.classes;
        let mut names: Vec<String> = match classes.len() {
            2 => vec!["probability".to_string()],
            _ => classes.iter().map(|class| format!("probability[{class}]")).collect(),
        };
        names.push("predicted".to_string());
        names
    }

    /// The same model with an encoder that asks only for the columns that have a coefficient: what the model does not
    /// use, scoring need not have. Data that the whole encoder encoded no longer fit this one.
    #[must_use]
    pub fn without_unused_columns(mut self) -> Self {
        if self.is_network() {
            return self.with_used_inputs();
        }
        let estimated = self.coefficients.iter().filter(|coefficient| coefficient.estimate.is_some());
        let used: HashSet<&str> = estimated.map(|coefficient| coefficient.term.as_str()).collect();
        self.encoder = self.encoder.without_unused(|term| used.contains(term));
        self
    }

    /// Whether there are hidden layers, and so no coefficients.
    pub fn is_network(&self) -> bool {
        self.network.is_some()
    }

    /// The intercept; 0 for a model without one. Of two classes, without hidden layers.
    pub fn intercept(&self) -> f64 {
        let first = self.coefficients.first().filter(|coefficient| coefficient.column.is_none());
        first.and_then(|coefficient| coefficient.estimate).unwrap_or(0.0)
    }

    /// The coefficients of the encoder's design columns, of two classes; 0 for a term that was left out. None where there
    /// are hidden layers.
    pub fn weight(&self) -> Vec<f64> {
        self.outputs().into_iter().next().map_or(Vec::new(), |(_, weight)| weight)
    }

    /// The intercept and the coefficients of the encoder's design columns for each output: one of two classes; of
    /// more, one for each class, or for each but the base. None where there are hidden layers.
    pub fn outputs(&self) -> Vec<(f64, Vec<f64>)> {
        let terms = self.encoder.terms();
        let mut outputs = Vec::new();
        for own in self.coefficients.chunk_by(|a, b| a.class == b.class) {
            let estimates: HashMap<&str, f64> =
                own.iter().filter_map(|coefficient| Some((coefficient.term.as_str(), coefficient.estimate?))).collect();
            let of = |term: &str| estimates.get(term).copied().unwrap_or(0.0);
            let intercept = own.iter().find(|coefficient| coefficient.column.is_none());
            let intercept = intercept.and_then(|coefficient| coefficient.estimate).unwrap_or(0.0);
            outputs.push((intercept, terms.iter().map(|term| of(&term.term)).collect()));
        }
        outputs
    }

    /// The linear predictors of every row that this model's encoder encoded, one output after another: those of the
    /// positive class of two, of every class of more, or of every class but the base. Of hidden layers what they make of
    /// the row.
    pub fn logits(&self, encoded: &Encoded) -> Vec<Vec<f64>> {
        if let Some(logits) = self.network_logits(encoded) {
            return logits;
        }
        let dataset = &encoded.dataset;
        let logits = |(intercept, weight): (f64, Vec<f64>)| {
            let mut logits = predictors(dataset.features(), dataset.len(), &weight, intercept);
            logits.iter_mut().zip(dataset.offset().unwrap_or(&[])).for_each(|(z, offset)| *z += offset);
            logits
        };
        self.outputs().into_iter().map(logits).collect()
    }

    /// The probability of the positive class for every row that was encoded, where there are two classes.
    pub fn probabilities(&self, encoded: &Encoded) -> Vec<f64> {
        let mut logits = self.logits(encoded).into_iter();
        logits.next().unwrap_or(vec![0.0; encoded.dataset.len()]).into_iter().map(sigmoid).collect()
    }

    /// The probability of every class for every row that was encoded, row-major (n_rows, n_classes), in the order of
    /// the target's classes.
    pub fn class_probabilities(&self, encoded: &Encoded) -> Vec<f64> {
        let n_classes = self.encoder.target.classes.len();
        if n_classes == 2 {
            return self.probabilities(encoded).into_iter().flat_map(|p| [1.0 - p, p]).collect();
        }
        let logits = self.logits(encoded);
        let loss = CrossEntropy { n_classes, base: logits.len() < n_classes };
        let of_row = |i: usize| loss.probabilities(&logits.iter().map(|output| output[i]).collect::<Vec<f64>>());
        (0..encoded.dataset.len()).flat_map(of_row).collect()
    }

    /// The number of the class that a row with these probabilities, one per class, is called.
    pub fn called(&self, probabilities: &[f64]) -> usize {
        if let [_, positive] = probabilities {
            return usize::from(*positive >= self.threshold);
        }
        let worth = |k: usize| probabilities[k] * self.class_weight.get(k).copied().unwrap_or(1.0);
        (1..probabilities.len()).fold(0, |best, k| if worth(k) > worth(best) { k } else { best })
    }

    /// The same model with the weights of the classes taken back out of its probabilities: each class's intercept less
    /// the logarithm of its weight, so that they are shares of rows as the data have them (King & Zeng, Political
    /// Analysis 9(2), 2001, §4.1). What rows are called stays what the weighted fit calls them: the threshold moves
    /// along.
    ///
    /// # Errors
    /// [`Error::Setting`] for a model without intercepts.
    pub fn calibrated(mut self) -> Result<Self> {
        let weights = self.facts.class_weight.clone();
        // Taken out once.
        let Some(base) = weights.first().filter(|_| !self.facts.calibrated) else { return Ok(self) };
        if !self.is_network() && self.coefficients.iter().all(|coefficient| coefficient.column.is_some()) {
            return Err(Error::Setting {
                name: "no-intercept",
                expected: "an intercept, or `--raw-probabilities`, with weights of classes".to_string(),
                found: "neither".to_string(),
            });
        }
        self.shift_network(&weights);
        let classes = &self.encoder.target.classes;
        let of = |class: &String| classes.iter().position(|other| other == class).map_or(*base, |at| weights[at]);
        for intercept in self.coefficients.iter_mut().filter(|coefficient| coefficient.column.is_none()) {
            let weight = intercept.class.as_ref().map_or(weights[1], of);
            let moved = intercept.estimate.map(|estimate| estimate - (weight / base).ln());
            intercept.estimate = moved;
            if let Some(spread) = &mut intercept.bootstrap {
                spread.ci_low -= (weight / base).ln();
                spread.ci_high -= (weight / base).ln();
            }
            intercept.inference = match (moved, intercept.inference) {
                (Some(moved), Some(inference)) => Inference::new(moved, inference.std_error * inference.std_error),
                _ => None,
            };
        }
        if let [negative, positive] = weights[..] {
            self.threshold = sigmoid(logit(self.threshold) - (positive / negative).ln());
        } else {
            self.class_weight = weights;
        }
        self.facts.calibrated = true;
        Ok(self)
    }
}
