//! Fits.

use logistic::dataset::{Dataset, Rows};
use logistic::model::{ClassWeight, Fit, LogisticRegression, Penalty};
use logistic::solver::{Go, Step, Stopping, Termination};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::absent::Present;
use crate::data::Data;
use crate::errors::raised;
use crate::model::Model;
use crate::pool::{Watch, watched};
use crate::scores::{centred, matrix};

/// What is asked of a fit, in scikit-learn's terms.
#[derive(Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    /// The inverse of the penalty over all rows; infinite for none.
    c: f64,
    l1_ratio: f64,
    intercept: bool,
    /// The weight of each class, where they differ.
    class_weight: Option<Vec<f64>>,
    /// Whether classes weigh alike.
    balanced: bool,
    /// A factor for each column of the design matrix, or nothing.
    penalty_factor: Vec<f64>,
    /// The least and largest value of each column's coefficient, or nothing.
    bounds: Vec<(f64, f64)>,
    pub(crate) max_iter: usize,
}

impl Settings {
    /// The library's settings for these rows: scikit-learn's C is over the sum of all weights, the library's penalty over
    /// their mean. The l2 penalty is multiplied by `l2_share`.
    pub(crate) fn settings(&self, rows: &Rows<'_>, l2_share: f64) -> LogisticRegression {
        let totals = class_totals(rows);
        let class_weight = match (&self.class_weight, self.balanced) {
            (Some(weights), _) => ClassWeight::Given(weights.clone()),
            (None, true) => ClassWeight::Balanced,
            (None, false) => ClassWeight::Equal,
        };
        let total: f64 = match &class_weight {
            ClassWeight::Given(weights) => totals.iter().zip(weights).map(|(total, weight)| total * weight).sum(),
            _ => totals.iter().sum(),
        };
        LogisticRegression {
            penalty: self.penalty(total, l2_share),
            bounds: self.bounds.clone(),
            intercept: self.intercept,
            class_weight,
            ..LogisticRegression::default()
        }
    }

    /// The same with another penalty.
    pub(crate) fn with(&self, c: f64, l1_ratio: f64) -> Self {
        Settings { c, l1_ratio, ..self.clone() }
    }

    /// The same for the classes that are there.
    pub(crate) fn among(&self, present: &Present) -> Self {
        let class_weight = self.class_weight.as_ref().map(|weights| present.those(weights));
        Settings { class_weight, ..self.clone() }
    }

    pub(crate) fn class_weight(&self) -> Option<&[f64]> {
        self.class_weight.as_deref()
    }

    /// The penalty over rows of this weight.
    fn penalty(&self, total: f64, l2_share: f64) -> Penalty {
        let strength = if self.c.is_infinite() { 0.0 } else { 1.0 / (self.c * total) };
        let (l1, l2) = (strength * self.l1_ratio, strength * (1.0 - self.l1_ratio) * l2_share);
        Penalty { l1, l2, factors: self.penalty_factor.clone(), ..Penalty::default() }
    }
}

/// The weight of each class.
pub(crate) fn class_totals(rows: &Rows<'_>) -> Vec<f64> {
    let data = rows.dataset();
    let mut totals = vec![0.0; data.n_classes()];
    for row in rows.indices() {
        totals[data.y()[row] as usize] += data.weight().map_or(1.0, |weight| weight[row]);
    }
    totals
}

/// Where a fit starts: coefficients and intercepts, of every class where there are more than two.
type Start<'py> = (PyReadonlyArray2<'py, f64>, PyReadonlyArray1<'py, f64>);

/// The gap over all rows, estimated, at which a fit is about to end by itself.
const ABOUT_TO_END: f64 = 1e-11;

/// Counts the steps of a fit and ends it after the last that is allowed, unless it is about to end by itself.
struct Counted<'w, T> {
    watch: &'w Watch<T>,
    most: usize,
    total: f64,
    steps: usize,
    exhausted: bool,
}

impl<T> Counted<'_, T> {
    fn hear(&mut self, step: &Step) -> Go {
        self.steps += 1;
        if self.watch.hear(self.steps, step) == Go::Stop {
            return Go::Stop;
        }
        let gap = ABOUT_TO_END.max(Stopping::default().gap);
        let ends = !step.moved || step.gap_estimate.is_some_and(|estimate| estimate * self.total <= gap);
        self.exhausted = self.steps >= self.most && !ends;
        if self.exhausted { Go::Stop } else { Go::On }
    }
}

