//! Scoring one row at a time, with what each column has to say for the score.

use std::collections::HashMap;

use super::Model;
use super::delta::{Delta, around};
use crate::encode::{Entry, Flag, RowEncoder};
use crate::error::{Error, Result};
use crate::loss::{CrossEntropy, sigmoid};
use crate::table::Cell;

/// A model, prepared to score rows that come one by one: from a service, or a program that has no table. The probabilities
/// are those of [`Model::class_probabilities`], bit for bit (but for tables of 64 sparse columns or more, whose sums are
/// taken in another order).
///
/// What a column *contributes* is its part of the logit, less its part in a typical row: numbers at their mean in training,
/// categories at their most frequent level. With the logit of that row, the [base](Scorer::base), the contributions sum to
/// the logit. Where a model of an earlier version does not know a typical row, zeros and reference levels take its place.
#[derive(Clone, Debug)]
pub struct Scorer {
    model: Model,
    encoder: RowEncoder,
    outputs: Vec<Output>,
    delta: Option<Delta>,
    names: Vec<String>,
    places: HashMap<String, usize>,
}

/// An output's coefficients, and what a typical row makes of them.
#[derive(Clone, Debug)]
struct Output {
    intercept: f64,
    weight: Vec<f64>,
    base: f64,
    /// What every part adds in a typical row.
    typical: Vec<f64>,
}

/// A row's score, to be used again for the next: after some rows nothing is allocated any more.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// The probability of every class, in the order of the target's.
    pub probabilities: Vec<f64>,
    /// The number of the class that the row is called.
    pub called: usize,
    /// The logit of every output: that of the positive class, of two; of more, of every class or of every one but the base.
    pub logits: Vec<f64>,
    /// What is odd about its cells.
    pub flags: Vec<Flag>,
    entries: Vec<Entry>,
    offset: f64,
    design: Vec<f64>,
    gradient: Vec<f64>,
}

impl Scored {
    /// The logit of a class's probability, which the probability itself no longer tells where it is nearly 1.
    fn logit_of(&self, class: usize) -> f64 {
        match (self.logits.as_slice(), class) {
            ([z], 1) if self.probabilities.len() == 2 => *z,
            ([z], _) if self.probabilities.len() == 2 => -z,
            _ => {
                let others = self.probabilities.iter().enumerate().filter(|(k, _)| *k != class);
                self.probabilities[class].ln() - others.map(|(_, p)| p).sum::<f64>().ln()
            }
        }
    }
}

/// What an entry adds to the logit; the arithmetic of a column of a table.
fn summand(weight: &[f64], start: usize, entry: Entry) -> f64 {
    let effect = |code: u32| if code == 0 { 0.0 } else { weight[start + code as usize - 1] };
    match entry {
        Entry::Number(x) => weight[start] * x,
        Entry::Code(code) => effect(code),
        Entry::Product(code, x) => effect(code) * x,
    }
}

