//! Newton's method whose steps come from conjugate gradients, for Hessians that are too large to be worth forming
//! (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 7.1, preconditioned).

use super::newton::Known;
use super::{Solver, Step, check, check_curvature, check_smooth};
use crate::cholesky::{Cholesky, dot};
use crate::error::Result;
use crate::objective::{Curvature, Module, Objective, Order, Preconditioner, Sums};

/// Full steps, halved while they do not lower the objective. A step needs one product with the Hessian for every
/// iteration of conjugate gradients, and each is about as dear as a gradient.
///
/// When products have cost as much as the Hessian and its factor would have, and steps have become so long that a few more
/// would cost as much again, these are bought and precondition what follows.
#[derive(Clone, Debug, Default)]
pub struct NewtonCg {
    here: Option<Here>,
    preconditioner: Option<Preconditioner>,
    /// Products since the start, or since a factor was bought, and those of the last step.
    spent: usize,
    last: usize,
    /// The preconditioned norm of the first gradient.
    first: Option<f64>,
}

/// What is known where the last step ended.
#[derive(Clone, Debug)]
struct Here {
    parameters: Vec<f64>,
    sums: Sums,
    curvature: Curvature,
}

/// A step is good enough when one more product would add less than this share of what all so far have added on average
/// to the decrease that the quadratic promises (Nash & Sofer, Operations Research Letters 9(4), 1990). It is the share of
/// the first gradient that is left, so that the end is reached faster than linearly, between these bounds.
const LOOSE: f64 = 0.25;
const TIGHT: f64 = 1e-5;
/// So many steps are usually still ahead when a factor is thought of.
const FEW_STEPS: usize = 3;
/// A step that takes more has lost its conjugacy.
const MOST_PRODUCTS: usize = 500;
/// A step that leaves less than this share of the gradient is not halved for a value that is higher by so many times its
/// rounding: sums over many rows are rounded more than once.
const FLATTER: f64 = 0.1;
const NOISE: f64 = 100.0;
/// Steps are halved at most this often; beyond it nothing but rounding is left to gain.
const MOST_HALVINGS: usize = 40;

impl Solver for NewtonCg {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        check_curvature(objective, "newton-cg")?;
        check_smooth(objective, "newton-cg")?;
        let start = model.parameters().to_vec();
        let here = self.here.take().filter(|here| here.parameters == start);
        let here = here.unwrap_or_else(|| Here::at(objective, &start));
        let Here { sums, curvature, .. } = &here;
        let preconditioner = self.precondition(objective, &start, curvature);
        let norm = preconditioned_norm(&preconditioner, &sums.gradient);
        let share = norm / self.first.get_or_insert(norm).max(f64::MIN_POSITIVE);
        let tolerance = share.clamp(TIGHT, LOOSE);
        let (direction, products) =
            conjugate_gradients(objective, curvature, &preconditioner, &sums.gradient, tolerance);
        self.spent += products;
        self.last = products;
        let slope = dot(&direction, &sums.gradient);
        let there = search(objective, &start, &direction, sums, slope);
        let mut step = Step {
            value: sums.value,
            gradient_max_norm: sums.gradient_max_norm(),
            gap_estimate: None,
            moved: there.is_some(),
        };
        if let Some(there) = there {
            // The gap goes with the square of the gradient.
            let left = preconditioned_norm(&preconditioner, &there.sums.gradient) / norm;
            step.gap_estimate = Some(-0.5 * slope * left * left);
            step.moved = there.parameters != start;
            model.parameters_mut().copy_from_slice(&there.parameters);
            self.here = Some(there);
        } else {
            // Where it ends; the certificate asks for what is known there.
            self.here = Some(here);
        }
        self.preconditioner = Some(preconditioner);
        Ok(step)
    }
}

impl NewtonCg {
    /// What it knows of the objective at `parameters`.
    pub(crate) fn known(&self, parameters: &[f64]) -> Known {
        match self.here.clone().filter(|here| here.parameters == parameters) {
            Some(here) => Known { sums: Some(here.sums), old: None, curvature: Some(here.curvature) },
            None => Known::default(),
        }
    }

    /// The preconditioner of a step.
    fn precondition(&mut self, objective: &dyn Objective, start: &[f64], curvature: &Curvature) -> Preconditioner {
        let few = FEW_STEPS * self.last;
        if objective.factor_price().is_some_and(|price| self.spent.min(few) as f64 >= price) {
            self.spent = 0;
            let hessian = objective.sums(start, Order::Hessian).hessian;
            if let Ok(factor) = Cholesky::new(&hessian, start.len()) {
                return Preconditioner::factor(factor);
            }
        }
        match self.preconditioner.take() {
            Some(factor) if factor.is_factor() => factor,
            other => objective.preconditioner(curvature, other),
        }
    }
}

impl Here {
    fn at(objective: &dyn Objective, parameters: &[f64]) -> Self {
        let (sums, curvature) = objective.curved(parameters);
        Here { parameters: parameters.to_vec(), sums, curvature }
    }
}

fn preconditioned_norm(preconditioner: &Preconditioner, gradient: &[f64]) -> f64 {
    dot(gradient, &preconditioner.solve(gradient)).max(0.0).sqrt()
}

/// A direction d near the minimum of `g·d + ½·d·H·d`, and how many products it took.
fn conjugate_gradients(
    objective: &dyn Objective,
    curvature: &Curvature,
    preconditioner: &Preconditioner,
    gradient: &[f64],
    tolerance: f64,
) -> (Vec<f64>, usize) {
    let mut d = vec![0.0; gradient.len()];
    let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut solved = preconditioner.solve(&residual);
    let mut towards = solved.clone();
    let (mut size, mut fallen) = (dot(&residual, &solved), 0.0);
    for products in 0..MOST_PRODUCTS {
        if size <= 0.0 {
            return (d, products);
        }
        let product = objective.hessian_product(curvature, &towards);
        let bend = dot(&towards, &product);
        // No curvature is left to go by, but for rounding.
        if bend.is_nan() || bend <= 0.0 {
            return (if products == 0 { towards } else { d }, products + 1);
        }
        let length = size / bend;
        d.iter_mut().zip(&towards).for_each(|(d, t)| *d += length * t);
        let falls = 0.5 * length * size;
        fallen += falls;
        if (products + 1) as f64 * falls <= tolerance * fallen {
            return (d, products + 1);
        }
        residual.iter_mut().zip(&product).for_each(|(r, p)| *r -= length * p);
        solved = preconditioner.solve(&residual);
        let next = dot(&residual, &solved);
        let share = next / size;
        towards.iter_mut().zip(&solved).for_each(|(t, s)| *t = s + share * *t);
        size = next;
    }
    (d, MOST_PRODUCTS)
}

/// Where a full step ends, or half of one, or a quarter: the first that does not raise the objective by more than its
/// rounding.
fn search(objective: &dyn Objective, start: &[f64], direction: &[f64], here: &Sums, slope: f64) -> Option<Here> {
    let rounding = 8.0 * f64::EPSILON * here.value.abs();
    let mut length = 1.0;
    for _ in 0..MOST_HALVINGS {
        let point: Vec<f64> = start.iter().zip(direction).map(|(s, d)| s + length * d).collect();
        let there = Here::at(objective, &point);
        let lowered = there.sums.value <= here.value + 1e-4 * length * slope + rounding;
        // Near the end values say nothing any more, but gradients do.
        let flatter = there.sums.gradient_max_norm() < FLATTER * here.gradient_max_norm();
        if lowered || (flatter && there.sums.value <= here.value + NOISE * rounding) {
            return Some(there);
        }
        length *= 0.5;
    }
    None
}
