//! Firth's bias-reduced fit: the maximum of `ℓ + ½·log|I|` (Firth, Biometrika 80(1), 1993; Heinze & Schemper, Statistics
//! in Medicine 21(16), 2002), which is finite where the classes are separated.

use super::attempt::Attempt;
use super::constrained::Constrained;
use super::fit::{Fit, Progress};
use super::likelihood_ratio::LikelihoodRatio;
use super::settings::{LogisticRegression, Method, WeightKind};
use super::{ClassWeight, Covariance};
use crate::cholesky::{Cholesky, dot};
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::BceWithLogits;
use crate::objective::{Jeffreys, Module, Objective, Order};
use crate::solver::{Certificate, Newton, Stopping, Termination, minimise};

/// In the metric that stands in for the Hessian of many columns, steps converge linearly: what is estimated to be left
/// is a share of the truth, so it is taken much further than Newton's method has to be.
const STOPPING: Stopping = Stopping { gap: 1e-20, max_iterations: 2000 };
/// The estimated gap, in nats over all rows, that is called converged.
const CONVERGED: f64 = 1e-14;

impl LogisticRegression {
    /// Refuses what Firth's fit is not defined for.
    pub(super) fn check_firth(&self, n_classes: usize) -> Result<()> {
        let refuse = |expected: &str, found: &str| Err(Error::setting("firth", expected, found));
        match () {
            () if !self.firth => Ok(()),
            () if n_classes > 2 => refuse("a target of two classes", &format!("{n_classes} classes")),
            () if !self.is_maximum_likelihood() => refuse("no other penalty, and no bounds", "both"),
            () if !self.method.is_newton() => refuse("the solver `newton`", self.method.name()),
            () if self.class_weight != ClassWeight::Equal => refuse("classes of equal weight", "weighted classes"),
            () if self.weight_kind == WeightKind::Sampling => refuse("frequency weights", "sampling weights"),
            () if self.covariance != Covariance::Information => {
                refuse("the covariance `information`", self.covariance.name())
            }
            () => Ok(()),
        }
    }

    /// Fits by Newton's method on the modified score, halving steps until the penalised likelihood rises.
    ///
    /// The penalised likelihood need not be concave, so no bound on the distance to its maximum is claimed: the
    /// certificate's gap is the estimate ½·λ², λ Newton's decrement, `bounded` is false, and converged means that this
    /// estimate is zero to rounding: the modified score vanishes, and steps in its direction lowered the likelihood.
    pub(super) fn fit_firth(&self, rows: &Rows<'_>, progress: Progress<'_>) -> Result<Fit> {
        let (standard, left_out) = self.columns(rows, 1)?;
        let risk = self.plain_risk(rows, &standard, BceWithLogits::default())?;
        let jeffreys = Jeffreys::new(risk.clone());
        let mut model = self.start(rows, standard.columns.len(), 1);
        let mut trace = Vec::new();
        let ended = minimise(&jeffreys, &mut model, &mut Newton::default(), STOPPING, &mut trace, progress)?;
        let parameters = model.parameters().to_vec();
        let sums = jeffreys.sums(&parameters, Order::Hessian);
        let total = rows.total_weight();
        let gap = Cholesky::new(&sums.hessian, parameters.len()).ok().map(|factor| {
            let mut solved = sums.gradient.clone();
            factor.solve(&mut solved);
            0.5 * dot(&solved, &sums.gradient)
        });
        let information = risk.sums(&parameters, Order::Hessian).hessian;
        let factor = Cholesky::new(&information, parameters.len()).ok();
        let reached = gap.is_some_and(|gap| gap * total <= CONVERGED);
        let termination = match ended {
            Termination::Interrupted => ended,
            _ if reached => Termination::Converged,
            Termination::Converged => Termination::Stalled,
            other => other,
        };
        let constant = information_constant(&standard, parameters.len(), total);
        let penalised = -total * sums.value + constant;
        trace.iter_mut().for_each(|value| *value -= constant / total);
        let certificate =
            Certificate { gradient_max_norm: sums.gradient_max_norm(), gap: gap.unwrap_or(f64::MAX), bounded: false };
        let objective = -penalised / total;
        let attempt =
            Attempt { method: Method::Newton, parameters, termination, trace, objective, factor, certificate };
        let mut fit = self.finish(rows, standard, left_out, BceWithLogits::default(), attempt)?;
        fit.facts.penalized_log_likelihood = Some(penalised);
        Ok(fit)
    }

    /// The penalised likelihood-ratio test of the design columns of `group`: they are held at 0 and stay in the
    /// information.
    pub(super) fn firth_column_test(
        &self,
        rows: &Rows<'_>,
        fit: &Fit,
        group: &[usize],
    ) -> Result<Option<LikelihoodRatio>> {
        let objective = self.likelihood(rows, &fit.solution.standard)?;
        let n = fit.solution.parameters.len();
        let unit = |at: usize| (0..n).map(|other| f64::from(other == at)).collect();
        let tested = (0..fit.columns().len()).filter(|&at| group.contains(&fit.columns()[at]));
        let held: Vec<Vec<f64>> = tested.map(unit).collect();
        let df = held.len();
        if df == 0 {
            return Ok(None);
        }
        let best = &fit.solution.parameters;
        let full = objective.sums(best, Order::Value).value;
        let less = Constrained { objective: &*objective, held, convex: false }.minimum_at_zero(best);
        let total = rows.total_weight();
        Ok(less.and_then(|less| LikelihoodRatio::new(-total * full, -total * less.value, df)))
    }

    /// The test of all columns together.
    pub(super) fn firth_whole_model_test(&self, rows: &Rows<'_>, fit: &Fit) -> Result<Option<LikelihoodRatio>> {
        if fit.holds(self) { self.firth_column_test(rows, fit, fit.columns()) } else { Ok(None) }
    }
}

/// `½·log|I|` of the information over all rows in the user's units, less that of the mean information in standardised
/// columns: centring leaves a determinant as it is, each scale multiplies it by its square.
fn information_constant(standard: &Standardisation, n: usize, total: f64) -> f64 {
    0.5 * n as f64 * total.ln() + standard.scale.iter().map(|scale| scale.ln()).sum::<f64>()
}
