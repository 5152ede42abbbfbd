//! Rows packed once, over which several fits go together: the folds of a cross-validation share most of their rows, and
//! a column that is in a register serves all of their parameters.

use rayon::prelude::*;

use crate::dataset::{Panel, Rows, Standardisation};
use crate::kernel::{Columns, LANES, combine_several, gram, inner, inner_lanes, sum_and_squares, sum_lanes};
use crate::loss::{BceWithLogits, Block, Loss};

/// Rows of a block: 200 columns of so many stay in the second-level cache while several fits go over them.
const ROWS: usize = 128;
/// Blocks whose sums are merged at once; where chunks end depends on the data alone, so that no number of threads
/// changes a bit.
const CHUNK: usize = 16;
/// More chunks than about this would cost more memory for partial Hessians than they gain.
const MOST_CHUNKS: usize = 64;

/// Rows that play one part in every fit.
pub(crate) struct Group<'a> {
    /// The rows.
    pub(crate) rows: Rows<'a>,
    /// How often each fit trains on them.
    pub(crate) trains: Vec<f64>,
    /// How often each fit holds them out.
    pub(crate) held_out: Vec<f64>,
}

/// Rows of two classes, packed and standardised, column by column in blocks of one group each.
pub(crate) struct SharedRows {
    blocks: Vec<Packed>,
    /// First and last block, and group, of every chunk.
    chunks: Vec<(usize, usize, usize)>,
    /// By group and fit.
    trains: Vec<Vec<f64>>,
    held_out: Vec<Vec<f64>>,
    /// Which column stands at each place. Those in front take part.
    order: Vec<usize>,
}

struct Packed {
    /// A column of ones, and the others in their order.
    x: Vec<f64>,
    len: usize,
    y: Vec<f64>,
    weight: Vec<f64>,
}

/// What one fit has of a pass over the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    /// Σ sᵢ·ℓᵢ over the rows that it trains on, and over those that it holds out.
    pub(crate) loss: f64,
    pub(crate) held_out: f64,
    /// The gradient of the first, the intercept in front, then the columns in their order.
    pub(crate) gradient: Vec<f64>,
    /// The furthest that any logit, of rows or of those that pad them, is from what it was.
    pub(crate) drift: f64,
}

/// The logits of every block.
pub(crate) type Logits = Vec<Vec<f64>>;

/// Weight, mean and sum of squares about it, of every column.
struct Moments {
    weight: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Packed {
    fn new(rows: &Rows<'_>, standard: &Standardisation) -> Self {
        let mut panel = Panel::new();
        panel.pack(rows, Some(standard));
        let from = panel.columns(true);
        let (y, weight, _) = panel.padded();
        let mut packed = Packed { x: Vec::new(), len: from.len, y: y.to_vec(), weight: weight.to_vec() };
        packed.x.reserve_exact(from.count * packed.stride());
        for j in std::iter::once(from.count - 1).chain(0..from.count - 1) {
            packed.x.extend_from_slice(from.get(j));
            packed.x.resize(packed.x.len() + packed.stride() - packed.len, 0.0);
        }
        packed
    }

    /// Columns a power of two apart would all fall into the same few lines of the cache.
    fn stride(&self) -> usize {
        self.len + LANES
    }

    /// The ones and the first `count` columns.
    fn columns(&self, count: usize) -> Columns<'_> {
        Columns { values: &self.x, stride: self.stride(), len: self.len, count: count + 1 }
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (first, second) = (a.min(b) + 1, a.max(b) + 1);
        let (stride, len) = (self.stride(), self.len);
        let (front, back) = self.x.split_at_mut(second * stride);
        front[first * stride..][..len].swap_with_slice(&mut back[..len]);
    }

    fn moments(&self, n_columns: usize) -> Moments {
        let weight: f64 = self.weight.iter().sum();
        let of = |j: usize| {
            let column = self.columns(n_columns).get(j + 1);
            let mean = sum_and_squares(column, &self.weight, 0.0).0 / weight;
            (mean, sum_and_squares(column, &self.weight, mean).1)
        };
        let (mean, squares) = if weight > 0.0 { (0..n_columns).map(of).unzip() } else { Default::default() };
        Moments { weight, mean, squares }
    }
}

