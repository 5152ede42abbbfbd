//! Solves with many right-hand sides, eight beside each other in a strip. As in the factorisation, every entry of a
//! solution is one chain, in the order of the unknowns.

use std::array;
use std::ops::Range;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{BLOCK, DEPTH, pieces};
use crate::kernel::{LANES, Lanes, TALL, eight, is_wide, put_eight, tile};

/// Strips that share each piece of the matrix while it is near; 12 of [`DEPTH`] rows fit the second-level cache.
pub(super) const STRIPS: usize = 12;

/// A lower triangle, row-major (n, n).
#[derive(Clone, Copy)]
pub(super) struct Lower<'a> {
    pub(super) values: &'a [f64],
    pub(super) n: usize,
}

impl Lower<'_> {
    /// Replaces every strip by the inverse of the triangle's `rows` (and the same columns) times it; what stands above
    /// `rows` is taken as 0, what stands below is left.
    ///
    /// # Shapes
    /// `strips`: any number of strips of n rows each, one after the other.
    pub(super) fn solve(self, level: Level, strips: &mut [Lanes], rows: Range<usize>) {
        for some in strips.chunks_mut(STRIPS * self.n.max(1)) {
            dispatch!(level, simd => self.solve_some(simd, some, rows.clone()));
        }
    }

    #[inline(always)]
    fn solve_some<S: Simd>(self, simd: S, strips: &mut [Lanes], rows: Range<usize>) {
        for block in pieces(rows.clone(), BLOCK) {
            for depth in pieces(rows.start..block.start, DEPTH) {
                if is_wide::<S>() {
                    self.subtract::<S, 2>(simd, strips, block.clone(), depth);
                } else {
                    self.subtract::<S, 1>(simd, strips, block.clone(), depth);
                }
            }
            self.finish(simd, strips, block);
        }
    }

    /// Subtracts the products with the solved rows `depth` from the rows `block`.
    #[inline(always)]
    fn subtract<S: Simd, const WIDE: usize>(
        self,
        simd: S,
        strips: &mut [Lanes],
        block: Range<usize>,
        depth: Range<usize>,
    ) {
        for first in block.clone().step_by(TALL) {
            let of = places(first, block.end);
            for s in (0..strips.len()).step_by(WIDE * self.n) {
                // Past the end the last strip is taken again, and gets what it has.
                let s: [usize; WIDE] = array::from_fn(|w| (s + w * self.n).min(strips.len() - self.n));
                let sums = self.sums(simd, strips, of, s, depth.clone());
                for w in 0..WIDE {
                    for r in 0..TALL {
                        strips[s[w] + of[r]] = (-sums[w][r]).into();
                    }
                }
            }
        }
    }

    /// The negative of the rows `of` of the strips at `s`, and the products with the rows `depth` added.
    #[inline(always)]
    fn sums<S: Simd, const WIDE: usize>(
        self,
        simd: S,
        strips: &[Lanes],
        of: [usize; TALL],
        s: [usize; WIDE],
        depth: Range<usize>,
    ) -> [[f64x8<S>; TALL]; WIDE] {
        let mut sums = [[f64x8::splat(simd, 0.0); TALL]; WIDE];
        let (mut a, mut b): ([&[f64]; TALL], [&[Lanes]; WIDE]) = ([&[]; TALL], [&[]; WIDE]);
        for r in 0..TALL {
            a[r] = &self.row(of[r])[depth.clone()];
            for w in 0..WIDE {
                sums[w][r] = -f64x8::load_array(simd, strips[s[w] + of[r]]);
            }
        }
        for w in 0..WIDE {
            b[w] = &strips[s[w]..][depth.clone()];
        }
        tile(simd, a, b, &mut sums);
        sums
    }

    #[inline(always)]
    fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..][..self.n]
    }

    /// Solves the rows `block`, from which the products with all rows before are subtracted.
    #[inline(always)]
    fn finish<S: Simd>(self, simd: S, strips: &mut [Lanes], block: Range<usize>) {
        for first in block.clone().step_by(TALL) {
            let of = places(first, block.end);
            for strip in strips.chunks_exact_mut(self.n) {
                let [mut sums] = self.sums(simd, strip, of, [0], block.start..first);
                for r in 0..TALL.min(block.end - first) {
                    let solved = -sums[r] / f64x8::splat(simd, self.row(first + r)[first + r]);
                    strip[first + r] = solved.into();
                    for later in r + 1..TALL {
                        let l = f64x8::splat(simd, self.row(of[later])[first + r]);
                        sums[later] = l.mul_add(solved, sums[later]);
                    }
                }
            }
        }
    }
}

/// The rows of a tile from `first` on; past the end the last row is taken again, and gets what it has.
#[inline(always)]
fn places(first: usize, end: usize) -> [usize; TALL] {
    array::from_fn(|r| (first + r).min(end - 1))
}

/// Copies `width` columns of a row-major (n, width) matrix from `first` on to strips, the last filled up with zeros.
pub(super) fn take(columns: &[f64], width: usize, first: usize, strips: &mut [Lanes], n: usize) {
    for (s, strip) in strips.chunks_exact_mut(n).enumerate() {
        let rows = columns.chunks_exact(width);
        strip.iter_mut().zip(rows).for_each(|(lanes, row)| *lanes = eight(row, first + s * LANES));
    }
}

/// Copies strips back to where [`take`] had them from.
pub(super) fn give(columns: &mut [f64], width: usize, first: usize, strips: &[Lanes], n: usize) {
    for (s, strip) in strips.chunks_exact(n).enumerate() {
        let rows = columns.chunks_exact_mut(width);
        strip.iter().zip(rows).for_each(|(lanes, row)| put_eight(row, first + s * LANES, lanes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AVX-512 takes two strips at once; no bit hangs on it, with an odd number of strips and of rows.
    #[test]
    fn two_strips_at_once_are_two() {
        let n = 61;
        let number = |i: usize| ((i * 7919) % 1009) as f64 / 1009.0;
        let values: Vec<f64> = (0..n * n).map(number).collect();
        let lower = Lower { values: &values, n };
        let strips: Vec<Lanes> = (0..3 * n).map(|i| array::from_fn(|lane| number(8 * i + lane))).collect();
        let (mut one, mut two) = (strips.clone(), strips);
        dispatch!(crate::kernel::level(), simd => {
            lower.subtract::<_, 1>(simd, &mut one, 48..n, 0..48);
            lower.subtract::<_, 2>(simd, &mut two, 48..n, 0..48);
        });
        assert!(one == two);
    }
}
