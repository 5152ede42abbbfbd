//! How far a fit can be from the optimum: a bound that is computed, not a tolerance that was met.

use super::settings::class_totals;
use crate::cholesky::Cholesky;
use crate::dataset::{Panel, Rows, Standardisation};
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Objective, Order, ParameterPenalty, Sums};
use crate::solver::Certificate;

/// The certificate at `parameters`, with the objective there and, where the curvature can be factored, its Cholesky
/// factor.
pub(super) struct Certified {
    pub(super) certificate: Certificate,
    pub(super) objective: f64,
    pub(super) factor: Option<Cholesky>,
}

/// Bounds the distance to the minimum.
///
/// With v the subgradient of least size of the whole objective F, and δ the way to a minimum,
/// `F(w + δ) ≥ F(w) + v·δ + (the curvature's part)`. Along δ the loss of a row has |f‴| ≤ r·f″, where r is the spread of
/// the row's logits along δ (|xᵢ·δ| for two classes). So with M the largest such spread over all rows for a δ of length
/// 1 in the metric of the Hessian, λ = ‖v‖ in the metric of its inverse, and u = λ·M < 1, integrating twice and
/// minimising over the length of δ gives `F(w) − min F ≤ (u + (1 − u)·ln(1 − u)) / M²`, which is λ²/2 to first order
/// (the self-concordance argument of Bach, Electronic Journal of Statistics 4, 2010, with row norms in place of a
/// global radius). Rounding of the gradient is added to v.
///
/// Where the curvature gives no bound but every coefficient has an l1 penalty, convexity and the [`reach`] of the
/// minimum do: `F(w) − min F ≤ Σ |vⱼ|·|δⱼ|`. Else all that is known is that no loss falls below zero.
pub(super) fn certify<L: Loss>(
    risk: &EmpiricalRisk<'_, L>,
    penalty: &ParameterPenalty,
    parameters: &[f64],
    centre: &Centre<'_>,
) -> Certified {
    let mut sums = risk.sums(parameters, Order::Hessian);
    let objective = sums.value + penalty.absolute(parameters);
    let rounding = f64::EPSILON * objective;
    let mut least = penalty.least_subgradient(parameters, &sums.gradient);
    least.iter_mut().for_each(|v| *v = (v.abs() + rounding).copysign(*v));
    let gradient_max_norm =
        penalty.least_subgradient(parameters, &sums.gradient).iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    let slack = centre.take_loose(penalty, parameters, objective, &mut least, &mut sums);
    let factor = Cholesky::new(&sums.hessian, parameters.len()).ok();
    let by_curvature = factor.as_ref().and_then(|factor| curvature_bound(risk, factor, &least));
    let by_reach = || {
        let bound = reach(risk, penalty, parameters, objective, centre)?;
        Some(bound.iter().zip(&least).map(|(reach, v)| reach * v.abs()).sum())
    };
    let bound = by_curvature.or_else(by_reach).map(|bound| bound + slack);
    let bounded = bound.is_some_and(|bound| bound < objective);
    let gap = bound.unwrap_or(objective).min(objective);
    Certified { certificate: Certificate { gradient_max_norm, gap, bounded }, objective, factor }
}

fn curvature_bound<L: Loss>(risk: &EmpiricalRisk<'_, L>, factor: &Cholesky, least: &[f64]) -> Option<f64> {
    let mut whitened = least.to_vec();
    factor.solve_lower(&mut whitened);
    let decrement = whitened.iter().map(|v| v * v).sum::<f64>().sqrt();
    let bound = |norm: f64| {
        let u = decrement * norm;
        // For small u the difference cancels; its series is u²/2 + u³/6 + …, below u²/2·(1 + u).
        let bound = if u < 1e-4 { 0.5 * u * u * (1.0 + u) } else { u + (1.0 - u) * (-u).ln_1p() };
        (u < 1.0).then_some(bound / (norm * norm))
    };
    // Any M from above will do, and where u is small even a rough one costs nothing of the bound.
    let rough = rough_norm(risk, factor, least.len());
    if decrement * rough < ROUGH { bound(rough) } else { bound(risk.largest_norm(factor)) }
}

/// Below this u, the bound from a rough M is within 1 % of that from the exact one.
const ROUGH: f64 = 1e-2;

/// At least M: the norm of a row times the Frobenius norm of the inverse factor.
fn rough_norm<L: Loss>(risk: &EmpiricalRisk<'_, L>, factor: &Cholesky, n_parameters: usize) -> f64 {
    let longest = |(longest, of_rows): &mut (f64, Vec<f64>), panel: &Panel| {
        of_rows.clear();
        of_rows.resize(panel.n_rows(), 1.0);
        for j in 0..panel.n_columns() {
            of_rows.iter_mut().zip(panel.column(j)).for_each(|(sum, x)| *sum += x * x);
        }
        *longest = of_rows.iter().copied().fold(*longest, f64::max);
    };
    let parts = risk.panels(|| (0.0, Vec::new()), longest);
    let square = parts.into_iter().fold(0.0, |most, (longest, _)| f64::max(most, longest));
    let column = |j: usize| {
        let mut column = vec![0.0; n_parameters];
        column[j] = 1.0;
        factor.solve_lower(&mut column);
        column.iter().map(|v| v * v).sum::<f64>()
    };
    // Twice, for the spread between two of several logits.
    (2.0 * square * (0..n_parameters).map(column).sum::<f64>()).sqrt()
}