impl SharedRows {
    /// Packs the rows of all groups.
    pub(crate) fn new(groups: &[Group<'_>], standard: &Standardisation) -> Self {
        let n_blocks: usize = groups.iter().map(|group| group.rows.len().div_ceil(ROWS)).sum();
        let size = CHUNK.max(n_blocks.div_ceil(MOST_CHUNKS));
        let mut starts: Vec<(usize, usize)> = Vec::new();
        let mut chunks = Vec::new();
        for (g, group) in groups.iter().enumerate() {
            let first = starts.len();
            starts.extend((0..group.rows.len()).step_by(ROWS).map(|start| (g, start)));
            let ends = (first..starts.len()).step_by(size);
            chunks.extend(ends.map(|start| (start, starts.len().min(start + size), g)));
        }
        let pack = |&(g, start): &(usize, usize)| {
            let rows = &groups[g].rows;
            Packed::new(&rows.slice(start..rows.len().min(start + ROWS)), standard)
        };
        SharedRows {
            blocks: starts.par_iter().map(pack).collect(),
            chunks,
            trains: groups.iter().map(|group| group.trains.clone()).collect(),
            held_out: groups.iter().map(|group| group.held_out.clone()).collect(),
            order: (0..standard.columns.len()).collect(),
        }
    }

    /// The columns, those that are in front first.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Brings columns behind the first `front` ones.
    pub(crate) fn bring_forward(&mut self, front: usize, columns: &[usize]) {
        let mut swaps = Vec::with_capacity(columns.len());
        for (to, column) in (front..).zip(columns) {
            if let Some(from) = self.order.iter().position(|other| other == column).filter(|&from| from != to) {
                self.order.swap(from, to);
                swaps.push((from, to));
            }
        }
        self.blocks.par_iter_mut().for_each(|block| swaps.iter().for_each(|&(a, b)| block.swap(a, b)));
    }

    /// The mean and standard deviation of every column, by the rows that `fit` trains on.
    pub(crate) fn mean_and_spread(&self) -> Vec<(Vec<f64>, Vec<f64>)> {
        let p = self.order.len();
        let parts: Vec<Moments> = self.blocks.par_iter().map(|block| block.moments(p)).collect();
        let of_fit = |fit: usize| {
            let mut weight = 0.0;
            let (mut mean, mut squares) = (vec![0.0; p], vec![0.0; p]);
            for &(first, end, group) in &self.chunks {
                for part in parts[first..end].iter().filter(|part| part.weight > 0.0) {
                    let times = self.trains[group][fit];
                    let own = times * part.weight;
                    weight += own;
                    for j in (0..p).filter(|_| own > 0.0) {
                        // The formula of Chan, Golub & LeVeque, as in `Standardisation::of`.
                        let apart = part.mean[j] - mean[j];
                        mean[j] += apart * (own / weight);
                        squares[j] += times * part.squares[j] + apart * apart * (weight - own) * (own / weight);
                    }
                }
            }
            squares.iter_mut().for_each(|square| *square = (*square / weight).sqrt());
            (self.by_column(&mean), self.by_column(&squares))
        };
        (0..self.n_fits()).into_par_iter().map(of_fit).collect()
    }

    fn by_column(&self, by_place: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; by_place.len()];
        self.order.iter().zip(by_place).for_each(|(&column, value)| out[column] = *value);
        out
    }

    fn n_fits(&self) -> usize {
        self.trains.first().map_or(0, Vec::len)
    }

