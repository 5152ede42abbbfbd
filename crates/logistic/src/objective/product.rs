//! Products with Hessians that are never formed, what preconditions them, and what either costs.

use super::direct::RowCurvature;
use super::preconditioner::{Classes, Preconditioner};
use super::{EmpiricalRisk, Objective, Order, Sums};
use crate::cholesky::Cholesky;
use crate::dataset::{Direct, Feature, RowPanel, Standardisation};
use crate::loss::{Loss, Reduction};

/// What products with the Hessian at a point need.
#[derive(Clone, Debug)]
pub struct Curvature {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The Hessian itself, (n, n), of which the lower triangle is kept.
    Matrix(Vec<f64>),
    Rows(RowCurvature),
}

impl Curvature {
    pub(super) fn of_matrix(hessian: Vec<f64>) -> Self {
        Curvature { kind: Kind::Matrix(hessian) }
    }

    pub(super) fn matrix_product(&self, v: &[f64]) -> Vec<f64> {
        let n = v.len();
        let mut product = vec![0.0; n];
        if let Kind::Matrix(hessian) = &self.kind {
            for i in 0..n {
                let row = &hessian[i * n..=i * n + i];
                product[i] += row.iter().zip(v).map(|(h, v)| h * v).sum::<f64>();
                product.iter_mut().zip(&row[..i]).for_each(|(to, h)| *to += h * v[i]);
            }
        }
        product
    }

    pub(super) fn matrix_diagonal(&self) -> Preconditioner {
        match &self.kind {
            Kind::Matrix(hessian) => {
                let n = hessian.len().isqrt();
                Preconditioner::diagonal((0..n).map(|i| hessian[i * n + i]).collect(), Vec::new())
            }
            Kind::Rows(_) => Preconditioner::diagonal(Vec::new(), Vec::new()),
        }
    }
}

/// Seconds, roughly, of two cores of this decade: what matters is how they compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// One product with the Hessian.
    pub(crate) product: f64,
    /// The Hessian and its factor; infinite where it is too large.
    pub(crate) factor: f64,
}

/// A number of a row that is read, at the speed of memory, about 20 GB/s.
const READ: f64 = 0.4e-9;
/// A multiplication with an addition in a block of numbers that stays near, about 28·10⁹ a second.
const MULTIPLY: f64 = 0.036e-9;
/// A number that is added somewhere else in memory every time.
const SCATTER: f64 = 1e-9;
/// A factorisation is a third as fast as cross products.
const FACTOR: f64 = 3.0 * MULTIPLY;
/// The curvature of more parameters is not formed to precondition; it would fill half a gigabyte.
const MOST_FACTORED: usize = 8192;

impl Costs {
    /// What a Hessian and its factor cost, in products; none where they are out of reach.
    pub(crate) fn factor_in_products(self) -> Option<f64> {
        self.factor.is_finite().then_some(self.factor / self.product)
    }
}

/// Rows of a sample for the blocks of classes, for every column: they only precondition, but of most rows a class has no
/// curvature to speak of.
const ROWS_PER_COLUMN: usize = 32;
/// The cross products of more columns cost more than they save.
const MOST_CROSSED: usize = 2048;

impl<'a, L: Loss> EmpiricalRisk<'a, L> {
    fn to_mean(&self, sums: &mut [f64]) {
        if self.loss.reduction() == Reduction::Mean {
            sums.iter_mut().for_each(|sum| *sum /= self.total_weight);
        }
    }

    pub(super) fn curved_rows(&self, parameters: &[f64]) -> (Sums, Curvature) {
        let Some(direct) = self.direct() else {
            let mut sums = self.sums(parameters, Order::Hessian);
            let hessian = std::mem::take(&mut sums.hessian);
            return (sums, Curvature::of_matrix(hessian));
        };
        let (mut sums, rows) = self.direct_sums(&direct, parameters, Order::Gradient, true);
        if self.loss.reduction() == Reduction::Mean {
            sums.scale(1.0 / self.total_weight);
        }
        if let Some(penalty) = &self.penalty {
            penalty.add_smooth(parameters, Order::Gradient, &mut sums);
        }
        (sums, Curvature { kind: Kind::Rows(rows) })
    }

    pub(super) fn product(&self, curvature: &Curvature, v: &[f64]) -> Vec<f64> {
        let (Kind::Rows(rows), Some(direct)) = (&curvature.kind, self.direct()) else {
            return curvature.matrix_product(v);
        };
        let mut product = self.direct_product(&direct, rows, v);
        self.to_mean(&mut product);
        if let Some(penalty) = &self.penalty {
            penalty.add_product(v, &mut product);
        }
        product
    }

    /// At least the largest `Σⱼ xᵢⱼ²·qⱼ` of any row; `largest` and `q` (n_columns).
    pub(crate) fn largest_square(&self, largest: &[f64], q: &[f64]) -> f64 {
        if let Some(elsewhere) = self.elsewhere() {
            return self.ask_largest_square(elsewhere, largest, q);
        }
        let in_order = self.rows.range().is_some();
        let direct = Direct::new(self.rows.dataset(), self.standard.as_ref(), 1, in_order);
        direct.largest_square(&self.rows, largest, q)
    }

