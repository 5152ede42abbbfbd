//! Products of rows with vectors, and sums of rows times numbers, straight from the features: what is compact stays so,
//! and nothing is turned into a panel that need not be.

use super::{Dataset, Feature, Panel, RowPanel, Rows, Slice, Slices, Standardisation, Values, View};
use crate::kernel::{Blocks, Columns, LANES, Listed, RowMajor, combine, combine_slices, inner, inner_slices};

/// The bytes of rows that are worked on at once: they are read twice, the second time from the second-level cache.
const NEAR_BYTES: usize = 192 * 1024;
/// From so many outputs on, rows of a matrix are packed once, instead of being centred for every pair of outputs.
const MANY_OUTPUTS: usize = 4;
/// A category of more design columns than this is left as codes.
const FEW_LEVELS: usize = 16;

impl Feature {
    /// Whether it is worked on as it is stored, without a column of a panel for every design column. Such columns are
    /// scaled but not centred, for centred they would not be compact.
    pub(crate) fn is_compact(&self) -> bool {
        match self {
            Feature::Csr { .. } => true,
            Feature::Codes { levels, .. } | Feature::Product { levels, .. } => *levels > FEW_LEVELS + 1,
            Feature::Number(_) | Feature::Matrix { .. } | Feature::Sparse { .. } => false,
        }
    }
}

/// A design column within a part: where it stands in the part's vectors, and its place among the columns that take part.
#[derive(Clone, Copy, Debug)]
struct Taken {
    own: usize,
    place: usize,
    factor: f64,
}

/// Features that are worked on alike.
#[derive(Clone, Debug)]
enum Kind {
    /// Columns of numbers, all of one width.
    Columns { features: Vec<usize>, centre: Vec<f64> },
    /// A row-major matrix.
    Matrix { feature: usize, blocks: Blocks, centre: Vec<f64> },
    /// The same, for many outputs: the columns that take part are packed, once for all outputs.
    Rows { standard: Standardisation },
    /// What is compact.
    Compact { feature: usize },
    /// Everything else, by way of a panel.
    Packed { standard: Standardisation },
}

#[derive(Clone, Debug)]
struct Part {
    kind: Kind,
    taken: Vec<Taken>,
    /// The length of the part's vectors.
    len: usize,
}

/// How to work on the columns of a standardisation, straight from the features of a dataset.
#[derive(Clone, Debug)]
pub(crate) struct Direct<'a> {
    dataset: &'a Dataset,
    parts: Vec<Part>,
    /// Rows in a block.
    block: usize,
    outputs: usize,
}

/// Vectors for every part: weights in, sums out.
pub(crate) type PartVectors = Vec<Vec<f64>>;

/// Room that a block of rows needs between its logits and its sums.
#[derive(Default)]
pub(crate) struct Scratch {
    panels: Vec<Panel>,
    rows: Vec<RowPanel>,
}

impl<'a> Direct<'a> {
    /// For columns as `standard` has them, or all of them as they are; `in_order` says that rows follow each other.
    pub(crate) fn new(
        dataset: &'a Dataset,
        standard: Option<&Standardisation>,
        outputs: usize,
        in_order: bool,
    ) -> Self {
        let all;
        let standard = match standard {
            Some(standard) => standard,
            None => {
                all = Standardisation::none(dataset.n_columns());
                &all
            }
        };
        let mut by_feature: Vec<Vec<usize>> = vec![Vec::new(); dataset.features.len()];
        for (place, &column) in standard.columns.iter().enumerate() {
            by_feature[dataset.layout[column].0].push(place);
        }
        let mut direct = Direct { dataset, parts: Vec::new(), block: Panel::ROWS, outputs };
        let (mut columns, mut packed) = (Vec::new(), Vec::new());
        for (feature, places) in by_feature.iter().enumerate().filter(|(_, places)| !places.is_empty()) {
            match &dataset.features[feature] {
                Feature::Number(_) if in_order => columns.extend_from_slice(places),
                Feature::Matrix { n_columns, .. } if *n_columns >= LANES && outputs >= MANY_OUTPUTS => {
                    direct.parts.push(Part::rows(standard, places));
                }
                Feature::Matrix { n_columns, .. } if *n_columns >= LANES && 2 * places.len() >= *n_columns => {
                    direct.parts.push(Part::matrix(dataset, standard, feature, places));
                }
                compact if compact.is_compact() => direct.parts.push(Part::compact(dataset, standard, feature, places)),
                _ => packed.extend_from_slice(places),
            }
        }
        // Runs of one width, so that every sum is taken in the order of the columns, whatever their widths.
        let is_narrow = |place: usize| {
            let feature = &dataset.features[dataset.layout[standard.columns[place]].0];
            matches!(feature, Feature::Number(Values::F32(_)))
        };
        for places in columns.chunk_by(|&a, &b| is_narrow(a) == is_narrow(b)) {
            direct.parts.push(Part::columns(dataset, standard, places));
        }
        if !packed.is_empty() {
            direct.parts.push(Part::packed(standard, packed));
        }
        direct.block = direct.rows_in_a_block();
        direct
    }

