//! Hessians, from rows that are packed row-major: in one pass with value and gradient where a chunk of rows can have one
//! of its own, else block by block of the result, from the curvatures of the rows.

use rayon::prelude::*;

use super::direct::{RowCurvature, kept_rows, pair_curvature};
use super::kernel::{Shape, pairs};
use super::{BROUGHT, EmpiricalRisk, Order, Sums};
use crate::dataset::{Direct, Feature, Outcomes, Panel, RowPanel, Rows, Standardisation, View};
use crate::kernel::{Blocks, LANES, Matrix, RowMajor, add_cross};
use crate::loss::{Block, Loss};

/// Up to so many columns a chunk of rows has a Hessian of its own. More are shared out among the cores instead.
const NARROW: usize = 192;
/// Panels of rows that are packed before the cores share their cross products.
const BATCH: usize = 16;
/// A compact feature of many columns is shared out in so many parts.
const SHARES: usize = 8;

/// Some rows and their curvature, for one pair of outputs.
struct Piece<'a> {
    rows: Rows<'a>,
    c: Vec<f64>,
    /// Of so many panels of rows, one takes part.
    every: usize,
}

/// A block of the Hessian on its way: a vector for every group of columns with every group up to it.
type Strips = Vec<Vec<f64>>;

impl<'a, L: Loss> EmpiricalRisk<'a, L> {
    /// Whether [`EmpiricalRisk::narrow_sums`] is the way.
    pub(super) fn is_narrow(&self) -> bool {
        self.n_columns() < NARROW && !self.has_compact()
    }

    fn standardisation(&self) -> Standardisation {
        self.standard.clone().unwrap_or_else(|| Standardisation::none(self.rows.dataset().n_columns()))
    }

    /// Value, gradient and Hessian without penalty, as sums over rows, in one pass.
    pub(super) fn narrow_sums(&self, parameters: &[f64]) -> Sums {
        let (shape, standard) = (self.shape(), self.standardisation());
        let inside = shape.inside(parameters);
        let zero = Sums::zero(parameters.len(), Order::Hessian);
        let parts = self.rows.chunks(zero.gradient.len() + zero.hessian.len(), |range| {
            let mut pass = Pass::new(shape, &inside);
            for rows in self.blocks(range, RowPanel::ROWS) {
                pass.panel.pack(&rows, &standard, self.intercept);
                pass.outcomes.fill(&rows);
                pass.add(&self.loss, rows.len());
            }
            pass.sums()
        });
        let mut parts = parts.into_iter();
        let mut sums = parts.next().unwrap_or(zero);
        parts.for_each(|part| sums.merge(&part));
        shape.turn_out(sums)
    }

    /// The Hessian without penalty, as a sum over rows, from the curvatures of the rows.
    pub(super) fn wide_hessian(&self, direct: &Direct<'a>, curvature: &RowCurvature) -> Vec<f64> {
        let (shape, standard) = (self.shape(), self.standardisation());
        let mut sums = Sums::zero(shape.parameters(), Order::Hessian);
        let columns = Columns::of(self.rows.dataset().features(), &standard, self.intercept, |column| {
            self.rows.dataset().place_of(column)
        });
        for pair in pairs(shape.outputs) {
            let pieces = self.pieces(direct, curvature, pair);
            let mut put = |a: usize, b: usize, value: f64| put(&mut sums.hessian, shape, pair, (a, b), value);
            columns.add_dense(&pieces, &mut put);
            columns.add_compact(&pieces, &mut put);
        }
        shape.turn_out(sums).hessian
    }

    /// The diagonal block of the mean Hessian for every output, without penalty, over one of `every` panels of rows:
    /// row-major (width, width), the lower triangle.
    pub(super) fn class_blocks(&self, direct: &Direct<'a>, curvature: &RowCurvature, every: usize) -> Vec<Vec<f64>> {
        let (shape, standard) = (self.shape(), self.standardisation());
        let (dataset, one) = (self.rows.dataset(), Shape { outputs: 1, ..shape });
        let columns = Columns::of(dataset.features(), &standard, self.intercept, |column| dataset.place_of(column));
        let block = |k: usize| {
            let pieces = self.pieces(direct, curvature, (k, k)).into_iter().skip(every / 2).step_by(every);
            let pieces: Vec<Piece<'_>> = pieces.collect();
            let total: f64 = pieces.iter().map(|piece| piece.rows.total_weight()).sum();
            let mut sums = vec![0.0; one.parameters() * one.parameters()];
            columns.add_dense(&pieces, &mut |a, b, value| put(&mut sums, one, (0, 0), (a, b), value / total));
            sums
        };
        (0..shape.outputs).map(block).collect()
    }

