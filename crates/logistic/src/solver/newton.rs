//! Newton's method (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 3.2), by Cholesky; where the
//! objective has kinks, proximal Newton (Lee, Sun & Saunders, SIAM Journal on Optimization 24(3), 2014).

use super::coordinate::quadratic_minimum;
use super::{Solver, Step, check};
use crate::cholesky::{Cholesky, dot};
use crate::error::Result;
use crate::objective::{Module, Objective, Order, Sums};

/// Full Newton steps, halved while they do not lower the objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newton;

/// Steps are halved at most this often; beyond it nothing but rounding is left to gain.
const MOST_HALVINGS: usize = 40;

/// A step before its length is known.
struct Proposal {
    target: Vec<f64>,
    /// How much the quadratic model falls on the way to the target.
    decrease: f64,
    /// Its slope at the start, along the whole way; kinks included.
    slope: f64,
    gradient_max_norm: f64,
}

impl Solver for Newton {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        let start = model.parameters().to_vec();
        let sums = objective.sums(&start, Order::Hessian);
        let value = sums.value + objective.kinks().map_or(0.0, |kinks| kinks.absolute(&start));
        let proposal = propose(objective, sums, &start);
        let moved = search(objective, model, &start, &proposal, value);
        let Proposal { gradient_max_norm, decrease, .. } = proposal;
        Ok(Step { value, gradient_max_norm, gap_estimate: Some(decrease), moved })
    }
}

fn propose(objective: &dyn Objective, mut sums: Sums, start: &[f64]) -> Proposal {
    let Some(kinks) = objective.kinks() else {
        let direction = newton_direction(&mut sums.hessian, &sums.gradient);
        let slope = dot(&direction, &sums.gradient);
        let target = start.iter().zip(&direction).map(|(s, d)| s + d).collect();
        return Proposal { target, decrease: -0.5 * slope, slope, gradient_max_norm: sums.gradient_max_norm() };
    };
    let least = kinks.least_subgradient(start, &sums.gradient);
    let gradient_max_norm = least.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    let (target, curvature) = quadratic_minimum(&mut sums.hessian, &sums.gradient, kinks, start);
    let direction: Vec<f64> = target.iter().zip(start).map(|(t, s)| t - s).collect();
    // Term by term, so that what a kink gives and the gradient takes cancels before it is summed.
    let slope: f64 = (0..start.len())
        .map(|j| sums.gradient[j] * direction[j] + kinks.l1[j] * (target[j].abs() - start[j].abs()))
        .sum();
    Proposal { target, decrease: -(slope + 0.5 * curvature).min(0.0), slope: slope.min(0.0), gradient_max_norm }
}

/// `−H⁻¹·g`, H as [`raised_factor`] has it.
pub(crate) fn newton_direction(hessian: &mut [f64], gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    if let Some(factor) = raised_factor(hessian, gradient.len()) {
        factor.solve(&mut direction);
    }
    direction
}

/// The factor of H (n, n). Where H is not positive definite to working precision (probabilities that have reached 0 and
/// 1), its diagonal is raised until it is.
pub(crate) fn raised_factor(hessian: &mut [f64], n: usize) -> Option<Cholesky> {
    let largest = (0..n).fold(f64::MIN_POSITIVE, |max, j| f64::max(max, hessian[j * n + j]));
    let mut raise = f64::EPSILON * largest;
    for _ in 0..60 {
        if let Ok(factor) = Cholesky::new(hessian, n) {
            return Some(factor);
        }
        (0..n).for_each(|j| hessian[j * n + j] += raise);
        raise *= 4.0;
    }
    None
}

/// Moves the model to the target, or half the way, or a quarter, until the objective does not rise by more than its
/// rounding. Returns whether it moved.
fn search(objective: &dyn Objective, model: &mut dyn Module, start: &[f64], proposal: &Proposal, value: f64) -> bool {
    let rounding = 8.0 * f64::EPSILON * value.abs();
    let mut length = 1.0;
    for _ in 0..MOST_HALVINGS {
        let parameters = model.parameters_mut();
        for ((p, s), t) in parameters.iter_mut().zip(start).zip(&proposal.target) {
            // All the way is the target itself, so that a coefficient that a kink holds at 0 is 0.
            *p = if length == 1.0 { *t } else { s + length * (t - s) };
        }
        let smooth = objective.sums(model.parameters(), Order::Value).value;
        let here = smooth + objective.kinks().map_or(0.0, |kinks| kinks.absolute(model.parameters()));
        if here <= value + 1e-4 * length * proposal.slope + rounding {
            return model.parameters() != start;
        }
        length *= 0.5;
    }
    model.parameters_mut().copy_from_slice(start);
    false
}
