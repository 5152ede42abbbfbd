//! Ways to a minimum. A solver sees an [`Objective`], never the data behind it.

mod adam;
mod coordinate;
mod lbfgs;
mod newton;
mod newton_cg;
mod sgd;

pub use adam::Adam;
pub(crate) use coordinate::rough_minimum;
pub use lbfgs::Lbfgs;
pub use newton::Newton;
pub(crate) use newton::{Known, Metric, newton_direction, raised_factor};
pub use newton_cg::NewtonCg;
pub use sgd::Sgd;

use crate::error::{Error, Result};
use crate::objective::{Module, Objective};

/// What one step found at the point it started from, and whether it could move on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The objective before the step.
    pub value: f64,
    /// The largest absolute entry of the gradient before the step.
    pub gradient_max_norm: f64,
    /// An estimate of how far the objective still was above its minimum; second-order solvers have one.
    pub gap_estimate: Option<f64>,
    /// Whether the step moved; false when no shorter step lowered the objective either.
    pub moved: bool,
}

/// Something that lowers an objective step by step. The same call serves mini-batches and all rows.
pub trait Solver {
    /// Moves the model's parameters once.
    ///
    /// # Errors
    /// [`Error::Shape`] when model and objective have different numbers of parameters; [`Error::Setting`] when a loss
    /// of probabilities is paired with a model of logits, or the other way round.
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step>;
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopping {
    /// Stop when the objective is estimated, or its gradient shows it, to be this close to its minimum, in nats over
    /// all rows (per-row gap times Σsᵢ). The default, 1e-14, puts coefficients within 1.5e-7 of their standard errors.
    pub gap: f64,
    /// Stop after this many steps.
    pub max_iterations: usize,
}

impl Default for Stopping {
    fn default() -> Self {
        Stopping { gap: 1e-14, max_iterations: 10_000 }
    }
}

/// How a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// The minimum is reached, by the certificate.
    Converged,
    /// The iterations, or the epochs, that were allowed are used up.
    MaxIterations,
    /// No step lowers the objective any more, yet the certificate does not hold.
    Stalled,
    /// There is no finite minimum: the classes can be separated.
    NoFiniteOptimum,
    /// The caller stopped it.
    Interrupted,
    /// The loss of rows kept apart has not fallen for as many epochs as was allowed.
    EarlyStopped,
}

impl Termination {
    /// The name in snake case, as files and `--json` write it.
    pub fn name(self) -> &'static str {
        match self {
            Termination::Converged => "converged",
            Termination::MaxIterations => "max_iterations",
            Termination::Stalled => "stalled",
            Termination::NoFiniteOptimum => "no_finite_optimum",
            Termination::Interrupted => "interrupted",
            Termination::EarlyStopped => "early_stopped",
        }
    }
}

/// A computed statement of how close to the minimum a fit is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// The largest absolute entry of the gradient, or where the objective has kinks of its subgradient of least size,
    /// with columns centred and scaled to unit spread.
    pub gradient_max_norm: f64,
    /// An upper bound on `objective − minimum`, in nats per row.
    pub gap: f64,
    /// Whether the bound comes from curvature, or from how far a penalty lets coefficients go; otherwise it is only
    /// that a loss cannot fall below zero.
    pub bounded: bool,
}

/// What `progress` hears after every step, and how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Go on.
    On,
    /// Stop here.
    Stop,
}

/// Steps until the estimated gap is small enough, nothing moves any more, or the iterations are used up. The
/// objective before every step is appended to `trace`.
///
/// # Errors
/// Those of [`Solver::step`].
pub fn minimise(
    objective: &dyn Objective,
    model: &mut dyn Module,
    solver: &mut dyn Solver,
    stopping: Stopping,
    trace: &mut Vec<f64>,
    progress: &mut dyn FnMut(usize, &Step) -> Go,
) -> Result<Termination> {
    // Weights of next to nothing must not make the first gap small enough, nor large ones the last too large.
    let total = objective.total_weight().clamp(1.0, 1e20);
    for iteration in 0..stopping.max_iterations {
        let step = solver.step(objective, model)?;
        trace.push(step.value);
        if progress(iteration, &step) == Go::Stop {
            return Ok(Termination::Interrupted);
        }
        if step.gap_estimate.is_some_and(|gap| gap * total <= stopping.gap) {
            return Ok(Termination::Converged);
        }
        if !step.moved {
            return Ok(Termination::Stalled);
        }
    }
    Ok(Termination::MaxIterations)
}

/// Refuses an objective with kinks, for solvers that follow gradients.
fn check_smooth(objective: &dyn Objective, name: &'static str) -> Result<()> {
    if objective.kinks().is_none() {
        return Ok(());
    }
    let expected = "`newton` for an l1 penalty or bounds".to_string();
    Err(Error::Setting { name: "solver", expected, found: format!("`{name}`") })
}

/// Refuses an objective without second derivatives, for solvers that need them.
fn check_curvature(objective: &dyn Objective, name: &'static str) -> Result<()> {
    if objective.has_curvature() {
        return Ok(());
    }
    let expected = "`sgd` or `adam` for an objective without second derivatives".to_string();
    Err(Error::Setting { name: "solver", expected, found: format!("`{name}`") })
}

/// Refuses a model that does not fit the objective.
fn check(objective: &dyn Objective, model: &dyn Module) -> Result<()> {
    let (expected, found) = (objective.n_parameters(), model.parameters().len());
    if expected != found {
        return Err(Error::Shape { what: "number of parameters".to_string(), expected, found });
    }
    if objective.input() != model.output() {
        return Err(Error::Setting {
            name: "loss",
            expected: "`Bce` for a model that ends with a sigmoid, `BceWithLogits` for one that does not".to_string(),
            found: format!("a loss of a {:?} for a model of a {:?}", objective.input(), model.output()).to_lowercase(),
        });
    }
    Ok(())
}
