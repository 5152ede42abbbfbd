//! Fitting: standardise, leave out what repeats, minimise, certify, and carry the result back to the user's units.

use super::Facts;
use super::inference::{Inference, variances};
use super::separation::{Separation, Verdict, decide};
use crate::cholesky::Cholesky;
use crate::dataset::{DataLoader, Rows, Standardisation};
use crate::encode::Term;
use crate::error::{Error, Place, Result, Warning};
use crate::loss::BceWithLogits;
use crate::objective::{EmpiricalRisk, Linear, Module, Objective, Order};
use crate::random::torch::Generator;
use crate::solver::{
    Adam, Certificate, Go, Lbfgs, Newton, Sgd, Solver, Step, Stopping, Termination, minimise, newton_direction,
};

/// The way to the optimum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Newton's method, over all rows.
    #[default]
    Newton,
    /// Limited-memory BFGS, over all rows.
    Lbfgs,
    /// Stochastic gradient descent over mini-batches.
    Sgd {
        /// The step length.
        learning_rate: f64,
        /// Passes over the rows.
        epochs: usize,
        /// Rows in a mini-batch.
        batch_size: usize,
        /// The seed of the order of the rows.
        seed: u64,
    },
    /// Adam over mini-batches.
    Adam {
        /// The step length.
        learning_rate: f64,
        /// Passes over the rows.
        epochs: usize,
        /// Rows in a mini-batch.
        batch_size: usize,
        /// The seed of the order of the rows.
        seed: u64,
    },
}

impl Method {
    /// The solver's name.
    pub fn name(self) -> &'static str {
        match self {
            Method::Newton => "newton",
            Method::Lbfgs => "lbfgs",
            Method::Sgd { .. } => "sgd",
            Method::Adam { .. } => "adam",
        }
    }
}

/// The settings of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticRegression {
    /// The ridge penalty on coefficients in the user's units; 0 is maximum likelihood.
    pub l2: f64,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// The solver.
    pub method: Method,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression { l2: 0.0, intercept: true, method: Method::Newton }
    }
}

/// A fit in the user's units, by design column.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The coefficients; absent where a column was left out.
    pub weight: Vec<Option<f64>>,
    /// The intercept, where there is one.
    pub bias: Option<f64>,
    /// The inference of each coefficient; absent where it would mean nothing.
    pub inference: Vec<Option<Inference>>,
    /// The inference of the intercept.
    pub bias_inference: Option<Inference>,
    /// What was fitted on what.
    pub facts: Facts,
    /// The objective before every iteration, or the mean loss of every epoch.
    pub trace: Vec<f64>,
    termination: Termination,
    left_out: Vec<LeftOut>,
    separation: Option<(Separation, Vec<usize>)>,
}

/// A design column that others explain.
#[derive(Clone, Debug, PartialEq)]
struct LeftOut {
    column: usize,
    repeats: Vec<usize>,
}

/// A pivot below this share of its diagonal, 1 − R² of a column on those before it, is rounding. (R's `glm` draws
/// the line at a norm of 1e-11, from a QR factorisation; cross products cannot see so far.)
const COLLINEAR: f64 = 1e-12;
/// The largest per-row gap, over all rows, that is called converged: coefficients within 1.5e-4 of their standard
/// errors even where the bound is sharp. Newton's quadratic end puts them far closer.
const CERTIFIED: f64 = 1e-8;
/// The curvature of so many coefficients fills 3.2 GB.
const MOST_TERMS: usize = 20_000;
/// Newton needs a handful of steps; on separated data about 32 until the gain is rounding.
const MOST_NEWTON_STEPS: usize = 200;

impl LogisticRegression {
    /// Fits the rows. `progress` hears of every iteration or epoch (counted from 0) and may stop the fit.
    ///
    /// # Errors
    /// [`Error::Setting`] for a negative or infinite penalty, or mini-batch settings that cannot be;
    /// [`Error::Target`] for no rows, or rows of one class.
    pub fn fit(&self, rows: &Rows<'_>, progress: &mut dyn FnMut(usize, &Step) -> Go) -> Result<Fit> {
        self.check(rows)?;
        let full = Standardisation::of(rows, self.intercept);
        self.check_terms(rows, full.columns.len() + usize::from(self.intercept))?;
        let (standard, left_out) = self.independent(rows, &full);
        let attempt = self.attempt(rows, &standard, self.l2, progress)?;
        let separation = if self.l2 == 0.0 { self.separation(rows, &standard, &attempt)? } else { None };
        let Some(separation) = separation else { return Ok(self.finish(rows, standard, left_out, attempt, self.l2)) };
        let ridge = LogisticRegression { method: Method::Newton, ..*self };
        let l2 = 1.0 / rows.total_weight();
        let attempt = ridge.attempt(rows, &standard, l2, progress)?;
        let infinite = separation.infinite.iter().filter_map(|&k| standard.columns.get(k));
        let columns = infinite.copied().collect();
        let mut fit = ridge.finish(rows, standard, left_out, attempt, l2);
        fit.termination = Termination::NoFiniteOptimum;
        fit.facts.termination = fit.termination.name().to_string();
        fit.separation = Some((separation, columns));
        Ok(fit)
    }

