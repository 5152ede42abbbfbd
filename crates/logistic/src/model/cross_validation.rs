//! The penalty chosen by the log loss of rows held out (Hastie, Tibshirani & Friedman, *The Elements of Statistical
//! Learning*, 2nd ed. 2009, §7.10).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::path::Path;
use super::settings::{LogisticRegression, Penalty};
use crate::dataset::{Fold, Folds, Rows, Split};
use crate::error::{Error, Result};
use crate::objective::Order;
use crate::solver::Go;

/// How a penalty is chosen by the losses of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The least mean loss.
    #[default]
    Minimum,
    /// The largest penalty, at the l1 ratio of the least mean loss, whose mean loss is within one standard error of the
    /// least (Breiman et al., *Classification and Regression Trees*, 1984, §3.4.3).
    OneStandardError,
}

/// A penalty that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CvPoint {
    /// The factor of the absolute values.
    pub l1: f64,
    /// The factor of the squares.
    pub l2: f64,
    /// The mean loss of the rows held out, in nats per row: over folds, by their weight.
    pub mean_log_loss: f64,
    /// The standard error of that mean over folds.
    pub std_error: f64,
    /// The design columns with a coefficient that is not 0, in the fit on all rows.
    pub n_nonzero: usize,
}

/// Penalties compared by cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// How rows were taken apart.
    pub split: Split,
    /// The number of folds.
    pub folds: usize,
    /// How the penalty was chosen.
    pub rule: Rule,
    /// All penalties, ratio by ratio, the largest first.
    pub values: Vec<CvPoint>,
    /// The place of the least mean loss.
    pub best: usize,
    /// The place of the penalty chosen.
    pub chosen: usize,
}

/// The shares of l1 that are tried where none is given: from almost ridge to the lasso.
pub const ELASTIC_NET_RATIOS: [f64; 4] = [0.1, 0.5, 0.9, 1.0];
/// Penalties tried at each ratio, as in glmnet.
const VALUES: usize = 100;

impl LogisticRegression {
    /// Compares penalties at each of `l1_ratios` by the log loss of the rows held out, weighted as the fit weighs rows.
    /// Gives also the path of all rows at the ratio chosen.
    ///
    /// The penalties are those of the [path](Self::path) over all rows; each fold's path goes through the same ones,
    /// with its own standardisation, so that no row held out tells the fit anything but how strong penalties may be.
    /// With `penalty.standardised`, the choice does not depend on the columns' units.
    ///
    /// Mean and standard error are those of glmnet's `cv.glmnet`: with the loss Lₖ and the weight Wₖ of fold k of K,
    /// `L̄ = Σ Wₖ·Lₖ / Σ Wₖ` and `SE² = Σ Wₖ·(Lₖ − L̄)² / Σ Wₖ / (K − 1)`.
    ///
    /// # Errors
    /// As [`LogisticRegression::path`], for the rows of every fold too; [`Error::Shape`] for folds of another
    /// dataset's rows; [`Error::Setting`] for fewer than two folds, no ratios, or a fold whose rows held out weigh nothing.
    pub fn cross_validate(
        &self,
        rows: &Rows<'_>,
        folds: &Folds<'_>,
        l1_ratios: &[f64],
        rule: Rule,
    ) -> Result<(CrossValidation, Path)> {
        if folds.folds.len() < 2 {
            return Err(Error::setting("cv-folds", "at least 2", &folds.folds.len()));
        }
        let expected = rows.dataset().len();
        let of_fold = |fold: &Fold<'_>| [fold.train.dataset().len(), fold.held_out.dataset().len()];
        if let Some(found) = folds.folds.iter().flat_map(of_fold).find(|&len| len != expected) {
            return Err(Error::Shape { what: "number of rows of the folds' dataset".to_string(), expected, found });
        }
        self.as_weighted(rows, |rows, settings| {
            let folds_of_data: Vec<Fold<'_>> = folds.folds.iter().map(|fold| fold.of(rows)).collect();
            let mut paths: Vec<Path> = Vec::with_capacity(l1_ratios.len());
            let mut losses: Vec<Vec<f64>> = Vec::new();
            for &ratio in l1_ratios {
                let (path, of_folds) = settings.path_with_losses(rows, &folds_of_data, ratio)?;
                paths.push(path);
                losses.extend(of_folds);
            }
            let weights: Vec<f64> = folds_of_data.iter().map(|fold| fold.held_out.total_weight()).collect();
            let of_paths = paths.iter().zip(losses.chunks_exact(weights.len()));
            let values: Vec<CvPoint> = of_paths.flat_map(|(path, losses)| compare(path, losses, &weights)).collect();
            let lengths: Vec<usize> = paths.iter().map(|path| path.points.len()).collect();
            let Some((best, chosen, ratio)) = choose(&values, &lengths, rule) else {
                return Err(Error::setting("elastic-net", "at least one ratio", &0));
            };
            let folds_used = folds.folds.len();
            let found = CrossValidation { split: folds.split, folds: folds_used, rule, values, best, chosen };
            Ok((found, paths.swap_remove(ratio)))
        })
    }

