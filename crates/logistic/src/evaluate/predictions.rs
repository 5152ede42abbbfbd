//! The rows every metric is computed from: checked once, then summed.

use rayon::prelude::*;

use crate::error::{Error, Place, Result};

/// Rows of a partial sum. The sums depend on the rows alone, never on the number of threads, and adding blocks
/// instead of rows keeps rounding errors from growing with the length of the data.
const BLOCK: usize = 8192;

/// Bounds of the sum of the weights; within them the product of two such sums neither overflows nor vanishes.
const TOTAL: std::ops::RangeInclusive<f64> = 1e-150..=1e150;

/// Scores with outcomes and weights, known to be sound.
pub(super) struct Predictions<'a> {
    /// Probabilities or logits.
    pub(super) score: &'a [f64],
    /// Outcomes, 0 or 1.
    pub(super) y: &'a [f64],
    /// Weights; one each where absent.
    pub(super) weight: Option<&'a [f64]>,
    /// The sum of the weights, positive.
    pub(super) total: f64,
}

impl<'a> Predictions<'a> {
    /// Rows whose score is a probability.
    pub(super) fn of_probabilities(score: &'a [f64], y: &'a [f64], weight: Option<&'a [f64]>) -> Result<Self> {
        Self::checked(score, y, weight, "a probability from 0 to 1", |p| (0.0..=1.0).contains(&p))
    }

    /// Rows whose score is a logit.
    pub(super) fn of_logits(score: &'a [f64], y: &'a [f64], weight: Option<&'a [f64]>) -> Result<Self> {
        Self::checked(score, y, weight, "a finite logit", f64::is_finite)
    }

    fn checked(
        score: &'a [f64],
        y: &'a [f64],
        weight: Option<&'a [f64]>,
        expected: &str,
        sound: fn(f64) -> bool,
    ) -> Result<Self> {
        same_length("length of y", score.len(), y.len())?;
        if score.is_empty() {
            return Err(malformed("at least one row", "none"));
        }
        each(score, expected, sound)?;
        each(y, "an outcome of 0 or 1", |y| y == 0.0 || y == 1.0)?;
        Self::weighted(score, y, weight)
    }

    /// Rows whose scores and outcomes are known to be sound.
    pub(super) fn weighted(score: &'a [f64], y: &'a [f64], weight: Option<&'a [f64]>) -> Result<Self> {
        if let Some(weight) = weight {
            same_length("length of the weights", score.len(), weight.len())?;
            each(weight, "a finite weight of at least 0", |s| s.is_finite() && s >= 0.0)?;
        }
        let mut rows = Predictions { score, y, weight, total: 0.0 };
        [rows.total] = rows.sum(|_, _| [1.0]);
        if TOTAL.contains(&rows.total) {
            Ok(rows)
        } else {
            let expected = format!("weights whose sum is from {:e} to {:e}", TOTAL.start(), TOTAL.end());
            Err(malformed(&expected, &format!("a sum of {:e}", rows.total)))
        }
    }

    /// The weight of a row.
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[row])
    }

    /// The weight that every row has which has any; absent where weights differ.
    pub(super) fn common_weight(&self) -> Option<f64> {
        let Some(weight) = self.weight else { return Some(1.0) };
        let mut counting = weight.iter().copied().filter(|&weight| weight > 0.0);
        let first = counting.next()?;
        counting.all(|weight| weight == first).then_some(first)
    }

    /// Σ sᵢ·terms(scoreᵢ, yᵢ), the same to the last bit for any number of threads.
    pub(super) fn sum<const N: usize>(&self, terms: impl Fn(f64, f64) -> [f64; N] + Sync) -> [f64; N] {
        let of_block = |block: usize| {
            let rows = block * BLOCK..((block + 1) * BLOCK).min(self.score.len());
            rows.fold([0.0; N], |sum, row| {
                let weight = self.weight(row);
                added(sum, terms(self.score[row], self.y[row]).map(|term| weight * term))
            })
        };
        let blocks: Vec<[f64; N]> = (0..self.score.len().div_ceil(BLOCK)).into_par_iter().map(of_block).collect();
        blocks.into_iter().fold([0.0; N], added)
    }

    /// Σ sᵢ·term(scoreᵢ, yᵢ) / Σ sᵢ
    pub(super) fn mean(&self, term: impl Fn(f64, f64) -> f64 + Sync) -> f64 {
        let [sum] = self.sum(|score, y| [term(score, y)]);
        sum / self.total
    }
}

fn added<const N: usize>(mut sum: [f64; N], more: [f64; N]) -> [f64; N] {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    sum
}

pub(super) fn same_length(what: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what: what.to_string(), expected, found }) }
}

/// Refuses the first value that is not sound.
pub(super) fn each(values: &[f64], expected: &str, sound: impl Fn(f64) -> bool) -> Result<()> {
    match values.iter().position(|&value| !sound(value)) {
        None => Ok(()),
        Some(row) => Err(malformed(expected, &format!("{} in row {row} (the first row is row 0)", values[row]))),
    }
}

pub(super) fn malformed(expected: &str, found: &str) -> Error {
    Error::Malformed { place: Place::default(), expected: expected.to_string(), found: found.to_string(), help: None }
}
