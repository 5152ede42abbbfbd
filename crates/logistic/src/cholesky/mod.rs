//! The Cholesky factor of a symmetric positive-definite matrix, written by hand because its pivots are needed: a
//! pivot that vanishes names the design column that repeats those before it.

mod factor;
mod inverse;
mod small;
mod solve;
#[cfg(test)]
mod tests;

use std::ops::Range;

use fearless_simd::dispatch;

use self::solve::{Lower, STRIPS};
use crate::kernel::{self, LANES, Lanes};

/// Columns that are factored, and rows that are solved, together: a multiple of a tile's rows and columns.
const BLOCK: usize = 96;

/// Terms of a sum that are added before the next tile's turn: six rows of so many stay in the first-level cache.
const DEPTH: usize = 256;

/// From this size on the work is worth dividing between threads. No bit depends on who does it.
const PARALLEL: usize = 256;

/// The parts of `range`, of `size` each but for the last.
fn pieces(range: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    range.clone().step_by(size).map(move |start| start..range.end.min(start + size))
}

/// `A = L·Lᵀ`, the lower triangle L row-major (n, n).
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

/// The first row whose pivot is not positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPositiveDefinite {
    /// The row.
    pub row: usize,
}

impl Cholesky {
    /// Factors the matrix whose lower triangle stands in `matrix`, row-major (n, n).
    ///
    /// # Errors
    /// [`NotPositiveDefinite`] at the first pivot that is not a positive number.
    pub fn new(matrix: &[f64], n: usize) -> Result<Self, NotPositiveDefinite> {
        let (factor, left_out) = Self::independent(matrix, n, 0.0);
        match left_out.first() {
            Some(&row) => Err(NotPositiveDefinite { row }),
            None => Ok(factor),
        }
    }

    /// A factor that was computed elsewhere: L, row-major (n, n).
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of entries.
    pub(crate) fn from_lower(lower: Vec<f64>, n: usize) -> crate::error::Result<Self> {
        if lower.len() != n * n {
            let what = "length of a factor".to_string();
            return Err(crate::error::Error::Shape { what, expected: n * n, found: lower.len() });
        }
        Ok(Cholesky { n, lower })
    }

    /// Factors as much of the matrix as is independent: a row whose pivot is at most `tolerance` times its diagonal
    /// entry is left out, as a column that those before it explain. Returns the factor of the rows kept, which stands
    /// in the first of n rows and columns, and the rows left out.
    pub(crate) fn independent(matrix: &[f64], n: usize, tolerance: f64) -> (Self, Vec<usize>) {
        let mut lower = Vec::with_capacity(n * n);
        for (i, row) in matrix.chunks_exact(n.max(1)).take(n).enumerate() {
            lower.extend_from_slice(&row[..=i]);
            lower.resize((i + 1) * n, 0.0);
        }
        let level = kernel::level();
        let left_out = if n <= small::SMALL {
            dispatch!(level, simd => small::factor(simd, &mut lower, n, tolerance))
        } else {
            factor::factor(level, &mut lower, n, tolerance)
        };
        let kept = if left_out.is_empty() { n } else { keep(&mut lower, n, &left_out) };
        (Cholesky { n: kept, lower }, left_out)
    }

    /// Replaces `b` by `L⁻¹·b`.
    pub fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..self.n {
            let row = &self.lower[i * self.n..i * self.n + i];
            let known = if i < 2 * LANES { dot(row, &b[..i]) } else { kernel::dot(row, &b[..i]) };
            b[i] = (b[i] - known) / self.lower[i * self.n + i];
        }
    }

    /// Replaces each of `width` columns by `L⁻¹` times it, on the calling thread alone: its callers have divided their
    /// rows between threads, and hold room that is their thread's.
    ///
    /// # Shapes
    /// `columns` row-major (n, width).
    pub(crate) fn solve_lower_columns(&self, columns: &mut [f64], width: usize) {
        let mut strips = Vec::new();
        // A factor of nothing has no strips.
        let width = if self.n == 0 { 0 } else { width };
        for some in pieces(0..width, STRIPS * LANES) {
            strips.resize(some.len().div_ceil(LANES) * self.n, [0.0; LANES]);
            solve::take(columns, width, some.start, &mut strips, self.n);
            self.solve_lower_strips(&mut strips, 0);
            solve::give(columns, width, some.start, &strips, self.n);
        }
    }

    /// Replaces columns that are 0 above row `first` by `L⁻¹` times them, on the calling thread alone.
    ///
    /// # Shapes
    /// `strips`: any number of strips of eight columns, (n, 8) each, one after the other.
    pub(crate) fn solve_lower_strips(&self, strips: &mut [Lanes], first: usize) {
        self.triangle().solve(kernel::level(), strips, first..self.n);
    }

    fn triangle(&self) -> Lower<'_> {
        Lower { values: &self.lower, n: self.n }
    }

    /// L, row-major (n, n).
    pub(crate) fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// Replaces `b` by `A⁻¹·b`.
    pub fn solve(&self, b: &mut [f64]) {
        self.solve_lower(b);
        self.solve_upper(b);
    }

    /// Replaces `b` by `L⁻ᵀ·b`.
    pub fn solve_upper(&self, b: &mut [f64]) {
        for i in (0..self.n).rev() {
            b[i] /= self.lower[i * self.n + i];
            let (head, tail) = b.split_at_mut(i);
            let row = &self.lower[i * self.n..i * self.n + i];
            head.iter_mut().zip(row).for_each(|(b, l)| *b -= tail[0] * l);
        }
    }

    /// The trace of `A⁻¹`, which is the squared Frobenius norm of `L⁻¹`.
    pub(crate) fn inverse_trace(&self) -> f64 {
        inverse::squared_norm(kernel::level(), self.triangle())
    }

    /// `log|A|`.
    pub fn log_determinant(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * self.lower[i * self.n + i].ln()).sum()
    }

    /// `A⁻¹`, row-major (n, n), both triangles.
    pub fn inverse(&self) -> Vec<f64> {
        inverse::inverse(kernel::level(), self.triangle())
    }
}

/// Moves the rows and columns that are not left out to the front, and returns their number.
fn keep(lower: &mut Vec<f64>, n: usize, left_out: &[usize]) -> usize {
    let kept: Vec<usize> = (0..n).filter(|i| left_out.binary_search(i).is_err()).collect();
    let mut to = 0;
    for &i in &kept {
        for &j in &kept {
            // Never behind what is still to be read: rows and columns only move forward.
            lower[to] = lower[i * n + j];
            to += 1;
        }
    }
    lower.truncate(to);
    kept.len()
}

/// The inner product of two vectors of the same length.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
