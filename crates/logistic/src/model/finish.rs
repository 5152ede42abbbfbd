//! From the end of a minimisation to a fit in the user's units, and the facts of it.

use super::Facts;
use super::attempt::Attempt;
use super::columns::LeftOut;
use super::fit::{Fit, Solution};
use super::settings::{LogisticRegression, class_totals};
use crate::dataset::{Rows, Standardisation};
use crate::error::Result;
use crate::loss::Loss;
use crate::objective::{Objective, Order};
use crate::solver::Go;

impl LogisticRegression {
    pub(super) fn finish<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: Standardisation,
        left_out: Vec<LeftOut>,
        loss: L,
        attempt: Attempt,
    ) -> Result<Fit> {
        let (outputs, p, n_columns) = (loss.n_outputs(), standard.columns.len(), rows.dataset().n_columns());
        let total = rows.total_weight();
        let penalty = self.parameter_penalty(&standard, outputs);
        // Firth's objective has a prior in it, which depends on the rows.
        let mean_loss = match self.firth {
            true => self.plain_risk(rows, &standard, loss)?.sums(&attempt.parameters, Order::Value).value,
            false => attempt.objective - penalty.value(&attempt.parameters),
        };
        let facts = Facts {
            n_rows: rows.len(),
            total_weight: total,
            l1: self.penalty.l1,
            l2: self.penalty.l2,
            standardised_penalty: self.penalty.standardised,
            bounded: !self.bounds.is_empty(),
            termination: attempt.termination.name().to_string(),
            iterations: attempt.trace.len(),
            objective: attempt.objective,
            gradient_max_norm: attempt.certificate.gradient_max_norm,
            gap: attempt.certificate.gap,
            log_likelihood: -total * mean_loss,
            null_log_likelihood: self.null_log_likelihood(rows, &standard, loss)?,
            firth: self.firth,
            ..Facts::unsaid(attempt.method.name(), attempt.parameters.len())
        };
        let kinks = self.penalty.l1 > 0.0 || !self.bounds.is_empty();
        let mut fit = Fit {
            weight: vec![None; outputs * n_columns],
            bias: attempt.parameters[outputs * p..].to_vec(),
            inference: vec![None; outputs * n_columns],
            bias_inference: vec![None; attempt.parameters.len() - outputs * p],
            covariance: None,
            facts,
            trace: attempt.trace,
            termination: attempt.termination,
            left_out,
            runaways: None,
            solution: Solution {
                standard,
                outputs,
                parameters: attempt.parameters,
                factor: attempt.factor,
                l2: penalty.l2,
                kinks,
            },
        };
        fit.carry_out(loss.n_outputs() == rows.dataset().n_classes());
        Ok(fit)
    }

    /// The log-likelihood without columns: of the intercepts alone, or of equal chances, offsets included.
    pub(super) fn null_log_likelihood<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
    ) -> Result<f64> {
        let total = rows.total_weight();
        if rows.dataset().offset().is_some() {
            let none = standard.subset(&[]);
            let null = self.plain();
            let attempt = null.attempt(rows, &none, loss, &[], &mut |_, _| Go::On)?;
            return Ok(-total * attempt.objective);
        }
        let totals = class_totals(rows);
        Ok(match self.intercept {
            true => totals.iter().map(|of_class| of_class * (of_class / total).ln()).sum(),
            false => -total * (totals.len() as f64).ln(),
        })
    }
}

impl Fit {
    /// Carries the solution to the user's units; biases of classes that are all alike add up to 0.
    fn carry_out(&mut self, alike: bool) {
        let Solution { standard, parameters, outputs, .. } = &self.solution;
        let (outputs, p, n_columns) = (*outputs, standard.columns.len(), self.weight.len() / outputs);
        for (k, j) in (0..outputs).flat_map(|k| (0..p).map(move |j| (k, j))) {
            let w = parameters[k * p + j] / standard.scale[j];
            let at = k * n_columns + standard.columns[j];
            self.weight[at] = Some(w);
            self.bias.iter_mut().skip(k).take(1).for_each(|bias| *bias -= w * standard.centre[j]);
        }
        if alike {
            // One number added to all of them changes nothing; moving the columns' centres has left their sum anywhere.
            let mean = self.bias.iter().sum::<f64>() / outputs as f64;
            self.bias.iter_mut().for_each(|bias| *bias -= mean);
        }
    }
}
