//! Fits of many penalties on the folds of a cross-validation.

use logistic::dataset::{Dataset, Rows};
use logistic::model::Fit;
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::absent::Present;
use crate::data::Data;
use crate::fit::{Settings, estimates, fitted, outputs};
use crate::pool::{Watch, watched};

/// The rows to train on and those held out.
type Split = [Vec<usize>; 2];
/// The same in arrays.
type Given<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);

/// The fits of one fold at one l1 ratio.
struct Fits {
    /// Coefficients and intercepts, row by row, of each penalty.
    parameters: Vec<f64>,
    iterations: Vec<usize>,
    /// The mean loss of the rows held out, at each penalty.
    losses: Vec<f64>,
    converged: bool,
    /// Whether the rows are of all classes; otherwise the losses are not those of all rows held out.
    whole: bool,
}

struct Task {
    fold: usize,
    l1_ratio: f64,
}

/// What one thread needs for all fits.
struct Grid {
    dataset: Dataset,
    settings: Settings,
    cs: Vec<f64>,
    /// The places in `cs`, the strongest penalty first.
    order: Vec<usize>,
}

impl Grid {
    fn fits<T>(&self, fold: &Split, l1_ratio: f64, watch: &Watch<T>) -> logistic::Result<Fits> {
        let [train, held_out] = fold;
        let select = |dataset, rows: &Vec<usize>| Rows::select(dataset, rows.clone());
        let rows = select(&self.dataset, train)?;
        let Some(present) = Present::of(&rows, self.settings.class_weight()) else {
            let walk = Walk { grid: self, settings: &self.settings, l1_ratio, l2_share: 1.0 };
            let n_classes = self.dataset.n_classes();
            return walk.fits(&rows, &select(&self.dataset, held_out)?, &|fit| estimates(fit, n_classes), watch);
        };
        if present.classes.len() == 1 {
            return Ok(self.alone(&present));
        }
        let dataset = present.dataset(&self.dataset)?;
        let (settings, l2_share) = (self.settings.among(&present), present.l2_share());
        let walk = Walk { grid: self, settings: &settings, l1_ratio, l2_share };
        let rows = (select(&dataset, train)?, select(&dataset, held_out)?);
        let fits = walk.fits(&rows.0, &rows.1, &|fit| present.estimates(fit), watch)?;
        Ok(Fits { whole: false, ..fits })
    }

    /// Fits of rows of one class.
    fn alone(&self, present: &Present) -> Fits {
        let n = self.cs.len();
        let (weight, bias) = present.alone(self.dataset.n_columns());
        let parameters = vec![row_by_row(&weight, &bias); n].concat();
        Fits { parameters, iterations: vec![0; n], losses: vec![0.0; n], converged: true, whole: false }
    }
}

/// The coefficients of each class with its intercept behind them.
fn row_by_row(weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let n_columns = weight.len() / bias.len();
    let row = |(k, bias): (usize, &f64)| [&weight[k * n_columns..(k + 1) * n_columns], &[*bias]].concat();
    bias.iter().enumerate().flat_map(row).collect()
}

/// Coefficients, row-major (n_classes, n_columns), and intercepts.
type Estimates = (Vec<f64>, Vec<f64>);

/// Fits of one fold, one after the other.
struct Walk<'a> {
    grid: &'a Grid,
    settings: &'a Settings,
    l1_ratio: f64,
    l2_share: f64,
}

