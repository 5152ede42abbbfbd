//! What is minimised: the mean loss over some rows, plus a penalty, as a sum over rows that can be merged.
//!
//! `objective(w) = (1/Σsᵢ)·Σ sᵢ·ℓ(yᵢ, zᵢ) + Σⱼ l1ⱼ·|wⱼ| + ½·Σⱼ l2ⱼ·wⱼ²`, with `z = x·w + b`; the bias is never
//! penalised. All rows, a mini-batch or one chunk of a thread differ only in *which* rows are summed.

mod direct;
mod hessian;
mod jeffreys;
mod journaled;
mod kernel;
mod linear;
mod network;
mod norm;
mod penalty;
mod preconditioner;
mod product;
mod question;
mod scores;
mod shared;

pub use jeffreys::Jeffreys;
pub use linear::{Linear, Module, Sequential, Tensor};
pub use network::{Activation, Layers, Network, NetworkRisk};
pub use penalty::ParameterPenalty;
pub use preconditioner::Preconditioner;
pub use product::Curvature;
pub(crate) use question::standardisation;
pub use question::{answer, merge, question_of_totals};
pub(crate) use scores::{Scores, StandsFor};
pub(crate) use shared::{Group, Logits, Pass, SharedRows};

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::cholesky::Cholesky;
use crate::dataset::{Panel, Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::{Loss, Output, Reduction};

/// How much of a sum is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The loss.
    Value,
    /// The loss and its gradient.
    Gradient,
    /// The loss, its gradient and its Hessian.
    Hessian,
}

/// A value with its derivatives in the parameters.
///
/// # Shapes
/// `gradient` (n_parameters); `hessian` row-major (n_parameters, n_parameters), of which only the lower triangle is
/// kept. Both are empty where the [`Order`] did not ask for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// The value.
    pub value: f64,
    /// The gradient.
    pub gradient: Vec<f64>,
    /// The lower triangle of the Hessian.
    pub hessian: Vec<f64>,
}

impl Sums {
    /// The sum over no rows.
    pub fn zero(n_parameters: usize, order: Order) -> Self {
        let size = |wanted: Order, len: usize| if order >= wanted { len } else { 0 };
        // Memory that is zero already comes by a slower way, which pays for large pieces only.
        let gradient = std::iter::repeat_n(0.0, size(Order::Gradient, n_parameters)).collect();
        Sums { value: 0.0, gradient, hessian: vec![0.0; size(Order::Hessian, n_parameters * n_parameters)] }
    }

    /// Adds the sums over other rows.
    pub fn merge(&mut self, other: &Sums) {
        self.value += other.value;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| *a += b);
        self.hessian.iter_mut().zip(&other.hessian).for_each(|(a, b)| *a += b);
    }

    fn scale(&mut self, factor: f64) {
        self.value *= factor;
        self.gradient.iter_mut().chain(&mut self.hessian).for_each(|a| *a *= factor);
    }

    /// The largest absolute entry of the gradient.
    pub fn gradient_max_norm(&self) -> f64 {
        self.gradient.iter().fold(0.0, |max, g| f64::max(max, g.abs()))
    }
}

