//! Blocks of rows, expanded for the kernels.

use super::{Feature, Rows, Values};
use crate::cholesky::dot;
use crate::kernel::{Columns, LANES, shift_and_scale};

/// Which design columns take part, and how each is centred and scaled: `(x − centre) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    /// The design columns that take part, rising.
    pub columns: Vec<usize>,
    /// The centre of each, in the column's own units.
    pub centre: Vec<f64>,
    /// The scale of each, in the column's own units; positive.
    pub scale: Vec<f64>,
}

impl Standardisation {
    /// Every column, as it is.
    pub fn none(n_columns: usize) -> Self {
        Standardisation { columns: (0..n_columns).collect(), centre: vec![0.0; n_columns], scale: vec![1.0; n_columns] }
    }

    /// Every column that varies, by its weighted mean and standard deviation over `rows`; with `centred` false (a
    /// model without intercept may not shift its columns) by its root mean square alone.
    ///
    /// The mean is taken of differences from the column's first value, so that a column far from zero keeps all
    /// the digits that its storage has left.
    pub fn of(rows: &Rows<'_>, centred: bool) -> Self {
        let mut standard = Standardisation::none(0);
        let mut panel = Panel::new();
        let n_columns = rows.dataset().n_columns();
        let origin = first_row(rows);
        let shift = Standardisation {
            columns: (0..n_columns).collect(),
            centre: if centred { origin } else { vec![0.0; n_columns] },
            scale: vec![1.0; n_columns],
        };
        let mut mean = vec![0.0; n_columns];
        let mut square = vec![0.0; n_columns];
        let total = rows.total_weight();
        if centred {
            panel.each(rows, &shift, |x, weight, j| mean[j] += dot(x, weight));
            mean.iter_mut().for_each(|sum| *sum /= total);
        }
        let centre: Vec<f64> = shift.centre.iter().zip(&mean).map(|(origin, mean)| origin + mean).collect();
        let about = Standardisation { centre, ..shift };
        panel.each(rows, &about, |x, weight, j| square[j] += x.iter().zip(weight).map(|(x, s)| s * x * x).sum::<f64>());
        for (j, square) in square.iter().enumerate() {
            let scale = (square / total).sqrt();
            // A spread that is all rounding is a constant column.
            if scale > 4.0 * f64::EPSILON * about.centre[j].abs() && scale.is_finite() {
                standard.columns.push(j);
                standard.centre.push(about.centre[j]);
                standard.scale.push(scale);
            }
        }
        standard
    }

    /// The same, of the columns at `keep` (positions within these columns).
    pub(crate) fn subset(&self, keep: &[usize]) -> Self {
        Standardisation {
            columns: keep.iter().map(|&k| self.columns[k]).collect(),
            centre: keep.iter().map(|&k| self.centre[k]).collect(),
            scale: keep.iter().map(|&k| self.scale[k]).collect(),
        }
    }
}

fn first_row(rows: &Rows<'_>) -> Vec<f64> {
    rows.get(0).map_or_else(|_| vec![0.0; rows.dataset().n_columns()], |(x, _)| x)
}

/// A block of at most [`Panel::ROWS`] rows: centred, scaled, column-major f64, with outcomes, weights and offsets.
///
/// Rows are padded to a multiple of the kernels' lanes, with a weight of 0, and a column of ones stands after the others.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    n_rows: usize,
    n_columns: usize,
    /// The rows with those that pad them.
    padded: usize,
    stride: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    weight: Vec<f64>,
    offset: Vec<f64>,
}

impl Panel {
    /// Rows in a full panel: 30 columns of it fit the second-level cache of any processor of this decade.
    pub const ROWS: usize = 512;

    /// An empty panel, to be filled again and again.
    pub fn new() -> Self {
        Panel::default()
    }

    /// Fills the panel with `rows`, of which there must be at most [`Panel::ROWS`]; all columns as they are where
    /// there is no standardisation.
    pub(crate) fn pack(&mut self, rows: &Rows<'_>, standard: Option<&Standardisation>) {
        let dataset = rows.dataset();
        self.lay_out(rows.len(), standard.map_or(dataset.n_columns(), |standard| standard.columns.len()));
        let mut at = 0;
        while at < self.n_columns {
            at += match standard {
                None => self.pack_feature(rows, at, |at| (at, 0.0, 1.0)),
                Some(Standardisation { columns, centre, scale }) => {
                    self.pack_feature(rows, at, |at| (columns[at], centre[at], 1.0 / scale[at]))
                }
            };
        }
        fill(&mut self.y, self.padded, |y| rows.gather(&dataset.y, y, |y| y));
        fill(&mut self.weight, self.padded, |own| match &dataset.weight {
            Some(weight) => rows.gather(weight, own, |weight| weight),
            None => own.resize(rows.len(), 1.0),
        });
        if let Some(offset) = &dataset.offset {
            fill(&mut self.offset, self.padded, |own| rows.gather(offset, own, |offset| offset));
        } else {
            self.offset.clear();
        }
    }