    /// One pass over the ones and the first `columns` columns, for some of the fits at their parameters (row after row, the
    /// intercept in front).
    /// Of the first fit, also how far its logits are from those `since`.
    pub(crate) fn pass(&self, columns: usize, fits: &[usize], parameters: &[f64], since: Option<&Logits>) -> Vec<Pass> {
        let width = columns + 1;
        let none = vec![Pass { gradient: Vec::new(), ..Pass::default() }; fits.len()];
        let part = |&(first, end, group): &(usize, usize, usize)| {
            let mut passes = none.clone();
            let sole = fits.len() == 1;
            let mut gradient = vec![0.0; fits.len() * width * if sole { 1 } else { LANES }];
            let mut z = Vec::new();
            for (at, block) in (first..end).zip(&self.blocks[first..end]) {
                let x = block.columns(columns);
                z.clear();
                z.resize(fits.len() * block.len, 0.0);
                combine_several(x, parameters, &mut z);
                if let Some(since) = since.filter(|_| fits.first() == Some(&0)) {
                    let moved = z.iter().zip(&since[at]).map(|(z, then)| (z - then).abs());
                    passes[0].drift = moved.fold(passes[0].drift, f64::max);
                }
                for ((&fit, z), pass) in fits.iter().zip(z.chunks_exact_mut(block.len)).zip(&mut passes) {
                    self.residuals(block, (group, fit), z, pass);
                }
                let residuals = Columns { values: &z, stride: block.len, len: block.len, count: fits.len() };
                match sole {
                    true => inner(x, residuals, &mut gradient),
                    false => inner_lanes(x, residuals, &mut gradient),
                }
            }
            let gradient = if sole { gradient } else { sum_lanes(&gradient) };
            for (pass, gradient) in passes.iter_mut().zip(gradient.chunks_exact(width)) {
                pass.gradient = gradient.to_vec();
            }
            passes
        };
        let parts: Vec<Vec<Pass>> = self.chunks.par_iter().map(part).collect();
        let mut passes = vec![Pass { gradient: vec![0.0; width], ..Pass::default() }; fits.len()];
        for (pass, part) in parts.iter().flat_map(|part| part.iter().enumerate()) {
            let pass = &mut passes[pass];
            pass.loss += part.loss;
            pass.held_out += part.held_out;
            pass.drift = pass.drift.max(part.drift);
            pass.gradient.iter_mut().zip(&part.gradient).for_each(|(sum, own)| *sum += own);
        }
        passes
    }

    /// Turns logits into residuals of the rows that a fit trains on, and adds up the losses.
    fn residuals(&self, block: &Packed, (group, fit): (usize, usize), z: &mut [f64], pass: &mut Pass) {
        let (trains, held_out) = (self.trains[group][fit], self.held_out[group][fit]);
        let (y, weight) = (&block.y[..], &block.weight[..]);
        let loss = BceWithLogits::default().add(&mut Block { z: &mut *z, y, weight, curvature: &mut [] });
        pass.loss += trains * loss;
        pass.held_out += held_out * loss;
        if trains != 1.0 {
            z.iter_mut().for_each(|residual| *residual *= trains);
        }
    }

    /// Σ sᵢ·pᵢ·(1 − pᵢ)·xᵢxᵢᵀ of every fit, all with the probabilities of one set of parameters: those of fits that share
    /// most of their rows are alike, so that one matrix of every group serves all. Row-major, lower triangles.
    pub(crate) fn hessians(&self, columns: usize, parameters: &[f64]) -> Vec<Vec<f64>> {
        let width = columns + 1;
        let part = |&(first, end, _): &(usize, usize, usize)| {
            let mut hessian = vec![0.0; width * width];
            let (mut z, mut curvature, mut room) = (Vec::new(), Vec::new(), Vec::new());
            for block in &self.blocks[first..end] {
                let x = block.columns(columns);
                z.clear();
                z.resize(block.len, 0.0);
                curvature.clear();
                curvature.resize(block.len, 0.0);
                combine_several(x, parameters, &mut z);
                let (y, weight) = (&block.y[..], &block.weight[..]);
                BceWithLogits::default().add(&mut Block { z: &mut z, y, weight, curvature: &mut curvature });
                gram(x, &curvature, &mut room, |j, m, entry| hessian[j * width + m] += entry);
            }
            hessian
        };
        let parts: Vec<Vec<f64>> = self.chunks.par_iter().map(part).collect();
        let of_fit = |fit: usize| {
            let mut hessian = vec![0.0; width * width];
            for (part, &(_, _, group)) in parts.iter().zip(&self.chunks) {
                let times = self.trains[group][fit];
                if times > 0.0 {
                    hessian.iter_mut().zip(part).for_each(|(sum, own)| *sum += times * own);
                }
            }
            hessian
        };
        (0..self.n_fits()).into_par_iter().map(of_fit).collect()
    }

    /// The logits of all rows.
    pub(crate) fn logits(&self, columns: usize, parameters: &[f64]) -> Logits {
        let of_block = |block: &Packed| {
            let mut z = vec![0.0; block.len];
            combine_several(block.columns(columns), parameters, &mut z);
            z
        };
        self.blocks.par_iter().map(of_block).collect()
    }
}
