//! Logits and gradients of several sets of parameters over the same rows: a column that is in a register serves all, and
//! what is at work fits the sixteen registers of AVX2.

use fearless_simd::{Simd, SimdBase, SimdFloat, dispatch, f64x8};

use super::{Columns, LANES, level, load, sum};

/// `z[k] = Σⱼ w[k][j]·xⱼ`, in the order of the columns.
///
/// # Shapes
/// `w` row-major (outputs, x.count); `z` row-major (outputs, x.len).
pub(crate) fn combine_several(x: Columns<'_>, w: &[f64], z: &mut [f64]) {
    dispatch!(level(), simd => logits(simd, x, w, z));
}

#[inline(always)]
fn logits<S: Simd>(simd: S, x: Columns<'_>, w: &[f64], z: &mut [f64]) {
    z.fill(0.0);
    let outputs = z.len() / x.len.max(1);
    // Columns are read from end to end, as memory likes it, and stay in the first-level cache while all outputs go by.
    for j in (0..x.count).step_by(4) {
        for k in (0..outputs).step_by(2) {
            match (x.count - j, outputs - k) {
                (1, 1) => add_logits::<S, 1, 1>(simd, (x, j), (w, k), z),
                (1, _) => add_logits::<S, 1, 2>(simd, (x, j), (w, k), z),
                (2, 1) => add_logits::<S, 2, 1>(simd, (x, j), (w, k), z),
                (2, _) => add_logits::<S, 2, 2>(simd, (x, j), (w, k), z),
                (3, 1) => add_logits::<S, 3, 1>(simd, (x, j), (w, k), z),
                (3, _) => add_logits::<S, 3, 2>(simd, (x, j), (w, k), z),
                (_, 1) => add_logits::<S, 4, 1>(simd, (x, j), (w, k), z),
                _ => add_logits::<S, 4, 2>(simd, (x, j), (w, k), z),
            }
        }
    }
}

/// What `A` columns add to `B` outputs.
#[inline(always)]
fn add_logits<S: Simd, const A: usize, const B: usize>(
    simd: S,
    (x, j): (Columns<'_>, usize),
    (w, k): (&[f64], usize),
    z: &mut [f64],
) {
    let len = x.len;
    let weights: [[f64x8<S>; A]; B] =
        std::array::from_fn(|m| std::array::from_fn(|i| f64x8::splat(simd, w[(k + m) * x.count + j + i])));
    let columns: [&[f64]; A] = std::array::from_fn(|i| &x.get(j + i)[..len]);
    let (first, second) = z[k * len..(k + B) * len].split_at_mut(len);
    for at in (0..len).step_by(LANES) {
        let mut sums: [f64x8<S>; B] = std::array::from_fn(|m| load(simd, if m == 0 { &*first } else { &*second }, at));
        for i in 0..A {
            let column = load(simd, columns[i], at);
            for m in 0..B {
                sums[m] = weights[m][i].mul_add(column, sums[m]);
            }
        }
        for (m, sum) in sums.into_iter().enumerate() {
            let z = if m == 0 { &mut *first } else { &mut *second };
            sum.store_slice(&mut z[at..at + LANES]);
        }
    }
}

/// `out[k][j] += Σᵢ bₖᵢ·aⱼᵢ`, lane by lane: every column of `a` with every column of `b`. The lanes stay apart until all rows
/// are through, for adding them up would be a good part of the work for a few rows.
///
/// # Shapes
/// `a` and `b` of equal length; `out` row-major (b.count, a.count, 8).
pub(crate) fn inner_lanes(a: Columns<'_>, b: Columns<'_>, out: &mut [f64]) {
    dispatch!(level(), simd => products(simd, a, b, out));
}

#[inline(always)]
fn products<S: Simd>(simd: S, a: Columns<'_>, b: Columns<'_>, out: &mut [f64]) {
    // Three columns stay in the first-level cache while all of `b` go by.
    for j in (0..a.count).step_by(3) {
        for k in (0..b.count).step_by(2) {
            match (a.count - j, b.count - k) {
                (1, 1) => tile::<S, 1, 1>(simd, (a, j), (b, k), out),
                (1, _) => tile::<S, 1, 2>(simd, (a, j), (b, k), out),
                (2, 1) => tile::<S, 2, 1>(simd, (a, j), (b, k), out),
                (2, _) => tile::<S, 2, 2>(simd, (a, j), (b, k), out),
                (_, 1) => tile::<S, 3, 1>(simd, (a, j), (b, k), out),
                _ => tile::<S, 3, 2>(simd, (a, j), (b, k), out),
            }
        }
    }
}

/// `A` columns with `B`.
#[inline(always)]
fn tile<S: Simd, const A: usize, const B: usize>(
    simd: S,
    (a, j): (Columns<'_>, usize),
    (b, k): (Columns<'_>, usize),
    out: &mut [f64],
) {
    let place = |i: usize, m: usize| ((k + m) * a.count + j + i) * LANES;
    let mut sums: [[f64x8<S>; B]; A] = std::array::from_fn(|i| std::array::from_fn(|m| load(simd, out, place(i, m))));
    let len = a.len;
    let columns: [&[f64]; A] = std::array::from_fn(|i| &a.get(j + i)[..len]);
    let others: [&[f64]; B] = std::array::from_fn(|m| &b.get(k + m)[..len]);
    for at in (0..len).step_by(LANES) {
        let others: [f64x8<S>; B] = std::array::from_fn(|m| load(simd, others[m], at));
        for i in 0..A {
            let column = load(simd, columns[i], at);
            for m in 0..B {
                sums[i][m] = column.mul_add(others[m], sums[i][m]);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        for (m, sum) in sums.into_iter().enumerate() {
            sum.store_slice(&mut out[place(i, m)..][..LANES]);
        }
    }
}

/// The sums over eight lanes each.
pub(crate) fn sum_lanes(lanes: &[f64]) -> Vec<f64> {
    dispatch!(level(), simd => (0..lanes.len() / LANES).map(|at| sum(load(simd, lanes, at * LANES))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of whole numbers are exact in any order.
    fn whole(n: usize, step: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * step) % 17) as f64 - 8.0).collect()
    }

    #[test]
    fn any_numbers_of_columns_and_outputs() {
        let (stride, len) = (32, 24);
        for (count, outputs) in (1..10).flat_map(|count| (1..6).map(move |outputs| (count, outputs))) {
            let (values, weights, others) =
                (whole(count * stride, 5), whole(outputs * count, 7), whole(outputs * len, 3));
            let x = Columns { values: &values, stride, len, count };
            let mut z = vec![1.0; outputs * len];
            combine_several(x, &weights, &mut z);
            let mut lanes = vec![0.0; outputs * count * LANES];
            inner_lanes(x, Columns { values: &others, stride: len, len, count: outputs }, &mut lanes);
            let products = sum_lanes(&lanes);
            for k in 0..outputs {
                for i in 0..len {
                    let logit: f64 = (0..count).map(|j| weights[k * count + j] * x.get(j)[i]).sum();
                    assert_eq!(z[k * len + i], logit);
                }
                for j in 0..count {
                    let product: f64 = (0..len).map(|i| others[k * len + i] * x.get(j)[i]).sum();
                    assert_eq!(products[k * count + j], product);
                }
            }
        }
    }
}
