//! Logits and probabilities of rows of plain numbers.

use logistic::dataset::{Feature, linear_predictors};
use logistic::loss::{CrossEntropy, log_sigmoid, sigmoid};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::arrays::{Features, per_row};
use crate::errors::raised;
use crate::pool::quick;

/// A matrix of NumPy's in C order.
pub(crate) fn matrix<'py>(py: Python<'py>, values: Vec<f64>, n_columns: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let n_rows = values.len().checked_div(n_columns).unwrap_or(0);
    PyArray1::from_vec(py, values).reshape([n_rows, n_columns])
}

/// The parameters of all classes from those of all but the first, with a sum of 0 for each: `outputs` rows become one more.
pub(crate) fn centred(values: &[f64], outputs: usize) -> Vec<f64> {
    let n = values.len() / outputs.max(1);
    let mean = |j: usize| (0..outputs).map(|k| values[k * n + j]).sum::<f64>() / (outputs + 1) as f64;
    let means: Vec<f64> = (0..n).map(mean).collect();
    let base = means.iter().map(|mean| -mean);
    base.chain(values.iter().enumerate().map(|(at, value)| value - means[at % n])).collect()
}

/// Output by output, the logits of all rows; from coefficients (n_outputs, n_columns).
fn logits(
    (features, n_rows): (&[Feature], usize),
    (weight, bias): (&[f64], &[f64]),
    offset: Option<&[f64]>,
) -> logistic::Result<Vec<Vec<f64>>> {
    let n = weight.len() / bias.len().max(1);
    let of = |(k, &bias): (usize, &f64)| {
        let mut logits = linear_predictors(features, n_rows, &weight[k * n..(k + 1) * n], bias)?;
        logits.iter_mut().zip(offset.unwrap_or(&[])).for_each(|(z, offset)| *z += offset);
        Ok(logits)
    };
    bias.iter().enumerate().map(of).collect()
}

/// What the logits of rows are turned into.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// Nothing else: (n_rows, n_outputs).
    Logit,
    /// Probabilities (n_rows, n_classes).
    Probability,
    /// Their logarithms.
    LogProbability,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Scale {
    type Error = PyErr;

    fn extract(name: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match name.extract::<&str>()? {
            "logit" => Ok(Scale::Logit),
            "probability" => Ok(Scale::Probability),
            "log_probability" => Ok(Scale::LogProbability),
            other => Err(PyValueError::new_err(format!("there is no scale '{other}'"))),
        }
    }
}

/// Writes what the logits of a row are on a scale.
fn write(z: &[f64], scale: Scale, values: &mut [f64]) {
    match (scale, z) {
        (Scale::Logit, _) => values.copy_from_slice(z),
        (Scale::Probability, &[z]) => values.copy_from_slice(&[1.0 - sigmoid(z), sigmoid(z)]),
        (Scale::LogProbability, &[z]) => values.copy_from_slice(&[log_sigmoid(-z), log_sigmoid(z)]),
        (Scale::Probability, _) => {
            let softmax = CrossEntropy { n_classes: z.len(), base: false };
            values.copy_from_slice(&softmax.probabilities(z));
        }
        (Scale::LogProbability, _) => {
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total = top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln();
            values.iter_mut().zip(z).for_each(|(value, z)| *value = z - total);
        }
    }
}

/// Rows a core takes at a time.
const BLOCK: usize = 4096;

/// Outputs of one row after those of another; gives the number of columns too.
pub(crate) fn row_by_row(outputs: &[Vec<f64>], scale: Scale) -> (Vec<f64>, usize) {
    let (n_rows, n_outputs) = (outputs.first().map_or(0, Vec::len), outputs.len());
    let width = if n_outputs == 1 && scale != Scale::Logit { 2 } else { n_outputs };
    let mut values = vec![0.0; n_rows * width];
    values.par_chunks_mut(BLOCK * width.max(1)).enumerate().for_each(|(block, values)| {
        let mut row = vec![0.0; n_outputs];
        for (i, values) in values.chunks_exact_mut(width).enumerate() {
            row.iter_mut().zip(outputs).for_each(|(z, output)| *z = output[block * BLOCK + i]);
            write(&row, scale, values);
        }
    });
    (values, width)
}

/// The scores of all rows from coefficients (n_outputs, n_columns), intercepts (n_outputs) and numbers that are added to
/// the logits: on the scale `logit` (n_rows, n_outputs), or `probability` or `log_probability` (n_rows, n_classes).
#[pyfunction]
#[pyo3(signature = (features, coef, intercept, *, scale, offset=None))]
pub(crate) fn scores<'py>(
    py: Python<'py>,
    features: &Features,
    coef: PyReadonlyArray2<'py, f64>,
    intercept: PyReadonlyArray1<'py, f64>,
    scale: Scale,
    offset: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    if coef.as_array().ncols() != features.n_columns() || coef.as_array().nrows() != intercept.as_array().len() {
        return Err(PyValueError::new_err("coef_ and intercept_ are not of these columns and classes"));
    }
    let offset = offset.map(per_row).transpose()?;
    if offset.as_ref().is_some_and(|offset| offset.len() != features.n_rows()) {
        return Err(PyValueError::new_err("offset must have one number for every row"));
    }
    let (weight, bias) = (coef.as_array().iter().copied().collect::<Vec<f64>>(), intercept.as_array().to_vec());
    let scored = quick(py, || {
        let logits = logits((&features.features, features.n_rows()), (&weight, &bias), offset.as_deref())?;
        Ok(row_by_row(&logits, scale))
    })?;
    let (values, width) = scored.map_err(raised)?;
    matrix(py, values, width)
}
