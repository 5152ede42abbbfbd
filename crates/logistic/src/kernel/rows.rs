//! Rows of a row-major matrix as they stand: their products with vectors, and their sums times numbers. Together they are
//! a gradient, for which the rows need not be turned into columns first.

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFrom, dispatch, f64x8};

use super::inner::eight_sums;
use super::{LANES, level, load};

/// Where the blocks of eight columns of a row begin: the last one overlaps the one before where the width is no multiple
/// of eight, and what stands in two blocks counts in the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blocks {
    starts: Vec<usize>,
    width: usize,
}

impl Blocks {
    /// Of rows of `width` numbers, at least eight.
    pub(crate) fn of(width: usize) -> Self {
        let starts = (0..width.div_ceil(LANES)).map(|block| (block * LANES).min(width - LANES)).collect();
        Blocks { starts, width }
    }

    /// Places in vectors that go with the blocks.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() * LANES
    }

    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Each column, and the place where it counts.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.width).map(|column| {
            let block = column / LANES;
            (column, block * LANES + column - self.starts[block])
        })
    }
}

/// Some rows of a row-major matrix.
#[derive(Clone, Copy)]
pub(crate) struct RowMajor<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) blocks: &'a Blocks,
    /// What is taken off every value, by place.
    pub(crate) centre: &'a [f64],
}

