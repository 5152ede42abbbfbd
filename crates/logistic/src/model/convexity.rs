//! A certificate that needs no Hessian, where every coefficient has an l2 penalty.

use super::certificate::{Centre, Certified, by_curvature, round_up};
use crate::cholesky::Cholesky;
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, ParameterPenalty};
use crate::solver::{Certificate, Known};

/// Bounds the distance to the minimum without a factor of the Hessian, where every coefficient has an l2 penalty.
///
/// For δ = (W, b) of length 1 in the metric of the Hessian, `Σ l2ⱼ·Wⱼ² ≤ 1`; so no row's logits move by more than
/// `R = maxᵢ √(Σ xᵢⱼ²/l2ⱼ)` through W. The least `‖δ‖²` for a given b is at least `s·‖b‖²`: with h the least eigenvalue of
/// the mean curvature of the outputs' logits and c the most that a row's can be (1/4 for two classes, 1/2 for more), and
/// t² what W adds to the penalty, the loss adds at least `(√h·‖b‖ − √c·R·t)²`, and the larger of the two is least where
/// they are equal, at `s = h/(1 + √c·R)²`. Hence M ≤ R + 1/√s (√2 times that for several outputs), and λ is at most
/// `√(Σ vⱼ²/l2ⱼ) + ‖v_b‖/√s`; and from there on as in [`certify`](super::certificate::certify).
pub(super) fn by_convexity<L: Loss>(
    risk: &EmpiricalRisk<'_, L>,
    penalty: &ParameterPenalty,
    centre: &Centre<'_>,
    known: &Known,
) -> Option<Certified> {
    let (sums, mean) = (known.sums.as_ref()?, risk.mean_curvature(known.curvature.as_ref()?)?);
    let (outputs, p) = (centre.outputs, centre.standard.columns.len());
    let (l2, unpenalised) = penalty.l2.split_at(outputs * p);
    if penalty.has_kinks() || l2.contains(&0.0) {
        return None;
    }
    let objective = sums.value;
    let mut least = sums.gradient.clone();
    let gradient_max_norm = sums.gradient_max_norm();
    round_up(&mut least, f64::EPSILON * objective);
    let inverse: Vec<f64> = l2[..p].iter().map(|l2| 1.0 / l2).collect();
    let reach = risk.largest_weighted_square(&inverse).sqrt();
    let weights: f64 = least.iter().zip(l2).map(|(v, l2)| v * v / l2).sum();
    let (mut norm, mut decrement) = (reach, weights.sqrt());
    if !unpenalised.is_empty() {
        let mut curvature = mean;
        if !penalty.gauges.is_empty() {
            curvature.iter_mut().for_each(|c| *c += 1.0);
        }
        // The trace of the inverse is at least the inverse of the least eigenvalue.
        let h = 1.0 / Cholesky::new(&curvature, outputs).ok()?.inverse_trace();
        let most: f64 = if outputs == 1 { 0.25 } else { 0.5 };
        let root = h.sqrt() / (1.0 + most.sqrt() * reach);
        norm += 1.0 / root;
        decrement += least[outputs * p..].iter().map(|v| v * v).sum::<f64>().sqrt() / root;
    }
    norm *= if outputs == 1 { 1.0 } else { std::f64::consts::SQRT_2 };
    let gap = by_curvature(decrement, norm).filter(|gap| *gap < objective);
    let certificate = Certificate { gradient_max_norm, gap: gap.unwrap_or(objective), bounded: gap.is_some() };
    Some(Certified { certificate, objective, factor: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Feature};
    use crate::loss::{BceWithLogits, CrossEntropy};
    use crate::model::settings::{LogisticRegression, Method, Penalty};
    use crate::objective::{Objective, Order};
    use crate::solver::Go;

    /// Rows of numbers, a category of many levels and compressed rows, of three classes.
    fn data(n_classes: usize) -> Dataset {
        let n = 400;
        let value = |i: usize, j: usize| ((i * 31 + j * 17 + i * i * (j + 1)) % 97) as f64 / 40.0 - 1.0;
        let matrix = (0..n * 9).map(|at| value(at / 9, at % 9)).collect();
        let codes = (0..n).map(|i| ((i * i + 3 * i) % 21) as u32).collect();
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            columns.extend((0..12).filter(|j| (i * 7 + j * 13 + i * j) % 5 == 0).map(|j| j as u32));
            values.resize(columns.len(), value(i, 50));
            starts.push(columns.len());
        }
        let features = vec![
            Feature::Matrix { values: matrix, n_columns: 9 },
            Feature::Codes { codes, levels: 21 },
            Feature::Csr { starts: starts.into(), columns: columns.into(), values: values.into(), n_columns: 12 },
        ];
        let y = (0..n).map(|i| ((i * 7 + i * i) % 11 % n_classes) as f64).collect();
        let data = Dataset::new(features, vec![0.0; n], None).unwrap();
        data.of_classes(y, n_classes).unwrap()
    }

    fn never_below_the_truth<L: Loss + Copy>(data: &Dataset, loss: L, l2: f64) {
        let rows = data.rows();
        let settings =
            LogisticRegression { penalty: Penalty::ridge(l2), method: Method::Newton, ..LogisticRegression::default() };
        let fit = settings.fit(&rows, &mut |_, _| Go::On).unwrap();
        let (solution, minimum) = (fit.solution, fit.facts.objective);
        let (outputs, standard) = (solution.outputs, &solution.standard);
        let risk = settings.risk(&rows, standard, loss).unwrap();
        let penalty = settings.parameter_penalty(standard, outputs);
        let centre = Centre { rows: &rows, standard, outputs };
        for (far, shrinks) in (0..12).map(|k| (k, 10f64.powi(-k))) {
            let moved = |(j, w): (usize, &f64)| w + shrinks * (((j * 37 + 11) % 19) as f64 / 9.5 - 1.0);
            let at: Vec<f64> = solution.parameters.iter().enumerate().map(moved).collect();
            let (sums, curvature) = risk.curved(&at);
            let truth = risk.sums(&at, Order::Value).value - minimum;
            let known = Known { sums: Some(sums), old: None, curvature: Some(curvature) };
            let found = by_convexity(&risk, &penalty, &centre, &known).unwrap().certificate;
            assert!(truth <= found.gap + 8.0 * f64::EPSILON * minimum, "{far}: {} reported, {truth} true", found.gap);
            // Near the minimum there is a bound, and it falls with the square of the distance.
            assert!(far < 7 || (found.bounded && found.gap < 1e10 * shrinks * shrinks), "{far}: {}", found.gap);
        }
    }

    #[test]
    fn the_gap_is_never_below_the_truth() {
        for l2 in [0.1, 0.001] {
            never_below_the_truth(&data(2), BceWithLogits::default(), l2);
            never_below_the_truth(&data(3), CrossEntropy { n_classes: 3, base: false }, l2);
        }
    }
}
