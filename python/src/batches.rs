//! Frames and columns as Arrow batches, held until it is known how their columns are to be read.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray,
    TimestampMicrosecondArray, types,
};
use arrow_schema::DataType;
use logistic::table::{ReadOptions, Table, from_batches, read};
use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::Error;
use crate::frames::stream;

/// A frame's batches.
#[pyclass(frozen, from_py_object, module = "logistic._core")]
#[derive(Clone)]
pub(crate) struct Batches(Arc<[RecordBatch]>, arrow_schema::SchemaRef);

#[pymethods]
impl Batches {
    /// Those of a frame that has `__arrow_c_stream__`. Their memory stays the frame's.
    #[staticmethod]
    fn from_stream(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = stream(frame)?;
        let schema = reader.schema();
        let batches: Result<Vec<RecordBatch>, _> = frame.py().detach(|| reader.collect());
        let batches = batches.map_err(|error| Error::new_err(format!("the frame cannot be read: {error}")))?;
        Ok(Batches(batches.into(), schema))
    }

    /// Columns of equal length by name: arrays of numbers or booleans; lists of text, None where it is missing; and as
    /// (array,) of int64, times in microseconds since 1970.
    #[staticmethod]
    fn from_columns(columns: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Self> {
        let arrays = columns.into_iter().map(|(name, values)| Ok((name, array(&values)?, true)));
        let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
        let batch = RecordBatch::try_from_iter_with_nullable(arrays);
        let batch = batch.map_err(|error| Error::new_err(format!("the columns are no table: {error}")))?;
        Ok(Batches([batch.clone()].into(), batch.schema()))
    }
}

fn array(values: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    fn of<T: types::ArrowPrimitiveType<Native: Element + Copy>>(values: &Bound<'_, PyAny>) -> Option<ArrayRef> {
        let values = values.extract::<PyReadonlyArray1<'_, T::Native>>().ok()?;
        Some(Arc::new(PrimitiveArray::<T>::from_iter_values(values.as_array().iter().copied())))
    }
    let number = of::<types::Float64Type>(values)
        .or_else(|| of::<types::Int64Type>(values))
        .or_else(|| of::<types::Float32Type>(values))
        .or_else(|| of::<types::Int32Type>(values))
        .or_else(|| of::<types::Int16Type>(values))
        .or_else(|| of::<types::Int8Type>(values))
        .or_else(|| of::<types::UInt64Type>(values))
        .or_else(|| of::<types::UInt32Type>(values))
        .or_else(|| of::<types::UInt16Type>(values))
        .or_else(|| of::<types::UInt8Type>(values));
    if let Some(number) = number {
        return Ok(number);
    }
    if let Ok(truths) = values.extract::<PyReadonlyArray1<'_, bool>>() {
        return Ok(Arc::new(BooleanArray::from(truths.as_array().to_vec())));
    }
    if let Ok(words) = values.extract::<Vec<Option<String>>>() {
        return Ok(Arc::new(StringArray::from(words)));
    }
    let Ok((times,)) = values.extract::<(PyReadonlyArray1<'_, i64>,)>() else {
        return Err(PyTypeError::new_err("expected a column of numbers, booleans, text or times"));
    };
    // NumPy's NaT is the least int64.
    let time = |&time: &i64| (time != i64::MIN).then_some(time);
    Ok(Arc::new(times.as_array().iter().map(time).collect::<TimestampMicrosecondArray>()))
}

impl Batches {
    /// The columns whose type is one that `is` says.
    pub(crate) fn names_of(&self, is: &dyn Fn(&DataType) -> bool) -> Vec<String> {
        let fields = self.1.fields().iter();
        fields.filter(|field| is(field.data_type())).map(|field| field.name().clone()).collect()
    }

    /// The rows as a table of that name.
    pub(crate) fn table(&self, name: &str, options: &ReadOptions) -> logistic::Result<Table> {
        let batches = RecordBatchIterator::new(self.0.iter().cloned().map(Ok), Arc::clone(&self.1));
        from_batches(name, batches, options)
    }
}

/// What stands for files where a command is called with frames: each under a name that its settings give.
pub(crate) struct Frames(pub(crate) Vec<(String, Batches)>);

impl Frames {
    /// The table of a frame, or of files.
    pub(crate) fn read(&self, names: &[String], options: &ReadOptions) -> logistic::Result<Table> {
        match self.0.iter().find(|(name, _)| names == [name.as_str()]) {
            None => read(names, options, &|_| ()),
            Some((name, batches)) => batches.table(name, options),
        }
    }
}
