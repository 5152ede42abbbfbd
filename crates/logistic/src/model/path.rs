//! The regularisation path: fits from the penalty that holds every coefficient at 0 down to almost none (Friedman,
//! Hastie & Tibshirani, Journal of Statistical Software 33(1), 2010, §2.5), each started from the one before.

use super::attempt::{CERTIFIED, counted};
use super::fit::{Fit, Solution, Start};
use super::settings::{ClassWeight, LogisticRegression, Method, Penalty};
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy};
use crate::objective::{Objective, Order, Sums};
use crate::solver::{Certificate, Go, Termination};

/// Fits over falling penalties.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The share of l1 in the penalty: 1 is the lasso, 0 is ridge.
    pub l1_ratio: f64,
    /// The fits, the most penalised first.
    pub points: Vec<PathPoint>,
}

/// A fit on a path.
///
/// # Shapes
/// `weight` and `standardised` row-major (n_outputs, n_columns); `bias` (n_outputs), or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// The factor of the absolute values.
    pub l1: f64,
    /// The factor of the squares.
    pub l2: f64,
    /// The coefficients in the user's units; absent where a column was left out.
    pub weight: Vec<Option<f64>>,
    /// The intercepts.
    pub bias: Vec<f64>,
    /// The coefficients of columns scaled to a standard deviation of 1; 0 where a column was left out.
    pub standardised: Vec<f64>,
    /// The design columns with a coefficient that is not 0, unpenalised ones included.
    pub n_nonzero: usize,
    /// 1 − log-likelihood / null log-likelihood.
    pub deviance_explained: f64,
    /// The largest absolute entry of the subgradient of least size, in standardised columns.
    pub gradient_max_norm: f64,
    /// A bound on the distance of the objective to its minimum, in nats per row.
    pub gap: f64,
    /// How the solver ended.
    pub termination: Termination,
}

/// Without l1 no penalty is large enough to hold every coefficient at 0. glmnet starts where this share of l1 would.
const RIDGE_START: f64 = 1e-3;
/// Smallest over largest penalty, for more rows than columns and for fewer, as in glmnet.
const SMALLEST: (f64, f64) = (1e-4, 1e-2);
/// A path ends where the deviance explained rises by less than this share of itself, or exceeds [`MOST_EXPLAINED`]:
/// `fdev` and `devmax` of glmnet's `glmnet.control`.
const LEAST_GAIN: f64 = 1e-5;
const MOST_EXPLAINED: f64 = 0.999;
/// Values before a path may end, as in glmnet.
const LEAST_VALUES: usize = 5;
/// What the gradient's sum is rounded by, relative.
const ROUNDING: f64 = 64.0 * f64::EPSILON;
/// An l1 penalty that holds any coefficient at 0.
const BEYOND_ANY: f64 = 1e100;

impl LogisticRegression {
    /// The path over at most `n_values` penalties that fall geometrically from the [largest](Self::largest_penalty) to
    /// 1e-4 of it, or 1e-2 where there are no more rows than columns; under ridge to a thousandth of that, where a lasso
    /// would end, since glmnet's convention stops short of the best penalty. Of the settings' own penalty, the factors and
    /// whether it acts on standardised columns count; of a total λ, l1 is `l1_ratio`·λ and l2 is (1 − `l1_ratio`)·λ.
    ///
    /// As in glmnet, it ends early, after at least five values, where the deviance explained rises by less than 1e-5 of
    /// itself, or exceeds 0.999.
    ///
    /// # Errors
    /// As [`LogisticRegression::largest_penalty`].
    pub fn path(&self, rows: &Rows<'_>, l1_ratio: f64, n_values: usize) -> Result<Path> {
        let null = self.for_largest_penalty(rows, l1_ratio)?;
        if self.goes_in_lockstep(rows, l1_ratio) {
            let sole = |rows: &Rows<'_>, own: &LogisticRegression| own.side_by_side(rows, &[], l1_ratio, n_values);
            if let Some((path, _)) = self.as_weighted(rows, sole)? {
                return Ok(path);
            }
        }
        let grid = self.grid(null.largest_penalty_of_null(rows, l1_ratio)?, rows, l1_ratio, n_values);
        let mut points: Vec<PathPoint> = Vec::with_capacity(grid.len());
        self.walk(rows, &grid, &mut |fit| {
            points.push(PathPoint::of(fit, rows.dataset().n_columns()));
            Ok(if has_ended(&points) { Go::Stop } else { Go::On })
        })?;
        Ok(Path { l1_ratio, points })
    }

