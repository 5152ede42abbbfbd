//! Fitting: standardise, leave out what repeats, minimise, certify, and carry the result back to the user's units.

use super::Facts;
use super::certificate::{Centre, Certified, certify};
use super::columns::LeftOut;
use super::covariance::Covariance;
use super::inference::Inference;
use super::runaway::Runaways;
use super::separation::{Separation, Verdict, decide};
use super::settings::{LogisticRegression, Method, WeightKind, class_totals};
use crate::cholesky::Cholesky;
use crate::dataset::{DataLoader, Rows, Standardisation};
use crate::encode::Term;
use crate::error::{Error, Result, Warning};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};
use crate::objective::{EmpiricalRisk, Linear, Module, Objective, Order};
use crate::random::torch::Generator;
use crate::solver::{
    Adam, Certificate, Go, Lbfgs, Newton, Sgd, Solver, Step, Stopping, Termination, minimise, newton_direction,
};

/// A fit in the user's units.
///
/// Two classes have one output, the logit of class 1. More have one output per class where there is a penalty, with
/// intercepts that add up to 0, and one per class but the first, the base, where there is none.
///
/// # Shapes
/// `weight` and `inference` row-major (n_outputs, n_columns); `bias` and `bias_inference` (n_outputs), or empty where
/// there is no intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The coefficients; absent where a column was left out.
    pub weight: Vec<Option<f64>>,
    /// The intercepts.
    pub bias: Vec<f64>,
    /// The inference of each coefficient; absent where it would mean nothing.
    pub inference: Vec<Option<Inference>>,
    /// The inference of the intercepts.
    pub bias_inference: Vec<Option<Inference>>,
    /// What was fitted on what.
    pub facts: Facts,
    /// The objective before every iteration, or the mean loss of every epoch.
    pub trace: Vec<f64>,
    pub(super) solution: Solution,
    pub(super) covariance: Option<Vec<f64>>,
    termination: Termination,
    left_out: Vec<LeftOut>,
    pub(super) runaways: Option<Runaways>,
}

/// Where the fit ended, in standardised columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solution {
    pub(super) standard: Standardisation,
    pub(super) outputs: usize,
    pub(super) parameters: Vec<f64>,
    /// Of the mean Hessian; where it could be factored.
    pub(super) factor: Option<Cholesky>,
    /// Whether an l1 penalty or bounds took part, so that the objective has kinks.
    pub(super) kinks: bool,
}

/// What a first attempt comes to.
enum Outcome {
    Fit(Box<Fit>),
    Separated { separation: Separation, standard: Standardisation, left_out: Vec<LeftOut> },
}

/// The largest per-row gap, over all rows, that is called converged: coefficients within 1.5e-4 of their standard
/// errors even where the bound is sharp. Newton's quadratic end puts them far closer.
const CERTIFIED: f64 = 1e-8;
/// Newton needs a handful of steps; on separated data about 32 until the gain is rounding.
const MOST_NEWTON_STEPS: usize = 200;
/// Where there is an optimum, Newton's method is there by now; if not, it is time to ask whether there is one.
const PATIENCE: usize = 12;

pub(super) type Progress<'a> = &'a mut dyn FnMut(usize, &Step) -> Go;

impl LogisticRegression {
    /// Fits the rows. `progress` hears of every iteration or epoch (counted from 0) and may stop the fit.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings that cannot be, such as a negative penalty; [`Error::Shape`] for factors, bounds
    /// or class weights of another number than there are columns or classes; [`Error::Target`] for no rows, or a class
    /// without rows; [`Error::TooManyTerms`] for more coefficients than can be told apart.
    pub fn fit(&self, rows: &Rows<'_>, progress: Progress<'_>) -> Result<Fit> {
        self.fit_from(rows, &[], progress)
    }

    /// As [`LogisticRegression::fit`], from `start`: the parameters of a [`Solution`] in the same columns, or nothing
    /// for zeros.
    pub(super) fn fit_from(&self, rows: &Rows<'_>, start: &[f64], progress: Progress<'_>) -> Result<Fit> {
        self.check(rows)?;
        let Some((of_class, weight)) = self.reweighted(rows) else {
            return self.fit_weighted(rows, &[], start, progress);
        };
        let data = rows.dataset().clone().weighted(weight)?;
        self.fit_weighted(&rows.of(&data), &of_class, start, progress)
    }

