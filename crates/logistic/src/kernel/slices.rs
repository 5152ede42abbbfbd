//! Columns as they are stored, each for itself: logits, and inner products, less the columns' centres.

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFrom, dispatch, f64x8};

use super::inner::eight_sums;
use super::rows::widen;
use super::{LANES, level, load};

/// `z[k] += Σⱼ w[k][j]·(xⱼ − cⱼ)`, in the order of the columns.
///
/// # Shapes
/// `columns` of equal length n, `centre` (columns), `w` row-major (outputs, columns); `z` row-major (outputs, n up to a
/// multiple of [`LANES`]).
pub(crate) fn combine_slices<T: Copy + Into<f64>>(columns: &[&[T]], centre: &[f64], w: &[f64], z: &mut [f64]) {
    if let Some(first) = columns.first() {
        let stride = first.len().next_multiple_of(LANES);
        dispatch!(level(), simd => for (w, z) in w.chunks_exact(columns.len()).zip(z.chunks_exact_mut(stride)) {
            combine_one(simd, columns, centre, w, z);
        });
    }
}

#[inline(always)]
fn combine_one<S: Simd, T: Copy + Into<f64>>(simd: S, columns: &[&[T]], centre: &[f64], w: &[f64], z: &mut [f64]) {
    let n = columns[0].len();
    let whole = n - n % (4 * LANES);
    for at in (0..whole).step_by(4 * LANES) {
        combine_rows::<S, T, 4>(simd, columns, centre, w, &mut z[at..], at);
    }
    for at in (whole..n).step_by(LANES) {
        combine_rows::<S, T, 1>(simd, columns, centre, w, &mut z[at..], at);
    }
}

/// `R` vectors of rows, so that sums stay in registers.
#[inline(always)]
fn combine_rows<S: Simd, T: Copy + Into<f64>, const R: usize>(
    simd: S,
    columns: &[&[T]],
    centre: &[f64],
    w: &[f64],
    z: &mut [f64],
    at: usize,
) {
    let mut sums = [f64x8::splat(simd, 0.0); R];
    for r in 0..R {
        sums[r] = load(simd, z, r * LANES);
    }
    for j in 0..columns.len() {
        let (centre, w) = (f64x8::splat(simd, centre[j]), f64x8::splat(simd, w[j]));
        for r in 0..R {
            sums[r] = (some(simd, columns[j], at + r * LANES) - centre).mul_add(w, sums[r]);
        }
    }
    for r in 0..R {
        sums[r].store_slice(&mut z[r * LANES..][..LANES]);
    }
}

/// `out[k][j] += Σᵢ r[k][i]·(xⱼᵢ − cⱼ)`; beyond the columns' length `r` is 0.
///
/// # Shapes
/// As [`combine_slices`] has them; `r` as its `z`, `out` as its `w`.
pub(crate) fn inner_slices<T: Copy + Into<f64>>(columns: &[&[T]], centre: &[f64], r: &[f64], out: &mut [f64]) {
    if let Some(first) = columns.first() {
        let stride = first.len().next_multiple_of(LANES);
        dispatch!(level(), simd => for (r, out) in r.chunks_exact(stride).zip(out.chunks_exact_mut(columns.len())) {
            inner_one(simd, columns, centre, r, out);
        });
    }
}

#[inline(always)]
fn inner_one<S: Simd, T: Copy + Into<f64>>(simd: S, columns: &[&[T]], centre: &[f64], r: &[f64], out: &mut [f64]) {
    let last = columns.len() - 1;
    for (at, out) in out.chunks_mut(4).enumerate() {
        // Past the end the last column is taken again, and its sums dropped.
        let (mut four, mut centres) = ([columns[0]; 4], [f64x8::splat(simd, 0.0); 4]);
        for j in 0..4 {
            let place = (4 * at + j).min(last);
            (four[j], centres[j]) = (columns[place], f64x8::splat(simd, centre[place]));
        }
        let mut sums = [f64x8::splat(simd, 0.0); 8];
        for start in (0..four[0].len()).step_by(LANES) {
            let r = load(simd, r, start);
            for j in 0..4 {
                sums[j] = (some(simd, four[j], start) - centres[j]).mul_add(r, sums[j]);
            }
        }
        let sums: [f64; 8] = eight_sums(sums).into();
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
    }
}

/// The lanes `at` to `at + 8` of a slice, and zeros past its end.
#[inline(always)]
fn some<S: Simd, T: Copy + Into<f64>>(simd: S, values: &[T], at: usize) -> f64x8<S> {
    if at + LANES <= values.len() {
        return widen(simd, &values[at..at + LANES]);
    }
    let mut lanes = [0.0; LANES];
    for lane in 0..values.len() - at {
        lanes[lane] = values[at + lane].into();
    }
    f64x8::simd_from(simd, lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of at most 100 products of numbers below 4.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn products_and_sums_are_those_of_plain_loops() {
        for (n, count, outputs) in [(1usize, 1usize, 1usize), (8, 4, 1), (45, 5, 2), (96, 9, 1)] {
            let data: Vec<Vec<f64>> =
                (0..count).map(|j| (0..n).map(|i| ((i * 7 + j * 5) % 13) as f64 / 4.0).collect()).collect();
            let columns: Vec<&[f64]> = data.iter().map(|column| &column[..]).collect();
            let centre: Vec<f64> = (0..count).map(|j| j as f64 / 8.0).collect();
            let w: Vec<f64> = (0..outputs * count).map(|at| at as f64 / 4.0 - 1.0).collect();
            let stride = n.next_multiple_of(LANES);
            let (mut z, mut out) = (vec![1.0; outputs * stride], vec![1.0; outputs * count]);
            let r: Vec<f64> = (0..outputs * stride).map(|at| if at % stride < n { 0.5 } else { 0.0 }).collect();
            combine_slices(&columns, &centre, &w, &mut z);
            inner_slices(&columns, &centre, &r, &mut out);
            let narrow: Vec<Vec<f32>> = data.iter().map(|column| column.iter().map(|&x| x as f32).collect()).collect();
            let narrow: Vec<&[f32]> = narrow.iter().map(|column| &column[..]).collect();
            let (mut of_narrow, mut sums_of_narrow) = (vec![1.0; outputs * stride], vec![1.0; outputs * count]);
            combine_slices(&narrow, &centre, &w, &mut of_narrow);
            inner_slices(&narrow, &centre, &r, &mut sums_of_narrow);
            assert_eq!((&of_narrow, &sums_of_narrow), (&z, &out));
            for k in 0..outputs {
                for i in 0..n {
                    let sum: f64 = (0..count).map(|j| w[k * count + j] * (columns[j][i] - centre[j])).sum();
                    assert!((z[k * stride + i] - 1.0 - sum).abs() < ROUNDING);
                }
                for j in 0..count {
                    let sum: f64 = columns[j].iter().map(|x| 0.5 * (x - centre[j])).sum();
                    assert!((out[k * count + j] - 1.0 - sum).abs() < ROUNDING);
                }
            }
        }
    }
}
