//! How much the estimates would vary from sample to sample.

use std::collections::HashSet;
use std::sync::Arc;

use super::fit::Fit;
use super::inference::{Inference, to_user_units};
use super::settings::{LogisticRegression, WeightKind};
use crate::cholesky::Cholesky;
use crate::dataset::Rows;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, StandsFor};

/// The estimator of the covariance of the estimates. With A the information `Σ sᵢ·∇²ℓᵢ` and `uᵢ = sᵢ·∇ℓᵢ` the score of
/// a row, the others than the first are sandwiches `A⁻¹·B·A⁻¹` (Huber 1967; White, Econometrica 50(1), 1982), which
/// hold where the model's variance does not. A row of frequency weight 2 counts as two rows everywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Covariance {
    /// `A⁻¹`, the model's own. With sampling weights, or weighted classes, it is none: the sandwich with
    /// `B = n/(n − 1)·Σ uᵢ·uᵢᵀ` takes its place, which is linearisation under sampling with replacement (Binder,
    /// International Statistical Review 51(3), 1983).
    #[default]
    Information,
    /// `B = Σ uᵢ·uᵢᵀ`.
    Hc0,
    /// `B = n/(n − k)·Σ uᵢ·uᵢᵀ`, with k coefficients (MacKinnon & White, Journal of Econometrics 29(3), 1985).
    Hc1,
    /// `B = G/(G − 1)·Σ_g u_g·u_gᵀ`, with u_g the sum of the scores of cluster g, of G (Liang & Zeger, Biometrika 73(1),
    /// 1986): rows of one cluster may depend on each other. The number of the cluster of every row of the dataset.
    Cluster(Arc<[u32]>),
}

impl Covariance {
    /// The name of the estimator, in small letters.
    pub fn name(&self) -> &'static str {
        match self {
            Covariance::Information => "information",
            Covariance::Hc0 => "hc0",
            Covariance::Hc1 => "hc1",
            Covariance::Cluster(_) => "cluster",
        }
    }
}

/// The name of what takes the place of [`Covariance::Information`] with sampling weights or weighted classes.
const SAMPLING: &str = "sampling";

impl LogisticRegression {
    /// Refuses clusters that are not of these rows.
    pub(super) fn check_covariance(&self, rows: &Rows<'_>) -> Result<()> {
        let Covariance::Cluster(ids) = &self.covariance else { return Ok(()) };
        let expected = rows.dataset().len();
        if ids.len() != expected {
            return Err(Error::Shape { what: "number of cluster ids".to_string(), expected, found: ids.len() });
        }
        match clusters(rows, ids).len() {
            2.. => Ok(()),
            few => Err(Error::Setting {
                name: "cluster",
                expected: "at least 2 clusters".to_string(),
                found: few.to_string(),
            }),
        }
    }

