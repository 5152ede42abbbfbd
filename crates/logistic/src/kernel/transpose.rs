//! Rows of a matrix into columns.

use fearless_simd::{Simd, SimdBase, dispatch, f64x8};

use super::rows::widen;
use super::{LANES, level};

/// A column of a row-major matrix, and how it is centred and scaled.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) column: usize,
    pub(crate) centre: f64,
    pub(crate) factor: f64,
}

/// Writes `(x − centre)·factor` of some columns of some rows to `to`, columns `stride` apart.
///
/// # Shapes
/// `values` row-major (any, n_columns), of which the row `row(i)` goes to place i of every column.
pub(crate) fn take_columns<T: Copy + Into<f64>>(
    values: &[T],
    n_columns: usize,
    (n_rows, row): (usize, impl Fn(usize) -> usize),
    taken: &[Taken],
    (to, stride): (&mut [f64], usize),
) {
    let neighbours = taken.windows(2).all(|pair| pair[0].column + 1 == pair[1].column);
    for start in (0..n_rows).step_by(LANES) {
        let lanes = LANES.min(n_rows - start);
        // Past the end the last row is taken again, and not written.
        let rows: [&[T]; LANES] =
            std::array::from_fn(|lane| &values[row(start + lane.min(lanes - 1)) * n_columns..][..n_columns]);
        if neighbours && taken.len() >= LANES && lanes == LANES {
            // The last eight may overlap those before; the same numbers are written twice.
            for j in (0..taken.len()).step_by(LANES) {
                let j = j.min(taken.len() - LANES);
                let block = rows.map(|row| &row[taken[j].column..][..LANES]);
                dispatch!(level(), simd => eight(simd, block, &taken[j..j + LANES], (&mut to[j * stride + start..], stride)));
            }
            continue;
        }
        for (j, &Taken { column, centre, factor }) in taken.iter().enumerate() {
            let eight: [f64; LANES] = std::array::from_fn(|lane| (rows[lane][column].into() - centre) * factor);
            to[j * stride + start..][..lanes].copy_from_slice(&eight[..lanes]);
        }
    }
}

/// Eight columns of eight rows, by three perfect shuffles.
#[inline(always)]
fn eight<S: Simd, T: Copy + Into<f64>>(
    simd: S,
    rows: [&[T]; LANES],
    taken: &[Taken],
    (to, stride): (&mut [f64], usize),
) {
    let mut v = [f64x8::splat(simd, 0.0); LANES];
    for i in 0..LANES {
        v[i] = widen(simd, rows[i]);
    }
    for _ in 0..3 {
        let (a, b) = (v[0].interleave(v[4]), v[1].interleave(v[5]));
        let (c, d) = (v[2].interleave(v[6]), v[3].interleave(v[7]));
        v = [a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1];
    }
    for (j, of) in taken.iter().enumerate() {
        let standard = (v[j] - f64x8::splat(simd, of.centre)) * f64x8::splat(simd, of.factor);
        standard.store_slice(&mut to[j * stride..][..LANES]);
    }
}
