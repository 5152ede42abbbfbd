//! What columns are worth together: likelihood-ratio tests.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::check_engine;
use super::covariance::Covariance;
use super::fit::Fit;
use super::settings::LogisticRegression;
use crate::dataset::{Rows, Standardisation};
use crate::distribution::chi_squared_tail;
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};
use crate::objective::standardisation;
use crate::solver::{Go, Termination};

/// A likelihood-ratio test: twice the log-likelihood that is lost without some coefficients, against the chi-squared
/// distribution of as many degrees of freedom (Wilks, Annals of Mathematical Statistics 9(1), 1938).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelihoodRatio {
    /// The statistic; not negative.
    pub chi2: f64,
    /// The number of coefficients that are tested.
    pub df: usize,
    /// P(X ≥ chi2).
    pub p_value: f64,
}

/// The likelihood-ratio test of one column of the table: of all its design columns together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnTest {
    /// The column; `a:b` for a product.
    pub column: String,
    /// The test; absent where the model without the column is the same model.
    #[serde(flatten)]
    pub test: Option<LikelihoodRatio>,
}

impl LikelihoodRatio {
    /// The test of a model of log-likelihood `full` against one of `less`, with `df` coefficients fewer. Absent where
    /// there are none, or where either is no number. A statistic below zero is rounding, and taken as zero.
    pub(super) fn new(full: f64, less: f64, df: usize) -> Option<Self> {
        let chi2 = (2.0 * (full - less)).max(0.0);
        let sound = (full - less).is_finite();
        let p_value = chi_squared_tail(chi2, df).filter(|_| sound)?;
        Some(LikelihoodRatio { chi2, df, p_value })
    }
}

impl LogisticRegression {
    /// Whether the likelihood of a fit is that of a sample of independent rows, at its maximum.
    pub(super) fn has_likelihood(&self, fit: &Fit) -> bool {
        let independent = !matches!(self.covariance, Covariance::Cluster(_));
        fit.holds(self) && independent && !fit.facts.pseudo_likelihood
    }

    /// The test of all columns together, against the intercepts alone.
    pub(super) fn whole_model_test(&self, fit: &Fit) -> Option<LikelihoodRatio> {
        let facts = &fit.facts;
        let test = LikelihoodRatio::new(facts.log_likelihood, facts.null_log_likelihood, fit.places().len());
        test.filter(|_| self.has_likelihood(fit))
    }

    /// For each group of design columns the test of the model against the one without them: R's `drop1`. `fit` must be
    /// a fit of these settings to these rows.
    ///
    /// The degrees of freedom are the rank that is lost, over all outputs: a column that the fit left out may take the
    /// place of one that repeats it. A test is absent where no rank is lost, and everywhere where the likelihood is not
    /// that of a sample at its maximum: penalised, with sampling weights, weighted classes or clusters, or not
    /// converged. With [`LogisticRegression::firth`] it is the penalised likelihood-ratio test of Heinze & Schemper
    /// (Statistics in Medicine 21(16), 2002), which keeps the information of all columns in the penalty.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] for a column that the rows do not have; [`Error::Engine`] where they are in one, and it
    /// fails.
    pub fn column_tests(
        &self,
        rows: &Rows<'_>,
        fit: &Fit,
        groups: &[Vec<usize>],
    ) -> Result<Vec<Option<LikelihoodRatio>>> {
        let len = rows.dataset().n_columns();
        if let Some(&index) = groups.iter().flatten().find(|&&column| column >= len) {
            return Err(Error::IndexOutOfRange { index, len });
        }
        if !self.has_likelihood(fit) {
            return Ok(vec![None; groups.len()]);
        }
        if rows.dataset().is_held_elsewhere() {
            // An engine is asked one question at a time.
            let tests = groups.iter().map(|group| self.column_test(rows, fit, group)).collect();
            return check_engine(rows).and(tests);
        }
        // Every fit's bits depend on its rows alone, so fits beside each other change none.
        groups.par_iter().map(|group| self.column_test(rows, fit, group)).collect()
    }

    /// [`LogisticRegression::column_tests`] of every column of the table that `encoder` makes design columns of, in
    /// their order; products of columns are columns of their own, and stay where one of their factors goes. Empty where
    /// the likelihood is not that of a sample at its maximum.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] when the encoder is not that of the rows; [`Error::Engine`] as above.
    pub fn tests_by_column(&self, rows: &Rows<'_>, fit: &Fit, encoder: &Encoder) -> Result<Vec<ColumnTest>> {
        if !self.has_likelihood(fit) {
            return Ok(Vec::new());
        }
        let (mut columns, mut groups): (Vec<String>, Vec<Vec<usize>>) = Default::default();
        for (at, term) in encoder.terms().into_iter().enumerate() {
            match columns.iter().position(|column| *column == term.column) {
                Some(known) => groups[known].push(at),
                None => {
                    columns.push(term.column);
                    groups.push(vec![at]);
                }
            }
        }
        let tests = self.column_tests(rows, fit, &groups)?;
        Ok(columns.into_iter().zip(tests).map(|(column, test)| ColumnTest { column, test }).collect())
    }

    fn column_test(&self, rows: &Rows<'_>, fit: &Fit, group: &[usize]) -> Result<Option<LikelihoodRatio>> {
        let less = self.columns_without(rows, fit, group)?;
        let df = (fit.solution.standard.columns.len() - less.columns.len()) * fit.solution.outputs;
        if df == 0 {
            return Ok(None);
        }
        if self.firth {
            // Held at 0 are columns of the fit; where one that it left out takes the place of some, the test is another.
            let test = self.firth_column_test(rows, fit, group)?;
            return Ok(test.filter(|test| test.df == df));
        }
        let log_likelihood = match rows.dataset().n_classes() {
            2 => self.log_likelihood_of(rows, &less, BceWithLogits::default())?,
            n_classes => self.log_likelihood_of(rows, &less, CrossEntropy { n_classes, base: true })?,
        };
        Ok(log_likelihood.and_then(|less| LikelihoodRatio::new(fit.facts.log_likelihood, less, df)))
    }

    /// The columns that take part where those of `group` do not exist.
    fn columns_without(&self, rows: &Rows<'_>, fit: &Fit, group: &[usize]) -> Result<Standardisation> {
        let used = &fit.solution.standard;
        let without = |standard: &Standardisation| {
            let stays = |&k: &usize| !group.contains(&standard.columns[k]);
            standard.subset(&(0..standard.columns.len()).filter(stays).collect::<Vec<_>>())
        };
        if !fit.has_left_out() {
            return Ok(without(used));
        }
        let all = standardisation(rows, self.intercept);
        Ok(self.columns_among(rows, fit.solution.outputs, without(&all))?.0)
    }

    /// The largest log-likelihood with these columns, where the certificate says that it is.
    fn log_likelihood_of<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
    ) -> Result<Option<f64>> {
        let plain = self.plain();
        let attempt = plain.attempt(rows, standard, loss, &[], &mut |_, _| Go::On)?;
        let reached = attempt.termination == Termination::Converged;
        Ok(reached.then(|| -rows.total_weight() * attempt.objective))
    }
}
