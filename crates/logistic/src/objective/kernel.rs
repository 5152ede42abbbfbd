//! The arithmetic over one panel.
//!
//! Outside, parameters of K outputs over p columns stand output by output: K·p weights, then K biases, if there are any.
//! To a panel a bias is the weight of a column of ones, so here each bias stands after the weights of its output.

use std::borrow::Cow;

use super::{Order, Sums};
use crate::dataset::Panel;
use crate::kernel::{Columns, combine, gram, inner};
use crate::loss::{Block, Loss};

/// What the parameters are of.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) outputs: usize,
    pub(super) columns: usize,
    pub(super) intercept: bool,
}

impl Shape {
    /// The number of parameters.
    pub(super) fn parameters(self) -> usize {
        self.outputs * self.width()
    }

    /// The biases among parameters as they stand in here; none where there is no intercept.
    pub(super) fn biases(self, inside: &[f64]) -> impl Iterator<Item = f64> + '_ {
        inside.iter().skip(self.columns).step_by(self.width().max(1)).copied().take(if self.intercept {
            self.outputs
        } else {
            0
        })
    }

    /// Puts the biases of all outputs to their places in here, if there is an intercept.
    pub(super) fn put_biases(self, biases: &[f64], inside: &mut [f64]) {
        if self.intercept {
            inside.iter_mut().skip(self.columns).step_by(self.width()).zip(biases).for_each(|(to, bias)| *to = *bias);
        }
    }

    /// Parameters of one output.
    pub(super) fn width(self) -> usize {
        self.columns + usize::from(self.intercept)
    }

    /// Where the parameter at `place` in here stands outside.
    fn outside(self, place: usize) -> usize {
        let (k, j) = (place / self.width(), place % self.width());
        if j < self.columns { k * self.columns + j } else { self.outputs * self.columns + k }
    }

    /// The parameters as they stand in here.
    pub(super) fn inside(self, parameters: &[f64]) -> Cow<'_, [f64]> {
        if self.is_alike() {
            return Cow::Borrowed(parameters);
        }
        (0..parameters.len()).map(|place| parameters[self.outside(place)]).collect()
    }

    /// Whether parameters stand in here as they do outside.
    fn is_alike(self) -> bool {
        self.outputs == 1 || !self.intercept
    }

    /// Sums as they stand outside.
    pub(super) fn turn_out(self, sums: Sums) -> Sums {
        if self.is_alike() {
            return sums;
        }
        let n = self.outputs * self.width();
        let mut out = Sums { value: sums.value, gradient: sums.gradient.clone(), hessian: sums.hessian.clone() };
        for (place, &g) in sums.gradient.iter().enumerate() {
            out.gradient[self.outside(place)] = g;
        }
        if !sums.hessian.is_empty() {
            for (a, b) in (0..n).flat_map(|a| (0..=a).map(move |b| (a, b))) {
                let (row, column) = (self.outside(a), self.outside(b));
                out.hessian[row.max(column) * n + row.min(column)] = sums.hessian[a * n + b];
            }
        }
        out
    }
}

/// Space that the kernel uses again from panel to panel.
#[derive(Default)]
pub(super) struct Work {
    z: Vec<f64>,
    curvature: Vec<f64>,
    scratch: Vec<f64>,
}

/// z = W·x + b + offset, (n_outputs, rows of the panel with those that pad it); `weights` as they stand in here.
fn padded_logits<'w>(panel: &Panel, weights: &[f64], shape: Shape, work: &'w mut Work) -> &'w mut [f64] {
    let x = panel.columns(shape.intercept);
    let (_, _, offset) = panel.padded();
    work.z.clear();
    for _ in 0..shape.outputs {
        work.z.extend_from_slice(offset);
        if offset.is_empty() {
            work.z.resize(work.z.len() + x.len, 0.0);
        }
    }
    combine(x, weights, &mut work.z);
    &mut work.z
}

/// z = W·x + b + offset, (n_outputs, n_rows); `weights` as they stand in here.
pub(super) fn logits<'w>(panel: &Panel, weights: &[f64], shape: Shape, work: &'w mut Work) -> &'w [f64] {
    padded_logits(panel, weights, shape, work);
    without_padding(panel, shape.outputs, &mut work.z);
    &work.z
}

fn without_padding(panel: &Panel, outputs: usize, z: &mut Vec<f64>) {
    let (n, padded) = (panel.n_rows(), panel.columns(false).len);
    if n < padded {
        (1..outputs).for_each(|k| z.copy_within(k * padded..k * padded + n, k * n));
        z.truncate(outputs * n);
    }
}

