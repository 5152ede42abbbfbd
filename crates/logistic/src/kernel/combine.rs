//! Linear combinations of columns: logits; and their centring and scaling.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{Columns, LANES, level, load};

/// `z[k] += Σⱼ w[k][j]·xⱼ`, in the order of the columns.
///
/// # Shapes
/// `w` row-major (outputs, x.count); `z` row-major (outputs, x.len).
pub(crate) fn combine(x: Columns<'_>, w: &[f64], z: &mut [f64]) {
    if x.count > 0 {
        dispatch!(level(), simd => all(simd, x, w, z));
    }
}

#[inline(always)]
fn all<S: Simd>(simd: S, x: Columns<'_>, w: &[f64], z: &mut [f64]) {
    let outputs = z.len() / x.len.max(1);
    let mut k = 0;
    while k < outputs {
        let (w, z) = (&w[k * x.count..], &mut z[k * x.len..]);
        if outputs - k >= 4 {
            rows::<S, 4, 4>(simd, x, w, z);
            k += 4;
        } else {
            rows::<S, 1, 8>(simd, x, w, z);
            k += 1;
        }
    }
}

/// `K` outputs, `R` vectors of rows at a time, so that sums stay in registers.
#[inline(always)]
fn rows<S: Simd, const K: usize, const R: usize>(simd: S, x: Columns<'_>, w: &[f64], z: &mut [f64]) {
    let whole = x.len - x.len % (R * LANES);
    for at in (0..whole).step_by(R * LANES) {
        block::<S, K, R>(simd, x, w, z, at);
    }
    for at in (whole..x.len).step_by(LANES) {
        block::<S, K, 1>(simd, x, w, z, at);
    }
}

#[inline(always)]
fn block<S: Simd, const K: usize, const R: usize>(simd: S, x: Columns<'_>, w: &[f64], z: &mut [f64], at: usize) {
    let mut sums = [[f64x8::splat(simd, 0.0); R]; K];
    for k in 0..K {
        for r in 0..R {
            sums[k][r] = load(simd, z, k * x.len + at + r * LANES);
        }
    }
    let w: [&[f64]; K] = std::array::from_fn(|k| &w[k * x.count..][..x.count]);
    for j in 0..x.count {
        let column = &x.values[j * x.stride + at..][..R * LANES];
        let weight: [f64x8<S>; K] = std::array::from_fn(|k| f64x8::splat(simd, w[k][j]));
        for r in 0..R {
            let value = load(simd, column, r * LANES);
            for k in 0..K {
                sums[k][r] = weight[k].mul_add(value, sums[k][r]);
            }
        }
    }
    for k in 0..K {
        for r in 0..R {
            sums[k][r].store_slice(&mut z[k * x.len + at + r * LANES..][..LANES]);
        }
    }
}

/// Writes `(from − centre)·factor` to `to`, element by element.
pub(crate) fn shift_and_scale<T: Copy + Into<f64>>(from: &[T], to: &mut [f64], centre: f64, factor: f64) {
    // Plain code, which the compiler turns into the instructions of the level it is dispatched to.
    dispatch!(level(), _simd => for (to, from) in to.iter_mut().zip(from) {
        *to = ((*from).into() - centre) * factor;
    });
}
