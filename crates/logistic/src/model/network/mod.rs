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
            let words = |loss: f64| if loss < 1e6 { format!("{loss:.4}") } else { format!("{loss:.0e}") };
            warnings.push(Warning::NothingLearnt { loss: words(loss), shares: words(shares) });
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
        if self.trace.is_empty() {
            return wrong("a network without the losses of its epochs");
        }
        match &training.validation {
            Some(validation) if validation.losses.len() != self.trace.len() => {
                wrong("the rows kept apart have losses of other epochs than the training")
            }
            Some(validation) if !validation.best_loss().is_finite() => {
                wrong("the best epoch is none of the training's")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Encoding;
    use crate::error::Error;
    use crate::model::{LogisticRegression, Method, Scorer};
    use crate::objective::Activation;
    use crate::solver::Go;
    use crate::table::{Cells, Table};

    fn model() -> Model {
        let x: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60) / 10.0).collect();
        let y: Vec<f64> = x.iter().map(|x| f64::from(u8::from((2.0..4.0).contains(x)))).collect();
        let columns =
            [("x", x), ("same", vec![1.0; 60]), ("y", y)].map(|(name, x)| (name.to_string(), Cells::Number(x.into())));
        let table = Table::from_columns("t", 60, columns.to_vec()).unwrap();
        let encoding = Encoding { target: "y".to_string(), ..Encoding::default() };
        let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
        let rows = encoder.labelled(&table, None).unwrap();
        let method = Method::Adam { learning_rate: 0.05, epochs: 4, batch_size: 10, seed: 1 };
        let training = NetworkTraining {
            hidden: vec![3, 2],
            activation: Activation::Tanh,
            early_stopping: Some(EarlyStopping { fraction: 0.25, patience: 4 }),
            regression: LogisticRegression { method, ..LogisticRegression::default() },
        };
        let fit = training.fit(&rows.dataset.rows(), &mut |_, _| Go::On).unwrap();
        Model::of_network(encoder, fit, 0.5, Vec::new())
    }

    #[test]
    fn a_column_that_does_not_vary_is_left_out_and_its_input_with_it() {
        let model = model();
        assert!(model.is_network() && model.outputs().is_empty());
        assert!(matches!(Scorer::new(model.clone()), Err(Error::ModelFile { .. })));
        assert!(model.warnings.iter().any(|warning| warning.kind() == "collinear" && warning.columns() == ["same"]));
        let used = model.clone().without_unused_columns();
        assert_eq!(used.encoder.columns(), ["x"]);
        let table = |columns: &[(&str, f64)]| {
            let cells = |&(name, x): &(&str, f64)| (name.to_string(), Cells::Number(vec![x, 0.5].into()));
            Table::from_columns("t", 2, columns.iter().map(cells).collect()).unwrap()
        };
        let expected = model.score_table(&table(&[("x", 3.0), ("same", 1.0)])).unwrap();
        assert_eq!(used.score_table(&table(&[("x", 3.0)])).unwrap().probabilities, expected.probabilities);
    }

    /// Any one thing that does not belong to a network is told.
    #[test]
    fn a_file_whose_parts_do_not_belong_together_is_none() {
        let model = model();
        assert_eq!(Model::from_json(&model.to_json().unwrap(), "m").unwrap(), model);
        let spoil: [fn(&mut Model); 7] = [
            |model| model.network = None,
            |model| model.training = None,
            |model| model.trace.clear(),
            |model| model.trace.push(0.1),
            |model| model.covariance.push(1.0),
            |model| model.training.iter_mut().flat_map(|t| &mut t.validation).for_each(|v| v.best_epoch = 9),
            |model| model.network = model.network.as_ref().map(|network| network.without_inputs(&[0])),
        ];
        for (at, spoil) in spoil.into_iter().enumerate() {
            let mut other = model.clone();
            spoil(&mut other);
            let error = Model::from_json(&other.to_json().unwrap(), "m").unwrap_err();
            assert_eq!(error.kind(), "model_file", "{at}: {error}");
        }
    }

    /// With weights 1 and 3 the logit falls by ln 3.
    #[test]
    fn weights_of_classes_come_out_of_the_last_layer() {
        let mut model = model();
        let x = Table::from_columns(
            "t",
            1,
            vec![
                ("x".to_string(), Cells::Number(vec![1.0].into())),
                ("same".to_string(), Cells::Number(vec![1.0].into())),
            ],
        );
        let x = x.unwrap();
        let logit = |model: &Model| model.logits(&model.encoder.features(&x).unwrap())[0][0];
        let before = logit(&model);
        model.facts.class_weight = vec![1.0, 3.0];
        let calibrated = model.calibrated().unwrap();
        assert!((logit(&calibrated) - (before - 3.0_f64.ln())).abs() < 1e-12);
        // What was called positive still is: 3p/(1 − p + 3p) ≥ ½.
        assert!((calibrated.threshold - 0.25).abs() < 1e-12);
    }
}
