//! Newton's method (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 3.2), by Cholesky; where the
//! objective has kinks, proximal Newton (Lee, Sun & Saunders, SIAM Journal on Optimization 24(3), 2014).

use super::coordinate::quadratic_minimum;
use super::{Solver, Step, check};
use crate::cholesky::{Cholesky, dot};
use crate::error::Result;
use crate::objective::{Module, Objective, Order, ParameterPenalty};

/// Full Newton steps, halved while they do not lower the objective.
///
/// Where the objective has kinks, or the start is [near](Newton::near), the Hessian of an earlier step serves again as
/// long as that costs little: a gradient is far cheaper (Kelley, *Iterative Methods for Linear and Nonlinear Equations*, 1995, §5.4.1, the chord method).
/// Give every objective a solver of its own.
#[derive(Clone, Debug, Default)]
pub struct Newton {
    reuses: bool,
    /// The last Hessian, and the decrease that the last step promised.
    kept: Option<(Vec<f64>, f64)>,
}

/// An old Hessian serves while every step promises at most this share of the decrease that the one before did.
const FAST: f64 = 1e-2;
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
    old_hessian: bool,
}

impl Solver for Newton {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        let start = model.parameters().to_vec();
        let (value, proposal) = self.propose(objective, &start);
        let moved = search(objective, model, &start, &proposal, value);
        let Proposal { gradient_max_norm, decrease, old_hessian, .. } = proposal;
        // What is left after a step with a fresh Hessian is the square of what was there; so that an old one ends as
        // near, its steps must promise less.
        let gap = if old_hessian { decrease / FAST.powi(4) } else { decrease };
        Ok(Step { value, gradient_max_norm, gap_estimate: Some(gap), moved })
    }
}

impl Newton {
    /// For a start that is near the minimum, such as that of a problem much alike.
    pub fn near() -> Self {
        Newton { reuses: true, kept: None }
    }

    /// The objective at `start`, and the step from there.
    fn propose(&mut self, objective: &dyn Objective, start: &[f64]) -> (f64, Proposal) {
        let kinks = objective.kinks();
        let whole = |smooth: f64| smooth + kinks.map_or(0.0, |kinks| kinks.absolute(start));
        let step = |hessian: &mut Vec<f64>, gradient: &[f64]| match kinks {
            Some(kinks) => proximal(hessian, gradient, kinks, start),
            None => smooth(hessian, gradient, start),
        };
        if let Some((mut hessian, before)) = self.kept.take() {
            let sums = objective.sums(start, Order::Gradient);
            let proposal = step(&mut hessian, &sums.gradient);
            if proposal.decrease <= FAST * before {
                self.kept = Some((hessian, proposal.decrease));
                return (whole(sums.value), Proposal { old_hessian: true, ..proposal });
            }
        }
        let mut sums = objective.sums(start, Order::Hessian);
        let proposal = step(&mut sums.hessian, &sums.gradient);
        self.kept = (self.reuses || kinks.is_some()).then_some((sums.hessian, proposal.decrease));
        (whole(sums.value), proposal)
    }
}

fn smooth(hessian: &mut [f64], gradient: &[f64], start: &[f64]) -> Proposal {
    let direction = newton_direction(hessian, gradient);
    let slope = dot(&direction, gradient);
    let target = start.iter().zip(&direction).map(|(s, d)| s + d).collect();
    let gradient_max_norm = gradient.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    Proposal { target, decrease: -0.5 * slope, slope, gradient_max_norm, old_hessian: false }
}

fn proximal(hessian: &mut [f64], gradient: &[f64], kinks: &ParameterPenalty, start: &[f64]) -> Proposal {
    let least = kinks.least_subgradient(start, gradient);
    let gradient_max_norm = least.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    let (target, curvature) = quadratic_minimum(hessian, gradient, kinks, start);
    let direction: Vec<f64> = target.iter().zip(start).map(|(t, s)| t - s).collect();
    // Term by term, so that what a kink gives and the gradient takes cancels before it is summed.
    let slope: f64 =
        (0..start.len()).map(|j| gradient[j] * direction[j] + kinks.l1[j] * (target[j].abs() - start[j].abs())).sum();
    Proposal {
        target,
        decrease: -(slope + 0.5 * curvature).min(0.0),
        slope: slope.min(0.0),
        gradient_max_norm,
        old_hessian: false,
    }
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
