//! The refit without penalty of the columns that a lasso has selected.

use std::collections::HashSet;

use super::fit::{Fit, Progress};
use super::settings::{LogisticRegression, Penalty};
use crate::dataset::Rows;
use crate::error::{Error, Result};
use crate::loss::BceWithLogits;

impl LogisticRegression {
    /// Fits again, by maximum likelihood, the columns whose coefficients `fit` (of these settings, to these rows) has
    /// left other than 0; the others stay at 0 (the relaxed lasso of Meinshausen, Computational Statistics & Data
    /// Analysis 52(1), 2007, with φ = 0). Its standard errors are those of a fit to these columns: they take no account
    /// of the selection, and are too small for it.
    ///
    /// # Errors
    /// [`Error::Setting`] without an l1 penalty, with bounds, and for more than two classes; [`Error::Shape`]
    /// for rows or columns of another number than the fit's; those of [`LogisticRegression::fit`].
    pub fn relax(&self, rows: &Rows<'_>, fit: &Fit, progress: Progress<'_>) -> Result<Fit> {
        let refuse = |expected: &str, found: &str| {
            Err(Error::Setting { name: "relaxed", expected: expected.to_string(), found: found.to_string() })
        };
        if self.penalty.l1 == 0.0 {
            return refuse("an l1 penalty, which selects columns", "none");
        }
        if !self.bounds.is_empty() || rows.dataset().n_classes() > 2 {
            return refuse("two classes and no bounds", "others");
        }
        let data = fit.as_fitted(rows)?;
        let rows = rows.of(&data);
        let plain = LogisticRegression { penalty: Penalty::default(), ..self.clone() };
        let standard = &fit.solution.standard;
        let has_effect = |k: &usize| fit.weight[standard.columns[*k]].is_some_and(|weight| weight != 0.0);
        let selected = standard.subset(&(0..standard.columns.len()).filter(has_effect).collect::<Vec<_>>());
        // A lasso may select more than can be told apart without it.
        let repeated = plain.combinations(&rows, &selected);
        let gone: HashSet<usize> = repeated.iter().map(|out| out.column).collect();
        let apart = (0..selected.columns.len()).filter(|&k| !gone.contains(&selected.columns[k]));
        let columns = (selected.subset(&apart.collect::<Vec<_>>()), repeated);
        let class_weight = &fit.facts.class_weight;
        let loss = BceWithLogits::default();
        let outcome = plain.fit_loss(&rows, columns, loss, &[], progress)?;
        let mut relaxed = plain.conclude(&rows, outcome, loss, class_weight, progress)?;
        for (new, old) in relaxed.weight.iter_mut().zip(&fit.weight) {
            *new = new.or(old.filter(|weight| *weight == 0.0));
        }
        relaxed.facts.l1 = fit.facts.l1;
        relaxed.facts.standardised_penalty = fit.facts.standardised_penalty;
        relaxed.facts.relaxed = true;
        // Columns that were chosen for what they explain cannot be tested as if they had not been.
        relaxed.facts.lr_test = None;
        Ok(relaxed)
    }
}