/// What the reach of the minimum is measured from.
pub(super) struct Centre<'a> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) standard: &'a Standardisation,
    pub(super) outputs: usize,
}

impl Centre<'_> {
    /// With one output per class, the same number can be added to all classes' coefficients of a column without
    /// changing a loss. Where only an l1 penalty singles one out, the curvature is blind to that direction: it is lent
    /// a curvature, and the part of `least` along it is taken off. Coefficients of 0 leave room for that: there any
    /// subgradient will do. What is left is bounded by how far l1 lets coefficients go.
    fn take_loose(
        &self,
        penalty: &ParameterPenalty,
        parameters: &[f64],
        objective: f64,
        least: &mut [f64],
        sums: &mut Sums,
    ) -> f64 {
        let (p, outputs, width) = (self.standard.columns.len(), self.outputs, parameters.len());
        if outputs != self.rows.dataset().n_classes() {
            return 0.0;
        }
        let mut slack = 0.0;
        for j in (0..p).filter(|&j| penalty.l1[j] > 0.0 && penalty.l2[j] == 0.0) {
            let all = || (0..outputs).map(|k| k * p + j);
            let mut sum: f64 = all().map(|at| least[at]).sum();
            for at in all().filter(|&at| parameters[at] == 0.0) {
                let (g, l1) = (sums.gradient[at], penalty.l1[at]);
                let moved = (least[at] - sum).clamp(g - l1, g + l1);
                sum += moved - least[at];
                least[at] = moved;
            }
            let mean = all().map(|at| least[at]).sum::<f64>() / outputs as f64;
            let reach = objective / penalty.l1[j] + all().map(|at| parameters[at].abs()).sum::<f64>();
            slack += mean.abs() * reach;
            all().for_each(|at| least[at] -= mean);
            let pairs = all().flat_map(|a| all().map(move |b| (a, b)));
            pairs.filter(|(a, b)| b <= a).for_each(|(a, b)| sums.hessian[a * width + b] += 1.0);
        }
        slack
    }
}

/// How far each parameter of a minimum can be from where it is now: no coefficient is further from 0 than F/l1, since
/// the loss is not negative. No row's logits without biases can then be further from 0 than
/// B = F·maxⱼ(max|xⱼ|/l1ⱼ) plus the largest offset, and each bias that fits the weights of the classes is within B of
/// where it would be without columns (two classes), or 4B (more, with biases that add up to 0). None where some
/// coefficient has no l1 penalty.
fn reach<L: Loss>(
    risk: &EmpiricalRisk<'_, L>,
    penalty: &ParameterPenalty,
    parameters: &[f64],
    objective: f64,
    centre: &Centre<'_>,
) -> Option<Vec<f64>> {
    let (p, outputs) = (centre.standard.columns.len(), centre.outputs);
    if penalty.l1[..outputs * p].contains(&0.0) || penalty.lower.iter().chain(&penalty.upper).any(|b| b.is_finite()) {
        return None;
    }
    let most = |values: &[f64]| values.iter().fold(0.0, |max, x| f64::max(max, x.abs()));
    // The largest of each column, then of the offsets.
    let largest_of = |largest: &mut Vec<f64>, panel: &Panel| {
        let values = (0..p).map(|j| panel.column(j)).chain([panel.offset()]);
        largest.iter_mut().zip(values).for_each(|(max, values)| *max = f64::max(*max, most(values)));
    };
    let mut largest = vec![0.0; p + 1];
    for part in risk.panels(|| vec![0.0; p + 1], largest_of) {
        largest.iter_mut().zip(part).for_each(|(max, other)| *max = f64::max(*max, other));
    }
    let offset = largest[p];
    let spread = objective * largest.iter().zip(&penalty.l1).fold(0.0, |max, (x, l1)| f64::max(max, x / l1)) + offset;
    let mut reach: Vec<f64> =
        parameters[..outputs * p].iter().zip(&penalty.l1).map(|(w, l1)| w.abs() + objective / l1).collect();
    let totals = class_totals(centre.rows);
    let total: f64 = totals.iter().sum();
    let logs: Vec<f64> = totals.iter().map(|of_class| (of_class / total).ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    for (k, bias) in parameters[outputs * p..].iter().enumerate() {
        reach.push(match outputs {
            1 => (bias - (logs[1] - logs[0])).abs() + spread,
            _ => (bias - (logs[k] - mean)).abs() + 4.0 * spread,
        });
    }
    Some(reach)
}
