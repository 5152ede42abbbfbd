//! Values, gradients and products with Hessians over all rows, straight from the features.

use std::ops::Range;

use super::kernel::Shape;
use super::{EmpiricalRisk, Order, Sums};
use crate::dataset::{Direct, Outcomes, PartVectors, Rows, Scratch};
use crate::kernel::LANES;
use crate::loss::{Block, Loss};

/// With fewer rows, looking at how the features are stored costs more than it saves.
pub(super) const FEW_ROWS: usize = 64;

/// The curvature of every row at a point: what products with the Hessian there need.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowCurvature {
    /// By the first row of a chunk: block by block, for one output the second derivatives, times the rows' weights; for
    /// more, the probabilities of every output, and then the rows' weights.
    chunks: Vec<(usize, Vec<f64>)>,
}

impl RowCurvature {
    pub(super) fn of(&self, start: usize) -> &[f64] {
        let at = self.chunks.binary_search_by_key(&start, |(start, _)| *start);
        at.map_or(&[], |at| &self.chunks[at].1)
    }
}

/// A block of rows on its way.
#[derive(Default)]
pub(super) struct Room {
    pub(super) outcomes: Outcomes,
    pub(super) z: Vec<f64>,
    pub(super) curvature: Vec<f64>,
    pub(super) scratch: Scratch,
}

impl Room {
    /// Makes `z` what the logits of `n` rows are without their columns.
    fn begin(&mut self, n: usize, biases: &[f64], outputs: usize) {
        let padded = n.next_multiple_of(LANES);
        self.z.clear();
        for k in 0..outputs {
            let bias = biases.get(k).copied().unwrap_or(0.0);
            if self.outcomes.offset.is_empty() {
                self.z.resize((k + 1) * padded, bias);
            } else {
                self.z.extend(self.outcomes.offset.iter().map(|offset| offset + bias));
            }
        }
    }
}

