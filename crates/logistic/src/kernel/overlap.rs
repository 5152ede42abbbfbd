//! The sums of one block of rows while the logits of the next are computed: the next block comes from memory while there is
//! arithmetic to do on the one before, which is near already. One after the other, memory would wait for the arithmetic
//! and the arithmetic for memory.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch, f64x8};

use prefetch_index::prefetch_index;

use super::inner::eight_sums;
use super::rows::{add, widen};
use super::{LANES, RowMajor, level, load};

/// The bytes of a line of the cache.
pub(super) const LINE: usize = 64;
/// How many bytes ahead of their use rows are asked for: what is computed on so much takes longer than memory does to answer.
pub(super) const AHEAD: usize = 4096;
/// Blocks of columns whose sums are kept in registers over eight rows.
const NEAR: usize = 4;

/// Some rows of a matrix, and the places of all.
pub(crate) struct Listed<F> {
    pub(crate) n: usize,
    pub(crate) row: F,
}

impl<T: Copy + Into<f64>> RowMajor<'_, T> {
    /// [`RowMajor::inner`] of the rows `before` with the numbers `r`, and [`RowMajor::combine`] of the rows `next` with the
    /// weights `w`, both of one output.
    pub(crate) fn inner_and_combine<F: Fn(usize) -> usize, G: Fn(usize) -> usize>(
        &self,
        before: &Listed<F>,
        (r, out): (&[f64], &mut [f64]),
        next: &Listed<G>,
        (w, z): (&[f64], &mut [f64]),
    ) {
        dispatch!(level(), simd => self.both(simd, before, (r, out), next, (w, z)));
    }

    #[inline(always)]
    fn both<S: Simd, F: Fn(usize) -> usize, G: Fn(usize) -> usize>(
        &self,
        simd: S,
        before: &Listed<F>,
        (r, out): (&[f64], &mut [f64]),
        next: &Listed<G>,
        (w, z): (&[f64], &mut [f64]),
    ) {
        for start in (0..before.n.max(next.n)).step_by(LANES) {
            if start < next.n {
                self.ask_ahead((next.row)(start));
                // Past the end the last row is taken again; what is put there is not used.
                let mut rows = [self.row(0); LANES];
                for lane in 0..LANES {
                    rows[lane] = self.row((next.row)((start + lane).min(next.n - 1)));
                }
                let [sums] = self.products::<S, 4, 1>(simd, rows, w);
                add(simd, eight_sums(sums), &mut z[start..]);
            }
            let count = before.n.saturating_sub(start).min(LANES);
            if count == LANES {
                self.add_rows::<S, LANES>(simd, &before.row, start, r, out);
            } else {
                for at in start..start + count {
                    self.add_rows::<S, 1>(simd, &before.row, at, r, out);
                }
            }
        }
    }

    /// Asks for what stands [`AHEAD`] bytes behind eight rows from `row` on.
    #[inline(always)]
    fn ask_ahead(&self, row: usize) {
        let width = self.row(0).len();
        let first = row * width + AHEAD / size_of::<T>();
        for at in (0..LANES * width).step_by(LINE / size_of::<T>()) {
            prefetch_index(self.values, first + at);
        }
    }

    /// Adds `N` rows from the one at `start` on, times their numbers.
    #[inline(always)]
    fn add_rows<S: Simd, const N: usize>(
        &self,
        simd: S,
        row: &impl Fn(usize) -> usize,
        start: usize,
        r: &[f64],
        out: &mut [f64],
    ) {
        let mut rows = [self.row(0); N];
        for at in 0..N {
            rows[at] = self.row(row(start + at));
        }
        let count = self.blocks.starts().len();
        let whole = count - count % NEAR;
        for first in (0..whole).step_by(NEAR) {
            self.add_blocks::<S, N, NEAR>(simd, rows, first, &r[start..], out);
        }
        for first in whole..count {
            self.add_blocks::<S, N, 1>(simd, rows, first, &r[start..], out);
        }
    }

    #[inline(always)]
    fn add_blocks<S: Simd, const N: usize, const B: usize>(
        &self,
        simd: S,
        rows: [&[T]; N],
        first: usize,
        r: &[f64],
        out: &mut [f64],
    ) {
        let (r, starts) = (&r[..N], &self.blocks.starts()[first..first + B]);
        let out = &mut out[first * LANES..(first + B) * LANES];
        let mut sums = [f64x8::splat(simd, 0.0); B];
        for b in 0..B {
            sums[b] = load(simd, out, b * LANES);
        }
        for at in 0..N {
            let of_row = f64x8::splat(simd, r[at]);
            for b in 0..B {
                let x = widen(simd, &rows[at][starts[b]..][..LANES]) - load(simd, self.centre, (first + b) * LANES);
                sums[b] = x.mul_add(of_row, sums[b]);
            }
        }
        for b in 0..B {
            sums[b].store_slice(&mut out[b * LANES..(b + 1) * LANES]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Blocks;

    /// Sums of at most 40 products of numbers below 10.
    const ROUNDING: f64 = 1e-12;

    /// Blocks of equal and of different lengths, rows in and out of order, widths around multiples of eight and of four
    /// times eight.
    #[test]
    fn both_at_once_are_one_after_the_other() {
        for (width, before, next) in [(8, 16, 16), (28, 40, 16), (37, 9, 32), (75, 17, 7), (28, 8, 40)] {
            let values: Vec<f32> = (0..width * 50).map(|i| ((i * 37) % 101) as f32 / 16.0).collect();
            let blocks = Blocks::of(width);
            let centre: Vec<f64> = (0..blocks.len()).map(|place| place as f64 / 8.0).collect();
            let w: Vec<f64> = (0..blocks.len()).map(|place| place as f64 / 16.0 - 1.0).collect();
            let r: Vec<f64> = (0..48).map(|i| i as f64 / 32.0 - 0.5).collect();
            let matrix = RowMajor { values: &values, blocks: &blocks, centre: &centre };
            let (earlier, later) = (|i: usize| (i * 3) % 50, |i: usize| i + 5);
            let (mut z, mut out) = (vec![1.0; 48], vec![1.0; blocks.len()]);
            let (mut same_z, mut same_out) = (z.clone(), out.clone());
            matrix.inner(before, earlier, &r, &mut same_out);
            matrix.combine(next, later, &w, &mut same_z);
            let (earlier, later) = (Listed { n: before, row: earlier }, Listed { n: next, row: later });
            matrix.inner_and_combine(&earlier, (&r, &mut out), &later, (&w, &mut z));
            assert_eq!(z[..next], same_z[..next]);
            for (out, same) in out.iter().zip(&same_out) {
                assert!((out - same).abs() < ROUNDING * 100.0, "{width} {before} {next}: {out} and {same}");
            }
        }
    }
}
