//! Limited-memory BFGS (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithms 7.4 and 3.5).

use std::collections::VecDeque;

use super::{Solver, Step, check, check_smooth};
use crate::cholesky::dot;
use crate::error::Result;
use crate::objective::{Module, Objective, Order, Sums};

/// L-BFGS with a line search for the strong Wolfe conditions.
///
/// It remembers the gradient at the point it reached; give every objective a solver of its own.
#[derive(Clone, Debug)]
pub struct Lbfgs {
    memory: usize,
    pairs: VecDeque<Pair>,
    here: Option<Sums>,
    quiet: usize,
}

#[derive(Clone, Debug)]
struct Pair {
    moved: Vec<f64>,
    turned: Vec<f64>,
    product: f64,
}

/// Sufficient decrease and curvature constants of the Wolfe conditions, as Nocedal & Wright recommend.
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// A line search may look at most this often.
const MOST_TRIALS: usize = 40;
/// The minimum is reached, to rounding, after so many steps in a row that lower the objective by rounding alone.
const QUIET_STEPS: usize = 5;

impl Lbfgs {
    /// Remembers the last `memory` steps.
    pub fn new(memory: usize) -> Self {
        Lbfgs { memory: memory.max(1), pairs: VecDeque::new(), here: None, quiet: 0 }
    }

    /// `−H·g`, H the inverse Hessian as the remembered steps tell it (the two-loop recursion).
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = dot(&pair.moved, &q) / pair.product;
            q.iter_mut().zip(&pair.turned).for_each(|(q, t)| *q -= alpha * t);
            alphas.push(alpha);
        }
        if let Some(last) = self.pairs.back() {
            let scale = last.product / dot(&last.turned, &last.turned);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for (pair, alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = dot(&pair.turned, &q) / pair.product;
            q.iter_mut().zip(&pair.moved).for_each(|(q, m)| *q += (alpha - beta) * m);
        }
        q
    }

    fn remember(&mut self, moved: Vec<f64>, turned: Vec<f64>) {
        let product = dot(&moved, &turned);
        if product > f64::EPSILON * dot(&turned, &turned) {
            if self.pairs.len() == self.memory {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { moved, turned, product });
        }
    }
}

impl Default for Lbfgs {
    fn default() -> Self {
        Lbfgs::new(20)
    }
}

impl Solver for Lbfgs {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        check_smooth(objective, "lbfgs")?;
        let start = model.parameters().to_vec();
        let here = self.here.take().unwrap_or_else(|| objective.sums(&start, Order::Gradient));
        let mut step =
            Step { value: here.value, gradient_max_norm: here.gradient_max_norm(), gap_estimate: None, moved: false };
        let mut direction = self.direction(&here.gradient);
        if dot(&direction, &here.gradient) >= 0.0 {
            self.pairs.clear();
            direction = self.direction(&here.gradient);
        }
        let first = if self.pairs.is_empty() { 1.0 / (1.0 + dot(&direction, &direction).sqrt()) } else { 1.0 };
        let Some((length, there)) = wolfe(objective, &start, &direction, &here, first) else {
            self.here = Some(here);
            return Ok(step);
        };
        let moved: Vec<f64> = direction.iter().map(|d| length * d).collect();
        model.parameters_mut().iter_mut().zip(&moved).for_each(|(p, m)| *p += m);
        let turned = there.gradient.iter().zip(&here.gradient).map(|(t, h)| t - h).collect();
        let gained = here.value - there.value > f64::EPSILON * here.value.abs();
        let flatter = there.gradient_max_norm() < 0.5 * step.gradient_max_norm;
        self.quiet = if gained || flatter { 0 } else { self.quiet + 1 };
        step.moved = moved.iter().any(|&m| m != 0.0) && self.quiet < QUIET_STEPS;
        self.remember(moved, turned);
        self.here = Some(there);
        Ok(step)
    }
}

/// A step length that meets the strong Wolfe conditions, by bracketing and bisection, and the sums there. Below the
/// objective's rounding, where values say nothing any more, the slope alone decides.
fn wolfe(objective: &dyn Objective, start: &[f64], direction: &[f64], here: &Sums, first: f64) -> Option<(f64, Sums)> {
    let slope = dot(direction, &here.gradient);
    let rounding = 8.0 * f64::EPSILON * here.value.abs();
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first);
    if slope == 0.0 {
        return None;
    }
    for _ in 0..MOST_TRIALS {
        let point: Vec<f64> = start.iter().zip(direction).map(|(s, d)| s + length * d).collect();
        let there = objective.sums(&point, Order::Gradient);
        let new_slope = dot(direction, &there.gradient);
        let lowered = there.value <= here.value + DECREASE * length * slope + rounding;
        if !lowered || new_slope > -CURVATURE * slope {
            high = length;
        } else if new_slope < CURVATURE * slope {
            low = length;
        } else {
            return Some((length, there));
        }
        length = if high.is_finite() { 0.5 * (low + high) } else { 4.0 * length };
    }
    None
}
