//! Losses of one row as functions of its logit, with first and second derivative.
//!
//! The tutorial this project grew from writes binary cross-entropy without the labels. With them it is
//! `−1/N · Σ [y·log p + (1 − y)·log(1 − p)]`: each row contributes the log-probability of the class it has
//! (Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90).

use crate::error::{Error, Result};

/// A logit with what every loss of it needs, `t = exp(−|z|)` and `log(1 + t)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logit {
    /// The logit.
    pub z: f64,
    t: f64,
    tail: f64,
}

impl Logit {
    /// Computes both.
    pub fn new(z: f64) -> Self {
        let t = exp_of_negative(-z.abs());
        Logit { z, t, tail: log1p_of_unit(t) }
    }

    pub(crate) fn from_parts(z: f64, t: f64, tail: f64) -> Self {
        Logit { z, t, tail }
    }

    /// `sigmoid(z)` and `sigmoid(−z)`, each with all its digits.
    #[inline]
    pub fn probabilities(self) -> (f64, f64) {
        let inverse = 1.0 / (1.0 + self.t);
        let small = self.t * inverse;
        if self.z >= 0.0 { (inverse, small) } else { (small, inverse) }
    }

    /// `−log sigmoid(z)` and `−log sigmoid(−z)`.
    #[inline]
    pub fn losses(self) -> (f64, f64) {
        if self.z >= 0.0 { (self.tail, self.z + self.tail) } else { (self.tail - self.z, self.tail) }
    }
}

/// `exp(x)` for x ≤ 0, 0 below −708: relative error below 4e-16. Free of branches, so that a loop over it uses vector
/// instructions; the library's own call would be most of a mini-batch's cost.
///
/// x = k·ln 2 + r with |r| ≤ ½ ln 2, and Taylor's series in r, whose 14th term is below 1e-17.
#[inline]
pub(crate) fn exp_of_negative(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to a whole number, which then stands in the low bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with enough trailing zeros that k times it is exact.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Not `max`, which would hide a NaN.
    let bounded = if x < -708.0 { -708.0 } else { x };
    let shifted = bounded * std::f64::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (bounded - k * LN2_HIGH) - k * LN2_LOW;
    let mut sum = 1.0 / 6_227_020_800.0;
    for factorial in
        [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0]
    {
        sum = sum * r + 1.0 / factorial;
    }
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    let value = sum * power;
    if x < -708.0 { 0.0 } else { value }
}

/// `log(1 + t)` for t in [0, 1]: relative error below 4e-16.
///
/// With v the smaller in size of t and (t − 1)/2, which is `log(1 + t)` short of ln 2 for the second, and
/// s = v/(2 + v): `log(1 + v) = 2·atanh(s) = 2·(s + s³/3 + s⁵/5 + …)`, |s| ≤ 0.172.
#[inline]
pub(crate) fn log1p_of_unit(t: f64) -> f64 {
    let upper = t > std::f64::consts::SQRT_2 - 1.0;
    let v = if upper { 0.5 * (t - 1.0) } else { t };
    let base = if upper { std::f64::consts::LN_2 } else { 0.0 };
    let s = v / (2.0 + v);
    let square = s * s;
    let mut sum = 1.0 / 21.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = sum * square + 1.0 / odd;
    }
    // v − s·(v − …) rather than 2·s·(…): the leading v is exact.
    base + (v - s * (v - 2.0 * square * sum))
}

/// `1 / (1 + exp(−z))`, without overflow for any `z`.
pub fn sigmoid(z: f64) -> f64 {
    Logit::new(z).probabilities().0
}

/// `log(sigmoid(z))`, without underflow: about `z` for very negative `z`.
pub fn log_sigmoid(z: f64) -> f64 {
    -Logit::new(z).losses().0
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

/// Rows whose losses are wanted, and room for the answer.
///
/// # Shapes
/// `z` (n_outputs, n_rows), `y` and `weight` (n_rows); `curvature` (pairs of outputs k ≥ l, in the order of a lower
/// triangle; n_rows), or empty where it is not asked for.
#[derive(Debug)]
pub struct Block<'a> {
    /// The logits; afterwards the residuals, weight·dℓ/dzₖ.
    pub z: &'a mut [f64],
    /// The outcomes.
    pub y: &'a [f64],
    /// The weights.
    pub weight: &'a [f64],
    /// Receives weight·d²ℓ/dzₖdzₗ.
    pub curvature: &'a mut [f64],
    /// Space to work in; its content does not matter.
    pub scratch: &'a mut Vec<f64>,
}

