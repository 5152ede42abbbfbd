//! Blocks of rows, expanded for the kernels.

use super::spreads::Spreads;
use super::{Feature, Places, Rows, Slice, Values};
use crate::kernel::{Columns, LANES, Taken, shift_and_scale, take_columns};

/// Which design columns take part, and how each is centred and scaled: `(x − centre) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    /// The design columns that take part, rising.
    pub columns: Vec<usize>,
    /// The centre of each, in the column's own units.
    pub centre: Vec<f64>,
    /// The scale of each, in the column's own units; positive.
    pub scale: Vec<f64>,
    /// A size that no standardised value of each exceeds; infinite where it is not known.
    pub largest: Vec<f64>,
}

impl Standardisation {
    /// Every column, as it is.
    pub fn none(n_columns: usize) -> Self {
        Standardisation {
            columns: (0..n_columns).collect(),
            centre: vec![0.0; n_columns],
            scale: vec![1.0; n_columns],
            largest: vec![f64::INFINITY; n_columns],
        }
    }

    /// Every column that varies, by its weighted mean and standard deviation over `rows`; with `centred` false (a
    /// model without intercept may not shift its columns) by its root mean square alone.
    ///
    /// Both are taken of differences from the column's first value, so that a column far from zero keeps all the digits
    /// that its storage has left. Compact columns are scaled only, for centred they would be compact no longer.
    pub fn of(rows: &Rows<'_>, centred: bool) -> Self {
        let first = rows.get(0).ok().filter(|_| centred);
        let origin = first.map_or_else(|| vec![0.0; rows.dataset().n_columns()], |(x, _)| x);
        Spreads::of(rows, &origin, centred).standardisation(rows.dataset(), &origin, centred)
    }

    pub(super) fn push(&mut self, column: usize, centre: f64, scale: f64, largest: f64) {
        self.columns.push(column);
        self.centre.push(centre);
        self.scale.push(scale);
        self.largest.push(largest / scale);
    }

    pub(super) fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_unstable_by_key(|&at| self.columns[at]);
        *self = self.subset(&order);
    }

    /// The same, of the columns at `keep` (positions within these columns).
    pub(crate) fn subset(&self, keep: &[usize]) -> Self {
        Standardisation {
            columns: keep.iter().map(|&k| self.columns[k]).collect(),
            centre: keep.iter().map(|&k| self.centre[k]).collect(),
            scale: keep.iter().map(|&k| self.scale[k]).collect(),
            largest: keep.iter().map(|&k| self.largest[k]).collect(),
        }
    }
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
    outcomes: Outcomes,
}

/// Outcomes, weights (1 where rows have none) and offsets (nothing where rows have none) of some rows, padded to a
/// multiple of [`LANES`] with zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) y: Vec<f64>,
    pub(crate) weight: Vec<f64>,
    pub(crate) offset: Vec<f64>,
}

impl Outcomes {
    pub(crate) fn fill(&mut self, rows: &Rows<'_>) {
        let (dataset, n) = (rows.dataset(), rows.len());
        rows.gather(&dataset.y[..], room(&mut self.y, n));
        match &dataset.weight {
            Some(weight) => rows.gather(weight, room(&mut self.weight, n)),
            None => room(&mut self.weight, n).fill(1.0),
        }
        match &dataset.offset {
            Some(offset) => rows.gather(offset, room(&mut self.offset, n)),
            None => self.offset.clear(),
        }
    }
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
        self.pack_columns(rows, standard);
        self.outcomes.fill(rows);
    }

    /// The same, without outcomes, weights and offsets.
    pub(crate) fn pack_columns(&mut self, rows: &Rows<'_>, standard: Option<&Standardisation>) {
        let dataset = rows.dataset();
        self.lay_out(rows.len(), standard.map_or(dataset.n_columns(), |standard| standard.columns.len()));
        let mut at = 0;
        while at < self.n_columns {
            at += match standard {
                None => self.pack_feature(rows, at, |at| (at, 0.0, 1.0)),
                Some(Standardisation { columns, centre, scale, .. }) => {
                    self.pack_feature(rows, at, |at| (columns[at], centre[at], 1.0 / scale[at]))
                }
            };
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
                let (feature, column) = dataset.layout[design];
                (feature == place).then_some(Taken { column, centre, factor })
            };
            let same: Vec<Taken> = (at..self.n_columns).map_while(of).collect();
            let to = (&mut self.x[at * self.stride..], self.stride);
            let from = (rows.len(), |i| rows.at(i));
            match values {
                Values::F64(values) => take_columns(values, *n_columns, from, &same, to),
                Values::F32(values) => take_columns(values, *n_columns, from, &same, to),
            }
            return same.len();
        }
        let own = &mut self.x[at * self.stride..][..self.n_rows];
        let standard = |x: f64| (x - centre) * factor;
        match (feature, rows.places()) {
            (Feature::Number(values), Places::Range(range)) => match values.slice() {
                Slice::F64(values) => shift_and_scale(&values[range], own, centre, factor),
                Slice::F32(values) => shift_and_scale(&values[range], own, centre, factor),
            },
            (Feature::Number(values), Places::List(_)) => {
                match values.slice() {
                    Slice::F64(values) => rows.gather(values, own),
                    Slice::F32(values) => rows.gather(values, own),
                }
                if (centre, factor) != (0.0, 1.0) {
                    own.iter_mut().for_each(|own| *own = standard(*own));
                }
            }
            (Feature::Sparse { rows: nonzero, values, .. }, Places::Range(range)) => {
                // Rows in a row: their entries stand together.
                let first = nonzero.partition_point(|&row| (row as usize) < range.start);
                own.fill(standard(0.0));
                let entries = nonzero[first..].iter().zip(&values[first..]);
                for (row, value) in entries.take_while(|(row, _)| (**row as usize) < range.end) {
                    own[*row as usize - range.start] = standard(*value);
                }
            }
            _ => {
                let view = feature.view();
                own.iter_mut().zip(rows.indices()).for_each(|(own, i)| *own = standard(view.value(i, k)));
            }
        }
        1
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
        &self.outcomes.y[..self.n_rows]
    }

    /// What is added to the logits; empty where rows have none.
    pub fn offset(&self) -> &[f64] {
        &self.outcomes.offset[..self.n_rows.min(self.outcomes.offset.len())]
    }

    /// The weights; 1 where rows have none.
    pub fn weight(&self) -> &[f64] {
        &self.outcomes.weight[..self.n_rows]
    }

    /// Outcomes, weights and offsets (or nothing) with the rows that pad them.
    pub(crate) fn padded(&self) -> (&[f64], &[f64], &[f64]) {
        (&self.outcomes.y, &self.outcomes.weight, &self.outcomes.offset)
    }
}

/// Room for one number per row, padded with zeros.
fn room(values: &mut Vec<f64>, n_rows: usize) -> &mut [f64] {
    values.resize(n_rows.next_multiple_of(LANES), 0.0);
    let (own, padding) = values.split_at_mut(n_rows);
    padding.fill(0.0);
    own
}