/// A function of the parameters that a solver can minimise.
pub trait Objective {
    /// The number of parameters.
    fn n_parameters(&self) -> usize;
    /// What the model must put out for this objective to make sense.
    fn input(&self) -> Output;
    /// The weight of all rows, Σsᵢ.
    fn total_weight(&self) -> f64;
    /// Value and derivatives at `parameters` of all that is smooth.
    fn sums(&self, parameters: &[f64], order: Order) -> Sums;
    /// Whether [`Order::Hessian`] and what comes of it can be asked for.
    fn has_curvature(&self) -> bool {
        true
    }
    /// Value and gradient at `parameters` of all that is smooth, and the curvature there, for products with the Hessian.
    fn curved(&self, parameters: &[f64]) -> (Sums, Curvature) {
        let mut sums = self.sums(parameters, Order::Hessian);
        let hessian = std::mem::take(&mut sums.hessian);
        (sums, Curvature::of_matrix(hessian))
    }
    /// The Hessian times `v`, where [`Objective::curved`] of this objective gave the curvature.
    fn hessian_product(&self, curvature: &Curvature, v: &[f64]) -> Vec<f64> {
        curvature.matrix_product(v)
    }
    /// Something near the Hessian that is cheap to solve with; `before` is the one of a point before.
    fn preconditioner(&self, curvature: &Curvature, before: Option<Preconditioner>) -> Preconditioner {
        before.unwrap_or_else(|| curvature.matrix_diagonal())
    }
    /// What the Hessian and its factor cost, in products with the Hessian; none where they are out of reach.
    fn factor_price(&self) -> Option<f64> {
        None
    }
    /// What has kinks comes on top: the absolute values and the bounds of this penalty, if there is one.
    fn kinks(&self) -> Option<&ParameterPenalty> {
        None
    }
}

/// Linux maps 64 KiB around what is touched, where a panel's rows of a column may be 4 KiB.
const BROUGHT: usize = 16;

/// The mean loss over some rows of a linear predictor, with an optional penalty.
#[derive(Clone, Debug)]
pub struct EmpiricalRisk<'a, L> {
    rows: Rows<'a>,
    loss: L,
    standard: Option<Standardisation>,
    intercept: bool,
    penalty: Option<ParameterPenalty>,
    /// Of so many panels of rows, one takes part.
    every: usize,
    total_weight: f64,
}

thread_local! {
    /// A mini-batch is so little work that making room for it would be most of it; so each thread keeps its room.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    panel: Panel,
    work: kernel::Work,
}

impl<'a, L: Loss> EmpiricalRisk<'a, L> {
    /// The risk over `rows` of a predictor with an intercept, without penalty, in the columns' own units.
    pub fn new(rows: Rows<'a>, loss: L) -> Self {
        let total_weight = rows.total_weight();
        EmpiricalRisk { rows, loss, standard: None, intercept: true, penalty: None, every: 1, total_weight }
    }

    /// Leaves the intercept out.
    #[must_use]
    pub fn without_intercept(mut self) -> Self {
        self.intercept = false;
        self
    }

    /// Works in centred and scaled columns.
    #[must_use]
    pub fn standardised(mut self, standard: Standardisation) -> Self {
        self.standard = Some(standard);
        self
    }

    /// Adds a penalty on the parameters worked in, those of standardised columns included.
    ///
    /// # Errors
    /// [`Error::Shape`] when it is not for [`Objective::n_parameters`] parameters.
    pub fn penalised(mut self, penalty: ParameterPenalty) -> Result<Self> {
        penalty.check_length(self.n_parameters())?;
        self.penalty = Some(penalty);
        Ok(self)
    }

