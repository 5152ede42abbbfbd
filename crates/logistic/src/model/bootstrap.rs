//! Intervals by resampling rows, for estimates whose standard errors no formula gives: those under a penalty.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::settings::{LogisticRegression, WeightKind};
use crate::dataset::Rows;
use crate::distribution::sample_quantile;
use crate::error::{Error, Result};
use crate::random::numpy::RandomState;
use crate::solver::{Go, Termination};

/// How an estimate varies from resample to resample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The standard deviation.
    pub std_error: f64,
    /// The 2.5 % quantile.
    pub ci_low: f64,
    /// The 97.5 % quantile.
    pub ci_high: f64,
}

/// Percentile intervals (Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, §13.3) of a fit's estimates.
///
/// # Shapes
/// As in [`Fit`](super::Fit).
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// Of each coefficient; absent where a column was left out of some resample.
    pub weight: Vec<Option<Spread>>,
    /// Of each intercept.
    pub bias: Vec<Option<Spread>>,
    /// The resamples whose fit converged, which alone count.
    pub used: usize,
}

impl LogisticRegression {
    /// Fits the rows again, drawn with replacement, `resamples` times. Where weights are whole numbers that stand for
    /// equal rows, those rows are drawn. The penalty stays as it is. Each resample has a generator of its own, so that
    /// the result does not depend on threads.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 100 resamples, whose quantiles would mean little, or where fewer than nine in
    /// ten of the fits converge.
    pub fn bootstrap(&self, rows: &Rows<'_>, resamples: usize, seed: u32) -> Result<Bootstrap> {
        if resamples < 100 {
            return Err(Error::setting("bootstrap", "at least 100 resamples", &resamples));
        }
        let draws = Draws::of(rows, self.weight_kind);
        type Estimates = (Vec<Option<f64>>, Vec<f64>);
        let one = |resample: usize| -> Option<Estimates> {
            let mut rng = RandomState::from_key(&[seed, resample as u32]).ok()?;
            let data = rows.dataset().clone().weighted(draws.draw(&mut rng)).ok()?;
            let drawn = match &draws.distinct {
                Some(distinct) => Rows::select(&data, Arc::clone(distinct)).ok()?,
                None => rows.of(&data),
            };
            let fit = self.fit(&drawn, &mut |_, _| Go::On).ok()?;
            (fit.termination() == Termination::Converged).then_some((fit.weight, fit.bias))
        };
        let fits: Vec<Estimates> = (0..resamples).into_par_iter().filter_map(one).collect();
        if 10 * fits.len() < 9 * resamples {
            let found = format!("{} of {resamples}", fits.len());
            return Err(Error::setting("bootstrap", "a fit that converges in at least nine of ten resamples", &found));
        }
        let weight = (0..fits[0].0.len()).map(|j| spread(fits.iter().map(|(weight, _)| weight[j]))).collect();
        let bias = (0..fits[0].1.len()).map(|k| spread(fits.iter().map(|(_, bias)| Some(bias[k])))).collect();
        Ok(Bootstrap { weight, bias, used: fits.len() })
    }
}

/// What rows are drawn from.
struct Draws {
    /// The row of the dataset behind every position.
    indices: Vec<usize>,
    /// The rows of the dataset, once each, where some occur more than once.
    distinct: Option<Arc<[usize]>>,
    n_dataset: usize,
    /// What a draw of a row adds to its weight.
    unit: Vec<f64>,
    /// Weights added up, where they are counts of equal rows.
    counts: Option<Vec<u64>>,
}

impl Draws {
    fn of(rows: &Rows<'_>, kind: WeightKind) -> Self {
        let indices: Vec<usize> = rows.indices().collect();
        let weight = rows.weight().unwrap_or(vec![1.0; indices.len()]);
        let countable = kind == WeightKind::Frequency && weight.iter().all(|w| w.fract() == 0.0 && *w < 1e9);
        let mut total = 0;
        let mut add = |w: &f64| {
            total += *w as u64;
            total
        };
        let counts = countable.then(|| weight.iter().map(&mut add).collect());
        let unit = if countable { vec![1.0; indices.len()] } else { weight };
        let mut once = indices.clone();
        once.sort_unstable();
        once.dedup();
        let distinct = (once.len() < indices.len()).then(|| once.into());
        Draws { indices, distinct, n_dataset: rows.dataset().len(), unit, counts }
    }

    /// The weights of one resample, by row of the dataset.
    fn draw(&self, rng: &mut RandomState) -> Vec<f64> {
        let mut weight = vec![0.0; self.n_dataset];
        let total =
            self.counts.as_ref().map_or(self.indices.len() as u64, |counts| counts.last().copied().unwrap_or(0));
        for _ in 0..total {
            let drawn = rng.interval(total - 1);
            let at = self.counts.as_ref().map_or(drawn as usize, |counts| counts.partition_point(|&up| up <= drawn));
            weight[self.indices[at]] += self.unit[at];
        }
        weight
    }
}

fn spread(estimates: impl Iterator<Item = Option<f64>>) -> Option<Spread> {
    let mut sorted = estimates.collect::<Option<Vec<f64>>>()?;
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let square: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
    let (ci_low, ci_high) = (sample_quantile(&sorted, 0.025), sample_quantile(&sorted, 0.975));
    Some(Spread { std_error: (square / (n - 1.0)).sqrt(), ci_low, ci_high })
}
