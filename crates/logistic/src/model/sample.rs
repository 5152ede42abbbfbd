//! A start near the minimum, from some of the rows.

use crate::dataset::Panel;
use crate::error::Result;
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Linear, Module};
use crate::solver::{Newton, NewtonCg, Solver};

/// With fewer rows, there is nothing to save.
const FEWEST_ROWS: usize = 64 * Panel::ROWS;
/// Every how many panels of rows a sample takes; one sample after the other.
const EVERY: [usize; 2] = [64, 8];
/// A sample has at least so many rows for every parameter; with fewer its minimum says little of that of all rows.
const ROWS_PER_PARAMETER: usize = 20;
/// The minimum over n_s rows is itself about q/(2·n_s) above that over all rows, by chance (half a chi-squared of q degrees
/// of freedom, Wilks, Annals of Mathematical Statistics 9(1), 1938). To come closer to it than this share of that is
/// wasted.
const SHARE: f64 = 0.1;
/// A sample that is not there by then has no minimum, or one that is of no use.
const MOST_STEPS: usize = 8;

/// Moves the model near the minimum over all rows, by fits of samples of them, where products with Hessians lead to it.
pub(super) fn warm_start_by_products<L: Loss + Clone>(risk: &EmpiricalRisk<'_, L>, model: &mut Linear) -> Result<()> {
    let q = model.parameters().len();
    for every in EVERY {
        let sample = risk.thinned(every);
        if sample.n_rows() < ROWS_PER_PARAMETER * q || risk.n_rows() < FEWEST_ROWS {
            continue;
        }
        approach(&sample, model, &mut NewtonCg::default())?;
    }
    Ok(())
}

/// Steps until the minimum over a sample is near; where it is not reached, the model stays where it was.
fn approach<L: Loss>(sample: &EmpiricalRisk<'_, L>, model: &mut Linear, solver: &mut dyn Solver) -> Result<bool> {
    let start = model.parameters().to_vec();
    let enough = SHARE * 0.5 * start.len() as f64 / sample.n_rows() as f64;
    for _ in 0..MOST_STEPS {
        let step = solver.step(sample, model)?;
        if step.gap_estimate.is_some_and(|gap| gap <= enough) {
            return Ok(true);
        }
        if !step.moved {
            break;
        }
    }
    model.parameters_mut().copy_from_slice(&start);
    Ok(false)
}

/// Moves the model near the minimum over all rows, by fits of samples of them, where that is less work than what it saves.
/// Gives the solver to go on with.
///
/// From the minimum over n_s rows, a full step leads to a gap of about (q/n_s)², so that one eighth of the rows saves all
/// but the last two or three passes.
pub(super) fn warm_start<L: Loss + Clone>(risk: &EmpiricalRisk<'_, L>, model: &mut Linear) -> Result<Newton> {
    let mut solver = Newton::tame();
    let q = model.parameters().len();
    // An engine is asked of all rows, or of none.
    let samples = if risk.is_elsewhere() { &[] } else { &EVERY[..] };
    for &every in samples {
        let sample = risk.thinned(every);
        if sample.n_rows() < ROWS_PER_PARAMETER * q || risk.n_rows() < FEWEST_ROWS {
            continue;
        }
        let mut on_sample = Newton::tame();
        if approach(&sample, model, &mut on_sample)? {
            solver = Newton::after_sample(on_sample);
        }
    }
    Ok(solver)
}
