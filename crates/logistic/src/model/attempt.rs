//! One minimisation, from a start to a certified end, in standardised columns.

use super::batches::Batches;
use super::certificate::{Centre, Certified, certify, is_proven};
use super::convexity::by_convexity;
use super::fit::Progress;
use super::sample;
use super::settings::{LogisticRegression, Method};
use crate::cholesky::Cholesky;
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Linear, Module, Objective, ParameterPenalty};
use crate::solver::{Adam, Certificate, Known, Lbfgs, Newton, NewtonCg, Sgd, Stopping, Termination, minimise};

/// The largest per-row gap, over all rows, that is called converged: coefficients within 1.5e-4 of their standard
/// errors even where the bound is sharp. Newton's quadratic end puts them far closer.
pub(super) const CERTIFIED: f64 = 1e-8;
/// What a fit by conjugate gradients usually takes, in products with the Hessian, and one by factors, in Hessians.
const USUAL_PRODUCTS: f64 = 60.0;
const USUAL_FACTORS: f64 = 3.0;
/// The estimated gap, over all rows, at which a fit by products is shown to the certificate, which looks at the gradient
/// more severely than the estimate; where it is not content, so much closer, and so on to the least.
const PRODUCTS_END: f64 = 1e-11;
const CLOSER: f64 = 1e-3;
/// Where products cost next to nothing, coefficients may as well have all their digits.
const NO_COST: f64 = 1e-4;
const NO_COST_END: f64 = 1e-17;
const LEAST_END: f64 = 1e-19;
/// The Hessian of fewer is no work.
const FEW_WEIGHTS: usize = 64;
/// Newton needs a handful of steps; on separated data about 32 until the gain is rounding.
const MOST_NEWTON_STEPS: usize = 200;

/// What the gap per row is multiplied by: the weight of the rows, but no less than their number, for small weights make
/// nothing converge, and no more than f64 can answer for.
pub(super) fn counted(rows: &Rows<'_>) -> f64 {
    rows.total_weight().max(rows.len() as f64).min(1e20)
}

/// Where a solver ended, in standardised columns, and what that is worth.
pub(super) struct Attempt {
    /// The method that was chosen.
    pub(super) method: Method,
    pub(super) parameters: Vec<f64>,
    pub(super) termination: Termination,
    pub(super) trace: Vec<f64>,
    pub(super) objective: f64,
    /// Of the Hessian over all parameters; none where some were left at 0 without looking at their curvature.
    pub(super) factor: Option<Cholesky>,
    pub(super) certificate: Certificate,
}

impl Attempt {
    /// What is called converged is so by the certificate, never by the solver's word.
    pub(super) fn new(
        parameters: Vec<f64>,
        trace: Vec<f64>,
        ended: Termination,
        certified: Certified,
        total: f64,
    ) -> Self {
        let Certified { certificate, objective, factor } = certified;
        let reached = certificate.bounded && certificate.gap * total <= CERTIFIED;
        let termination = match ended {
            Termination::Interrupted => ended,
            _ if reached => Termination::Converged,
            Termination::Converged => Termination::Stalled,
            other => other,
        };
        Attempt { method: Method::Newton, parameters, termination, trace, objective, factor, certificate }
    }

    /// Whether numbers left the range of f64 on the way.
    fn diverged(&self) -> bool {
        let numbers = self.parameters.iter().chain(&self.trace).chain([&self.objective]);
        numbers.into_iter().any(|number| !number.is_finite())
    }
}

/// Of a training whose numbers left the range of f64.
pub(super) fn divergence(learning_rate: f64) -> Error {
    Error::setting("learning-rate", "small enough for the training not to diverge", &learning_rate)
}

/// Puts a model to `start`, if that is a start, and within bounds.
fn begin(model: &mut Linear, start: &[f64], penalty: &ParameterPenalty) {
    if start.len() == model.parameters().len() {
        model.parameters_mut().copy_from_slice(start);
    }
    let bounds = penalty.lower.iter().zip(&penalty.upper);
    model.parameters_mut().iter_mut().zip(bounds).for_each(|(w, (low, high))| *w = w.clamp(*low, *high));
}

/// Minimises by conjugate gradients until `proven` is content, and tells what is known at the end; a product costs `cost`
/// seconds.
fn by_products(
    (risk, cost): (&dyn Objective, f64),
    model: &mut Linear,
    trace: &mut Vec<f64>,
    progress: Progress<'_>,
    proven: impl Fn(&Known) -> bool,
) -> Result<(Termination, Known)> {
    let mut solver = NewtonCg::default();
    let gap = if cost < NO_COST { NO_COST_END } else { PRODUCTS_END };
    let mut stopping = Stopping { gap, max_iterations: MOST_NEWTON_STEPS };
    loop {
        let ended = minimise(risk, model, &mut solver, stopping, trace, progress)?;
        let known = solver.known(model.parameters());
        if ended != Termination::Converged || stopping.gap < LEAST_END || proven(&known) {
            return Ok((ended, known));
        }
        stopping.gap *= CLOSER;
    }
}

