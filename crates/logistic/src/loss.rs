//! Losses of one row as functions of its logit, with first and second derivative.
//!
//! The tutorial this project grew from writes binary cross-entropy without the labels. With them it is
//! `−1/N · Σ [y·log p + (1 − y)·log(1 − p)]`: each row contributes the log-probability of the class it has
//! (Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90).

use fearless_simd::{Select, Simd, SimdBase, SimdFrom, dispatch, f64x8, mask64x8};

use crate::error::{Error, Result};
use crate::kernel::{LANES, exp_of_negative, level, load, log1p_of_unit, sum};

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
        let t = libm::exp(-z.abs());
        Logit { z, t, tail: libm::log1p(t) }
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
/// triangle; n_rows), or empty where it is not asked for. The number of rows is a multiple of eight; rows of weight 0
/// fill up the last of them.
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
    /// Appends the probabilities of a block's rows, one per output, shape (n_outputs, n_rows), from the residuals that
    /// [`Loss::add`] left; of losses whose curvature they are. Nothing for others.
    fn probabilities_of_residuals(&self, _block: &Block<'_>, _probabilities: &mut Vec<f64>) {}
}

/// A loss of one logit per row.
pub trait BinaryLoss: Loss {
    /// The loss and its derivatives in the logit, for the outcome `y` in [0, 1].
    fn at(&self, logit: Logit, y: f64) -> Derivatives;

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

/// Eight logits at a time, with what [`Logit`] has of each.
struct Logits<S: Simd> {
    z: f64x8<S>,
    /// Whether z is at least 0.
    positive: mask64x8<S>,
    /// `sigmoid(|z|)` and `sigmoid(−|z|)`.
    large: f64x8<S>,
    small: f64x8<S>,
    tail: f64x8<S>,
}

impl<S: Simd> Logits<S> {
    #[inline(always)]
    fn new(simd: S, z: f64x8<S>) -> Self {
        let (zero, one) = (f64x8::splat(simd, 0.0), f64x8::splat(simd, 1.0));
        let positive = z.simd_ge(zero);
        let t = exp_of_negative(simd, positive.select(zero - z, z));
        let large = one / (one + t);
        Logits { z, positive, large, small: t * large, tail: log1p_of_unit(simd, t) }
    }

    /// As [`Logit::probabilities`].
    #[inline(always)]
    fn probabilities(&self) -> (f64x8<S>, f64x8<S>) {
        (self.positive.select(self.large, self.small), self.positive.select(self.small, self.large))
    }

