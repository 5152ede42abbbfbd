//! Intervals by profile likelihood: what a coefficient may be before the likelihood, maximised over all others, falls by
//! half the 95 % quantile of chi-squared (Venzon & Moolgavkar, Applied Statistics 37(1), 1988).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::check_engine;
use super::constrained::{Constrained, Minimum};
use super::covariance::Covariance;
use super::fit::Fit;
use super::likelihood_ratio::LikelihoodRatio;
use super::settings::{ClassWeight, LogisticRegression, WeightKind};
use crate::cholesky::dot;
use crate::dataset::{Rows, Standardisation};
use crate::distribution::NORMAL_975;
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy};
use crate::objective::{Jeffreys, Objective, Order};
use crate::solver::Go;

/// A 95 % interval by profile likelihood, in the user's units. An end is absent where the likelihood does not fall far
/// enough on that side, however far one goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileInterval {
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// A distance in signed roots of the likelihood ratio from which Newton's last step lands within 1e-9 of the end.
const CLOSE: f64 = 1e-5;
const MOST_STEPS: usize = 100;
/// A bracket so narrow, relative to its end, with a root of the likelihood ratio so far off, brackets nothing.
const NARROW: (f64, f64) = (1e-4, 1e-2);
/// A step may go so many times as far as the search has come.
const FARTHEST: f64 = 3.0;

impl LogisticRegression {
    /// Adds to the inference of every coefficient and intercept of `fit` its profile-likelihood interval, and the
    /// likelihood-ratio test that it is 0. `fit` must be a fit of these settings to these rows; all stays as it is where
    /// the likelihood is not that of a sample at its maximum (see [`LogisticRegression::column_tests`]).
    ///
    /// With [`LogisticRegression::firth`] the likelihood is the penalised one (Heinze & Schemper, Statistics in Medicine
    /// 21(16), 2002).
    ///
    /// # Errors
    /// [`Error::Shape`] where the fit is of other columns; [`Error::Engine`] where the rows are in one, and it fails.
    pub fn profile(&self, rows: &Rows<'_>, fit: &mut Fit) -> Result<()> {
        let (expected, found) = (rows.dataset().n_columns() * fit.n_outputs(), fit.weight.len());
        if expected != found {
            return Err(Error::Shape { what: "number of the fit's coefficients".to_string(), expected, found });
        }
        if !self.has_likelihood(fit) {
            return Ok(());
        }
        let objective = self.likelihood(rows, &fit.solution.standard)?;
        let best = &fit.solution.parameters;
        let of_parameter = |at: usize| {
            let direction = user_direction(&fit.solution.standard, fit.solution.outputs, best.len(), at);
            let on = Constrained { objective: &*objective, held: vec![direction], convex: !self.firth };
            Profile::new(on, best).map(|profile| (profile.interval(), profile.test_of_zero(best)))
        };
        // An engine is asked one question at a time.
        let all: Vec<_> = match rows.dataset().is_held_elsewhere() {
            true => (0..best.len()).map(of_parameter).collect(),
            false => (0..best.len()).into_par_iter().map(of_parameter).collect(),
        };
        check_engine(rows)?;
        let places = fit.places();
        for (at, found) in all.into_iter().enumerate() {
            let Some((distances, test)) = found else { continue };
            let (estimate, inference) = match places.get(at) {
                Some(&place) => (fit.weight[place], &mut fit.inference[place]),
                None => (Some(fit.bias[at - places.len()]), &mut fit.bias_inference[at - places.len()]),
            };
            if let (Some(estimate), Some(inference)) = (estimate, inference) {
                let end = |distance: Option<f64>| distance.map(|distance| estimate + distance);
                inference.profile = Some(ProfileInterval { low: end(distances.0), high: end(distances.1) });
                inference.lr_test = test;
            }
        }
        Ok(())
    }

