//! Proper scoring rules: lowest, in the mean, for the true probabilities.

use super::predictions::Predictions;
use crate::error::Result;

/// −(1/Σsᵢ) Σ sᵢ·(yᵢ·ln pᵢ + (1−yᵢ)·ln(1−pᵢ)), in nats per row.
///
/// Probabilities are first moved into ε … 1−ε, ε = 2⁻⁵², as scikit-learn does: a row that was given a probability
/// of 0 and happens all the same costs 36.04 nats, not infinitely many. [`log_loss_from_logits`] needs no such
/// bound. (I. J. Good, Journal of the Royal Statistical Society B 14 (1952) 107–114,
/// doi:10.1111/j.2517-6161.1952.tb00104.x)
///
/// The PyTorch tutorial that this project follows writes this loss without the labels, as if every row were both
/// positive and negative.
///
/// # Shapes
/// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
///
/// # Errors
/// Those of [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
pub fn log_loss(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<f64> {
    Ok(mean_log_loss(&Predictions::of_probabilities(probability, y, weight)?))
}

pub(super) fn mean_log_loss(rows: &Predictions<'_>) -> f64 {
    rows.mean(row_log_loss)
}

/// The log loss of one row.
pub(super) fn row_log_loss(p: f64, y: f64) -> f64 {
    let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    if y == 1.0 { -p.ln() } else { -(-p).ln_1p() }
}

/// (1/Σsᵢ) Σ sᵢ·(ln(1 + exp zᵢ) − yᵢ·zᵢ): the log loss of the probabilities 1/(1 + exp(−zᵢ)), in nats per row.
///
/// # Shapes
/// `logit`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) for a logit that is not finite; otherwise those of
/// [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
pub fn log_loss_from_logits(logit: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<f64> {
    let rows = Predictions::of_logits(logit, y, weight)?;
    Ok(rows.mean(|z, y| {
        let wrong = if y == 1.0 { -z } else { z };
        wrong.max(0.0) + (-z.abs()).exp().ln_1p()
    }))
}

/// (1/Σsᵢ) Σ sᵢ·(pᵢ − yᵢ)²: 0 is perfect, ¼ is what a probability of ½ for every row scores.
///
/// G. W. Brier, Monthly Weather Review 78 (1950) 1–3. His own sum runs over both classes and is twice this.
///
/// # Shapes
/// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
///
/// # Errors
/// Those of [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
pub fn brier(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<f64> {
    Ok(mean_brier(&Predictions::of_probabilities(probability, y, weight)?))
}

pub(super) fn mean_brier(rows: &Predictions<'_>) -> f64 {
    rows.mean(|p, y| (p - y) * (p - y))
}
