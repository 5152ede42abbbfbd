//! Intervals of probabilities by the delta method.

use std::collections::HashMap;

use super::Model;
use crate::distribution::NORMAL_975;
use crate::loss::sigmoid;

/// What a model knows of how its coefficients vary, by their places in the design.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    /// The lower triangle, row by row.
    covariance: Vec<f64>,
    /// What of the coefficients each estimate is: the output, and the design column, absent for the intercept.
    estimates: Vec<(usize, Option<usize>)>,
    n_outputs: usize,
}

impl Delta {
    /// None for a model without a covariance.
    pub(crate) fn of(model: &Model) -> Option<Self> {
        if model.covariance.is_empty() {
            return None;
        }
        let terms = model.encoder.terms();
        let places: HashMap<&str, usize> = terms.iter().map(|term| term.term.as_str()).zip(0..).collect();
        let outputs: Vec<_> = model.coefficients.chunk_by(|a, b| a.class == b.class).collect();
        let estimates = outputs.iter().enumerate().flat_map(|(k, own)| {
            let estimated = own.iter().filter(|coefficient| coefficient.estimate.is_some());
            estimated.map(move |coefficient| (k, coefficient.column.as_ref().map(|_| coefficient.term.as_str())))
        });
        let estimates = estimates.map(|(k, term)| (k, term.and_then(|term| places.get(term).copied()))).collect();
        Some(Delta { covariance: model.covariance.clone(), estimates, n_outputs: outputs.len() })
    }

    /// Half the interval of 95 % of the logit of a class's probability.
    ///
    /// # Shapes
    /// `design` (design columns); `probabilities` (classes); `gradient` is room to work in.
    pub(crate) fn half(&self, design: &[f64], probabilities: &[f64], class: usize, gradient: &mut Vec<f64>) -> f64 {
        let rest: f64 = probabilities.iter().enumerate().filter(|(k, _)| *k != class).map(|(_, p)| p).sum();
        // ∂ logit(p of class)/∂z of an output: 1 for two classes, otherwise ([same class] − p)/(1 − p of class).
        let first = probabilities.len().saturating_sub(self.n_outputs);
        let slope = |output: usize| match (self.n_outputs, output + first) {
            (1, _) => 1.0,
            (_, own) if own == class => 1.0,
            (_, own) => -probabilities[own] / rest,
        };
        let of = |&(output, column): &(usize, Option<usize>)| slope(output) * column.map_or(1.0, |j| design[j]);
        gradient.clear();
        gradient.extend(self.estimates.iter().map(of));
        NORMAL_975 * variance(&self.covariance, gradient).max(0.0).sqrt()
    }
}

/// The interval of a probability, whose logit has this one: on that scale it cannot leave 0 to 1. None where the logit is
/// beyond what can be told of it, for an interval of no width would be a false one.
pub(crate) fn around(logit: f64, half: f64) -> Option<(f64, f64)> {
    (logit.is_finite() && half.is_finite()).then(|| (sigmoid(logit - half), sigmoid(logit + half)))
}

/// gᵀ·V·g, of V the lower triangle.
fn variance(covariance: &[f64], gradient: &[f64]) -> f64 {
    let (mut rest, mut sum) = (covariance, 0.0);
    for (i, own) in gradient.iter().enumerate() {
        let Some((row, others)) = rest.split_at_checked(i + 1) else { return sum };
        rest = others;
        let off: f64 = row[..i].iter().zip(gradient).map(|(entry, other)| entry * other).sum();
        sum += own * (2.0 * off + own * row[i]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variance_takes_the_triangle_twice() {
        // V = [[4, 1], [1, 9]], g = (2, −1): 16 − 4 + 9.
        assert_eq!(variance(&[4.0, 1.0, 9.0], &[2.0, -1.0]), 21.0);
    }
}
