//! Data frames, through Arrow's C stream interface (the `PyCapsule` protocol), which pandas, polars and pyarrow share.

use arrow_array::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use logistic::table::{ReadOptions, from_batches};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::{Error, raised};

/// Columns of a data frame, as the library reads them.
#[pyclass(frozen, module = "logistic._core")]
pub(crate) struct Table(pub(crate) logistic::table::Table);

#[pymethods]
impl Table {
    /// Takes the columns of a frame that has `__arrow_c_stream__`; those named in `text` are categories even where they
    /// look like numbers, and those in `exclude` are not read.
    #[staticmethod]
    #[pyo3(signature = (frame, *, text=Vec::new(), exclude=Vec::new(), only=None))]
    fn from_frame(
        frame: &Bound<'_, PyAny>,
        text: Vec<String>,
        exclude: Vec<String>,
        only: Option<Vec<String>>,
    ) -> PyResult<Self> {
        table(frame, &ReadOptions { text, exclude, only, ..ReadOptions::default() }).map(Table)
    }

    /// The number of rows.
    #[getter]
    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names()
    }
}

/// The table that a frame holds.
pub(crate) fn table(frame: &Bound<'_, PyAny>, options: &ReadOptions) -> PyResult<logistic::table::Table> {
    let batches = stream(frame)?;
    frame.py().detach(|| from_batches("frame", batches, options)).map_err(raised)
}

pub(crate) fn stream(frame: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    let capsule = frame.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(c"arrow_array_stream"))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of that name holds an `ArrowArrayStream` by the Arrow PyCapsule interface, and lives until this
    // function returns; the stream is moved out of it, and what is left behind is marked as released.
    let reader = unsafe { ArrowArrayStreamReader::from_raw(pointer.as_ptr()) };
    reader.map_err(|error| Error::new_err(format!("the frame's Arrow stream cannot be read: {error}")))
}
