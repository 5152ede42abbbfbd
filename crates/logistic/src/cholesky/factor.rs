//! Factorisation by blocks of columns, each brought up to date with all columns before it (Golub & Van Loan, *Matrix
//! Computations*, 4th ed. 2013, section 4.2.5, the gaxpy form).
//!
//! Every entry of L is one chain, `(aᵢⱼ − lᵢ₀·lⱼ₀ − lᵢ₁·lⱼ₁ − …) / lⱼⱼ`, whatever the blocks, tiles and threads are.
//! The column of a row that is left out is zero while the work goes on, which adds nothing to any chain.

use std::array;
use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f64x8};
use rayon::prelude::*;

use super::{BLOCK, DEPTH, PARALLEL, pieces};
use crate::kernel::{LANES, Lanes, SHORT, TALL, eight, is_wide, put_eight, tile};

/// Rows that one task brings up to date: a multiple of [`TALL`] and of [`LANES`].
const CHUNK: usize = 48;

/// Rows of a task on the diagonal, where tasks differ in their number of strips.
const DIAGONAL_CHUNK: usize = 24;

/// The columns being factored, as the products need them: transposed.
struct Block<'a> {
    columns: Range<usize>,
    /// Strip after strip of eight columns of `Lᵀ`: `end` times the entries of eight rows of L.
    strips: &'a mut [Lanes],
    /// The pivots, 0 for a row left out; until a row is reached, what its pivot must exceed.
    pivots: &'a mut [f64],
}

impl Block<'_> {
    fn strip(&self, s: usize, rows: Range<usize>) -> &[Lanes] {
        &self.strips[s * self.columns.end..][rows]
    }

    fn n_strips(&self) -> usize {
        self.columns.len().div_ceil(LANES)
    }
}

/// Factors the lower triangle that stands in `lower`, row-major (n, n), in place; returns the rows left out, whose own
/// entries then mean nothing.
pub(super) fn factor(level: Level, lower: &mut [f64], n: usize, tolerance: f64) -> Vec<usize> {
    let mut room = vec![[0.0; LANES]; BLOCK.min(n).div_ceil(LANES) * n];
    let mut pivots = Vec::with_capacity(BLOCK.min(n));
    let mut left_out = Vec::new();
    for columns in pieces(0..n, BLOCK) {
        let (own, below) = lower[columns.start * n..].split_at_mut(columns.len() * n);
        pivots.clear();
        pivots.extend(columns.clone().enumerate().map(|(i, column)| tolerance * own[i * n + column]));
        let strips = &mut room[..columns.len().div_ceil(LANES) * columns.end];
        let mut block = Block { strips, pivots: &mut pivots, columns: columns.clone() };
        if columns.start > 0 {
            block.transpose_before(own, n);
            block.update_own(level, own, n);
        }
        dispatch!(level, simd => block.factor_own(simd, own, n));
        let out = block.pivots.iter().zip(columns).filter(|(pivot, _)| **pivot == 0.0);
        left_out.extend(out.map(|(_, row)| row));
        block.finish_below(level, below, n);
    }
    left_out
}

