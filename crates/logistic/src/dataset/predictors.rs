//! Linear predictors of rows that need no outcomes.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::view::View;
use super::{Feature, check_length};
use crate::error::Result;

/// Rows a core takes at a time.
const BLOCK: usize = 4096;

/// `bias + Σₖ weight[k]·xₖ` of each of `n_rows` rows, on all cores; what is added to a row, and in which order, depends on
/// the features alone.
///
/// # Shapes
/// `weight` (n_columns), the design columns of all features together; each feature (n_rows).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) where these do not hold.
pub fn linear_predictors(features: &[Feature], n_rows: usize, weight: &[f64], bias: f64) -> Result<Vec<f64>> {
    let n_columns = features.iter().map(Feature::n_columns).sum();
    check_length("number of weights".to_string(), n_columns, weight.len())?;
    for (j, feature) in features.iter().enumerate() {
        check_length(format!("length of feature {j}"), n_rows, feature.len())?;
    }
    Ok(predictors(features, n_rows, weight, bias))
}

/// [`linear_predictors`] of what is known to have these shapes.
pub(crate) fn predictors(features: &[Feature], n_rows: usize, weight: &[f64], bias: f64) -> Vec<f64> {
    let mut rest = weight;
    let parts: Vec<(View<'_>, &[f64])> = features
        .iter()
        .map(|feature| {
            let (own, others) = rest.split_at(feature.n_columns());
            rest = others;
            (feature.view(), own)
        })
        .collect();
    let mut logits = vec![bias; n_rows];
    logits.par_chunks_mut(BLOCK).enumerate().for_each(|(block, logits)| {
        parts.iter().for_each(|(view, own)| view.add_to(own, block * BLOCK, logits));
    });
    logits
}
