//! What the design matrix is made of.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::{check_all, check_length};
use crate::error::{Error, Result};

/// Numbers in the width that they came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of 64 bits.
    F64(Vec<f64>),
    /// Of 32 bits; worked on in 64.
    F32(Vec<f32>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::F64(values) => values.len(),
            Values::F32(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `index`, which must be below [`Values::len`].
    pub(crate) fn get(&self, index: usize) -> f64 {
        match self {
            Values::F64(values) => values[index],
            Values::F32(values) => f64::from(values[index]),
        }
    }

    fn all_finite(&self) -> bool {
        match self {
            Values::F64(values) => values.iter().all(|value| value.is_finite()),
            Values::F32(values) => values.iter().all(|value| value.is_finite()),
        }
    }
}

/// One or more columns of the design matrix, as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// One design column: a number per row.
    Number(Vec<f64>),
    /// `n_columns` design columns, row after row (NumPy's default order). One column of it is a column in 32 bits.
    Matrix {
        /// The numbers, row-major (n_rows, n_columns).
        values: Values,
        /// The number of columns, at least 1.
        n_columns: usize,
    },
    /// `levels − 1` design columns: column k is 1 where the code is k + 1. Code 0 is the reference level.
    Codes {
        /// One code per row, each below `levels`.
        codes: Vec<u32>,
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
        starts: Vec<usize>,
        /// The column of each entry; rising within a row.
        columns: Vec<u32>,
        /// Their numbers.
        values: Values,
        /// The number of columns.
        n_columns: usize,
    },
    /// A category times a number. `levels − 1` design columns: column k is the number where the code is k + 1.
    Product {
        /// One code per row, each below `levels`.
        codes: Vec<u32>,
        /// The number of levels, the reference included.
        levels: usize,
        /// One number per row.
        values: Vec<f64>,
    },
}

impl Feature {
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

    /// The value of design column `k` in a row.
    pub(super) fn value(&self, row: usize, k: usize) -> f64 {
        match self {
            Feature::Number(values) => values[row],
            Feature::Matrix { values, n_columns } => values.get(row * n_columns + k),
            Feature::Codes { codes, .. } => f64::from(codes[row] as usize == k + 1),
            Feature::Sparse { rows, values, .. } => rows.binary_search(&(row as u32)).map_or(0.0, |at| values[at]),
            Feature::Csr { starts, columns, values, .. } => {
                let entries = starts[row]..starts[row + 1];
                let at = columns[entries.clone()].binary_search(&(k as u32));
                at.map_or(0.0, |at| values.get(entries.start + at))
            }
            Feature::Product { codes, values, .. } => {
                if codes[row] as usize == k + 1 {
                    values[row]
                } else {
                    0.0
                }
            }
        }
    }

