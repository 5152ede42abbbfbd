//! Curves over all thresholds, from one sort of the rows.

use rayon::slice::ParallelSliceMut;

use super::predictions::Predictions;
use crate::error::{Error, Place, Result};

/// The receiver operating characteristic, from (0, 0) to (1, 1).
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// Rows with a probability of at least this are called positive; the first is +∞.
    pub threshold: Vec<f64>,
    /// FP / (FP + TN) at each threshold.
    pub false_positive_rate: Vec<f64>,
    /// TP / (TP + FN) at each threshold.
    pub true_positive_rate: Vec<f64>,
    /// The area under the curve.
    pub area: f64,
}

impl RocCurve {
    /// The curve of these rows, with a point for each distinct probability.
    ///
    /// The area is that of the trapezoids below the points, so that rows of equal probability count one half: the
    /// chance that a positive row gets a higher probability than a negative one (T. Fawcett, Pattern Recognition
    /// Letters 27 (2006) 861–874, doi:10.1016/j.patrec.2005.10.010). Takes O(n log n) time.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; rows of weight 0 are left out.
    ///
    /// # Errors
    /// [`Error::Target`] where the rows are all of one class; otherwise those of
    /// [`ConfusionMatrix::at`](super::ConfusionMatrix::at).
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::RocCurve;
    ///
    /// let curve = RocCurve::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None)?;
    /// assert_eq!(curve.area, 0.75);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        let steps = Steps::of(&Predictions::of_probabilities(probability, y, weight)?);
        Self::of(&steps).ok_or_else(|| one_class("a ROC curve needs rows of both classes"))
    }

    /// The curve; absent where a class is.
    pub(super) fn of(steps: &Steps) -> Option<Self> {
        let (positives, negatives) = steps.totals();
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let from_zero = |counts: &[f64], total: f64| {
            std::iter::once(0.0).chain(counts.iter().map(|count| count / total)).collect::<Vec<_>>()
        };
        let true_positive_rate = from_zero(&steps.true_positive, positives);
        let mut below = 0.0;
        let mut area = 0.0;
        for (&count, rate) in steps.false_positive.iter().zip(true_positive_rate.windows(2)) {
            area += (count - below) * (rate[0] + rate[1]) / 2.0;
            below = count;
        }
        Some(RocCurve {
            threshold: std::iter::once(f64::INFINITY).chain(steps.threshold.iter().copied()).collect(),
            false_positive_rate: from_zero(&steps.false_positive, negatives),
            true_positive_rate,
            area: area / negatives,
        })
    }
}

/// Precision against recall, recall falling from 1 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct PrCurve {
    /// Rows with a probability of at least this are called positive; one entry fewer than the rates, whose last
    /// point (recall 0, precision 1) has no threshold.
    pub threshold: Vec<f64>,
    /// TP / (TP + FP) at each threshold.
    pub precision: Vec<f64>,
    /// TP / (TP + FN) at each threshold.
    pub recall: Vec<f64>,
    /// Σ (Rₖ − Rₖ₋₁)·Pₖ, the step-wise area.
    pub average_precision: f64,
}

impl PrCurve {
    /// The curve of these rows, with a point for each distinct probability.
    ///
    /// The average precision is the area of steps, not of trapezoids: between two points of this curve a straight
    /// line promises too much (J. Davis and M. Goadrich, ICML 2006, doi:10.1145/1143844.1143874). Takes
    /// O(n log n) time.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; rows of weight 0 are left out.
    ///
    /// # Errors
    /// [`Error::Target`] where no row is positive; otherwise those of
    /// [`ConfusionMatrix::at`](super::ConfusionMatrix::at).
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::PrCurve;
    ///
    /// let curve = PrCurve::new(&[0.2, 0.4, 0.3, 0.8], &[0.0, 0.0, 1.0, 1.0], None)?;
    /// assert_eq!(curve.precision, [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
    /// assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        let steps = Steps::of(&Predictions::of_probabilities(probability, y, weight)?);
        Self::of(&steps).ok_or_else(|| one_class("a precision-recall curve needs positive rows"))
    }

    /// The curve; absent where no row is positive.
    pub(super) fn of(steps: &Steps) -> Option<Self> {
        let (positives, _) = steps.totals();
        if positives == 0.0 {
            return None;
        }
        let mut found = 0.0;
        let mut area = 0.0;
        let mut precision = Vec::with_capacity(steps.threshold.len() + 1);
        for (&tp, &fp) in steps.true_positive.iter().zip(&steps.false_positive) {
            let share = tp / (tp + fp);
            area += (tp - found) * share;
            found = tp;
            precision.push(share);
        }
        let falling = |mut values: Vec<f64>, last: f64| {
            values.reverse();
            values.push(last);
            values
        };
        Some(PrCurve {
            threshold: steps.threshold.iter().rev().copied().collect(),
            precision: falling(precision, 1.0),
            recall: falling(steps.true_positive.iter().map(|tp| tp / positives).collect(), 0.0),
            average_precision: area / positives,
        })
    }
}

/// What is called positive as the threshold falls through the distinct probabilities.
pub(super) struct Steps {
    /// The distinct probabilities, falling.
    pub(super) threshold: Vec<f64>,
    /// Weight of the positive rows at or above each.
    pub(super) true_positive: Vec<f64>,
    /// Weight of the negative rows at or above each.
    pub(super) false_positive: Vec<f64>,
}

impl Steps {
    /// Sorts the rows, and adds them up. Rows of weight 0 make no step.
    pub(super) fn of(rows: &Predictions<'_>) -> Self {
        let mut steps = Steps { threshold: Vec::new(), true_positive: Vec::new(), false_positive: Vec::new() };
        let (mut tp, mut fp) = (0.0, 0.0);
        for tied in falling(rows).chunk_by(|a, b| a.0 == b.0) {
            for &(_, weight) in tied {
                if weight > 0.0 { tp += weight } else { fp -= weight }
            }
            steps.threshold.push(tied[0].0);
            steps.true_positive.push(tp);
            steps.false_positive.push(fp);
        }
        steps
    }

    /// Weight of the positive and of the negative rows.
    pub(super) fn totals(&self) -> (f64, f64) {
        let last = |counts: &[f64]| counts.last().copied().unwrap_or(0.0);
        (last(&self.true_positive), last(&self.false_positive))
    }
}

/// Probability and weight of each row by falling probability; the weight of a negative row is negative.
///
/// Ties are put in the order of their weights, so that the sums of the curve are the same to the last bit whatever
/// the order of the rows.
fn falling(rows: &Predictions<'_>) -> Vec<(f64, f64)> {
    let signed = |row: usize| {
        let weight = rows.weight(row);
        // Adding 0 turns −0 into 0, which `total_cmp` would hold apart.
        (rows.score[row] + 0.0, if rows.y[row] == 1.0 { weight } else { -weight })
    };
    let mut sorted: Vec<(f64, f64)> = (0..rows.score.len()).map(signed).filter(|row| row.1 != 0.0).collect();
    sorted.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    sorted
}

pub(super) fn one_class(problem: &str) -> Error {
    let help = "evaluate on rows that have both outcomes and a positive weight".to_string();
    Error::Target { place: Place::default(), problem: problem.to_string(), help }
}