impl<'a, L: Loss> EmpiricalRisk<'a, L> {
    /// How to work on the features as they are stored; none for so few rows that looking costs more.
    pub(super) fn direct(&self) -> Option<Direct<'a>> {
        if self.elsewhere().is_some() || self.rows.len() < FEW_ROWS && !self.has_compact() {
            return None;
        }
        let in_order = self.rows.range().is_some();
        Some(Direct::new(self.rows.dataset(), self.standard.as_ref(), self.loss.n_outputs(), in_order))
    }

    /// Whether some feature is left as it is stored, come what may.
    pub(super) fn has_compact(&self) -> bool {
        self.rows.dataset().features().iter().any(crate::dataset::Feature::is_compact)
    }

    /// The blocks of rows that take part, of those from `range.start` (where a panel's worth begins) to `range.end`.
    pub(super) fn blocks(&self, range: Range<usize>, block: usize) -> impl Iterator<Item = Rows<'a>> + '_ {
        self.starts(range.start, range.end).flat_map(move |start| {
            let rows = self.panel_rows(start);
            let n = rows.len();
            self.passed(&rows);
            (0..n).step_by(block).map(move |at| rows.slice(at..n.min(at + block)))
        })
    }

    /// Goes over the blocks of `range`: what `turn` makes of the logits in `room.z` is added to the chunk's sums, row by
    /// row, where `adds`. `ready` prepares the room first.
    fn sweep<'c>(
        &'c self,
        direct: &'c Direct<'a>,
        range: Range<usize>,
        (weights, biases, adds): (&PartVectors, &[f64], bool),
        ready: impl Fn(&Rows<'a>, &mut Room),
        mut turn: impl FnMut(&mut Chunk<'c, 'a, L>, &Rows<'a>, &mut Room),
    ) -> Chunk<'c, 'a, L> {
        let mut chunk = Chunk::new(self, direct);
        let (mut room, mut earlier) = (Room::default(), Room::default());
        let mut waiting: Option<Rows<'a>> = None;
        for rows in self.blocks(range, direct.block()) {
            ready(&rows, &mut room);
            room.begin(rows.len(), biases, self.loss.n_outputs());
            let Room { z, scratch, .. } = &mut room;
            match waiting.take() {
                Some(before) => {
                    let of_before = (&before, &earlier.z[..], &earlier.scratch);
                    direct.inner_and_combine(of_before, &mut chunk.sums, (&rows, z, scratch), weights);
                }
                None => direct.combine(&rows, weights, z, scratch),
            }
            turn(&mut chunk, &rows, &mut room);
            if adds {
                chunk.add_biases(&rows, &room);
                if direct.overlaps() {
                    std::mem::swap(&mut room, &mut earlier);
                    waiting = Some(rows);
                } else {
                    direct.inner(&rows, &room.z, &mut chunk.sums, &room.scratch);
                }
            }
        }
        if let Some(before) = waiting {
            direct.inner(&before, &earlier.z, &mut chunk.sums, &earlier.scratch);
        }
        chunk
    }

    /// Value and gradient, and the rows' curvatures where `keep` asks for them; without penalty, over the sum of
    /// weights as the loss's reduction says.
    pub(super) fn direct_sums(
        &self,
        direct: &Direct<'a>,
        parameters: &[f64],
        order: Order,
        keep: bool,
    ) -> (Sums, RowCurvature) {
        let shape = self.shape();
        let inside = shape.inside(parameters);
        let weights = direct.weights(&inside, shape.width());
        let biases: Vec<f64> = shape.biases(&inside).collect();
        let parts = self.rows.chunks(parameters.len(), |range| {
            let start = range.start;
            let steps = (&weights, &biases[..], order >= Order::Gradient);
            let ready = |rows: &Rows<'a>, room: &mut Room| room.outcomes.fill(rows);
            (start, self.sweep(direct, range, steps, ready, |chunk, rows, room| chunk.add(rows, room, keep)))
        });
        let mut curvature = RowCurvature::default();
        let mut all = Chunk::new(self, direct);
        for (start, mut chunk) in parts {
            all.merge(&chunk);
            if keep {
                curvature.chunks.push((start, std::mem::take(&mut chunk.kept)));
            }
        }
        let gradient = if order >= Order::Gradient { all.gradient() } else { Vec::new() };
        (shape.turn_out(Sums { value: all.value, gradient, hessian: Vec::new() }), curvature)
    }

    /// `Σ xᵢ·(curvature of row i)·(xᵢ·v)`, without penalty, as a sum over rows.
    pub(super) fn direct_product(&self, direct: &Direct<'a>, curvature: &RowCurvature, v: &[f64]) -> Vec<f64> {
        let shape = self.shape();
        let inside = shape.inside(v);
        let weights = direct.weights(&inside, shape.width());
        let biases: Vec<f64> = shape.biases(&inside).collect();
        let outputs = self.loss.n_outputs();
        let parts = self.rows.chunks(shape.parameters(), |range| {
            let mut kept = curvature.of(range.start);
            self.sweep(
                direct,
                range,
                (&weights, &biases[..], true),
                |_, _| {},
                |_, rows, room| {
                    let (own, rest) = kept.split_at(kept_rows(outputs) * rows.len().next_multiple_of(LANES));
                    kept = rest;
                    bend(own, outputs, &mut room.z);
                },
            )
        });
        let mut all = Chunk::new(self, direct);
        parts.iter().for_each(|chunk| all.merge(chunk));
        shape.turn_out(Sums { gradient: all.gradient(), ..Sums::default() }).gradient
    }

    /// The diagonal of the Hessian, without penalty, as a sum over rows; of columns that are not compact as if all rows
    /// were alike.
    pub(super) fn direct_diagonal(&self, direct: &Direct<'a>, curvature: &RowCurvature) -> Vec<f64> {
        let (shape, outputs) = (self.shape(), self.loss.n_outputs());
        let parts = self.rows.chunks(shape.parameters(), |range| {
            let mut kept = curvature.of(range.start);
            let (mut sums, mut biases) = (direct.zero(), vec![0.0; outputs]);
            let mut c = Vec::new();
            for rows in self.blocks(range, direct.block()) {
                let padded = rows.len().next_multiple_of(LANES);
                let (own, rest) = kept.split_at(kept_rows(outputs) * padded);
                kept = rest;
                c.clear();
                (0..outputs).for_each(|k| pair_curvature(own, outputs, (k, k), &mut c));
                biases.iter_mut().zip(c.chunks_exact(padded)).for_each(|(bias, c)| *bias += c.iter().sum::<f64>());
                direct.squares(&rows, &c, &mut sums);
            }
            let mut all = vec![0.0; shape.parameters()];
            direct.take_out_squares(&sums, shape.width(), &mut all);
            shape.put_biases(&biases, &mut all);
            all
        });
        let mut sums = Sums::zero(shape.parameters(), Order::Gradient);
        for part in parts {
            sums.gradient.iter_mut().zip(&part).for_each(|(a, b)| *a += b);
        }
        shape.turn_out(sums).gradient
    }

    /// The curvature of pairs of outputs, `Σᵢ` over all rows: row-major (outputs, outputs), both triangles.
    pub(super) fn sum_of_curvature(&self, direct: &Direct<'a>, curvature: &RowCurvature) -> Vec<f64> {
        let outputs = self.loss.n_outputs();
        let mut sums = vec![0.0; outputs * outputs];
        let mut c = Vec::new();
        for (_, kept) in &curvature.chunks {
            let mut kept = &kept[..];
            let block = kept_rows(outputs) * direct.block().next_multiple_of(LANES);
            while !kept.is_empty() {
                let (own, rest) = kept.split_at(block.min(kept.len()));
                kept = rest;
                for (k, l) in (0..outputs).flat_map(|k| (0..=k).map(move |l| (k, l))) {
                    c.clear();
                    pair_curvature(own, outputs, (k, l), &mut c);
                    let sum: f64 = c.iter().sum();
                    sums[k * outputs + l] += sum;
                    if k != l {
                        sums[l * outputs + k] += sum;
                    }
                }
            }
        }
        sums
    }
}