    /// Puts covariance, standard errors and Wald inference into a fit, where they mean something.
    ///
    /// `class_weight`: what rows of each class weigh on top of their own weights; empty where nothing.
    pub(super) fn infer<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        loss: L,
        class_weight: &[f64],
        fit: &mut Fit,
    ) -> Result<()> {
        let Some(factor) = fit.solution.factor.as_ref().filter(|_| fit.holds(self)) else { return Ok(()) };
        let risk = self.plain_risk(rows, &fit.solution.standard, loss)?;
        let sample = Sample { rows, class_weight, kind: self.weight_kind };
        let parameters = &fit.solution.parameters;
        fit.facts.covariance = match &self.covariance {
            Covariance::Information if !sample.is_plain() => SAMPLING.to_string(),
            covariance => covariance.name().to_string(),
        };
        fit.facts.n_clusters = match &self.covariance {
            Covariance::Cluster(ids) => Some(clusters(rows, ids).len()),
            _ => None,
        };
        let covariance = self.standardised_covariance(&risk, parameters, factor, &sample)?;
        let Some(mut covariance) = covariance else { return Ok(()) };
        to_user_units(&mut covariance, &fit.solution.standard, fit.solution.outputs);
        let n = parameters.len();
        let of = |at: usize, estimate: f64| Inference::new(estimate, covariance[at * n + at]);
        let weights = fit.places();
        fit.bias_inference = fit.bias.iter().enumerate().map(|(k, &bias)| of(weights.len() + k, bias)).collect();
        for (at, &place) in weights.iter().enumerate() {
            fit.inference[place] = fit.weight[place].and_then(|weight| of(at, weight));
        }
        fit.covariance = Some(covariance);
        Ok(())
    }

    /// None where there are too few rows for the correction.
    fn standardised_covariance<L: Loss + Copy>(
        &self,
        risk: &EmpiricalRisk<'_, L>,
        parameters: &[f64],
        factor: &Cholesky,
        sample: &Sample<'_>,
    ) -> Result<Option<Vec<f64>>> {
        let total = sample.rows.total_weight();
        let scores = || risk.scores(parameters, &sample.stands_for());
        let (middle, correction) = match &self.covariance {
            Covariance::Information if sample.is_plain() => {
                let mut inverse = factor.inverse();
                inverse.iter_mut().for_each(|entry| *entry /= total);
                return Ok(Some(inverse));
            }
            Covariance::Information => {
                let scores = scores();
                (scores.products, scores.size / (scores.size - 1.0))
            }
            Covariance::Hc0 => (scores().products, 1.0),
            Covariance::Hc1 => {
                let scores = scores();
                (scores.products, scores.size / (scores.size - parameters.len() as f64))
            }
            Covariance::Cluster(ids) => {
                let mut order = counted(sample.rows);
                order.sort_by_key(|&row| ids[row]);
                let group: Vec<u32> = order.iter().map(|&row| ids[row]).collect();
                let clusters = clusters(sample.rows, ids).len() as f64;
                let grouped = risk.of_rows(Rows::select(sample.rows.dataset(), order)?);
                (grouped.group_score_products(parameters, &group), clusters / (clusters - 1.0))
            }
        };
        let exists = correction.is_finite() && correction > 0.0;
        Ok(exists.then(|| sandwich(factor, middle, correction / (total * total))))
    }
}

/// The rows that have weight, by their number in the dataset.
fn counted(rows: &Rows<'_>) -> Vec<usize> {
    let weight = rows.dataset().weight();
    rows.indices().filter(|&row| weight.is_none_or(|weight| weight[row] > 0.0)).collect()
}

/// The clusters of the rows that have weight.
fn clusters(rows: &Rows<'_>, ids: &[u32]) -> HashSet<u32> {
    counted(rows).into_iter().map(|row| ids[row]).collect()
}

/// What the rows were drawn as.
struct Sample<'a> {
    rows: &'a Rows<'a>,
    class_weight: &'a [f64],
    kind: WeightKind,
}

impl Sample<'_> {
    /// Whether the likelihood is that of the rows, each as often as its weight says.
    fn is_plain(&self) -> bool {
        self.class_weight.is_empty() && self.kind == WeightKind::Frequency
    }

    /// How many rows one of them stands for.
    fn stands_for(&self) -> StandsFor {
        match self.kind {
            WeightKind::Sampling => StandsFor::Itself,
            WeightKind::Frequency if self.class_weight.is_empty() => StandsFor::Weight,
            WeightKind::Frequency => StandsFor::WeightWithin(self.class_weight.to_vec()),
        }
    }
}

/// `A⁻¹·B·A⁻¹·factor`, from the lower triangle of B; both triangles out.
fn sandwich(factor: &Cholesky, mut middle: Vec<f64>, scale: f64) -> Vec<f64> {
    let n = middle.len().isqrt();
    for i in 0..n {
        (0..i).for_each(|j| middle[j * n + i] = middle[i * n + j]);
    }
    // Rows are columns of a symmetric matrix: the first pass leaves B·A⁻¹, whose columns the second solves for.
    middle.chunks_exact_mut(n.max(1)).for_each(|row| factor.solve(row));
    let mut result = vec![0.0; n * n];
    for j in 0..n {
        let mut column: Vec<f64> = (0..n).map(|i| scale * middle[i * n + j]).collect();
        factor.solve(&mut column);
        (0..n).for_each(|i| result[i * n + j] = column[i]);
    }
    // The two triangles differ by rounding.
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (result[i * n + j] + result[j * n + i]);
            (result[i * n + j], result[j * n + i]) = (mean, mean);
        }
    }
    result
}