impl Block<'_> {
    /// Fills the strips with the columns before the block.
    fn transpose_before(&mut self, own: &[f64], n: usize) {
        let (start, end) = (self.columns.start, self.columns.end);
        let strips = self.strips.chunks_exact_mut(end).zip(own.chunks(LANES * n));
        strips.for_each(|(strip, rows)| transpose(rows, n, 0..start, strip));
    }

    /// Subtracts what the columns before the block add to its own rows.
    fn update_own(&self, level: Level, own: &mut [f64], n: usize) {
        let update = |(chunk, rows): (usize, &mut [f64])| {
            // Right of the diagonal nothing is wanted.
            let n_strips = (chunk * DIAGONAL_CHUNK + rows.len() / n).div_ceil(LANES);
            dispatch!(level, simd => self.update(simd, rows, n, n_strips));
        };
        if n < PARALLEL {
            own.chunks_mut(DIAGONAL_CHUNK * n).enumerate().for_each(update);
        } else {
            own.par_chunks_mut(DIAGONAL_CHUNK * n).enumerate().for_each(update);
        }
    }

    /// Computes the rows below the block.
    fn finish_below(&self, level: Level, below: &mut [f64], n: usize) {
        let finish = |rows: &mut [f64]| {
            dispatch!(level, simd => {
                self.update(simd, rows, n, self.n_strips());
                self.finish::<_, TALL>(simd, rows, n, self.n_strips());
            });
        };
        if n < PARALLEL {
            below.chunks_mut(CHUNK * n).for_each(finish);
        } else {
            below.par_chunks_mut(CHUNK * n).for_each(finish);
        }
    }

    /// Factors the block's own rows, eight at a time.
    #[inline(always)]
    fn factor_own<S: Simd>(&mut self, simd: S, own: &mut [f64], n: usize) {
        let (start, end) = (self.columns.start, self.columns.end);
        for (s, rows) in own.chunks_mut(LANES * n).enumerate() {
            let at = start + s * LANES;
            self.finish::<_, SHORT>(simd, rows, n, s);
            transpose(rows, n, start..at, &mut self.strips[s * end..]);
            for first in (0..rows.len() / n).step_by(SHORT) {
                let of = offsets::<SHORT>(rows, n, first);
                self.subtract(simd, rows, (n, of), [s], start..at);
            }
            self.factor_strip(simd, rows, n, s);
        }
        // Tiles across the diagonal have left their products there.
        for (i, row) in own.chunks_exact_mut(n).enumerate() {
            row[start + i + 1..end].fill(0.0);
        }
    }

    /// Subtracts the products of the columns before the block from the first `n_strips` strips of `rows`.
    #[inline(always)]
    fn update<S: Simd>(&self, simd: S, rows: &mut [f64], n: usize, n_strips: usize) {
        if is_wide::<S>() {
            self.update_by::<S, 2>(simd, rows, n, n_strips);
        } else {
            self.update_by::<S, 1>(simd, rows, n, n_strips);
        }
    }

    /// As [`Block::update`], `WIDE` strips at a time.
    #[inline(always)]
    fn update_by<S: Simd, const WIDE: usize>(&self, simd: S, rows: &mut [f64], n: usize, n_strips: usize) {
        for depth in pieces(0..self.columns.start, DEPTH) {
            for first in (0..rows.len() / n).step_by(TALL) {
                let of = offsets::<TALL>(rows, n, first);
                for s in (0..n_strips).step_by(WIDE) {
                    // Past the end the last strip is taken again, and gets what it has.
                    let s: [usize; WIDE] = array::from_fn(|w| (s + w).min(n_strips - 1));
                    self.subtract(simd, rows, (n, of), s, depth.clone());
                }
            }
        }
    }

    /// Subtracts from the strips `s` of the rows at `of` the products of the columns `depth`.
    #[inline(always)]
    fn subtract<S: Simd, const ROWS: usize, const WIDE: usize>(
        &self,
        simd: S,
        rows: &mut [f64],
        (n, of): (usize, [usize; ROWS]),
        s: [usize; WIDE],
        depth: Range<usize>,
    ) {
        let sums = self.sums(simd, rows, (n, of), s, depth);
        for w in 0..WIDE {
            for r in 0..ROWS {
                let row = &mut rows[of[r]..][..n];
                put_eight(row, self.columns.start + s[w] * LANES, &(-sums[w][r]).into());
            }
        }
    }

    /// The negative of the strips `s` of the rows at `of`, and the products of the columns `depth` added.
    #[inline(always)]
    fn sums<S: Simd, const ROWS: usize, const WIDE: usize>(
        &self,
        simd: S,
        rows: &[f64],
        (n, of): (usize, [usize; ROWS]),
        s: [usize; WIDE],
        depth: Range<usize>,
    ) -> [[f64x8<S>; ROWS]; WIDE] {
        let mut sums = [[f64x8::splat(simd, 0.0); ROWS]; WIDE];
        let (mut a, mut b): ([&[f64]; ROWS], [&[Lanes]; WIDE]) = ([&[]; ROWS], [&[]; WIDE]);
        for r in 0..ROWS {
            let row = &rows[of[r]..][..n];
            a[r] = &row[depth.clone()];
            for w in 0..WIDE {
                sums[w][r] = -f64x8::load_array(simd, eight(row, self.columns.start + s[w] * LANES));
            }
        }
        for w in 0..WIDE {
            b[w] = self.strip(s[w], depth.clone());
        }
        tile(simd, a, b, &mut sums);
        sums
    }

    /// Computes the first `n_strips` strips of `rows`, from which the columns before the block are subtracted.
    #[inline(always)]
    fn finish<S: Simd, const ROWS: usize>(&self, simd: S, rows: &mut [f64], n: usize, n_strips: usize) {
        // Strip by strip: the chains of the next rows need not wait for those of the last.
        for s in 0..n_strips {
            let at = self.columns.start + s * LANES;
            for first in (0..rows.len() / n).step_by(ROWS) {
                let of = offsets::<ROWS>(rows, n, first);
                let [mut sums] = self.sums(simd, rows, (n, of), [s], self.columns.start..at);
                let mut found = [[0.0; LANES]; ROWS];
                let columns = self.strip(s, at..at + LANES);
                for k in 0..LANES {
                    let (pivot, column) = (self.pivots[s * LANES + k], f64x8::load_array(simd, columns[k]));
                    for r in 0..ROWS {
                        found[r][k] = quotient(sums[r].into(), k, pivot);
                        sums[r] = f64x8::splat(simd, found[r][k]).mul_add(column, sums[r]);
                    }
                }
                for r in 0..ROWS {
                    put_eight(&mut rows[of[r]..][..n], at, &found[r]);
                }
            }
        }
    }

    /// Factors the square of at most eight rows at strip `s`, from which all columns before it are subtracted.
    #[inline(always)]
    fn factor_strip<S: Simd>(&mut self, simd: S, rows: &mut [f64], n: usize, s: usize) {
        let at = self.columns.start + s * LANES;
        let columns = &mut self.strips[s * self.columns.end..][at..];
        let pivots = &mut self.pivots[s * LANES..];
        for (r, row) in rows.chunks_exact_mut(n).enumerate() {
            let mut sums = -f64x8::load_array(simd, eight(row, at));
            for k in 0..r {
                row[at + k] = quotient(sums.into(), k, pivots[k]);
                columns[k][r] = row[at + k];
                let column = f64x8::load_array(simd, columns[k]);
                sums = f64x8::splat(simd, row[at + k]).mul_add(column, sums);
            }
            let sums: Lanes = sums.into();
            let pivot = -sums[r];
            let kept = pivot > pivots[r] && pivot > 0.0 && pivot.is_finite();
            pivots[r] = if kept { pivot.sqrt() } else { 0.0 };
            row[at + r] = pivots[r];
        }
    }
}