    /// Adds Σₖ weight[k]·xₖ of the rows from `first` on to their `logits`; one weight per design column.
    pub(crate) fn add_to(&self, weight: &[f64], first: usize, logits: &mut [f64]) {
        let effect = |code: u32| if code == 0 { 0.0 } else { weight[code as usize - 1] };
        let rows = first..first + logits.len();
        match self {
            Feature::Number(values) => logits.iter_mut().zip(&values[rows]).for_each(|(z, x)| *z += weight[0] * x),
            Feature::Matrix { values, n_columns } => {
                let cells = rows.start * n_columns..rows.end * n_columns;
                match values {
                    Values::F64(values) => add_rows(weight, &values[cells], |x| x, logits),
                    Values::F32(values) => add_rows(weight, &values[cells], f64::from, logits),
                }
            }
            Feature::Codes { codes, .. } => {
                logits.iter_mut().zip(&codes[rows]).for_each(|(z, &code)| *z += effect(code));
            }
            Feature::Sparse { rows: own, values, .. } => {
                let from = own.partition_point(|&row| (row as usize) < rows.start);
                let entries = own[from..].iter().zip(&values[from..]);
                entries.take_while(|(row, _)| (**row as usize) < rows.end).for_each(|(&row, x)| {
                    logits[row as usize - first] += weight[0] * x;
                });
            }
            Feature::Csr { starts, columns, values, .. } => {
                for (z, entries) in logits.iter_mut().zip(starts[first..].windows(2)) {
                    let entries = entries[0]..entries[1];
                    *z += entries.map(|at| weight[columns[at] as usize] * values.get(at)).sum::<f64>();
                }
            }
            Feature::Product { codes, values, .. } => {
                let both = codes[rows.clone()].iter().zip(&values[rows]);
                logits.iter_mut().zip(both).for_each(|(z, (&code, x))| *z += effect(code) * x);
            }
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
                Feature::Codes { codes: a.iter().zip(b).map(code).collect(), levels: n_a.saturating_sub(1) * inner + 1 }
            }
            (Some((codes, levels)), None) => Feature::Product { codes: codes.to_vec(), levels, values: other.dense() },
            (None, Some((codes, levels))) => Feature::Product { codes: codes.to_vec(), levels, values: self.dense() },
            (None, None) => Feature::Number(self.dense().iter().zip(other.dense()).map(|(a, b)| a * b).collect()),
        }
    }

    fn category(&self) -> Option<(&[u32], usize)> {
        match self {
            Feature::Codes { codes, levels } => Some((codes, *levels)),
            _ => None,
        }
    }

    fn dense(&self) -> Vec<f64> {
        (0..self.len()).map(|row| self.value(row, 0)).collect()
    }

    /// Refuses what is no feature; `j` is its place among the features.
    pub(super) fn check(&self, j: usize) -> Result<()> {
        match self {
            Feature::Number(values) => check_all("feature", "finite", values, f64::is_finite),
            Feature::Matrix { values, n_columns } => {
                if *n_columns == 0 || values.len() % n_columns != 0 {
                    return Err(Error::setting("n_columns", "a divisor of the number of values", n_columns));
                }
                all_finite(values)
            }
            Feature::Codes { codes, levels } => check_codes(codes, *levels),
            Feature::Sparse { rows, values, len } => {
                check_all("feature", "finite", values, f64::is_finite)?;
                check_length(format!("values of feature {j}"), rows.len(), values.len())?;
                check_rising("rows", rows, *len)
            }
            Feature::Csr { starts, columns, values, n_columns } => {
                check_length(format!("values of feature {j}"), columns.len(), values.len())?;
                let whole = starts.first() == Some(&0) && starts.last() == Some(&columns.len());
                if !whole || starts.windows(2).any(|pair| pair[0] > pair[1]) {
                    let expected = format!("from 0 to {}, not falling", columns.len());
                    return Err(Error::setting("starts", &expected, &"others"));
                }
                let rows = starts.windows(2).map(|pair| &columns[pair[0]..pair[1]]);
                rows.into_iter().try_for_each(|row| check_rising("columns", row, *n_columns))?;
                all_finite(values)
            }
            Feature::Product { codes, levels, values } => {
                check_all("feature", "finite", values, f64::is_finite)?;
                check_length(format!("values of feature {j}"), codes.len(), values.len())?;
                check_codes(codes, *levels)
            }
        }
    }
}

/// Adds the inner product of each row of a matrix with `weight` to its logit.
fn add_rows<T: Copy>(weight: &[f64], rows: &[T], number: impl Fn(T) -> f64, logits: &mut [f64]) {
    let inner = |row: &[T]| row.iter().zip(weight).map(|(&x, w)| w * number(x)).sum::<f64>();
    logits.iter_mut().zip(rows.chunks_exact(weight.len())).for_each(|(z, row)| *z += inner(row));
}

/// Rows a core takes at a time.
const BLOCK: usize = 4096;

/// `bias + Σₖ weight[k]·xₖ` of each of `n_rows` rows, on all cores; what is added to a row, and in which order, depends on
/// the features alone.
///
/// # Shapes
/// `weight` (n_columns), the design columns of all features together; each feature (n_rows).
///
/// # Errors
/// [`Error::Shape`] where these do not hold.
pub fn linear_predictors(features: &[Feature], n_rows: usize, weight: &[f64], bias: f64) -> Result<Vec<f64>> {
    let n_columns = features.iter().map(Feature::n_columns).sum();
    check_length("number of weights".to_string(), n_columns, weight.len())?;
    for (j, feature) in features.iter().enumerate() {
        check_length(format!("length of feature {j}"), n_rows, feature.len())?;
    }
    Ok(predictors(features, n_rows, weight, bias))
}

/// [`linear_predictors`] of what is known to have these shapes.
pub(crate) fn predictors(features: &[Feature], n_rows: usize, weight: &[f64], bias: f64) -> Vec<f64> {
    let mut logits = vec![bias; n_rows];
    logits.par_chunks_mut(BLOCK).enumerate().for_each(|(block, logits)| {
        let mut rest = weight;
        for feature in features {
            let (own, others) = rest.split_at(feature.n_columns());
            feature.add_to(own, block * BLOCK, logits);
            rest = others;
        }
    });
    logits
}

fn all_finite(values: &Values) -> Result<()> {
    if values.all_finite() { Ok(()) } else { Err(Error::setting("feature", "finite", &"a value that is not")) }
}

fn check_codes(codes: &[u32], levels: usize) -> Result<()> {
    match codes.iter().find(|&&code| code as usize >= levels) {
        Some(code) => Err(Error::setting("codes", &format!("below {levels}"), code)),
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