    fn fit_weighted(
        &self,
        rows: &Rows<'_>,
        class_weight: &[f64],
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Fit> {
        match rows.dataset().n_classes() {
            2 => self.fit_inferred(rows, BceWithLogits::default(), class_weight, start, progress),
            n_classes => {
                let base = self.penalty.is_none();
                self.fit_inferred(rows, CrossEntropy { n_classes, base }, class_weight, start, progress)
            }
        }
    }

    fn fit_inferred<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        loss: L,
        class_weight: &[f64],
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Fit> {
        let outcome = match self.firth {
            true => Outcome::Fit(Box::new(self.fit_firth(rows, progress)?)),
            false => self.fit_loss(rows, loss, start, progress)?,
        };
        let (mut fit, separated) = match outcome {
            Outcome::Fit(fit) => (*fit, false),
            Outcome::Separated { separation, standard, left_out } => {
                (self.fit_instead(rows, &separation, standard, left_out, progress)?, true)
            }
        };
        fit.facts.class_weight = class_weight.to_vec();
        fit.facts.pseudo_likelihood = !class_weight.is_empty() || self.weight_kind == WeightKind::Sampling;
        if separated {
            return Ok(fit);
        }
        self.infer(rows, loss, class_weight, &mut fit)?;
        fit.facts.lr_test = match self.firth {
            true => self.firth_whole_model_test(rows, &fit)?,
            false => self.whole_model_test(&fit),
        };
        Ok(fit)
    }

    /// The ridge fit that is given where there is no other.
    fn fit_instead(
        &self,
        rows: &Rows<'_>,
        separation: &Separation,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        progress: Progress<'_>,
    ) -> Result<Fit> {
        let mut ridge = LogisticRegression { method: Method::Newton, ..self.clone() };
        ridge.penalty.l2 = 1.0 / rows.total_weight();
        let n_classes = rows.dataset().n_classes();
        let runaways = Runaways::of(separation, &standard, n_classes - 1);
        let mut fit = match n_classes {
            2 => ridge.fit_on(rows, standard, left_out, BceWithLogits::default(), progress)?,
            _ => ridge.fit_on(rows, standard, left_out, CrossEntropy { n_classes, base: false }, progress)?,
        };
        fit.termination = Termination::NoFiniteOptimum;
        fit.facts.termination = fit.termination.name().to_string();
        fit.runaways = Some(runaways);
        Ok(fit)
    }

    fn fit_loss<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        loss: L,
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Outcome> {
        let (standard, left_out) = self.columns(rows, loss.n_outputs())?;
        let mut paused = false;
        let mut patience = |iteration: usize, step: &Step| {
            paused = iteration == PATIENCE && self.is_maximum_likelihood() && self.method == Method::Newton;
            if paused { Go::Stop } else { progress(iteration, step) }
        };
        let mut attempt = self.attempt(rows, &standard, loss, start, &mut patience)?;
        let mut separation = self.separation(rows, &standard, loss, &attempt)?;
        if paused && separation.is_none() {
            let mut trace = std::mem::take(&mut attempt.trace);
            let mut on = |iteration: usize, step: &Step| progress(PATIENCE + iteration, step);
            attempt = self.attempt(rows, &standard, loss, &attempt.parameters, &mut on)?;
            trace.pop();
            attempt.trace.splice(0..0, trace);
            separation = self.separation(rows, &standard, loss, &attempt)?;
        }
        match separation {
            Some(separation) => Ok(Outcome::Separated { separation, standard, left_out }),
            None => Ok(Outcome::Fit(Box::new(self.finish(rows, standard, left_out, loss, attempt)?))),
        }
    }

    pub(super) fn fit_on<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        loss: L,
        progress: Progress<'_>,
    ) -> Result<Fit> {
        let attempt = self.attempt(rows, &standard, loss, &[], progress)?;
        self.finish(rows, standard, left_out, loss, attempt)
    }

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

