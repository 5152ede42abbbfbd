//! Centred and scaled columns of a row-major block, from rows and from columns.

use fearless_simd::{Simd, SimdBase, dispatch, f64x8};

use super::rows::widen;
use super::{LANES, level, load};

/// How the columns of a block are centred and scaled, and how far its rows are apart.
#[derive(Clone, Copy)]
pub(crate) struct Spread<'a> {
    pub(crate) centre: &'a [f64],
    pub(crate) scale: &'a [f64],
    pub(crate) stride: usize,
}

impl Spread<'_> {
    fn factors(&self) -> Vec<f64> {
        self.scale.iter().map(|scale| 1.0 / scale).collect()
    }
}

/// Writes `(x − centre)/scale` of neighbouring columns of some rows, that of row i from `values[start(i)]` on.
pub(crate) fn centre_rows<T: Copy + Into<f64>>(
    values: &[T],
    (n_rows, start): (usize, impl Fn(usize) -> usize),
    spread: Spread<'_>,
    to: &mut [f64],
) {
    let factors = spread.factors();
    let count = factors.len();
    // Plain code, which the compiler turns into the instructions of the level it is dispatched to.
    dispatch!(level(), _simd => for i in 0..n_rows {
        let row = &values[start(i)..][..count];
        let to = &mut to[i * spread.stride..][..count];
        for j in 0..count {
            to[j] = (row[j].into() - spread.centre[j]) * factors[j];
        }
    });
}

/// The same of columns as they are stored.
pub(crate) fn turn_columns<T: Copy + Into<f64>>(columns: &[&[T]], spread: Spread<'_>, to: &mut [f64]) {
    let factors = spread.factors();
    let n = columns.first().map_or(0, |column| column.len());
    let (whole_columns, whole_rows) = (columns.len() / LANES * LANES, n / LANES * LANES);
    for j in (0..whole_columns).step_by(LANES) {
        let eight: [&[T]; LANES] = std::array::from_fn(|lane| columns[j + lane]);
        let (centre, factor) = (&spread.centre[j..j + LANES], &factors[j..j + LANES]);
        dispatch!(level(), simd => turn_eight(simd, eight, (centre, factor), &mut to[j..], spread.stride));
    }
    for (j, column) in columns.iter().enumerate() {
        let from = if j < whole_columns { whole_rows } else { 0 };
        for i in from..n {
            to[i * spread.stride + j] = (column[i].into() - spread.centre[j]) * factors[j];
        }
    }
}

/// Eight columns, eight rows at a time, by three perfect shuffles.
#[inline(always)]
fn turn_eight<S: Simd, T: Copy + Into<f64>>(
    simd: S,
    columns: [&[T]; LANES],
    (centre, factor): (&[f64], &[f64]),
    to: &mut [f64],
    stride: usize,
) {
    let (centre, factor) = (load(simd, centre, 0), load(simd, factor, 0));
    for at in (0..columns[0].len() / LANES * LANES).step_by(LANES) {
        let mut v = [f64x8::splat(simd, 0.0); LANES];
        for j in 0..LANES {
            v[j] = widen(simd, &columns[j][at..at + LANES]);
        }
        for _ in 0..3 {
            let (a, b) = (v[0].interleave(v[4]), v[1].interleave(v[5]));
            let (c, d) = (v[2].interleave(v[6]), v[3].interleave(v[7]));
            v = [a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1];
        }
        for i in 0..LANES {
            ((v[i] - centre) * factor).store_slice(&mut to[(at + i) * stride..][..LANES]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_give_the_same_block() {
        let (n, p, stride) = (19, 11, 16);
        let columns: Vec<Vec<f64>> = (0..p).map(|j| (0..n).map(|i| (i * p + j) as f64).collect()).collect();
        let rows: Vec<f64> = (0..n * p).map(|at| at as f64).collect();
        let centre: Vec<f64> = (0..p).map(|j| j as f64).collect();
        let scale = vec![2.0; p];
        let spread = Spread { centre: &centre, scale: &scale, stride };
        let (mut from_rows, mut from_columns) = (vec![0.0; n * stride], vec![0.0; n * stride]);
        centre_rows(&rows, (n, |i| i * p), spread, &mut from_rows);
        turn_columns(&columns.iter().map(|column| &column[..]).collect::<Vec<_>>(), spread, &mut from_columns);
        assert_eq!(from_rows, from_columns);
        let narrow: Vec<Vec<f32>> = columns.iter().map(|column| column.iter().map(|&x| x as f32).collect()).collect();
        from_columns.fill(0.0);
        turn_columns(&narrow.iter().map(|column| &column[..]).collect::<Vec<_>>(), spread, &mut from_columns);
        assert_eq!(from_rows, from_columns);
        assert_eq!(from_rows[3 * stride + 2], (3 * p) as f64 / 2.0);
    }
}
