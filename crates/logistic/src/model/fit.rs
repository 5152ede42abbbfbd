//! Fitting: standardise, leave out what repeats, minimise, certify, and carry the result back to the user's units.

use super::attempt::Attempt;
use super::columns::{LeftOut, check_engine};
use super::inference::Inference;
use super::runaway::Runaways;
use super::separation::{Verdict, decide};
use super::settings::{LogisticRegression, Method, WeightKind};
use super::{Facts, MOST_ESTIMATES};
use crate::cholesky::Cholesky;
use crate::dataset::{Rows, Standardisation};
use crate::encode::Term;
use crate::error::{Error, Result, Warning};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};
use crate::objective::{Objective, Order};
use crate::solver::{Go, Step, Termination, newton_direction};

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
    pub(super) termination: Termination,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) runaways: Option<Runaways>,
}

/// Where the fit ended, in standardised columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solution {
    pub(super) standard: Standardisation,
    pub(super) outputs: usize,
    pub(super) parameters: Vec<f64>,
    /// Of the mean Hessian; where it was computed, and could be factored.
    pub(super) factor: Option<Cholesky>,
    /// The factors of ½·w² on the parameters.
    pub(super) l2: Vec<f64>,
    /// Whether an l1 penalty or bounds took part, so that the objective has kinks.
    pub(super) kinks: bool,
}

/// Where a fit starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    /// Where all coefficients are 0.
    Zeros,
    /// At the parameters of a [`Solution`] in the same columns.
    Standardised(&'a [f64]),
    /// At coefficients and intercepts in the user's units.
    Estimates { weight: &'a [f64], bias: &'a [f64] },
}

impl Start<'_> {
    /// The parameters in standardised columns; none for zeros.
    fn parameters(
        self,
        n_columns: usize,
        standard: &Standardisation,
        (outputs, intercept): (usize, bool),
    ) -> Result<Vec<f64>> {
        let (weight, bias) = match self {
            Start::Zeros => return Ok(Vec::new()),
            Start::Standardised(parameters) => return Ok(parameters.to_vec()),
            Start::Estimates { weight, bias } => (weight, bias),
        };
        let biases = if intercept { outputs } else { bias.len() };
        for (what, expected, found) in
            [("weights", outputs * n_columns, weight.len()), ("intercepts", biases, bias.len())]
        {
            if expected != found {
                return Err(Error::Shape { what: format!("number of {what} to start from"), expected, found });
            }
        }
        if let Some(value) = weight.iter().chain(bias).find(|value| !value.is_finite()) {
            return Err(Error::setting("start", "finite", value));
        }
        let of = |k: usize, j: usize| weight[k * n_columns + standard.columns[j]];
        let places = 0..standard.columns.len();
        let scaled = |k| places.clone().map(move |j| of(k, j) * standard.scale[j]);
        let mut parameters: Vec<f64> = (0..outputs).flat_map(scaled).collect();
        if intercept {
            let shift = |k: usize| places.clone().map(|j| of(k, j) * standard.centre[j]).sum::<f64>();
            parameters.extend((0..outputs).map(|k| bias[k] + shift(k)));
        }
        Ok(parameters)
    }
}

/// What a first attempt comes to.
pub(super) enum Outcome {
    Fit(Box<Fit>),
    Separated { runaways: Runaways, standard: Standardisation, left_out: Vec<LeftOut> },
}

/// Where there is an optimum, Newton's method is there by now; if not, it is time to ask whether there is one.
const PATIENCE: usize = 12;

pub(super) type Progress<'a> = &'a mut dyn FnMut(usize, &Step) -> Go;

impl LogisticRegression {
    /// Fits the rows. `progress` hears of every iteration or epoch (counted from 0) and may stop the fit.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) for settings that cannot be, such as a negative penalty;
    /// [`Shape`](crate::Error::Shape) for factors, bounds or class weights of another number than there are columns or
    /// classes; [`Target`](crate::Error::Target) for no rows, or a class without rows;
    /// [`TooManyTerms`](crate::Error::TooManyTerms) for more coefficients than can be told apart.
    pub fn fit(&self, rows: &Rows<'_>, progress: Progress<'_>) -> Result<Fit> {
        self.fit_from(rows, Start::Zeros, progress)
    }

