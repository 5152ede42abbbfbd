//! A start near the minimum, from some of the rows.

use crate::dataset::Panel;
use crate::error::Result;
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Linear, Module};
use crate::solver::{Newton, Solver};

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

/// Moves the model near the minimum over all rows, by fits of samples of them, where that is less work than what it saves.
/// Gives the solver to go on with.
///
/// From the minimum over n_s rows, a full step leads to a gap of about (q/n_s)², so that one eighth of the rows saves all
/// but the last two or three passes.
pub(super) fn warm_start<L: Loss + Clone>(risk: &EmpiricalRisk<'_, L>, model: &mut Linear) -> Result<Newton> {
    let mut solver = Newton::tame();
    let q = model.parameters().len();
    for every in EVERY {
        let sample = risk.thinned(every);
        let n = sample.n_rows();
        if n < ROWS_PER_PARAMETER * q || risk.n_rows() < FEWEST_ROWS {
            continue;
        }
        let start = model.parameters().to_vec();
        let mut on_sample = Newton::tame();
        let enough = SHARE * 0.5 * q as f64 / n as f64;
        let mut reached = false;
        for _ in 0..MOST_STEPS {
            let step = on_sample.step(&sample, model)?;
            reached = step.gap_estimate.is_some_and(|gap| gap <= enough);
            if reached || !step.moved {
                break;
            }
        }
        if !reached {
            model.parameters_mut().copy_from_slice(&start);
            continue;
        }
        solver = Newton::after_sample(on_sample);
    }
    Ok(solver)
}