    fn check(&self, rows: &Rows<'_>) -> Result<()> {
        let setting = |name, expected: &str, found: f64| {
            Err(Error::Setting { name, expected: expected.to_string(), found: found.to_string() })
        };
        if !(self.l2.is_finite() && self.l2 >= 0.0) {
            return setting("l2", "finite and not negative", self.l2);
        }
        if let Method::Sgd { learning_rate, epochs, batch_size, .. }
        | Method::Adam { learning_rate, epochs, batch_size, .. } = self.method
        {
            if !(learning_rate.is_finite() && learning_rate > 0.0) {
                return setting("learning-rate", "finite and above 0", learning_rate);
            }
            if epochs == 0 || batch_size == 0 {
                return setting("epochs and batch-size", "at least 1", 0.0);
            }
        }
        let y: f64 = rows.y().iter().zip(rows.weight().unwrap_or(vec![1.0; rows.len()])).map(|(y, s)| y * s).sum();
        let total = rows.total_weight();
        if !(y > 0.0 && y < total) {
            let found = if rows.is_empty() || total == 0.0 { "no rows" } else { "rows of one class only" };
            return Err(Error::Target {
                place: Place::default(),
                problem: format!("a fit needs rows of two classes, found {found}"),
                help: "look at rows left out for missing values, and at zero weights".to_string(),
            });
        }
        Ok(())
    }

    fn check_terms(&self, rows: &Rows<'_>, terms: usize) -> Result<()> {
        if self.l2 == 0.0 && terms > rows.len() {
            return Err(Error::TooManyTerms { place: Place::default(), terms, most: rows.len(), bound: "rows" });
        }
        if terms > MOST_TERMS {
            return Err(Error::TooManyTerms { place: Place::default(), terms, most: MOST_TERMS, bound: "terms" });
        }
        Ok(())
    }

