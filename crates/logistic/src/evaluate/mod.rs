//! How good a set of probabilities is: the confusion matrix and its rates, curves, log loss, calibration.
//!
//! Everything takes plain slices, one entry per row: probabilities (or logits), outcomes of 0 and 1, and weights
//! where rows do not count the same. Weight 2 is the row twice, weight 0 is no row. [`Evaluation`] gathers it all.

mod calibration;
mod confusion;
mod curves;
mod evaluation;
mod predictions;
mod scoring;

pub use calibration::{Calibration, CalibrationBin, calibration_bins, calibration_line};
pub use confusion::ConfusionMatrix;
pub use curves::{PrCurve, RocCurve};
pub use evaluation::Evaluation;
pub use scoring::{brier, log_loss, log_loss_from_logits};