    /// The same, over other rows of the dataset.
    pub(crate) fn of_rows(&self, rows: Rows<'a>) -> Self
    where
        L: Copy,
    {
        EmpiricalRisk { total_weight: rows.total_weight(), rows, ..self.clone() }
    }

    /// The same, over one of `every` panels of rows, evenly spaced: rows that follow each other are read far faster than
    /// single ones, and for a start it does no harm where they are alike.
    pub(crate) fn thinned(&self, every: usize) -> Self
    where
        L: Clone,
    {
        let mut thinned = EmpiricalRisk { every, ..self.clone() };
        thinned.total_weight =
            thinned.starts(0, self.rows.len()).map(|start| self.panel_rows(start).total_weight()).sum();
        thinned
    }

    /// The number of outputs.
    pub(crate) fn n_outputs(&self) -> usize {
        self.loss.n_outputs()
    }

    /// The number of rows that take part.
    pub(crate) fn n_rows(&self) -> usize {
        self.starts(0, self.rows.len()).map(|start| self.panel_rows(start).len()).sum()
    }

    /// Where the panels that take part begin, of the rows from `start` (where one begins) to `end`.
    fn starts(&self, start: usize, end: usize) -> impl Iterator<Item = usize> + use<L> {
        let every = self.every;
        (start..end).step_by(Panel::ROWS).filter(move |start| every == 1 || (start / Panel::ROWS) % every == every / 2)
    }

    /// A mini-batch is one panel, and so little work that even to share its list of rows would cost.
    fn panel_rows(&self, start: usize) -> Cow<'_, Rows<'a>> {
        let n = self.rows.len();
        if n <= Panel::ROWS {
            return Cow::Borrowed(&self.rows);
        }
        Cow::Owned(self.rows.slice(start..n.min(start + Panel::ROWS)))
    }

    /// Tells that a panel's rows are read. Where few panels take part, the system brings their neighbours as well.
    fn passed(&self, rows: &Rows<'_>) {
        rows.passed(&(0..rows.len() * self.every.min(BROUGHT)));
    }

    fn n_columns(&self) -> usize {
        self.standard.as_ref().map_or_else(|| self.rows.dataset().n_columns(), |standard| standard.columns.len())
    }

    /// Calls `f` with a panel of each block of the rows from `start` to `end`.
    fn each_panel(&self, start: usize, end: usize, mut f: impl FnMut(&Panel, &mut kernel::Work)) {
        SCRATCH.with_borrow_mut(|Scratch { panel, work }| {
            for start in self.starts(start, end) {
                let rows = self.panel_rows(start);
                panel.pack(&rows, self.standard.as_ref());
                self.passed(&rows);
                f(panel, work);
            }
        });
    }

    /// Folds the panels of every chunk of the rows, on all cores, and gives one value per chunk, in order.
    pub(crate) fn panels<T: Send>(&self, zero: impl Fn() -> T + Sync, add: impl Fn(&mut T, &Panel) + Sync) -> Vec<T> {
        self.rows.chunks(self.n_columns(), |range| {
            let mut folded = zero();
            self.each_panel(range.start, range.end, |panel, _| add(&mut folded, panel));
            folded
        })
    }

    fn shape(&self) -> kernel::Shape {
        kernel::Shape { outputs: self.loss.n_outputs(), columns: self.n_columns(), intercept: self.intercept }
    }

    /// Sums over chunks of the rows, on all cores; what one panel adds is `f`'s.
    fn over_chunks(&self, zero: Sums, f: impl Fn(&Panel, &mut kernel::Work, &mut Sums) + Sync) -> Sums {
        let width = zero.gradient.len() + zero.hessian.len();
        let over = |range: Range<usize>, mut sums: Sums| {
            self.each_panel(range.start, range.end, |panel, work| f(panel, work, &mut sums));
            sums
        };
        if self.rows.is_one_chunk() {
            return self.shape().turn_out(over(0..self.rows.len(), zero));
        }
        let parts = self.rows.chunks(width, |range| over(range, zero.clone()));
        let mut parts = parts.into_iter();
        let mut merged = parts.next().unwrap_or(zero);
        parts.for_each(|part| merged.merge(&part));
        self.shape().turn_out(merged)
    }

    /// Value and derivatives, without penalty, as sums over rows.
    fn pass(&self, parameters: &[f64], order: Order) -> Sums {
        if let Some(elsewhere) = self.elsewhere() {
            return self.ask_sums(elsewhere, parameters, order);
        }
        match self.direct() {
            _ if order >= Order::Hessian && self.is_narrow() && self.rows.len() >= direct::FEW_ROWS => {
                self.narrow_sums(parameters)
            }
            Some(direct) => {
                let hessian = order >= Order::Hessian;
                let (mut sums, curvature) = self.direct_sums(&direct, parameters, order, hessian);
                if hessian {
                    sums.hessian = self.wide_hessian(&direct, &curvature);
                }
                sums
            }
            None => {
                let zero = Sums::zero(parameters.len(), order);
                let (shape, weights) = (self.shape(), self.shape().inside(parameters));
                self.over_chunks(zero, |panel, work, sums| {
                    kernel::add(panel, &self.loss, (&weights, shape), order, work, sums);
                })
            }
        }
    }

    /// As [`EmpiricalRisk::panels`], where `add` hears also the rows of a panel, and its logits at `parameters`, shape (n_outputs, n_rows).
    pub(crate) fn fold<T: Send>(
        &self,
        parameters: &[f64],
        zero: impl Fn() -> T + Sync,
        add: impl Fn(&mut T, &Rows<'a>, &Panel, &[f64]) + Sync,
    ) -> Vec<T> {
        let (shape, weights) = (self.shape(), self.shape().inside(parameters));
        self.rows.chunks(self.n_columns(), |range| {
            let mut folded = zero();
            let mut start = range.start;
            self.each_panel(range.start, range.end, |panel, work| {
                let rows = self.rows.slice(start..start + panel.n_rows());
                start += panel.n_rows();
                add(&mut folded, &rows, panel, kernel::logits(panel, &weights, shape, work));
            });
            folded
        })
    }

    /// The linear predictor of every row; with K outputs, each row's K after those of the row before.
    ///
    /// # Errors
    /// [`Error::Shape`] when `parameters` has not [`Objective::n_parameters`] entries.
    pub fn logits(&self, parameters: &[f64]) -> Result<Vec<f64>> {
        let expected = self.n_parameters();
        if parameters.len() != expected {
            return Err(Error::Shape { what: "length of parameters".to_string(), expected, found: parameters.len() });
        }
        let (shape, weights, outputs) = (self.shape(), self.shape().inside(parameters), self.loss.n_outputs());
        let mut logits = Vec::with_capacity(self.rows.len() * outputs);
        self.each_panel(0, self.rows.len(), |panel, work| {
            let n = panel.n_rows();
            let of_panel = kernel::logits(panel, &weights, shape, work);
            logits.extend((0..n * outputs).map(|at| of_panel[at % outputs * n + at / outputs]));
        });
        Ok(logits)
    }

    /// The largest `max ‖(xᵢ, 1)‖` of any row in the metric of the inverse of `factor`, a Cholesky factor. Of several
    /// outputs, the norm of the matrix of the row's columns beside each other (Frobenius), times √2: a bound on the
    /// spread of a row's logits along any direction of length 1.
    pub(crate) fn largest_norm(&self, factor: &Cholesky) -> f64 {
        if let Some(elsewhere) = self.elsewhere() {
            return self.ask_largest_norm(elsewhere, factor);
        }
        let largest = |start: usize| {
            let mut most: f64 = 0.0;
            self.each_panel(start, self.rows.len().min(start + Panel::ROWS), |panel, _| {
                most = most.max(norm::largest_square(panel, self.shape(), factor));
            });
            most
        };
        let starts: Vec<usize> = (0..self.rows.len()).step_by(Panel::ROWS).collect();
        let square = starts.par_iter().map(|&start| largest(start)).reduce(|| 0.0, f64::max);
        (if self.loss.n_outputs() == 1 { square } else { 2.0 * square }).sqrt()
    }
}

impl<L: Loss> Objective for EmpiricalRisk<'_, L> {
    fn n_parameters(&self) -> usize {
        (self.n_columns() + usize::from(self.intercept)) * self.loss.n_outputs()
    }

    fn input(&self) -> Output {
        self.loss.input()
    }

    fn total_weight(&self) -> f64 {
        self.total_weight
    }

    fn sums(&self, parameters: &[f64], order: Order) -> Sums {
        let mut sums = self.plain_sums(parameters, order);
        if self.loss.reduction() == Reduction::Mean {
            sums.scale(1.0 / self.total_weight);
        }
        if let Some(penalty) = &self.penalty {
            penalty.add_smooth(parameters, order, &mut sums);
        }
        sums
    }

    fn curved(&self, parameters: &[f64]) -> (Sums, Curvature) {
        self.curved_rows(parameters)
    }

    fn hessian_product(&self, curvature: &Curvature, v: &[f64]) -> Vec<f64> {
        self.product(curvature, v)
    }

    fn preconditioner(&self, curvature: &Curvature, before: Option<Preconditioner>) -> Preconditioner {
        self.precondition(curvature, before)
    }

    fn factor_price(&self) -> Option<f64> {
        self.costs().factor_in_products()
    }

    fn kinks(&self) -> Option<&ParameterPenalty> {
        self.penalty.as_ref().filter(|penalty| penalty.has_kinks())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Feature};
    use crate::loss::{BceWithLogits, CrossEntropy};

    fn data() -> Dataset {
        let n = 1300;
        let number = (0..n).map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0).collect();
        let codes = (0..n).map(|i| (i % 3) as u32).collect();
        let y = (0..n).map(|i| f64::from((i * 7) % 5 < 2)).collect();
        let weight = (0..n).map(|i| 0.5 + (i % 4) as f64).collect();
        Dataset::new(vec![Feature::Number(number), Feature::Codes { codes, levels: 3 }], y, Some(weight)).unwrap()
    }

