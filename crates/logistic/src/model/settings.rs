//! What can be asked of a fit.

use super::covariance::Covariance;
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Place, Result};
use crate::objective::ParameterPenalty;

/// The way to the optimum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Newton's method, by whichever of the two ways below is expected to cost less: what a factor of the Hessian costs,
    /// and what products with it do, is estimated from the shape of the data (`objective/product.rs`). Without an l2
    /// penalty on every coefficient it is a factor, which inference needs too.
    #[default]
    Auto,
    /// Newton's method over all rows, by a factor of the Hessian.
    Newton,
    /// Newton's method over all rows, by conjugate gradients: for many columns, or many classes.
    NewtonCg,
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
    /// Whether it is Newton's method by a factor, or may be.
    pub(super) fn is_newton(self) -> bool {
        matches!(self, Method::Auto | Method::Newton)
    }

    /// The solver's name.
    pub fn name(self) -> &'static str {
        match self {
            Method::Auto => "auto",
            Method::Newton => "newton",
            Method::NewtonCg => "newton-cg",
            Method::Lbfgs => "lbfgs",
            Method::Sgd { .. } => "sgd",
            Method::Adam { .. } => "adam",
        }
    }
}

/// `Σⱼ factorⱼ·(l1·|wⱼ| + ½·l2·wⱼ²)` over the coefficients w, intercepts left out (the elastic net of Zou & Hastie,
/// Journal of the Royal Statistical Society B 67(2), 2005).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Penalty {
    /// The factor of the absolute values (lasso).
    pub l1: f64,
    /// The factor of the squares (ridge).
    pub l2: f64,
    /// One factor per design column; 0 leaves a column unpenalised. Empty: 1 for all.
    pub factors: Vec<f64>,
    /// Whether the penalty acts on coefficients of columns scaled to a standard deviation of 1 instead of those in
    /// the user's units, as glmnet's does by default.
    pub standardised: bool,
}

impl Penalty {
    /// The ridge penalty ½·l2·‖w‖².
    pub fn ridge(l2: f64) -> Self {
        Penalty { l2, ..Penalty::default() }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    fn factor(&self, column: usize) -> f64 {
        self.factors.get(column).copied().unwrap_or(1.0)
    }

    /// The same, and at least ½·`least`·w² (or, under an l1 penalty alone, `least`·|w|) on columns that have none.
    pub(super) fn on_all(&self, least: f64, n_columns: usize) -> Self {
        if self.is_none() {
            return Penalty::ridge(least);
        }
        let spared = least / self.l1.max(self.l2);
        let factor = |column| if self.spares(column) { spared } else { self.factor(column) };
        Penalty { factors: (0..n_columns).map(factor).collect(), ..self.clone() }
    }

    /// Whether the minimum may leave out a penalised column that repeats `first`: an l2 penalty shares the coefficient
    /// between them, and an l1 penalty leaves it to the one with the smaller factor.
    pub(super) fn gives_up(&self, (column, first): (usize, usize)) -> bool {
        self.l2 == 0.0 && !self.spares(column) && self.factor(column) >= self.factor(first)
    }

    /// Whether a design column has no penalty.
    pub(super) fn spares(&self, column: usize) -> bool {
        self.is_none() || self.factor(column) == 0.0
    }
}

/// How rows of one class weigh against rows of the others, on top of the rows' own weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeight {
    /// All the same.
    #[default]
    Equal,
    /// Inversely to the weight of the class, so that all classes weigh alike, and the total stays.
    Balanced,
    /// These, by the number of the class.
    Given(Vec<f64>),
}

/// What the rows' weights stand for. The coefficients are the same; what is known about them is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightKind {
    /// A row of weight 2 is two rows.
    #[default]
    Frequency,
    /// A row of weight 2 stands for twice as many of a population as a row of weight 1 (inverse sampling
    /// probability): no more is known than the rows tell.
    Sampling,
}