/// Where the rows from `first` on start; past the end the last row is taken again, and gets what it has.
#[inline(always)]
fn offsets<const ROWS: usize>(rows: &[f64], n: usize, first: usize) -> [usize; ROWS] {
    array::from_fn(|r| (first + r).min(rows.len() / n - 1) * n)
}

/// Lane `k` of the negative sums, divided by the pivot; 0 in the column of a row left out.
#[inline(always)]
fn quotient(sums: Lanes, k: usize, pivot: f64) -> f64 {
    if pivot == 0.0 { 0.0 } else { -sums[k] / pivot }
}

/// Copies the `columns` of at most eight rows to a strip.
#[inline(always)]
fn transpose(rows: &[f64], n: usize, columns: Range<usize>, strip: &mut [Lanes]) {
    for (lane, row) in rows.chunks_exact(n).enumerate() {
        strip[columns.clone()].iter_mut().zip(&row[columns.clone()]).for_each(|(to, from)| to[lane] = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AVX-512 takes two strips at once; no bit hangs on it, with an odd number of strips and of rows.
    #[test]
    fn two_strips_at_once_are_two() {
        let (n, height) = (420, 7);
        let number = |i: usize| ((i * 7919) % 1009) as f64 / 1009.0;
        let rows: Vec<f64> = (0..height * n).map(number).collect();
        let mut strips: Vec<Lanes> = (0..3 * 408).map(|i| array::from_fn(|lane| number(8 * i + lane))).collect();
        let block = Block { columns: 384..408, strips: &mut strips, pivots: &mut [] };
        let (mut one, mut two) = (rows.clone(), rows);
        dispatch!(crate::kernel::level(), simd => {
            block.update_by::<_, 1>(simd, &mut one, n, 3);
            block.update_by::<_, 2>(simd, &mut two, n, 3);
        });
        assert!(one == two);
    }
}
