//! Classes that no row of a fit has weight of: in the limit no row is of them, with coefficients of 0 and intercepts of
//! minus infinity.

use logistic::dataset::{Dataset, Rows};
use logistic::model::Fit;

use crate::fit::{class_totals, estimates};
use crate::scores::centred;

/// The classes that rows are of, where they are not of all.
pub(crate) struct Present {
    pub(crate) classes: Vec<usize>,
    n_classes: usize,
}

impl Present {
    /// None where the rows are of all classes. Classes weigh nothing too where their weight is 0.
    pub(crate) fn of(rows: &Rows<'_>, class_weight: Option<&[f64]>) -> Option<Self> {
        let totals = class_totals(rows);
        let weighs = |k: &usize| totals[*k] > 0.0 && class_weight.is_none_or(|weight| weight.get(*k) != Some(&0.0));
        let classes: Vec<usize> = (0..totals.len()).filter(weighs).collect();
        (classes.len() < totals.len()).then_some(Present { classes, n_classes: totals.len() })
    }

    /// The dataset with outcomes among the classes that are there; rows of others weigh nothing.
    pub(crate) fn dataset(&self, dataset: &Dataset) -> logistic::Result<Dataset> {
        let place: Vec<Option<usize>> =
            (0..self.n_classes).map(|k| self.classes.iter().position(|class| *class == k)).collect();
        let of = |y: &f64| place[*y as usize];
        let y: Vec<f64> = dataset.y().iter().map(|y| of(y).unwrap_or(0) as f64).collect();
        let own = |row: usize| dataset.weight().map_or(1.0, |weight| weight[row]);
        let weights = dataset.y().iter().enumerate().map(|(row, y)| if of(y).is_some() { own(row) } else { 0.0 });
        let weights = weights.collect();
        dataset.clone().of_classes(y, self.classes.len())?.weighted(weights)
    }

    /// The entries of the classes that are there.
    pub(crate) fn those<T: Clone>(&self, of_all: &[T]) -> Vec<T> {
        self.classes.iter().filter_map(|&class| of_all.get(class).cloned()).collect()
    }

    /// By what the l2 penalty is multiplied: two classes of more have one coefficient w for ±w/2, whose squares add up to
    /// half of w².
    pub(crate) fn l2_share(&self) -> f64 {
        if self.classes.len() == 2 && self.n_classes > 2 { 0.5 } else { 1.0 }
    }

    /// Coefficients and intercepts of all classes, from a fit of those that are there.
    pub(crate) fn estimates(&self, fit: &Fit) -> (Vec<f64>, Vec<f64>) {
        let (mut weight, mut bias) = estimates(fit, self.classes.len());
        if self.classes.len() == 2 {
            (weight, bias) = (centred(&weight, 1), centred(&bias, 1));
        }
        let n_columns = weight.len() / bias.len();
        let (mut all, mut intercepts) =
            (vec![0.0; self.n_classes * n_columns], vec![f64::NEG_INFINITY; self.n_classes]);
        for (k, &class) in self.classes.iter().enumerate() {
            all[class * n_columns..][..n_columns].copy_from_slice(&weight[k * n_columns..][..n_columns]);
            intercepts[class] = bias[k];
        }
        (all, intercepts)
    }

    /// What is left where one class is there alone.
    pub(crate) fn alone(&self, n_columns: usize) -> (Vec<f64>, Vec<f64>) {
        let of = |class: usize| if self.classes.contains(&class) { 0.0 } else { f64::NEG_INFINITY };
        match self.n_classes {
            2 => (vec![0.0; n_columns], vec![if self.classes == [1] { f64::INFINITY } else { f64::NEG_INFINITY }]),
            n => (vec![0.0; n * n_columns], (0..n).map(of).collect()),
        }
    }
}
