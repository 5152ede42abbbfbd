//! Newton's method (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 3.2), by Cholesky; where the
//! objective has kinks, proximal Newton (Lee, Sun & Saunders, SIAM Journal on Optimization 24(3), 2014).

use super::coordinate::quadratic_minimum;
use super::{Solver, Step, check, check_curvature};
use crate::cholesky::{Cholesky, dot};
use crate::error::Result;
use crate::objective::{Curvature, Module, Objective, Order, ParameterPenalty, Sums};

/// Full Newton steps, halved while they do not lower the objective.
///
/// The Hessian of an earlier step serves again as long as that is cheaper: a gradient costs far less (Kelley, *Iterative
/// Methods for Linear and Nonlinear Equations*, 1995, §5.4.1, the chord method). What is computed where a step ends serves
/// the next one. Give every objective a solver of its own.
#[derive(Clone, Debug, Default)]
pub struct Newton {
    reuses: bool,
    /// Whether third derivatives are bounded by second ones, as those of losses are.
    tame: bool,
    kept: Option<Kept>,
    here: Option<Here>,
}

/// An earlier Hessian.
#[derive(Clone, Debug)]
struct Kept {
    metric: Metric,
    /// Where it is from; absent where it is not the objective's own, but of a sample, or raised.
    at: Option<Vec<f64>>,
    /// The decrease that the last step with it promised.
    decrease: f64,
}

/// A Hessian, as steps need it.
#[derive(Clone, Debug)]
pub(crate) enum Metric {
    /// Its factor, where the objective is smooth; none where it cannot be factored.
    Factor(Option<Cholesky>),
    /// Itself, where the objective has kinks. Row-major (n, n).
    Matrix(Vec<f64>),
}

/// What is known where the last step ended.
#[derive(Clone, Debug)]
struct Here {
    parameters: Vec<f64>,
    sums: Sums,
}

/// An old Hessian serves while every step promises at most this share of the decrease that the one before did.
const FAST: f64 = 1e-2;
/// Steps are halved at most this often; beyond it nothing but rounding is left to gain.
const MOST_HALVINGS: usize = 40;
/// From a gap of d, a fresh Hessian leads to one of d·STRAIGHT·d or less: with the third derivative bounded by the spread
/// M of a row's logits (see the certificate of a fit), the factor is about M², which is the number of parameters where rows
/// are alike, and far more where classes are rare or all but separated.
const STRAIGHT: f64 = 1e12;
/// What the factor is where an old Hessian is worth a thought.
const ORDINARY: f64 = 1e3;
/// A fresh Hessian squares the gap; so that an end with an old one is as near, its contraction is taken for so many times
/// larger.
const MARGIN: f64 = 1e8;
/// The gap, over all rows, that an end is expected to have; see [`super::Stopping::gap`].
const END: f64 = 1e-14;

/// A step before its length is known.
struct Proposal {
    target: Vec<f64>,
    /// How much the quadratic model falls on the way to the target.
    decrease: f64,
    /// Its slope at the start, along the whole way; kinks included.
    slope: f64,
    gradient_max_norm: f64,
    /// The share of the decrease that the next step will promise.
    contraction: f64,
}

impl Solver for Newton {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        check_curvature(objective, "newton")?;
        let start = model.parameters().to_vec();
        let (value, proposal) = self.propose(objective, &start);
        let order = self.order(objective, &proposal);
        let moved = self.search(objective, model, &start, &proposal, (value, order));
        let Proposal { gradient_max_norm, decrease, contraction, .. } = proposal;
        Ok(Step { value, gradient_max_norm, gap_estimate: Some(decrease * contraction), moved })
    }
}

impl Newton {
    /// For a start that is near the minimum, such as that of a problem much alike.
    pub fn near() -> Self {
        Newton { reuses: true, ..Newton::tame() }
    }

    /// For losses that grow no faster than linearly, with or without a penalty: there, Newton's steps square the gap, so that
    /// the end can be foreseen, and an old Hessian serves near it.
    pub fn tame() -> Self {
        Newton { tame: true, ..Newton::default() }
    }

