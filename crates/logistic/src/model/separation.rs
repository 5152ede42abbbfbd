//! Is there a finite optimum? Not if some direction of the coefficients never makes any row less likely and makes
//! some row ever more likely (Albert & Anderson, Biometrika 71(1), 1984).

use crate::dataset::{Rows, Standardisation};
use crate::error::Result;
use crate::loss::BceWithLogits;
use crate::objective::EmpiricalRisk;

/// A direction in which the likelihood rises for ever.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Separation {
    /// Whether every row gains along it.
    pub(super) complete: bool,
    /// The standardised columns it moves.
    pub(super) columns: Vec<usize>,
}

/// What counts as zero in a direction and in the margins along it, relative to the largest. Newton's last step on
/// separated data is such a direction up to terms of the size of the probabilities' distance from 0 and 1.
const ZERO: f64 = 1e-5;

/// Verifies a direction (standardised columns, then the intercept if there is one) against every row.
pub(super) fn verify(
    rows: &Rows<'_>,
    standard: &Standardisation,
    intercept: bool,
    direction: &[f64],
) -> Result<Option<Separation>> {
    let risk = EmpiricalRisk::new(rows.clone(), BceWithLogits::default()).standardised(standard.clone());
    let risk = if intercept { risk } else { risk.without_intercept() };
    let weight = rows.weight();
    let mut margins = risk.logits(direction)?;
    let y = rows.y();
    // An outcome strictly between the classes gains in no direction.
    if y.iter().any(|&y| y != 0.0 && y != 1.0) {
        return Ok(None);
    }
    margins.iter_mut().zip(&y).for_each(|(m, &y)| *m *= 2.0 * y - 1.0);
    let counted = |i: &usize| weight.as_ref().is_none_or(|weight| weight[*i] > 0.0);
    let margins: Vec<f64> = (0..margins.len()).filter(counted).map(|i| margins[i]).collect();
    let largest = margins.iter().fold(0.0, |max, m| f64::max(max, m.abs()));
    let least = margins.iter().fold(f64::INFINITY, |min, &m| f64::min(min, m));
    if !(largest > 0.0 && least >= -ZERO * largest) {
        return Ok(None);
    }
    let k = standard.columns.len();
    let reach = direction[..k].iter().fold(0.0, |max, d| f64::max(max, d.abs()));
    let columns = (0..k).filter(|&j| direction[j].abs() > ZERO * reach).collect();
    Ok(Some(Separation { complete: least > ZERO * largest, columns }))
}
