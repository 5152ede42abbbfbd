//! The inverse, some of its columns at a time: solves with L, and with `Lᵀ` turned round so that it is a lower triangle
//! too. Columns of `L⁻¹` start with zeros and the inverse is symmetric, so that each takes part from its diagonal on.

use std::ops::Range;

use fearless_simd::Level;
use rayon::prelude::*;

use super::solve::{Lower, STRIPS};
use super::{PARALLEL, pieces};
use crate::kernel::{LANES, Lanes};

/// Columns of one task.
const COLUMNS: usize = STRIPS * LANES;

/// A side of the squares in which a matrix is transposed: their rows and columns stay near.
const SQUARE: usize = 32;

/// The columns of `L⁻¹`, in strips of n rows. They are 0 above the first of the columns.
fn columns_of_inverse(level: Level, lower: Lower<'_>, columns: Range<usize>) -> Vec<Lanes> {
    let n = lower.n;
    let mut strips = vec![[0.0; LANES]; columns.len().div_ceil(LANES) * n];
    for (j, column) in columns.clone().enumerate() {
        strips[j / LANES * n + column][j % LANES] = 1.0;
    }
    lower.solve(level, &mut strips, columns.start..n);
    strips
}

/// `‖L⁻¹‖²` (Frobenius).
pub(super) fn squared_norm(level: Level, lower: Lower<'_>) -> f64 {
    let of = |columns: Range<usize>| {
        let start = columns.start;
        let strips = columns_of_inverse(level, lower, columns);
        let mut sums = [0.0; LANES];
        for lanes in strips.chunks_exact(lower.n).flat_map(|strip| &strip[start..]) {
            sums.iter_mut().zip(lanes).for_each(|(sum, value)| *sum += value * value);
        }
        sums.iter().sum::<f64>()
    };
    let parts: Vec<f64> = if lower.n < PARALLEL {
        pieces(0..lower.n, COLUMNS).map(of).collect()
    } else {
        pieces(0..lower.n, COLUMNS).collect::<Vec<_>>().into_par_iter().map(of).collect()
    };
    parts.iter().sum()
}

/// `(L·Lᵀ)⁻¹`, row-major (n, n), both triangles.
pub(super) fn inverse(level: Level, lower: Lower<'_>) -> Vec<f64> {
    let n = lower.n;
    let turned = turned(lower);
    let turned = Lower { values: &turned, n };
    let mut inverse = vec![0.0; n * n];
    let compute = |(task, rows): (usize, &mut [f64])| {
        let first = task * COLUMNS;
        let mut strips = columns_of_inverse(level, lower, first..first + rows.len() / n);
        strips.chunks_exact_mut(n).for_each(<[Lanes]>::reverse);
        turned.solve(level, &mut strips, 0..n - first);
        for (j, row) in rows.chunks_exact_mut(n).enumerate() {
            let strip = &strips[j / LANES * n..][..n];
            let from_end = row[first + j..].iter_mut().rev().zip(strip);
            from_end.for_each(|(to, lanes)| *to = lanes[j % LANES]);
        }
    };
    if n < PARALLEL {
        inverse.chunks_mut(COLUMNS * n.max(1)).enumerate().for_each(compute);
    } else {
        inverse.par_chunks_mut(COLUMNS * n).enumerate().for_each(compute);
    }
    each_square(n, |i, j| inverse[i * n + j] = inverse[j * n + i]);
    inverse
}

/// `Lᵀ` with rows and columns from last to first, a lower triangle: entry (i, j) is `L[n − 1 − j][n − 1 − i]`.
fn turned(lower: Lower<'_>) -> Vec<f64> {
    let n = lower.n;
    let mut turned = vec![0.0; n * n];
    each_square(n, |i, j| turned[(n - 1 - j) * n + n - 1 - i] = lower.values[i * n + j]);
    (0..n).for_each(|i| turned[(n - 1 - i) * (n + 1)] = lower.values[i * (n + 1)]);
    turned
}

/// Calls `f(i, j)` for every j < i < n, square by square.
fn each_square(n: usize, mut f: impl FnMut(usize, usize)) {
    for rows in pieces(0..n, SQUARE) {
        for columns in pieces(0..rows.end, SQUARE) {
            for i in rows.clone() {
                (columns.start..columns.end.min(i)).for_each(|j| f(i, j));
            }
        }
    }
}
