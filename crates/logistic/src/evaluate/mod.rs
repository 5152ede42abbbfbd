//! How good a set of probabilities is: the confusion matrix and its rates, curves, calibration.

mod calibration;
mod confusion;
mod curves;

pub use calibration::{Calibration, CalibrationBin};
pub use confusion::ConfusionMatrix;
pub use curves::{PrCurve, RocCurve};
