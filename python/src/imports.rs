//! Models of coefficients that other programs estimated.

use logistic::encode::Target;
use logistic::export::{Layer, Tensor};
use logistic::model::{Imported, Model};
use pyo3::prelude::*;

use crate::errors::raised;
use crate::train::Trained;

/// The coefficients (n_outputs, n_columns) row by row, the intercepts, and the number of columns.
type Parts = (Vec<f64>, Vec<f64>, usize);

/// The layer in the bytes of a safetensors file.
#[pyfunction]
fn layer_read(bytes: &[u8], path: &str) -> PyResult<Parts> {
    Layer::read(bytes, path).map(parts).map_err(raised)
}

/// The layer that tensors are: the name, the shape and the numbers of each.
#[pyfunction]
fn layer_of(tensors: Vec<(String, Vec<usize>, Vec<f64>)>) -> PyResult<Parts> {
    let tensors = tensors.into_iter().map(|(name, shape, values)| Tensor { name, shape, values }).collect();
    Layer::of(tensors, "state_dict").map(parts).map_err(raised)
}

fn parts(layer: Layer) -> Parts {
    (layer.weight, layer.bias, layer.n_columns)
}

/// The model of coefficients.
#[pyfunction]
fn imported(
    columns: Vec<String>,
    target: String,
    classes: Vec<String>,
    numeric: bool,
    weight: Vec<f64>,
    bias: Vec<f64>,
) -> PyResult<Trained> {
    let target = Target { column: target, classes, rest: false, numeric };
    Model::imported(Imported { columns, target, weight, bias }).map(Trained::of).map_err(raised)
}

/// Adds what stands here to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(layer_read, module)?)?;
    module.add_function(wrap_pyfunction!(layer_of, module)?)?;
    module.add_function(wrap_pyfunction!(imported, module)?)
}
