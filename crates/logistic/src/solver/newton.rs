//! Newton's method (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 3.2), by Cholesky.

use super::{Solver, Step, check};
use crate::cholesky::{Cholesky, dot};
use crate::error::Result;
use crate::objective::{Module, Objective, Order};

/// Full Newton steps, halved while they do not lower the objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newton;

/// Steps are halved at most this often; beyond it nothing but rounding is left to gain.
const MOST_HALVINGS: usize = 40;

impl Solver for Newton {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        let start = model.parameters().to_vec();
        let mut sums = objective.sums(&start, Order::Hessian);
        let direction = newton_direction(&mut sums.hessian, &sums.gradient);
        let slope = dot(&direction, &sums.gradient);
        let moved = search(objective, model, &start, &direction, sums.value, slope);
        Ok(Step {
            value: sums.value,
            gradient_max_norm: sums.gradient_max_norm(),
            gap_estimate: Some(-0.5 * slope),
            moved,
        })
    }
}

/// `−H⁻¹·g`. Where H is not positive definite to working precision (probabilities that have reached 0 and 1), its
/// diagonal is raised until it is.
pub(crate) fn newton_direction(hessian: &mut [f64], gradient: &[f64]) -> Vec<f64> {
    let n = gradient.len();
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let largest = (0..n).fold(f64::MIN_POSITIVE, |max, j| f64::max(max, hessian[j * n + j]));
    let mut raise = f64::EPSILON * largest;
    for _ in 0..60 {
        if let Ok(factor) = Cholesky::new(hessian, n) {
            factor.solve(&mut direction);
            return direction;
        }
        (0..n).for_each(|j| hessian[j * n + j] += raise);
        raise *= 4.0;
    }
    direction
}

/// Moves the model along `direction`, at first by all of it, then by half, until the objective does not rise by more
/// than its rounding. Returns whether it moved.
fn search(
    objective: &dyn Objective,
    model: &mut dyn Module,
    start: &[f64],
    direction: &[f64],
    value: f64,
    slope: f64,
) -> bool {
    let rounding = 8.0 * f64::EPSILON * value.abs();
    let mut length = 1.0;
    for _ in 0..MOST_HALVINGS {
        let parameters = model.parameters_mut();
        for ((p, s), d) in parameters.iter_mut().zip(start).zip(direction) {
            *p = s + length * d;
        }
        let here = objective.sums(model.parameters(), Order::Value).value;
        if here <= value + 1e-4 * length * slope + rounding {
            return model.parameters() != start;
        }
        length *= 0.5;
    }
    model.parameters_mut().copy_from_slice(start);
    false
}