    /// Central differences of step 1e-6 on values near 1 are good to about 1e-10.
    const DIFFERENCE: f64 = 1e-8;

    #[test]
    fn derivatives_agree_with_differences() {
        let data = data();
        let standard = Standardisation::of(&data.rows(), true);
        let penalty = ParameterPenalty { l2: vec![0.1, 0.2, 0.0, 0.0], ..ParameterPenalty::none(4) };
        let loss = BceWithLogits { pos_weight: 2.0, ..Default::default() };
        let shifted = data.clone().offset_by((0..data.len()).map(|i| 0.1 * (i % 7) as f64).collect()).unwrap();
        let binary = EmpiricalRisk::new(shifted.rows(), loss).standardised(standard.clone()).penalised(penalty);
        agrees(&binary.unwrap(), &[0.3, -0.7, 0.2, 0.1]);
        let y = (0..data.len()).map(|i| ((i * 7) % 5 % 3) as f64).collect();
        let classes = data.of_classes(y, 3).unwrap();
        let softmax = |base| {
            EmpiricalRisk::new(classes.rows(), CrossEntropy { n_classes: 3, base }).standardised(standard.clone())
        };
        agrees(&softmax(true), &[0.3, -0.7, 0.2, 0.1, 0.5, -0.4, 0.2, 0.9]);
        let gauges = vec![vec![9, 10, 11], vec![0, 3, 6]];
        let tied = softmax(false).penalised(ParameterPenalty { gauges, ..ParameterPenalty::none(12) }).unwrap();
        agrees(&tied, &[0.3, -0.7, 0.2, 0.1, 0.5, -0.4, 0.2, 0.9, -1.0, 0.6, 0.1, -0.2]);
    }

