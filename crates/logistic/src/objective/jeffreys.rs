//! Maximum likelihood with Jeffreys' prior, for two classes (Firth, Biometrika 80(1), 1993; Heinze & Schemper,
//! Statistics in Medicine 21(16), 2002).

use super::{EmpiricalRisk, Objective, Order, Sums, kernel};
use crate::cholesky::{Cholesky, dot};
use crate::dataset::Panel;
use crate::loss::{BceWithLogits, Logit, Output};

/// The mean loss less `½·log|H|/n`, where H is its Hessian and n the rows' weight: the negative penalised
/// log-likelihood per row, up to what does not depend on the parameters. Where H cannot be factored it is infinite.
///
/// As `Hessian` the sums give its own, `Σ sᵢ·(wᵢ − ½·wᵢ″·qᵢ/n)·xᵢxᵢᵀ/n + ½·M/n` with `w = p·(1 − p)`,
/// `qᵢ = xᵢ·H⁻¹·xᵢ` and `Mⱼₖ = tr(H⁻¹·∂ⱼH·H⁻¹·∂ₖH)`, where that is positive definite and the parameters are at most
/// 40, since M costs as many times more than H. Else they give `Σ sᵢ·wᵢ·(1 + wᵢ·qᵢ/n)·xᵢxᵢᵀ/n`, which is nowhere
/// less: Schur's test, with `Σₘ sₘ·wₘ·(xᵢ·H⁻¹·xₘ)²/n = qᵢ`, bounds M by `Σ sᵢ·wᵢ′²/wᵢ·qᵢ·xᵢxᵢᵀ/n`, and
/// `w′² = w²·(1 − 4w)`, `w″ = w·(1 − 6w)`. So a full step in its metric does not overshoot.
#[derive(Clone, Debug)]
pub struct Jeffreys<'a> {
    risk: EmpiricalRisk<'a, BceWithLogits>,
}

const MOST_EXACT: usize = 40;

impl<'a> Jeffreys<'a> {
    /// Adds the prior to a risk, which has no other penalty.
    pub fn new(risk: EmpiricalRisk<'a, BceWithLogits>) -> Self {
        Jeffreys { risk }
    }

    /// The gradient of log|H|, `Σ sᵢ·wᵢ′·qᵢ·xᵢ/n` (n_parameters); `factor` is of H.
    fn slope(&self, parameters: &[f64], factor: &Cholesky) -> Vec<f64> {
        let total = self.total_weight();
        let zero = Sums::zero(parameters.len(), Order::Gradient);
        let sums = self.risk.over_chunks(zero, |panel, work, sums| {
            let mut multipliers = Vec::with_capacity(panel.n_rows());
            each_row(panel, parameters, factor, work, |row| {
                multipliers.push(row.weight * row.w * row.tilt * row.norm() / total);
            });
            kernel::add_multiples(panel, self.risk.intercept, &mut multipliers, sums);
        });
        sums.gradient
    }

    /// `Σ sᵢ·f(wᵢ, qᵢ/n)·xᵢxᵢᵀ/n`, the lower triangle.
    fn squares(&self, parameters: &[f64], factor: &Cholesky, f: impl Fn(f64, f64) -> f64 + Sync) -> Vec<f64> {
        let total = self.total_weight();
        let zero = Sums::zero(parameters.len(), Order::Hessian);
        let sums = self.risk.over_chunks(zero, |panel, work, sums| {
            let mut multipliers = Vec::with_capacity(panel.n_rows());
            each_row(panel, parameters, factor, work, |row| {
                multipliers.push(row.weight * f(row.w, row.norm() / total) / total);
            });
            kernel::add_squares(panel, self.risk.intercept, &mut multipliers, sums);
        });
        sums.hessian
    }

    /// M. With `uᵢ = L⁻¹·xᵢ`, L the factor of H, its entries are the inner products of `Σ sᵢ·wᵢ′·xᵢⱼ·uᵢuᵢᵀ/n`.
    fn products(&self, parameters: &[f64], factor: &Cholesky) -> Vec<f64> {
        let n = parameters.len();
        let size = n * (n + 1) / 2;
        let total = self.total_weight();
        let zero = Sums { gradient: vec![0.0; n * size], ..Sums::default() };
        let sums = self.risk.over_chunks(zero, |panel, work, sums| {
            let mut square = vec![0.0; size];
            each_row(panel, parameters, factor, work, |row| {
                let pairs = (0..n).flat_map(|j| (0..=j).map(move |k| (j, k)));
                square.iter_mut().zip(pairs).for_each(|(entry, (j, k))| {
                    // Off the diagonal an entry stands for two.
                    let times = if j == k { 1.0 } else { std::f64::consts::SQRT_2 };
                    *entry = times * row.whitened[j] * row.whitened[k];
                });
                for (j, part) in sums.gradient.chunks_exact_mut(size).enumerate() {
                    let factor = row.weight * row.w * row.tilt * row.x(j) / total;
                    part.iter_mut().zip(&square).for_each(|(entry, square)| *entry += factor * square);
                }
            });
        });
        let part = |j: usize| &sums.gradient[j * size..(j + 1) * size];
        (0..n * n).map(|at| if at % n <= at / n { dot(part(at / n), part(at % n)) } else { 0.0 }).collect()
    }