/// A loss as the objective sums it: over a block of rows at a time.
pub trait Loss: Sync {
    /// The logits that a row has.
    fn n_outputs(&self) -> usize;
    /// Whether the loss is written for logits or for probabilities.
    fn input(&self) -> Output;
    /// Mean or sum over rows.
    fn reduction(&self) -> Reduction;
    /// The weighted sum of the block's losses; residuals and curvatures go into the block.
    fn add(&self, block: &mut Block<'_>) -> f64;
}

/// A loss of one logit per row.
pub trait BinaryLoss: Sync {
    /// The loss and its derivatives in the logit, for the outcome `y` in [0, 1].
    fn at(&self, logit: Logit, y: f64) -> Derivatives;
    /// Whether the loss is written for logits or for probabilities.
    fn output(&self) -> Output;
    /// Mean or sum over rows.
    fn reduced(&self) -> Reduction;

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
        let of_row = |i: usize| self.at(Logit::new(logits[i]), y[i]).value * weight.map_or(1.0, |w| w[i]);
        Ok((0..logits.len()).map(of_row).collect())
    }
}

impl<L: BinaryLoss> Loss for L {
    fn n_outputs(&self) -> usize {
        1
    }

    fn input(&self) -> Output {
        self.output()
    }

    fn reduction(&self) -> Reduction {
        self.reduced()
    }

