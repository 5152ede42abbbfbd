//! Factorisation where a matrix is too small for tiles: row after row takes its part of every column at once. It is
//! called in hot loops, and needs no room but its matrix. Its bits are those of the factorisation by blocks.

use fearless_simd::{Simd, SimdBase, SimdFloat, f64x2};

/// The largest matrix that is factored faster so than by tiles.
pub(super) const SMALL: usize = 24;

/// As [`super::factor::factor`].
#[inline(always)]
pub(super) fn factor<S: Simd>(simd: S, lower: &mut [f64], n: usize, tolerance: f64) -> Vec<usize> {
    let (mut limits, mut column) = ([0.0; SMALL], [0.0; SMALL]);
    (0..n).for_each(|i| limits[i] = tolerance * lower[i * n + i]);
    let mut left_out = Vec::new();
    for k in 0..n {
        let pivot = lower[k * n + k];
        let kept = pivot > limits[k] && pivot > 0.0 && pivot.is_finite();
        let root = if kept { pivot.sqrt() } else { 0.0 };
        if !kept {
            left_out.push(k);
        }
        lower[k * n + k] = root;
        for i in k + 1..n {
            let row = &mut lower[i * n..=i * n + i];
            row[k] = if kept { row[k] / root } else { 0.0 };
            column[i] = row[k];
            let x = -row[k];
            for j in k + 1..=i {
                row[j] = fused(simd, x, column[j], row[j]);
            }
        }
    }
    left_out
}

/// `a·b + c`, rounded as the vectors of this processor round it.
#[inline(always)]
pub(super) fn fused<S: Simd>(simd: S, a: f64, b: f64, c: f64) -> f64 {
    let splat = |value: f64| f64x2::splat(simd, value);
    let [result, _]: [f64; 2] = splat(a).mul_add(splat(b), splat(c)).into();
    result
}
