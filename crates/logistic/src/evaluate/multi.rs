//! How good the probabilities of several classes are.

use rayon::prelude::*;

use super::confusion::ConfusionMatrix;
use super::curves::{RocCurve, Steps};
use super::multi_confusion::{MultiConfusionMatrix, classes};
use super::predictions::{Predictions, each, malformed, same_length};
use crate::error::Result;

/// How far from 1 the probabilities of a row may sum: what single precision leaves of a thousand classes.
const SUM: f64 = 1e-4;

/// How good the probabilities of several classes are.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiEvaluation {
    /// Number of rows, whatever their weights.
    pub n_rows: usize,
    /// The weighted counts of the classes called, the most probable one of each row and the first of equals.
    pub confusion: MultiConfusionMatrix,
    /// −(1/Σsᵢ) Σ sᵢ·ln p(yᵢ), in nats per row; probabilities are first moved into ε … 1−ε, ε = 2⁻⁵².
    pub log_loss: f64,
    /// (1/Σsᵢ) Σ sᵢ Σₖ (pᵢₖ − [yᵢ = k])², from 0 to 2, as Brier has it (Monthly Weather Review 78 (1950) 1–3).
    pub brier: f64,
    /// For each class the area under the ROC curve of its probability, against all other classes; absent where no row
    /// is of the class, or all are.
    pub roc_auc: Vec<Option<f64>>,
}

/// A mean over the classes of what each is worth against all others. Absent where a class that counts lacks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// Of [`ConfusionMatrix::precision`].
    pub precision: Option<f64>,
    /// Of [`ConfusionMatrix::recall`].
    pub recall: Option<f64>,
    /// Of [`ConfusionMatrix::f1`].
    pub f1: Option<f64>,
    /// Of the area under the ROC curve.
    pub roc_auc: Option<f64>,
}

impl MultiEvaluation {
    /// Evaluates the probabilities of `n_classes` classes.
    ///
    /// Takes O(n_classes·n log n) time, the most of it for the areas.
    ///
    /// # Shapes
    /// `probability` is row-major (n_rows, n_classes); `y`, the class index 0, 1, …, n_classes − 1, and `weight` have
    /// one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// Those of [`MultiConfusionMatrix::of_calls`]; [`Error::Malformed`](crate::Error::Malformed) for a probability
    /// outside 0 to 1 and for a row whose probabilities do not sum to 1 within 1e-4.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::MultiEvaluation;
    ///
    /// let p = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.5, 0.3];
    /// let evaluation = MultiEvaluation::new(&p, 3, &[0.0, 1.0, 2.0], None)?;
    /// assert_eq!(evaluation.confusion.accuracy(), 2.0 / 3.0);
    /// assert_eq!(evaluation.roc_auc, [Some(1.0); 3]);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], n_classes: usize, y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        same_length("length of probability", y.len().saturating_mul(n_classes), probability.len())?;
        let rows = || probability.par_chunks_exact(n_classes.max(1));
        let called: Vec<f64> = rows().map(most_probable).collect();
        let calls = classes(&called, y, n_classes, weight)?;
        each(probability, "a probability from 0 to 1", |p| (0.0..=1.0).contains(&p))
            .and_then(|()| whole(probability, n_classes))?;
        let mean = |of: fn(&[f64], usize) -> f64| {
            let of: Vec<f64> = rows().zip(y).map(|(row, &class)| of(row, class as usize)).collect();
            Predictions { score: &of, ..calls }.mean(|of, _| of)
        };
        Ok(MultiEvaluation {
            n_rows: y.len(),
            confusion: MultiConfusionMatrix::of(&calls, n_classes),
            log_loss: mean(|row, class| -row[class].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()),
            brier: mean(|row, class| {
                row.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == class))).powi(2)).sum()
            }),
            roc_auc: (0..n_classes).map(|class| area(probability, n_classes, &calls, class)).collect(),
        })
    }

    /// The mean over the classes, all of them counting the same.
    pub fn macro_average(&self) -> Averages {
        self.average(|_| 1.0)
    }

    /// The mean over the classes, each counting as much as its rows weigh.
    pub fn weighted_average(&self) -> Averages {
        self.average(|class| self.confusion.actual(class))
    }

    fn average(&self, weight: impl Fn(usize) -> f64) -> Averages {
        let counting = || (0..self.confusion.n_classes()).filter(|&class| weight(class) > 0.0);
        let total: f64 = counting().map(&weight).sum();
        let mean = |of: &dyn Fn(usize) -> Option<f64>| {
            counting().map(|class| of(class).map(|of| weight(class) * of)).sum::<Option<f64>>().map(|sum| sum / total)
        };
        let rate = |rate: fn(&ConfusionMatrix) -> Option<f64>| {
            mean(&|class| self.confusion.one_vs_rest(class).as_ref().and_then(rate))
        };
        Averages {
            precision: rate(ConfusionMatrix::precision),
            recall: rate(ConfusionMatrix::recall),
            f1: rate(ConfusionMatrix::f1),
            roc_auc: mean(&|class| self.roc_auc[class]),
        }
    }
}

fn most_probable(row: &[f64]) -> f64 {
    let best = row.iter().enumerate().fold(0, |best, (class, &p)| if p > row[best] { class } else { best });
    best as f64
}

/// Refuses the first row whose probabilities do not sum to 1.
fn whole(probability: &[f64], n_classes: usize) -> Result<()> {
    let sums = probability.chunks_exact(n_classes).map(|row| row.iter().sum::<f64>());
    match sums.enumerate().find(|(_, sum)| (sum - 1.0).abs() > SUM) {
        None => Ok(()),
        Some((row, sum)) => {
            let found = format!("a sum of {sum} in row {row} (the first row is row 0)");
            Err(malformed("probabilities of a row whose sum is 1", &found))
        }
    }
}

/// The area under the ROC curve of one class against all others.
fn area(probability: &[f64], n_classes: usize, rows: &Predictions<'_>, class: usize) -> Option<f64> {
    let score: Vec<f64> = probability.iter().skip(class).step_by(n_classes).copied().collect();
    let y: Vec<f64> = rows.y.iter().map(|&y| f64::from(u8::from(y == class as f64))).collect();
    RocCurve::of(&Steps::of(&Predictions { score: &score, y: &y, ..*rows })).map(|curve| curve.area)
}