    /// At least the largest `Σⱼ xᵢⱼ²·qⱼ` of any row, where it is not taken column by column: `q` (n_columns).
    pub(crate) fn largest_weighted_square(&self, q: &[f64]) -> f64 {
        let mut dense = self.standard.clone().unwrap_or_else(|| Standardisation::none(self.n_columns()));
        let dataset = self.rows.dataset();
        let is_dense = |k: &usize| !dataset.features()[dataset.place_of(dense.columns[*k]).0].is_compact();
        let places: Vec<usize> = (0..q.len()).filter(is_dense).collect();
        dense.scale.iter_mut().zip(q).for_each(|(scale, q)| *scale /= q.sqrt());
        let dense = dense.subset(&places);
        let of_chunk = |range| {
            let (mut panel, mut most) = (RowPanel::default(), 0.0);
            for rows in self.blocks(range, RowPanel::ROWS) {
                panel.pack(&rows, &dense, false);
                most = f64::max(most, panel.largest_square(rows.len()));
            }
            most
        };
        let of_dense = self.rows.chunks(1, of_chunk).into_iter().fold(0.0, f64::max);
        of_dense + self.largest_square(&vec![0.0; q.len()], q)
    }

    /// The mean curvature of the outputs' logits, row-major (outputs, outputs).
    pub(crate) fn mean_curvature(&self, curvature: &Curvature) -> Option<Vec<f64>> {
        let (Kind::Rows(rows), Some(direct)) = (&curvature.kind, self.direct()) else { return None };
        let mut mean = self.sum_of_curvature(&direct, rows);
        self.to_mean(&mut mean);
        Some(mean)
    }

    pub(super) fn precondition(&self, curvature: &Curvature, before: Option<Preconditioner>) -> Preconditioner {
        let (Kind::Rows(rows), Some(direct)) = (&curvature.kind, self.direct()) else {
            return before.unwrap_or_else(|| curvature.matrix_diagonal());
        };
        let mut mean = self.sum_of_curvature(&direct, rows);
        self.to_mean(&mut mean);
        if let Some(before) = before.filter(|before| before.serves(&mean)) {
            return before;
        }
        if let Some(classes) = self.classes(&direct, rows, &mean) {
            return Preconditioner::classes(classes);
        }
        let mut diagonal = self.direct_diagonal(&direct, rows);
        self.to_mean(&mut diagonal);
        if let Some(penalty) = &self.penalty {
            penalty.add_diagonal(&mut diagonal);
        }
        Preconditioner::diagonal(diagonal, mean)
    }

    /// The blocks of the classes, of a sample of the rows; none for two classes, for too many columns, where every class
    /// has not an output of its own, or a column no penalty, for then another parameter would be common to all.
    fn classes(&self, direct: &Direct<'a>, rows: &RowCurvature, mean: &[f64]) -> Option<Classes> {
        let (p, outputs) = (self.n_columns(), self.loss.n_outputs());
        if outputs == 1 || p > MOST_CROSSED || self.has_compact() {
            return None;
        }
        let penalty = self.penalty.as_ref()?;
        let alike = (1..outputs).all(|k| penalty.l2[k * p..(k + 1) * p] == penalty.l2[..p]);
        if !alike || penalty.l2[..p].contains(&0.0) || outputs < self.rows.dataset().n_classes() {
            return None;
        }
        let every = 1 << (self.n_rows() / (ROWS_PER_COLUMN * p).max(1)).clamp(1, 64).ilog2();
        let mut common = penalty.l2[..p].to_vec();
        if self.intercept {
            common.push(outputs as f64);
        }
        let factors = self.class_blocks(direct, rows, every).into_iter().map(|mut block| {
            (0..p).for_each(|j| block[j * common.len() + j] += penalty.l2[j]);
            Cholesky::new(&block, common.len()).ok()
        });
        let factors = factors.collect::<Option<Vec<Cholesky>>>()?;
        Some(Classes { mean: mean.to_vec(), factors, common, columns: p })
    }

    /// What products and factors of the Hessian cost.
    pub(crate) fn costs(&self) -> Costs {
        let (n, outputs, q) = (self.n_rows() as f64, self.loss.n_outputs() as f64, self.n_parameters());
        let (mut dense, mut scattered) = (0.0, 0.0);
        let features = self.rows.dataset().features();
        for feature in features {
            match feature {
                Feature::Csr { columns, .. } => scattered += columns.len() as f64 / feature.len().max(1) as f64,
                compact if compact.is_compact() => scattered += 1.0,
                other => dense += other.n_columns() as f64,
            }
        }
        // A screened fit works on some of the columns.
        dense = dense.min(self.n_columns() as f64);
        let product = n * (dense * (READ + 2.0 * outputs * MULTIPLY) + 2.0 * outputs * scattered * SCATTER);
        let pairs = 0.5 * outputs * (outputs + 1.0);
        let cross = n * pairs * (0.5 * dense * dense * MULTIPLY + scattered * (dense + 0.5 * scattered) * SCATTER);
        let factor = if q <= MOST_FACTORED { cross + (q as f64).powi(3) / 6.0 * FACTOR } else { f64::INFINITY };
        Costs { product, factor }
    }
}