impl<T: Copy + Into<f64>> RowMajor<'_, T> {
    #[inline(always)]
    pub(super) fn row(&self, index: usize) -> &[T] {
        &self.values[index * self.blocks.width..][..self.blocks.width]
    }

    /// `z[k] += Σⱼ w[k][j]·(xⱼ − cⱼ)` for the rows `row(0)` to `row(n − 1)`.
    ///
    /// # Shapes
    /// `w` row-major (outputs, places); `z` row-major (outputs, n up to a multiple of [`LANES`]).
    pub(crate) fn combine(&self, n: usize, row: impl Fn(usize) -> usize, w: &[f64], z: &mut [f64]) {
        dispatch!(level(), simd => self.combine_at(simd, n, row, w, z));
    }

    #[inline(always)]
    fn combine_at<S: Simd>(&self, simd: S, n: usize, row: impl Fn(usize) -> usize, w: &[f64], z: &mut [f64]) {
        let (stride, places) = (n.next_multiple_of(LANES), self.blocks.len());
        let outputs = w.len() / places;
        for start in (0..n).step_by(LANES) {
            // Past the end the last row is taken again; what is put there is not used.
            let mut rows = [self.row(0); LANES];
            for lane in 0..LANES {
                rows[lane] = self.row(row((start + lane).min(n - 1)));
            }
            let mut k = 0;
            while k < outputs {
                let w = &w[k * places..];
                if outputs - k >= 2 {
                    let sums = self.products::<S, 2, 2>(simd, rows, w);
                    add(simd, eight_sums(sums[0]), &mut z[k * stride + start..]);
                    add(simd, eight_sums(sums[1]), &mut z[(k + 1) * stride + start..]);
                    k += 2;
                } else {
                    let [sums] = self.products::<S, 4, 1>(simd, rows, w);
                    add(simd, eight_sums(sums), &mut z[k * stride + start..]);
                    k += 1;
                }
            }
        }
    }

    /// The products of eight rows with `K` vectors, before their lanes are added; `R` rows at a time, so that sums stay
    /// in registers.
    #[inline(always)]
    pub(super) fn products<S: Simd, const R: usize, const K: usize>(
        &self,
        simd: S,
        rows: [&[T]; LANES],
        w: &[f64],
    ) -> [[f64x8<S>; LANES]; K] {
        let places = self.blocks.len();
        let mut all = [[f64x8::splat(simd, 0.0); LANES]; K];
        let mut vectors = [w; K];
        for k in 0..K {
            vectors[k] = &w[k * places..][..places];
        }
        let centre = &self.centre[..places];
        for first in (0..LANES).step_by(R) {
            let mut sums = [[f64x8::splat(simd, 0.0); R]; K];
            for (block, &start) in self.blocks.starts.iter().enumerate() {
                let c = load(simd, centre, block * LANES);
                let mut w = [c; K];
                for k in 0..K {
                    w[k] = load(simd, vectors[k], block * LANES);
                }
                for r in 0..R {
                    let x = widen(simd, &rows[first + r][start..][..LANES]) - c;
                    for k in 0..K {
                        sums[k][r] = x.mul_add(w[k], sums[k][r]);
                    }
                }
            }
            for k in 0..K {
                all[k][first..first + R].copy_from_slice(&sums[k]);
            }
        }
        all
    }

    /// `out[k][j] += Σᵢ r[k][i]·(xᵢⱼ − cⱼ)` over the rows `row(0)` to `row(n − 1)`.
    ///
    /// # Shapes
    /// `r` row-major (outputs, n up to a multiple of [`LANES`]); `out` row-major (outputs, places).
    pub(crate) fn inner(&self, n: usize, row: impl Fn(usize) -> usize, r: &[f64], out: &mut [f64]) {
        dispatch!(level(), simd => self.inner_at(simd, n, row, r, out));
    }

    #[inline(always)]
    fn inner_at<S: Simd>(&self, simd: S, n: usize, row: impl Fn(usize) -> usize, r: &[f64], out: &mut [f64]) {
        let (stride, places) = (n.next_multiple_of(LANES), self.blocks.len());
        let outputs = out.len() / places;
        let mut k = 0;
        while k < outputs {
            let (r, out) = (&r[k * stride..], &mut out[k * places..]);
            if outputs - k >= 2 {
                self.sweep::<S, 2, 2>(simd, n, &row, r, out);
                k += 2;
            } else {
                self.sweep::<S, 1, 4>(simd, n, &row, r, out);
                k += 1;
            }
        }
    }

    /// `K` outputs, `B` blocks of columns at a time, and what is left by one.
    #[inline(always)]
    fn sweep<S: Simd, const K: usize, const B: usize>(
        &self,
        simd: S,
        n: usize,
        row: &impl Fn(usize) -> usize,
        r: &[f64],
        out: &mut [f64],
    ) {
        let count = self.blocks.starts.len();
        let whole = count - count % B;
        for first in (0..whole).step_by(B) {
            self.sums::<S, K, B>(simd, (n, row), first, r, out);
        }
        for first in whole..count {
            self.sums::<S, K, 1>(simd, (n, row), first, r, out);
        }
    }

    #[inline(always)]
    fn sums<S: Simd, const K: usize, const B: usize>(
        &self,
        simd: S,
        (n, row): (usize, &impl Fn(usize) -> usize),
        first: usize,
        r: &[f64],
        out: &mut [f64],
    ) {
        let (stride, places) = (n.next_multiple_of(LANES), self.blocks.len());
        let (mut starts, mut c) = ([0; B], [f64x8::splat(simd, 0.0); B]);
        for b in 0..B {
            (starts[b], c[b]) = (self.blocks.starts[first + b], load(simd, self.centre, (first + b) * LANES));
        }
        let mut numbers = [r; K];
        for k in 0..K {
            numbers[k] = &r[k * stride..][..n];
        }
        let mut sums = [[f64x8::splat(simd, 0.0); B]; K];
        for i in 0..n {
            let x = self.row(row(i));
            let mut of_row = [f64x8::splat(simd, 0.0); K];
            for k in 0..K {
                of_row[k] = f64x8::splat(simd, numbers[k][i]);
            }
            for b in 0..B {
                let x = widen(simd, &x[starts[b]..][..LANES]) - c[b];
                for k in 0..K {
                    sums[k][b] = x.mul_add(of_row[k], sums[k][b]);
                }
            }
        }
        for k in 0..K {
            for b in 0..B {
                add(simd, sums[k][b], &mut out[k * places + (first + b) * LANES..]);
            }
        }
    }

    /// For every place, the squares of `x − c` times the rows' weights are added to `squares`, and `largest` becomes no less
    /// than any of their sizes.
    ///
    /// # Shapes
    /// `weight` at least n; `squares` and `largest` (places).
    pub(crate) fn add_squares(
        &self,
        n: usize,
        row: impl Fn(usize) -> usize,
        weight: &[f64],
        (squares, largest): (&mut [f64], &mut [f64]),
    ) {
        dispatch!(level(), simd => self.add_squares_at(simd, n, row, weight, (squares, largest)));
    }

    #[inline(always)]
    fn add_squares_at<S: Simd>(
        &self,
        simd: S,
        n: usize,
        row: impl Fn(usize) -> usize,
        weight: &[f64],
        (squares, largest): (&mut [f64], &mut [f64]),
    ) {
        for (block, &start) in self.blocks.starts.iter().enumerate() {
            let place = block * LANES;
            let centre = load(simd, self.centre, place);
            let (mut sum, mut most) = (f64x8::splat(simd, 0.0), load(simd, largest, place));
            for i in 0..n {
                let about = widen(simd, &self.row(row(i))[start..][..LANES]) - centre;
                sum = (about * f64x8::splat(simd, weight[i])).mul_add(about, sum);
                // Rows of weight 0 may widen it.
                most = most.max(about.abs());
            }
            add(simd, sum, &mut squares[place..]);
            most.store_slice(&mut largest[place..place + LANES]);
        }
    }
}

