//! Which design columns can have a coefficient: not those that do not vary, nor those that others explain.

use std::collections::HashSet;

use super::settings::{LogisticRegression, Method};
use crate::cholesky::Cholesky;
use crate::dataset::{Elsewhere, Rows, Standardisation};
use crate::error::{Error, Place, Result};
use crate::loss::BceWithLogits;
use crate::objective::{EmpiricalRisk, Objective, Order, standardisation};

/// A design column that others explain; that explains nothing, where it repeats none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeftOut {
    pub(super) column: usize,
    pub(super) repeats: Vec<usize>,
}

/// A pivot below this share of its diagonal, 1 − R² of a column on those before it, is rounding. (R's `glm` draws
/// the line at a norm of 1e-11, from a QR factorisation; cross products cannot see so far.)
const COLLINEAR: f64 = 1e-12;
/// The curvature of so many coefficients fills 3.2 GB.
pub(super) const MOST_TERMS: usize = 20_000;

/// Without curvature, a few vectors of so many coefficients fill a few GB.
const MOST_WITHOUT_HESSIAN: usize = 50_000_000;

impl LogisticRegression {
    /// Whether the fit needs no more than products with the Hessian; `free` columns have no penalty.
    fn needs_no_hessian(&self, free: usize) -> bool {
        let by_products = matches!(self.method, Method::Auto | Method::NewtonCg);
        by_products && free == 0 && self.penalty.l2 > 0.0 && self.penalty.l1 == 0.0 && self.bounds.is_empty()
    }

    /// The columns that take part, standardised, and those left out. Among columns without a penalty goes every
    /// linear combination of those before it; a penalty makes combinations estimable, so of the others only constants
    /// go, and exact repetitions that an l1 penalty alone would not share a coefficient between.
    pub(super) fn columns(&self, rows: &Rows<'_>, outputs: usize) -> Result<(Standardisation, Vec<LeftOut>)> {
        let full = standardisation(rows, self.intercept);
        check_engine(rows)?;
        self.columns_among(rows, outputs, full)
    }

    /// The same, where there are no other columns than those of `full`.
    pub(super) fn columns_among(
        &self,
        rows: &Rows<'_>,
        outputs: usize,
        full: Standardisation,
    ) -> Result<(Standardisation, Vec<LeftOut>)> {
        let free: Vec<usize> = (0..full.columns.len()).filter(|&k| self.penalty.spares(full.columns[k])).collect();
        let intercept = usize::from(self.intercept);
        check_terms(free.len() + intercept, rows.len(), "rows")?;
        let most = if self.needs_no_hessian(free.len()) { MOST_WITHOUT_HESSIAN } else { MOST_TERMS };
        check_terms(outputs * (full.columns.len() + intercept), most, "terms")?;
        let constant = (0..rows.dataset().n_columns()).filter(|column| full.columns.binary_search(column).is_err());
        let mut left_out: Vec<LeftOut> = constant.map(|column| LeftOut { column, repeats: Vec::new() }).collect();
        if free.len() < full.columns.len() {
            let twins = rows.dataset().repeats();
            let of = |&(column, first): &(usize, usize)| LeftOut { column, repeats: vec![first] };
            let goes =
                |twin: &&(usize, usize)| full.columns.binary_search(&twin.0).is_ok() && self.penalty.gives_up(**twin);
            left_out.extend(twins.iter().filter(goes).map(of));
        }
        let gone: HashSet<usize> = left_out.iter().map(|out| out.column).collect();
        let free: Vec<usize> = free.into_iter().filter(|&k| !gone.contains(&full.columns[k])).collect();
        left_out.extend(self.combinations(rows, &full.subset(&free)));
        left_out.sort_by_key(|out| out.column);
        let gone: HashSet<usize> = left_out.iter().map(|out| out.column).collect();
        let kept: Vec<usize> = (0..full.columns.len()).filter(|&k| !gone.contains(&full.columns[k])).collect();
        Ok((full.subset(&kept), left_out))
    }

    /// The columns that are linear combinations of columns before them, and of which.
    pub(super) fn combinations(&self, rows: &Rows<'_>, free: &Standardisation) -> Vec<LeftOut> {
        // The columns decide, whatever the classes and the offsets are.
        let plain = rows.dataset().without_offset();
        let risk = EmpiricalRisk::new(rows.of(&plain), BceWithLogits::default()).standardised(free.clone());
        let risk = if self.intercept { risk } else { risk.without_intercept() };
        let n = risk.n_parameters();
        if free.columns.is_empty() || rows.dataset().is_elsewhere().is_none() && independent_in_sample(&risk) {
            return Vec::new();
        }
        let hessian = risk.sums(&vec![0.0; n], Order::Hessian).hessian;
        let (factor, out) = Cholesky::independent(&hessian, n, COLLINEAR);
        let kept: Vec<usize> = (0..free.columns.len()).filter(|k| !out.contains(k)).collect();
        let explained = |&k: &usize| {
            // Regress the column on those that stay: β = (KᵀK)⁻¹·KᵀX.
            let entry = |other: usize| hessian[k.max(other) * n + k.min(other)];
            let mut beta: Vec<f64> = kept.iter().map(|&other| entry(other)).collect();
            beta.resize(n - out.len(), 0.0);
            factor.solve(&mut beta);
            let explains = |at: &usize| beta[*at].abs() > 1e-6;
            let repeats = (0..kept.len()).filter(explains).map(|at| free.columns[kept[at]]).collect();
            LeftOut { column: free.columns[k], repeats }
        };
        out.iter().filter(|&&k| k < free.columns.len()).map(explained).collect()
    }
}

/// Whether an engine that holds the rows has answered so far.
pub(super) fn check_engine(rows: &Rows<'_>) -> Result<()> {
    rows.dataset().is_elsewhere().map_or(Ok(()), Elsewhere::check)
}

/// Of so many panels of rows, one is looked at first.
const SAMPLED: usize = 8;

/// Whether some of the rows show that no column is a combination of others. What is left of a column beside others only
/// grows with every row, so that a pivot over some of the rows is a lower bound of that over all of them.
fn independent_in_sample(risk: &EmpiricalRisk<'_, BceWithLogits>) -> bool {
    let sample = risk.thinned(SAMPLED);
    let n = risk.n_parameters();
    if sample.n_rows() < 2 * n {
        return false;
    }
    let share = sample.total_weight() / risk.total_weight();
    let hessian = sample.sums(&vec![0.0; n], Order::Hessian).hessian;
    let Ok(factor) = Cholesky::new(&hessian, n) else { return false };
    // Columns have a mean square of 1 over all rows, and so has that of ones: a curvature of 1/4 at even odds.
    (0..n).all(|j| share * factor.lower()[j * n + j].powi(2) > COLLINEAR * 0.25)
}

fn check_terms(terms: usize, most: usize, bound: &'static str) -> Result<()> {
    if terms <= most { Ok(()) } else { Err(Error::TooManyTerms { place: Place::default(), terms, most, bound }) }
}