impl LogisticRegression {
    pub(super) fn risk<'a, L: Loss>(
        &self,
        rows: &Rows<'a>,
        standard: &Standardisation,
        loss: L,
    ) -> Result<EmpiricalRisk<'a, L>> {
        let penalty = self.parameter_penalty(standard, loss.n_outputs());
        let risk = EmpiricalRisk::new(rows.clone(), loss).standardised(standard.clone());
        let risk = if self.intercept { risk } else { risk.without_intercept() };
        risk.penalised(penalty)
    }

    /// All coefficients 0, and an intercept that takes off the median of the offsets: far from where the rows are, there
    /// is no curvature to go by.
    pub(super) fn start(&self, rows: &Rows<'_>, p: usize, outputs: usize) -> Linear {
        if !self.intercept {
            return Linear::without_bias(p, outputs);
        }
        let mut model = Linear::zeros(p, outputs);
        let data = rows.dataset();
        if let Some(offset) = data.offset() {
            let counts = |&i: &usize| data.weight().is_none_or(|weight| weight[i] > 0.0);
            let mut offset: Vec<f64> = rows.indices().filter(counts).map(|i| offset[i]).collect();
            let middle = offset.len() / 2;
            if middle < offset.len() {
                let (_, &mut median, _) = offset.select_nth_unstable_by(middle, f64::total_cmp);
                model.parameters_mut().iter_mut().skip(outputs * p).for_each(|bias| *bias = -median);
            }
        }
        model
    }

    /// The risk without penalty.
    pub(super) fn plain_risk<'a, L: Loss>(
        &self,
        rows: &Rows<'a>,
        standard: &Standardisation,
        loss: L,
    ) -> Result<EmpiricalRisk<'a, L>> {
        self.plain().risk(rows, standard, loss)
    }

    /// The way to go where it is left open.
    fn chosen<L: Loss>(&self, risk: &EmpiricalRisk<'_, L>, penalty: &ParameterPenalty) -> Method {
        if self.method != Method::Auto {
            return self.method;
        }
        if risk.is_elsewhere() {
            return Method::Newton;
        }
        let outputs = risk.n_outputs();
        let weights = penalty.l2.len() - if self.intercept { outputs } else { 0 };
        if risk.kinks().is_some() || penalty.l2[..weights].contains(&0.0) || weights < FEW_WEIGHTS {
            return Method::Newton;
        }
        let costs = risk.costs();
        if USUAL_PRODUCTS * costs.product < USUAL_FACTORS * costs.factor { Method::NewtonCg } else { Method::Newton }
    }

    /// Minimises over all columns at once, or under an l1 penalty over those that matter.
    pub(super) fn attempt<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Attempt> {
        match self.method.is_newton() && self.penalty.l1 > 0.0 {
            true => self.attempt_screened(rows, standard, loss, start, progress),
            false => self.attempt_all(rows, standard, loss, start, progress),
        }
    }

    pub(super) fn attempt_all<'a, L: Loss + Copy>(
        &self,
        rows: &Rows<'a>,
        standard: &Standardisation,
        loss: L,
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Attempt> {
        let risk = self.risk(rows, standard, loss)?;
        let outputs = loss.n_outputs();
        let penalty = self.parameter_penalty(standard, outputs);
        let mut model = self.start(rows, standard.columns.len(), outputs);
        begin(&mut model, start, &penalty);
        let mut trace = Vec::new();
        let newton = Stopping { max_iterations: MOST_NEWTON_STEPS, ..Stopping::default() };
        let risk_of = |batch: Rows<'a>| self.risk(&batch, standard, loss);
        let mut known = Known::default();
        let centre = Centre { rows, standard, outputs };
        let method = self.chosen(&risk, &penalty);
        let termination = match method {
            Method::Auto | Method::Newton => {
                let mut solver = match (start.is_empty(), risk.kinks()) {
                    (true, None) => sample::warm_start(&risk, &mut model)?,
                    (true, Some(_)) => Newton::tame(),
                    (false, _) => Newton::near(),
                };
                let ended = minimise(&risk, &mut model, &mut solver, newton, &mut trace, progress)?;
                known = solver.into_known(model.parameters());
                ended
            }
            Method::NewtonCg => {
                if start.is_empty() {
                    sample::warm_start_by_products(&risk, &mut model)?;
                }
                let proven = |known: &Known| {
                    by_convexity(&risk, &penalty, &centre, known).is_none_or(|certified| is_proven(&certified, rows))
                };
                let ended;
                (ended, known) = by_products((&risk, risk.costs().product), &mut model, &mut trace, progress, proven)?;
                ended
            }
            Method::Lbfgs => {
                minimise(&risk, &mut model, &mut Lbfgs::default(), Stopping::default(), &mut trace, progress)?
            }
            Method::Sgd { learning_rate, epochs, batch_size, seed } => {
                let (batches, mut solver) = (Batches { rows, epochs, batch_size, seed }, Sgd::new(learning_rate));
                batches.run_through(risk_of, (&mut solver, &mut model), &mut trace, progress)?
            }
            Method::Adam { learning_rate, epochs, batch_size, seed } => {
                let (batches, mut solver) = (Batches { rows, epochs, batch_size, seed }, Adam::new(learning_rate));
                batches.run_through(risk_of, (&mut solver, &mut model), &mut trace, progress)?
            }
        };
        let certified = certify(&risk, &penalty, model.parameters(), &centre, (known, self.is_maximum_likelihood()));
        let mut attempt = Attempt::new(model.parameters().to_vec(), trace, termination, certified, counted(rows));
        attempt.method = method;
        match self.method {
            Method::Sgd { learning_rate, .. } | Method::Adam { learning_rate, .. } if attempt.diverged() => {
                Err(divergence(learning_rate))
            }
            _ => Ok(attempt),
        }
    }
}
