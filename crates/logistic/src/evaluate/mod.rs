//! How good a set of probabilities is: the confusion matrix and its rates, curves, log loss, calibration.
//!
//! Everything takes plain slices, one entry per row: probabilities (or logits), outcomes of 0 and 1, and weights
//! where rows do not count the same. Weight 2 is the row twice, weight 0 is no row. [`Evaluation`] gathers it all,
//! [`Intervals`] says how sure it is, [`Comparison`] sets two models side by side, and [`MultiEvaluation`] is for more
//! than two classes.

mod bootstrap;
mod calibration;
mod comparison;
mod confusion;
mod curves;
mod delong;
mod difference;
mod evaluation;
mod gains;
mod interval;
mod intervals;
mod multi;
mod multi_confusion;
mod predictions;
mod scoring;
mod threshold;

pub use calibration::{Calibration, CalibrationBin, calibration_bins, calibration_line};
pub use comparison::Comparison;
pub use confusion::ConfusionMatrix;
pub use curves::{PrCurve, RocCurve};
pub use delong::DeLong;
pub use difference::Difference;
pub use evaluation::Evaluation;
pub use gains::{Decile, Gains};
pub use interval::Interval;
pub use intervals::Intervals;
pub use multi::{Averages, MultiEvaluation};
pub use multi_confusion::MultiConfusionMatrix;
pub use scoring::{brier, log_loss, log_loss_from_logits};
pub use threshold::Threshold;