    /// As many rows as stay near, and no fewer than it takes to read columns in one go.
    fn rows_in_a_block(&self) -> usize {
        let width: usize = self.parts.iter().map(|part| part.numbers_in_a_row(self.dataset)).sum();
        let least =
            if self.parts.iter().any(|part| matches!(part.kind, Kind::Columns { .. })) { 64 } else { 2 * LANES };
        let near = (NEAR_BYTES / 8 / width.max(1)).clamp(least, Panel::ROWS);
        // A power of two, so that blocks fill the panels' worth of rows that a sample takes.
        1 << near.ilog2()
    }

    /// The rows in a block.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    /// The weights of standardised columns, row-major (outputs, width), as the parts take them; `width` counts a bias.
    pub(crate) fn weights(&self, weights: &[f64], width: usize) -> PartVectors {
        let of_part = |part: &Part| {
            let mut own = vec![0.0; self.outputs * part.len];
            for k in 0..self.outputs {
                for taken in &part.taken {
                    own[k * part.len + taken.own] = weights[k * width + taken.place] * taken.factor;
                }
            }
            own
        };
        self.parts.iter().map(of_part).collect()
    }

    /// Sums over no rows.
    pub(crate) fn zero(&self) -> PartVectors {
        self.parts.iter().map(|part| vec![0.0; self.outputs * part.len]).collect()
    }

    /// Adds sums to those of standardised columns, row-major (outputs, width).
    pub(crate) fn take_out(&self, sums: &PartVectors, width: usize, out: &mut [f64]) {
        for (part, sums) in self.parts.iter().zip(sums) {
            for k in 0..self.outputs {
                for taken in &part.taken {
                    out[k * width + taken.place] += sums[k * part.len + taken.own] * taken.factor;
                }
            }
        }
    }

    /// Adds the products of at most [`Direct::block`] rows with the weights to `z`, (outputs, rows up to a multiple of
    /// [`LANES`]).
    pub(crate) fn combine(&self, rows: &Rows<'_>, weights: &PartVectors, z: &mut [f64], scratch: &mut Scratch) {
        self.fit_scratch(scratch);
        for (at, w) in weights.iter().enumerate() {
            self.combine_part(at, rows, w, z, scratch);
        }
    }

    /// Adds the rows times the numbers `r`, (outputs, rows up to a multiple of [`LANES`]), to the sums; `scratch` as
    /// [`Direct::combine`] left it for these rows.
    pub(crate) fn inner(&self, rows: &Rows<'_>, r: &[f64], sums: &mut PartVectors, scratch: &Scratch) {
        for (at, sums) in sums.iter_mut().enumerate() {
            self.inner_part(at, rows, r, sums, scratch);
        }
    }

    /// Whether [`Direct::inner_and_combine`] is worth it: where rows of a matrix are read as they stand.
    pub(crate) fn overlaps(&self) -> bool {
        self.outputs == 1 && self.parts.iter().any(|part| matches!(part.kind, Kind::Matrix { .. }))
    }