    fn agrees(risk: &impl Objective, at: &[f64]) {
        let here = risk.sums(at, Order::Hessian);
        let n = at.len();
        for j in 0..n {
            let h = 1e-6;
            let (mut low, mut high) = (at.to_vec(), at.to_vec());
            low[j] -= h;
            high[j] += h;
            let (low, high) = (risk.sums(&low, Order::Gradient), risk.sums(&high, Order::Gradient));
            assert!(((high.value - low.value) / (2.0 * h) - here.gradient[j]).abs() < DIFFERENCE);
            for k in 0..=j {
                let second = (high.gradient[k] - low.gradient[k]) / (2.0 * h);
                assert!((second - here.hessian[j * n + k]).abs() < DIFFERENCE, "{j} {k}");
            }
        }
    }

    #[test]
    fn the_largest_norm_is_that_of_a_row() {
        let data = data().weighted((0..1300).map(|i| f64::from(u8::from(i % 50 != 7))).collect()).unwrap();
        let classes = data.clone().of_classes((0..1300).map(|i| (i % 3) as f64).collect(), 3).unwrap();
        let softmax = CrossEntropy { n_classes: 3, base: true };
        largest_agrees(&EmpiricalRisk::new(data.rows(), BceWithLogits::default()));
        largest_agrees(&EmpiricalRisk::new(data.rows(), BceWithLogits::default()).without_intercept());
        largest_agrees(&EmpiricalRisk::new(classes.rows(), softmax));
    }

