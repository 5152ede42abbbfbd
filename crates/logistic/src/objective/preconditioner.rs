//! Approximations of Hessians that are cheap to solve with.

use std::sync::Arc;

use crate::cholesky::Cholesky;
use crate::kernel::dot;

/// A positive definite matrix near a Hessian.
#[derive(Clone, Debug)]
pub struct Preconditioner {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Diagonal(Vec<f64>),
    Factor(Cholesky),
    Kronecker(Kronecker),
}

impl Preconditioner {
    /// Of a diagonal; entries that are not positive count as 1.
    pub(crate) fn diagonal(diagonal: Vec<f64>) -> Self {
        Preconditioner { form: Form::Diagonal(diagonal.into_iter().map(|d| if d > 0.0 { d } else { 1.0 }).collect()) }
    }

    /// A Hessian that has been factored, here or somewhere near.
    pub(crate) fn factor(factor: Cholesky) -> Self {
        Preconditioner { form: Form::Factor(factor) }
    }

    pub(super) fn kronecker(kronecker: Kronecker) -> Self {
        Preconditioner { form: Form::Kronecker(kronecker) }
    }

    pub(super) fn as_kronecker(&self) -> Option<&Kronecker> {
        match &self.form {
            Form::Kronecker(kronecker) => Some(kronecker),
            _ => None,
        }
    }

    /// Whether it is the factor of a Hessian.
    pub(crate) fn is_factor(&self) -> bool {
        matches!(self.form, Form::Factor(_))
    }

    /// Its inverse times `r`.
    pub(crate) fn solve(&self, r: &[f64]) -> Vec<f64> {
        let mut solved = r.to_vec();
        match &self.form {
            Form::Diagonal(diagonal) => solved.iter_mut().zip(diagonal).for_each(|(r, d)| *r /= d),
            Form::Factor(factor) => factor.solve(&mut solved),
            Form::Kronecker(kronecker) => kronecker.solve(&mut solved),
        }
        solved
    }
}

/// `M ⊗ G + Λ` for several outputs: M the mean curvature of the outputs' logits, shape (outputs, outputs), G the mean of
/// the rows' `x·xᵀ`, those of the ones beside them included, and Λ what the penalty adds, the same for every output.
///
/// With `M = U·diag(μ)·Uᵀ` it falls apart into `μₐ·G + Λ`, one for every output. (Where rows of all classes are spread
/// alike it is the Hessian.)
#[derive(Clone, Debug)]
pub(super) struct Kronecker {
    /// Of the rows, which do not change: row-major (width, width), the lower triangle.
    gram: Arc<Vec<f64>>,
    mean: Vec<f64>,
    /// U, row-major; column a goes with factor a.
    vectors: Vec<f64>,
    factors: Vec<Cholesky>,
    outputs: usize,
    columns: usize,
}

/// A mean curvature that has changed by less than this share of itself is as good as a new one.
const SAME: f64 = 0.2;

impl Kronecker {
    /// `ridge` (columns) is the diagonal of Λ; biases, if `gram` has a width of columns + 1, have the `gauge` `(Σ bₖ)²/2`
    /// or nothing. None where a part cannot be factored.
    pub(super) fn new(gram: Arc<Vec<f64>>, mean: Vec<f64>, outputs: usize, ridge: &[f64], gauge: bool) -> Option<Self> {
        let width = gram.len().isqrt();
        let (values, vectors) = eigen(&mean, outputs);
        let mut factors = Vec::with_capacity(outputs);
        for (a, value) in values.iter().enumerate() {
            let mut part: Vec<f64> = gram.iter().map(|g| value.max(0.0) * g).collect();
            for (j, l2) in ridge.iter().enumerate() {
                part[j * width + j] += l2;
            }
            if let (true, true) = (gauge, width > ridge.len()) {
                let shift: f64 = (0..outputs).map(|k| vectors[k * outputs + a]).sum();
                part[width * width - 1] += shift * shift;
            }
            factors.push(Cholesky::new(&part, width).ok()?);
        }
        Some(Kronecker { gram, mean, vectors, factors, outputs, columns: ridge.len() })
    }

    pub(super) fn gram(&self) -> Arc<Vec<f64>> {
        Arc::clone(&self.gram)
    }

    /// Whether it serves for another mean curvature too.
    pub(super) fn serves(&self, mean: &[f64]) -> bool {
        let apart: f64 = self.mean.iter().zip(mean).map(|(a, b)| (a - b).powi(2)).sum();
        apart <= SAME * SAME * dot(mean, mean)
    }

