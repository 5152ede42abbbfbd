//! What a finished fit says of its rows and columns, and what the diagnostics share.

use super::columns::MOST_TERMS;
use serde::{Deserialize, Serialize};

use super::collinearity::Inflation;
use super::effects::MarginalEffect;
use super::fit::Fit;
use super::influence::RowInfluence;
use crate::cholesky::Cholesky;
use crate::dataset::{Dataset, Rows};
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, Logit, Loss};
use crate::objective::{EmpiricalRisk, Objective, Order};
use crate::solver::Termination;

/// What a model keeps of its diagnostics; what was not asked for, or does not exist, is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostics {
    /// How far each column moves the probability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marginal_effects: Vec<MarginalEffect>,
    /// The variance inflation of each column of the table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vif: Vec<Inflation>,
    /// The scaled condition number of the design.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_number: Option<f64>,
    /// The rows of largest Cook's distance, the largest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub influence: Vec<RowInfluence>,
    /// The log loss of rows that were left out of the fit, nearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximate_loo_log_loss: Option<f64>,
    /// Tjur's coefficient of discrimination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudo_r2_tjur: Option<f64>,
}

impl Diagnostics {
    pub(super) fn is_empty(&self) -> bool {
        *self == Diagnostics::default()
    }
}

/// What leaving out a row takes: its logit, and the spread `a = x̃ᵀ·A⁻¹·x̃` of its logit, with x̃ the row's columns and
/// its 1, and A the second derivative of the sum that was minimised, penalty included.
pub(super) struct RowSpreads {
    pub(super) logit: Vec<f64>,
    pub(super) spread: Vec<f64>,
}

impl Fit {
    /// Tjur's coefficient of discrimination, a pseudo R²: the weighted mean probability of the rows of class 1, less
    /// that of the rows of class 0 (Tjur, The American Statistician 63(4), 2009). Absent for more than two classes. A
    /// fractional outcome belongs to both classes by its shares. `rows` are those of the fit.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows or columns of another number than the fit's.
    pub fn pseudo_r2_tjur(&self, rows: &Rows<'_>) -> Result<Option<f64>> {
        let data = self.as_fitted(rows)?;
        if data.n_classes() > 2 {
            return Ok(None);
        }
        let risk = self.plain_risk(rows.of(&data), BceWithLogits::default());
        let parts = risk.fold(
            &self.solution.parameters,
            || [0.0; 4],
            |sums: &mut [f64; 4], _, panel, logits| {
                for ((&z, &y), &s) in logits.iter().zip(panel.y()).zip(panel.weight()) {
                    let (p, _) = Logit::new(z).probabilities();
                    for (sum, value) in sums.iter_mut().zip([s * y * p, s * y, s * (1.0 - y) * p, s * (1.0 - y)]) {
                        *sum += value;
                    }
                }
            },
        );
        let [of_one, ones, of_zero, zeros] =
            parts.iter().fold([0.0; 4], |all, part| std::array::from_fn(|k| all[k] + part[k]));
        Ok(Some(of_one / ones - of_zero / zeros))
    }

    /// The dataset of the rows, with the weights that the rows had in the fit.
    pub(super) fn as_fitted(&self, rows: &Rows<'_>) -> Result<Dataset> {
        let data = rows.dataset();
        if data.is_held_elsewhere() {
            return Err(Error::setting("rows", "here, to be looked at one by one", &"those that an engine holds"));
        }
        let shape = |what: &str, expected: usize, found: usize| match expected == found {
            true => Ok(()),
            false => Err(Error::Shape { what: what.to_string(), expected, found }),
        };
        shape("number of columns", self.weight.len() / self.n_outputs(), data.n_columns())?;
        shape("number of rows", self.facts.n_rows, rows.len())?;
        if self.facts.class_weight.is_empty() {
            return Ok(data.clone());
        }
        shape("number of classes", self.facts.class_weight.len(), data.n_classes())?;
        data.class_weighted(&self.facts.class_weight)
    }

    /// The mean loss over the rows in the fit's standardised columns, without penalty.
    pub(super) fn plain_risk<'a, L: Loss>(&self, rows: Rows<'a>, loss: L) -> EmpiricalRisk<'a, L> {
        let risk = EmpiricalRisk::new(rows, loss).standardised(self.solution.standard.clone());
        if self.bias.is_empty() { risk.without_intercept() } else { risk }
    }

    /// Whether the estimates are those of maximum likelihood, at its optimum.
    pub(super) fn is_maximum_likelihood(&self) -> bool {
        let free = self.facts.l1 == 0.0 && self.facts.l2 == 0.0 && !self.solution.kinks;
        free && self.solution.factor.is_some() && self.termination() == Termination::Converged
    }

    /// The logits of rows of two classes and their spreads; none where the objective is not smooth at a minimum.
    pub(super) fn row_spreads(&self, rows: &Rows<'_>) -> Option<RowSpreads> {
        let solution = &self.solution;
        let smooth = !solution.kinks && !self.facts.firth;
        // Of more coefficients the curvature is not formed, nor was it for the fit.
        let formed = solution.factor.is_some() || solution.parameters.len() <= MOST_TERMS;
        if !(smooth && formed) || rows.dataset().n_classes() != 2 || self.termination() != Termination::Converged {
            return None;
        }
        let risk = self.plain_risk(rows.clone(), BceWithLogits::default());
        let factor = &match &solution.factor {
            Some(factor) => factor.clone(),
            None => {
                let mut hessian = risk.sums(&solution.parameters, Order::Hessian).hessian;
                let n = solution.parameters.len();
                solution.l2.iter().enumerate().for_each(|(j, l2)| hessian[j * n + j] += l2);
                Cholesky::new(&hessian, n).ok()?
            }
        };
        let total = self.facts.total_weight;
        let empty = || (RowSpreads { logit: Vec::new(), spread: Vec::new() }, Vec::new());
        let parts =
            risk.fold(&solution.parameters, empty, |(found, columns): &mut (RowSpreads, Vec<f64>), _, panel, z| {
                let n = panel.n_rows();
                columns.clear();
                (0..panel.n_columns()).for_each(|j| columns.extend_from_slice(panel.column(j)));
                columns.resize(solution.parameters.len() * n, 1.0);
                factor.solve_lower_columns(columns, n);
                found.logit.extend_from_slice(z);
                let start = found.spread.len();
                found.spread.resize(start + n, 0.0);
                for column in columns.chunks_exact(n) {
                    found.spread[start..].iter_mut().zip(column).for_each(|(sum, u)| *sum += u * u / total);
                }
            });
        let mut all = RowSpreads { logit: Vec::with_capacity(rows.len()), spread: Vec::with_capacity(rows.len()) };
        for (part, _) in parts {
            all.logit.extend(part.logit);
            all.spread.extend(part.spread);
        }
        Some(all)
    }
}