/// Numbers that are kept of every row.
pub(super) fn kept_rows(outputs: usize) -> usize {
    if outputs == 1 { 1 } else { outputs + 1 }
}

/// Appends the second derivatives of a block in the logits k and l, times the rows' weights.
pub(super) fn pair_curvature(kept: &[f64], outputs: usize, (k, l): (usize, usize), out: &mut Vec<f64>) {
    if outputs == 1 {
        return out.extend_from_slice(kept);
    }
    let n = kept.len() / kept_rows(outputs);
    let (p, q, weight) = (&kept[k * n..][..n], &kept[l * n..][..n], &kept[outputs * n..]);
    match k == l {
        true => out.extend((0..n).map(|i| weight[i] * p[i] * (1.0 - p[i]))),
        false => out.extend((0..n).map(|i| -weight[i] * p[i] * q[i])),
    }
}

/// Turns directional derivatives of the logits of a block, (outputs, rows), into those of the residuals.
fn bend(kept: &[f64], outputs: usize, u: &mut [f64]) {
    if outputs == 1 {
        return u.iter_mut().zip(kept).for_each(|(u, c)| *u *= c);
    }
    let n = kept.len() / kept_rows(outputs);
    let (p, weight) = kept.split_at(outputs * n);
    let mut mean = vec![0.0; n];
    for (p, u) in p.chunks_exact(n).zip(u.chunks_exact(n)) {
        mean.iter_mut().zip(p).zip(u).for_each(|((mean, p), u)| *mean += p * u);
    }
    for (p, u) in p.chunks_exact(n).zip(u.chunks_exact_mut(n)) {
        for i in 0..n {
            u[i] = weight[i] * p[i] * (u[i] - mean[i]);
        }
    }
}

/// What a chunk of rows comes to.
pub(super) struct Chunk<'c, 'a, L> {
    risk: &'c EmpiricalRisk<'a, L>,
    direct: &'c Direct<'a>,
    shape: Shape,
    value: f64,
    sums: PartVectors,
    biases: Vec<f64>,
    kept: Vec<f64>,
}

impl<'c, 'a, L: Loss> Chunk<'c, 'a, L> {
    fn new(risk: &'c EmpiricalRisk<'a, L>, direct: &'c Direct<'a>) -> Self {
        let biases = vec![0.0; risk.loss.n_outputs()];
        Chunk { risk, direct, shape: risk.shape(), value: 0.0, sums: direct.zero(), biases, kept: Vec::new() }
    }

    /// Adds the losses of a block whose logits stand in `room.z`, and puts its residuals there.
    fn add(&mut self, rows: &Rows<'_>, room: &mut Room, keep: bool) {
        let outputs = self.risk.loss.n_outputs();
        let n = rows.len().next_multiple_of(LANES);
        let Room { outcomes: Outcomes { y, weight, .. }, z, curvature, .. } = room;
        curvature.clear();
        if keep && outputs == 1 {
            curvature.resize(n, 0.0);
        }
        self.value += self.risk.loss.add(&mut Block { z, y, weight, curvature });
        if keep && outputs == 1 {
            self.kept.extend_from_slice(curvature);
        } else if keep {
            self.risk.loss.probabilities_of_residuals(&Block { z, y, weight, curvature: &mut [] }, &mut self.kept);
            self.kept.extend_from_slice(weight);
        }
    }

    /// Adds the numbers of a block in `room.z`, which are those of the biases.
    fn add_biases(&mut self, rows: &Rows<'_>, room: &Room) {
        let n = rows.len().next_multiple_of(LANES);
        for (bias, z) in self.biases.iter_mut().zip(room.z.chunks_exact(n)) {
            *bias += crate::kernel::total(z);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.value += other.value;
        self.biases.iter_mut().zip(&other.biases).for_each(|(a, b)| *a += b);
        for (own, other) in self.sums.iter_mut().zip(&other.sums) {
            own.iter_mut().zip(other).for_each(|(a, b)| *a += b);
        }
    }

    /// The gradient, as parameters stand inside.
    fn gradient(&self) -> Vec<f64> {
        let mut gradient = vec![0.0; self.shape.parameters()];
        self.direct.take_out(&self.sums, self.shape.width(), &mut gradient);
        self.shape.put_biases(&self.biases, &mut gradient);
        gradient
    }
}
