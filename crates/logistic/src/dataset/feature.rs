//! What the design matrix is made of.

use super::{Numbers, Slice, Store, Values, check_all, check_length, first_wrong};
use crate::error::{Error, Result};

/// One or more columns of the design matrix, as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// One design column: a number per row.
    Number(Values),
    /// `n_columns` design columns, row after row (NumPy's default order).
    Matrix {
        /// The numbers, row-major (n_rows, n_columns).
        values: Values,
        /// The number of columns, at least 1.
        n_columns: usize,
    },
    /// `levels − 1` design columns: column k is 1 where the code is k + 1. Code 0 is the reference level.
    Codes {
        /// One code per row, each below `levels`.
        codes: Numbers<u32>,
        /// The number of levels, the reference included.
        levels: usize,
    },
    /// One design column of which most rows are zero.
    Sparse {
        /// The rows that are not zero, rising.
        rows: Vec<u32>,
        /// Their numbers.
        values: Vec<f64>,
        /// The number of rows.
        len: usize,
    },
    /// `n_columns` design columns of which most numbers are zero, row after row (SciPy's `csr_matrix`).
    Csr {
        /// Where each row's entries start among all, and then the number of all: n_rows + 1 numbers, from 0, not falling.
        starts: Numbers<usize>,
        /// The column of each entry; rising within a row.
        columns: Numbers<u32>,
        /// Their numbers.
        values: Values,
        /// The number of columns.
        n_columns: usize,
    },
    /// A category times a number. `levels − 1` design columns: column k is the number where the code is k + 1.
    Product {
        /// One code per row, each below `levels`.
        codes: Numbers<u32>,
        /// The number of levels, the reference included.
        levels: usize,
        /// One number per row.
        values: Numbers<f64>,
    },
}

