//! How far a fit can be from the optimum: a bound that is computed, not a tolerance that was met.

use super::attempt::{CERTIFIED, counted};
use super::convexity::by_convexity;
use super::settings::class_totals;
use crate::cholesky::Cholesky;
use crate::dataset::{Panel, Rows, Standardisation};
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Objective, Order, ParameterPenalty, Sums};
use crate::solver::{Certificate, Known, Metric};

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
///
/// The Hessian may be that of a point on the way: where no row's logit has moved by more than r, no curvature has changed by
/// more than a factor of exp(r), so that λ and M grow by exp(r/2) at most. `exact` asks for the one at `parameters`.
pub(super) fn certify<L: Loss>(
    risk: &EmpiricalRisk<'_, L>,
    penalty: &ParameterPenalty,
    parameters: &[f64],
    centre: &Centre<'_>,
    (known, exact): (Known, bool),
) -> Certified {
    let serves = |certified: &Certified| is_proven(certified, centre.rows) || parameters.len() > MOST_FORMED;
    if let Some(certified) = by_convexity(risk, penalty, centre, &known).filter(serves) {
        return certified;
    }
    let (mut sums, old) = match (known.sums, known.old) {
        (Some(sums), old) if !sums.hessian.is_empty() => (sums, old.filter(|_| false)),
        (Some(sums), Some(old)) if !exact => (sums, Some(old)),
        _ => (risk.sums(parameters, Order::Hessian), None),
    };
    let objective = sums.value + penalty.absolute(parameters);
    let rounding = f64::EPSILON * objective;
    let mut least = penalty.least_subgradient(parameters, &sums.gradient);
    let gradient_max_norm = least.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    let rounded = |least: &mut [f64]| round_up(least, rounding);
    let spread = Spread {
        risk,
        square: risk.largest_square(&centre.standard.largest, &vec![1.0; centre.standard.columns.len()]),
    };
    if let Some((at, Metric::Factor(Some(factor)))) = &old {
        rounded(&mut least);
        let way: Vec<f64> = parameters.iter().zip(at).map(|(w, from)| w - from).collect();
        let bound = spread.drift(factor, &way).and_then(|drift| spread.bound(factor, &least, drift));
        if let Some(gap) = bound.filter(|bound| *bound < objective) {
            let certificate = Certificate { gradient_max_norm, gap, bounded: true };
            return Certified { certificate, objective, factor: None };
        }
    }
    if sums.hessian.is_empty() {
        sums = risk.sums(parameters, Order::Hessian);
    }
    let mut least = penalty.least_subgradient(parameters, &sums.gradient);
    rounded(&mut least);
    let slack = centre.take_loose(penalty, parameters, objective, &mut least, &mut sums);
    let factor = Cholesky::new(&sums.hessian, parameters.len()).ok();
    let by_curvature = factor.as_ref().and_then(|factor| spread.bound(factor, &least, 0.0));
    let by_reach = || {
        let bound = reach(risk, penalty, parameters, objective, centre)?;
        Some(bound.iter().zip(&least).map(|(reach, v)| reach * v.abs()).sum())
    };
    let bound = by_curvature.or_else(by_reach).map(|bound| bound + slack);
    let bounded = bound.is_some_and(|bound| bound < objective);
    let gap = bound.unwrap_or(objective).min(objective);
    Certified { certificate: Certificate { gradient_max_norm, gap, bounded }, objective, factor }
}

/// A larger Hessian is not formed for a certificate's sake, if one without will do.
const MOST_FORMED: usize = 2_000;

/// Whether the gap, over all rows, is as small as that of a fit that has converged.
pub(super) fn is_proven(certified: &Certified, rows: &Rows<'_>) -> bool {
    certified.certificate.bounded && certified.certificate.gap * counted(rows) <= CERTIFIED
}

/// Adds what they are rounded by to the entries of a subgradient.
pub(super) fn round_up(least: &mut [f64], rounding: f64) {
    least.iter_mut().for_each(|v| *v = (v.abs() + rounding).copysign(*v));
}

/// How far the logits of rows can spread.
struct Spread<'s, 'a, L> {
    risk: &'s EmpiricalRisk<'a, L>,
    /// At least the largest `Σⱼ xᵢⱼ²` of any row.
    square: f64,
}

impl<L: Loss> Spread<'_, '_, L> {
    /// The bound of the gap, `least` (rounding included) being the subgradient, by the factor of a Hessian whose logits
    /// have moved by `drift` at most since.
    fn bound(&self, factor: &Cholesky, least: &[f64], drift: f64) -> Option<f64> {
        let decrement = decrement(factor, least, drift);
        let grown = (0.5 * drift).exp();
        // Any M from above will do, and where u is small even a rough one costs nothing of the bound.
        let rough = grown * self.rough_norm(factor);
        let norm = if decrement * rough < ROUGH { rough } else { grown * self.risk.largest_norm(factor) };
        by_curvature(decrement, norm)
    }

    /// At most how far any row's logits have moved along `way`; none where that is too far for an old Hessian to serve.
    fn drift(&self, factor: &Cholesky, way: &[f64]) -> Option<f64> {
        let lower = factor.lower();
        let n = way.len();
        // ‖Lᵀ·way‖.
        let mut turned = vec![0.0; n];
        for (i, w) in way.iter().enumerate() {
            turned.iter_mut().zip(&lower[i * n..=i * n + i]).for_each(|(sum, l)| *sum += l * w);
        }
        let length = turned.iter().map(|v| v * v).sum::<f64>().sqrt();
        let drift = length * self.rough_norm(factor);
        (drift < 1.0).then_some(drift)
    }

    fn rough_norm(&self, factor: &Cholesky) -> f64 {
        rough_norm(factor, self.square)
    }
}

/// At least M: the norm of a row times the Frobenius norm of the inverse factor.
pub(super) fn rough_norm(factor: &Cholesky, largest_square: f64) -> f64 {
    let square = 1.0 + largest_square;
    // Twice, for the spread between two of several logits.
    (2.0 * square * factor.inverse_trace()).sqrt()
}

/// λ at most, by the factor of a Hessian whose logits have moved by `drift` at most since.
fn decrement(factor: &Cholesky, least: &[f64], drift: f64) -> f64 {
    let mut whitened = least.to_vec();
    factor.solve_lower(&mut whitened);
    (0.5 * drift).exp() * whitened.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The bound of the gap by λ and M, where u is below 1.
pub(super) fn by_curvature(decrement: f64, norm: f64) -> Option<f64> {
    let u = decrement * norm;
    // For small u the difference cancels; its series is u²/2 + u³/6 + …, below u²/2·(1 + u).
    let bound = if u < 1e-4 { 0.5 * u * u * (1.0 + u) } else { u + (1.0 - u) * (-u).ln_1p() };
    (u < 1.0).then_some(bound / (norm * norm))
}

/// The bound of the gap as [`certify`] has it, `least` (rounding included) being the subgradient, by a factor and its
/// [`rough_norm`], where no row's logit has moved by more than `drift` since; none where that is too rough.
pub(super) fn rough_bound((factor, norm): (&Cholesky, f64), least: &[f64], drift: f64) -> Option<f64> {
    let (decrement, norm) = (decrement(factor, least, drift), (0.5 * drift).exp() * norm);
    (decrement * norm < ROUGH).then(|| by_curvature(decrement, norm)).flatten()
}

/// Below this u, the bound from a rough M is within 1 % of that from the exact one.
const ROUGH: f64 = 1e-2;

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
    // Rows that an engine holds are not looked at one by one.
    if risk.is_elsewhere() {
        return None;
    }
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
