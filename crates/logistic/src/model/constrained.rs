//! The minimum of an objective where some linear functions of the parameters are held, by Newton's method (Nocedal &
//! Wright 2006, §16.1 and §18.1), and the way from one such minimum to the next.

use crate::cholesky::{Cholesky, dot};
use crate::objective::{Objective, Order};
use crate::solver::raised_factor;

/// An objective, with the vectors a of the linear functions `a·θ` that are held.
pub(super) struct Constrained<'a> {
    pub(super) objective: &'a (dyn Objective + Sync),
    pub(super) held: Vec<Vec<f64>>,
}

/// A minimum, as it depends on the value of the first function held.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    pub(super) parameters: Vec<f64>,
    pub(super) value: f64,
    /// The derivative of the minimum in the function's value, Lagrange's multiplier.
    pub(super) slope: f64,
    /// The derivative of the parameters in the function's value, to first order.
    pub(super) tangent: Vec<f64>,
    /// `a·H⁻¹·a`.
    pub(super) variance: f64,
}

/// How far above the minimum the end may be, in nats over all rows: 1e-12 moves no end of a 95 % interval by more than
/// 1e-12 of its standard error.
const GAP: f64 = 1e-12;
const MOST_STEPS: usize = 500;
const MOST_HALVINGS: usize = 60;

impl Constrained<'_> {
    /// The minimum on the plane of `start`. None where the objective is infinite at the start, or the minimum is not
    /// reached.
    pub(super) fn minimum(&self, start: Vec<f64>) -> Option<Minimum> {
        let total = self.objective.total_weight();
        let mut parameters = start;
        for _ in 0..MOST_STEPS {
            let mut sums = self.objective.sums(&parameters, Order::Hessian);
            if !sums.value.is_finite() {
                return None;
            }
            let factor = raised_factor(&mut sums.hessian, parameters.len())?;
            let (step, multipliers, tangents) = self.step(&factor, &sums.gradient)?;
            let slope = dot(&sums.gradient, &step);
            if -0.5 * slope * total <= GAP {
                let (slope, tangent) = (multipliers[0], tangents.into_iter().next()?);
                let variance = dot(&self.held[0], &tangent);
                let tangent = tangent.iter().map(|v| v / variance).collect();
                return Some(Minimum { parameters, value: sums.value, slope, tangent, variance });
            }
            parameters = self.lower(&parameters, &step, (sums.value, slope))?;
        }
        None
    }

    /// Newton's step within the plane, `−H⁻¹·(g − Σ μ·a)`, with the multipliers μ and the vectors `H⁻¹·a`.
    fn step(&self, factor: &Cholesky, gradient: &[f64]) -> Option<(Vec<f64>, Vec<f64>, Vec<Vec<f64>>)> {
        let solved = |b: &[f64]| {
            let mut b = b.to_vec();
            factor.solve(&mut b);
            b
        };
        let free = solved(gradient);
        let tangents: Vec<Vec<f64>> = self.held.iter().map(|a| solved(a)).collect();
        let m = self.held.len();
        let products: Vec<f64> = self.held.iter().flat_map(|a| tangents.iter().map(|v| dot(a, v))).collect();
        let mut multipliers: Vec<f64> = self.held.iter().map(|a| dot(a, &free)).collect();
        Cholesky::new(&products, m).ok()?.solve(&mut multipliers);
        let mut step: Vec<f64> = free.iter().map(|u| -u).collect();
        for (v, multiplier) in tangents.iter().zip(&multipliers) {
            step.iter_mut().zip(v).for_each(|(d, v)| *d += multiplier * v);
        }
        Some((step, multipliers, tangents))
    }

    /// All the way, or half of it, or a quarter, until the objective is lower.
    fn lower(&self, start: &[f64], step: &[f64], (value, slope): (f64, f64)) -> Option<Vec<f64>> {
        let rounding = 8.0 * f64::EPSILON * value.abs();
        let mut length = 1.0;
        for _ in 0..MOST_HALVINGS {
            let point: Vec<f64> = start.iter().zip(step).map(|(s, d)| s + length * d).collect();
            if self.objective.sums(&point, Order::Value).value <= value + 1e-4 * length * slope + rounding {
                return Some(point);
            }
            length *= 0.5;
        }
        None
    }
}
