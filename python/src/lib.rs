//! The compiled half of the Python package `logistic`: it turns Python's arrays and frames into the library's datasets
//! and tables, calls it without the interpreter's lock, and turns what it says into Python's objects. All arithmetic is
//! the library's.

mod batches;
mod errors;
mod frames;
mod pool;
mod streams;
mod train;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", module.py().get_type::<errors::Error>())?;
    module.add_class::<frames::Table>()?;
    train::add_to(module)?;
    streams::add_to(module)?;
    Ok(())
}
