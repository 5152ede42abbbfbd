//! The variance of the area under the ROC curve, and of the difference of two such areas.

use rayon::slice::ParallelSliceMut;

use super::curves::Steps;
use super::difference::Difference;
use super::interval::Interval;
use super::predictions::Predictions;
use crate::error::Result;

/// The area under the ROC curve with DeLong's standard error and interval.
///
/// With V₁ᵢ the share of the negative rows below positive row i, and V₀ⱼ the share of the positive rows above negative
/// row j, ties counting one half, the area is the mean of either and its variance is var(V₁)/n₁ + var(V₀)/n₀, with
/// divisors n₁ − 1 and n₀ − 1 in the variances (E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44
/// (1988) 837–845, doi:10.2307/2531595). The shares come from one sort, by the ranks of X. Sun and W. Xu, IEEE Signal
/// Processing Letters 21 (2014) 1389–1393, doi:10.1109/LSP.2014.2337313.
///
/// DeLong's variance is that of rows which count the same. Absent, therefore, where weights above 0 are not all
/// equal: [`Intervals`](super::Intervals) then takes the bootstrap. Absent too where a class has fewer than two rows,
/// and where the variance comes out as zero, as it does for classes that some threshold separates: an interval without
/// width would claim to be certain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLong {
    /// The area under the ROC curve.
    pub area: f64,
    /// Its standard error.
    pub std_error: f64,
    /// area ± 1.96 standard errors, cut at 0 and 1.
    pub interval: Interval,
}

impl DeLong {
    /// The area of these rows, and how sure it is. Takes O(n log n) time.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; rows of weight 0 are left out.
    ///
    /// # Errors
    /// Those of [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::DeLong;
    ///
    /// let delong = DeLong::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], None)?.unwrap();
    /// assert_eq!(delong.area, 0.75);
    /// assert!((delong.std_error - 0.125_f64.sqrt()).abs() < 1e-15);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Option<Self>> {
        let rows = Predictions::of_probabilities(probability, y, weight)?;
        Ok(Self::of(&rows, &Steps::of(&rows)))
    }

    pub(super) fn of(rows: &Predictions<'_>, steps: &Steps) -> Option<Self> {
        let each = rows.common_weight()?;
        let (positives, negatives) = steps.totals();
        let (n1, n0) = (positives / each, negatives / each);
        // Half a row more than one: the quotients of sums may be a little off whole numbers.
        if n1 < 1.5 || n0 < 1.5 {
            return None;
        }
        let (mut v1, mut v0) = (Spread::default(), Spread::default());
        let (mut tp, mut fp) = (0.0, 0.0);
        for (&tp_next, &fp_next) in steps.true_positive.iter().zip(&steps.false_positive) {
            v1.add((tp_next - tp) / each, 1.0 - (fp + fp_next) / (2.0 * negatives));
            v0.add((fp_next - fp) / each, (tp + tp_next) / (2.0 * positives));
            (tp, fp) = (tp_next, fp_next);
        }
        let area = v1.mean;
        let std_error = (v1.variance() / n1 + v0.variance() / n0).sqrt();
        let Interval { low, high } = Interval::normal(area, std_error);
        let interval = Interval { low: low.max(0.0), high: high.min(1.0) };
        (std_error > 0.0 && std_error.is_finite()).then_some(DeLong { area, std_error, interval })
    }
}

/// DeLong's test of two areas on the same rows; `rows` give the outcomes, and each has the other's weights.
pub(super) fn paired(one: &Predictions<'_>, other: &Predictions<'_>) -> Option<Difference> {
    one.common_weight()?;
    let (mut v1, mut v0) = (Spread::default(), Spread::default());
    // The variance of the difference of two means of paired shares is that of the mean of their differences.
    for (a, b) in placements(one).into_iter().zip(placements(other)) {
        let class = if a.positive { &mut v1 } else { &mut v0 };
        class.add(1.0, a.share - b.share);
    }
    if v1.weight < 2.0 || v0.weight < 2.0 {
        return None;
    }
    Difference::new(v1.mean, v1.variance() / v1.weight + v0.variance() / v0.weight)
}

/// How a row stands among those of the other class.
#[derive(Clone, Copy)]
struct Placement {
    positive: bool,
    /// Of a positive row the share of negative rows below it, of a negative row that of positive rows above.
    share: f64,
}

/// The placement of every row of positive weight, in the order of the rows.
fn placements(rows: &Predictions<'_>) -> Vec<Placement> {
    let kept: Vec<usize> = (0..rows.score.len()).filter(|&row| rows.weight(row) > 0.0).collect();
    let mut order: Vec<(f64, usize)> = kept.iter().map(|&row| rows.score[row] + 0.0).zip(0..).collect();
    order.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut placed: Vec<Placement> =
        kept.iter().map(|&row| Placement { positive: rows.y[row] == 1.0, share: 0.0 }).collect();
    let n1 = placed.iter().filter(|row| row.positive).count() as f64;
    let n0 = placed.len() as f64 - n1;
    let (mut tp, mut fp) = (0.0, 0.0);
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let more = tied.iter().filter(|&&(_, row)| placed[row].positive).count() as f64;
        let (tp_next, fp_next) = (tp + more, fp + tied.len() as f64 - more);
        for &(_, row) in tied {
            let row = &mut placed[row];
            row.share = if row.positive { 1.0 - (fp + fp_next) / (2.0 * n0) } else { (tp + tp_next) / (2.0 * n1) };
        }
        (tp, fp) = (tp_next, fp_next);
    }
    placed
}

/// Mean and variance in one pass (B. P. Welford, Technometrics 4 (1962) 419–420), of values that stand for several.
#[derive(Clone, Copy, Default)]
struct Spread {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, times: f64, value: f64) {
        if times > 0.0 {
            let apart = value - self.mean;
            self.weight += times;
            self.mean += apart * times / self.weight;
            self.squares += times * apart * (value - self.mean);
        }
    }

    fn variance(&self) -> f64 {
        self.squares / (self.weight - 1.0)
    }
}