    /// The least total penalty λ at which every penalised coefficient is 0 (to rounding): max |∇ⱼ|/(factorⱼ·ratio)
    /// where only what is not penalised is fitted. For ridge (ratio 0), where there is none, glmnet's convention:
    /// that of a ratio of 0.001.
    ///
    /// # Errors
    /// [`Error::Setting`] for a ratio outside [0, 1], where no coefficient is penalised, or where a bound excludes 0;
    /// otherwise those of [`LogisticRegression::fit`].
    pub fn largest_penalty(&self, rows: &Rows<'_>, l1_ratio: f64) -> Result<f64> {
        self.for_largest_penalty(rows, l1_ratio)?.largest_penalty_of_null(rows, l1_ratio)
    }

    /// Refuses what has no path. Gives the settings of a fit in which only what is not penalised is fitted.
    pub(super) fn for_largest_penalty(&self, rows: &Rows<'_>, l1_ratio: f64) -> Result<LogisticRegression> {
        if !(0.0..=1.0).contains(&l1_ratio) {
            return Err(Error::setting("l1-ratio", "between 0 and 1", &l1_ratio));
        }
        if let Some((low, high)) = self.bounds.iter().find(|(low, high)| *low > 0.0 || *high < 0.0) {
            return Err(Error::setting(
                "bound",
                "one that allows 0, where a penalty is looked for",
                &format!("{low} to {high}"),
            ));
        }
        let penalty = Penalty { l1: BEYOND_ANY, l2: 0.0, ..self.penalty.clone() };
        let null = LogisticRegression { penalty, method: Method::Newton, ..self.clone() };
        null.check(rows)?;
        Ok(null)
    }

    /// The largest penalty, of settings that hold every penalised coefficient at 0.
    fn largest_penalty_of_null(&self, rows: &Rows<'_>, l1_ratio: f64) -> Result<f64> {
        self.as_weighted(rows, |rows, null| {
            let solution = null.fit_from(rows, Start::Zeros, &mut |_, _| Go::On)?.solution;
            let gradient = null.sums_at(rows, &solution, Order::Gradient)?.gradient;
            null.largest_of(&gradient, &solution.standard, l1_ratio)
        })
    }

    /// The largest penalty, by the gradient where every penalised coefficient is 0.
    pub(super) fn largest_of(&self, gradient: &[f64], standard: &Standardisation, l1_ratio: f64) -> Result<f64> {
        let unit = LogisticRegression { penalty: Penalty { l1: 1.0, l2: 0.0, ..self.penalty.clone() }, ..self.clone() };
        let outputs = gradient.len() / (standard.columns.len() + usize::from(self.intercept)).max(1);
        let unit = unit.parameter_penalty(standard, outputs);
        let pull = |j: usize| {
            // A bound at 0 needs no penalty to hold what pushes against it.
            let held = (unit.upper[j] <= 0.0 && gradient[j] < 0.0) || (unit.lower[j] >= 0.0 && gradient[j] > 0.0);
            if held || unit.l1[j] == 0.0 { 0.0 } else { gradient[j].abs() / unit.l1[j] }
        };
        let pull = (0..gradient.len()).map(pull).fold(0.0, f64::max);
        if pull == 0.0 {
            let expected = "such that some penalised column tells something of the outcome";
            return Err(Error::setting("penalty-factor", expected, &"none that does"));
        }
        Ok(pull / l1_ratio.max(RIDGE_START) * (1.0 + ROUNDING))
    }