/// The settings of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    /// The penalty; none is maximum likelihood.
    pub penalty: Penalty,
    /// The lowest and highest value of each design column's coefficient, in the user's units. Empty: no bounds.
    pub bounds: Vec<(f64, f64)>,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// The solver.
    pub method: Method,
    /// The weights of the classes.
    pub class_weight: ClassWeight,
    /// What the rows' weights stand for.
    pub weight_kind: WeightKind,
    /// The estimator of the covariance of the estimates.
    pub covariance: Covariance,
    /// Whether the fit is Firth's: maximum likelihood with Jeffreys' prior, which is finite where classes are separated
    /// and takes off the bias of first order (Firth, Biometrika 80(1), 1993).
    pub firth: bool,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression {
            penalty: Penalty::default(),
            bounds: Vec::new(),
            intercept: true,
            method: Method::Auto,
            class_weight: ClassWeight::Equal,
            weight_kind: WeightKind::Frequency,
            covariance: Covariance::Information,
            firth: false,
        }
    }
}

/// The weight of each class among the rows.
pub(super) fn class_totals(rows: &Rows<'_>) -> Vec<f64> {
    let data = rows.dataset();
    if let Some(elsewhere) = data.is_elsewhere() {
        return elsewhere.class_totals.clone();
    }
    let (n_classes, all, weight) = (data.n_classes(), data.y(), data.weight());
    let parts = rows.chunks(n_classes, |range| {
        let mut totals = vec![0.0; n_classes];
        rows.passed(&range);
        for i in rows.slice(range).indices() {
            let (y, weight) = (all[i], weight.map_or(1.0, |weight| weight[i]));
            match n_classes {
                2 => {
                    totals[0] += weight * (1.0 - y);
                    totals[1] += weight * y;
                }
                _ => totals[y as usize] += weight,
            }
        }
        totals
    });
    let mut totals = vec![0.0; n_classes];
    parts.iter().for_each(|part| totals.iter_mut().zip(part).for_each(|(total, part)| *total += part));
    totals
}

impl LogisticRegression {
    /// Maximum likelihood by Newton's method, with an intercept where these settings have one.
    pub(super) fn plain(&self) -> Self {
        LogisticRegression { intercept: self.intercept, ..LogisticRegression::default() }
    }

    /// Whether coefficients are those of maximum likelihood.
    pub(super) fn is_maximum_likelihood(&self) -> bool {
        self.penalty.is_none() && self.bounds.is_empty()
    }

    /// What rows of each class weigh on top of their own weights; none where nothing.
    pub(super) fn class_weights(&self, rows: &Rows<'_>) -> Option<Vec<f64>> {
        match &self.class_weight {
            ClassWeight::Equal => None,
            ClassWeight::Balanced => {
                let totals = class_totals(rows);
                let share = totals.iter().sum::<f64>() / totals.len() as f64;
                Some(totals.iter().map(|total| share / total).collect())
            }
            ClassWeight::Given(weights) => Some(weights.clone()),
        }
    }

    /// Refuses what needs more of rows in an engine than sums over all of them.
    fn check_elsewhere(&self, rows: &Rows<'_>) -> Result<()> {
        let is_known = matches!(self.method, Method::Auto | Method::Newton | Method::Lbfgs);
        let needs = [
            ("solver", !is_known, "`auto`, `newton` or `lbfgs`"),
            ("firth", self.firth, "false"),
            ("covariance", matches!(self.covariance, Covariance::Cluster(_)), "`information`, `hc0` or `hc1`"),
            ("rows", rows.range() != Some(0..rows.dataset().len()), "all of them"),
        ];
        match needs.into_iter().find(|(_, refused, _)| *refused) {
            Some((name, _, expected)) => {
                Err(Error::setting(name, &format!("{expected}, for rows that an engine holds"), &"another"))
            }
            None => Ok(()),
        }
    }