    /// All coefficients 0, and an intercept that takes off the mean of the offsets: far from where the rows are, there
    /// is no curvature to go by.
    pub(super) fn start(&self, rows: &Rows<'_>, p: usize, outputs: usize) -> Linear {
        if !self.intercept {
            return Linear::without_bias(p, outputs);
        }
        let mut model = Linear::zeros(p, outputs);
        if let Some(offset) = rows.offset() {
            let weight = rows.weight().unwrap_or_else(|| vec![1.0; offset.len()]);
            let sum: f64 = offset.iter().zip(&weight).map(|(offset, s)| s * offset).sum();
            let mean = sum / weight.iter().sum::<f64>();
            model.parameters_mut().iter_mut().skip(outputs * p).for_each(|bias| *bias = -mean);
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
        LogisticRegression { intercept: self.intercept, ..LogisticRegression::default() }.risk(rows, standard, loss)
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
        match self.method == Method::Newton && self.penalty.l1 > 0.0 {
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
        let p = standard.columns.len();
        let mut model = self.start(rows, p, outputs);
        if start.len() == model.parameters().len() {
            model.parameters_mut().copy_from_slice(start);
        }
        let penalty = self.parameter_penalty(standard, outputs);
        let bounds = penalty.lower.iter().zip(&penalty.upper);
        model.parameters_mut().iter_mut().zip(bounds).for_each(|(w, (low, high))| *w = w.clamp(*low, *high));
        let mut trace = Vec::new();
        let mut full =
            |solver: &mut dyn Solver, stopping| minimise(&risk, &mut model, solver, stopping, &mut trace, progress);
        let newton = Stopping { max_iterations: MOST_NEWTON_STEPS, ..Stopping::default() };
        let risk_of = |batch: &Rows<'a>| self.risk(batch, standard, loss);
        let termination = match self.method {
            Method::Newton if start.is_empty() => full(&mut Newton::default(), newton)?,
            Method::Newton => full(&mut Newton::near(), newton)?,
            Method::Lbfgs => full(&mut Lbfgs::default(), Stopping::default())?,
            Method::Sgd { learning_rate, epochs, batch_size, seed } => {
                let batches = Batches { rows, epochs, batch_size, seed };
                batches.run(&risk_of, &mut Sgd::new(learning_rate), &mut model, &mut trace, progress)?
            }
            Method::Adam { learning_rate, epochs, batch_size, seed } => {
                let batches = Batches { rows, epochs, batch_size, seed };
                batches.run(&risk_of, &mut Adam::new(learning_rate), &mut model, &mut trace, progress)?
            }
        };
        let centre = Centre { standard, totals: &class_totals(rows), outputs };
        let certified = certify(&risk, &penalty, model.parameters(), &centre);
        let attempt = Attempt::new(model.parameters().to_vec(), trace, termination, certified, risk.total_weight());
        match self.method {
            Method::Sgd { learning_rate, .. } | Method::Adam { learning_rate, .. } if attempt.diverged() => {
                Err(Error::Setting {
                    name: "learning-rate",
                    expected: "small enough for the training not to diverge".to_string(),
                    found: learning_rate.to_string(),
                })
            }
            _ => Ok(attempt),
        }
    }

    /// Looks for a direction in which the likelihood rises for ever, where the fit gives reason to.
    fn separation<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
        attempt: &Attempt,
    ) -> Result<Option<Separation>> {
        if attempt.certificate.bounded || !self.is_maximum_likelihood() {
            return Ok(None);
        }
        // Where there is no optimum, Newton's next step is close to a direction in which the likelihood rises for ever.
        let mut sums = self.risk(rows, standard, loss)?.sums(&attempt.parameters, Order::Hessian);
        let step = newton_direction(&mut sums.hessian, &sums.gradient);
        let n_classes = rows.dataset().n_classes();
        match decide(rows, standard, self.intercept, n_classes, &[&step, &attempt.parameters])? {
            Verdict::Separated(separation) => Ok(Some(separation)),
            Verdict::Overlap | Verdict::Undecided => Ok(None),
        }
    }

    pub(super) fn finish<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        loss: L,
        attempt: Attempt,
    ) -> Result<Fit> {
        let (outputs, p, n_columns) = (loss.n_outputs(), standard.columns.len(), rows.dataset().n_columns());
        let total = rows.total_weight();
        let risk = self.plain_risk(rows, &standard, loss)?;
        let facts = Facts {
            n_rows: rows.len(),
            total_weight: total,
            rank: attempt.parameters.len(),
            solver: self.method.name().to_string(),
            l1: self.penalty.l1,
            l2: self.penalty.l2,
            standardised_penalty: self.penalty.standardised,
            bounded: !self.bounds.is_empty(),
            termination: attempt.termination.name().to_string(),
            iterations: attempt.trace.len(),
            objective: attempt.objective,
            gradient_max_norm: attempt.certificate.gradient_max_norm,
            gap: attempt.certificate.gap,
            log_likelihood: -total * risk.sums(&attempt.parameters, Order::Value).value,
            null_log_likelihood: self.null_log_likelihood(rows, &standard, loss)?,
            class_weight: Vec::new(),
            calibrated: false,
            pseudo_likelihood: false,
            covariance: Covariance::Information.name().to_string(),
            n_clusters: None,
            lr_test: None,
            firth: self.firth,
            relaxed: false,
            penalized_log_likelihood: None,
        };
        let kinks = self.penalty.l1 > 0.0 || !self.bounds.is_empty();
        let mut fit = Fit {
            weight: vec![None; outputs * n_columns],
            bias: attempt.parameters[outputs * p..].to_vec(),
            inference: vec![None; outputs * n_columns],
            bias_inference: vec![None; attempt.parameters.len() - outputs * p],
            covariance: None,
            facts,
            trace: attempt.trace,
            termination: attempt.termination,
            left_out,
            runaways: None,
            solution: Solution { standard, outputs, parameters: attempt.parameters, factor: attempt.factor, kinks },
        };
        let Solution { standard, parameters, .. } = &fit.solution;
        for (k, j) in (0..outputs).flat_map(|k| (0..p).map(move |j| (k, j))) {
            let w = parameters[k * p + j] / standard.scale[j];
            let at = k * n_columns + standard.columns[j];
            fit.weight[at] = Some(w);
            fit.bias.iter_mut().skip(k).take(1).for_each(|bias| *bias -= w * standard.centre[j]);
        }
        if loss.n_outputs() == rows.dataset().n_classes() {
            // One number added to all of them changes nothing; moving the columns' centres has left their sum anywhere.
            let mean = fit.bias.iter().sum::<f64>() / outputs as f64;
            fit.bias.iter_mut().for_each(|bias| *bias -= mean);
        }
        Ok(fit)
    }

