//! NumPy's arrays as features, and labels as the numbers of classes.

use logistic::dataset::{Feature, Numbers, Values};
use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// Columns of a design matrix, where they stand in memory.
#[pyclass(frozen, module = "logistic._core")]
pub(crate) struct Features {
    pub(crate) features: Vec<Feature>,
    n_rows: usize,
    n_columns: usize,
}

#[pymethods]
impl Features {
    /// The number of rows.
    #[getter]
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns.
    #[getter]
    pub(crate) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// A matrix in C order, of float32 or float64, where it stands.
    #[staticmethod]
    fn from_rows(x: &Bound<'_, PyAny>) -> PyResult<Self> {
        let shape = x.cast::<PyUntypedArray>()?.shape();
        let &[n_rows, n_columns] = shape else { return Err(PyValueError::new_err("expected a matrix")) };
        Ok(Features { features: vec![Feature::Matrix { values: values(x)?, n_columns }], n_rows, n_columns })
    }

    /// Columns, each one array of float32 or float64 without gaps, where they stand.
    #[staticmethod]
    fn from_columns(columns: Vec<Bound<'_, PyAny>>) -> PyResult<Self> {
        let features = columns.iter().map(|x| Ok(Feature::Number(values(x)?))).collect::<PyResult<Vec<Feature>>>()?;
        let n_rows = columns.first().map_or(Ok(0), |column| column.len())?;
        Ok(Features { n_columns: features.len(), features, n_rows })
    }

    /// A compressed sparse row matrix whose column numbers rise within each row; columns and values where they stand.
    #[staticmethod]
    fn from_csr(
        starts: PyReadonlyArray1<'_, i64>,
        columns: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        n_columns: usize,
    ) -> PyResult<Self> {
        let starts: Vec<usize> = starts.as_slice()?.iter().map(|&start| start as usize).collect();
        let n_rows = starts.len().saturating_sub(1);
        let (columns, values) = (lent::<u32>(columns)?, self::values(values)?);
        let feature = Feature::Csr { starts: starts.into(), columns, values, n_columns };
        Ok(Features { features: vec![feature], n_rows, n_columns })
    }
}

fn values(x: &Bound<'_, PyAny>) -> PyResult<Values> {
    lent::<f64>(x).map(Values::F64).or_else(|_| lent::<f32>(x).map(Values::F32))
}

/// The numbers of an array in C order, which stay where they are.
fn lent<T: Element + Send + Sync + 'static>(x: &Bound<'_, PyAny>) -> PyResult<Numbers<T>> {
    let array = x.cast::<PyArrayDyn<T>>()?;
    if !array.is_c_contiguous() {
        return Err(PyValueError::new_err("the array is not in C order"));
    }
    let array = array.try_readonly()?;
    let numbers = array.as_slice()?;
    let (start, len) = (numbers.as_ptr(), numbers.len());
    Ok(Numbers::lent(Lent { start, len, _owner: x.clone().unbind() }))
}

/// Numbers that an array of NumPy's owns.
struct Lent<T> {
    start: *const T,
    len: usize,
    _owner: Py<PyAny>,
}

// SAFETY: the numbers are plain data that is only read, and the owner is touched by nothing but its drop, which takes the
// interpreter's lock or waits for who has it.
unsafe impl<T: Sync> Send for Lent<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Lent<T> {}

impl<T> AsRef<[T]> for Lent<T> {
    fn as_ref(&self) -> &[T] {
        // SAFETY: `start` and `len` are those of a slice of the array's memory, aligned and initialised, which the array
        // keeps where it is as long as it lives, and it lives as long as `_owner`: NumPy refuses to resize an array that
        // another refers to. Whoever writes to an array while a fit reads it gets a wrong fit, as of every function of
        // NumPy's that works without the interpreter's lock.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

/// The number of each row's class.
#[derive(FromPyObject)]
pub(crate) enum Codes<'py> {
    Few(PyReadonlyArray1<'py, u8>),
    Many(PyReadonlyArray1<'py, u32>),
}

impl Codes<'_> {
    pub(crate) fn outcomes(&self) -> PyResult<Vec<f64>> {
        Ok(match self {
            Codes::Few(codes) => codes.as_slice()?.iter().map(|&code| f64::from(code)).collect(),
            Codes::Many(codes) => codes.as_slice()?.iter().map(|&code| f64::from(code)).collect(),
        })
    }
}

/// More classes than this are left to a sort of all labels.
const FEW: usize = 64;

/// Classes, and the place of every row's among them.
type Coded<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The different values of an array of numbers or booleans, rising, and the place of every row's value among them. None
/// for an array of another type, one that holds NaN, or more than 64 different values.
#[pyfunction]
pub(crate) fn few_classes<'py>(y: &Bound<'py, PyAny>) -> PyResult<Option<Coded<'py>>> {
    fn of<'py, T: Element + Copy + PartialOrd>(y: &Bound<'py, PyAny>) -> Option<PyResult<Option<Coded<'py>>>> {
        let array = y.cast::<PyArrayDyn<T>>().ok()?;
        let found = array.try_readonly().map_err(PyErr::from).and_then(|array| Ok(distinct(array.as_slice()?)));
        let python = |(classes, codes): (Vec<T>, Vec<u8>)| {
            let py = y.py();
            (PyArray1::from_vec(py, classes).into_any(), PyArray1::from_vec(py, codes).into_any())
        };
        Some(found.map(|found| found.map(python)))
    }
    let found = of::<i64>(y)
        .or_else(|| of::<f64>(y))
        .or_else(|| of::<bool>(y))
        .or_else(|| of::<i32>(y))
        .or_else(|| of::<f32>(y))
        .or_else(|| of::<i8>(y))
        .or_else(|| of::<u8>(y))
        .or_else(|| of::<i16>(y))
        .or_else(|| of::<u16>(y))
        .or_else(|| of::<u32>(y))
        .or_else(|| of::<u64>(y));
    found.unwrap_or(Ok(None))
}

fn distinct<T: Copy + PartialOrd>(labels: &[T]) -> Option<(Vec<T>, Vec<u8>)> {
    let mut met: Vec<T> = Vec::new();
    let mut codes = Vec::with_capacity(labels.len());
    for &label in labels {
        let at = match met.iter().position(|known| *known == label) {
            Some(at) => at,
            // NaN equals nothing, not even itself.
            None if met.len() == FEW || label.partial_cmp(&label).is_none() => return None,
            None => {
                met.push(label);
                met.len() - 1
            }
        };
        codes.push(at as u8);
    }
    let mut order: Vec<usize> = (0..met.len()).collect();
    order.sort_by(|&a, &b| met[a].partial_cmp(&met[b]).unwrap_or(std::cmp::Ordering::Equal));
    let mut rank = vec![0_u8; met.len()];
    order.iter().enumerate().for_each(|(at, &of)| rank[of] = at as u8);
    codes.iter_mut().for_each(|code| *code = rank[usize::from(*code)]);
    Some((order.into_iter().map(|at| met[at]).collect(), codes))
}

/// A value for every row.
pub(crate) fn per_row(values: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let values = values.extract::<PyReadonlyArray1<'_, f64>>();
    let values = values.map_err(|_| PyTypeError::new_err("expected a float64 array of one dimension"))?;
    Ok(values.as_array().to_vec())
}
