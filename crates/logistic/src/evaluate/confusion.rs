//! The confusion matrix.

/// Weighted counts of the four outcomes of a binary decision.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConfusionMatrix {
    /// Weight of the negative rows called negative.
    pub true_negative: f64,
    /// Weight of the negative rows called positive.
    pub false_positive: f64,
    /// Weight of the positive rows called negative.
    pub false_negative: f64,
    /// Weight of the positive rows called positive.
    pub true_positive: f64,
}