    /// As [`Logit::losses`].
    #[inline(always)]
    fn losses(&self) -> (f64x8<S>, f64x8<S>) {
        let positive = self.positive;
        (positive.select(self.tail, self.tail - self.z), positive.select(self.z + self.tail, self.tail))
    }
}

/// A loss of one logit, eight rows at a time; the arithmetic of [`BinaryLoss::at`].
trait Lanes: Sync {
    /// Value, first and second derivative.
    fn lanes<S: Simd>(&self, simd: S, logits: &Logits<S>, y: f64x8<S>) -> [f64x8<S>; 3];
}

/// [`Loss::add`] of one logit.
fn add_lanes(loss: &impl Lanes, block: &mut Block<'_>) -> f64 {
    dispatch!(level(), simd => add_lanes_at(simd, loss, block))
}

#[inline(always)]
fn add_lanes_at<S: Simd>(simd: S, loss: &impl Lanes, block: &mut Block<'_>) -> f64 {
    let zero = f64x8::splat(simd, 0.0);
    let mut total = zero;
    for at in (0..block.z.len()).step_by(LANES) {
        let logits = Logits::new(simd, load(simd, block.z, at));
        let weight = load(simd, block.weight, at);
        // A row of weight 0 is no row, however large its loss.
        let counts = weight.simd_gt(zero);
        // One by one: the closure of an array's `map` may be compiled as a function without vector instructions.
        let [value, first, second] = loss.lanes(simd, &logits, load(simd, block.y, at));
        total += counts.select(weight * value, zero);
        counts.select(weight * first, zero).store_slice(&mut block.z[at..at + LANES]);
        if !block.curvature.is_empty() {
            counts.select(weight * second, zero).store_slice(&mut block.curvature[at..at + LANES]);
        }
    }
    sum(total)
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
    fn n_outputs(&self) -> usize {
        1
    }

    fn input(&self) -> Output {
        Output::Logit
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn add(&self, block: &mut Block<'_>) -> f64 {
        add_lanes(self, block)
    }
}

impl Lanes for BceWithLogits {
    #[inline(always)]
    fn lanes<S: Simd>(&self, simd: S, logits: &Logits<S>, y: f64x8<S>) -> [f64x8<S>; 3] {
        let (p, q) = logits.probabilities();
        let (of_positive, of_negative) = logits.losses();
        let positive = y * f64x8::splat(simd, self.pos_weight);
        let negative = f64x8::splat(simd, 1.0) - y;
        [positive * of_positive + negative * of_negative, negative * p - positive * q, (positive + negative) * p * q]
    }
}

impl BinaryLoss for BceWithLogits {
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
    fn n_outputs(&self) -> usize {
        1
    }

    fn input(&self) -> Output {
        Output::Probability
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn add(&self, block: &mut Block<'_>) -> f64 {
        add_lanes(self, block)
    }
}

impl Lanes for Bce {
    #[inline(always)]
    fn lanes<S: Simd>(&self, simd: S, logits: &Logits<S>, y: f64x8<S>) -> [f64x8<S>; 3] {
        let (p, q) = logits.probabilities();
        let (of_positive, of_negative) = logits.losses();
        let (one, clamp) = (f64x8::splat(simd, 1.0), f64x8::splat(simd, -Self::LOG_CLAMP));
        let variance = p * q;
        let fade = (variance * f64x8::splat(simd, 1.0 / Self::GRADIENT_FLOOR)).min(one);
        let value = y * of_positive.min(clamp) + (one - y) * of_negative.min(clamp);
        [value, (p - y) * fade, variance * fade]
    }
}

impl BinaryLoss for Bce {
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
    pub(crate) fn softmax(z: &mut [f64]) -> (usize, f64) {
        let largest = (1..z.len()).fold(0, |best, k| if z[k] > z[best] { k } else { best });
        let top = z[largest];
        z.iter_mut().for_each(|z| *z = libm::exp(*z - top));
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
        dispatch!(level(), simd => self.add_at(simd, block))
    }

    fn probabilities_of_residuals(&self, block: &Block<'_>, probabilities: &mut Vec<f64>) {
        let first = f64::from(u8::from(self.base));
        for (k, residuals) in block.z.chunks_exact(block.y.len()).enumerate() {
            let class = k as f64 + first;
            let of_row = |((&r, &y), &weight): ((&f64, &f64), &f64)| {
                if weight > 0.0 { r / weight + if y == class { 1.0 } else { 0.0 } } else { 0.0 }
            };
            probabilities.extend(residuals.iter().zip(block.y).zip(block.weight).map(of_row));
        }
    }
}

impl CrossEntropy {
    /// Eight rows at a time; each logit is read, and written, a few times from the fastest cache.
    #[inline(always)]
    fn add_at<S: Simd>(&self, simd: S, block: &mut Block<'_>) -> f64 {
        let (zero, one) = (f64x8::splat(simd, 0.0), f64x8::splat(simd, 1.0));
        let (n, outputs) = (block.y.len(), self.n_outputs());
        let mut total = zero;
        for at in (0..n).step_by(LANES) {
            let y = load(simd, block.y, at) - f64x8::splat(simd, if self.base { 1.0 } else { 0.0 });
            let weight = load(simd, block.weight, at);
            let counts = weight.simd_gt(zero);
            // The base has a logit of 0 and, as its own class, none of the others'.
            let start = if self.base { zero } else { f64x8::splat(simd, f64::NEG_INFINITY) };
            let (mut top, mut own) = (start, start);
            if self.base {
                own = y.simd_lt(zero).select(zero, f64x8::splat(simd, f64::NEG_INFINITY));
            }
            for k in 0..outputs {
                let z = load(simd, block.z, k * n + at);
                top = z.simd_gt(top).select(z, top);
                // A class that the model does not know has probability 0.
                own = y.simd_eq(f64x8::splat(simd, k as f64)).select(z, own);
            }
            // The sum of all but the largest, so that 1 − p keeps its digits where p is close to 1.
            let mut others = zero;
            let base = exp_of_negative(simd, zero - top);
            let mut found = zero;
            if self.base {
                let largest = top.simd_eq(zero);
                found = largest.select(one, zero);
                others = largest.select(zero, base);
            }
            for k in 0..outputs {
                let z = load(simd, block.z, k * n + at);
                let e = exp_of_negative(simd, z - top);
                let largest = z.simd_eq(top);
                let first = largest.select(one - found, zero);
                found += first;
                others += e * (one - first);
                e.store_slice(&mut block.z[k * n + at..][..LANES]);
            }
            total += counts.select(weight * (top - own + log1p(simd, others)), zero);
            let inverse = one / (one + others);
            self.derivatives(simd, block, (at, y), (weight, others * inverse, inverse));
        }
        sum(total)
    }

    /// Puts residuals and curvatures of eight rows from `at` where they belong, from the exponentials, 1 − p of the
    /// likeliest class, and the inverse of their sum.
    #[inline(always)]
    fn derivatives<S: Simd>(
        &self,
        simd: S,
        block: &mut Block<'_>,
        (at, y): (usize, f64x8<S>),
        (weight, rest_of_largest, inverse): (f64x8<S>, f64x8<S>, f64x8<S>),
    ) {
        let (zero, one) = (f64x8::splat(simd, 0.0), f64x8::splat(simd, 1.0));
        let n = block.y.len();
        let counts = weight.simd_gt(zero);
        for k in 0..self.n_outputs() {
            let p = load(simd, block.z, k * n + at) * inverse;
            // Only one class can have more than half.
            let rest = p.simd_gt(f64x8::splat(simd, 0.5)).select(rest_of_largest, one - p);
            if !block.curvature.is_empty() {
                let row = k * (k + 1) / 2;
                for l in 0..k {
                    // The probabilities stand on the diagonal until all of them are known.
                    let before = load(simd, block.curvature, (l * (l + 1) / 2 + l) * n + at);
                    (zero - p * before).store_slice(&mut block.curvature[(row + l) * n + at..][..LANES]);
                }
                p.store_slice(&mut block.curvature[(row + k) * n + at..][..LANES]);
            }
            let residual = y.simd_eq(f64x8::splat(simd, k as f64)).select(zero - rest, p);
            counts.select(weight * residual, zero).store_slice(&mut block.z[k * n + at..][..LANES]);
        }
        if block.curvature.is_empty() {
            return;
        }
        for k in 0..self.n_outputs() {
            let row = k * (k + 1) / 2;
            for l in 0..=k {
                let place = (row + l) * n + at;
                let second = load(simd, block.curvature, place);
                let second = if l < k {
                    second
                } else {
                    second * second.simd_gt(f64x8::splat(simd, 0.5)).select(rest_of_largest, one - second)
                };
                counts.select(weight * second, zero).store_slice(&mut block.curvature[place..][..LANES]);
            }
        }
    }
}

/// `log(1 + x)` for any x ≥ 0; of the few classes that there are, x is at most their number.
#[inline(always)]
fn log1p<S: Simd>(simd: S, x: f64x8<S>) -> f64x8<S> {
    let x: [f64; LANES] = x.into();
    f64x8::simd_from(simd, x.map(libm::log1p))
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

    /// A few roundings of numbers up to 1 apart.
    const ROUNDING: f64 = 2e-15;

    /// Value, residual and curvature of a block, and what the scalar functions have for each row.
    #[test]
    fn eight_at_a_time_as_one_by_one() {
        let z: Vec<f64> = (0..64).map(|i| f64::from(i * 37 % 64 - 32) * 1.3).collect();
        let y: Vec<f64> = (0..64).map(|i| f64::from(i % 3) / 2.0).collect();
        let weight: Vec<f64> = (0..64).map(|i| f64::from(i % 5)).collect();
        let losses: [&dyn BinaryLoss; 2] =
            [&BceWithLogits { pos_weight: 3.0, ..BceWithLogits::default() }, &Bce::default()];
        for loss in losses {
            let (mut residual, mut curvature) = (z.clone(), vec![0.0; 64]);
            let mut block = Block { z: &mut residual, y: &y, weight: &weight, curvature: &mut curvature };
            let value = loss.add(&mut block);
            let rows: Vec<Derivatives> = (0..64).map(|i| loss.at(Logit::new(z[i]), y[i])).collect();
            let expected: f64 = rows.iter().zip(&weight).map(|(row, weight)| weight * row.value).sum();
            assert!((value - expected).abs() <= ROUNDING * expected);
            for i in 0..64 {
                assert!((residual[i] - weight[i] * rows[i].first).abs() <= ROUNDING * weight[i]);
                assert!((curvature[i] - weight[i] * rows[i].second).abs() <= ROUNDING * weight[i]);
            }
        }
    }

    #[test]
    fn softmax_of_two_is_the_sigmoid_and_ties_have_one_largest() {
        let n = 8;
        let z = [-900.0, -3.0, -0.1, 0.0, 0.5, 4.0, 40.0, 900.0];
        let y = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        let (binary, with_base) = (BceWithLogits::default(), CrossEntropy { n_classes: 2, base: true });
        let both = CrossEntropy { n_classes: 2, base: false };
        let run = |loss: &dyn Loss, z: &[f64]| {
            let (mut z, mut curvature) = (z.to_vec(), vec![0.0; loss.n_outputs() * (loss.n_outputs() + 1) / 2 * n]);
            let mut block = Block { z: &mut z, y: &y, weight: &[1.0; 8], curvature: &mut curvature };
            (loss.add(&mut block), z, curvature)
        };
        let (value, residual, curvature) = run(&binary, &z);
        let (of_base, base_residual, base_curvature) = run(&with_base, &z);
        let (of_both, both_residual, both_curvature) = run(&both, &[[0.0; 8], z].concat());
        let close = |a: f64, b: f64| assert!((a - b).abs() <= ROUNDING * b.abs(), "{a} {b}");
        close(of_base, value);
        close(of_both, value);
        for i in 0..n {
            close(base_residual[i], residual[i]);
            close(both_residual[n + i], residual[i]);
            close(both_residual[i], -residual[i]);
            close(base_curvature[i], curvature[i]);
            close(both_curvature[2 * n + i], curvature[i]);
            close(both_curvature[n + i], -curvature[i]);
        }
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