    /// The rows that take part, a panel's worth at a time, with the curvature of a pair of outputs.
    fn pieces(&self, direct: &Direct<'a>, curvature: &RowCurvature, pair: (usize, usize)) -> Vec<Piece<'a>> {
        let outputs = self.loss.n_outputs();
        let parts = self.rows.chunks(self.shape().parameters(), |range| {
            let mut kept = curvature.of(range.start);
            let of_panel = |start: usize| {
                let rows = self.panel_rows(start);
                let mut c = Vec::with_capacity(Panel::ROWS);
                for at in (0..rows.len()).step_by(direct.block()) {
                    let n = direct.block().min(rows.len() - at).next_multiple_of(LANES);
                    let (own, rest) = kept.split_at(kept_rows(outputs) * n);
                    kept = rest;
                    pair_curvature(own, outputs, pair, &mut c);
                }
                Piece { rows: rows.into_owned(), c, every: self.every }
            };
            self.starts(range.start, range.end).map(of_panel).collect::<Vec<_>>()
        });
        parts.into_iter().flatten().collect()
    }
}

/// Adds an entry of the block of a pair of outputs k ≥ l, one for a ≥ b, to the lower triangle of the whole.
fn put(hessian: &mut [f64], shape: Shape, (k, l): (usize, usize), (a, b): (usize, usize), value: f64) {
    let (width, n) = (shape.width(), shape.parameters());
    hessian[(k * width + a) * n + l * width + b] += value;
    // The block is symmetric; beside the diagonal its upper half belongs to the lower triangle too.
    if k > l && a != b {
        hessian[(k * width + b) * n + l * width + a] += value;
    }
}

/// One pass over the rows of a chunk.
struct Pass {
    shape: Shape,
    panel: RowPanel,
    outcomes: Outcomes,
    /// By group: weights (outputs, stride), and the gradient.
    weights: Vec<Vec<f64>>,
    gradient: Vec<Vec<f64>>,
    groups: Vec<(usize, usize, Blocks)>,
    /// For each pair of outputs.
    strips: Vec<Strips>,
    value: f64,
    zeros: Vec<f64>,
    z: Vec<f64>,
    curvature: Vec<f64>,
    scaled: Vec<f64>,
}

impl Pass {
    fn new(shape: Shape, inside: &[f64]) -> Self {
        let groups: Vec<(usize, usize, Blocks)> = RowPanel::layout(shape.width())
            .map(|(first, count)| (first, count, Blocks::of(count.next_multiple_of(LANES))))
            .collect();
        let weights = |(first, count, blocks): &(usize, usize, Blocks)| {
            let mut own = vec![0.0; shape.outputs * blocks.len()];
            for k in 0..shape.outputs {
                own[k * blocks.len()..][..*count].copy_from_slice(&inside[k * shape.width() + first..][..*count]);
            }
            own
        };
        let weights: Vec<Vec<f64>> = groups.iter().map(weights).collect();
        let gradient = weights.iter().map(|own| vec![0.0; own.len()]).collect();
        let strips = (0..pairs(shape.outputs).count()).map(|_| zero_strips(&groups)).collect();
        let zeros = vec![0.0; groups.iter().map(|(.., blocks)| blocks.len()).max().unwrap_or(0)];
        let (z, curvature, scaled) = (Vec::new(), Vec::new(), Vec::new());
        let (panel, outcomes) = (RowPanel::default(), Outcomes::default());
        Pass { shape, panel, outcomes, weights, gradient, groups, strips, value: 0.0, zeros, z, curvature, scaled }
    }

    /// Adds the `n` rows in the panel.
    fn add(&mut self, loss: &impl Loss, n: usize) {
        let (outputs, padded) = (self.shape.outputs, n.next_multiple_of(LANES));
        self.z.clear();
        for _ in 0..outputs {
            self.z.extend_from_slice(&self.outcomes.offset);
            if self.outcomes.offset.is_empty() {
                self.z.resize(self.z.len() + padded, 0.0);
            }
        }
        for ((group, (.., blocks)), w) in self.panel.groups().iter().zip(&self.groups).zip(&self.weights) {
            RowMajor { values: group.matrix().values, blocks, centre: &self.zeros }.combine(n, |i| i, w, &mut self.z);
        }
        self.curvature.clear();
        self.curvature.resize(self.strips.len() * padded, 0.0);
        let Outcomes { y, weight, .. } = &self.outcomes;
        self.value += loss.add(&mut Block { z: &mut self.z, y, weight, curvature: &mut self.curvature });
        for ((group, (.., blocks)), out) in self.panel.groups().iter().zip(&self.groups).zip(&mut self.gradient) {
            RowMajor { values: group.matrix().values, blocks, centre: &self.zeros }.inner(n, |i| i, &self.z, out);
        }
        for (strips, c) in self.strips.iter_mut().zip(self.curvature.chunks_exact(padded)) {
            for m in 0..self.groups.len() {
                let strips = &mut strips[m * (m + 1) / 2..][..=m];
                add_strip(&self.panel, m, c, &mut self.scaled, strips);
            }
        }
    }

