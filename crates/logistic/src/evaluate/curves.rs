//! Curves over all thresholds.

/// The receiver operating characteristic, from (0, 0) to (1, 1).
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// Rows with a probability of at least this are called positive; the first is +∞.
    pub threshold: Vec<f64>,
    /// FP / (FP + TN) at each threshold.
    pub false_positive_rate: Vec<f64>,
    /// TP / (TP + FN) at each threshold.
    pub true_positive_rate: Vec<f64>,
    /// The area under the curve.
    pub area: f64,
}

/// Precision against recall, recall falling from 1 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct PrCurve {
    /// Rows with a probability of at least this are called positive; one entry fewer than the rates, whose last
    /// point (recall 0, precision 1) has no threshold.
    pub threshold: Vec<f64>,
    /// TP / (TP + FP) at each threshold.
    pub precision: Vec<f64>,
    /// TP / (TP + FN) at each threshold.
    pub recall: Vec<f64>,
    /// Σ (Rₖ − Rₖ₋₁)·Pₖ, the step-wise area.
    pub average_precision: f64,
}
