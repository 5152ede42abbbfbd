//! Features at hand.

use super::{Feature, Slice};

/// A [`Feature`] whose numbers are at hand: their owners, who may be others, are asked once and not for every row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    Number(Slice<'a>),
    Matrix { values: Slice<'a>, n_columns: usize },
    Codes(&'a [u32]),
    Sparse { rows: &'a [u32], values: &'a [f64] },
    Csr { starts: &'a [usize], columns: &'a [u32], values: Slice<'a> },
    Product { codes: &'a [u32], values: &'a [f64] },
}

impl Feature {
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Feature::Number(values) => View::Number(values.slice()),
            Feature::Matrix { values, n_columns } => View::Matrix { values: values.slice(), n_columns: *n_columns },
            Feature::Codes { codes, .. } => View::Codes(codes),
            Feature::Sparse { rows, values, .. } => View::Sparse { rows, values },
            Feature::Csr { starts, columns, values, .. } => View::Csr { starts, columns, values: values.slice() },
            Feature::Product { codes, values, .. } => View::Product { codes, values },
        }
    }
}

impl View<'_> {
    /// The value of design column `k` in a row.
    pub(crate) fn value(self, row: usize, k: usize) -> f64 {
        match self {
            View::Number(values) => values.get(row),
            View::Matrix { values, n_columns } => values.get(row * n_columns + k),
            View::Codes(codes) => f64::from(codes[row] as usize == k + 1),
            View::Sparse { rows, values } => rows.binary_search(&(row as u32)).map_or(0.0, |at| values[at]),
            View::Csr { starts, columns, values } => {
                let entries = starts[row]..starts[row + 1];
                let at = columns[entries.clone()].binary_search(&(k as u32));
                at.map_or(0.0, |at| values.get(entries.start + at))
            }
            View::Product { codes, values } => {
                if codes[row] as usize == k + 1 {
                    values[row]
                } else {
                    0.0
                }
            }
        }
    }

    /// Calls `f` with the design columns of a row that are not zero, and their numbers; of features that are not
    /// compact, with all of them.
    #[inline]
    pub(crate) fn each_entry(self, row: usize, mut f: impl FnMut(usize, f64)) {
        match self {
            View::Codes(codes) => {
                if let Some(column) = (codes[row] as usize).checked_sub(1) {
                    f(column, 1.0);
                }
            }
            View::Product { codes, values } => {
                if let Some(column) = (codes[row] as usize).checked_sub(1) {
                    f(column, values[row]);
                }
            }
            View::Csr { starts, columns, values } => {
                let entries = starts[row]..starts[row + 1];
                match values {
                    Slice::F64(values) => {
                        let values = &values[entries.clone()];
                        columns[entries].iter().zip(values).for_each(|(&column, &x)| f(column as usize, x));
                    }
                    Slice::F32(values) => {
                        let values = &values[entries.clone()];
                        columns[entries].iter().zip(values).for_each(|(&column, &x)| f(column as usize, x.into()));
                    }
                }
            }
            View::Number(_) | View::Sparse { .. } => f(0, self.value(row, 0)),
            View::Matrix { n_columns, .. } => (0..n_columns).for_each(|k| f(k, self.value(row, k))),
        }
    }

    /// Adds Σₖ weight[k]·xₖ of the rows from `first` on to their `logits`; one weight per design column.
    pub(super) fn add_to(self, weight: &[f64], first: usize, logits: &mut [f64]) {
        let effect = |code: u32| if code == 0 { 0.0 } else { weight[code as usize - 1] };
        let rows = first..first + logits.len();
        match self {
            View::Number(Slice::F64(values)) => add_column(weight[0], &values[rows], logits),
            View::Number(Slice::F32(values)) => add_column(weight[0], &values[rows], logits),
            View::Matrix { values, n_columns } => {
                let cells = rows.start * n_columns..rows.end * n_columns;
                match values {
                    Slice::F64(values) => add_rows(weight, &values[cells], logits),
                    Slice::F32(values) => add_rows(weight, &values[cells], logits),
                }
            }
            View::Codes(codes) => logits.iter_mut().zip(&codes[rows]).for_each(|(z, &code)| *z += effect(code)),
            View::Sparse { rows: own, values } => {
                let from = own.partition_point(|&row| (row as usize) < rows.start);
                let entries = own[from..].iter().zip(&values[from..]);
                let entries = entries.take_while(|(row, _)| (**row as usize) < rows.end);
                entries.for_each(|(&row, x)| logits[row as usize - first] += weight[0] * x);
            }
            View::Csr { starts, columns, values } => {
                for (z, entries) in logits.iter_mut().zip(starts[first..].windows(2)) {
                    let entries = entries[0]..entries[1];
                    *z += entries.map(|at| weight[columns[at] as usize] * values.get(at)).sum::<f64>();
                }
            }
            View::Product { codes, values } => {
                let both = codes[rows.clone()].iter().zip(&values[rows]);
                logits.iter_mut().zip(both).for_each(|(z, (&code, x))| *z += effect(code) * x);
            }
        }
    }
}

fn add_column<T: Copy + Into<f64>>(weight: f64, column: &[T], logits: &mut [f64]) {
    logits.iter_mut().zip(column).for_each(|(z, &x)| *z += weight * x.into());
}

fn add_rows<T: Copy + Into<f64>>(weight: &[f64], rows: &[T], logits: &mut [f64]) {
    let inner = |row: &[T]| row.iter().zip(weight).map(|(&x, w)| w * x.into()).sum::<f64>();
    logits.iter_mut().zip(rows.chunks_exact(weight.len())).for_each(|(z, row)| *z += inner(row));
}