impl Scorer {
    /// Prepares a model.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a network: it has no coefficients that contributions could be made of.
    pub fn new(model: Model) -> Result<Self> {
        if model.is_network() {
            return Err(Error::ModelFile {
                path: "the model".to_string(),
                problem: "it has hidden layers, and rows one by one are scored by coefficients alone".to_string(),
                help: "score tables with `logistic predict`, or export it to ONNX (`--to onnx`)".to_string(),
            });
        }
        let encoder = RowEncoder::new(&model.encoder);
        let typical = encoder.typical();
        let output = |(intercept, weight): (f64, Vec<f64>)| {
            let mut parts = vec![0.0; encoder.parts().len()];
            let mut base = intercept;
            for (summed, &entry) in encoder.features().iter().zip(&typical) {
                let own = summand(&weight, summed.start, entry);
                parts[summed.part] += own;
                base += own;
            }
            Output { intercept, weight, base, typical: parts }
        };
        let mut outputs: Vec<Output> = model.outputs().into_iter().map(output).collect();
        // A model of two classes may be without any coefficient.
        if outputs.is_empty() {
            outputs.push(output((0.0, vec![0.0; encoder.n_terms()])));
        }
        let offset = encoder.offset().map(|at| encoder.inputs()[at].clone());
        let names = encoder.parts().iter().cloned().chain(offset).collect();
        let places = encoder.inputs().iter().cloned().zip(0..).collect();
        Ok(Scorer { outputs, delta: Delta::of(&model), names, places, encoder, model })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The columns that a row must have, in the order of its cells.
    pub fn columns(&self) -> &[String] {
        self.encoder.inputs()
    }

    /// The place of a column among [`Scorer::columns`].
    pub fn position(&self, column: &str) -> Option<usize> {
        self.places.get(column).copied()
    }

    /// What contributes to a logit: the columns of the model, products of two as `a:b`, and the offset.
    pub fn contributors(&self) -> &[String] {
        &self.names
    }

    /// The number of logits.
    pub fn n_outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The logit of a typical row without offset, for an output.
    pub fn base(&self, output: usize) -> f64 {
        self.outputs[output].base
    }

    /// Whether probabilities have intervals.
    pub fn has_intervals(&self) -> bool {
        self.delta.is_some()
    }

    /// Scores a row; false where the model's missing-value policy leaves it out, and `row` has flags alone.
    ///
    /// # Shapes
    /// `cells` as many as [`Scorer::columns`].
    ///
    /// # Errors
    /// [`Error::MissingValue`](crate::Error::MissingValue), [`Error::UnseenLevel`](crate::Error::UnseenLevel) and
    /// [`Error::Malformed`](crate::Error::Malformed) with the column, as for a table.
    pub fn score(&self, cells: &[Cell<'_>], row: &mut Scored) -> Result<bool> {
        let Some(offset) = self.encoder.encode(cells, &mut row.entries, &mut row.flags)? else { return Ok(false) };
        row.offset = offset;
        row.logits.clear();
        for Output { intercept, weight, .. } in &self.outputs {
            let features = self.encoder.features().iter().zip(&row.entries);
            let sum = features.fold(*intercept, |z, (own, &entry)| z + summand(weight, own.start, entry));
            row.logits.push(if self.encoder.offset().is_some() { sum + offset } else { sum });
        }
        row.probabilities.clear();
        let n_classes = self.model.encoder.target.classes.len();
        if n_classes == 2 {
            let p = sigmoid(row.logits[0]);
            row.probabilities.extend([1.0 - p, p]);
        } else {
            // The base has a logit of 0.
            row.probabilities.resize(n_classes.saturating_sub(row.logits.len()), 0.0);
            row.probabilities.extend_from_slice(&row.logits);
            CrossEntropy::softmax(&mut row.probabilities);
        }
        row.called = self.model.called(&row.probabilities);
        Ok(true)
    }

    /// Puts what every contributor adds to the logit of an output, against a typical row, into `contributions`; of a row
    /// that was scored.
    pub fn contribute(&self, row: &Scored, output: usize, contributions: &mut Vec<f64>) {
        let Output { weight, typical, .. } = &self.outputs[output];
        contributions.clear();
        contributions.resize(typical.len(), 0.0);
        for (own, &entry) in self.encoder.features().iter().zip(&row.entries) {
            contributions[own.part] += summand(weight, own.start, entry);
        }
        contributions.iter_mut().zip(typical).for_each(|(own, typical)| *own -= typical);
        contributions.extend(self.encoder.offset().map(|_| row.offset));
    }

    /// The interval of 95 % of a class's probability, by the delta method, where the model keeps its covariance; of a row
    /// that was scored.
    pub fn interval(&self, row: &mut Scored, class: usize) -> Option<(f64, f64)> {
        let delta = self.delta.as_ref()?;
        row.design.clear();
        row.design.resize(self.encoder.n_terms(), 0.0);
        for (own, &entry) in self.encoder.features().iter().zip(&row.entries) {
            match entry {
                Entry::Number(x) => row.design[own.start] = x,
                Entry::Code(0) | Entry::Product(0, _) => {}
                Entry::Code(code) => row.design[own.start + code as usize - 1] = 1.0,
                Entry::Product(code, x) => row.design[own.start + code as usize - 1] = x,
            }
        }
        let half = delta.half(&row.design, &row.probabilities, class, &mut row.gradient);
        around(row.logit_of(class), half)
    }
}
