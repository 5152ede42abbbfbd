//! Cross products of rows, `Σᵢ aᵢ·bᵢᵀ`: every number of a row times every number of another.
//!
//! A vector holds neighbouring columns of one row, and every entry is one sum over the rows in their order, so that its
//! bits do not depend on how wide a vector is.

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};

use super::level;

/// Row-major numbers, of which the width is a multiple of [`super::LANES`].
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) width: usize,
}

/// Adds `Σᵢ aᵢₘ·bᵢⱼ` to `out[m][j]`, for the first `rows` m at least: for j ≤ m where `lower`, when more may be written,
/// else for all.
///
/// # Shapes
/// `a` (n, a.width), `b` (n, b.width); `out` row-major (a.width, b.width).
pub(crate) fn add_cross(a: Matrix<'_>, b: Matrix<'_>, (rows, lower): (usize, bool), out: &mut [f64]) {
    match level() {
        // Twice as many registers.
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Level::Avx512(_) => dispatch!(level(), simd => all::<_, 8>(simd, a, b, (rows, lower), out)),
        _ => dispatch!(level(), simd => all::<_, 4>(simd, a, b, (rows, lower), out)),
    }
}

#[inline(always)]
fn all<S: Simd, const M: usize>(simd: S, a: Matrix<'_>, b: Matrix<'_>, (rows, lower): (usize, bool), out: &mut [f64]) {
    let lanes = S::f64s::LEN;
    for m in (0..rows).step_by(M) {
        let end = if lower { b.width.min((m + M).next_multiple_of(lanes)) } else { b.width };
        let mut j = 0;
        while j < end {
            match (end - j) / lanes {
                1 => tile::<S, M, 1>(simd, a, b, (m, j), out),
                2 => tile::<S, M, 2>(simd, a, b, (m, j), out),
                _ => tile::<S, M, 3>(simd, a, b, (m, j), out),
            }
            j += 3 * lanes;
        }
    }
}

/// `M` rows of the result, `V` vectors of its columns: 12 or 24 sums, which stay in registers.
#[inline(always)]
fn tile<S: Simd, const M: usize, const V: usize>(
    simd: S,
    a: Matrix<'_>,
    b: Matrix<'_>,
    (m, j): (usize, usize),
    out: &mut [f64],
) {
    let lanes = S::f64s::LEN;
    let mut sums = [[S::f64s::splat(simd, 0.0); V]; M];
    let rows = a.values.len() / a.width;
    for row in 0..rows {
        let (a, b) = (&a.values[row * a.width + m..][..M], &b.values[row * b.width + j..][..V * lanes]);
        let mut vectors = [S::f64s::splat(simd, 0.0); V];
        for v in 0..V {
            vectors[v] = S::f64s::from_slice(simd, &b[v * lanes..(v + 1) * lanes]);
        }
        for i in 0..M {
            let a = S::f64s::splat(simd, a[i]);
            for v in 0..V {
                sums[i][v] = a.mul_add(vectors[v], sums[i][v]);
            }
        }
    }
    for i in 0..M {
        for v in 0..V {
            let to = &mut out[(m + i) * b.width + j + v * lanes..][..lanes];
            (S::f64s::from_slice(simd, to) + sums[i][v]).store_slice(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_products_are_those_of_plain_loops() {
        for (n, wide, narrow) in [(1, 8, 8), (5, 24, 16), (33, 40, 32), (7, 96, 8)] {
            let value = |at: usize| ((at * 31) % 17) as f64 / 4.0 - 2.0;
            let a: Vec<f64> = (0..n * wide).map(value).collect();
            let b: Vec<f64> = (0..n * narrow).map(|at| value(at + 5)).collect();
            let (a, b) = (Matrix { values: &a, width: wide }, Matrix { values: &b, width: narrow });
            let mut out = vec![0.5; wide * narrow];
            add_cross(a, b, (wide, false), &mut out);
            let mut square = vec![0.0; wide * wide];
            add_cross(a, a, (wide, true), &mut square);
            // Sums of small dyadic numbers are exact.
            for m in 0..wide {
                for j in 0..narrow {
                    let sum: f64 = (0..n).map(|i| a.values[i * wide + m] * b.values[i * narrow + j]).sum();
                    assert_eq!(out[m * narrow + j], 0.5 + sum);
                }
                for j in 0..=m {
                    let sum: f64 = (0..n).map(|i| a.values[i * wide + m] * a.values[i * wide + j]).sum();
                    assert_eq!(square[m * wide + j], sum);
                }
            }
        }
    }
}
