//! Singular values by one-sided Jacobi rotations.

use crate::kernel::dot;

/// A handful of sweeps is enough; each is quadratically closer than the last.
const MOST_SWEEPS: usize = 60;

/// The singular values of a matrix of as many rows as columns, given by its columns; the largest first.
///
/// Pairs of columns are rotated until all are orthogonal; their lengths are then the singular values, each with a
/// relative error of a few n·ε times the condition of the columns scaled to length 1 (Demmel & Veselić, SIAM Journal on
/// Matrix Analysis and Applications 13(4), 1992; Golub & Van Loan, *Matrix Computations*, 4th ed. 2013, §8.6.3).
pub(super) fn singular_values(mut columns: Vec<Vec<f64>>) -> Vec<f64> {
    let n = columns.len();
    // Columns whose cosine is below the rounding of its sum are orthogonal.
    let orthogonal = f64::EPSILON * n as f64;
    for _ in 0..MOST_SWEEPS {
        let mut rotated = false;
        for j in 1..n {
            let (before, after) = columns.split_at_mut(j);
            before.iter_mut().for_each(|other| rotated |= rotate(other, &mut after[0], orthogonal));
        }
        if !rotated {
            break;
        }
    }
    let mut values: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

/// Makes two columns orthogonal, up to a cosine; whether they were not.
fn rotate(a: &mut [f64], b: &mut [f64], orthogonal: f64) -> bool {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    if ab.abs() <= orthogonal * (aa * bb).sqrt() {
        return false;
    }
    let zeta = (bb - aa) / (2.0 * ab);
    let tangent = 1.0_f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_matrices() {
        // [[3, 0], [4, 5]] has singular values √45 and √5 (Golub & Van Loan, or by hand from its Gram matrix).
        let values = singular_values(vec![vec![3.0, 4.0], vec![0.0, 5.0]]);
        assert!((values[0] - 45.0_f64.sqrt()).abs() < 1e-14 && (values[1] - 5.0_f64.sqrt()).abs() < 1e-14);
        // Hilbert's matrix of order 6: condition 1.495105864e7 (Higham, Accuracy and Stability, 2nd ed. 2002, table 28.1).
        let hilbert = (0..6).map(|i| (0..6).map(|j| 1.0 / f64::from(i + j + 1)).collect()).collect();
        let values = singular_values(hilbert);
        assert!((values[0] / values[5] / 1.495_105_864e7 - 1.0).abs() < 1e-8);
        assert_eq!(singular_values(Vec::new()), Vec::<f64>::new());
    }
}
