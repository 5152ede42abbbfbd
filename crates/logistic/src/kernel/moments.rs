//! Means and squares.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{LANES, level, load, sum};

/// The weighted sum of a column, that of the squares about `centre`, and the largest distance from it.
///
/// # Shapes
/// Equal lengths, a multiple of [`LANES`].
pub(crate) fn sum_and_squares(x: &[f64], weight: &[f64], centre: f64) -> (f64, f64, f64) {
    dispatch!(level(), simd => both(simd, x, weight, centre))
}

#[inline(always)]
fn both<S: Simd>(simd: S, x: &[f64], weight: &[f64], centre: f64) -> (f64, f64, f64) {
    let zero = f64x8::splat(simd, 0.0);
    let (mut total, mut squares, mut largest) = (zero, zero, zero);
    let centre = f64x8::splat(simd, centre);
    for at in (0..x.len()).step_by(LANES) {
        let (x, weight) = (load(simd, x, at), load(simd, weight, at));
        let about = x - centre;
        total = x.mul_add(weight, total);
        squares = (about * weight).mul_add(about, squares);
        // Rows of weight 0 and those that pad may widen it.
        largest = largest.max(about.abs());
    }
    let largest: [f64; LANES] = largest.into();
    (sum(total), sum(squares), largest.into_iter().fold(0.0, f64::max))
}
