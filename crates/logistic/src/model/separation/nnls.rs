//! Least squares with non-negative coefficients (Lawson & Hanson, *Solving Least Squares Problems*, 1974, ch. 23).
//!
//! This answers the two questions that separation asks. Its answer is a proof either way: multipliers that reach the
//! target put it in the cone of the columns; a residual that no column has a positive product with is a hyperplane
//! between them (Farkas' lemma). It ends after finitely many steps however degenerate the problem, since the residual
//! shrinks at every one, where the simplex method would need a rule against cycling.

use super::dot;

/// A product below this is rounding, for columns and targets of about unit length.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// A column is taken as a combination of those before it where this share of its length, or less, stands out.
const DEPENDENT: f64 = 1e-13;
/// In practice the number of steps is a small multiple of the dimension.
const STEPS_PER_DIMENSION: usize = 30;

/// Where the minimisation ended.
pub(super) struct Solution {
    /// The columns with a positive multiplier, and the multiplier.
    pub(super) multipliers: Vec<(usize, f64)>,
    /// target − Σ multiplier·column (dimension).
    pub(super) residual: Vec<f64>,
}

/// Minimises ‖target − Σ λⱼ·columnⱼ‖ over λ ≥ 0. Columns (m, dimension) are of about unit length. Ends when no
/// column's product with the residual exceeds `slack`·‖residual‖², nor rounding; or after a number of steps that only
/// rounding can use up, so that the caller must verify what it concludes from the answer.
pub(super) fn nnls(columns: &[Vec<f64>], target: &[f64], slack: f64) -> Solution {
    let mut factor = Factor::default();
    let mut passive: Vec<usize> = Vec::new();
    let mut multipliers: Vec<f64> = Vec::new();
    let mut barred = vec![false; columns.len()];
    let mut residual = target.to_vec();
    for _ in 0..STEPS_PER_DIMENSION * (target.len() + 1) {
        let least = f64::max(ROUNDING, slack * dot(&residual, &residual));
        let products = (0..columns.len()).filter(|&j| !barred[j]).map(|j| (j, dot(&columns[j], &residual)));
        let best = products.filter(|&(_, product)| product > least).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((entering, _)) = best else { break };
        barred[entering] = true;
        if !factor.append(&columns[entering]) {
            continue;
        }
        passive.push(entering);
        multipliers.push(0.0);
        if factor.solve(target).last().is_none_or(|&multiplier| multiplier <= 0.0) {
            // Its product was rounding; it stays barred until something else moves.
            factor.remove(passive.len() - 1);
            passive.pop();
            multipliers.pop();
            continue;
        }
        descend(&mut factor, target, &mut passive, &mut multipliers);
        barred.fill(false);
        passive.iter().for_each(|&j| barred[j] = true);
        residual = factor.residual(target);
    }
    Solution { multipliers: passive.into_iter().zip(multipliers).collect(), residual }
}

/// Moves the multipliers to the least-squares solution on the passive columns, dropping each column whose multiplier
/// reaches zero on the way.
fn descend(factor: &mut Factor, target: &[f64], passive: &mut Vec<usize>, multipliers: &mut Vec<f64>) {
    loop {
        let goal = factor.solve(target);
        let ratio = |k: usize| if multipliers[k] > 0.0 { multipliers[k] / (multipliers[k] - goal[k]) } else { 0.0 };
        let blocked = (0..goal.len()).filter(|&k| goal[k] <= 0.0);
        let Some(leaving) = blocked.min_by(|&a, &b| ratio(a).total_cmp(&ratio(b))) else {
            *multipliers = goal;
            return;
        };
        let length = ratio(leaving);
        multipliers.iter_mut().zip(&goal).for_each(|(l, g)| *l += length * (g - *l));
        multipliers[leaving] = 0.0;
        for k in (0..passive.len()).rev().filter(|&k| goal[k] <= 0.0).collect::<Vec<_>>() {
            if multipliers[k] <= 0.0 {
                factor.remove(k);
                passive.remove(k);
                multipliers.remove(k);
            }
        }
    }
}

/// Columns = Q·R, with the columns of Q orthonormal and R upper triangular; columns come and go.
#[derive(Default)]
pub(super) struct Factor {
    /// The columns of Q.
    basis: Vec<Vec<f64>>,
    /// The columns of R; column k has k + 1 entries.
    triangle: Vec<Vec<f64>>,
}

