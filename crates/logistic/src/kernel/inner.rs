//! Inner products of columns: gradients, and the cross products of a Hessian.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{Columns, LANES, level, load};

/// Columns whose products stay in the second-level cache together: twice 64 of 512 rows are half a megabyte.
const SUPER: usize = 64;

/// `out[k][j] += Σᵢ bₖᵢ·aⱼᵢ`: every column of `a` with every column of `b`.
///
/// # Shapes
/// `a` and `b` of equal length; `out` row-major (b.count, a.count).
pub(crate) fn inner(a: Columns<'_>, b: Columns<'_>, out: &mut [f64]) {
    dispatch!(level(), simd => all(simd, a, b, out));
}

#[inline(always)]
fn all<S: Simd>(simd: S, a: Columns<'_>, b: Columns<'_>, out: &mut [f64]) {
    let mut k = 0;
    while k < b.count {
        let wide = b.count - k >= 4;
        for j in (0..a.count).step_by(if wide { 4 } else { 8 }) {
            let mut add = |i: usize, m: usize, value: f64| {
                if j + i < a.count {
                    out[(k + m) * a.count + j + i] += value;
                }
            };
            // Past the end the last column is taken again, and its products dropped.
            let at = |i: usize| a.get((j + i).min(a.count - 1));
            if wide {
                let sums =
                    tile(simd, [at(0), at(1), at(2), at(3)], [b.get(k), b.get(k + 1), b.get(k + 2), b.get(k + 3)]);
                (0..16).for_each(|place| add(place / 4, place % 4, sums[place / 8][place % 8]));
            } else {
                let a = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
                let sums = line(simd, a, b.get(k));
                (0..8).for_each(|place| add(place, 0, sums[place]));
            }
        }
        k += if wide { 4 } else { 1 };
    }
}

/// Eight columns with one.
#[inline(always)]
fn line<S: Simd>(simd: S, a: [&[f64]; 8], b: &[f64]) -> [f64; 8] {
    let mut sums = [f64x8::splat(simd, 0.0); 8];
    let len = b.len();
    let a = a.map(|column| &column[..len]);
    for at in (0..len).step_by(LANES) {
        let b = load(simd, b, at);
        for i in 0..8 {
            sums[i] = load(simd, a[i], at).mul_add(b, sums[i]);
        }
    }
    eight_sums(sums).into()
}

/// Four columns with four; the products of the first two, then of the others.
#[inline(always)]
fn tile<S: Simd>(simd: S, a: [&[f64]; 4], b: [&[f64]; 4]) -> [[f64; 8]; 2] {
    let mut sums = [[f64x8::splat(simd, 0.0); 8]; 2];
    let len = a[0].len();
    let (a, b) = (a.map(|column| &column[..len]), b.map(|column| &column[..len]));
    for at in (0..len).step_by(LANES) {
        let b = [load(simd, b[0], at), load(simd, b[1], at), load(simd, b[2], at), load(simd, b[3], at)];
        for i in 0..4 {
            let a = load(simd, a[i], at);
            for m in 0..4 {
                let place = 4 * i + m;
                sums[place / 8][place % 8] = a.mul_add(b[m], sums[place / 8][place % 8]);
            }
        }
    }
    [eight_sums(sums[0]).into(), eight_sums(sums[1]).into()]
}

/// The sums over the lanes of eight vectors, neighbours first, as [`super::sum`] adds them.
#[inline(always)]
pub(super) fn eight_sums<S: Simd>(v: [f64x8<S>; 8]) -> f64x8<S> {
    let pair = |a: f64x8<S>, b: f64x8<S>| a.unzip_low(b) + a.unzip_high(b);
    let two = [pair(v[0], v[1]), pair(v[2], v[3]), pair(v[4], v[5]), pair(v[6], v[7])];
    pair(pair(two[0], two[1]), pair(two[2], two[3]))
}

/// Hands `add` every `Σᵢ cᵢ·xⱼᵢ·xₘᵢ` with m ≤ j, as `add(j, m, sum)`; once each.
///
/// # Shapes
/// `c` (x.len); `scaled` is room to work in.
pub(crate) fn gram(x: Columns<'_>, c: &[f64], scaled: &mut Vec<f64>, add: impl FnMut(usize, usize, f64)) {
    let level = level();
    dispatch!(level, simd => lower(simd, x, c, scaled, add));
}

#[inline(always)]
fn lower<S: Simd>(simd: S, x: Columns<'_>, c: &[f64], scaled: &mut Vec<f64>, mut add: impl FnMut(usize, usize, f64)) {
    for first in (0..x.count).step_by(SUPER) {
        let end = x.count.min(first + SUPER);
        scaled.clear();
        for j in first..end {
            scaled.extend(x.get(j).iter().zip(c).map(|(x, c)| x * c));
        }
        let cx = Columns { values: scaled, stride: x.len, len: x.len, count: end - first };
        for other in (0..end).step_by(SUPER) {
            let other_end = end.min(other + SUPER);
            for j in (first..end).step_by(4) {
                for m in (other..other_end.min(j + 4)).step_by(4) {
                    let a = [0, 1, 2, 3].map(|i| cx.get((j + i).min(end - 1) - first));
                    let b = [0, 1, 2, 3].map(|i| x.get((m + i).min(other_end - 1)));
                    let sums = tile(simd, a, b);
                    for place in 0..16 {
                        let (j, m) = (j + place / 4, m + place % 4);
                        if j < end && m <= j && m < other_end {
                            add(j, m, sums[place / 8][place % 8]);
                        }
                    }
                }
            }
        }
    }
}