    fn risk<'a>(&self, rows: &Rows<'a>, standard: &Standardisation, l2: f64) -> EmpiricalRisk<'a, BceWithLogits> {
        let risk = EmpiricalRisk::new(rows.clone(), BceWithLogits::default()).standardised(standard.clone()).ridge(l2);
        if self.intercept { risk } else { risk.without_intercept() }
    }

    /// Leaves out every column that is a linear combination of those before it, or does not vary. A ridge penalty
    /// makes combinations estimable, so then only constants and exact repetitions go.
    fn independent(&self, rows: &Rows<'_>, full: &Standardisation) -> (Standardisation, Vec<LeftOut>) {
        let constant = (0..rows.dataset().n_columns()).filter(|column| !full.columns.contains(column));
        let mut left_out: Vec<LeftOut> = constant.map(|column| LeftOut { column, repeats: Vec::new() }).collect();
        if self.l2 > 0.0 {
            let twins = rows.dataset().repeats();
            let repeated = |column: &usize| twins.iter().find(|(twin, _)| twin == column);
            let of = |column: &usize| repeated(column).map(|&(column, first)| LeftOut { column, repeats: vec![first] });
            left_out.extend(full.columns.iter().filter_map(of));
            left_out.sort_by_key(|out| out.column);
            let kept: Vec<usize> = (0..full.columns.len()).filter(|&k| repeated(&full.columns[k]).is_none()).collect();
            return (full.subset(&kept), left_out);
        }
        let n = full.columns.len() + usize::from(self.intercept);
        let hessian = self.risk(rows, full, 0.0).sums(&vec![0.0; n], Order::Hessian).hessian;
        let (factor, out) = Cholesky::independent(&hessian, n, COLLINEAR);
        let kept: Vec<usize> = (0..full.columns.len()).filter(|k| !out.contains(k)).collect();
        for &k in out.iter().filter(|&&k| k < full.columns.len()) {
            // Regress the column on those that stay: β = (KᵀK)⁻¹·KᵀX.
            let entry = |other: usize| hessian[k.max(other) * n + k.min(other)];
            let mut beta: Vec<f64> = kept.iter().map(|&other| entry(other)).collect();
            beta.resize(n - out.len(), 0.0);
            factor.solve(&mut beta);
            let explains = |at: &usize| beta[*at].abs() > 1e-6;
            let repeats = (0..kept.len()).filter(explains).map(|at| full.columns[kept[at]]).collect();
            left_out.push(LeftOut { column: full.columns[k], repeats });
        }
        left_out.sort_by_key(|out| out.column);
        (full.subset(&kept), left_out)
    }

    fn attempt(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        l2: f64,
        progress: &mut dyn FnMut(usize, &Step) -> Go,
    ) -> Result<Attempt> {
        let risk = self.risk(rows, standard, l2);
        let k = standard.columns.len();
        let mut model = if self.intercept { Linear::zeros(k, 1) } else { Linear::without_bias(k, 1) };
        let mut trace = Vec::new();
        let mut full =
            |solver: &mut dyn Solver, stopping| minimise(&risk, &mut model, solver, stopping, &mut trace, progress);
        let newton = Stopping { max_iterations: MOST_NEWTON_STEPS, ..Stopping::default() };
        let termination = match self.method {
            Method::Newton => full(&mut Newton, newton)?,
            Method::Lbfgs => full(&mut Lbfgs::default(), Stopping::default())?,
            Method::Sgd { learning_rate, epochs, batch_size, seed } => {
                let batches =
                    Batches { rows, risk_of: &|batch| self.risk(batch, standard, l2), epochs, batch_size, seed };
                batches.run(&mut Sgd::new(learning_rate), &mut model, &mut trace, progress)?
            }
            Method::Adam { learning_rate, epochs, batch_size, seed } => {
                let batches =
                    Batches { rows, risk_of: &|batch| self.risk(batch, standard, l2), epochs, batch_size, seed };
                batches.run(&mut Adam::new(learning_rate), &mut model, &mut trace, progress)?
            }
        };
        let attempt = certify(&risk, model, termination, trace);
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
    fn separation(&self, rows: &Rows<'_>, standard: &Standardisation, attempt: &Attempt) -> Result<Option<Separation>> {
        if attempt.certificate.curvature_holds {
            return Ok(None);
        }
        // From a solver that is far from its end, Newton's method goes on to where the answer shows.
        let follow = LogisticRegression { method: Method::Newton, ..*self };
        let ended = follow.attempt(rows, standard, 0.0, &mut |_, _| Go::On)?;
        if ended.certificate.curvature_holds {
            return Ok(None);
        }
        let risk = follow.risk(rows, standard, 0.0);
        let mut sums = risk.sums(ended.model.parameters(), Order::Hessian);
        let step = newton_direction(&mut sums.hessian, &sums.gradient);
        match decide(rows, standard, self.intercept, 2, &[&step, ended.model.parameters()])? {
            Verdict::Separated(separation) => Ok(Some(separation)),
            Verdict::Overlap | Verdict::Undecided => Ok(None),
        }
    }

    fn finish(
        &self,
        rows: &Rows<'_>,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        attempt: Attempt,
        l2: f64,
    ) -> Fit {
        let n_columns = rows.dataset().n_columns();
        let total = rows.total_weight();
        let k = standard.columns.len();
        let parameters = attempt.model.parameters();
        let mut weight = vec![None; n_columns];
        let mut bias = self.intercept.then(|| parameters[k]);
        for (j, &column) in standard.columns.iter().enumerate() {
            let w = parameters[j] / standard.scale[j];
            weight[column] = Some(w);
            bias = bias.map(|bias| bias - w * standard.centre[j]);
        }
        let mut inference = vec![None; n_columns];
        let mut bias_inference = None;
        let sound = attempt.termination == Termination::Converged && l2 == 0.0;
        if let Some(factor) = attempt.factor.filter(|_| sound) {
            let (of_weight, of_bias) = variances(&factor, &standard, self.intercept, total);
            for (&column, variance) in standard.columns.iter().zip(of_weight) {
                inference[column] = weight[column].and_then(|w| Inference::new(w, variance));
            }
            bias_inference = bias.zip(of_bias).and_then(|(bias, variance)| Inference::new(bias, variance));
        }
        let risk = self.risk(rows, &standard, 0.0);
        let facts = Facts {
            n_rows: rows.len(),
            total_weight: total,
            rank: parameters.len(),
            solver: self.method.name().to_string(),
            l2,
            termination: attempt.termination.name().to_string(),
            iterations: attempt.trace.len(),
            objective: attempt.objective,
            gradient_max_norm: attempt.certificate.gradient_max_norm,
            gap: attempt.certificate.gap,
            log_likelihood: -total * risk.sums(parameters, Order::Value).value,
            null_log_likelihood: null_log_likelihood(rows, self.intercept),
        };
        Fit {
            weight,
            bias,
            inference,
            bias_inference,
            facts,
            trace: attempt.trace,
            termination: attempt.termination,
            left_out,
            separation: None,
        }
    }
}

