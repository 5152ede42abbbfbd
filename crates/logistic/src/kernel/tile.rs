//! Products of matrices, in tiles whose sums stay in registers. Factors and triangular solves consist of them.
//!
//! Here and where tiles are used, vectors are worked on in loops, never in a closure handed to `map`: that would be
//! compiled for the oldest processor.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8};

use super::LANES;

/// Eight numbers beside each other. A matrix of eight columns, a strip, is a slice of them.
pub(crate) type Lanes = [f64; LANES];

/// The rows of a tile: six times eight sums fill twelve of AVX2's sixteen registers.
pub(crate) const TALL: usize = 6;

/// The rows of a tile where only eight are at hand, which are two such tiles.
pub(crate) const SHORT: usize = 4;

/// Adds `Σₖ a[r][k]·b[w][k]` to `sums[w][r]`, in the order of k: one chain of fused multiplications and additions for
/// every entry, so that no choice of tiles changes a bit.
#[inline(always)]
pub(crate) fn tile<S: Simd, const ROWS: usize, const WIDE: usize>(
    simd: S,
    a: [&[f64]; ROWS],
    b: [&[Lanes]; WIDE],
    sums: &mut [[f64x8<S>; ROWS]; WIDE],
) {
    let depth = a[0].len();
    let (mut a, mut b) = (a, b);
    a.iter_mut().for_each(|row| *row = &row[..depth]);
    b.iter_mut().for_each(|strip| *strip = &strip[..depth]);
    // A copy, since what a reference points to need not stay in registers.
    let mut own = *sums;
    let mut lanes = [f64x8::splat(simd, 0.0); WIDE];
    for k in 0..depth {
        for w in 0..WIDE {
            lanes[w] = f64x8::load_array(simd, b[w][k]);
        }
        for r in 0..ROWS {
            let a = f64x8::splat(simd, a[r][k]);
            for w in 0..WIDE {
                own[w][r] = a.mul_add(lanes[w], own[w][r]);
            }
        }
    }
    *sums = own;
}

/// Whether two strips at once fit the registers, and are needed to keep the arithmetic units busy: six sums are too few
/// where a register holds eight numbers.
#[inline(always)]
pub(crate) fn is_wide<S: Simd>() -> bool {
    <S::f64s as SimdBase<S>>::LEN >= LANES
}

/// Eight entries of a row; those past its end are 0.
#[inline(always)]
pub(crate) fn eight(row: &[f64], at: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    match row.get(at..at + LANES) {
        Some(full) => lanes.copy_from_slice(full),
        None => lanes[..row.len() - at].copy_from_slice(&row[at..]),
    }
    lanes
}

/// Writes eight entries of a row, as far as it goes.
#[inline(always)]
pub(crate) fn put_eight(row: &mut [f64], at: usize, lanes: &Lanes) {
    match row.get_mut(at..at + LANES) {
        Some(full) => full.copy_from_slice(lanes),
        None => {
            let rest = &mut row[at..];
            rest.copy_from_slice(&lanes[..rest.len()]);
        }
    }
}
