//! Fits of many penalties on the folds of a cross-validation.

use logistic::dataset::{Dataset, Fold, Rows};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::data::Data;
use crate::fit::{Settings, estimates, fitted, outputs};
use crate::pool::{Watch, watched};

/// The rows to train on and those held out.
type Split<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);

/// The fits of one fold at one l1 ratio.
struct Fits {
    /// Coefficients and intercepts, row by row, of each penalty.
    parameters: Vec<f64>,
    iterations: Vec<usize>,
    /// The mean loss of the rows held out, at each penalty.
    losses: Vec<f64>,
    converged: bool,
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
    fn fits<T>(&self, fold: &Fold<'_>, l1_ratio: f64, watch: &Watch<T>) -> logistic::Result<Fits> {
        let rows = &fold.train;
        let (n, n_columns) = (self.cs.len(), self.dataset.n_columns());
        let mut fits = Fits { parameters: Vec::new(), iterations: vec![0; n], losses: vec![0.0; n], converged: true };
        let mut parameters: Vec<Vec<f64>> = vec![Vec::new(); n];
        let mut start: Option<(Vec<f64>, Vec<f64>)> = None;
        for &at in &self.order {
            let settings = self.settings.with(self.cs[at], l1_ratio).settings(rows);
            // Without a penalty there is one output less of more than two classes.
            let start_here =
                start.as_ref().filter(|(weight, _)| weight.len() == outputs(&self.dataset, self.cs[at]) * n_columns);
            let fit = fitted(rows, &settings, start_here, (watch, self.settings.max_iter))?;
            fits.losses[at] = fit.mean_loss(&fold.held_out)?;
            fits.iterations[at] = fit.facts.iterations;
            fits.converged &= fit.facts.converged();
            let (weight, bias) = estimates(&fit, self.dataset.n_classes());
            let row = |(k, bias): (usize, &f64)| [&weight[k * n_columns..(k + 1) * n_columns], &[*bias]].concat();
            parameters[at] = bias.iter().enumerate().flat_map(row).collect();
            start = Some((fit.weight.iter().map(|weight| weight.unwrap_or(0.0)).collect(), fit.bias));
        }
        fits.parameters = parameters.concat();
        Ok(fits)
    }
}

/// Fits each of the penalties `tried`, values of C and l1 ratios, on the rows of each fold, from the strongest penalty on. A dictionary of
/// `parameters` (n_folds, n_ratios, n_cs, n_outputs, n_columns + 1), the intercept last; `n_iter` and `log_loss` of the
/// rows held out (n_folds, n_ratios, n_cs); and `converged`, whether all fits are.
#[pyfunction]
#[pyo3(signature = (data, settings, tried, folds, *, progress=None))]
pub(crate) fn fit_folds<'py>(
    py: Python<'py>,
    data: &Data,
    settings: Settings,
    tried: (Vec<f64>, Vec<f64>),
    folds: Vec<Split<'py>>,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (cs, l1_ratios) = tried;
    let indices = |rows: &PyReadonlyArray1<'py, i64>| rows.as_array().iter().map(|&row| row as usize).collect();
    let folds: Vec<[Vec<usize>; 2]> = folds.iter().map(|(train, test)| [indices(train), indices(test)]).collect();
    let mut order: Vec<usize> = (0..cs.len()).collect();
    order.sort_by(|&a, &b| cs[a].total_cmp(&cs[b]));
    let shape = (folds.len(), l1_ratios.len(), cs.len());
    let tasks: Vec<Task> =
        (0..folds.len()).flat_map(|fold| l1_ratios.iter().map(move |&l1_ratio| Task { fold, l1_ratio })).collect();
    let grid = Grid { dataset: data.dataset.clone(), settings, cs, order };
    let fits = watched(py, progress, move |watch| {
        let select = |rows: &Vec<usize>| Rows::select(&grid.dataset, rows.clone());
        let fold =
            |[train, held_out]: &[Vec<usize>; 2]| Ok(Fold { train: select(train)?, held_out: select(held_out)? });
        let folds = folds.iter().map(fold).collect::<logistic::Result<Vec<Fold<'_>>>>()?;
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
    Ok(found)
}
