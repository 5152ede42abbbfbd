//! Everything about one set of predictions.

use super::calibration::Calibration;
use super::confusion::ConfusionMatrix;
use super::curves::{PrCurve, RocCurve, Steps};
use super::delong::DeLong;
use super::predictions::Predictions;
use super::scoring::{mean_brier, mean_log_loss};
use crate::error::Result;

/// How good a set of probabilities is, in every way this room knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of rows, whatever their weights.
    pub n_rows: usize,
    /// Rows with a probability of at least this are called positive.
    pub threshold: f64,
    /// The weighted counts at the threshold; its methods are the rates.
    pub confusion: ConfusionMatrix,
    /// The ROC curve; absent where the rows are all of one class.
    pub roc: Option<RocCurve>,
    /// DeLong's standard error and interval of the area under it; absent where [`DeLong`] says.
    pub delong: Option<DeLong>,
    /// The precision-recall curve; absent where no row is positive.
    pub pr: Option<PrCurve>,
    /// See [`log_loss`](super::log_loss); nats per row.
    pub log_loss: f64,
    /// See [`brier`](super::brier).
    pub brier: f64,
    /// Intercept, slope and curve of the calibration.
    pub calibration: Calibration,
}

impl Evaluation {
    /// Evaluates probabilities against outcomes.
    ///
    /// Takes O(n log n) time: the rows are sorted once, for both curves.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// Those of [`ConfusionMatrix::at`]. Rows of one class are no error: what does not exist for them is absent.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::Evaluation;
    ///
    /// let evaluation = Evaluation::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None, 0.5)?;
    /// assert_eq!(evaluation.confusion.accuracy(), Some(0.75));
    /// assert_eq!(evaluation.roc_auc(), Some(0.75));
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>, threshold: f64) -> Result<Self> {
        let rows = Predictions::of_probabilities(probability, y, weight)?;
        let confusion = ConfusionMatrix::of(&rows, threshold)?;
        let steps = Steps::of(&rows);
        Ok(Evaluation {
            n_rows: probability.len(),
            threshold,
            confusion,
            roc: RocCurve::of(&steps),
            delong: DeLong::of(&rows, &steps),
            pr: PrCurve::of(&steps),
            log_loss: mean_log_loss(&rows),
            brier: mean_brier(&rows),
            calibration: Calibration::of(&rows),
        })
    }

    /// The area under the ROC curve.
    pub fn roc_auc(&self) -> Option<f64> {
        self.roc.as_ref().map(|curve| curve.area)
    }

    /// The average precision.
    pub fn average_precision(&self) -> Option<f64> {
        self.pr.as_ref().map(|curve| curve.average_precision)
    }
}