impl Factor {
    /// Appends a column, by Gram–Schmidt done twice, which is enough (Parlett, *The Symmetric Eigenvalue Problem*,
    /// 1980, §6-9). Refuses one that depends on those before it.
    pub(super) fn append(&mut self, column: &[f64]) -> bool {
        let mut rest = column.to_vec();
        let mut entries = vec![0.0; self.basis.len()];
        for _ in 0..2 {
            for (entry, q) in entries.iter_mut().zip(&self.basis) {
                let along = dot(q, &rest);
                rest.iter_mut().zip(q).for_each(|(r, q)| *r -= along * q);
                *entry += along;
            }
        }
        let length = dot(&rest, &rest).sqrt();
        if length <= DEPENDENT * dot(column, column).sqrt() {
            return false;
        }
        rest.iter_mut().for_each(|r| *r /= length);
        entries.push(length);
        self.basis.push(rest);
        self.triangle.push(entries);
        true
    }

    /// Takes column `at` out; Givens rotations make R triangular again (Golub & Van Loan, *Matrix Computations*, 4th
    /// ed. 2013, §6.5.2).
    fn remove(&mut self, at: usize) {
        self.triangle.remove(at);
        for k in at..self.triangle.len() {
            let (above, below) = (self.triangle[k][k], self.triangle[k][k + 1]);
            let length = above.hypot(below);
            let (c, s) = (above / length, below / length);
            for column in &mut self.triangle[k..] {
                let (a, b) = (column[k], column[k + 1]);
                (column[k], column[k + 1]) = (c * a + s * b, c * b - s * a);
            }
            self.triangle[k].truncate(k + 1);
            let (head, tail) = self.basis.split_at_mut(k + 1);
            for (a, b) in head[k].iter_mut().zip(&mut tail[0]) {
                (*a, *b) = (c * *a + s * *b, c * *b - s * *a);
            }
        }
        self.basis.pop();
    }

    /// The least-squares coefficients of `target` on the columns: R·x = Qᵀ·target.
    fn solve(&self, target: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = self.basis.iter().map(|q| dot(q, target)).collect();
        for k in (0..x.len()).rev() {
            x[k] /= self.triangle[k][k];
            let (head, tail) = x.split_at_mut(k);
            head.iter_mut().zip(&self.triangle[k]).for_each(|(x, r)| *x -= tail[0] * r);
        }
        x
    }

    /// The part of `target` that is orthogonal to the columns.
    fn residual(&self, target: &[f64]) -> Vec<f64> {
        let mut rest = target.to_vec();
        for _ in 0..2 {
            for q in &self.basis {
                let along = dot(q, &rest);
                rest.iter_mut().zip(q).for_each(|(r, q)| *r -= along * q);
            }
        }
        rest
    }

    /// The shortest vector (dimension) whose product with every column is 1: Q·y with Rᵀ·y = 1.
    pub(super) fn equal_products(&self) -> Vec<f64> {
        let mut y: Vec<f64> = Vec::with_capacity(self.triangle.len());
        for column in &self.triangle {
            let diagonal = column[y.len()];
            y.push((1.0 - dot(&y, column)) / diagonal);
        }
        let mut vector = vec![0.0; self.basis.first().map_or(0, Vec::len)];
        for (y, q) in y.iter().zip(&self.basis) {
            vector.iter_mut().zip(q).for_each(|(v, q)| *v += y * q);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_in_the_cone_is_reached() {
        let columns = vec![vec![1.0, 0.0, 0.0], vec![0.6, 0.8, 0.0], vec![0.0, 0.6, 0.8], vec![-1.0, 0.0, 0.0]];
        let target = [0.5 * 1.0 + 0.6, 0.8 + 2.0 * 0.6, 1.6];
        let found = nnls(&columns, &target, 0.0);
        assert!(dot(&found.residual, &found.residual) < 1e-30);
        assert!(found.multipliers.iter().all(|&(_, multiplier)| multiplier > 0.0));
    }

    #[test]
    fn the_residual_is_a_hyperplane_between_cone_and_target() {
        let columns = vec![vec![1.0, 0.0], vec![0.6, 0.8], vec![0.8, 0.6]];
        let found = nnls(&columns, &[-1.0, 0.5], 0.0);
        assert!(columns.iter().all(|column| dot(column, &found.residual) < 1e-15));
        assert!(dot(&found.residual, &[-1.0, 0.5]) > 0.0);
    }

    #[test]
    fn columns_come_and_go() {
        let mut factor = Factor::default();
        let columns = [[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, -1.0, 2.0], [5.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, -1.0]];
        assert!(columns.iter().all(|column| factor.append(column)));
        factor.remove(1);
        let mut fresh = Factor::default();
        [0, 2, 3].iter().for_each(|&k| assert!(fresh.append(&columns[k])));
        let target = [0.3, -1.0, 2.0, 0.7];
        for (a, b) in factor.solve(&target).iter().zip(fresh.solve(&target)) {
            assert!((a - b).abs() < 1e-13);
        }
        let equal = factor.equal_products();
        [0, 2, 3].iter().for_each(|&k: &usize| assert!((dot(&columns[k], &equal) - 1.0).abs() < 1e-13));
    }
}