    fn add(&self, block: &mut Block<'_>) -> f64 {
        let Block { z, y, weight, curvature, scratch } = block;
        let n = z.len();
        // In loops of their own, so that the compiler can use vector instructions.
        scratch.clear();
        scratch.extend(z.iter().map(|z| exp_of_negative(-z.abs())));
        scratch.extend_from_within(..);
        let (t, tail) = scratch.split_at_mut(n);
        tail.iter_mut().for_each(|t| *t = log1p_of_unit(*t));
        let mut sum = 0.0;
        for i in 0..n {
            let weight = weight[i];
            // A row of weight 0 is no row, however large its loss.
            let at = match weight {
                0.0 => Derivatives { value: 0.0, first: 0.0, second: 0.0 },
                _ => self.at(Logit::from_parts(z[i], t[i], tail[i]), y[i]),
            };
            sum += weight * at.value;
            z[i] = weight * at.first;
            if let Some(curvature) = curvature.get_mut(i) {
                *curvature = weight * at.second;
            }
        }
        sum
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

impl BinaryLoss for BceWithLogits {
    #[inline]
    fn at(&self, logit: Logit, y: f64) -> Derivatives {
        let (p, q) = logit.probabilities();
        let (of_positive, of_negative) = logit.losses();
        let (positive, negative) = (self.pos_weight * y, 1.0 - y);
        Derivatives {
            value: positive * of_positive + negative * of_negative,
            first: negative * p - positive * q,
            second: (positive + negative) * p * q,
        }
    }

    fn output(&self) -> Output {
        Output::Logit
    }

    fn reduced(&self) -> Reduction {
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

impl BinaryLoss for Bce {
    #[inline]
    fn at(&self, logit: Logit, y: f64) -> Derivatives {
        let (p, q) = logit.probabilities();
        let (of_positive, of_negative) = logit.losses();
        let variance = p * q;
        let fade = (variance / Self::GRADIENT_FLOOR).min(1.0);
        Derivatives {
            value: y * of_positive.min(-Self::LOG_CLAMP) + (1.0 - y) * of_negative.min(-Self::LOG_CLAMP),
            first: (p - y) * fade,
            second: variance * fade,
        }
    }

    fn output(&self) -> Output {
        Output::Probability
    }

    fn reduced(&self) -> Reduction {
        self.reduction
    }
}

/// Cross-entropy of the softmax of several logits, PyTorch's `CrossEntropyLoss`: −log pᵧ with
/// `pₖ = exp(zₖ)/Σₗ exp(zₗ)` (Bishop 2006, eq. 4.104 to 4.110). The outcome is the number of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropy {
    /// The number of classes K.
    pub n_classes: usize,
    /// Whether class 0 is the base, whose logit is 0, so that rows have K − 1 logits instead of K.
    pub base: bool,
}

impl CrossEntropy {
    /// Replaces the logits of one row, one per class, by their probabilities; gives the class of the largest logit
    /// and the log of Σₖ exp(zₖ − z_largest) without that class's own 1.
    fn softmax(z: &mut [f64]) -> (usize, f64) {
        let largest = (1..z.len()).fold(0, |best, k| if z[k] > z[best] { k } else { best });
        let top = z[largest];
        z.iter_mut().for_each(|z| *z = exp_of_negative(*z - top));
        let others: f64 = z.iter().enumerate().filter(|(k, _)| *k != largest).map(|(_, e)| e).sum();
        z.iter_mut().for_each(|e| *e /= 1.0 + others);
        (largest, others.ln_1p())
    }

    /// The probabilities of one row, from its logits: one per class, or one per class but the base.
    pub fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        let mut z = if self.base { vec![0.0] } else { Vec::new() };
        z.extend_from_slice(logits);
        Self::softmax(&mut z);
        z
    }
}

impl Loss for CrossEntropy {
    fn n_outputs(&self) -> usize {
        self.n_classes - usize::from(self.base)
    }

    fn input(&self) -> Output {
        Output::Logit
    }

    fn reduction(&self) -> Reduction {
        Reduction::Mean
    }

    fn add(&self, block: &mut Block<'_>) -> f64 {
        let Block { z, y, weight, curvature, scratch } = block;
        let (n, first) = (y.len(), usize::from(self.base));
        let mut sum = 0.0;
        for i in 0..n {
            let class = y[i] as usize;
            scratch.clear();
            scratch.resize(first, 0.0);
            scratch.extend((0..self.n_outputs()).map(|k| z[k * n + i]));
            // A class that the model does not know has probability 0.
            let own = scratch.get(class).copied().unwrap_or(f64::NEG_INFINITY);
            let top = scratch.iter().fold(f64::NEG_INFINITY, |top, z| f64::max(top, *z));
            let (_, tail) = Self::softmax(scratch);
            let weight = weight[i];
            if weight != 0.0 {
                sum += weight * (top - own + tail);
            }
            // 1 − pₖ as the sum of the others keeps its digits where pₖ is close to 1.
            let rest = |k: usize| scratch.iter().enumerate().filter(|(l, _)| *l != k).map(|(_, p)| p).sum::<f64>();
            for k in first..self.n_classes {
                z[(k - first) * n + i] = weight * if k == class { -rest(k) } else { scratch[k] };
                if curvature.is_empty() {
                    continue;
                }
                let row = (k - first) * (k - first + 1) / 2;
                for l in first..=k {
                    let second = if k == l { scratch[k] * rest(k) } else { -scratch[k] * scratch[l] };
                    curvature[(row + l - first) * n + i] = weight * second;
                }
            }
        }
        sum
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
        let losses: [&dyn BinaryLoss; 3] = [&BceWithLogits::default(), &weighted, &Bce::default()];
        for loss in losses {
            for z in [-12.0, -3.0, -0.1, 0.0, 0.7, 5.0, 11.0] {
                for y in [0.0, 0.3, 1.0] {
                    let h = 1e-5;
                    let (low, high) = (loss.at(Logit::new(z - h), y), loss.at(Logit::new(z + h), y));
                    let here = loss.at(Logit::new(z), y);
                    assert!(((high.value - low.value) / (2.0 * h) - here.first).abs() < DIFFERENCE);
                    assert!(((high.first - low.first) / (2.0 * h) - here.second).abs() < DIFFERENCE);
                }
            }
        }
    }

    /// What the documentation of both functions states.
    const RELATIVE: f64 = 4e-16;

    #[test]
    fn exponential_and_logarithm_keep_their_error_bounds() {
        for i in 0..2_000_000 {
            let x = -708.0 * (f64::from(i) / 2e6).powi(3);
            let expected = libm::exp(x);
            assert!((exp_of_negative(x) - expected).abs() <= RELATIVE * expected, "exp({x})");
            let t = (f64::from(i) / 2e6).powi(4);
            let expected = libm::log1p(t);
            assert!((log1p_of_unit(t) - expected).abs() <= RELATIVE * expected, "log1p({t})");
        }
        assert_eq!((exp_of_negative(0.0), exp_of_negative(-709.0)), (1.0, 0.0));
        assert!(exp_of_negative(f64::NAN).is_nan());
        assert_eq!((log1p_of_unit(0.0), log1p_of_unit(1.0)), (0.0, std::f64::consts::LN_2));
    }

    #[test]
    fn stable_far_out() {
        let far = BceWithLogits::default().at(Logit::new(-800.0), 1.0);
        assert_eq!((far.value, far.first, far.second), (800.0, -1.0, 0.0));
        assert_eq!(BceWithLogits::default().at(Logit::new(800.0), 1.0).value, 0.0);
        assert_eq!(Bce::default().at(Logit::new(-800.0), 1.0).value, 100.0);
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
