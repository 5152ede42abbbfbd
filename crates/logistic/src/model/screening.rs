//! Under an l1 penalty most coefficients are 0, and a fit without their columns is the fit, if those columns would not
//! leave 0 in it (Tibshirani et al., Journal of the Royal Statistical Society B 74(2), 2012: screening, then a check).

use super::attempt::Attempt;
use super::certificate::{Centre, certify};
use super::fit::Progress;
use super::settings::LogisticRegression;
use crate::dataset::{Rows, Standardisation};
use crate::error::Result;
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Module, Objective, Order, ParameterPenalty};
use crate::solver::{Known, Termination};

/// Columns whose gradient exceeds this share of their penalty at the start are looked at at once: with steps of a path
/// of a hundred values, the sequential strong rule's 2λ − λ_before.
const NEAR: f64 = 0.9;

impl LogisticRegression {
    /// Minimises over the columns that have a coefficient at the start or press against their penalty, adds those that
    /// press in the end, and so on until none does.
    ///
    /// That none does is certain: at a distance of ε to the minimum over the chosen columns, the loss alone is at most
    /// ε above it along its tangent, that is Σsᵢ·KL(p̂ᵢ‖pᵢ)/Σsᵢ ≤ ε, so by Pinsker's inequality no class has a root mean
    /// square of p̂ − p above √(ε/2), and no gradient of a standardised column is further than that from what it is at
    /// the minimum. Then the minimum over the chosen columns is the minimum over all, and the certificate holds.
    pub(super) fn attempt_screened<L: Loss + Copy>(
        &self,
        rows: &Rows<'_>,
        standard: &Standardisation,
        loss: L,
        start: &[f64],
        progress: Progress<'_>,
    ) -> Result<Attempt> {
        let outputs = loss.n_outputs();
        let risk = self.risk(rows, standard, loss)?;
        let penalty = self.parameter_penalty(standard, outputs);
        let mut at = self.start(rows, standard.columns.len(), outputs).parameters().to_vec();
        if start.len() == at.len() {
            at.copy_from_slice(start);
        }
        let screen = Screen { risk: &risk, penalty: &penalty, p: standard.columns.len(), outputs };
        let mut chosen = screen.first(&at);
        let mut trace = Vec::new();
        loop {
            let part = standard.subset(&chosen);
            let heard = trace.len();
            let mut attempt =
                self.attempt_all(rows, &part, loss, &screen.restrict(&at, &chosen), &mut |iteration, step| {
                    progress(heard + iteration, step)
                })?;
            trace.append(&mut attempt.trace);
            attempt.trace = trace;
            if chosen.len() == screen.p {
                return Ok(attempt);
            }
            at = screen.embed(&attempt.parameters, &chosen);
            attempt.parameters.clone_from(&at);
            attempt.factor = None;
            if attempt.termination == Termination::Interrupted {
                let certified =
                    certify(&risk, &penalty, &at, &Centre { rows, standard, outputs }, (Known::default(), true));
                attempt.certificate = certified.certificate;
                return Ok(attempt);
            }
            let slack = (0.5 * attempt.certificate.gap).sqrt() + f64::EPSILON * attempt.objective;
            let pressing = screen.pressing(&at, &chosen, slack);
            if pressing.is_empty() {
                return Ok(attempt);
            }
            chosen.extend(pressing);
            chosen.sort_unstable();
            trace = attempt.trace;
        }
    }
}

struct Screen<'s, 'a, L> {
    risk: &'s EmpiricalRisk<'a, L>,
    penalty: &'s ParameterPenalty,
    p: usize,
    outputs: usize,
}

impl<L: Loss> Screen<'_, '_, L> {
    /// The parameters of a column.
    fn of(&self, j: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.outputs).map(move |k| k * self.p + j)
    }

    /// The columns to begin with.
    fn first(&self, at: &[f64]) -> Vec<usize> {
        let gradient = self.risk.sums(at, Order::Gradient).gradient;
        let penalty = self.penalty;
        let bounded = |i: usize| penalty.lower[i] > 0.0 || penalty.upper[i] < 0.0;
        let matters =
            |i: usize| at[i] != 0.0 || penalty.l1[i] == 0.0 || bounded(i) || gradient[i].abs() > NEAR * penalty.l1[i];
        (0..self.p).filter(|&j| self.of(j).any(matters)).collect()
    }

    /// The columns beside the chosen ones whose gradient may exceed their penalty once it is known to `slack`.
    fn pressing(&self, at: &[f64], chosen: &[usize], slack: f64) -> Vec<usize> {
        let gradient = self.risk.sums(at, Order::Gradient).gradient;
        let presses = |i: usize| {
            let held = (self.penalty.upper[i] <= 0.0 && gradient[i] < -slack)
                || (self.penalty.lower[i] >= 0.0 && gradient[i] > slack);
            !held && gradient[i].abs() + slack > self.penalty.l1[i]
        };
        let others = (0..self.p).filter(|j| chosen.binary_search(j).is_err());
        others.filter(|&j| self.of(j).any(presses)).collect()
    }

    /// The parameters of the chosen columns, and the biases.
    fn restrict(&self, at: &[f64], chosen: &[usize]) -> Vec<f64> {
        let weights = (0..self.outputs).flat_map(|k| chosen.iter().map(move |&j| k * self.p + j));
        let biases = self.outputs * self.p..at.len();
        weights.chain(biases).map(|i| at[i]).collect()
    }

    /// All parameters, those of other columns 0.
    fn embed(&self, part: &[f64], chosen: &[usize]) -> Vec<f64> {
        let q = chosen.len();
        let mut at = vec![0.0; self.risk.n_parameters()];
        for k in 0..self.outputs {
            chosen.iter().enumerate().for_each(|(place, &j)| at[k * self.p + j] = part[k * q + place]);
        }
        at[self.outputs * self.p..].copy_from_slice(&part[self.outputs * q..]);
        at
    }
}