/// Eight numbers in 64 bits.
#[inline(always)]
pub(super) fn widen<S: Simd, T: Copy + Into<f64>>(simd: S, x: &[T]) -> f64x8<S> {
    let mut wide = [0.0; LANES];
    for lane in 0..LANES {
        wide[lane] = x[lane].into();
    }
    f64x8::simd_from(simd, wide)
}

#[inline(always)]
pub(super) fn add<S: Simd>(simd: S, sums: f64x8<S>, to: &mut [f64]) {
    (load(simd, to, 0) + sums).store_slice(&mut to[..LANES]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of at most 40 products of numbers below 10.
    const ROUNDING: f64 = 1e-12;

    /// Products and sums against plain loops, for widths around multiples of eight and any number of outputs.
    #[test]
    fn products_and_sums_are_those_of_plain_loops() {
        for (width, n, outputs) in
            [(8usize, 1usize, 1usize), (9, 7, 2), (28, 40, 1), (28, 33, 3), (37, 16, 4), (75, 24, 5)]
        {
            let values: Vec<f32> = (0..width * 50).map(|i| ((i * 37) % 101) as f32 / 16.0).collect();
            let blocks = Blocks::of(width);
            let (mut centre, mut w) = (vec![0.0; blocks.len()], vec![0.0; outputs * blocks.len()]);
            for (column, place) in blocks.places() {
                centre[place] = column as f64 / 8.0;
                (0..outputs).for_each(|k| w[k * blocks.len() + place] = (column + k) as f64 / 16.0 - 1.0);
            }
            let row = |i: usize| (i * 3) % 50;
            let stride = n.next_multiple_of(LANES);
            let mut r = vec![0.0; outputs * stride];
            (0..outputs).for_each(|k| (0..n).for_each(|i| r[k * stride + i] = (i + k) as f64 / 32.0 - 0.5));
            let x = |i: usize, column: usize| f64::from(values[row(i) * width + column]) - column as f64 / 8.0;
            let matrix = RowMajor { values: &values, blocks: &blocks, centre: &centre };
            let (mut z, mut out) = (vec![1.0; outputs * stride], vec![1.0; outputs * blocks.len()]);
            matrix.combine(n, row, &w, &mut z);
            matrix.inner(n, row, &r, &mut out);
            for (k, i) in (0..outputs).flat_map(|k| (0..n).map(move |i| (k, i))) {
                let expected: f64 = (0..width).map(|j| x(i, j) * ((j + k) as f64 / 16.0 - 1.0)).sum();
                assert!((z[k * stride + i] - 1.0 - expected).abs() < ROUNDING * 100.0, "{width} {n} {k} {i}");
            }
            for (column, place) in blocks.places() {
                for k in 0..outputs {
                    let expected: f64 = (0..n).map(|i| x(i, column) * r[k * stride + i]).sum();
                    assert!((out[k * blocks.len() + place] - 1.0 - expected).abs() < ROUNDING * 100.0);
                }
            }
        }
    }
}
