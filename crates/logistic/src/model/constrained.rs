//! The minimum of an objective where some linear functions of the parameters are held, by Newton's method (Nocedal &
//! Wright 2006, §16.1 and §18.1), and the way from one such minimum to the next.

use crate::cholesky::{Cholesky, dot};
use crate::objective::{Objective, Order};
use crate::solver::raised_factor;

/// An objective, with the vectors a of the linear functions `a·θ` that are held.
pub(super) struct Constrained<'a> {
    pub(super) objective: &'a (dyn Objective + Sync),
    pub(super) held: Vec<Vec<f64>>,
    /// Whether there is one minimum only; Firth's objective may have more.
    pub(super) convex: bool,
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

/// `−H⁻¹·(g − Σ μ·a)`, with the multipliers μ and the vectors `H⁻¹·a`.
struct Step {
    direction: Vec<f64>,
    multipliers: Vec<f64>,
    tangents: Vec<Vec<f64>>,
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
            let factor = raised_factor(&mut sums.hessian, parameters.len()).0?;
            let Step { direction, multipliers, tangents } = self.step(&factor, &sums.gradient)?;
            let slope = dot(&sums.gradient, &direction);
            if -0.5 * slope * total <= GAP {
                let (slope, tangent) = (multipliers[0], tangents.into_iter().next()?);
                let variance = dot(&self.held[0], &tangent);
                let tangent = tangent.iter().map(|v| v / variance).collect();
                return Some(Minimum { parameters, value: sums.value, slope, tangent, variance });
            }
            parameters = self.lower(&parameters, &direction, (sums.value, slope))?;
        }
        None
    }

    /// The minimum where all functions held are 0. Where there may be several, the lowest found from three starts: the
    /// points of that plane nearest to `best` in the metric of the Hessian and in plain distance, and the origin.
    pub(super) fn minimum_at_zero(&self, best: &[f64]) -> Option<Minimum> {
        let mut sums = self.objective.sums(best, Order::Hessian);
        let tangents = self.tangents(&raised_factor(&mut sums.hessian, best.len()).0?);
        let near = self.projected(best, &tangents).and_then(|start| self.minimum(start));
        if self.convex && near.is_some() {
            return near;
        }
        let plain = self.projected(best, &self.held).and_then(|start| self.minimum(start));
        let far = self.minimum(vec![0.0; best.len()]);
        near.into_iter().chain(plain).chain(far).min_by(|a, b| a.value.total_cmp(&b.value))
    }

    /// The point at which all functions held are 0, from `point` along the directions given, one for each.
    fn projected(&self, point: &[f64], along: &[Vec<f64>]) -> Option<Vec<f64>> {
        let mut excess: Vec<f64> = self.held.iter().map(|a| dot(a, point)).collect();
        self.products(along)?.solve(&mut excess);
        let mut projected = point.to_vec();
        for (v, excess) in along.iter().zip(&excess) {
            projected.iter_mut().zip(v).for_each(|(p, v)| *p -= excess * v);
        }
        Some(projected)
    }

    /// The vectors `H⁻¹·a`.
    fn tangents(&self, factor: &Cholesky) -> Vec<Vec<f64>> {
        let solved = |a: &Vec<f64>| {
            let mut b = a.clone();
            factor.solve(&mut b);
            b
        };
        self.held.iter().map(solved).collect()
    }

    /// The factor of the matrix of all `a·v`, v the vectors `H⁻¹·a`, or the a themselves.
    fn products(&self, tangents: &[Vec<f64>]) -> Option<Cholesky> {
        let products: Vec<f64> = self.held.iter().flat_map(|a| tangents.iter().map(|v| dot(a, v))).collect();
        Cholesky::new(&products, self.held.len()).ok()
    }

    /// Newton's step within the plane.
    fn step(&self, factor: &Cholesky, gradient: &[f64]) -> Option<Step> {
        let mut free = gradient.to_vec();
        factor.solve(&mut free);
        let tangents = self.tangents(factor);
        let mut multipliers: Vec<f64> = self.held.iter().map(|a| dot(a, &free)).collect();
        self.products(&tangents)?.solve(&mut multipliers);
        let mut direction: Vec<f64> = free.iter().map(|u| -u).collect();
        for (v, multiplier) in tangents.iter().zip(&multipliers) {
            direction.iter_mut().zip(v).for_each(|(d, v)| *d += multiplier * v);
        }
        Some(Step { direction, multipliers, tangents })
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
