//! The Cholesky factor of a symmetric positive-definite matrix, written by hand because its pivots are needed: a
//! pivot that vanishes names the design column that repeats those before it.

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

    /// Factors as much of the matrix as is independent: a row whose pivot is at most `tolerance` times its diagonal
    /// entry is left out, as a column that those before it explain. Returns the factor of the rows kept, which stands
    /// in the first of n rows and columns, and the rows left out.
    pub(crate) fn independent(matrix: &[f64], n: usize, tolerance: f64) -> (Self, Vec<usize>) {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(n);
        let (mut kept, mut left_out) = (Vec::with_capacity(n), Vec::new());
        for i in 0..n {
            let mut row: Vec<f64> = Vec::with_capacity(rows.len() + 1);
            for (k, other) in rows.iter().enumerate() {
                let entry: &f64 = &matrix[i * n + kept[k]];
                row.push((entry - dot(&row, other)) / other[k]);
            }
            let diagonal = matrix[i * n + i];
            let pivot = diagonal - dot(&row, &row);
            if pivot > tolerance * diagonal && pivot > 0.0 && pivot.is_finite() {
                row.push(pivot.sqrt());
                rows.push(row);
                kept.push(i);
            } else {
                left_out.push(i);
            }
        }
        let n = rows.len();
        let mut lower = vec![0.0; n * n];
        for (i, row) in rows.iter().enumerate() {
            lower[i * n..i * n + row.len()].copy_from_slice(row);
        }
        (Cholesky { n, lower }, left_out)
    }

    /// Replaces `b` by `L⁻¹·b`.
    pub fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..self.n {
            let row = &self.lower[i * self.n..i * self.n + i];
            b[i] = (b[i] - dot(row, &b[..i])) / self.lower[i * self.n + i];
        }
    }

    /// Replaces each of `width` columns by `L⁻¹` times it.
    ///
    /// # Shapes
    /// `columns` row-major (n, width).
    pub(crate) fn solve_lower_columns(&self, columns: &mut [f64], width: usize) {
        for i in 0..self.n {
            let (solved, rest) = columns.split_at_mut(i * width);
            let row = &mut rest[..width];
            for (k, other) in solved.chunks_exact(width.max(1)).enumerate() {
                let l = self.lower[i * self.n + k];
                row.iter_mut().zip(other).for_each(|(b, x)| *b -= l * x);
            }
            let pivot = self.lower[i * self.n + i];
            row.iter_mut().for_each(|b| *b /= pivot);
        }
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
        let column = |j: usize| {
            let mut column = vec![0.0; self.n];
            column[j] = 1.0;
            self.solve_lower(&mut column);
            column.iter().map(|v| v * v).sum::<f64>()
        };
        (0..self.n).map(column).sum()
    }

    /// `log|A|`.
    pub fn log_determinant(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * self.lower[i * self.n + i].ln()).sum()
    }

    /// `A⁻¹`, row-major (n, n), both triangles.
    pub fn inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; self.n * self.n];
        for (j, column) in inverse.chunks_exact_mut(self.n.max(1)).enumerate() {
            column[j] = 1.0;
            self.solve(column);
        }
        inverse
    }
}

/// The inner product of two vectors of the same length.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_inverts() {
        let a = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 1.0, 3.0, 6.0];
        let factor = Cholesky::new(&a, 3).unwrap();
        // A·(1, −2, 3) for the full symmetric matrix.
        let mut b = [4.0 - 4.0 + 3.0, 2.0 - 10.0 + 9.0, 1.0 - 6.0 + 18.0];
        factor.solve(&mut b);
        for (found, expected) in b.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-14);
        }
        // L⁻¹ of two columns at once is that of each.
        let (mut first, mut second, mut both) = ([1.0, 2.0, 3.0], [-1.0, 0.5, 4.0], [1.0, -1.0, 2.0, 0.5, 3.0, 4.0]);
        factor.solve_lower_columns(&mut both, 2);
        factor.solve_lower(&mut first);
        factor.solve_lower(&mut second);
        for i in 0..3 {
            assert!((both[2 * i] - first[i]).abs() < 1e-15 && (both[2 * i + 1] - second[i]).abs() < 1e-15);
        }
        // 1/67 · cofactors, by hand.
        assert!((factor.inverse()[0] - 21.0 / 67.0).abs() < 1e-15);
        assert!((factor.log_determinant() - 67f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn names_the_row_that_repeats_others() {
        let a = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 1.0];
        assert_eq!(Cholesky::new(&a, 3), Err(NotPositiveDefinite { row: 1 }));
        assert_eq!(Cholesky::independent(&a, 3, 1e-12).1, [1]);
    }
}
