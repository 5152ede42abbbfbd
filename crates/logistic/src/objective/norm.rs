//! The size of rows in the metric of an inverse Hessian.

use super::kernel::Shape;
use crate::cholesky::Cholesky;
use crate::dataset::Panel;
use crate::kernel::{LANES, Lanes, eight};

/// Rows whose solves share the factor while it is near.
const ROWS: usize = 96;

/// The largest `Σₖ ‖L⁻¹·xₖ‖²` of any row with a weight, where L is `factor` and xₖ the row as output k has it: its
/// columns, and a 1 for the intercept, in the places of that output's parameters.
pub(super) fn largest_square(panel: &Panel, shape: Shape, factor: &Cholesky) -> f64 {
    let Shape { outputs, columns, intercept } = shape;
    let n = outputs * (columns + usize::from(intercept));
    let x = panel.columns(false);
    let (_, weights, _) = panel.padded();
    let mut strips: Vec<Lanes> = Vec::new();
    let mut largest: f64 = 0.0;
    for start in (0..x.len).step_by(ROWS) {
        let weights = &weights[start..x.len.min(start + ROWS)];
        let mut squares = vec![0.0; weights.len()];
        for k in 0..outputs {
            strips.clear();
            strips.resize(weights.len() / LANES * n, [0.0; LANES]);
            for (s, strip) in strips.chunks_exact_mut(n.max(1)).enumerate() {
                for (j, lanes) in strip[k * columns..][..columns].iter_mut().enumerate() {
                    *lanes = eight(x.get(j), start + s * LANES);
                }
                strip.iter_mut().skip(outputs * columns + k).take(1).for_each(|bias| *bias = [1.0; LANES]);
            }
            factor.solve_lower_strips(&mut strips, k * columns);
            for (squares, strip) in squares.chunks_exact_mut(LANES).zip(strips.chunks_exact(n.max(1))) {
                for lanes in strip {
                    squares.iter_mut().zip(lanes).for_each(|(sum, u)| *sum += u * u);
                }
            }
        }
        let weighted = squares.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
        largest = weighted.fold(largest, |most, (square, _)| most.max(*square));
    }
    largest
}
