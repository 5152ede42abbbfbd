//! Sums of outer products of the rows' scores, the middle of sandwich covariances.

use serde::{Deserialize, Serialize};

use super::{EmpiricalRisk, Objective, Order, Sums, kernel};
use crate::dataset::class_factor;
use crate::loss::Loss;

/// How many rows a row stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum StandsFor {
    /// One.
    Itself,
    /// As many as its weight says.
    Weight,
    /// As many as its weight says, of which the weight of its class (n_classes) is a factor that does not count.
    WeightWithin(Vec<f64>),
}

impl StandsFor {
    pub(super) fn of(&self, y: f64, weight: f64) -> f64 {
        match self {
            StandsFor::Itself => 1.0,
            StandsFor::Weight => weight,
            StandsFor::WeightWithin(of_class) => weight / class_factor(y, of_class),
        }
    }
}

/// Sums over the rows that have weight.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    /// The number of rows that all of them stand for.
    pub(crate) size: f64,
    /// `Σ sᵢ²·∇ℓᵢ·∇ℓᵢᵀ / mᵢ`, mᵢ the number of rows that row i stands for: row-major (n_parameters, n_parameters), the
    /// lower triangle.
    pub(crate) products: Vec<f64>,
}

impl<L: Loss> EmpiricalRisk<'_, L> {
    pub(crate) fn scores(&self, parameters: &[f64], stands_for: &StandsFor) -> Scores {
        if let Some(elsewhere) = self.elsewhere() {
            return self.ask_scores(elsewhere, parameters, stands_for);
        }
        let products = self.score_products(parameters, |y, weight| stands_for.of(y, weight));
        Scores { size: self.size(stands_for), products }
    }

    fn size(&self, stands_for: &StandsFor) -> f64 {
        let (y, weight) = (self.rows.dataset().y(), self.rows.dataset().weight());
        let weighted = self.rows.indices().map(|row| (y[row], weight.map_or(1.0, |weight| weight[row])));
        weighted.filter(|(_, weight)| *weight > 0.0).map(|(y, weight)| stands_for.of(y, weight)).sum()
    }

    fn score_products(&self, parameters: &[f64], stands_for: impl Fn(f64, f64) -> f64 + Sync) -> Vec<f64> {
        let zero = Sums::zero(parameters.len(), Order::Hessian);
        let (shape, weights) = (self.shape(), self.shape().inside(parameters));
        let sums = self.over_chunks(zero, |panel, work, sums| {
            kernel::add_scores(panel, &self.loss, (&weights, shape), &stands_for, work, sums);
        });
        sums.hessian
    }

    /// `Σ_g u_g·u_gᵀ` with `u_g = Σ sᵢ·∇ℓᵢ` over the rows of group g, the rows of a group next to each other;
    /// `group` (n_rows). The same shape. Row after row, so that the bits depend on the order of the rows alone.
    pub(crate) fn group_score_products(&self, parameters: &[f64], group: &[u32]) -> Vec<f64> {
        let (width, outputs, p) = (self.n_parameters(), self.loss.n_outputs(), self.n_columns());
        let mut products = vec![0.0; width * width];
        let mut score = vec![0.0; width];
        let mut at = 0;
        let (shape, weights) = (self.shape(), self.shape().inside(parameters));
        self.each_panel(0, self.rows.len(), |panel, work| {
            let n = panel.n_rows();
            let residuals = kernel::residuals(panel, &self.loss, &weights, shape, work);
            for i in 0..n {
                for (k, residual) in (0..outputs).map(|k| (k, residuals[k * n + i])) {
                    (0..p).for_each(|j| score[k * p + j] += residual * panel.column(j)[i]);
                    score.iter_mut().skip(outputs * p + k).take(1).for_each(|bias| *bias += residual);
                }
                at += 1;
                if group.get(at) != group.get(at - 1) {
                    add_square(&score, &mut products);
                    score.fill(0.0);
                }
            }
        });
        products
    }
}

/// Adds `u·uᵀ` to the lower triangle.
fn add_square(u: &[f64], products: &mut [f64]) {
    for (i, (row, a)) in products.chunks_exact_mut(u.len().max(1)).zip(u).enumerate() {
        row[..=i].iter_mut().zip(u).for_each(|(entry, b)| *entry += a * b);
    }
}