    /// Refuses settings that cannot be, and rows of one class.
    pub(super) fn check(&self, rows: &Rows<'_>) -> Result<()> {
        if rows.dataset().is_elsewhere().is_some() {
            self.check_elsewhere(rows)?;
        }
        let n_columns = rows.dataset().n_columns();
        let n_classes = rows.dataset().n_classes();
        let not_negative = |name, value: f64| match value.is_finite() && value >= 0.0 {
            true => Ok(()),
            false => Err(Error::setting(name, "finite and not negative", &value)),
        };
        not_negative("l1", self.penalty.l1)?;
        not_negative("l2", self.penalty.l2)?;
        self.penalty.factors.iter().try_for_each(|&factor| not_negative("penalty-factor", factor))?;
        for (what, found) in [("penalty factors", self.penalty.factors.len()), ("bounds", self.bounds.len())] {
            if found != 0 && found != n_columns {
                return Err(Error::Shape { what: format!("number of {what}"), expected: n_columns, found });
            }
        }
        if let Some((low, high)) = self.bounds.iter().find(|(low, high)| !possible(*low, *high)) {
            return Err(Error::setting(
                "bound",
                "a lower bound that is at most the upper",
                &format!("{low} and {high}"),
            ));
        }
        if !self.bounds.is_empty() && n_classes > 2 {
            return Err(Error::setting("bound", "a target of two classes", &format!("{n_classes} classes")));
        }
        if let ClassWeight::Given(weights) = &self.class_weight {
            if weights.len() != n_classes {
                let what = "number of class weights".to_string();
                return Err(Error::Shape { what, expected: n_classes, found: weights.len() });
            }
            if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
                return Err(Error::setting("class-weight", "finite and above 0", weight));
            }
        }
        self.check_method()?;
        self.check_covariance(rows)?;
        self.check_firth(n_classes)?;
        if class_totals(rows).iter().any(|&total| total <= 0.0) {
            return Err(one_class(rows, n_classes));
        }
        Ok(())
    }

    fn check_method(&self) -> Result<()> {
        if let Method::Sgd { learning_rate, epochs, batch_size, .. }
        | Method::Adam { learning_rate, epochs, batch_size, .. } = self.method
        {
            if !(learning_rate.is_finite() && learning_rate > 0.0) {
                return Err(Error::setting("learning-rate", "finite and above 0", &learning_rate));
            }
            if epochs == 0 || batch_size == 0 {
                return Err(Error::setting("epochs and batch-size", "at least 1", &0));
            }
        }
        if !self.method.is_newton() && (self.penalty.l1 > 0.0 || !self.bounds.is_empty()) {
            let found = format!("`{}`", self.method.name());
            return Err(Error::setting("solver", "`newton` for an l1 penalty or bounds", &found));
        }
        Ok(())
    }

    /// The penalty on the parameters of `outputs` outputs in standardised columns.
    pub(super) fn parameter_penalty(&self, standard: &Standardisation, outputs: usize) -> ParameterPenalty {
        let p = standard.columns.len();
        let mut penalty = ParameterPenalty::none(outputs * (p + usize::from(self.intercept)));
        for k in 0..outputs {
            for (j, (&column, &scale)) in standard.columns.iter().zip(&standard.scale).enumerate() {
                let unit = if self.penalty.standardised { 1.0 } else { scale };
                let factor = self.penalty.factor(column);
                // A column's unit may take a penalty out of the range of numbers.
                penalty.l1[k * p + j] = (self.penalty.l1 * factor / unit).min(f64::MAX);
                penalty.l2[k * p + j] = (self.penalty.l2 * factor / unit / unit).min(f64::MAX);
                if let Some((low, high)) = self.bounds.get(column) {
                    (penalty.lower[k * p + j], penalty.upper[k * p + j]) = (low * scale, high * scale);
                }
            }
        }
        if outputs > 1 && !self.penalty.is_none() {
            let unpenalised = (0..p).filter(|&j| penalty.is_free(j)).map(|j| (0..outputs).map(|k| k * p + j).collect());
            penalty.gauges = unpenalised.collect();
            if self.intercept {
                penalty.gauges.push((0..outputs).map(|k| outputs * p + k).collect());
            }
        }
        penalty
    }
}

/// Whether there is a number between two bounds.
fn possible(low: f64, high: f64) -> bool {
    low <= high && low < f64::INFINITY && high > f64::NEG_INFINITY
}

fn one_class(rows: &Rows<'_>, n_classes: usize) -> Error {
    let found = match rows.is_empty() || rows.total_weight() == 0.0 {
        true => "no rows",
        false if n_classes == 2 => "rows of one class only",
        false => "a class without rows",
    };
    let expected = if n_classes == 2 { "rows of two classes" } else { "rows of every class" };
    Error::Target {
        place: Place::default(),
        problem: format!("a fit needs {expected}, found {found}"),
        help: "look at rows left out for missing values, and at zero weights".to_string(),
    }
}
