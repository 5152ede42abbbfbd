//! Rows with their probabilities, and what measures them.

use super::{Report, Sample};
use crate::error::Result;
use crate::evaluate::{Evaluation, Gains, Intervals, MultiConfusionMatrix, MultiEvaluation};
use crate::loss::Logit;
use crate::model::Model;
use crate::table::Table;

/// The rows that the model is measured on.
pub(super) struct Scored<'a> {
    pub(super) name: &'a str,
    pub(super) table: &'a Table,
    /// The row of the table behind each.
    pub(super) rows: Vec<usize>,
    /// The class of each.
    pub(super) y: Vec<f64>,
    pub(super) weight: Option<Vec<f64>>,
    /// Row-major (rows, classes).
    pub(super) probability: Vec<f64>,
    /// −ln of the probability of the class that each row has.
    pub(super) loss: Vec<f64>,
    pub(super) n_classes: usize,
}

impl<'a> Scored<'a> {
    pub(super) fn of(model: &Model, sample: &Sample<'a>) -> Self {
        let data = &sample.encoded.dataset;
        let all: Vec<usize>;
        let places = match sample.rows {
            Some(rows) => rows,
            None => {
                all = (0..data.len()).collect();
                &all
            }
        };
        let n_classes = model.encoder.target.classes.len();
        let every = model.class_probabilities(sample.encoded);
        let of_row = |&place: &usize| every[place * n_classes..(place + 1) * n_classes].iter().copied();
        let probability: Vec<f64> = places.iter().flat_map(of_row).collect();
        let y: Vec<f64> = places.iter().map(|&place| data.y()[place]).collect();
        let loss = match n_classes {
            // From the logit, since 1 − p has lost what is beyond the sixteenth digit of p.
            2 => {
                let logits = model.logits(sample.encoded);
                let logit = |place: usize| logits.first().map_or(0.0, |logits| logits[place]);
                let of = |(&place, &y): (&usize, &f64)| {
                    let (of_one, of_zero) = Logit::new(logit(place)).losses();
                    if y == 1.0 { of_one } else { of_zero }
                };
                places.iter().zip(&y).map(of).collect()
            }
            n => y.iter().zip(probability.chunks_exact(n)).map(|(&y, row)| -row[y as usize].ln()).collect(),
        };
        Scored {
            name: sample.name,
            table: sample.table,
            rows: places.iter().filter_map(|&place| sample.encoded.rows.get(place)).collect(),
            weight: data.weight().map(|weight| places.iter().map(|&place| weight[place]).collect()),
            y,
            probability,
            loss,
            n_classes,
        }
    }

    /// The probability of one class for every row.
    pub(super) fn of_class(&self, class: usize) -> Vec<f64> {
        self.probability.iter().skip(class).step_by(self.n_classes).copied().collect()
    }

    /// 1 for the rows of one class.
    pub(super) fn is_class(&self, class: usize) -> Vec<f64> {
        self.y.iter().map(|&y| f64::from(u8::from(y == class as f64))).collect()
    }

    pub(super) fn measures(&self, report: &Report<'_>) -> Result<Measures> {
        let weight = self.weight.as_deref();
        if self.n_classes > 2 {
            let n = self.n_classes;
            let mut evaluation = MultiEvaluation::new(&self.probability, n, &self.y, weight)?;
            let rows = self.probability.chunks_exact(n);
            let called: Vec<f64> = rows.map(|row| report.model.called(row) as f64).collect();
            evaluation.confusion = MultiConfusionMatrix::of_calls(&called, &self.y, n, weight)?;
            return Ok(Measures::More(Box::new(evaluation)));
        }
        let (probability, threshold) = (self.of_class(1), report.model.threshold);
        let resamples = report.resamples.unwrap_or_else(|| Intervals::resamples_for(self.y.len()));
        let evaluation = Evaluation::new(&probability, &self.y, weight, threshold)?;
        let some_positive = evaluation.confusion.positives() > 0.0;
        Ok(Measures::Two(Box::new(Two {
            intervals: Intervals::new(&probability, &self.y, weight, threshold, resamples, report.seed)?,
            gains: some_positive.then(|| Gains::new(&probability, &self.y, weight)).transpose()?,
            evaluation,
        })))
    }
}

/// What measures rows.
pub(super) enum Measures {
    Two(Box<Two>),
    More(Box<MultiEvaluation>),
}

/// What measures rows of two classes.
pub(super) struct Two {
    pub(super) evaluation: Evaluation,
    pub(super) intervals: Intervals,
    /// Absent where no row is positive.
    pub(super) gains: Option<Gains>,
}