    /// All sums, as parameters stand inside.
    fn sums(&self) -> Sums {
        let width = self.shape.width();
        let mut sums = Sums::zero(self.shape.parameters(), Order::Hessian);
        sums.value = self.value;
        for ((first, count, blocks), own) in self.groups.iter().zip(&self.gradient) {
            for k in 0..self.shape.outputs {
                sums.gradient[k * width + first..][..*count].copy_from_slice(&own[k * blocks.len()..][..*count]);
            }
        }
        for (pair, strips) in pairs(self.shape.outputs).zip(&self.strips) {
            each_entry(&self.groups, strips, |a, b, value| put(&mut sums.hessian, self.shape, pair, (a, b), value));
        }
        sums
    }
}

fn zero_strips(groups: &[(usize, usize, Blocks)]) -> Strips {
    pairs(groups.len()).map(|(m, j)| vec![0.0; groups[m].2.len() * groups[j].2.len()]).collect()
}

/// Adds the cross products of group `m` with every group up to it, each row times its `c`.
fn add_strip(panel: &RowPanel, m: usize, c: &[f64], scaled: &mut Vec<f64>, strips: &mut [Vec<f64>]) {
    let own = panel.groups()[m].matrix();
    scaled.clear();
    for (row, c) in own.values.chunks_exact(own.width).zip(c) {
        scaled.extend(row.iter().map(|x| x * c));
    }
    let scaled = Matrix { values: scaled, width: own.width };
    for (j, strip) in strips.iter_mut().enumerate() {
        add_cross(scaled, panel.groups()[j].matrix(), (scaled.width, j == m), strip);
    }
}

/// Hands over the entries a ≥ b of all strips.
fn each_entry(groups: &[(usize, usize, Blocks)], strips: &Strips, mut put: impl FnMut(usize, usize, f64)) {
    for ((m, j), strip) in pairs(groups.len()).zip(strips) {
        let ((first, count, _), (other, other_count, blocks)) = (&groups[m], &groups[j]);
        for a in 0..*count {
            let end = if m == j { a + 1 } else { *other_count };
            let row = &strip[a * blocks.len()..][..end];
            row.iter().enumerate().for_each(|(b, value)| put(first + a, other + b, *value));
        }
    }
}

/// The columns that take part: those that are packed, and the compact features.
struct Columns<'f> {
    dense: Standardisation,
    /// The place of each packed column, that of the bias last, if there is one.
    places: Vec<usize>,
    intercept: bool,
    compact: Vec<Compact<'f>>,
}

struct Compact<'f> {
    view: View<'f>,
    /// Place and scale of each of its columns; none for one that takes no part.
    columns: Vec<Option<(usize, f64)>>,
}

impl<'f> Columns<'f> {
    fn of(
        features: &'f [Feature],
        standard: &Standardisation,
        intercept: bool,
        place_of: impl Fn(usize) -> (usize, usize),
    ) -> Self {
        let of = |feature: &'f Feature| Compact { view: feature.view(), columns: vec![None; feature.n_columns()] };
        let mut compact: Vec<Option<Compact<'f>>> = features.iter().map(|f| f.is_compact().then(|| of(f))).collect();
        let mut places = Vec::new();
        for (place, &column) in standard.columns.iter().enumerate() {
            let (feature, k) = place_of(column);
            match &mut compact[feature] {
                Some(compact) => compact.columns[k] = Some((place, standard.scale[place])),
                None => places.push(place),
            }
        }
        let dense = standard.subset(&places);
        if intercept {
            places.push(standard.columns.len());
        }
        Columns { dense, places, intercept, compact: compact.into_iter().flatten().collect() }
    }