    /// Calls `f` with rows that weigh as the class weights say, and settings that say no more of them.
    pub(super) fn as_weighted<T>(
        &self,
        rows: &Rows<'_>,
        f: impl FnOnce(&Rows<'_>, &LogisticRegression) -> Result<T>,
    ) -> Result<T> {
        let Some(of_class) = self.class_weights(rows) else { return f(rows, self) };
        let data = rows.dataset().class_weighted(&of_class)?;
        f(&rows.of(&data), &LogisticRegression { class_weight: ClassWeight::Equal, ..self.clone() })
    }

    /// The objective without its kinks, and its derivatives, at a solution that may be of other rows.
    pub(super) fn sums_at(&self, rows: &Rows<'_>, solution: &Solution, order: Order) -> Result<Sums> {
        let Solution { standard, parameters, outputs, .. } = solution;
        Ok(match rows.dataset().n_classes() {
            2 => self.risk(rows, standard, BceWithLogits::default())?.sums(parameters, order),
            n_classes => {
                let loss = CrossEntropy { n_classes, base: *outputs < n_classes };
                self.risk(rows, standard, loss)?.sums(parameters, order)
            }
        })
    }

    /// The penalties of a path.
    pub(super) fn grid(&self, largest: f64, rows: &Rows<'_>, l1_ratio: f64, n_values: usize) -> Vec<Penalty> {
        let smallest = if rows.len() > rows.dataset().n_columns() { SMALLEST.0 } else { SMALLEST.1 };
        let smallest = if l1_ratio < RIDGE_START { smallest * RIDGE_START } else { smallest };
        let steps = n_values.saturating_sub(1).max(1) as f64;
        let total = |i: usize| largest * f64::powf(smallest, i as f64 / steps);
        let of = |total: f64| Penalty { l1: total * l1_ratio, l2: total * (1.0 - l1_ratio), ..self.penalty.clone() };
        (0..n_values).map(total).map(of).collect()
    }

    /// Fits one penalty after the other, each from where the one before ended, until `each` says stop.
    pub(super) fn walk(
        &self,
        rows: &Rows<'_>,
        penalties: &[Penalty],
        each: &mut dyn FnMut(&Fit) -> Result<Go>,
    ) -> Result<()> {
        let mut start: Option<Vec<f64>> = None;
        for penalty in penalties {
            let settings = LogisticRegression { penalty: penalty.clone(), ..self.clone() };
            let from = start.as_deref().map_or(Start::Zeros, Start::Standardised);
            let fit = settings.fit_from(rows, from, &mut |_, _| Go::On)?;
            if each(&fit)? == Go::Stop {
                break;
            }
            start = Some(fit.solution.parameters);
        }
        Ok(())
    }
}

/// Whether a path ends with its last point.
pub(super) fn has_ended(points: &[PathPoint]) -> bool {
    let explained = |back: usize| points.iter().rev().nth(back).map_or(0.0, |point| point.deviance_explained);
    let (before, now) = (explained(1), explained(0));
    points.len() >= LEAST_VALUES && (now - before < LEAST_GAIN * now || now > MOST_EXPLAINED)
}

impl PathPoint {
    fn of(fit: &Fit, n_columns: usize) -> Self {
        let solution = &fit.solution;
        let p = solution.standard.columns.len();
        let mut standardised = vec![0.0; solution.outputs * n_columns];
        for (k, (j, &column)) in
            (0..solution.outputs).flat_map(|k| solution.standard.columns.iter().enumerate().map(move |at| (k, at)))
        {
            standardised[k * n_columns + column] = solution.parameters[k * p + j];
        }
        PathPoint {
            l1: fit.facts.l1,
            l2: fit.facts.l2,
            weight: fit.weight.clone(),
            bias: fit.bias.clone(),
            standardised,
            n_nonzero: fit.n_nonzero(),
            deviance_explained: fit.facts.pseudo_r2_mcfadden(),
            gradient_max_norm: fit.facts.gradient_max_norm,
            gap: fit.facts.gap,
            termination: fit.termination(),
        }
    }

    /// Of a fit with one output and an intercept, by its parameters in standardised columns.
    pub(super) fn of_two_classes(
        (penalty, certificate): (&Penalty, Certificate),
        (standard, parameters): (&Standardisation, &[f64]),
        rows: &Rows<'_>,
        deviance_explained: f64,
    ) -> Self {
        let n_columns = rows.dataset().n_columns();
        let (mut weight, mut standardised) = (vec![None; n_columns], vec![0.0; n_columns]);
        let mut bias = parameters[standard.columns.len()];
        for (j, &column) in standard.columns.iter().enumerate() {
            let w = parameters[j] / standard.scale[j];
            (weight[column], standardised[column]) = (Some(w), parameters[j]);
            bias -= w * standard.centre[j];
        }
        let converged = certificate.bounded && certificate.gap * counted(rows) <= CERTIFIED;
        PathPoint {
            l1: penalty.l1,
            l2: penalty.l2,
            weight,
            bias: vec![bias],
            n_nonzero: standardised.iter().filter(|w| **w != 0.0).count(),
            standardised,
            deviance_explained,
            gradient_max_norm: certificate.gradient_max_norm,
            gap: certificate.gap,
            termination: if converged { Termination::Converged } else { Termination::Stalled },
        }
    }

    /// The total penalty λ = l1 + l2.
    pub fn total(&self) -> f64 {
        self.l1 + self.l2
    }
}