impl Feature {
    /// One design column, of a `Vec` of either width or of [`Numbers`].
    pub fn number(values: impl Into<Values>) -> Self {
        Feature::Number(values.into())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Feature::Number(values) => values.len(),
            Feature::Matrix { values, n_columns } => values.len() / (*n_columns).max(1),
            Feature::Codes { codes, .. } | Feature::Product { codes, .. } => codes.len(),
            Feature::Sparse { len, .. } => *len,
            Feature::Csr { starts, .. } => starts.len().saturating_sub(1),
        }
    }

    /// The number of design columns.
    pub fn n_columns(&self) -> usize {
        match self {
            Feature::Number(_) | Feature::Sparse { .. } => 1,
            Feature::Matrix { n_columns, .. } | Feature::Csr { n_columns, .. } => *n_columns,
            Feature::Codes { levels, .. } | Feature::Product { levels, .. } => levels.saturating_sub(1),
        }
    }

    /// The products of these design columns with those of `other`, which has as many rows; those of the first
    /// column first. (The encoder makes features of one column or of categories only.)
    #[must_use]
    pub fn times(&self, other: &Feature) -> Feature {
        match (self.category(), other.category()) {
            (Some((a, n_a)), Some((b, n_b))) => {
                let inner = n_b.saturating_sub(1);
                let code = |(&a, &b): (&u32, &u32)| if a == 0 || b == 0 { 0 } else { (a - 1) * inner as u32 + b };
                Feature::Codes {
                    codes: a.iter().zip(b.iter()).map(code).collect(),
                    levels: n_a.saturating_sub(1) * inner + 1,
                }
            }
            (Some((codes, levels)), None) => {
                Feature::Product { codes: codes.clone(), levels, values: other.dense().into() }
            }
            (None, Some((codes, levels))) => {
                Feature::Product { codes: codes.clone(), levels, values: self.dense().into() }
            }
            (None, None) => Feature::Number(self.dense().iter().zip(other.dense()).map(|(a, b)| a * b).collect()),
        }
    }

    fn category(&self) -> Option<(&Numbers<u32>, usize)> {
        match self {
            Feature::Codes { codes, levels } => Some((codes, *levels)),
            _ => None,
        }
    }

    fn dense(&self) -> Vec<f64> {
        let view = self.view();
        (0..self.len()).map(|row| view.value(row, 0)).collect()
    }

    /// The same without a row.
    pub(crate) fn without_rows(&self) -> Self {
        match self {
            Feature::Number(_) => Feature::Number(Vec::<f64>::new().into()),
            Feature::Matrix { n_columns, .. } => {
                Feature::Matrix { values: Vec::<f64>::new().into(), n_columns: *n_columns }
            }
            Feature::Codes { levels, .. } => Feature::Codes { codes: Vec::new().into(), levels: *levels },
            Feature::Sparse { .. } => Feature::Sparse { rows: Vec::new(), values: Vec::new(), len: 0 },
            Feature::Csr { n_columns, .. } => Feature::Csr {
                starts: vec![0].into(),
                columns: Vec::new().into(),
                values: Vec::<f64>::new().into(),
                n_columns: *n_columns,
            },
            Feature::Product { levels, .. } => {
                Feature::Product { codes: Vec::new().into(), levels: *levels, values: Vec::new().into() }
            }
        }
    }

    /// The bytes of a row, or something like it.
    pub(super) fn row_bytes(&self) -> usize {
        match self {
            Feature::Number(Values::F32(_)) | Feature::Codes { .. } => 4,
            Feature::Number(Values::F64(_)) => 8,
            Feature::Product { .. } => 12,
            Feature::Matrix { values: Values::F32(_), n_columns } => 4 * n_columns,
            Feature::Matrix { n_columns, .. } => 8 * n_columns,
            Feature::Sparse { rows, len, .. } => 12 * rows.len() / (*len).max(1),
            Feature::Csr { columns, .. } => 12 * columns.len() / self.len().max(1),
        }
    }

    /// Refuses what is no feature; `j` is its place among the features.
    pub(super) fn check(&self, j: usize, store: &Store) -> Result<()> {
        match self {
            Feature::Number(values) => match values.slice() {
                Slice::F64(values) => check_all("feature", "finite", values, store, f64::is_finite),
                Slice::F32(values) => check_all("feature", "finite", values, store, f32::is_finite),
            },
            Feature::Matrix { values, n_columns } => {
                if *n_columns == 0 || values.len() % n_columns != 0 {
                    return Err(Error::setting("n_columns", "a divisor of the number of values", n_columns));
                }
                all_finite(values, store)
            }
            Feature::Codes { codes, levels } => check_codes(codes, *levels, store),
            Feature::Sparse { rows, values, len } => {
                check_all("feature", "finite", values, store, f64::is_finite)?;
                check_length(format!("values of feature {j}"), rows.len(), values.len())?;
                check_rising("rows", rows, *len)
            }
            Feature::Csr { starts, columns, values, n_columns } => {
                check_length(format!("values of feature {j}"), columns.len(), values.len())?;
                let (starts, columns) = (&starts[..], &columns[..]);
                let whole = starts.first() == Some(&0) && starts.last() == Some(&columns.len());
                if !whole || starts.windows(2).any(|pair| pair[0] > pair[1]) {
                    let expected = format!("from 0 to {}, not falling", columns.len());
                    return Err(Error::setting("starts", &expected, &"others"));
                }
                let rows = starts.windows(2).map(|pair| &columns[pair[0]..pair[1]]);
                rows.into_iter().try_for_each(|row| check_rising("columns", row, *n_columns))?;
                all_finite(values, store)
            }
            Feature::Product { codes, levels, values } => {
                check_all("feature", "finite", values, store, f64::is_finite)?;
                check_length(format!("values of feature {j}"), codes.len(), values.len())?;
                check_codes(codes, *levels, store)
            }
        }
    }
}

fn all_finite(values: &Values, store: &Store) -> Result<()> {
    let finite = match values.slice() {
        Slice::F64(values) => first_wrong(values, store, f64::is_finite).is_none(),
        Slice::F32(values) => first_wrong(values, store, f32::is_finite).is_none(),
    };
    if finite { Ok(()) } else { Err(Error::setting("feature", "finite", &"a value that is not")) }
}

fn check_codes(codes: &[u32], levels: usize, store: &Store) -> Result<()> {
    match first_wrong(codes, store, |code| (code as usize) < levels) {
        Some(at) => Err(Error::setting("codes", &format!("below {levels}"), &codes[at])),
        None => Ok(()),
    }
}

fn check_rising(name: &'static str, places: &[u32], end: usize) -> Result<()> {
    let rising = places.windows(2).all(|pair| pair[0] < pair[1]);
    if !rising || places.last().is_some_and(|&place| place as usize >= end) {
        return Err(Error::setting(name, &format!("rising, and below {end}"), &"others"));
    }
    Ok(())
}
