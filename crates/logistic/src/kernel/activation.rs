//! Activations of hidden units, and what their slopes make of a gradient.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{LANES, exp_of_negative, level, load};

/// `max(z, 0)`, element by element; what is not a number stays so.
pub(crate) fn relu(z: &mut [f64]) {
    // Plain code, which the compiler turns into the instructions of the level it is dispatched to.
    dispatch!(level(), _simd => for z in z.iter_mut() {
        *z = if *z < 0.0 { 0.0 } else { *z };
    });
}

/// Keeps `slope` where the rectified unit is above 0. At 0 the slope counts as 0, as in PyTorch.
pub(crate) fn through_relu(unit: &[f64], slope: &mut [f64]) {
    dispatch!(level(), _simd => for (slope, unit) in slope.iter_mut().zip(unit) {
        *slope = if *unit > 0.0 { *slope } else { 0.0 };
    });
}

/// `tanh(z)`, element by element: relative error below 1e-15.
///
/// # Shapes
/// A multiple of [`LANES`].
pub(crate) fn tanh(z: &mut [f64]) {
    dispatch!(level(), simd => for at in (0..z.len()).step_by(LANES) {
        tanh_of(simd, load(simd, z, at)).store_slice(&mut z[at..at + LANES]);
    });
}

/// `slope·(1 − unit²)`, for units that are hyperbolic tangents.
pub(crate) fn through_tanh(unit: &[f64], slope: &mut [f64]) {
    dispatch!(level(), _simd => for (slope, unit) in slope.iter_mut().zip(unit) {
        *slope *= 1.0 - unit * unit;
    });
}

/// With y = −2|z|, `tanh |z| = −m/(2 + m)` for `m = exp(y) − 1`. Close to 0 that difference would lose its digits; there
/// it is Taylor's series, of which the 15th term is below 1e-18 of the sum.
#[inline(always)]
fn tanh_of<S: Simd>(simd: S, z: f64x8<S>) -> f64x8<S> {
    let splat = |value: f64| f64x8::splat(simd, value);
    let (zero, one, two) = (splat(0.0), splat(1.0), splat(2.0));
    let negative = z.simd_lt(zero);
    let y = negative.select(z + z, zero - (z + z));
    let far = exp_of_negative(simd, y) - one;
    // y·(1 + y/2·(1 + y/3·(1 + …))), from the inside out.
    let mut series = one;
    for term in 2..=15 {
        series = (series * y).mul_add(splat(1.0 / f64::from(17 - term)), one);
    }
    let near = series * y;
    let m = y.simd_gt(splat(-0.35)).select(near, far);
    let size = (zero - m) / (two + m);
    negative.select(zero - size, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation of [`tanh`] states.
    const RELATIVE: f64 = 1e-15;

    #[test]
    fn hyperbolic_tangents_keep_their_error_bound() {
        let steps = 800_000;
        let x: Vec<f64> = (0..steps).map(|i| 400.0 * (f64::from(i) / f64::from(steps) * 2.0 - 1.0).powi(5)).collect();
        let mut found = x.clone();
        tanh(&mut found);
        for (x, found) in x.iter().zip(found) {
            let expected = libm::tanh(*x);
            assert!((found - expected).abs() <= RELATIVE * expected.abs(), "tanh({x}): {found} against {expected}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let mut z = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.5, 1e-300, -1e-300, 2.0];
        let mut rectified = z;
        tanh(&mut z);
        relu(&mut rectified);
        assert!(z[0].is_nan() && rectified[0].is_nan());
        assert_eq!((z[1], z[2], z[3], z[5], z[6]), (1.0, -1.0, 0.0, 1e-300, -1e-300));
        assert_eq!(rectified[1..], [f64::INFINITY, 0.0, 0.0, 0.0, 1e-300, 0.0, 2.0]);
        let mut slope = [3.0; 8];
        through_relu(&rectified, &mut slope);
        assert_eq!(slope, [0.0, 3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 3.0]);
    }
}
