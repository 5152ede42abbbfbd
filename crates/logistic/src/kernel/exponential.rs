//! The exponential function and the logarithm, as far as losses need them.

use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat, f64x8, u64x8};

/// `exp(x)` for x ≤ 0, 0 below −708, in every lane: relative error below 4e-16.
///
/// x = k·ln 2 + r with |r| ≤ ½ ln 2, and Taylor's series in r, whose 14th term is below 1e-17.
#[inline(always)]
pub(crate) fn exp_of_negative<S: Simd>(simd: S, x: f64x8<S>) -> f64x8<S> {
    let splat = |value: f64| f64x8::splat(simd, value);
    // Adding 1.5·2⁵² rounds to a whole number, which then stands in the low bits.
    let shift = splat(6_755_399_441_055_744.0);
    // ln 2 in two parts, the first with enough trailing zeros that k times it is exact.
    let (high, low) = (splat(-6.931_471_803_691_238e-1), splat(-1.908_214_929_270_587_7e-10));
    let lowest = splat(-708.0);
    let below = x.simd_lt(lowest);
    // Not the larger of both, which would hide a NaN.
    let bounded = below.select(lowest, x);
    let shifted = bounded.mul_add(splat(std::f64::consts::LOG2_E), shift);
    let k = shifted - shift;
    let r = k.mul_add(low, k.mul_add(high, bounded));
    // By fours, for one long chain of operations would wait for each; but the leading terms, of which the digits are,
    // last and one by one.
    let square = r * r;
    let fourth = square * square;
    let low_terms = four(simd, [2.0, 6.0, 24.0, 120.0], r, square);
    let middle_terms = four(simd, [720.0, 5_040.0, 40_320.0, 362_880.0], r, square);
    let high_terms = four(simd, [3_628_800.0, 39_916_800.0, 479_001_600.0, 6_227_020_800.0], r, square);
    let rest = high_terms.mul_add(fourth, middle_terms).mul_add(fourth, low_terms);
    let series = splat(1.0) + rest.mul_add(square, r);
    let bits: u64x8<S> = shifted.bitcast();
    let power: f64x8<S> = ((bits << 52) + u64x8::splat(simd, 1023 << 52)).bitcast();
    below.select(splat(0.0), series * power)
}

/// `1/d₀ + x/d₁ + x²/d₂ + x³/d₃`, of `x` and its square.
#[inline(always)]
fn four<S: Simd>(simd: S, d: [f64; 4], x: f64x8<S>, square: f64x8<S>) -> f64x8<S> {
    let splat = |value: f64| f64x8::splat(simd, value);
    let low = splat(1.0 / d[1]).mul_add(x, splat(1.0 / d[0]));
    let high = splat(1.0 / d[3]).mul_add(x, splat(1.0 / d[2]));
    high.mul_add(square, low)
}

/// `log(1 + t)` for t in [0, 1], in every lane: relative error below 4e-16.
///
/// With v the smaller in size of t and (t − 1)/2, which is `log(1 + t)` short of ln 2 for the second, and
/// s = v/(2 + v): `log(1 + v) = 2·atanh(s) = 2·(s + s³/3 + s⁵/5 + …)`, |s| ≤ 0.172.
#[inline(always)]
pub(crate) fn log1p_of_unit<S: Simd>(simd: S, t: f64x8<S>) -> f64x8<S> {
    let splat = |value: f64| f64x8::splat(simd, value);
    let upper = t.simd_gt(splat(std::f64::consts::SQRT_2 - 1.0));
    let v = upper.select((t - splat(1.0)) * splat(0.5), t);
    let base = upper.select(splat(std::f64::consts::LN_2), splat(0.0));
    let s = v / (v + splat(2.0));
    let square = s * s;
    let fourth = square * square;
    let low_terms = four(simd, [3.0, 5.0, 7.0, 9.0], square, fourth);
    let middle_terms = four(simd, [11.0, 13.0, 15.0, 17.0], square, fourth);
    let high_terms = splat(1.0 / 21.0).mul_add(square, splat(1.0 / 19.0));
    let eighth = fourth * fourth;
    let series = high_terms.mul_add(eighth, middle_terms).mul_add(eighth, low_terms);
    // v − s·(v − …) rather than 2·s·(…): the leading v is exact.
    base + (v - s * (v - splat(2.0) * square * series))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{LANES, level, load};
    use fearless_simd::{Level, dispatch};

    /// What the documentation of both functions states.
    const RELATIVE: f64 = 4e-16;

    fn levels() -> Vec<Level> {
        let mut levels = vec![level()];
        levels.extend(level().as_avx2().map(Level::Avx2));
        levels
    }

    #[test]
    fn exponential_and_logarithm_keep_their_error_bounds() {
        let x: Vec<f64> = (0..2_000_000).map(|i| -708.0 * (f64::from(i) / 2e6).powi(3)).collect();
        let t: Vec<f64> = (0..2_000_000).map(|i| (f64::from(i) / 2e6).powi(3)).collect();
        let mut found = Vec::new();
        for level in levels() {
            let mut out = [[0.0; LANES]; 2];
            let mut bits = 0u64;
            for at in (0..x.len()).step_by(LANES) {
                dispatch!(level, simd => {
                    out[0] = exp_of_negative(simd, load(simd, &x, at)).into();
                    out[1] = log1p_of_unit(simd, load(simd, &t, at)).into();
                });
                for lane in 0..LANES {
                    let (e, l) = (libm::exp(x[at + lane]), libm::log1p(t[at + lane]));
                    assert!((out[0][lane] - e).abs() <= RELATIVE * e, "exp({})", x[at + lane]);
                    assert!((out[1][lane] - l).abs() <= RELATIVE * l, "log1p({})", t[at + lane]);
                    bits = bits.rotate_left(1) ^ out[0][lane].to_bits() ^ out[1][lane].to_bits().rotate_left(7);
                }
            }
            found.push(bits);
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "the same bits at every level");
    }

    #[test]
    fn ends_are_kept() {
        let x = [0.0, -708.5, f64::NEG_INFINITY, f64::NAN, -1e-320, -0.5, -1.0, -745.0];
        let out: [f64; 8] = dispatch!(level(), simd => exp_of_negative(simd, load(simd, &x, 0)).into());
        assert_eq!((out[0], out[1], out[2], out[4], out[7]), (1.0, 0.0, 0.0, 1.0, 0.0));
        assert!(out[3].is_nan());
    }
}