    /// The log-likelihood without columns: of the intercepts alone, or of equal chances, offsets included.
    fn null_log_likelihood<L: Loss + Copy>(&self, rows: &Rows<'_>, standard: &Standardisation, loss: L) -> Result<f64> {
        let total = rows.total_weight();
        if rows.dataset().offset().is_some() {
            let none = standard.subset(&[]);
            let null = LogisticRegression { intercept: self.intercept, ..LogisticRegression::default() };
            let attempt = null.attempt(rows, &none, loss, &[], &mut |_, _| Go::On)?;
            return Ok(-total * attempt.objective);
        }
        let totals = class_totals(rows);
        Ok(match self.intercept {
            true => totals.iter().map(|of_class| of_class * (of_class / total).ln()).sum(),
            false => -total * (totals.len() as f64).ln(),
        })
    }
}

impl Fit {
    /// How the solver ended.
    pub fn termination(&self) -> Termination {
        self.termination
    }

    /// The number of outputs.
    pub fn n_outputs(&self) -> usize {
        self.solution.outputs
    }

    /// The design columns with a coefficient that is not 0.
    pub fn n_nonzero(&self) -> usize {
        let n_columns = self.weight.len() / self.solution.outputs;
        let of_column = |j: usize| self.weight.iter().skip(j).step_by(n_columns);
        (0..n_columns).filter(|&j| of_column(j).any(|w| w.is_some_and(|w| w != 0.0))).count()
    }

    /// The covariance of the estimates, in the user's units: output by output those of the [`Fit::columns`], then the
    /// intercepts. Row-major (n_estimates, n_estimates), both triangles; absent where it would mean nothing.
    pub fn covariance(&self) -> Option<&[f64]> {
        self.covariance.as_deref()
    }