    /// [`Direct::inner`] of one block and [`Direct::combine`] of the next, where [`Direct::overlaps`].
    pub(crate) fn inner_and_combine(
        &self,
        (before, r, before_scratch): (&Rows<'_>, &[f64], &Scratch),
        sums: &mut PartVectors,
        (next, z, scratch): (&Rows<'_>, &mut [f64], &mut Scratch),
        weights: &PartVectors,
    ) {
        self.fit_scratch(scratch);
        for (at, (part, sums)) in self.parts.iter().zip(sums).enumerate() {
            if let Kind::Matrix { feature, blocks, centre } = &part.kind {
                let earlier = Listed { n: before.len(), row: |i| before.at(i) };
                let later = Listed { n: next.len(), row: |i| next.at(i) };
                let (sums, products) = ((r, &mut sums[..]), (&weights[at][..], &mut *z));
                match self.matrix(*feature) {
                    Some(Values::F64(values)) => {
                        RowMajor { values, blocks, centre }.inner_and_combine(&earlier, sums, &later, products);
                    }
                    Some(Values::F32(values)) => {
                        RowMajor { values, blocks, centre }.inner_and_combine(&earlier, sums, &later, products);
                    }
                    None => {}
                }
            } else {
                self.inner_part(at, before, r, sums, before_scratch);
                self.combine_part(at, next, &weights[at], z, scratch);
            }
        }
    }

    fn fit_scratch(&self, scratch: &mut Scratch) {
        scratch.panels.resize_with(self.parts.len(), Panel::new);
        scratch.rows.resize_with(self.parts.len(), RowPanel::default);
    }

    fn matrix(&self, feature: usize) -> Option<&Values> {
        match &self.dataset.features[feature] {
            Feature::Matrix { values, .. } => Some(values),
            _ => None,
        }
    }

    fn combine_part(&self, at: usize, rows: &Rows<'_>, w: &[f64], z: &mut [f64], scratch: &mut Scratch) {
        let part = &self.parts[at];
        match &part.kind {
            Kind::Columns { features, centre } => match self.slices(features, rows) {
                Slices::F64(columns) => combine_slices(&columns, centre, w, z),
                Slices::F32(columns) => combine_slices(&columns, centre, w, z),
            },
            Kind::Matrix { feature, blocks, centre } => match self.matrix(*feature) {
                Some(Values::F64(values)) => {
                    RowMajor { values, blocks, centre }.combine(rows.len(), |i| rows.at(i), w, z);
                }
                Some(Values::F32(values)) => {
                    RowMajor { values, blocks, centre }.combine(rows.len(), |i| rows.at(i), w, z);
                }
                None => {}
            },
            Kind::Rows { standard } => {
                let panel = &mut scratch.rows[at];
                panel.pack(rows, standard, false);
                panel.combine(rows.len(), self.outputs, w, z);
            }
            Kind::Compact { feature } => {
                let stride = z.len() / self.outputs;
                let view = self.dataset.features[*feature].view();
                for k in 0..self.outputs {
                    add_products(view, rows, &w[k * part.len..][..part.len], &mut z[k * stride..]);
                }
            }
            Kind::Packed { standard } => {
                let panel = &mut scratch.panels[at];
                panel.pack_columns(rows, Some(standard));
                combine(panel.columns(false), w, z);
            }
        }
    }

    fn inner_part(&self, at: usize, rows: &Rows<'_>, r: &[f64], sums: &mut [f64], scratch: &Scratch) {
        let (part, stride) = (&self.parts[at], rows.len().next_multiple_of(LANES));
        match &part.kind {
            Kind::Columns { features, centre } => match self.slices(features, rows) {
                Slices::F64(columns) => inner_slices(&columns, centre, r, sums),
                Slices::F32(columns) => inner_slices(&columns, centre, r, sums),
            },
            Kind::Matrix { feature, blocks, centre } => match self.matrix(*feature) {
                Some(Values::F64(values)) => {
                    RowMajor { values, blocks, centre }.inner(rows.len(), |i| rows.at(i), r, sums);
                }
                Some(Values::F32(values)) => {
                    RowMajor { values, blocks, centre }.inner(rows.len(), |i| rows.at(i), r, sums);
                }
                None => {}
            },
            Kind::Rows { .. } => scratch.rows[at].inner(rows.len(), self.outputs, r, sums),
            Kind::Compact { feature } => {
                let view = self.dataset.features[*feature].view();
                for k in 0..self.outputs {
                    add_sums(view, rows, &r[k * stride..], &mut sums[k * part.len..][..part.len]);
                }
            }
            Kind::Packed { .. } => {
                let x = scratch.panels[at].columns(false);
                let r = Columns { values: r, stride, len: stride, count: self.outputs };
                inner(x, r, sums);
            }
        }
    }

    /// Adds the squares of the rows times the numbers `c` to the sums. Columns that are not compact are taken to have the
    /// mean square that standardised columns have, 1.
    pub(crate) fn squares(&self, rows: &Rows<'_>, c: &[f64], sums: &mut PartVectors) {
        let stride = rows.len().next_multiple_of(LANES);
        for (part, sums) in self.parts.iter().zip(sums) {
            for (c, sums) in c.chunks_exact(stride).zip(sums.chunks_exact_mut(part.len)) {
                match &part.kind {
                    Kind::Compact { feature } => {
                        let view = self.dataset.features[*feature].view();
                        let first = first_place(view);
                        for (c, row) in c.iter().zip(rows.indices()) {
                            view.each_entry(row, |column, x| sums[first + column] += c * x * x);
                        }
                    }
                    _ => {
                        let total: f64 = c.iter().sum();
                        part.taken.iter().for_each(|taken| sums[taken.own] += total / (taken.factor * taken.factor));
                    }
                }
            }
        }
    }

    /// As [`Direct::take_out`], of sums of squares.
    pub(crate) fn take_out_squares(&self, sums: &PartVectors, width: usize, out: &mut [f64]) {
        for (part, sums) in self.parts.iter().zip(sums) {
            for k in 0..self.outputs {
                for taken in &part.taken {
                    out[k * width + taken.place] += sums[k * part.len + taken.own] * taken.factor * taken.factor;
                }
            }
        }
    }

    /// At least the largest `Σⱼ xᵢⱼ²·qⱼ` of any row, over standardised columns. Of compact features every row is looked
    /// at; of others the largest sizes of the columns are taken together.
    pub(crate) fn largest_square(&self, rows: &Rows<'_>, largest: &[f64], q: &[f64]) -> f64 {
        let dense = |part: &&Part| !matches!(part.kind, Kind::Compact { .. });
        let places = self.parts.iter().filter(dense).flat_map(|part| &part.taken);
        let bound: f64 = places.map(|taken| largest[taken.place].powi(2) * q[taken.place]).sum();
        let compact: Vec<(View<'_>, Vec<f64>)> =
            self.parts.iter().filter_map(|part| part.compact_squares(self, q)).collect();
        if compact.is_empty() {
            return bound;
        }
        let of_chunk = |range| {
            rows.passed(&range);
            rows.slice(range).indices().fold(0.0, |most, row| {
                let mut sum = 0.0;
                for (view, q) in &compact {
                    view.each_entry(row, |column, x| sum += x * x * q[first_place(*view) + column]);
                }
                f64::max(most, sum)
            })
        };
        bound + rows.chunks(1, of_chunk).into_iter().fold(0.0, f64::max)
    }

    /// Rows that follow each other, of columns of numbers.
    fn slices(&self, features: &[usize], rows: &Rows<'_>) -> Slices<'a> {
        let Some(range) = rows.range() else { return Slices::F64(Vec::new()) };
        Slices::of(features.iter().map(|&feature| &self.dataset.features[feature]), &range)
    }
}

impl Part {
    /// The numbers that are read of a row, or as many as take as much room.
    fn numbers_in_a_row(&self, dataset: &Dataset) -> usize {
        let Kind::Compact { feature } = self.kind else { return self.len };
        match &dataset.features[feature] {
            // A number and a column.
            Feature::Csr { columns, .. } => 3 * columns.len() / (2 * dataset.len()).max(1),
            _ => 1,
        }
    }

    /// The feature, and the weight of each of its columns' squares, if it is compact.
    fn compact_squares<'d>(&self, direct: &Direct<'d>, q: &[f64]) -> Option<(View<'d>, Vec<f64>)> {
        let Kind::Compact { feature } = self.kind else { return None };
        let mut own = vec![0.0; self.len];
        self.taken.iter().for_each(|taken| own[taken.own] = q[taken.place] * taken.factor * taken.factor);
        Some((direct.dataset.features[feature].view(), own))
    }

    fn columns(dataset: &Dataset, standard: &Standardisation, places: &[usize]) -> Part {
        let taken = |(own, &place): (usize, &usize)| Taken { own, place, factor: 1.0 / standard.scale[place] };
        Part {
            kind: Kind::Columns {
                features: places.iter().map(|&place| dataset.layout[standard.columns[place]].0).collect(),
                centre: places.iter().map(|&place| standard.centre[place]).collect(),
            },
            taken: places.iter().enumerate().map(taken).collect(),
            len: places.len(),
        }
    }

    fn matrix(dataset: &Dataset, standard: &Standardisation, feature: usize, places: &[usize]) -> Part {
        let blocks = Blocks::of(dataset.features[feature].n_columns());
        let own: Vec<usize> = blocks.places().map(|(_, own)| own).collect();
        let mut centre = vec![0.0; blocks.len()];
        let mut taken = Vec::with_capacity(places.len());
        for &place in places {
            let own = own[dataset.layout[standard.columns[place]].1];
            centre[own] = standard.centre[place];
            taken.push(Taken { own, place, factor: 1.0 / standard.scale[place] });
        }
        let len = blocks.len();
        Part { kind: Kind::Matrix { feature, blocks, centre }, taken, len }
    }

    fn rows(standard: &Standardisation, places: &[usize]) -> Part {
        let taken = |(own, &place): (usize, &usize)| Taken { own, place, factor: 1.0 };
        Part {
            taken: places.iter().enumerate().map(taken).collect(),
            len: RowPanel::padded(places.len()),
            kind: Kind::Rows { standard: standard.subset(places) },
        }
    }

    fn compact(dataset: &Dataset, standard: &Standardisation, feature: usize, places: &[usize]) -> Part {
        let first = first_place(dataset.features[feature].view());
        let of = |&place: &usize| {
            let own = first + dataset.layout[standard.columns[place]].1;
            Taken { own, place, factor: 1.0 / standard.scale[place] }
        };
        let len = first + dataset.features[feature].n_columns();
        Part { kind: Kind::Compact { feature }, taken: places.iter().map(of).collect(), len }
    }

    fn packed(standard: &Standardisation, mut places: Vec<usize>) -> Part {
        places.sort_unstable();
        let taken = |(own, &place): (usize, &usize)| Taken { own, place, factor: 1.0 };
        Part {
            taken: places.iter().enumerate().map(taken).collect(),
            len: places.len(),
            kind: Kind::Packed { standard: standard.subset(&places) },
        }
    }
}

/// The place of the first column in vectors of a compact feature: codes are places themselves.
fn first_place(view: View<'_>) -> usize {
    usize::from(!matches!(view, View::Csr { .. }))
}

/// Adds the products of the rows with `w` to `z`.
fn add_products(view: View<'_>, rows: &Rows<'_>, w: &[f64], z: &mut [f64]) {
    match view {
        // The reference level has a place of its own, with a weight of 0.
        View::Codes(codes) => rows.each_index(|at, i| z[at] += w[codes[i] as usize]),
        View::Product { codes, values } => {
            rows.each_index(|at, i| z[at] += w[codes[i] as usize] * values[i]);
        }
        View::Csr { starts, columns, values: Slice::F64(values) } => {
            rows.each_index(|at, i| {
                z[at] += row_product(&columns[starts[i]..starts[i + 1]], &values[starts[i]..starts[i + 1]], w);
            });
        }
        View::Csr { starts, columns, values: Slice::F32(values) } => {
            rows.each_index(|at, i| {
                z[at] += row_product(&columns[starts[i]..starts[i + 1]], &values[starts[i]..starts[i + 1]], w);
            });
        }
        _ => {}
    }
}

/// Four sums at a time, for an addition takes as long as four loads.
fn row_product<T: Copy + Into<f64>>(columns: &[u32], values: &[T], w: &[f64]) -> f64 {
    let ((fours, rest), (of_fours, of_rest)) = (columns.as_chunks::<4>(), values.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (columns, values) in fours.iter().zip(of_fours) {
        for lane in 0..4 {
            sums[lane] += w[columns[lane] as usize] * values[lane].into();
        }
    }
    let rest: f64 = rest.iter().zip(of_rest).map(|(&column, &x)| w[column as usize] * x.into()).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds the rows times the numbers `r` to `sums`.
fn add_sums(view: View<'_>, rows: &Rows<'_>, r: &[f64], sums: &mut [f64]) {
    match view {
        View::Codes(codes) => rows.each_index(|at, i| sums[codes[i] as usize] += r[at]),
        View::Product { codes, values } => {
            rows.each_index(|at, i| sums[codes[i] as usize] += r[at] * values[i]);
        }
        View::Csr { starts, columns, values: Slice::F64(values) } => {
            rows.each_index(|at, i| {
                add_row(&columns[starts[i]..starts[i + 1]], &values[starts[i]..starts[i + 1]], r[at], sums);
            });
        }
        View::Csr { starts, columns, values: Slice::F32(values) } => {
            rows.each_index(|at, i| {
                add_row(&columns[starts[i]..starts[i + 1]], &values[starts[i]..starts[i + 1]], r[at], sums);
            });
        }
        _ => {}
    }
}

fn add_row<T: Copy + Into<f64>>(columns: &[u32], values: &[T], r: f64, sums: &mut [f64]) {
    columns.iter().zip(values).for_each(|(&column, &x)| sums[column as usize] += r * x.into());
}
