//! A block of rows, row-major: for cross products of columns.

use super::{Dataset, Feature, Rows, Slices, Standardisation, Values};
use crate::kernel::{LANES, Matrix, Spread, add_cross, add_outputs, centre_rows, dot, turn_columns};

/// Columns that stand together: 128 rows of them fill 96 KiB, so that two such blocks stay in the second-level cache.
const GROUP: usize = 96;

/// Some rows, centred and scaled, in groups of columns; with a column of ones at the end where there is an intercept.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowPanel {
    n_rows: usize,
    groups: Vec<Group>,
}

/// Neighbouring columns of the panel. Their number is padded to a multiple of [`LANES`] with zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// The place of the first among all.
    pub(crate) first: usize,
    /// How many there are.
    pub(crate) count: usize,
    stride: usize,
    values: Vec<f64>,
}

impl Group {
    pub(crate) fn matrix(&self) -> Matrix<'_> {
        Matrix { values: &self.values, width: self.stride }
    }
}

impl RowPanel {
    /// Rows that are packed together.
    pub(crate) const ROWS: usize = 128;

    /// First column and number of columns of every group, of `count` columns.
    pub(crate) fn layout(count: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..count).step_by(GROUP).map(move |first| (first, GROUP.min(count - first)))
    }

    /// The length of vectors with a place for every column, of `count` columns, and for those that pad the last group.
    pub(crate) fn padded(count: usize) -> usize {
        Self::layout(count).map(|(_, count)| count.next_multiple_of(LANES)).sum()
    }

    /// `z[k] += Σⱼ w[k][j]·xⱼ` for the `n` rows; `w` (outputs, padded columns), `z` (outputs, n up to a multiple of
    /// [`LANES`]).
    pub(crate) fn combine(&self, n: usize, outputs: usize, w: &[f64], z: &mut [f64]) {
        let (len, width) = (w.len() / outputs, outputs.next_multiple_of(LANES));
        let mut by_row = vec![0.0; n * width];
        let mut by_column = Vec::new();
        for group in &self.groups {
            by_column.clear();
            by_column.resize(group.stride * width, 0.0);
            for k in 0..outputs {
                let from = &w[k * len + group.first..][..group.stride];
                by_column.iter_mut().skip(k).step_by(width).zip(from).for_each(|(to, w)| *to = *w);
            }
            add_outputs(group.matrix(), &by_column, (outputs, width), &mut by_row);
        }
        for (k, z) in z.chunks_exact_mut(n.next_multiple_of(LANES)).enumerate() {
            z.iter_mut().zip(by_row.iter().skip(k).step_by(width)).for_each(|(z, own)| *z += own);
        }
    }

    /// `out[k][j] += Σᵢ r[k][i]·xᵢⱼ` over the `n` rows; `r` as `z`, `out` as `w` of [`RowPanel::combine`].
    pub(crate) fn inner(&self, n: usize, outputs: usize, r: &[f64], out: &mut [f64]) {
        let (len, width) = (out.len() / outputs, outputs.next_multiple_of(LANES));
        let mut by_row = vec![0.0; n * width];
        for (k, r) in r.chunks_exact(n.next_multiple_of(LANES)).enumerate() {
            by_row.iter_mut().skip(k).step_by(width).zip(r).for_each(|(to, r)| *to = *r);
        }
        let by_row = Matrix { values: &by_row, width };
        for group in &self.groups {
            let mut own = vec![0.0; width * group.stride];
            add_cross(by_row, group.matrix(), (outputs, false), &mut own);
            for (k, own) in own.chunks_exact(group.stride).take(outputs).enumerate() {
                let out = &mut out[k * len + group.first..][..group.stride];
                out.iter_mut().zip(own).for_each(|(out, own)| *out += own);
            }
        }
    }

    /// The largest `Σⱼ xᵢⱼ²` of the `n` rows.
    pub(crate) fn largest_square(&self, n: usize) -> f64 {
        let square = |i: usize, group: &Group| {
            let row = &group.values[i * group.stride..][..group.stride];
            dot(row, row)
        };
        (0..n).map(|i| self.groups.iter().map(|group| square(i, group)).sum()).fold(0.0, f64::max)
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Fills the panel.
    pub(crate) fn pack(&mut self, rows: &Rows<'_>, standard: &Standardisation, intercept: bool) {
        let count = standard.columns.len();
        self.lay_out(rows.len(), count + usize::from(intercept));
        let dataset = rows.dataset();
        for group in &mut self.groups {
            let end = count.min(group.first + group.count);
            let mut at = group.first;
            while at < end {
                let to = (&mut group.values[at - group.first..], group.stride);
                at += pack_from(dataset, rows, standard, at..end, to);
            }
            if intercept && end < group.first + group.count {
                let place = end - group.first;
                group.values.chunks_exact_mut(group.stride).for_each(|row| row[place] = 1.0);
            }
        }
    }

    fn lay_out(&mut self, n_rows: usize, count: usize) {
        let known: usize = self.groups.iter().map(|group| group.count).sum();
        if (n_rows, count) == (self.n_rows, known) {
            return;
        }
        self.n_rows = n_rows;
        self.groups.resize_with(count.div_ceil(GROUP), Group::default);
        for (group, (first, count)) in self.groups.iter_mut().zip(Self::layout(count)) {
            (group.first, group.count) = (first, count);
            group.stride = group.count.next_multiple_of(LANES);
            group.values.clear();
            group.values.resize(n_rows * group.stride, 0.0);
        }
    }
}

/// Packs columns from the start of `places` on that are worked on alike, and says how many.
fn pack_from(
    dataset: &Dataset,
    rows: &Rows<'_>,
    standard: &Standardisation,
    places: std::ops::Range<usize>,
    (to, stride): (&mut [f64], usize),
) -> usize {
    let first = places.start;
    let (feature, column) = dataset.layout[standard.columns[first]];
    let spread = |count: usize| Spread {
        centre: &standard.centre[first..first + count],
        scale: &standard.scale[first..first + count],
        stride,
    };
    match &dataset.features[feature] {
        Feature::Matrix { values, n_columns } => {
            let next = |place: &usize| dataset.layout[standard.columns[*place]] == (feature, column + place - first);
            let count = places.take_while(next).count();
            let starts = |i: usize| rows.at(i) * n_columns + column;
            match values {
                Values::F64(values) => centre_rows(values, (rows.len(), starts), spread(count), to),
                Values::F32(values) => centre_rows(values, (rows.len(), starts), spread(count), to),
            }
            count
        }
        Feature::Number(_) if rows.range().is_some() => {
            let range = rows.range().unwrap_or_default();
            let feature = |place: usize| &dataset.features[dataset.layout[standard.columns[place]].0];
            match Slices::of(places.map(feature), &range) {
                Slices::F64(columns) => turned(&columns, spread(columns.len()), to),
                Slices::F32(columns) => turned(&columns, spread(columns.len()), to),
            }
        }
        feature => {
            let (centre, factor) = (standard.centre[first], 1.0 / standard.scale[first]);
            let view = feature.view();
            for (to, row) in to.iter_mut().step_by(stride).zip(rows.indices()) {
                *to = (view.value(row, column) - centre) * factor;
            }
            1
        }
    }
}

fn turned<T: Copy + Into<f64>>(columns: &[&[T]], spread: Spread<'_>, to: &mut [f64]) -> usize {
    turn_columns(columns, spread, to);
    columns.len()
}
