//! Rows that weigh by their class.

use super::Dataset;
use crate::error::Result;

/// How much of a row is of class k, by its outcome.
fn share(y: f64, k: usize, n_classes: usize) -> f64 {
    match (n_classes, k) {
        (2, 0) => 1.0 - y,
        (2, _) => y,
        _ => f64::from(y == k as f64),
    }
}

/// The weight of a row's class, by the row's outcome; `of_class` (n_classes).
pub(crate) fn class_factor(y: f64, of_class: &[f64]) -> f64 {
    of_class.iter().enumerate().map(|(k, weight)| share(y, k, of_class.len()) * weight).sum()
}

impl Dataset {
    /// The same rows, the weight of each times that of its class; `of_class` (n_classes).
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) where weights are not finite, or negative.
    pub(crate) fn class_weighted(&self, of_class: &[f64]) -> Result<Self> {
        let mut dataset = self.clone();
        if let Some(elsewhere) = &mut dataset.elsewhere {
            elsewhere.weigh(of_class);
            return Ok(dataset);
        }
        let weight = self.weight();
        let own = |i: usize| weight.map_or(1.0, |weight| weight[i]);
        dataset.weighted(self.y().iter().enumerate().map(|(i, &y)| own(i) * class_factor(y, of_class)).collect())
    }
}