/// Fits the rows, from a start where there is one.
pub(crate) fn fitted<T>(
    rows: &Rows<'_>,
    settings: &LogisticRegression,
    start: Option<&(Vec<f64>, Vec<f64>)>,
    (watch, most): (&Watch<T>, usize),
) -> logistic::Result<Fit> {
    let total = rows.total_weight().clamp(1.0, 1e20);
    let mut counted = Counted { watch, most: most.max(1), total, steps: 0, exhausted: false };
    let mut hear = |_: usize, step: &Step| counted.hear(step);
    let mut fit = match start {
        Some((weight, bias)) => settings.fit_near(rows, weight, bias, &mut hear)?,
        None => settings.fit(rows, &mut hear)?,
    };
    if counted.exhausted && fit.termination() == Termination::Interrupted {
        fit.facts.termination = Termination::MaxIterations.name().to_string();
    }
    Ok(fit)
}

/// A start as the library has it: where nothing is penalised, of all classes but the first, whose logit is 0.
fn start_of(start: &Start<'_>, outputs: usize) -> (Vec<f64>, Vec<f64>) {
    let (weight, bias) = (start.0.as_array(), start.1.as_array());
    let drop_base = weight.nrows() == outputs + 1;
    let first = usize::from(drop_base);
    let base = |value: f64, base: f64| if drop_base { value - base } else { value };
    let rows = first..weight.nrows();
    let of_row = |k: usize| (0..weight.ncols()).map(move |j| (k, j));
    let weights = rows.flat_map(of_row).map(|(k, j)| base(weight[(k, j)], weight[(0, j)])).collect();
    (weights, (first..bias.len()).map(|k| base(bias[k], bias[0])).collect())
}

/// Fits the rows. A dictionary of `model`, `coef` (n_outputs, n_columns), `intercept`, `n_iter`, `termination`,
/// `objective`, `gap`, `gradient_max_norm` and `warnings`.
#[pyfunction]
#[pyo3(signature = (data, settings, *, start=None, progress=None))]
pub(crate) fn fit<'py>(
    py: Python<'py>,
    data: &Data,
    settings: Settings,
    start: Option<Start<'py>>,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    // A fit of one class alone is the library's to refuse.
    let present = Present::of(&data.dataset.rows(), settings.class_weight()).filter(|found| found.classes.len() > 1);
    let mut encoder = data.encoder.clone();
    let (dataset, settings, start, l2_share) = match &present {
        None => {
            let outputs = outputs(&data.dataset, settings.c);
            (data.dataset.clone(), settings, start.map(|start| start_of(&start, outputs)), 1.0)
        }
        Some(present) => {
            encoder.target.classes = present.those(&encoder.target.classes);
            let dataset = present.dataset(&data.dataset).map_err(raised)?;
            (dataset, settings.among(present), None, present.l2_share())
        }
    };
    let fit = watched(py, progress, move |watch| {
        let rows = dataset.rows();
        fitted(&rows, &settings.settings(&rows, l2_share), start.as_ref(), (watch, settings.max_iter))
    })?;
    let (weight, bias) = match &present {
        None => estimates(&fit, data.dataset.n_classes()),
        Some(present) => present.estimates(&fit),
    };
    let found = PyDict::new(py);
    found.set_item("coef", matrix(py, weight, data.dataset.n_columns())?)?;
    found.set_item("intercept", numpy::PyArray1::from_vec(py, bias))?;
    found.set_item("n_iter", fit.facts.iterations)?;
    found.set_item("termination", fit.facts.termination.clone())?;
    found.set_item("objective", fit.facts.objective)?;
    found.set_item("gap", fit.facts.gap)?;
    found.set_item("gradient_max_norm", fit.facts.gradient_max_norm)?;
    let model = Model::new(encoder, fit, data.warnings.clone());
    found.set_item("warnings", model.told())?;
    found.set_item("model", model)?;
    Ok(found)
}

/// The number of outputs of a fit: of two classes one; of more all of them, or all but the first without a penalty.
pub(crate) fn outputs(dataset: &Dataset, c: f64) -> usize {
    match dataset.n_classes() {
        2 => 1,
        n_classes => n_classes - usize::from(c.is_infinite()),
    }
}

/// Coefficients, 0 where a column was left out, and intercepts, 0 where there are none: of two classes those of the second,
/// of more those of every class, with a sum of 0 where no penalty says otherwise.
pub(crate) fn estimates(fit: &Fit, n_classes: usize) -> (Vec<f64>, Vec<f64>) {
    let weight: Vec<f64> = fit.weight.iter().map(|weight| weight.unwrap_or(0.0)).collect();
    let outputs = fit.n_outputs();
    let bias = if fit.bias.is_empty() { vec![0.0; outputs] } else { fit.bias.clone() };
    match n_classes > 2 && outputs < n_classes {
        true => (centred(&weight, outputs), centred(&bias, outputs)),
        false => (weight, bias),
    }
}