    /// For a start near the minimum over a sample of the rows, by what `other` knows of the sample.
    pub(crate) fn after_sample(other: Newton) -> Self {
        let kept = other.kept.map(|kept| Kept { at: None, decrease: f64::INFINITY, ..kept });
        Newton { kept, ..Newton::tame() }
    }

    /// What it knows of the objective at `parameters`: the sums there, and the last Hessian with its place.
    pub(crate) fn into_known(self, parameters: &[f64]) -> Known {
        let sums = self.here.filter(|here| here.parameters == parameters).map(|here| here.sums);
        let old = self.kept.and_then(|kept| Some((kept.at?, kept.metric)));
        Known { sums, old, curvature: None }
    }

    /// The objective at `start`, and the step from there.
    fn propose(&mut self, objective: &dyn Objective, start: &[f64]) -> (f64, Proposal) {
        let kinks = objective.kinks();
        let whole = |smooth: f64| smooth + kinks.map_or(0.0, |kinks| kinks.absolute(start));
        let mut here = self.here.take().filter(|here| here.parameters == start).map(|here| here.sums);
        let fresh = here.as_ref().is_some_and(|sums| !sums.hessian.is_empty());
        let serves = self.tame || kinks.is_some();
        if let (false, Some(mut kept)) = (fresh, self.kept.take().filter(|_| serves)) {
            let sums = here.take().unwrap_or_else(|| objective.sums(start, Order::Gradient));
            let proposal = kept.metric.step(&sums.gradient, kinks, start);
            let contraction = proposal.decrease / kept.decrease;
            if contraction <= FAST {
                let value = whole(sums.value);
                // Of a sample's Hessian nothing is known yet but that it is roughly that of all rows.
                let contraction = if kept.decrease.is_finite() { MARGIN * contraction } else { MARGIN };
                self.kept = Some(Kept { decrease: proposal.decrease, ..kept });
                return (value, Proposal { contraction, ..proposal });
            }
        }
        let mut sums =
            here.filter(|sums| !sums.hessian.is_empty()).unwrap_or_else(|| objective.sums(start, Order::Hessian));
        let hessian = std::mem::take(&mut sums.hessian);
        let (mut metric, exact) = Metric::of(hessian, start.len(), kinks.is_some());
        let proposal = metric.step(&sums.gradient, kinks, start);
        let squares = self.tame && kinks.is_none();
        let contraction = if squares { (STRAIGHT * proposal.decrease).min(1.0) } else { 1.0 };
        let (at, decrease) = (exact.then(|| start.to_vec()), proposal.decrease);
        self.kept = Some(Kept { metric, at, decrease });
        (whole(sums.value), Proposal { contraction, ..proposal })
    }

    /// What is wanted where a step ends: a Hessian too, unless the one at hand leads to the end with less work.
    ///
    /// From a gap of d, steps with a fresh Hessian square it; with that of the point before, the first leads to d² as
    /// well, and every other multiplies by d again. A Hessian costs about n/16 times as much more than a gradient.
    fn order(&self, objective: &dyn Objective, proposal: &Proposal) -> Order {
        let Some(kept) = &self.kept else { return Order::Hessian };
        if self.reuses || objective.kinks().is_some() {
            return Order::Gradient;
        }
        if kept.at.is_none() || !self.tame {
            return Order::Hessian;
        }
        let ratio = (ORDINARY * proposal.decrease).max(f64::MIN_POSITIVE);
        let end = END / objective.total_weight().clamp(1.0, 1e20);
        if ratio >= FAST {
            return Order::Hessian;
        }
        // Logarithms fall by their own size with every step, or double.
        let steps = (end.ln() / ratio.ln()).max(1.0);
        let price = 1.0 + objective.n_parameters() as f64 / 16.0;
        if steps.ceil() - 1.0 <= price * steps.log2().ceil() { Order::Gradient } else { Order::Hessian }
    }