    /// Of a coefficient whose likelihood rises for ever as it grows (`rising`), or falls, the other end of its 95 %
    /// interval by profile likelihood, in the user's units: the value at which the likelihood, maximised over all other
    /// coefficients, is below its supremum by half the 95 % quantile of chi-squared.
    ///
    /// Absent for more than two classes, where the likelihood is not that of a sample (a penalty, sampling weights,
    /// weighted classes, clusters), where the design column was left out, and where the search does not reach an end.
    ///
    /// # Errors
    /// Those of [`LogisticRegression::fit`].
    pub fn profile_bound(&self, rows: &Rows<'_>, column: usize, rising: bool) -> Result<Option<f64>> {
        self.check(rows)?;
        let weighted = self.weight_kind == WeightKind::Sampling || self.class_weight != ClassWeight::Equal;
        let clustered = matches!(self.covariance, Covariance::Cluster(_));
        if rows.dataset().n_classes() > 2 || !self.is_maximum_likelihood() || weighted || clustered {
            return Ok(None);
        }
        let plain = self.plain();
        let (standard, _) = plain.columns(rows, 1)?;
        let Some(at) = standard.columns.iter().position(|&other| other == column) else { return Ok(None) };
        let loss = BceWithLogits::default();
        // On separated data Newton's method goes on until the supremum is within its tolerance.
        let supremum = plain.attempt(rows, &standard, loss, &[], &mut |_, _| Go::On)?;
        let mut ridge = plain.clone();
        ridge.penalty.l2 = 1.0 / rows.total_weight();
        ridge.penalty.standardised = true;
        let anchor = ridge.attempt(rows, &standard, loss, &[], &mut |_, _| Go::On)?;
        let risk = plain.plain_risk(rows, &standard, loss)?;
        let direction = user_direction(&standard, 1, risk.n_parameters(), at);
        let start = dot(&direction, &anchor.parameters);
        let on = Constrained { objective: &risk, held: vec![direction], convex: true };
        let profile = Profile::new(on, &anchor.parameters);
        let Some(profile) = profile.map(|profile| Profile { value: supremum.objective, ..profile }) else {
            return Ok(None);
        };
        let side = if rising { -1.0 } else { 1.0 };
        Ok(profile.end(side, f64::NEG_INFINITY).map(|distance| start + distance))
    }

    /// What the fit minimised: the mean loss, with Jeffreys' prior for Firth's.
    pub(super) fn likelihood<'a>(
        &self,
        rows: &Rows<'a>,
        standard: &Standardisation,
    ) -> Result<Box<dyn Objective + Sync + 'a>> {
        Ok(match rows.dataset().n_classes() {
            2 if self.firth => Box::new(Jeffreys::new(self.plain_risk(rows, standard, BceWithLogits::default())?)),
            2 => Box::new(self.plain_risk(rows, standard, BceWithLogits::default())?),
            n_classes => Box::new(self.plain_risk(rows, standard, CrossEntropy { n_classes, base: true })?),
        })
    }
}

/// The vector a with `a·θ` the coefficient `at` in the user's units, θ in standardised columns: `w = w′/s` for a
/// weight, `b = b′ − Σ w′·c/s` for an intercept.
fn user_direction(standard: &Standardisation, outputs: usize, n: usize, at: usize) -> Vec<f64> {
    let p = standard.columns.len();
    let mut direction = vec![0.0; n];
    if at < outputs * p {
        direction[at] = 1.0 / standard.scale[at % p];
        return direction;
    }
    direction[at] = 1.0;
    let own = (at - outputs * p) * p;
    for j in 0..p {
        direction[own + j] = -standard.centre[j] / standard.scale[j];
    }
    direction
}

/// The likelihood as a function of one linear function of the parameters, maximised over the rest.
struct Profile<'a> {
    on: Constrained<'a>,
    start: Minimum,
    /// The least value of the objective anywhere.
    value: f64,
    total: f64,
}

