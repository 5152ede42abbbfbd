//! Rows times the weights of many outputs.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch};

use super::cross::Matrix;
use super::level;

/// `z[i][k] += Σⱼ xᵢⱼ·w[j][k]` for the first `outputs` of the columns of `w` and `z`.
///
/// A vector holds neighbouring outputs, and every entry is one sum over the columns in their order.
///
/// # Shapes
/// `x` (n, x.width); `w` (x.width, width) and `z` (n, width) row-major, `width` a multiple of [`super::LANES`].
pub(crate) fn add_outputs(x: Matrix<'_>, w: &[f64], (outputs, width): (usize, usize), z: &mut [f64]) {
    dispatch!(level(), simd => all(simd, x, w, (outputs, width), z));
}

#[inline(always)]
fn all<S: Simd>(simd: S, x: Matrix<'_>, w: &[f64], (outputs, width): (usize, usize), z: &mut [f64]) {
    let lanes = S::f64s::LEN;
    let n = x.values.len() / x.width;
    let whole = n - n % 4;
    let mut k = 0;
    while k < outputs {
        let vectors = (outputs - k).div_ceil(lanes).min(3);
        for i in (0..whole).step_by(4) {
            match vectors {
                1 => tile::<S, 4, 1>(simd, x, w, (i, k, width), z),
                2 => tile::<S, 4, 2>(simd, x, w, (i, k, width), z),
                _ => tile::<S, 4, 3>(simd, x, w, (i, k, width), z),
            }
        }
        for i in whole..n {
            match vectors {
                1 => tile::<S, 1, 1>(simd, x, w, (i, k, width), z),
                2 => tile::<S, 1, 2>(simd, x, w, (i, k, width), z),
                _ => tile::<S, 1, 3>(simd, x, w, (i, k, width), z),
            }
        }
        k += vectors * lanes;
    }
}

/// `R` rows, `V` vectors of outputs: at most 12 sums, which stay in registers.
#[inline(always)]
fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    x: Matrix<'_>,
    w: &[f64],
    (i, k, width): (usize, usize, usize),
    z: &mut [f64],
) {
    let lanes = S::f64s::LEN;
    let mut sums = [[S::f64s::splat(simd, 0.0); V]; R];
    let mut rows = [x.values; R];
    for r in 0..R {
        rows[r] = &x.values[(i + r) * x.width..][..x.width];
    }
    for j in 0..x.width {
        let w = &w[j * width + k..][..V * lanes];
        let mut vectors = [S::f64s::splat(simd, 0.0); V];
        for v in 0..V {
            vectors[v] = S::f64s::from_slice(simd, &w[v * lanes..(v + 1) * lanes]);
        }
        for r in 0..R {
            let x = S::f64s::splat(simd, rows[r][j]);
            for v in 0..V {
                sums[r][v] = x.mul_add(vectors[v], sums[r][v]);
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            let to = &mut z[(i + r) * width + k + v * lanes..][..lanes];
            (S::f64s::from_slice(simd, to) + sums[r][v]).store_slice(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_those_of_plain_loops() {
        for (n, columns, outputs) in [(1usize, 8usize, 4usize), (7, 16, 10), (12, 8, 17), (5, 24, 30)] {
            let width = outputs.next_multiple_of(super::super::LANES);
            let value = |at: usize| ((at * 31) % 17) as f64 / 4.0 - 2.0;
            let x: Vec<f64> = (0..n * columns).map(value).collect();
            let w: Vec<f64> = (0..columns * width).map(|at| value(at + 3)).collect();
            let mut z = vec![0.25; n * width];
            add_outputs(Matrix { values: &x, width: columns }, &w, (outputs, width), &mut z);
            for (i, k) in (0..n).flat_map(|i| (0..outputs).map(move |k| (i, k))) {
                // Sums of small dyadic numbers are exact.
                let sum: f64 = (0..columns).map(|j| x[i * columns + j] * w[j * width + k]).sum();
                assert_eq!(z[i * width + k], 0.25 + sum);
            }
        }
    }
}