    fn curvature(&self, parameters: &[f64], factor: &Cholesky) -> Vec<f64> {
        let n = parameters.len();
        if n <= MOST_EXACT {
            let mut exact = self.squares(parameters, factor, |w, q| w * (1.0 - 0.5 * (1.0 - 6.0 * w) * q));
            let products = self.products(parameters, factor);
            let total = self.total_weight();
            exact.iter_mut().zip(&products).for_each(|(entry, m)| *entry += 0.5 * m / total);
            if Cholesky::new(&exact, n).is_ok() {
                return exact;
            }
        }
        self.squares(parameters, factor, |w, q| w * (1.0 + w * q))
    }
}

/// A row as the prior sees it.
struct Row<'a> {
    panel: &'a Panel,
    at: usize,
    weight: f64,
    /// p·(1 − p).
    w: f64,
    /// 1 − 2p.
    tilt: f64,
    /// L⁻¹·x.
    whitened: &'a [f64],
}

impl Row<'_> {
    /// x·H⁻¹·x.
    fn norm(&self) -> f64 {
        dot(self.whitened, self.whitened)
    }

    fn x(&self, j: usize) -> f64 {
        if j < self.panel.n_columns() { self.panel.column(j)[self.at] } else { 1.0 }
    }
}

fn each_row(
    panel: &Panel,
    parameters: &[f64],
    factor: &Cholesky,
    work: &mut kernel::Work,
    mut f: impl FnMut(&Row<'_>),
) {
    let mut whitened = vec![0.0; parameters.len()];
    let columns = panel.n_columns();
    let shape = kernel::Shape { outputs: 1, columns, intercept: parameters.len() > columns };
    let z = kernel::logits(panel, parameters, shape, work);
    for (at, (&z, &weight)) in z.iter().zip(panel.weight()).enumerate() {
        let p = panel.n_columns();
        (0..p).for_each(|j| whitened[j] = panel.column(j)[at]);
        whitened.iter_mut().skip(p).for_each(|bias| *bias = 1.0);
        factor.solve_lower(&mut whitened);
        let (p, q) = Logit::new(z).probabilities();
        f(&Row { panel, at, weight, w: p * q, tilt: q - p, whitened: &whitened });
    }
}

impl Objective for Jeffreys<'_> {
    fn n_parameters(&self) -> usize {
        self.risk.n_parameters()
    }

    fn input(&self) -> Output {
        self.risk.input()
    }

    fn total_weight(&self) -> f64 {
        self.risk.total_weight()
    }

    fn sums(&self, parameters: &[f64], order: Order) -> Sums {
        let plain = self.risk.sums(parameters, Order::Hessian);
        let mut sums = Sums { value: f64::INFINITY, ..Sums::zero(parameters.len(), order) };
        let Ok(factor) = Cholesky::new(&plain.hessian, parameters.len()) else { return sums };
        let total = self.total_weight();
        sums.value = plain.value - 0.5 * factor.log_determinant() / total;
        if order >= Order::Gradient {
            let slope = self.slope(parameters, &factor);
            sums.gradient = plain.gradient.iter().zip(&slope).map(|(g, s)| g - 0.5 * s / total).collect();
        }
        if order >= Order::Hessian {
            sums.hessian = self.curvature(parameters, &factor);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Standardisation};

    /// Central differences of step 1e-6 on values near 1 are good to about 1e-10.
    const DIFFERENCE: f64 = 1e-8;

    #[test]
    fn derivatives_agree_with_differences() {
        let n = 700;
        let x: Vec<f64> = (0..2 * n).map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0).collect();
        let y = (0..n).map(|i| f64::from((i * 7) % 5 < 2)).collect();
        let data = Dataset::from_rows(&x, 2, y).unwrap();
        let data = data.weighted((0..n).map(|i| 0.01 * (i % 3) as f64).collect()).unwrap();
        let data = data.offset_by((0..n).map(|i| 0.1 * (i % 7) as f64).collect()).unwrap();
        let standard = Standardisation::of(&data.rows(), true);
        let risk = EmpiricalRisk::new(data.rows(), BceWithLogits::default()).standardised(standard);
        let jeffreys = Jeffreys::new(risk);
        let at = [0.8, -1.7, 0.4];
        let here = jeffreys.sums(&at, Order::Hessian);
        for j in 0..3 {
            let h = 1e-6;
            let (mut low, mut high) = (at, at);
            low[j] -= h;
            high[j] += h;
            let (low, high) = (jeffreys.sums(&low, Order::Gradient), jeffreys.sums(&high, Order::Gradient));
            assert!(((high.value - low.value) / (2.0 * h) - here.gradient[j]).abs() < DIFFERENCE, "{j}");
            for k in 0..=j {
                let second = (high.gradient[k] - low.gradient[k]) / (2.0 * h);
                assert!((second - here.hessian[j * 3 + k]).abs() < DIFFERENCE, "{j} {k}");
            }
        }
        // What stands in for the Hessian is nowhere less.
        let factor = Cholesky::new(&jeffreys.risk.sums(&at, Order::Hessian).hessian, 3).unwrap();
        let mut above = jeffreys.squares(&at, &factor, |w, q| w * (1.0 + w * q));
        above.iter_mut().zip(&here.hessian).for_each(|(a, h)| *a -= h);
        assert!(Cholesky::new(&above, 3).is_ok());
    }
}