    /// Parameters stand output by output, then the biases.
    fn solve(&self, r: &mut [f64]) {
        let (p, k) = (self.columns, self.outputs);
        let width = self.gram.len().isqrt();
        let place = |output: usize, j: usize| if j < p { output * p + j } else { k * p + output };
        let turned: Vec<Vec<f64>> = (0..k)
            .map(|a| {
                let entry = |j: usize| (0..k).map(|o| self.vectors[o * k + a] * r[place(o, j)]).sum();
                let mut own: Vec<f64> = (0..width).map(entry).collect();
                self.factors[a].solve(&mut own);
                own
            })
            .collect();
        for (o, j) in (0..k).flat_map(|o| (0..width).map(move |j| (o, j))) {
            r[place(o, j)] = (0..k).map(|a| self.vectors[o * k + a] * turned[a][j]).sum();
        }
    }
}

/// Sweeps of Jacobi's method; they square what is left, and five are enough for any matrix of a few rows.
const SWEEPS: usize = 12;

/// Eigenvalues and eigenvectors (the columns) of a symmetric matrix, row-major (n, n), by Jacobi's cyclic method (Golub &
/// Van Loan, *Matrix Computations*, 4th ed. 2013, algorithm 8.5.3).
fn eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for _ in 0..SWEEPS {
        for (p, q) in (0..n).flat_map(|q| (0..q).map(move |p| (p, q))) {
            let off = a[p * n + q];
            if off == 0.0 {
                continue;
            }
            let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * off);
            let t = 1.0_f64.copysign(tau) / (tau.abs() + (1.0 + tau * tau).sqrt());
            let c = 1.0 / (1.0 + t * t).sqrt();
            let s = t * c;
            for i in 0..n {
                let (x, y) = (a[i * n + p], a[i * n + q]);
                (a[i * n + p], a[i * n + q]) = (c * x - s * y, s * x + c * y);
            }
            for i in 0..n {
                let (x, y) = (a[p * n + i], a[q * n + i]);
                (a[p * n + i], a[q * n + i]) = (c * x - s * y, s * x + c * y);
                let (x, y) = (vectors[i * n + p], vectors[i * n + q]);
                (vectors[i * n + p], vectors[i * n + q]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few hundred roundings of numbers up to 10.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn eigenvalues_take_a_matrix_apart() {
        let n = 4;
        let a = [4.0, 1.0, -2.0, 0.5, 1.0, 3.0, 0.0, 1.0, -2.0, 0.0, 5.0, -1.0, 0.5, 1.0, -1.0, 2.0];
        let (values, vectors) = eigen(&a, n);
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let entry: f64 = (0..n).map(|k| vectors[i * n + k] * values[k] * vectors[j * n + k]).sum();
            assert!((entry - a[i * n + j]).abs() < ROUNDING);
        }
    }

    /// `(M ⊗ G + Λ)·x`, in the order of parameters, and back.
    #[test]
    fn kronecker_product_is_solved() {
        let (gram, mean) = (vec![2.0, 0.0, 0.0, 0.5, 1.5, 0.0, 0.2, 0.1, 1.0], vec![0.2, -0.2, -0.2, 0.2]);
        let full = |i: usize, j: usize| gram[i.max(j) * 3 + i.min(j)];
        let ridge = [0.3, 0.4];
        let kronecker = Kronecker::new(Arc::new(gram.clone()), mean.clone(), 2, &ridge, true).unwrap();
        let x = [1.0, -2.0, 0.5, 3.0, 0.7, -0.2];
        let place = |o: usize, j: usize| if j < 2 { o * 2 + j } else { 4 + o };
        let mut r = vec![0.0; 6];
        for (o, j) in (0..2).flat_map(|o| (0..3).map(move |j| (o, j))) {
            for (l, m) in (0..2).flat_map(|l| (0..3).map(move |m| (l, m))) {
                r[place(o, j)] += mean[o * 2 + l] * full(j, m) * x[place(l, m)];
            }
            r[place(o, j)] += if j < 2 { ridge[j] * x[place(o, j)] } else { x[4] + x[5] };
        }
        for (found, expected) in Preconditioner::kronecker(kronecker).solve(&r).iter().zip(x) {
            assert!((found - expected).abs() < ROUNDING, "{found} {expected}");
        }
    }
}
