//! Hidden layers: how they are trained, and the model they become.

mod training;

pub use training::{EarlyStopping, NetworkFit, NetworkTraining};

use serde::{Deserialize, Serialize};

use super::{Diagnostics, Model};
use crate::encode::{Encoded, Encoder};
use crate::error::{Result, Warning};

/// How a network was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The length of a step.
    pub learning_rate: f64,
    /// Rows in a mini-batch.
    pub batch_size: usize,
    /// Passes over the rows that were allowed.
    pub epochs: usize,
    /// The seed of the rows kept apart, the initial parameters and the order of the rows, drawn in this order.
    pub seed: u64,
    /// What rows that were kept apart say, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// What the same columns reach without hidden layers; absent where they are too many to be fitted for comparison alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_layers: Option<WithoutLayers>,
}

/// The mean losses, without penalty, of a logistic regression of the same columns on the same rows, under the same
/// penalty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutLayers {
    /// Of the rows that steps were taken on.
    pub fitted: f64,
    /// Of the rows kept apart, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<f64>,
}

/// What rows that no step was taken on say of every epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How many rows were kept apart.
    pub n_rows: usize,
    /// The epochs without a lower loss after which the training ends.
    pub patience: usize,
    /// Their mean loss after every epoch, without penalty.
    pub losses: Vec<f64>,
    /// The epoch, from 1, whose parameters were kept: that of the least loss.
    pub best_epoch: usize,
}

impl Validation {
    /// The least mean loss.
    pub fn best_loss(&self) -> f64 {
        self.losses.get(self.best_epoch.wrapping_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

impl Model {
    /// Joins an encoder with a network trained on data that it encoded. There are no coefficients.
    pub fn of_network(encoder: Encoder, fit: NetworkFit, threshold: f64, mut warnings: Vec<Warning>) -> Self {
        let terms = encoder.terms();
        let constant = |&column: &usize| {
            let (term, columns) = (terms[column].term.clone(), vec![terms[column].column.clone()]);
            Warning::Collinear { columns, term }
        };
        warnings.extend(fit.constant.iter().map(constant));
        let loss = |log_likelihood: f64| -log_likelihood / fit.facts.total_weight;
        let (loss, shares) = (loss(fit.facts.log_likelihood), loss(fit.facts.null_log_likelihood));
        if loss >= shares {
            warnings.push(Warning::NothingLearnt { loss: format!("{loss:.4e}"), shares: format!("{shares:.4}") });
        }
        Model {
            encoder,
            coefficients: Vec::new(),
            threshold,
            class_weight: Vec::new(),
            facts: fit.facts,
            warnings,
            trace: fit.trace,
            covariance: Vec::new(),
            separation: None,
            tests: Vec::new(),
            cross_validation: None,
            diagnostics: Diagnostics::default(),
            network: Some(fit.network),
            training: Some(fit.training),
        }
    }

    /// The logits of a network; NaN for rows of another encoder's.
    pub(super) fn network_logits(&self, encoded: &Encoded) -> Option<Vec<Vec<f64>>> {
        let network = self.network.as_ref()?;
        let n_rows = encoded.dataset.len();
        let logits = network.logits(&encoded.dataset.rows());
        Some(logits.unwrap_or_else(|_| vec![vec![f64::NAN; n_rows]; network.layers().n_outputs()]))
    }

    /// The same model of fewer columns, where some have no weight that is not 0.
    pub(super) fn with_used_inputs(mut self) -> Self {
        let Some(network) = self.network.take() else { return self };
        let before = self.encoder.terms();
        let used = |term: &str| before.iter().position(|own| own.term == term).is_some_and(|j| network.uses(j));
        let encoder = self.encoder.clone().without_unused(used);
        let after: Vec<String> = encoder.terms().into_iter().map(|term| term.term).collect();
        let kept: Vec<usize> = (0..before.len()).filter(|&j| after.contains(&before[j].term)).collect();
        Model { encoder, network: Some(network.without_inputs(&kept)), ..self }
    }

    /// Takes weights of classes, one for each, out of the biases of the outputs.
    pub(super) fn shift_network(&mut self, weights: &[f64]) {
        let by: Vec<f64> = match weights {
            [negative, positive] => vec![-(positive / negative).ln()],
            _ => weights.iter().map(|weight| -(weight / weights[0]).ln()).collect(),
        };
        self.network.iter_mut().for_each(|network| network.shift_outputs(&by));
    }

    /// Whether a network belongs to the encoder, and nothing to coefficients that there are not; if not, why.
    pub(super) fn check_network(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("not a model: {what}"));
        let (Some(network), Some(training)) = (&self.network, &self.training) else {
            return wrong("a network without its training, or the other way round");
        };
        let n_classes = self.encoder.target.classes.len();
        if network.layers().n_inputs() != self.encoder.terms().len() {
            return wrong("the inputs of the network are not its columns");
        }
        if network.layers().n_outputs() != if n_classes == 2 { 1 } else { n_classes } {
            return wrong("the outputs of the network are not its classes");
        }
        if !self.coefficients.is_empty() || !self.covariance.is_empty() {
            return wrong("a network with coefficients");
        }
        match &training.validation {
            Some(validation) if !validation.best_loss().is_finite() => {
                wrong("the best epoch is none of the training's")
            }
            _ => Ok(()),
        }
    }
}
