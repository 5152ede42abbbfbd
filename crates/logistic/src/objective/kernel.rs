//! The arithmetic over one panel.
//!
//! Parameters of K outputs over p columns stand output by output: K·p weights, then K biases, if there are any.

use super::{Order, Sums};
use crate::dataset::Panel;
use crate::loss::{Block, Loss};

/// Space that the kernel uses again from panel to panel.
#[derive(Default)]
pub(super) struct Work {
    z: Vec<f64>,
    curvature: Vec<f64>,
    scratch: Vec<f64>,
}

/// z = W·x + b + offset, (n_outputs, n_rows).
pub(super) fn logits<'w>(panel: &Panel, parameters: &[f64], outputs: usize, work: &'w mut Work) -> &'w [f64] {
    let (n, p) = (panel.n_rows(), panel.n_columns());
    work.z.clear();
    for k in 0..outputs {
        let bias = parameters.get(outputs * p + k).copied().unwrap_or(0.0);
        work.z.resize((k + 1) * n, bias);
        let z = &mut work.z[k * n..];
        z.iter_mut().zip(panel.offset()).for_each(|(z, offset)| *z += offset);
        for (j, &w) in parameters[k * p..].iter().take(p).enumerate() {
            z.iter_mut().zip(panel.column(j)).for_each(|(z, x)| *z += w * x);
        }
    }
    &work.z
}

/// Adds the panel's weighted losses, and as many of their derivatives as `order` asks for.
pub(super) fn add(panel: &Panel, loss: &impl Loss, parameters: &[f64], order: Order, work: &mut Work, sums: &mut Sums) {
    let (n, outputs) = (panel.n_rows(), loss.n_outputs());
    logits(panel, parameters, outputs, work);
    let Work { z, curvature, scratch } = work;
    curvature.clear();
    if order >= Order::Hessian {
        curvature.resize(outputs * (outputs + 1) / 2 * n, 0.0);
    }
    sums.value += loss.add(&mut Block { z, y: panel.y(), weight: panel.weight(), curvature, scratch });
    // From here on `z` holds the residuals s·dℓ/dz.
    if order >= Order::Gradient {
        for (k, residual) in z.chunks_exact(n.max(1)).enumerate() {
            add_gradient(panel, residual, outputs, k, &mut sums.gradient);
        }
    }
    if order >= Order::Hessian {
        let pairs = (0..outputs).flat_map(|k| (0..=k).map(move |l| (k, l)));
        for ((k, l), curvature) in pairs.zip(curvature.chunks_exact(n.max(1))) {
            add_hessian(panel, curvature, (outputs, k, l), scratch, sums);
        }
    }
}

/// The rows' weighted residuals s·dℓ/dz, (n_outputs, n_rows).
pub(super) fn residuals<'w>(panel: &Panel, loss: &impl Loss, parameters: &[f64], work: &'w mut Work) -> &'w [f64] {
    logits(panel, parameters, loss.n_outputs(), work);
    let Work { z, scratch, .. } = work;
    loss.add(&mut Block { z, y: panel.y(), weight: panel.weight(), curvature: &mut [], scratch });
    z
}

/// Adds the outer products of the rows' weighted scores, each over the number of rows that it stands for by its
/// outcome and weight, to the Hessian's place.
pub(super) fn add_scores(
    panel: &Panel,
    loss: &impl Loss,
    parameters: &[f64],
    stands_for: impl Fn(f64, f64) -> f64,
    work: &mut Work,
    sums: &mut Sums,
) {
    let (n, outputs) = (panel.n_rows(), loss.n_outputs());
    residuals(panel, loss, parameters, work);
    let Work { z, curvature, scratch } = work;
    let share = |(&y, &weight): (&f64, &f64)| if weight > 0.0 { 1.0 / stands_for(y, weight) } else { 0.0 };
    let shares: Vec<f64> = panel.y().iter().zip(panel.weight()).map(share).collect();
    for (k, l) in (0..outputs).flat_map(|k| (0..=k).map(move |l| (k, l))) {
        let pairs = z[k * n..(k + 1) * n].iter().zip(&z[l * n..(l + 1) * n]);
        curvature.clear();
        curvature.extend(pairs.zip(&shares).map(|((a, b), share)| a * b * share));
        add_hessian(panel, curvature, (outputs, k, l), scratch, sums);
    }
}

pub(super) fn add_gradient(panel: &Panel, residual: &[f64], outputs: usize, k: usize, gradient: &mut [f64]) {
    let p = panel.n_columns();
    (0..p).for_each(|j| gradient[k * p + j] += dot(panel.column(j), residual));
    if let Some(bias) = gradient.get_mut(outputs * p + k) {
        *bias += residual.iter().sum::<f64>();
    }
}

/// Adds the block of outputs k ≥ l, as far as it stands in the lower triangle.
pub(super) fn add_hessian(
    panel: &Panel,
    curvature: &[f64],
    (outputs, k, l): (usize, usize, usize),
    scaled: &mut Vec<f64>,
    sums: &mut Sums,
) {
    let (p, width) = (panel.n_columns(), sums.gradient.len());
    let has_bias = width > outputs * p;
    for j in 0..p {
        scaled.clear();
        scaled.extend(panel.column(j).iter().zip(curvature).map(|(x, c)| x * c));
        for m in 0..=j {
            let entry = dot(scaled, panel.column(m));
            sums.hessian[(k * p + j) * width + l * p + m] += entry;
            // The block is symmetric; beside the diagonal its upper half belongs to the lower triangle too.
            if k > l && m < j {
                sums.hessian[(k * p + m) * width + l * p + j] += entry;
            }
        }
        if has_bias {
            let entry = scaled.iter().sum::<f64>();
            sums.hessian[(outputs * p + k) * width + l * p + j] += entry;
            if k > l {
                sums.hessian[(outputs * p + l) * width + k * p + j] += entry;
            }
        }
    }
    if has_bias {
        sums.hessian[(outputs * p + k) * width + outputs * p + l] += curvature.iter().sum::<f64>();
    }
}

/// Eight partial sums, so that the processor's vector units have independent chains to work on.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    let mut partial = [0.0; 8];
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..8 {
            partial[lane] += a[lane] * b[lane];
        }
    }
    partial.iter().sum::<f64>() + rest
}