    /// As [`LogisticRegression::fit`], from coefficients and intercepts in the user's units, as those of a fit of other
    /// rows or another penalty. Where the optimum is does not depend on it; how soon it is reached does. (Firth's fits start
    /// where they always do.)
    ///
    /// # Shapes
    /// `weight` row-major (n_outputs, n_columns); `bias` (n_outputs), not looked at in a model without intercept.
    ///
    /// # Errors
    /// As [`LogisticRegression::fit`]; [`Shape`](crate::Error::Shape) and [`Setting`](crate::Error::Setting) for a start of
    /// another size, or one that is not finite.
    pub fn fit_near(&self, rows: &Rows<'_>, weight: &[f64], bias: &[f64], progress: Progress<'_>) -> Result<Fit> {
        self.fit_from(rows, Start::Estimates { weight, bias }, progress)
    }

    /// As [`LogisticRegression::fit`], from `start`.
    pub(super) fn fit_from(&self, rows: &Rows<'_>, start: Start<'_>, progress: Progress<'_>) -> Result<Fit> {
        self.check(rows)?;
        let fit = match self.class_weights(rows) {
            None => self.fit_weighted(rows, &[], start, progress),
            Some(of_class) => {
                let data = rows.dataset().class_weighted(&of_class)?;
                self.fit_weighted(&rows.of(&data), &of_class, start, progress)
            }
        };
        // Of an engine that failed, its own words.
        check_engine(rows).and(fit)
    }

    fn fit_weighted(
        &self,
        rows: &Rows<'_>,
        class_weight: &[f64],
        start: Start<'_>,
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
        start: Start<'_>,
        progress: Progress<'_>,
    ) -> Result<Fit> {
        if self.firth {
            let mut fit = self.fit_firth(rows, progress)?;
            self.infer(rows, loss, class_weight, &mut fit)?;
            fit.facts.lr_test = self.firth_whole_model_test(rows, &fit)?;
            return Ok(fit);
        }
        let columns = self.columns(rows, loss.n_outputs())?;
        let start = start.parameters(rows.dataset().n_columns(), &columns.0, (loss.n_outputs(), self.intercept))?;
        let outcome = self.fit_loss(rows, columns, loss, &start, progress)?;
        self.conclude(rows, outcome, loss, class_weight, progress)
    }