impl Walk<'_> {
    fn fits<T>(
        &self,
        rows: &Rows<'_>,
        held_out: &Rows<'_>,
        estimates: &dyn Fn(&Fit) -> Estimates,
        watch: &Watch<T>,
    ) -> logistic::Result<Fits> {
        let (n, data) = (self.grid.cs.len(), rows.dataset());
        let mut fits =
            Fits { parameters: Vec::new(), iterations: vec![0; n], losses: vec![0.0; n], converged: true, whole: true };
        let mut parameters: Vec<Vec<f64>> = vec![Vec::new(); n];
        let mut start: Option<(Vec<f64>, Vec<f64>)> = None;
        for &at in &self.grid.order {
            let settings = self.settings.with(self.grid.cs[at], self.l1_ratio).settings(rows, self.l2_share);
            // Without a penalty there is one output less of more than two classes.
            let needed = outputs(data, self.grid.cs[at]) * data.n_columns();
            let start_here = start.as_ref().filter(|(weight, _)| weight.len() == needed);
            let fit = fitted(rows, &settings, start_here, (watch, self.settings.max_iter))?;
            fits.losses[at] = fit.mean_loss(held_out)?;
            fits.iterations[at] = fit.facts.iterations;
            fits.converged &= fit.facts.converged();
            let (weight, bias) = estimates(&fit);
            parameters[at] = row_by_row(&weight, &bias);
            start = Some((fit.weight.iter().map(|weight| weight.unwrap_or(0.0)).collect(), fit.bias));
        }
        fits.parameters = parameters.concat();
        Ok(fits)
    }
}

/// Fits each of the penalties `tried`, values of C and l1 ratios, on the rows of each fold, from the strongest penalty on. A dictionary of
/// `parameters` (n_folds, n_ratios, n_cs, n_outputs, n_columns + 1), the intercept last; `n_iter` and `log_loss` of the
/// rows held out (n_folds, n_ratios, n_cs); `converged`, whether all fits are; and `whole`, whether the rows of every fold are of
/// all classes, without which `log_loss` is not that of all rows held out.
#[pyfunction]
#[pyo3(signature = (data, settings, tried, folds, *, progress=None))]
pub(crate) fn fit_folds<'py>(
    py: Python<'py>,
    data: &Data,
    settings: Settings,
    tried: (Vec<f64>, Vec<f64>),
    folds: Vec<Given<'py>>,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (cs, l1_ratios) = tried;
    let indices = |rows: &PyReadonlyArray1<'py, i64>| rows.as_array().iter().map(|&row| row as usize).collect();
    let folds: Vec<Split> = folds.iter().map(|(train, test)| [indices(train), indices(test)]).collect();
    let mut order: Vec<usize> = (0..cs.len()).collect();
    order.sort_by(|&a, &b| cs[a].total_cmp(&cs[b]));
    let shape = (folds.len(), l1_ratios.len(), cs.len());
    let tasks: Vec<Task> =
        (0..folds.len()).flat_map(|fold| l1_ratios.iter().map(move |&l1_ratio| Task { fold, l1_ratio })).collect();
    let grid = Grid { dataset: data.dataset.clone(), settings, cs, order };
    let fits = watched(py, progress, move |watch| {
        let fits = |task: &Task| grid.fits(&folds[task.fold], task.l1_ratio, watch);
        tasks.par_iter().map(fits).collect::<logistic::Result<Vec<Fits>>>()
    })?;
    told(py, &fits, shape)
}

fn told<'py>(
    py: Python<'py>,
    fits: &[Fits],
    (n_folds, n_ratios, n_cs): (usize, usize, usize),
) -> PyResult<Bound<'py, PyDict>> {
    let parameters: Vec<f64> = fits.iter().flat_map(|fits| fits.parameters.iter().copied()).collect();
    let iterations: Vec<i32> = fits.iter().flat_map(|fits| fits.iterations.iter().map(|&n| n as i32)).collect();
    let losses: Vec<f64> = fits.iter().flat_map(|fits| fits.losses.iter().copied()).collect();
    let rest = parameters.len().checked_div(n_folds * n_ratios * n_cs);
    let rest = rest.ok_or_else(|| PyRuntimeError::new_err("there is nothing to fit"))?;
    let found = PyDict::new(py);
    let shape = [n_folds, n_ratios, n_cs];
    found.set_item("parameters", PyArray1::from_vec(py, parameters).reshape([n_folds, n_ratios, n_cs, rest])?)?;
    found.set_item("n_iter", PyArray1::from_vec(py, iterations).reshape(shape)?)?;
    found.set_item("log_loss", PyArray1::from_vec(py, losses).reshape(shape)?)?;
    found.set_item("converged", fits.iter().all(|fits| fits.converged))?;
    found.set_item("whole", fits.iter().all(|fits| fits.whole))?;
    Ok(found)
}
