//! The confusion matrix and its rates.

use super::predictions::Predictions;
use crate::error::{Error, Result};

/// Weighted counts of the four outcomes of a binary decision.
///
/// Every rate is absent where its denominator is zero: a share of nothing is not a number.
///
/// # The tutorial's precision and recall
/// The PyTorch tutorial that this project follows computes the matrix rightly, `[[75, 21], [7, 97]]` on its test
/// rows, but its `classification_metrics` then takes precision and recall from the wrong cells and prints 0.25 and
/// 0.0673. The right values are 97/118 = 0.8220 ([`precision`](Self::precision)) and 97/104 = 0.9327
/// ([`recall`](Self::recall)); its false positive rate, 21/96 = 0.21875, is right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConfusionMatrix {
    /// Weight of the negative rows called negative.
    pub true_negative: f64,
    /// Weight of the negative rows called positive.
    pub false_positive: f64,
    /// Weight of the positive rows called negative.
    pub false_negative: f64,
    /// Weight of the positive rows called positive.
    pub true_positive: f64,
}

impl ConfusionMatrix {
    /// Counts the rows, calling those positive whose probability is at least `threshold`.
    ///
    /// A probability equal to the threshold is called positive, as in the curves of this room and of scikit-learn.
    /// (The tutorial asks for more than 0.5; the two differ only for a probability of exactly 0.5.)
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// [`Error::Setting`] for a threshold outside 0 to 1; [`Error::Shape`] for unequal lengths;
    /// [`Error::Malformed`] for no rows, a probability outside 0 to 1, an outcome other than 0 and 1, a negative or
    /// infinite weight, and weights whose sum is not from 1e-150 to 1e150.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::at(0.5, &[0.1, 0.7, 0.5, 0.9], &[0.0, 0.0, 1.0, 1.0], None)?;
    /// assert_eq!(matrix.as_rows(), [[1.0, 1.0], [0.0, 2.0]]);
    /// assert_eq!(matrix.precision(), Some(2.0 / 3.0));
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn at(threshold: f64, probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        Self::of(&Predictions::of_probabilities(probability, y, weight)?, threshold)
    }

    pub(super) fn of(rows: &Predictions<'_>, threshold: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&threshold) {
            let expected = "from 0 to 1".to_string();
            return Err(Error::Setting { name: "threshold", expected, found: threshold.to_string() });
        }
        let [true_negative, false_positive, false_negative, true_positive] =
            rows.sum(|probability, y| match (y == 1.0, probability >= threshold) {
                (false, false) => [1.0, 0.0, 0.0, 0.0],
                (false, true) => [0.0, 1.0, 0.0, 0.0],
                (true, false) => [0.0, 0.0, 1.0, 0.0],
                (true, true) => [0.0, 0.0, 0.0, 1.0],
            });
        Ok(ConfusionMatrix { true_negative, false_positive, false_negative, true_positive })
    }

    /// Adds the counts of other rows.
    pub fn merge(&mut self, other: &ConfusionMatrix) {
        self.true_negative += other.true_negative;
        self.false_positive += other.false_positive;
        self.false_negative += other.false_negative;
        self.true_positive += other.true_positive;
    }

    /// `[[TN, FP], [FN, TP]]`: a row for each actual class, a column for each called class, negative first.
    pub fn as_rows(&self) -> [[f64; 2]; 2] {
        [[self.true_negative, self.false_positive], [self.false_negative, self.true_positive]]
    }

    /// TP + FN, the weight of the rows that are positive.
    pub fn positives(&self) -> f64 {
        self.true_positive + self.false_negative
    }

    /// TN + FP, the weight of the rows that are negative.
    pub fn negatives(&self) -> f64 {
        self.true_negative + self.false_positive
    }

    /// The weight of all rows.
    pub fn total(&self) -> f64 {
        self.positives() + self.negatives()
    }

    /// (TP + TN) / total: the share of rows called rightly.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.true_positive + self.true_negative, self.total())
    }

    /// (TP/(TP + FN) + TN/(TN + FP)) / 2: the accuracy if both classes weighed the same.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some((self.recall()? + self.specificity()?) / 2.0)
    }

    /// TP / (TP + FP): the share of positive calls that are right.
    ///
    /// 97/118 = 0.8220 for the tutorial's matrix `[[75, 21], [7, 97]]`, not the 0.25 that it prints.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positive, self.true_positive + self.false_positive)
    }

    /// TP / (TP + FN): the share of positive rows found; also sensitivity or true positive rate.
    ///
    /// 97/104 = 0.9327 for the tutorial's matrix `[[75, 21], [7, 97]]`, not the 0.0673 that it prints: that is
    /// 7/104, the share of positive rows missed.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positive, self.positives())
    }

    /// FP / (FP + TN): the share of negative rows called positive.
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_positive, self.negatives())
    }

    /// TN / (TN + FP): the share of negative rows called negative.
    pub fn specificity(&self) -> Option<f64> {
        share(self.true_negative, self.negatives())
    }

    /// TN / (TN + FN): the share of negative calls that are right.
    pub fn negative_predictive_value(&self) -> Option<f64> {
        share(self.true_negative, self.true_negative + self.false_negative)
    }

    /// 2·TP / (2·TP + FP + FN): the harmonic mean of precision and recall; 0 where rows are positive, or called
    /// so, but none both.
    pub fn f1(&self) -> Option<f64> {
        let hits = 2.0 * self.true_positive;
        share(hits, hits + self.false_positive + self.false_negative)
    }

    /// (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)): the correlation of actual and called class.
    ///
    /// B. W. Matthews, Biochimica et Biophysica Acta 405 (1975) 442–451, doi:10.1016/0005-2795(75)90109-9.
    /// Absent where one class is never met or never called.
    pub fn mcc(&self) -> Option<f64> {
        let [[tn, fp], [fn_, tp]] = self.as_rows();
        let called = ((tp + fp) * (tn + fn_)).sqrt();
        let actual = (self.positives() * self.negatives()).sqrt();
        share(tp * tn - fp * fn_, called * actual)
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole).filter(|share| share.is_finite())
}