    /// Row by row, one right-hand side at a time.
    fn largest_agrees<L: Loss>(risk: &EmpiricalRisk<'_, L>) {
        let (n, p, outputs) = (risk.n_parameters(), risk.n_columns(), risk.loss.n_outputs());
        let a: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 3.0 } else { 0.1 * (at % n) as f64 }).collect();
        let factor = Cholesky::new(&a, n).unwrap();
        let square = |i: usize| {
            let (x, _) = risk.rows.get(i).unwrap();
            let of_output = |k: usize| {
                let mut row = vec![0.0; n];
                row[k * p..(k + 1) * p].copy_from_slice(&x);
                row.iter_mut().skip(outputs * p + k).take(1).for_each(|bias| *bias = 1.0);
                factor.solve_lower(&mut row);
                row.iter().map(|v| v * v).sum::<f64>()
            };
            (0..outputs).map(of_output).sum::<f64>()
        };
        let largest = (0..1300).filter(|i| i % 50 != 7).map(square).fold(0.0, f64::max);
        let expected = (if outputs == 1 { largest } else { 2.0 * largest }).sqrt();
        assert!((risk.largest_norm(&factor) - expected).abs() < 1e-14 * expected);
    }

    /// Rounding of sums over 1300 rows, of logits that were added up in another order.
    const REORDERED: f64 = 1e-11;

    fn close(a: &[f64], b: &[f64]) {
        let size = b.iter().fold(1.0, |max: f64, b| max.max(b.abs()));
        assert_eq!(a.len(), b.len());
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            assert!((a - b).abs() <= REORDERED * size, "{at}: {a} and {b}");
        }
    }

    /// Rows of every kind of feature, and the same as plain columns of numbers.
    fn every_kind() -> (Dataset, Dataset) {
        let n = 1300;
        let value = |i: usize, j: usize| ((i * 31 + j * 17 + i * i * (j + 1)) % 97) as f64 / 40.0 - 1.0;
        let number: Vec<f64> = (0..n).map(|i| value(i, 0)).collect();
        let wide = 9;
        let matrix: Vec<f64> = (0..n * wide).map(|at| value(at / wide, at % wide + 1)).collect();
        let narrow: Vec<f32> = (0..n * 2).map(|at| value(at / 2, at % 2 + 20) as f32).collect();
        let codes: Vec<u32> = (0..n).map(|i| ((i * i + 3 * i) % 21) as u32).collect();
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            for j in (0..30).filter(|j| (i * 7 + j * 13 + i * j) % 11 == 0) {
                columns.push(j as u32);
                values.push(value(i, j + 30));
            }
            starts.push(columns.len());
        }
        let y: Vec<f64> = (0..n).map(|i| f64::from((i * 7) % 5 < 2)).collect();
        let weight: Vec<f64> = (0..n).map(|i| (i % 4) as f64).collect();
        let compact = vec![
            Feature::number(number.clone()),
            Feature::Codes { codes: codes.clone().into(), levels: 21 },
            Feature::Matrix { values: matrix.into(), n_columns: wide },
            Feature::Product { codes: codes.into(), levels: 21, values: number.into() },
            Feature::Csr { starts: starts.into(), columns: columns.into(), values: values.into(), n_columns: 30 },
            Feature::Matrix { values: narrow.into(), n_columns: 2 },
        ];
        let compact = Dataset::new(compact, y.clone(), Some(weight.clone())).unwrap();
        let rows: Vec<Vec<f64>> = (0..n).map(|i| compact.get(i).unwrap().0).collect();
        let plain =
            (0..compact.n_columns()).map(|j| Feature::Number(rows.iter().map(|row| row[j]).collect())).collect();
        let offset: Vec<f64> = (0..n).map(|i| (i % 7) as f64 / 10.0).collect();
        let plain = Dataset::new(plain, y, Some(weight)).unwrap();
        (compact.offset_by(offset.clone()).unwrap(), plain.offset_by(offset).unwrap())
    }

    /// Values, gradients, Hessians and products, of features as they are stored and of their columns one by one, for all
    /// rows and for a list of them.
    #[test]
    fn features_as_they_are_stored_give_what_their_columns_give() {
        let (compact, plain) = every_kind();
        let standard = Standardisation::of(&compact.rows(), true);
        let of_plain = Standardisation { largest: standard.largest.clone(), ..standard.clone() };
        let list: Vec<usize> = (0..900).map(|i| (i * 7) % 1300).collect();
        for all in [true, false] {
            let rows = |data| if all { Dataset::rows(data) } else { Rows::select(data, list.clone()).unwrap() };
            let risk = |data, standard: &Standardisation| {
                EmpiricalRisk::new(rows(data), BceWithLogits::default()).standardised(standard.clone())
            };
            agree(&risk(&compact, &standard), &risk(&plain, &of_plain));
        }
        let classes = |data: &Dataset| {
            let y = (0..data.len()).map(|i| ((i * 7) % 5 % 3) as f64).collect();
            data.without_offset().of_classes(y, 3).unwrap()
        };
        let (compact, plain) = (classes(&compact), classes(&plain));
        let loss = CrossEntropy { n_classes: 3, base: false };
        let risk = |data, standard: &Standardisation| {
            let risk = EmpiricalRisk::new(Dataset::rows(data), loss).standardised(standard.clone());
            let n = risk.n_parameters();
            let gauges = vec![(n - 3..n).collect()];
            risk.penalised(ParameterPenalty { l2: vec![0.01; n], gauges, ..ParameterPenalty::none(n) }).unwrap()
        };
        agree(&risk(&compact, &standard), &risk(&plain, &of_plain));
    }

    fn agree<L: Loss>(compact: &EmpiricalRisk<'_, L>, plain: &EmpiricalRisk<'_, L>) {
        let n = compact.n_parameters();
        let at: Vec<f64> = (0..n).map(|j| ((j * 5) % 7) as f64 / 10.0 - 0.3).collect();
        let v: Vec<f64> = (0..n).map(|j| ((j * 3) % 5) as f64 / 5.0 - 0.4).collect();
        let (own, expected) = (compact.sums(&at, Order::Hessian), plain.sums(&at, Order::Hessian));
        close(&[own.value], &[expected.value]);
        close(&own.gradient, &expected.gradient);
        close(&own.hessian, &expected.hessian);
        close(&compact.sums(&at, Order::Gradient).gradient, &expected.gradient);
        close(&compact.logits(&at).unwrap(), &plain.logits(&at).unwrap());
        let expected = Curvature::of_matrix(expected.hessian).matrix_product(&v);
        for risk in [compact, plain] {
            let (sums, curvature) = risk.curved(&at);
            close(&sums.gradient, &own.gradient);
            close(&risk.hessian_product(&curvature, &v), &expected);
        }
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let data = data();
        let sum = BceWithLogits { reduction: Reduction::Sum, ..Default::default() };
        let at = [0.3, -0.7, 0.2, 0.1];
        let of = |rows| EmpiricalRisk::new(rows, sum).sums(&at, Order::Hessian);
        let mut parts = of(data.rows().slice(0..700));
        parts.merge(&of(data.rows().slice(700..1300)));
        let whole = of(data.rows());
        assert!((parts.value - whole.value).abs() < 1e-12 * whole.value);
        for (part, whole) in parts.hessian.iter().zip(&whole.hessian) {
            assert!((part - whole).abs() < 1e-12 * (1.0 + whole.abs()));
        }
    }
}
