//! Do rows given a probability of 0.3 turn out positive three times in ten?

use super::predictions::Predictions;
use crate::error::{Error, Result};

/// Bins of [`Calibration::new`].
const BINS: usize = 10;

/// Most bins that can be asked for; more would show single rows.
const MOST_BINS: usize = 1000;

/// Newton steps of the recalibrating regression; where an optimum exists a dozen is usual.
const MOST_STEPS: usize = 100;

/// Newton decrement gᵀH⁻¹g, in nats per row, at which one more step is exact to rounding.
const DECREMENT: f64 = 1e-18;

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

impl Calibration {
    /// The calibration of these probabilities, in ten bins of equal width.
    ///
    /// The regression takes ln p − ln(1−p) as its only column. For p = 0 and p = 1, which have no finite logit, it
    /// takes that of the nearest number strictly between: −744.44 (p = 2⁻¹⁰⁷⁴) and 36.74 (p = 1 − 2⁻⁵³).
    /// [`calibration_line`] takes the logits themselves, where they are known.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
    ///
    /// # Errors
    /// Those of [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        Ok(Self::of(&Predictions::of_probabilities(probability, y, weight)?))
    }

    pub(super) fn of(rows: &Predictions<'_>) -> Self {
        let logit: Vec<f64> = rows.score.iter().map(|&p| finite_logit(p)).collect();
        let line = line(&Predictions { score: &logit, ..*rows });
        Calibration { bins: bins(rows, BINS), intercept: line.map(|line| line.0), slope: line.map(|line| line.1) }
    }
}

/// The calibration curve in `n_bins` bins of equal width; bins without rows are left out.
///
/// Bin k of n holds the probabilities above k/n and up to (k+1)/n, the first one 0 too: scikit-learn's
/// `calibration_curve(strategy="uniform")`, with weights.
///
/// # Shapes
/// `probability`, `y` and `weight` have one entry per row; without `weight` every row counts 1.
///
/// # Errors
/// [`Error::Setting`] unless `n_bins` is from 1 to 1000; otherwise those of
/// [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
pub fn calibration_bins(
    probability: &[f64],
    y: &[f64],
    weight: Option<&[f64]>,
    n_bins: usize,
) -> Result<Vec<CalibrationBin>> {
    if !(1..=MOST_BINS).contains(&n_bins) {
        let expected = format!("from 1 to {MOST_BINS}");
        return Err(Error::Setting { name: "n_bins", expected, found: n_bins.to_string() });
    }
    Ok(bins(&Predictions::of_probabilities(probability, y, weight)?, n_bins))
}

fn bins(rows: &Predictions<'_>, n_bins: usize) -> Vec<CalibrationBin> {
    let width = 1.0 / n_bins as f64;
    let edges: Vec<f64> = (1..n_bins).map(|bin| bin as f64 * width).collect();
    let mut bins = vec![CalibrationBin { predicted: 0.0, observed: 0.0, weight: 0.0 }; n_bins];
    for (row, (&probability, &y)) in rows.score.iter().zip(rows.y).enumerate() {
        let bin = &mut bins[edges.partition_point(|&edge| edge < probability)];
        let weight = rows.weight(row);
        bin.predicted += weight * probability;
        bin.observed += weight * y;
        bin.weight += weight;
    }
    bins.retain(|bin| bin.weight > 0.0);
    for bin in &mut bins {
        bin.predicted /= bin.weight;
        bin.observed /= bin.weight;
    }
    bins
}