    /// Moves the model to the target, or half the way, or a quarter, until the objective does not rise by more than its
    /// rounding. Returns whether it moved.
    fn search(
        &mut self,
        objective: &dyn Objective,
        model: &mut dyn Module,
        start: &[f64],
        proposal: &Proposal,
        (value, mut order): (f64, Order),
    ) -> bool {
        let rounding = 8.0 * f64::EPSILON * value.abs();
        let mut length = 1.0;
        for _ in 0..MOST_HALVINGS {
            let parameters = model.parameters_mut();
            for ((p, s), t) in parameters.iter_mut().zip(start).zip(&proposal.target) {
                // All the way is the target itself, so that a coefficient that a kink holds at 0 is 0.
                *p = if length == 1.0 { *t } else { s + length * (t - s) };
            }
            let sums = objective.sums(model.parameters(), order);
            let here = sums.value + objective.kinks().map_or(0.0, |kinks| kinks.absolute(model.parameters()));
            if here <= value + 1e-4 * length * proposal.slope + rounding {
                self.here = Some(Here { parameters: model.parameters().to_vec(), sums });
                return model.parameters() != start;
            }
            // A target that was too far says that the next may be too.
            order = order.min(Order::Gradient);
            length *= 0.5;
        }
        model.parameters_mut().copy_from_slice(start);
        false
    }
}

/// What a solver knows of an objective where it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Value and derivatives there.
    pub(crate) sums: Option<Sums>,
    /// A point on the way, and the Hessian there.
    pub(crate) old: Option<(Vec<f64>, Metric)>,
    /// The curvature there.
    pub(crate) curvature: Option<Curvature>,
}

impl Metric {
    /// Of a Hessian (n, n), and whether it is that, and not raised.
    fn of(mut hessian: Vec<f64>, n: usize, kinks: bool) -> (Self, bool) {
        if kinks {
            return (Metric::Matrix(hessian), true);
        }
        let (factor, raised) = raised_factor(&mut hessian, n);
        (Metric::Factor(factor), !raised)
    }

    fn step(&mut self, gradient: &[f64], kinks: Option<&ParameterPenalty>, start: &[f64]) -> Proposal {
        match self {
            Metric::Factor(factor) => smooth(factor.as_ref(), gradient, start),
            Metric::Matrix(hessian) => match kinks {
                Some(kinks) => proximal(hessian, gradient, kinks, start),
                None => proximal(hessian, gradient, &ParameterPenalty::none(start.len()), start),
            },
        }
    }
}

fn smooth(factor: Option<&Cholesky>, gradient: &[f64], start: &[f64]) -> Proposal {
    let direction = direction(factor, gradient);
    let slope = dot(&direction, gradient);
    let target = start.iter().zip(&direction).map(|(s, d)| s + d).collect();
    let gradient_max_norm = gradient.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
    Proposal { target, decrease: -0.5 * slope, slope, gradient_max_norm, contraction: 1.0 }
}

fn direction(factor: Option<&Cholesky>, gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    if let Some(factor) = factor {
        factor.solve(&mut direction);
    }
    direction
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
        contraction: 1.0,
    }
}

/// `−H⁻¹·g`, H as [`raised_factor`] has it.
pub(crate) fn newton_direction(hessian: &mut [f64], gradient: &[f64]) -> Vec<f64> {
    direction(raised_factor(hessian, gradient.len()).0.as_ref(), gradient)
}

/// The factor of H (n, n), and whether it was raised: where H is not positive definite to working precision
/// (probabilities that have reached 0 and 1), its diagonal is raised until it is.
pub(crate) fn raised_factor(hessian: &mut [f64], n: usize) -> (Option<Cholesky>, bool) {
    let largest = (0..n).fold(f64::MIN_POSITIVE, |max, j| f64::max(max, hessian[j * n + j]));
    let mut raise = f64::EPSILON * largest;
    for attempt in 0..60 {
        if let Ok(factor) = Cholesky::new(hessian, n) {
            return (Some(factor), attempt > 0);
        }
        (0..n).for_each(|j| hessian[j * n + j] += raise);
        raise *= 4.0;
    }
    (None, true)
}
