//! The directions in which every constraint known to be tight stays at zero.

use super::dot;

/// An orthonormal basis Z of the orthogonal complement of the constraint vectors taken out so far.
#[derive(Clone)]
pub(super) struct Complement {
    /// The columns of Z, each of as many entries as there are parameters.
    columns: Vec<Vec<f64>>,
}

impl Complement {
    /// The whole space.
    pub(super) fn whole(n_parameters: usize) -> Self {
        let unit = |j: usize| {
            let mut column = vec![0.0; n_parameters];
            column[j] = 1.0;
            column
        };
        Complement { columns: (0..n_parameters).map(unit).collect() }
    }

    /// The columns of Z.
    pub(super) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// Zᵀ·vector (dimension).
    pub(super) fn coordinates(&self, vector: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|column| dot(column, vector)).collect()
    }

    /// Z·coordinates (parameters).
    pub(super) fn lift(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut vector = vec![0.0; self.columns.first().map_or(0, Vec::len)];
        for (&c, column) in coordinates.iter().zip(&self.columns) {
            vector.iter_mut().zip(column).for_each(|(v, z)| *v += c * z);
        }
        vector
    }

    /// Takes out the direction with these coordinates, which must not all be zero, and carries the coordinates in
    /// `others` over to what is left. The Householder reflection that turns the direction into the first axis (Golub &
    /// Van Loan, *Matrix Computations*, 4th ed. 2013, §5.1) keeps Z orthonormal to rounding.
    pub(super) fn take_out<'c>(&mut self, direction: &[f64], others: impl Iterator<Item = &'c mut Vec<f64>>) {
        let mut axis = direction.to_vec();
        axis[0] += dot(direction, direction).sqrt().copysign(direction[0]);
        let factor = 2.0 / dot(&axis, &axis);
        let mut shift = vec![0.0; self.columns[0].len()];
        for (&a, column) in axis.iter().zip(&self.columns) {
            shift.iter_mut().zip(column).for_each(|(s, z)| *s += factor * a * z);
        }
        for (&a, column) in axis.iter().zip(&mut self.columns).skip(1) {
            column.iter_mut().zip(&shift).for_each(|(z, s)| *z -= a * s);
        }
        self.columns.remove(0);
        for other in others {
            let along = factor * dot(&axis, other);
            other.iter_mut().zip(&axis).for_each(|(o, a)| *o -= along * a);
            other.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_is_orthogonal_to_the_rest() {
        let mut complement = Complement::whole(4);
        let (a, b) = (vec![1.0, 2.0, 0.0, -1.0], vec![0.0, 1.0, 1.0, 3.0]);
        let mut coordinates = [b.clone()];
        complement.take_out(&a, coordinates.iter_mut());
        for (found, expected) in coordinates[0].iter().zip(complement.coordinates(&b)) {
            assert!((found - expected).abs() < 1e-15);
        }
        complement.take_out(&coordinates[0], std::iter::empty());
        assert_eq!(complement.columns().len(), 2);
        for (j, z) in complement.columns().iter().enumerate() {
            assert!(dot(z, &a).abs() < 1e-15 && dot(z, &b).abs() < 1e-15);
            for (k, other) in complement.columns().iter().enumerate() {
                assert!((dot(z, other) - f64::from(j == k)).abs() < 1e-15);
            }
        }
    }
}
