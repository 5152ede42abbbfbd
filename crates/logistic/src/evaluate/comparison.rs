//! Two sets of probabilities for the same rows.

use super::curves::{RocCurve, Steps};
use super::delong::paired;
use super::difference::Difference;
use super::predictions::Predictions;
use super::scoring::{mean_log_loss, row_log_loss};
use crate::error::{Error, Result};

/// How two sets of probabilities for the same rows differ: the first less the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The area under the ROC curve of each; absent where the rows are all of one class.
    pub roc_auc: Option<[f64; 2]>,
    /// DeLong's test of the two areas; absent where [`DeLong`](super::DeLong) would be, and where the variance of the
    /// difference is zero, as it is where both put the rows in the same order.
    pub roc_auc_difference: Option<Difference>,
    /// The log loss of each, in nats per row.
    pub log_loss: [f64; 2],
    /// The paired difference of the two, whose sign is the other way round: lower is better. Absent where there are
    /// fewer than two rows, or where all differ by the same.
    pub log_loss_difference: Option<Difference>,
}

impl Comparison {
    /// Compares two sets of probabilities.
    ///
    /// With dᵢ the difference of row i's two losses and d̄ its weighted mean, the variance of d̄ is
    /// n/(n−1) Σ sᵢ²(dᵢ − d̄)² / (Σ sᵢ)² over the n rows of positive weight (W. G. Cochran, *Sampling Techniques*, 3rd
    /// ed. 1977, §2.11 and §6.3); with equal weights that is the square of the standard error of the paired t-test.
    ///
    /// Both probabilities are taken as given: rows that a model was trained on flatter it, and on such rows DeLong's
    /// test does not hold for models of which one has the columns of the other and more (O. V. Demler, M. J. Pencina and
    /// R. B. D'Agostino, Statistics in Medicine 31 (2012) 2577–2587, doi:10.1002/sim.5328).
    ///
    /// # Shapes
    /// Each of `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// Those of [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::Comparison;
    ///
    /// let (one, other) = ([0.1, 0.4, 0.6, 0.8, 0.3], [0.3, 0.2, 0.6, 0.4, 0.5]);
    /// let comparison = Comparison::new([&one, &other], &[0.0, 0.0, 1.0, 1.0, 0.0], None)?;
    /// assert_eq!(comparison.roc_auc, Some([1.0, 5.0 / 6.0]));
    /// assert!(comparison.log_loss_difference.unwrap().value < 0.0);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: [&[f64]; 2], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        let [one, other] = probability;
        if one.len() != other.len() {
            let what = "length of the second probabilities".to_string();
            return Err(Error::Shape { what, expected: one.len(), found: other.len() });
        }
        let one = Predictions::of_probabilities(one, y, weight)?;
        let other = Predictions::of_probabilities(other, y, weight)?;
        let area = |rows: &Predictions<'_>| RocCurve::of(&Steps::of(rows)).map(|curve| curve.area);
        Ok(Comparison {
            roc_auc: area(&one).zip(area(&other)).map(|(one, other)| [one, other]),
            roc_auc_difference: paired(&one, &other),
            log_loss: [mean_log_loss(&one), mean_log_loss(&other)],
            log_loss_difference: log_loss_difference(&one, &other),
        })
    }
}

fn log_loss_difference(one: &Predictions<'_>, other: &Predictions<'_>) -> Option<Difference> {
    let loss = |row: usize| row_log_loss(one.score[row], one.y[row]) - row_log_loss(other.score[row], one.y[row]);
    let apart: Vec<f64> = (0..one.y.len()).map(loss).collect();
    let rows = Predictions { score: &apart, ..*one };
    let n = (0..apart.len()).filter(|&row| rows.weight(row) > 0.0).count() as f64;
    let mean = rows.mean(|apart, _| apart);
    // Relative weights, so that no square overflows.
    let deviation: Vec<f64> =
        apart.iter().enumerate().map(|(row, d)| rows.weight(row) / rows.total * (d - mean)).collect();
    let [squares] = Predictions { score: &deviation, weight: None, ..rows }.sum(|deviation, _| [deviation * deviation]);
    Difference::new(mean, n / (n - 1.0) * squares)
}