impl<'a> Profile<'a> {
    /// Of the one function held, from `best`. None where the minimum on the plane of `best` is not reached.
    fn new(on: Constrained<'a>, best: &[f64]) -> Option<Self> {
        let start = on.minimum(best.to_vec())?;
        let value = on.objective.sums(best, Order::Value).value.min(start.value);
        let total = on.objective.total_weight();
        Some(Profile { on, start, value, total })
    }

    /// The ends, as distances from the estimate.
    fn interval(&self) -> (Option<f64>, Option<f64>) {
        (self.end(-1.0, 0.0), self.end(1.0, 0.0))
    }

    /// The likelihood-ratio test that the function is 0.
    fn test_of_zero(&self, best: &[f64]) -> Option<LikelihoodRatio> {
        let zero = self.on.minimum_at_zero(best)?;
        LikelihoodRatio::new(-self.total * self.value, -self.total * zero.value, 1)
    }

    /// The root of the likelihood ratio, 1.96 at an end.
    fn root(&self, at: &Minimum) -> f64 {
        (2.0 * self.total * (at.value - self.value)).max(0.0).sqrt()
    }

    /// How far the end on one side (−1 or 1) is from the start, with its sign: by Newton's method on the root of the
    /// likelihood ratio, which is close to linear, within a bracket. `low` is where the bracket begins, in steps
    /// outwards from the start.
    fn end(&self, side: f64, mut low: f64) -> Option<f64> {
        let unit = (self.start.variance / self.total).sqrt();
        let mut high = f64::INFINITY;
        let (mut at, mut from, mut origin) = (NORMAL_975 * unit, self.start.clone(), 0.0);
        for _ in 0..MOST_STEPS {
            let along = from.parameters.iter().zip(&from.tangent);
            let start = along.map(|(p, t)| p + side * (at - origin) * t).collect();
            let Some(here) = self.lowest(start, side * at) else {
                // Too far for the arithmetic: closer, from where it last went well.
                high = at;
                at = if low.is_finite() { 0.5 * (low + at) } else { at - FARTHEST * unit };
                continue;
            };
            let root = self.root(&here);
            let slope = side * here.slope * self.total / root;
            let step = (NORMAL_975 - root) / slope;
            if (root - NORMAL_975).abs() <= CLOSE && step.is_finite() {
                return Some(side * (at + step));
            }
            if root < NORMAL_975 {
                low = at;
            } else {
                high = at;
            }
            let narrow = high - low <= NARROW.0 * high.abs() && (root - NORMAL_975).abs() > NARROW.1;
            if narrow && !self.on.convex {
                // The outer end was on the way to another minimum, which is not the lowest.
                high = f64::INFINITY;
            }
            let most = FARTHEST * at.abs().max(unit);
            let wanted = if step.is_nan() || slope <= 0.0 { at + most } else { at + step.clamp(-most, most) };
            let next = match () {
                () if wanted > low && wanted < high => wanted,
                () if low.is_finite() && high.is_finite() => 0.5 * (low + high),
                () if high.is_finite() => high - most,
                () => low + most,
            };
            // Where the optimum is at infinity, parameters that ran off would not find back.
            if self.starts_at_best() {
                (from, origin) = (here, at);
            }
            at = next;
        }
        None
    }

    /// The minimum from `start` or, where there may be several, the lower one of that and of the one from where the
    /// straight way of this distance leads.
    fn lowest(&self, start: Vec<f64>, distance: f64) -> Option<Minimum> {
        let found = self.on.minimum(start);
        if self.on.convex {
            return found;
        }
        let a = &self.on.held[0];
        let length = distance / dot(a, a);
        let straight = self.start.parameters.iter().zip(a).map(|(p, a)| p + length * a).collect();
        let other = self.on.minimum(straight);
        found.into_iter().chain(other).min_by(|a, b| a.value.total_cmp(&b.value))
    }

    fn starts_at_best(&self) -> bool {
        self.start.value <= self.value
    }
}