    /// Packed columns with packed columns.
    fn add_dense(&self, pieces: &[Piece<'_>], put: &mut impl FnMut(usize, usize, f64)) {
        let groups: Vec<(usize, usize, Blocks)> = RowPanel::layout(self.places.len())
            .map(|(first, count)| (first, count, Blocks::of(count.next_multiple_of(LANES))))
            .collect();
        let mut strips: Vec<Vec<Vec<f64>>> = Vec::new();
        for m in 0..groups.len() {
            strips.push((0..=m).map(|j| vec![0.0; groups[m].2.len() * groups[j].2.len()]).collect());
        }
        let mut blocks = pieces.iter().inspect(|piece| piece.passed()).flat_map(Piece::blocks);
        let mut panels: Vec<RowPanel> = vec![RowPanel::default(); BATCH];
        loop {
            let batch: Vec<(Rows<'_>, &[f64])> = blocks.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let packed = &mut panels[..batch.len()];
            packed
                .par_iter_mut()
                .zip(&batch)
                .for_each(|(panel, (rows, _))| panel.pack(rows, &self.dense, self.intercept));
            strips.par_iter_mut().enumerate().rev().for_each_init(Vec::new, |scaled, (m, strips)| {
                for (panel, (_, c)) in packed.iter().zip(&batch) {
                    add_strip(panel, m, c, scaled, strips);
                }
            });
        }
        let strips: Strips = strips.into_iter().flatten().collect();
        each_entry(&groups, &strips, |a, b, value| put(self.places[a], self.places[b], value));
    }

    /// Compact features with packed columns, with each other and with themselves.
    fn add_compact(&self, pieces: &[Piece<'_>], put: &mut impl FnMut(usize, usize, f64)) {
        let of_dense = |compact: &Compact<'_>| self.with_dense(compact, pieces);
        let with_dense: Vec<Vec<f64>> = self.compact.par_iter().map(of_dense).collect();
        for (compact, table) in self.compact.iter().zip(with_dense) {
            for (at, (place, scale)) in compact.columns.iter().enumerate().filter_map(|(at, own)| Some((at, (*own)?))) {
                for (other, value) in self.places.iter().zip(&table[at * self.places.len()..]) {
                    put(place.max(*other), place.min(*other), value / scale);
                }
            }
        }
        for (f, g) in pairs(self.compact.len()) {
            let (own, other) = (&self.compact[f], &self.compact[g]);
            let width = own.columns.len().div_ceil(SHARES);
            let shares: Vec<Vec<f64>> = (0..SHARES)
                .into_par_iter()
                .map(|share| table(own, other, share * width..own.columns.len().min((share + 1) * width), pieces))
                .collect();
            for (share, table) in shares.iter().enumerate() {
                for (at, row) in table.chunks_exact(other.columns.len().max(1)).enumerate() {
                    let Some((place, scale)) = own.columns[share * width + at] else { continue };
                    for (entry, value) in other.columns.iter().zip(row).filter(|(_, value)| **value != 0.0) {
                        let Some((with, with_scale)) = *entry else { continue };
                        if f != g || with <= place {
                            put(place.max(with), place.min(with), value / (scale * with_scale));
                        }
                    }
                }
            }
        }
    }

    /// `Σ cᵢ·xᵢₐ·dᵢ` for every column a of a compact feature, d the packed columns.
    fn with_dense(&self, compact: &Compact<'_>, pieces: &[Piece<'_>]) -> Vec<f64> {
        let width = self.places.len();
        let mut table = vec![0.0; compact.columns.len() * width];
        let mut panel = RowPanel::default();
        for (rows, c) in pieces.iter().inspect(|piece| piece.passed()).flat_map(Piece::blocks) {
            panel.pack(&rows, &self.dense, self.intercept);
            for (i, (row, c)) in rows.indices().zip(c).enumerate() {
                compact.view.each_entry(row, |a, x| {
                    for group in panel.groups() {
                        let matrix = group.matrix();
                        let to = &mut table[a * width + group.first..][..group.count];
                        let row = &matrix.values[i * matrix.width..][..group.count];
                        to.iter_mut().zip(row).for_each(|(to, d)| *to += c * x * d);
                    }
                });
            }
        }
        table
    }
}

/// `Σ cᵢ·xᵢₐ·yᵢ_b` for some columns a of a compact feature and all columns b of another, or of itself; row-major.
fn table(own: &Compact<'_>, other: &Compact<'_>, columns: std::ops::Range<usize>, pieces: &[Piece<'_>]) -> Vec<f64> {
    let width = other.columns.len();
    let mut table = vec![0.0; columns.len() * width];
    for piece in pieces {
        piece.passed();
        for (row, c) in piece.rows.indices().zip(&piece.c) {
            own.view.each_entry(row, |a, x| {
                if columns.contains(&a) {
                    let to = &mut table[(a - columns.start) * width..][..width];
                    other.view.each_entry(row, |b, y| to[b] += c * x * y);
                }
            });
        }
    }
    table
}

impl<'a> Piece<'a> {
    /// Tells that the rows are read.
    fn passed(&self) {
        self.rows.passed(&(0..self.rows.len() * self.every.min(BROUGHT)));
    }

    /// Its rows in blocks that are packed together, with their curvatures.
    fn blocks(&self) -> impl Iterator<Item = (Rows<'a>, &[f64])> {
        let n = self.rows.len();
        (0..n).step_by(RowPanel::ROWS).map(move |at| {
            let end = n.min(at + RowPanel::ROWS);
            (self.rows.slice(at..end), &self.c[at..end])
        })
    }
}
