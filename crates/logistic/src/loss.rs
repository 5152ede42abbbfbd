//! Losses of one row as functions of its logit, with first and second derivative.
//!
//! The tutorial this project grew from writes binary cross-entropy without the labels. With them it is
//! `−1/N · Σ [y·log p + (1 − y)·log(1 − p)]`: each row contributes the log-probability of the class it has
//! (Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90).

use crate::error::{Error, Result};

/// `1 / (1 + exp(−z))`, without overflow for any `z`.
pub fn sigmoid(z: f64) -> f64 {
    let t = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + t) } else { t / (1.0 + t) }
}

/// `log(sigmoid(z))`, without underflow: about `z` for very negative `z`.
pub fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - (-z.abs()).exp().ln_1p()
}

/// `log(p / (1 − p))`; infinite at 0 and 1.
pub fn logit(p: f64) -> f64 {
    p.ln() - (-p).ln_1p()
}

/// A loss and its first two derivatives with respect to the logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Derivatives {
    /// The loss.
    pub value: f64,
    /// dℓ/dz.
    pub first: f64,
    /// d²ℓ/dz².
    pub second: f64,
}

/// How the losses of several rows become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their weighted mean.
    #[default]
    Mean,
    /// Their weighted sum.
    Sum,
}

/// What a model puts out, and a loss takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The linear predictor z.
    Logit,
    /// The probability `sigmoid(z)`.
    Probability,
}

/// The loss of one row.
pub trait Loss: Sync {
    /// The loss and its derivatives in the logit `z`, for the outcome `y` in [0, 1].
    fn at(&self, z: f64, y: f64) -> Derivatives;
    /// Whether the loss is written for logits or for probabilities.
    fn input(&self) -> Output;
    /// Mean or sum over rows.
    fn reduction(&self) -> Reduction;

    /// PyTorch's `reduction="none"`: the loss of every row, each times its weight.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths differ.
    fn each(&self, logits: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Vec<f64>> {
        for (what, found) in [("length of y", y.len()), ("length of weight", weight.map_or(logits.len(), <[f64]>::len))]
        {
            if found != logits.len() {
                return Err(Error::Shape { what: what.to_string(), expected: logits.len(), found });
            }
        }
        let of_row = |i: usize| self.at(logits[i], y[i]).value * weight.map_or(1.0, |w| w[i]);
        Ok((0..logits.len()).map(of_row).collect())
    }
}

/// Binary cross-entropy of a logit, PyTorch's `BCEWithLogitsLoss`:
/// `pos_weight·y·softplus(−z) + (1 − y)·softplus(z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BceWithLogits {
    /// The factor on the loss of positive rows; 1 leaves them as they are.
    pub pos_weight: f64,
    /// Mean or sum over rows.
    pub reduction: Reduction,
}

impl Default for BceWithLogits {
    fn default() -> Self {
        BceWithLogits { pos_weight: 1.0, reduction: Reduction::Mean }
    }
}

impl Loss for BceWithLogits {
    #[inline]
    fn at(&self, z: f64, y: f64) -> Derivatives {
        let t = (-z.abs()).exp();
        // log(1 + t) for t in [0, 1], with what rounding 1 + t lost put back; half the cost of `ln_1p`.
        let sum = 1.0 + t;
        let inverse = 1.0 / sum;
        let tail = sum.ln() + (t - (sum - 1.0)) * inverse;
        // p and q = 1 − p; below = softplus(−z) = −log p, above = softplus(z) = −log q.
        let (p, q, below, above) = if z >= 0.0 {
            (inverse, t * inverse, tail, z + tail)
        } else {
            (t * inverse, inverse, tail - z, tail)
        };
        let (positive, negative) = (self.pos_weight * y, 1.0 - y);
        Derivatives {
            value: positive * below + negative * above,
            first: negative * p - positive * q,
            second: (positive + negative) * p * q,
        }
    }

    fn input(&self) -> Output {
        Output::Logit
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }
}

/// Binary cross-entropy of a probability, PyTorch's `BCELoss`: the logarithms are clamped at −100, and the
/// gradient at saturated probabilities fades as PyTorch's does, which divides by `max(p·(1 − p), 1e-12)`.
///
/// The derivatives are those in the logit behind the probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bce {
    /// Mean or sum over rows.
    pub reduction: Reduction,
}

impl Bce {
    /// PyTorch's lower bound on the logarithms.
    pub const LOG_CLAMP: f64 = -100.0;
    /// PyTorch's lower bound on the divisor `p·(1 − p)` in the gradient.
    pub const GRADIENT_FLOOR: f64 = 1e-12;
}

impl Loss for Bce {
    #[inline]
    fn at(&self, z: f64, y: f64) -> Derivatives {
        let p = sigmoid(z);
        let variance = p * sigmoid(-z);
        let fade = (variance / Self::GRADIENT_FLOOR).min(1.0);
        Derivatives {
            value: -(y * log_sigmoid(z).max(Self::LOG_CLAMP) + (1.0 - y) * log_sigmoid(-z).max(Self::LOG_CLAMP)),
            first: (p - y) * fade,
            second: variance * fade,
        }
    }

    fn input(&self) -> Output {
        Output::Probability
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of step 1e-5 are good to about 1e-10 of the value.
    const DIFFERENCE: f64 = 1e-8;

    #[test]
    fn derivatives_agree_with_differences() {
        let weighted = BceWithLogits { pos_weight: 3.0, ..BceWithLogits::default() };
        let losses: [&dyn Loss; 3] = [&BceWithLogits::default(), &weighted, &Bce::default()];
        for loss in losses {
            for z in [-12.0, -3.0, -0.1, 0.0, 0.7, 5.0, 11.0] {
                for y in [0.0, 0.3, 1.0] {
                    let h = 1e-5;
                    let (low, high) = (loss.at(z - h, y), loss.at(z + h, y));
                    let here = loss.at(z, y);
                    assert!(((high.value - low.value) / (2.0 * h) - here.first).abs() < DIFFERENCE);
                    assert!(((high.first - low.first) / (2.0 * h) - here.second).abs() < DIFFERENCE);
                }
            }
        }
    }

    #[test]
    fn stable_far_out() {
        let far = BceWithLogits::default().at(-800.0, 1.0);
        assert_eq!((far.value, far.first, far.second), (800.0, -1.0, 0.0));
        assert_eq!(BceWithLogits::default().at(800.0, 1.0).value, 0.0);
        assert_eq!(Bce::default().at(-800.0, 1.0).value, 100.0);
        assert_eq!(log_sigmoid(-2163.0), -2163.0);
        assert_eq!((sigmoid(800.0), sigmoid(-800.0)), (1.0, 0.0));
    }

    #[test]
    fn each_is_weighted_and_checked() {
        let loss = BceWithLogits::default();
        let each = loss.each(&[0.0, 2.0], &[1.0, 0.0], Some(&[1.0, 2.0])).unwrap();
        assert!((each[0] - 2f64.ln()).abs() < 1e-15);
        assert!((each[1] - 2.0 * 2.126_928_011_042_972_5).abs() < 1e-14);
        assert!(matches!(loss.each(&[0.0], &[], None), Err(Error::Shape { .. })));
    }
}