    /// The design columns that have coefficients, rising.
    pub fn columns(&self) -> &[usize] {
        &self.solution.standard.columns
    }

    /// Where in `weight` and `inference` each estimated coefficient stands, output by output.
    pub(super) fn places(&self) -> Vec<usize> {
        let n_columns = self.weight.len() / self.solution.outputs;
        let of_output = |k: usize| self.columns().iter().map(move |column| k * n_columns + column);
        (0..self.solution.outputs).flat_map(of_output).collect()
    }

    /// Whether the fit, of these settings, is that of maximum likelihood or Firth's, and reached.
    pub(super) fn holds(&self, settings: &LogisticRegression) -> bool {
        self.termination == Termination::Converged && settings.is_maximum_likelihood()
    }

    pub(super) fn has_left_out(&self) -> bool {
        !self.left_out.is_empty()
    }

    /// The warnings, with the names of the design columns.
    pub(super) fn warnings(&self, terms: &[Term]) -> Vec<Warning> {
        let name = |&column: &usize| terms[column].term.clone();
        let mut warnings: Vec<Warning> = Vec::new();
        for out in &self.left_out {
            let mut columns = vec![terms[out.column].column.clone()];
            for &other in &out.repeats {
                if !columns.contains(&terms[other].column) {
                    columns.push(terms[other].column.clone());
                }
            }
            warnings.push(Warning::Collinear { columns, term: name(&out.column) });
        }
        match (&self.runaways, self.termination) {
            (Some(runaways), _) => warnings.push(Warning::Separation {
                complete: runaways.complete,
                columns: runaways.columns().iter().map(name).collect(),
                ridge: self.facts.l2.to_string(),
            }),
            (None, Termination::Converged) => {}
            (None, _) => warnings.push(Warning::NotConverged { termination: self.facts.termination.clone() }),
        }
        warnings
    }
}

/// A mini-batch run.
struct Batches<'a, 'f> {
    rows: &'f Rows<'a>,
    epochs: usize,
    batch_size: usize,
    seed: u64,
}

impl<'a> Batches<'a, '_> {
    /// All epochs; the mean loss of each goes into `trace`.
    fn run<L: Loss>(
        &self,
        risk_of: &dyn Fn(&Rows<'a>) -> Result<EmpiricalRisk<'a, L>>,
        solver: &mut dyn Solver,
        model: &mut Linear,
        trace: &mut Vec<f64>,
        progress: Progress<'_>,
    ) -> Result<Termination> {
        let loader = DataLoader::new(self.rows).batch_size(self.batch_size).shuffle(true);
        let mut rng = Generator::manual_seed(self.seed);
        for epoch in 0..self.epochs {
            let mut sum = 0.0;
            let mut last = None;
            for batch in loader.epoch(&mut rng).filter(|batch| batch.total_weight() > 0.0) {
                let step = solver.step(&risk_of(&batch)?, model)?;
                sum += step.value;
                last = Some(step);
            }
            trace.push(sum / loader.n_batches() as f64);
            if let Some(step) = last
                && progress(epoch, &step) == Go::Stop
            {
                return Ok(Termination::Interrupted);
            }
        }
        Ok(Termination::MaxIterations)
    }
}

/// Where a solver ended, in standardised columns, and what that is worth.
pub(super) struct Attempt {
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
    fn new(parameters: Vec<f64>, trace: Vec<f64>, ended: Termination, certified: Certified, total: f64) -> Self {
        let Certified { certificate, objective, factor } = certified;
        let reached = certificate.bounded && certificate.gap * total <= CERTIFIED;
        let termination = match ended {
            Termination::Interrupted => ended,
            _ if reached => Termination::Converged,
            Termination::Converged => Termination::Stalled,
            other => other,
        };
        Attempt { parameters, termination, trace, objective, factor, certificate }
    }

    /// Whether numbers left the range of f64 on the way.
    fn diverged(&self) -> bool {
        let numbers = self.parameters.iter().chain(&self.trace).chain([&self.objective]);
        numbers.into_iter().any(|number| !number.is_finite())
    }
}
