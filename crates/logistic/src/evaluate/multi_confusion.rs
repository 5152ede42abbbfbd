//! The confusion matrix of several classes.

use super::confusion::ConfusionMatrix;
use super::predictions::{Predictions, each, malformed, same_length};
use crate::error::{Error, Result};

/// Most classes; their square is what is kept.
const MOST_CLASSES: usize = 1000;

/// Weighted counts of actual against called class.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiConfusionMatrix {
    n_classes: usize,
    counts: Vec<f64>,
    total: f64,
}

impl MultiConfusionMatrix {
    /// Counts calls against outcomes, both class indices 0, 1, …, `n_classes` − 1.
    ///
    /// # Shapes
    /// `called`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `n_classes` is from 2 to 1000; [`Error::Shape`] for unequal lengths;
    /// [`Error::Malformed`] for no rows, a class that does not exist, a negative or infinite weight, and weights whose
    /// sum is not from 1e-150 to 1e150.
    pub fn of_calls(called: &[f64], y: &[f64], n_classes: usize, weight: Option<&[f64]>) -> Result<Self> {
        Ok(Self::of(&classes(called, y, n_classes, weight)?, n_classes))
    }

    /// Counts rows whose score is the class called, known to be sound.
    pub(super) fn of(rows: &Predictions<'_>, n_classes: usize) -> Self {
        let mut counts = vec![0.0; n_classes * n_classes];
        for (row, (&called, &y)) in rows.score.iter().zip(rows.y).enumerate() {
            counts[y as usize * n_classes + called as usize] += rows.weight(row);
        }
        let total = counts.iter().sum();
        MultiConfusionMatrix { n_classes, counts, total }
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The counts, row-major (n_classes, n_classes): a row for each actual class, a column for each called class.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// The weight of all rows.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The matrix of one class against all others; its methods are the rates. Absent for a class that does not exist.
    pub fn one_vs_rest(&self, class: usize) -> Option<ConfusionMatrix> {
        let n = self.n_classes;
        (class < n).then(|| {
            let others = || (0..n).filter(|&other| other != class);
            let true_positive = self.counts[class * n + class];
            let false_negative: f64 = others().map(|called| self.counts[class * n + called]).sum();
            let false_positive: f64 = others().map(|actual| self.counts[actual * n + class]).sum();
            // What is left of weights may fall below zero by rounding.
            let true_negative = (self.total - true_positive - false_negative - false_positive).max(0.0);
            ConfusionMatrix { true_negative, false_positive, false_negative, true_positive }
        })
    }

    /// The share of rows called rightly.
    pub fn accuracy(&self) -> f64 {
        self.agreed() / self.total
    }

    /// The mean recall of the classes that rows are of: the accuracy if those classes weighed the same.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls = (0..self.n_classes).filter_map(|class| {
            let actual = self.actual(class);
            (actual > 0.0).then(|| self.counts[class * self.n_classes + class] / actual)
        });
        let (sum, classes) = recalls.fold((0.0, 0.0), |(sum, classes), recall| (sum + recall, classes + 1.0));
        sum / classes
    }

    /// (accuracy − c) / (1 − c), c being the accuracy if calls had nothing to do with classes: Cohen's kappa.
    ///
    /// J. Cohen, Educational and Psychological Measurement 20 (1960) 37–46, doi:10.1177/001316446002000104. Absent
    /// where all rows are of one class and called so.
    pub fn kappa(&self) -> Option<f64> {
        let n = self.n_classes;
        let total = self.total;
        let called = |class: usize| (0..n).map(|actual| self.counts[actual * n + class]).sum::<f64>();
        let chance: f64 = (0..n).map(|class| self.actual(class) / total * called(class)).sum();
        let kappa = (self.agreed() - chance) / (total - chance);
        kappa.is_finite().then_some(kappa)
    }

    /// The weight of the rows of a class.
    pub(super) fn actual(&self, class: usize) -> f64 {
        self.counts[class * self.n_classes..(class + 1) * self.n_classes].iter().sum()
    }

    fn agreed(&self) -> f64 {
        (0..self.n_classes).map(|class| self.counts[class * self.n_classes + class]).sum()
    }
}

/// Rows whose score is the class called, if they are sound.
pub(super) fn classes<'a>(
    called: &'a [f64],
    y: &'a [f64],
    n_classes: usize,
    weight: Option<&'a [f64]>,
) -> Result<Predictions<'a>> {
    if !(2..=MOST_CLASSES).contains(&n_classes) {
        let expected = format!("from 2 to {MOST_CLASSES}");
        return Err(Error::Setting { name: "n_classes", expected, found: n_classes.to_string() });
    }
    same_length("length of y", called.len(), y.len())?;
    if y.is_empty() {
        return Err(malformed("at least one row", "none"));
    }
    let expected = format!("a class from 0 to {}", n_classes - 1);
    let sound = |class: f64| class >= 0.0 && class < n_classes as f64 && class.fract() == 0.0;
    each(called, &expected, sound)?;
    each(y, &expected, sound)?;
    Predictions::weighted(called, y, weight)
}