impl Fit {
    /// How the solver ended.
    pub fn termination(&self) -> Termination {
        self.termination
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
        match (&self.separation, self.termination) {
            (Some((separation, columns)), _) => warnings.push(Warning::Separation {
                complete: separation.complete,
                columns: columns.iter().map(name).collect(),
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
    risk_of: &'f dyn Fn(&Rows<'a>) -> EmpiricalRisk<'a, BceWithLogits>,
    epochs: usize,
    batch_size: usize,
    seed: u64,
}

impl Batches<'_, '_> {
    /// All epochs; the mean loss of each goes into `trace`.
    fn run(
        &self,
        solver: &mut dyn Solver,
        model: &mut Linear,
        trace: &mut Vec<f64>,
        progress: &mut dyn FnMut(usize, &Step) -> Go,
    ) -> Result<Termination> {
        let loader = DataLoader::new(self.rows).batch_size(self.batch_size).shuffle(true);
        let mut rng = Generator::manual_seed(self.seed);
        for epoch in 0..self.epochs {
            let mut sum = 0.0;
            let mut last = None;
            for batch in loader.epoch(&mut rng).filter(|batch| batch.total_weight() > 0.0) {
                let step = solver.step(&(self.risk_of)(&batch), model)?;
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

/// Where a solver ended, in standardised columns.
struct Attempt {
    model: Linear,
    termination: Termination,
    trace: Vec<f64>,
    objective: f64,
    factor: Option<Cholesky>,
    certificate: Certificate,
}

impl Attempt {
    /// Whether numbers left the range of f64 on the way.
    fn diverged(&self) -> bool {
        let numbers = self.model.parameters().iter().chain(&self.trace).chain([&self.objective]);
        numbers.into_iter().any(|number| !number.is_finite())
    }
}

/// Bounds the distance to the minimum.
///
/// Along any direction d the loss of a row has |f‴| ≤ |xᵢ·d|·f″, so with M = max ‖(xᵢ, 1)‖ in the metric of the
/// inverse Hessian, λ Newton's decrement and u = λ·M < 1, integrating twice and minimising over the length of d gives
/// `f(w) − min f ≤ (u + (1 − u)·ln(1 − u)) / M²`, which is λ²/2 to first order (the self-concordance argument of
/// Bach, Electronic Journal of Statistics 4, 2010, with row norms in place of a global radius). Where u ≥ 1 all that
/// is known is that no loss falls below zero. The gradient is taken with its rounding added.
fn certify(
    risk: &EmpiricalRisk<'_, BceWithLogits>,
    model: Linear,
    termination: Termination,
    trace: Vec<f64>,
) -> Attempt {
    let sums = risk.sums(model.parameters(), Order::Hessian);
    let factor = Cholesky::new(&sums.hessian, sums.gradient.len()).ok();
    let mut certificate =
        Certificate { gradient_max_norm: sums.gradient_max_norm(), gap: sums.value, curvature_holds: false };
    if let Some(factor) = &factor {
        let rounding = f64::EPSILON * sums.value;
        let mut whitened: Vec<f64> = sums.gradient.iter().map(|g| g.abs() + rounding).collect();
        whitened.iter_mut().zip(&sums.gradient).for_each(|(w, g)| *w = w.copysign(*g));
        factor.solve_lower(&mut whitened);
        let decrement = whitened.iter().map(|g| g * g).sum::<f64>().sqrt();
        let norm = risk.largest_norm(factor);
        let u = decrement * norm;
        if u < 1.0 {
            // For small u the difference cancels; its series is u²/2 + u³/6 + …, below u²/2·(1 + u).
            let bound = if u < 1e-4 { 0.5 * u * u * (1.0 + u) } else { u + (1.0 - u) * (-u).ln_1p() };
            certificate.gap = (bound / (norm * norm)).min(sums.value);
            certificate.curvature_holds = true;
        }
    }
    let reached = certificate.curvature_holds && certificate.gap * risk.total_weight() <= CERTIFIED;
    let termination = match termination {
        Termination::Interrupted => termination,
        _ if reached => Termination::Converged,
        Termination::Converged => Termination::Stalled,
        other => other,
    };
    Attempt { model, termination, trace, objective: sums.value, factor, certificate }
}

/// The log-likelihood of the weighted share of positives; without an intercept, of a probability of one half.
fn null_log_likelihood(rows: &Rows<'_>, intercept: bool) -> f64 {
    let total = rows.total_weight();
    if !intercept {
        return -total * std::f64::consts::LN_2;
    }
    let weight = rows.weight();
    let positive: f64 = rows.y().iter().enumerate().map(|(i, y)| y * weight.as_ref().map_or(1.0, |w| w[i])).sum();
    let share = positive / total;
    positive * share.ln() + (total - positive) * (-share).ln_1p()
}
