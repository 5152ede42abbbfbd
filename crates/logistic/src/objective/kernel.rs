//! The arithmetic over one panel.

use super::{Order, Sums};
use crate::dataset::Panel;
use crate::loss::{Logit, Loss, exp_of_negative, log1p_of_unit};

/// Space that the kernel uses again from panel to panel.
#[derive(Default)]
pub(super) struct Work {
    z: Vec<f64>,
    t: Vec<f64>,
    tail: Vec<f64>,
    curvature: Vec<f64>,
    scaled: Vec<f64>,
}

/// z = X·w + b; the bias is the parameter after the panel's columns, if there is one.
pub(super) fn logits<'w>(panel: &Panel, parameters: &[f64], work: &'w mut Work) -> &'w [f64] {
    let columns = panel_columns(panel, parameters.len());
    work.z.clear();
    work.z.resize(panel.n_rows(), parameters.get(columns).copied().unwrap_or(0.0));
    for (j, &w) in parameters.iter().take(columns).enumerate() {
        work.z.iter_mut().zip(panel.column(j)).for_each(|(z, x)| *z += w * x);
    }
    &work.z
}

/// Adds the panel's weighted losses, and as many of their derivatives as `order` asks for.
pub(super) fn add(panel: &Panel, loss: &impl Loss, parameters: &[f64], order: Order, work: &mut Work, sums: &mut Sums) {
    logits(panel, parameters, work);
    let Work { z, t, tail, curvature, scaled } = work;
    // In loops of their own, so that the compiler can use vector instructions.
    t.clear();
    t.extend(z.iter().map(|z| exp_of_negative(-z.abs())));
    tail.clear();
    tail.extend(t.iter().map(|&t| log1p_of_unit(t)));
    curvature.clear();
    let rows = z.iter_mut().zip(&*t).zip(&*tail).zip(panel.y()).zip(panel.weight());
    for ((((z, &t), &tail), &y), &weight) in rows {
        // A row of weight 0 is no row, however large its loss.
        if weight == 0.0 {
            *z = 0.0;
            if order >= Order::Hessian {
                curvature.push(0.0);
            }
            continue;
        }
        let at = loss.at(Logit::from_parts(*z, t, tail), y);
        sums.value += weight * at.value;
        *z = weight * at.first;
        if order >= Order::Hessian {
            curvature.push(weight * at.second);
        }
    }
    // From here on `z` holds the residuals s·dℓ/dz.
    let (residual, width) = (&*z, parameters.len());
    let columns = panel_columns(panel, width);
    if order >= Order::Gradient {
        (0..columns).for_each(|j| sums.gradient[j] += dot(panel.column(j), residual));
        if columns < width {
            sums.gradient[columns] += residual.iter().sum::<f64>();
        }
    }
    if order >= Order::Hessian {
        for j in 0..columns {
            scaled.clear();
            scaled.extend(panel.column(j).iter().zip(&*curvature).map(|(x, c)| x * c));
            (0..=j).for_each(|k| sums.hessian[j * width + k] += dot(scaled, panel.column(k)));
            if columns < width {
                sums.hessian[columns * width + j] += scaled.iter().sum::<f64>();
            }
        }
        if columns < width {
            sums.hessian[columns * width + columns] += curvature.iter().sum::<f64>();
        }
    }
}

/// The panel's own columns among `width` parameters; the bias is no column.
fn panel_columns(panel: &Panel, width: usize) -> usize {
    panel.n_columns().min(width)
}

/// Eight partial sums, so that the processor's vector units have independent chains to work on.
fn dot(a: &[f64], b: &[f64]) -> f64 {
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
