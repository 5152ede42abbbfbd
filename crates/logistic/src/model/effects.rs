//! Average marginal effects: how far columns move the probability.

use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::inference::Inference;
use super::moves::{Move, Moved, moves};
use crate::dataset::{Panel, Rows};
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};

/// The average marginal effect of a column or a level on the probability of a class (Greene, *Econometric Analysis*,
/// 8th ed. 2018, §17.3.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginalEffect {
    /// `age`, `sex[male]`, `signup.year`.
    pub term: String,
    /// The table's column.
    pub column: String,
    /// The level, for a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The number of the class whose probability moves, where there are more than two; else it is the positive one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<usize>,
    /// The mean over the rows of the probability's slope, per unit of the column, or of its change from the reference
    /// level to this one.
    pub effect: f64,
    /// By the delta method; absent where its variance is zero, or not known.
    pub inference: Option<Inference>,
}

impl Fit {
    /// The average marginal effects of the columns of the table on the probability of class 1, or of every class where
    /// there are more than two.
    ///
    /// Of a number or a date it is the weighted mean over the rows of the slope ∂p/∂x: exact through splines,
    /// logarithms and products, whose design columns all move with x. Of a level it is the mean change of p when every
    /// row is moved from the reference level to this one, its products included. An imputed cell counts as the value
    /// put in its place; indicators of missing values stay as they are, and have no effects of their own. What moves a
    /// column that was left out of the fit cannot be told, and is left out here.
    ///
    /// The variance is gᵀ·V·g with g the derivative of the mean in the estimates (delta method; the same book, §4.6).
    /// V is the inverse information of the estimates; or `covariance`, such as a robust one, row-major (rank, rank), in
    /// the user's units: the coefficients of the columns that were not left out, output by output, then the intercepts.
    /// Where weights make the likelihood one of no sample ([`Facts::pseudo_likelihood`](super::Facts)), only the latter
    /// gives standard errors.
    ///
    /// `rows` are those of the fit, encoded by `encoder`. None where the fit is penalised or bounded, or did not reach
    /// its optimum: nothing is known there of how far estimates are from the truth.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows, columns or a covariance of another number than the fit's.
    pub fn marginal_effects(
        &self,
        encoder: &Encoder,
        rows: &Rows<'_>,
        covariance: Option<&[f64]>,
    ) -> Result<Option<Vec<MarginalEffect>>> {
        let data = self.as_fitted(rows)?;
        let (rank, anatomy) = (self.solution.parameters.len(), encoder.anatomy());
        let shape = |what: &str, expected, found| Error::Shape { what: what.to_string(), expected, found };
        if anatomy.n_columns != data.n_columns() {
            return Err(shape("number of the encoder's columns", data.n_columns(), anatomy.n_columns));
        }
        if let Some(found) = covariance.map(<[f64]>::len).filter(|len| *len != rank * rank) {
            return Err(shape("entries of the covariance", rank * rank, found));
        }
        if !self.is_maximum_likelihood() {
            return Ok(None);
        }
        let moves = moves(&anatomy, &self.solution);
        let rows = rows.of(&data);
        let moved = match data.n_classes() {
            2 => self.moved(&moves, rows, BceWithLogits::default()),
            n_classes => self.moved(&moves, rows, CrossEntropy { n_classes, base: true }),
        };
        let mut effects = Vec::new();
        for (moving, moved) in moves.iter().zip(moved).filter(|(_, moved)| moved.estimable) {
            let classes = moved.value.len();
            let found = moved.value.into_iter().zip(&moved.gradient).enumerate();
            effects.extend(found.map(|(class, (value, gradient))| MarginalEffect {
                term: moving.term(),
                column: moving.group.column.to_string(),
                level: moving.level().cloned(),
                class: (classes > 1).then_some(class),
                effect: value,
                inference: self.variance(gradient, covariance).and_then(|variance| Inference::new(value, variance)),
            }));
        }
        Ok(Some(effects))
    }

    /// The means over the rows, with their derivatives in the parameters.
    fn moved<L: Loss>(&self, moves: &[Move<'_>], rows: Rows<'_>, loss: L) -> Vec<Moved> {
        let solution = &self.solution;
        let total = rows.total_weight();
        let risk = self.plain_risk(rows, loss);
        let zero = || {
            let nothing = Moved::nothing(solution.outputs, solution.parameters.len());
            (vec![nothing; moves.len()], Panel::new())
        };
        let parts = risk.fold(&solution.parameters, zero, |(moved, raw), rows, panel, logits| {
            raw.pack(rows, None);
            for (moving, moved) in moves.iter().zip(moved) {
                moving.add(raw, panel, logits, moved);
            }
        });
        let mut parts = parts.into_iter().map(|(moved, _)| moved);
        let mut all = parts.next().unwrap_or_default();
        for part in parts {
            all.iter_mut().zip(&part).for_each(|(all, part)| all.merge(part));
        }
        all.iter_mut().for_each(|moved| moved.scale(1.0 / total));
        all
    }

    /// gᵀ·V·g for a gradient in the standardised parameters; none where V is not known.
    fn variance(&self, gradient: &[f64], covariance: Option<&[f64]>) -> Option<f64> {
        let solution = &self.solution;
        let mut g = gradient.to_vec();
        let Some(covariance) = covariance else {
            let factor = solution.factor.as_ref().filter(|_| !self.facts.pseudo_likelihood)?;
            factor.solve_lower(&mut g);
            return Some(g.iter().map(|v| v * v).sum::<f64>() / self.facts.total_weight);
        };
        // w′ = w·s and b′ = b + Σ w·c, so that the derivatives in w and b are these.
        let (n, p) = (g.len(), solution.standard.columns.len());
        for k in 0..solution.outputs {
            let bias = g.get(solution.outputs * p + k).copied().unwrap_or(0.0);
            for j in 0..p {
                let own = &mut g[k * p + j];
                *own = *own * solution.standard.scale[j] + bias * solution.standard.centre[j];
            }
        }
        let entries = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        Some(entries.map(|(i, j)| g[i] * covariance[i * n + j] * g[j]).sum())
    }
}
