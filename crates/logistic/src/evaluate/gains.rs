//! How many of the positive rows are among the most probable ones.

use super::curves::{Steps, one_class};
use super::predictions::Predictions;
use crate::error::Result;

/// Parts of [`Gains::deciles`].
const PARTS: u32 = 10;

/// One tenth of the rows, by falling probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decile {
    /// The share of all weight in this tenth and those before it: 0.1, 0.2, … 1.
    pub share: f64,
    /// The share of this tenth's weight that is positive.
    pub positive_rate: f64,
    /// `positive_rate` over that of all rows.
    pub lift: f64,
    /// The share of the positive weight found in this tenth and those before it.
    pub gain: f64,
    /// gain / share: the lift of this tenth and those before it together.
    pub cumulative_lift: f64,
}

/// Cumulative gains and lift, with weights: the weight is what is divided into tenths.
///
/// Rows of equal probability cannot be told apart: where a tenth ends among them it takes its part of their positive
/// weight, the mean over all the orders in which they could stand. (J. F. Magidson, *The CHAID approach to segmentation
/// modeling*, in R. Bagozzi (ed.), Advanced Methods of Marketing Research, 1994; S. Tufféry, *Data Mining and
/// Statistics for Decision Making*, 2011, §11.16.6)
#[derive(Clone, Debug, PartialEq)]
pub struct Gains {
    /// The share of the weight that is positive.
    pub base_rate: f64,
    /// The share of the weight at or above each distinct probability, rising from 0 to 1.
    pub share: Vec<f64>,
    /// The share of the positive weight among it, rising from 0 to 1.
    pub gain: Vec<f64>,
    /// The ten tenths.
    pub deciles: Vec<Decile>,
}

impl Gains {
    /// The gains of these rows. Takes O(n log n) time.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; rows of weight 0 are left out.
    ///
    /// # Errors
    /// [`Error::Target`](crate::Error::Target) where no row is positive; otherwise those of
    /// [`ConfusionMatrix::at`](super::ConfusionMatrix::at), the threshold aside.
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::Gains;
    ///
    /// let p: Vec<f64> = (0..20).map(|i| f64::from(i) / 20.0).collect();
    /// let y: Vec<f64> = (0..20).map(|i| f64::from(u8::from(i >= 15))).collect();
    /// let gains = Gains::new(&p, &y, None)?;
    /// assert_eq!((gains.deciles[0].lift, gains.deciles[0].gain), (4.0, 0.4));
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn new(probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<Self> {
        let steps = Steps::of(&Predictions::of_probabilities(probability, y, weight)?);
        let (positives, negatives) = steps.totals();
        if positives == 0.0 {
            return Err(one_class("gains need positive rows"));
        }
        let total = positives + negatives;
        let called = steps.true_positive.iter().zip(&steps.false_positive).map(|(tp, fp)| (tp + fp) / total);
        let share: Vec<f64> = [0.0].into_iter().chain(called).collect();
        let found = steps.true_positive.iter().map(|tp| tp / positives);
        let gain: Vec<f64> = [0.0].into_iter().chain(found).collect();
        let base_rate = positives / total;
        let deciles = deciles(&share, &gain, base_rate);
        Ok(Gains { base_rate, share, gain, deciles })
    }
}

fn deciles(share: &[f64], gain: &[f64], base_rate: f64) -> Vec<Decile> {
    let parts = f64::from(PARTS);
    let ends = (0..=PARTS).map(|part| between(share, gain, f64::from(part) / parts)).collect::<Vec<f64>>();
    let decile = |(ends, part): (&[f64], u32)| {
        let share = f64::from(part) / parts;
        let lift = (ends[1] - ends[0]) * parts;
        Decile { share, positive_rate: lift * base_rate, lift, gain: ends[1], cumulative_lift: ends[1] / share }
    };
    ends.windows(2).zip(1..).map(decile).collect()
}

/// The gain at a share, on the straight line between the points around it.
fn between(share: &[f64], gain: &[f64], at: f64) -> f64 {
    let next = share.partition_point(|&share| share < at);
    if next == 0 {
        return 0.0;
    }
    let Some(&right) = share.get(next) else { return 1.0 };
    let left = share[next - 1];
    gain[next - 1] + (gain[next] - gain[next - 1]) * ((at - left) / (right - left))
}
