//! What is minimised: the mean loss over some rows, plus a penalty, as a sum over rows that can be merged.
//!
//! `objective(w) = (1/Σsᵢ)·Σ sᵢ·ℓ(yᵢ, zᵢ) + Σⱼ l1ⱼ·|wⱼ| + ½·Σⱼ l2ⱼ·wⱼ²`, with `z = x·w + b`; the bias is never
//! penalised. All rows, a mini-batch or one chunk of a thread differ only in *which* rows are summed.

mod jeffreys;
mod kernel;
mod linear;
mod penalty;
mod scores;
mod shared;

pub use jeffreys::Jeffreys;
pub use linear::{Linear, Module, Sequential, Tensor};
pub use penalty::ParameterPenalty;
pub(crate) use shared::{Group, Logits, Pass, SharedRows};

use std::cell::RefCell;

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
        let size = |wanted: Order, len: usize| if order >= wanted { vec![0.0; len] } else { Vec::new() };
        Sums {
            value: 0.0,
            gradient: size(Order::Gradient, n_parameters),
            hessian: size(Order::Hessian, n_parameters * n_parameters),
        }
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
    /// What has kinks comes on top: the absolute values and the bounds of this penalty, if there is one.
    fn kinks(&self) -> Option<&ParameterPenalty> {
        None
    }
}

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
        let expected = self.n_parameters();
        for part in [&penalty.l2, &penalty.l1, &penalty.lower, &penalty.upper] {
            if part.len() != expected {
                return Err(Error::Shape { what: "length of a penalty".to_string(), expected, found: part.len() });
            }
        }
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

    /// The number of rows that take part.
    pub(crate) fn n_rows(&self) -> usize {
        self.starts(0, self.rows.len()).map(|start| self.panel_rows(start).len()).sum()
    }

    /// Where the panels that take part begin, of the rows from `start` (where one begins) to `end`.
    fn starts(&self, start: usize, end: usize) -> impl Iterator<Item = usize> + use<L> {
        let every = self.every;
        (start..end).step_by(Panel::ROWS).filter(move |start| (start / Panel::ROWS) % every == every / 2)
    }

    fn panel_rows(&self, start: usize) -> Rows<'a> {
        self.rows.slice(start..self.rows.len().min(start + Panel::ROWS))
    }

    fn n_columns(&self) -> usize {
        self.standard.as_ref().map_or_else(|| self.rows.dataset().n_columns(), |standard| standard.columns.len())
    }

    /// Calls `f` with a panel of each block of the rows from `start` to `end`.
    fn each_panel(&self, start: usize, end: usize, mut f: impl FnMut(&Panel, &mut kernel::Work)) {
        SCRATCH.with_borrow_mut(|Scratch { panel, work }| {
            for start in self.starts(start, end) {
                panel.pack(&self.panel_rows(start), self.standard.as_ref());
                f(panel, work);
            }
        });
    }

    /// Folds the panels of every chunk of the rows, on all cores, and gives one value per chunk, in order.
    pub(crate) fn panels<T: Send>(&self, zero: impl Fn() -> T + Sync, add: impl Fn(&mut T, &Panel) + Sync) -> Vec<T> {
        self.rows.chunks(|range| {
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
        let parts = self.rows.chunks(|range| {
            let mut sums = zero.clone();
            self.each_panel(range.start, range.end, |panel, work| f(panel, work, &mut sums));
            sums
        });
        let mut parts = parts.into_iter();
        let mut merged = parts.next().unwrap_or(zero);
        parts.for_each(|part| merged.merge(&part));
        self.shape().turn_out(merged)
    }

    /// As [`EmpiricalRisk::panels`], where `add` hears also the rows of a panel, and its logits at `parameters`, shape (n_outputs, n_rows).
    pub(crate) fn fold<T: Send>(
        &self,
        parameters: &[f64],
        zero: impl Fn() -> T + Sync,
        add: impl Fn(&mut T, &Rows<'a>, &Panel, &[f64]) + Sync,
    ) -> Vec<T> {
        let (shape, weights) = (self.shape(), self.shape().inside(parameters));
        self.rows.chunks(|range| {
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
        let (p, outputs) = (self.n_columns(), self.loss.n_outputs());
        let largest = |start: usize| {
            let mut row = vec![0.0; self.n_parameters()];
            let mut most: f64 = 0.0;
            self.each_panel(start, self.rows.len().min(start + Panel::ROWS), |panel, _| {
                for i in (0..panel.n_rows()).filter(|&i| panel.weight()[i] > 0.0) {
                    let mut square = 0.0;
                    for k in 0..outputs {
                        row.fill(0.0);
                        (0..p).for_each(|j| row[k * p + j] = panel.column(j)[i]);
                        row.iter_mut().skip(outputs * p + k).take(1).for_each(|bias| *bias = 1.0);
                        factor.solve_lower(&mut row);
                        square += row.iter().map(|v| v * v).sum::<f64>();
                    }
                    most = most.max(square);
                }
            });
            most
        };
        let starts: Vec<usize> = (0..self.rows.len()).step_by(Panel::ROWS).collect();
        let square = starts.par_iter().map(|&start| largest(start)).reduce(|| 0.0, f64::max);
        (if outputs == 1 { square } else { 2.0 * square }).sqrt()
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
        let zero = Sums::zero(parameters.len(), order);
        let (shape, weights) = (self.shape(), self.shape().inside(parameters));
        let mut sums = self.over_chunks(zero, |panel, work, sums| {
            kernel::add(panel, &self.loss, (&weights, shape), order, work, sums);
        });
        if self.loss.reduction() == Reduction::Mean {
            sums.scale(1.0 / self.total_weight);
        }
        if let Some(penalty) = &self.penalty {
            penalty.add_smooth(parameters, order, &mut sums);
        }
        sums
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