/// Intercept a and slope b of the maximum-likelihood regression logit P(y = 1) = a + b·logit.
///
/// 0 and 1 when calibrated; a slope below 1 means that the logits are too extreme. (D. R. Cox, Biometrika 45 (1958)
/// 562–565, doi:10.1093/biomet/45.3-4.562.) Absent where no finite optimum exists: the rows are of one class, the
/// logit is the same for all, or some value of it separates the classes (A. Albert and J. A. Anderson, Biometrika 71
/// (1984) 1–10, doi:10.1093/biomet/71.1.1); absent too where the classes overlap by so little weight that the
/// optimum is lost in rounding.
///
/// # Shapes
/// `logit`, `y` and `weight` have one entry per row; without `weight` every row counts 1, and rows of weight 0 are
/// left out.
///
/// # Errors
/// [`Error::Malformed`] for a logit that is not finite; otherwise those of
/// [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
pub fn calibration_line(logit: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Option<(f64, f64)>> {
    Ok(line(&Predictions::of_logits(logit, y, weight)?))
}

pub(super) fn finite_logit(p: f64) -> f64 {
    let p = p.clamp(f64::from_bits(1), 1.0_f64.next_down());
    p.ln() - (-p).ln_1p()
}

pub(super) fn line(rows: &Predictions<'_>) -> Option<(f64, f64)> {
    if !classes_overlap(rows) {
        return None;
    }
    // Centred and scaled, the two parameters are of like size whatever the logits are.
    let centre = rows.mean(|logit, _| logit);
    let scale = rows.mean(|logit, _| (logit - centre) * (logit - centre)).sqrt();
    let column: Vec<f64> = rows.score.iter().map(|logit| (logit - centre) / scale).collect();
    let [intercept, slope] = newton(&Predictions { score: &column, ..*rows })?;
    let slope = slope / scale;
    let intercept = intercept - slope * centre;
    (intercept.is_finite() && slope.is_finite()).then_some((intercept, slope))
}

/// Whether each class has a row above one of the other class: with a single column that is exactly when the
/// likelihood has a finite and unique maximum.
fn classes_overlap(rows: &Predictions<'_>) -> bool {
    let mut range = [(f64::INFINITY, f64::NEG_INFINITY); 2];
    for (row, (&score, &y)) in rows.score.iter().zip(rows.y).enumerate() {
        if rows.weight(row) > 0.0 {
            let (low, high) = &mut range[usize::from(y == 1.0)];
            *low = low.min(score);
            *high = high.max(score);
        }
    }
    let [negative, positive] = range;
    positive.1 > negative.0 && negative.1 > positive.0
}

/// The mean log loss of a + b·x, with its derivatives in a and b.
struct Loss {
    value: f64,
    gradient: [f64; 2],
    /// ∂²/∂a², ∂²/∂a∂b, ∂²/∂b².
    hessian: [f64; 3],
}

impl Loss {
    fn at(rows: &Predictions<'_>, [a, b]: [f64; 2]) -> Self {
        let sums = rows.sum(|x, y| {
            let z = a + b * x;
            let [residual, curvature] = derivatives(z, y);
            let loss = if y == 1.0 { -z } else { z }.max(0.0) + (-z.abs()).exp().ln_1p();
            [loss, residual, residual * x, curvature, curvature * x, curvature * x * x]
        });
        let [value, da, db, aa, ab, bb] = sums.map(|sum| sum / rows.total);
        Loss { value, gradient: [da, db], hessian: [aa, ab, bb] }
    }

    fn newton_step(&self) -> Option<([f64; 2], f64)> {
        newton_step(self.gradient, self.hessian)
    }
}

/// The first and the second derivative of the log loss in the logit z.
pub(super) fn derivatives(z: f64, y: f64) -> [f64; 2] {
    let small = (-z.abs()).exp();
    let rare = small / (1.0 + small);
    [if z >= 0.0 { 1.0 - rare - y } else { rare - y }, rare * (1.0 - rare)]
}

/// H⁻¹g and gᵀH⁻¹g; absent where H is singular.
pub(super) fn newton_step([da, db]: [f64; 2], [aa, ab, bb]: [f64; 3]) -> Option<([f64; 2], f64)> {
    let determinant = aa * bb - ab * ab;
    let step = [(bb * da - ab * db) / determinant, (aa * db - ab * da) / determinant];
    let decrement = da * step[0] + db * step[1];
    (determinant > 0.0 && decrement.is_finite()).then_some((step, decrement))
}

/// Newton's method with step halving, from the best constant.
fn newton(rows: &Predictions<'_>) -> Option<[f64; 2]> {
    let rate = rows.mean(|_, y| y);
    let mut point = [finite_logit(rate), 0.0];
    let mut loss = Loss::at(rows, point);
    for _ in 0..MOST_STEPS {
        let (step, decrement) = loss.newton_step()?;
        if decrement <= DECREMENT {
            return Some([point[0] - step[0], point[1] - step[1]]);
        }
        (point, loss) = descend(rows, point, step, loss.value)?;
    }
    None
}

/// The longest of the step, its half, its quarter and so on that does not raise the loss.
fn descend(rows: &Predictions<'_>, point: [f64; 2], step: [f64; 2], value: f64) -> Option<([f64; 2], Loss)> {
    // Close to the optimum the change of the loss is smaller than its rounding.
    let ceiling = value * (1.0 + 1e-14);
    let lengths = std::iter::successors(Some(1.0), |length| Some(length / 2.0)).take(MOST_STEPS);
    lengths
        .map(|length| [point[0] - length * step[0], point[1] - length * step[1]])
        .map(|trial| (trial, Loss::at(rows, trial)))
        .find(|(_, loss)| loss.value <= ceiling)
}
