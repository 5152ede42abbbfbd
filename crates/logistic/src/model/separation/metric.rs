//! Coordinates in which the rows are spread alike in all directions.

use super::constraints::{Block, Constraints};
use super::dot;
use crate::cholesky::Cholesky;

/// What is added to every diagonal entry of the second moments, which standardised columns bring to about 1, so that
/// the factor exists however collinear the columns are.
const RIDGE: f64 = 1e-13;

/// A linear map T of the parameters. Whether constraints can be separated does not depend on it, but how well rounding
/// lets one tell does: the shortest convex combination of the rows of nearly collinear columns is as short as the
/// columns' least singular value, that of Tᵀ·rows is not.
pub(super) struct Metric {
    /// L with L·Lᵀ = Σ x·xᵀ / n over the rows; T is L⁻ᵀ for each output.
    factor: Cholesky,
    n_columns: usize,
    n_outputs: usize,
    intercept: bool,
}

impl Metric {
    /// From the second moments of all rows, whatever their weights.
    pub(super) fn of(constraints: &Constraints<'_>) -> Self {
        let (p, intercept) = (constraints.standard().columns.len(), constraints.intercept());
        let width = p + usize::from(intercept);
        let work = |block: &mut Block, sums: &mut Vec<f64>| {
            sums.resize(width * width, 0.0);
            let panel = &block.panel;
            for j in 0..p {
                (0..=j).for_each(|k| sums[j * width + k] += dot(panel.column(j), panel.column(k)));
                if intercept {
                    sums[p * width + j] += panel.column(j).iter().sum::<f64>();
                }
            }
        };
        let mut moments = vec![0.0; width * width];
        for part in constraints.in_blocks(work) {
            moments.iter_mut().zip(&part).for_each(|(all, part)| *all += part / constraints.n_rows() as f64);
        }
        if intercept {
            moments[p * width + p] = 1.0;
        }
        let mut ridge = RIDGE;
        let factor = loop {
            (0..width).for_each(|j| moments[j * width + j] += ridge);
            match Cholesky::new(&moments, width) {
                Ok(factor) => break factor,
                // Numbers that are not finite, which standardisation rules out, would never give way.
                Err(_) if ridge > 1.0 => break identity(width),
                Err(_) => ridge *= 10.0,
            }
        };
        Metric { factor, n_columns: p, n_outputs: constraints.n_outputs(), intercept }
    }

    /// Tᵀ·vector, for the vector of a constraint or of a functional.
    pub(super) fn of_vector(&self, vector: &[f64]) -> Vec<f64> {
        self.each_output(vector, |part| self.factor.solve_lower(part))
    }

    /// T·direction: the parameters of a direction given in these coordinates.
    pub(super) fn to_parameters(&self, direction: &[f64]) -> Vec<f64> {
        self.each_output(direction, |part| self.factor.solve_upper(part))
    }

    fn each_output(&self, vector: &[f64], solve: impl Fn(&mut [f64])) -> Vec<f64> {
        let (p, outputs) = (self.n_columns, self.n_outputs);
        let mut mapped = vector.to_vec();
        for output in 0..outputs {
            let own = output * p..(output + 1) * p;
            let mut part = vector[own.clone()].to_vec();
            if self.intercept {
                part.push(vector[outputs * p + output]);
            }
            solve(&mut part);
            mapped[own].copy_from_slice(&part[..p]);
            if self.intercept {
                mapped[outputs * p + output] = part[p];
            }
        }
        mapped
    }
}

fn identity(n: usize) -> Cholesky {
    let diagonal: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at % (n + 1) == 0))).collect();
    Cholesky::independent(&diagonal, n, 0.0).0
}