    /// What an outcome is given as, with its inference.
    pub(super) fn conclude<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        outcome: Outcome,
        loss: L,
        class_weight: &[f64],
        progress: Progress<'_>,
    ) -> Result<Fit> {
        let (mut fit, separated) = match outcome {
            Outcome::Fit(fit) => (*fit, false),
            Outcome::Separated { runaways, standard, left_out } => {
                (self.fit_instead(rows, runaways, standard, left_out, progress)?, true)
            }
        };
        fit.facts.class_weight = class_weight.to_vec();
        fit.facts.pseudo_likelihood = !class_weight.is_empty() || self.weight_kind == WeightKind::Sampling;
        if !separated {
            self.infer(rows, loss, class_weight, &mut fit)?;
            fit.facts.lr_test = self.whole_model_test(&fit);
        }
        Ok(fit)
    }

    /// The fit that is given where there is no other: with a slight penalty where there was none.
    fn fit_instead(
        &self,
        rows: &Rows<'_>,
        runaways: Runaways,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        progress: Progress<'_>,
    ) -> Result<Fit> {
        let penalty = self.penalty.on_all(1.0 / rows.total_weight(), rows.dataset().n_columns());
        let ridge = LogisticRegression { method: Method::Newton, penalty, ..self.clone() };
        let n_classes = rows.dataset().n_classes();
        let mut fit = match n_classes {
            2 => ridge.fit_on(rows, standard, left_out, BceWithLogits::default(), progress)?,
            _ => ridge.fit_on(rows, standard, left_out, CrossEntropy { n_classes, base: false }, progress)?,
        };
        fit.termination = Termination::NoFiniteOptimum;
        fit.facts.termination = fit.termination.name().to_string();
        fit.runaways = Some(runaways);
        Ok(fit)
    }

    /// Fits these columns, beside those left out.
    pub(super) fn fit_loss<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        (standard, left_out): (Standardisation, Vec<LeftOut>),
        loss: L,
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Outcome> {
        let mut paused = false;
        let mut patience = |iteration: usize, step: &Step| {
            paused = iteration == PATIENCE && self.is_maximum_likelihood() && self.method.is_newton();
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
            Some(runaways) => Ok(Outcome::Separated { runaways, standard, left_out }),
            None => Ok(Outcome::Fit(Box::new(self.finish(rows, standard, left_out, loss, attempt)?))),
        }
    }

    fn fit_on<L: Loss + Copy>(
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

    /// Looks for a direction in which the likelihood rises for ever, where the fit gives reason to: one of columns
    /// without penalty. (Bounds may cut such a direction off; then none is looked for.)
    fn separation<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
        attempt: &Attempt,
    ) -> Result<Option<Runaways>> {
        let n_classes = rows.dataset().n_classes();
        // Rows that an engine holds are not looked at one by one.
        let elsewhere = rows.dataset().is_elsewhere().is_some();
        if attempt.certificate.bounded || !self.bounds.is_empty() || elsewhere {
            return Ok(None);
        }
        if !self.penalty.is_none() {
            let free: Vec<usize> =
                (0..standard.columns.len()).filter(|&k| self.penalty.spares(standard.columns[k])).collect();
            let free = standard.subset(&free);
            let verdict = if free.columns.is_empty() {
                Verdict::Overlap
            } else {
                decide(rows, &free, self.intercept, n_classes, &[])?
            };
            return Ok(runaways(verdict, &free, n_classes));
        }
        // Where there is no optimum, Newton's next step is close to a direction in which the likelihood rises for ever.
        let mut sums = self.risk(rows, standard, loss)?.sums(&attempt.parameters, Order::Hessian);
        let step = newton_direction(&mut sums.hessian, &sums.gradient);
        let verdict = decide(rows, standard, self.intercept, n_classes, &[&step, &attempt.parameters])?;
        Ok(runaways(verdict, standard, n_classes))
    }
}

fn runaways(verdict: Verdict, standard: &Standardisation, n_classes: usize) -> Option<Runaways> {
    match verdict {
        Verdict::Separated(separation) => Some(Runaways::of(&separation, standard, n_classes - 1)),
        Verdict::Overlap | Verdict::Undecided => None,
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

    /// The lower triangle of the covariance, row by row, each output's intercept before its columns; empty where there is
    /// none, or too much.
    pub(super) fn covariance_by_coefficient(&self) -> Vec<f64> {
        let (p, outputs) = (self.columns().len(), self.solution.outputs);
        let n = outputs * p + self.bias.len();
        let Some(covariance) = self.covariance().filter(|_| n <= MOST_ESTIMATES) else { return Vec::new() };
        let intercept = |k: usize| (k < self.bias.len()).then_some(outputs * p + k);
        let order: Vec<usize> = (0..outputs).flat_map(|k| intercept(k).into_iter().chain(k * p..(k + 1) * p)).collect();
        let row = |at: usize| order[..=at].iter().map(move |&j| (at, j));
        (0..n).flat_map(row).map(|(at, j)| covariance[order[at] * n + j]).collect()
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
                ridge: (1.0 / self.facts.total_weight).to_string(),
                partial: self.facts.l1 > 0.0 || self.facts.l2 != 1.0 / self.facts.total_weight,
            }),
            (None, Termination::Converged) => {}
            (None, _) => warnings.push(Warning::NotConverged { termination: self.facts.termination.clone() }),
        }
        warnings
    }
}