    fn lay_out(&mut self, n_rows: usize, n_columns: usize) {
        let padded = n_rows.next_multiple_of(LANES);
        if (n_rows, n_columns) != (self.n_rows, self.n_columns) || self.x.is_empty() {
            // Columns a power of two apart would all fall into the same few lines of the cache.
            let stride = if padded >= Panel::ROWS / 2 { padded + LANES } else { padded };
            (self.n_rows, self.n_columns, self.padded, self.stride) = (n_rows, n_columns, padded, stride);
            self.x.clear();
            self.x.resize(n_columns * stride, 0.0);
            self.x.resize((n_columns + 1) * stride, 1.0);
        }
    }

    /// Packs the column at `at` and those after it that are of the same matrix; `column` tells the design column at a
    /// place, its centre and its factor. Returns how many columns were packed.
    fn pack_feature(&mut self, rows: &Rows<'_>, at: usize, column: impl Fn(usize) -> (usize, f64, f64)) -> usize {
        let dataset = rows.dataset();
        let (design, centre, factor) = column(at);
        let (place, k) = dataset.layout[design];
        let feature = &dataset.features[place];
        if let Feature::Matrix { values, n_columns } = feature {
            let of = |at: usize| {
                let (design, centre, factor) = column(at);
                let (feature, k) = dataset.layout[design];
                (feature == place).then_some((k, centre, factor))
            };
            let same: Vec<(usize, f64, f64)> = (at..self.n_columns).map_while(of).collect();
            let to = Target { x: &mut self.x[at * self.stride..], stride: self.stride };
            match values {
                Values::F64(values) => pack_matrix(rows, values, *n_columns, &same, to),
                Values::F32(values) => pack_matrix(rows, values, *n_columns, &same, to),
            }
            return same.len();
        }
        let own = &mut self.x[at * self.stride..][..self.n_rows];
        let standard = |x: f64| (x - centre) * factor;
        match (feature, rows.range()) {
            (Feature::Number(values), Some(range)) => shift_and_scale(&values[range], own, centre, factor),
            (Feature::Sparse { rows: nonzero, values, .. }, Some(range)) => {
                // Rows in a row: their entries stand together.
                let first = nonzero.partition_point(|&row| (row as usize) < range.start);
                own.fill(standard(0.0));
                let entries = nonzero[first..].iter().zip(&values[first..]);
                for (row, value) in entries.take_while(|(row, _)| (**row as usize) < range.end) {
                    own[*row as usize - range.start] = standard(*value);
                }
            }
            _ => own.iter_mut().zip(rows.indices()).for_each(|(own, i)| *own = standard(feature.value(i, k))),
        }
        1
    }

    /// Calls `f(column values, weights, column)` for every panel of `rows` and every column of it, in order.
    fn each(&mut self, rows: &Rows<'_>, standard: &Standardisation, mut f: impl FnMut(&[f64], &[f64], usize)) {
        for start in (0..rows.len()).step_by(Panel::ROWS) {
            self.pack(&rows.slice(start..rows.len().min(start + Panel::ROWS)), Some(standard));
            for j in 0..standard.columns.len() {
                f(self.column(j), self.weight(), j);
            }
        }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns that take part.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Column `j` of the columns that take part.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.x[j * self.stride..][..self.n_rows]
    }

    /// The columns with the rows that pad them; with a column of ones after them where there is an intercept.
    pub(crate) fn columns(&self, intercept: bool) -> Columns<'_> {
        let count = self.n_columns + usize::from(intercept);
        Columns { values: &self.x, stride: self.stride, len: self.padded, count }
    }

    /// The outcomes.
    pub fn y(&self) -> &[f64] {
        &self.y[..self.n_rows]
    }

    /// What is added to the logits; empty where rows have none.
    pub fn offset(&self) -> &[f64] {
        &self.offset[..self.n_rows.min(self.offset.len())]
    }

    /// The weights; 1 where rows have none.
    pub fn weight(&self) -> &[f64] {
        &self.weight[..self.n_rows]
    }

    /// Outcomes, weights and offsets (or nothing) with the rows that pad them.
    pub(crate) fn padded(&self) -> (&[f64], &[f64], &[f64]) {
        (&self.y, &self.weight, &self.offset)
    }
}

/// Lets `put` append the values of the rows to an empty vector, and pads it with zeros.
fn fill(values: &mut Vec<f64>, padded: usize, put: impl FnOnce(&mut Vec<f64>)) {
    values.clear();
    put(values);
    values.resize(padded, 0.0);
}

/// Where columns go, `stride` apart.
struct Target<'a> {
    x: &'a mut [f64],
    stride: usize,
}

/// Turns rows of a matrix into columns; of each column its place in the matrix, centre and factor. Eight rows at a
/// time, so that what is written fills whole lines of the cache.
fn pack_matrix<T: Copy + Into<f64>>(
    rows: &Rows<'_>,
    values: &[T],
    n_columns: usize,
    columns: &[(usize, f64, f64)],
    to: Target<'_>,
) {
    let n = rows.len();
    for start in (0..n).step_by(LANES) {
        let lanes = LANES.min(n - start);
        let from: [usize; LANES] = std::array::from_fn(|lane| rows.at(start + lane.min(lanes - 1)) * n_columns);
        for (j, &(k, centre, factor)) in columns.iter().enumerate() {
            let eight: [f64; LANES] = std::array::from_fn(|lane| (values[from[lane] + k].into() - centre) * factor);
            to.x[j * to.stride + start..][..lanes].copy_from_slice(&eight[..lanes]);
        }
    }
}
