//! The compiled half of the Python package `logistic`: it turns Python's arrays and frames into the library's datasets
//! and tables, calls it without the interpreter's lock, and turns what it says into Python's objects. All arithmetic is
//! the library's.

mod absent;
mod arrays;
mod batches;
mod data;
mod elsewhere;
mod errors;
mod fit;
mod folds;
mod frames;
mod imports;
mod model;
mod pool;
mod report;
mod scores;
mod streams;
mod train;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", module.py().get_type::<errors::Error>())?;
    module.add_class::<frames::Table>()?;
    module.add_class::<arrays::Features>()?;
    module.add_class::<data::Data>()?;
    module.add_class::<model::Model>()?;
    module.add_function(wrap_pyfunction!(arrays::few_classes, module)?)?;
    module.add_function(wrap_pyfunction!(fit::fit, module)?)?;
    module.add_function(wrap_pyfunction!(folds::fit_folds, module)?)?;
    module.add_function(wrap_pyfunction!(scores::scores, module)?)?;
    elsewhere::add_to(module)?;
    module.add_function(wrap_pyfunction!(report::report, module)?)?;
    train::add_to(module)?;
    imports::add_to(module)?;
    streams::add_to(module)?;
    Ok(())
}