    /// The path of all rows, and the mean loss of the rows held out, by fold and penalty.
    fn path_with_losses(&self, rows: &Rows<'_>, folds: &[Fold<'_>], l1_ratio: f64) -> Result<(Path, Vec<Vec<f64>>)> {
        self.for_largest_penalty(rows, l1_ratio)?;
        if folds.iter().any(|fold| fold.held_out.total_weight() <= 0.0) {
            return Err(Error::setting("cv-folds", "such that rows of some weight are held out", &"a fold without"));
        }
        let mut trained = folds.iter().map(|fold| &fold.train).chain([rows]);
        if trained.all(|rows| self.goes_in_lockstep(rows, l1_ratio))
            && let Some(found) = self.side_by_side(rows, folds, l1_ratio, VALUES)?
        {
            return Ok(found);
        }
        let path = self.path(rows, l1_ratio, VALUES)?;
        let of = |l1, l2| Penalty { l1, l2, ..self.penalty.clone() };
        let penalties: Vec<Penalty> = path.points.iter().map(|point| of(point.l1, point.l2)).collect();
        let losses = folds.par_iter().map(|fold| self.losses(fold, &penalties)).collect::<Result<Vec<Vec<f64>>>>()?;
        Ok((path, losses))
    }

    /// The mean loss of the rows held out of one fold, at every penalty.
    fn losses(&self, fold: &Fold<'_>, penalties: &[Penalty]) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(penalties.len());
        self.walk(&fold.train, penalties, &mut |fit| {
            losses.push(fit.mean_loss(&fold.held_out)?);
            Ok(Go::On)
        })?;
        Ok(losses)
    }
}

impl Fit {
    /// The mean log loss of rows, weighted as they are: of those fitted, or of others with the same columns and classes.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows of fewer columns, or of other classes.
    pub fn mean_loss(&self, rows: &Rows<'_>) -> Result<f64> {
        let (data, outputs) = (rows.dataset(), self.solution.outputs);
        let needed = self.columns().last().map_or(0, |last| last + 1);
        let classes = data.n_classes();
        let fits = if classes == 2 { outputs == 1 } else { outputs == classes || outputs + 1 == classes };
        if data.n_columns() < needed || !fits {
            let (what, expected) = ("number of columns, of as many classes".to_string(), needed);
            return Err(Error::Shape { what, expected, found: data.n_columns() });
        }
        let settings = LogisticRegression { intercept: !self.bias.is_empty(), ..LogisticRegression::default() };
        Ok(settings.sums_at(rows, &self.solution, Order::Value)?.value)
    }
}

impl CrossValidation {
    /// The penalty chosen.
    pub fn chosen(&self) -> &CvPoint {
        &self.values[self.chosen]
    }

    /// The penalty of the least mean loss.
    pub fn best(&self) -> &CvPoint {
        &self.values[self.best]
    }

    /// Whether the least mean loss is that of the smallest penalty tried at its ratio, so that a smaller one could do
    /// better still.
    pub fn is_open(&self) -> bool {
        let total = |value: &CvPoint| value.l1 + value.l2;
        self.values.get(self.best + 1).is_none_or(|next| total(next) > total(self.best()))
    }

    /// Whether its numbers belong together.
    pub(super) fn is_sound(&self) -> bool {
        self.best < self.values.len() && self.chosen < self.values.len()
    }
}

/// Mean and standard error of each penalty of a path; `losses` are fold by fold.
fn compare(path: &Path, losses: &[Vec<f64>], weights: &[f64]) -> Vec<CvPoint> {
    let total: f64 = weights.iter().sum();
    let mean = |of: &dyn Fn(usize) -> f64| (0..weights.len()).map(|k| weights[k] * of(k)).sum::<f64>() / total;
    let point = |(i, point): (usize, &super::path::PathPoint)| {
        let mean_log_loss = mean(&|k| losses[k][i]);
        let variance = mean(&|k| (losses[k][i] - mean_log_loss).powi(2)) / (weights.len() - 1) as f64;
        let (l1, l2, n_nonzero) = (point.l1, point.l2, point.n_nonzero);
        CvPoint { l1, l2, mean_log_loss, std_error: variance.sqrt(), n_nonzero }
    };
    path.points.iter().enumerate().map(point).collect()
}

/// The places of the least mean loss (the first of several) and of the one chosen, and the path they are on.
fn choose(values: &[CvPoint], lengths: &[usize], rule: Rule) -> Option<(usize, usize, usize)> {
    let best = (0..values.len()).min_by(|&a, &b| values[a].mean_log_loss.total_cmp(&values[b].mean_log_loss))?;
    let starts = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end - length)
    });
    let (ratio, start) = starts.enumerate().take_while(|(_, start)| *start <= best).last()?;
    let limit = values[best].mean_log_loss + values[best].std_error;
    let chosen = match rule {
        Rule::Minimum => best,
        Rule::OneStandardError => (start..best).find(|&i| values[i].mean_log_loss <= limit).unwrap_or(best),
    };
    Some((best, chosen, ratio))
}