/// Adds the panel's weighted losses, and as many of their derivatives as `order` asks for.
pub(super) fn add(
    panel: &Panel,
    loss: &impl Loss,
    (weights, shape): (&[f64], Shape),
    order: Order,
    work: &mut Work,
    sums: &mut Sums,
) {
    padded_logits(panel, weights, shape, work);
    let Work { z, curvature, scratch } = work;
    let x = panel.columns(shape.intercept);
    let (y, weight, _) = panel.padded();
    curvature.clear();
    if order >= Order::Hessian {
        curvature.resize(shape.outputs * (shape.outputs + 1) / 2 * x.len, 0.0);
    }
    sums.value += loss.add(&mut Block { z, y, weight, curvature });
    // From here on `z` holds the residuals s·dℓ/dz.
    if order >= Order::Gradient && x.count > 0 {
        let residuals = Columns { values: z, stride: x.len, len: x.len, count: shape.outputs };
        inner(x, residuals, &mut sums.gradient);
    }
    if order >= Order::Hessian {
        for (at, (k, l)) in pairs(shape.outputs).enumerate() {
            add_hessian(x, &curvature[at * x.len..][..x.len], (k, l), scratch, sums);
        }
    }
}

/// Pairs of outputs k ≥ l, in the order of a lower triangle.
pub(super) fn pairs(outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs).flat_map(|k| (0..=k).map(move |l| (k, l)))
}

/// The rows' weighted residuals s·dℓ/dz, (n_outputs, n_rows).
pub(super) fn residuals<'w>(
    panel: &Panel,
    loss: &impl Loss,
    weights: &[f64],
    shape: Shape,
    work: &'w mut Work,
) -> &'w [f64] {
    let (y, weight, _) = panel.padded();
    let z = padded_logits(panel, weights, shape, work);
    loss.add(&mut Block { z, y, weight, curvature: &mut [] });
    without_padding(panel, shape.outputs, &mut work.z);
    &work.z
}

/// Adds the outer products of the rows' weighted scores, each over the number of rows that it stands for by its
/// outcome and weight, to the Hessian's place.
pub(super) fn add_scores(
    panel: &Panel,
    loss: &impl Loss,
    (weights, shape): (&[f64], Shape),
    stands_for: impl Fn(f64, f64) -> f64,
    work: &mut Work,
    sums: &mut Sums,
) {
    let x = panel.columns(shape.intercept);
    let (y, weight, _) = panel.padded();
    let z = padded_logits(panel, weights, shape, work);
    loss.add(&mut Block { z, y, weight, curvature: &mut [] });
    let Work { z, curvature, scratch } = work;
    let share = |(&y, &weight): (&f64, &f64)| if weight > 0.0 { 1.0 / stands_for(y, weight) } else { 0.0 };
    let shares: Vec<f64> = y.iter().zip(weight).map(share).collect();
    for (k, l) in pairs(shape.outputs) {
        let both = z[k * x.len..][..x.len].iter().zip(&z[l * x.len..][..x.len]);
        curvature.clear();
        curvature.extend(both.zip(&shares).map(|((a, b), share)| a * b * share));
        add_hessian(x, curvature, (k, l), scratch, sums);
    }
}

/// Adds `Σ mᵢ·xᵢ` over the rows, by their multipliers, to the gradient of one output.
pub(super) fn add_multiples(panel: &Panel, intercept: bool, multipliers: &mut Vec<f64>, sums: &mut Sums) {
    let x = panel.columns(intercept);
    multipliers.resize(x.len, 0.0);
    if x.count > 0 {
        inner(x, Columns { values: multipliers, stride: x.len, len: x.len, count: 1 }, &mut sums.gradient);
    }
}

/// Adds `Σ mᵢ·xᵢxᵢᵀ` over the rows, by their multipliers, to the Hessian of one output.
pub(super) fn add_squares(panel: &Panel, intercept: bool, multipliers: &mut Vec<f64>, sums: &mut Sums) {
    let x = panel.columns(intercept);
    multipliers.resize(x.len, 0.0);
    add_hessian(x, multipliers, (0, 0), &mut Vec::new(), sums);
}

/// Adds the block of outputs k ≥ l, as far as it stands in the lower triangle.
fn add_hessian(x: Columns<'_>, curvature: &[f64], (k, l): (usize, usize), scratch: &mut Vec<f64>, sums: &mut Sums) {
    let (width, n) = (x.count, sums.gradient.len());
    gram(x, curvature, scratch, |j, m, entry| {
        sums.hessian[(k * width + j) * n + l * width + m] += entry;
        // The block is symmetric; beside the diagonal its upper half belongs to the lower triangle too.
        if k > l && m < j {
            sums.hessian[(k * width + m) * n + l * width + j] += entry;
        }
    });
}
