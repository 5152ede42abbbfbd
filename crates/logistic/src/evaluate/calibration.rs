//! Do rows given a probability of 0.3 turn out positive three times in ten?

/// One bin of a calibration curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Mean predicted probability of the bin's rows.
    pub predicted: f64,
    /// Share of the bin's rows that are positive.
    pub observed: f64,
    /// Weight of the bin's rows.
    pub weight: f64,
}

/// The calibration curve, and the intercept and slope of a logistic regression of the outcome on the logit.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The bins that have rows, by rising probability.
    pub bins: Vec<CalibrationBin>,
    /// Intercept of the recalibrating regression; 0 when calibrated. Absent where that regression has no optimum.
    pub intercept: Option<f64>,
    /// Slope of the recalibrating regression; 1 when calibrated. Absent where that regression has no optimum.
    pub slope: Option<f64>,
}
