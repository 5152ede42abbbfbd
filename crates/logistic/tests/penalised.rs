//! Penalised fits against an 80-bit reference solver: ridge, lasso, elastic net, two classes and more.

mod golden;

use golden::{design, moments, names};
use logistic::dataset::{Dataset, Feature};
use logistic::model::{ClassWeight, Fit, LogisticRegression, Penalty};
use logistic::solver::{Go, Termination};
use serde_json::Value;

/// The objective, relative.
const OBJECTIVE: f64 = 1e-12;
/// Coefficients under l2, of the largest.
const RIDGE: f64 = 1e-9;
/// Coefficients under l1, of the largest.
const LASSO: f64 = 1e-9;
/// What summing a thousand losses rounds, relative.
const ROUNDING: f64 = 2e-14;
/// Softmax coefficients.
const SOFTMAX: f64 = 1e-9;

/// Fits what a golden case describes; gives the coefficients on its scale, one list per class, with the fit.
fn fit(case: &str, golden: &Value) -> (Fit, Vec<String>, Vec<Vec<f64>>) {
    let spec = &golden["spec"];
    let design = design(case, spec);
    let n = design.labels.len();
    assert_eq!(n as u64, golden["n"].as_u64().unwrap(), "{case}");
    let zscore = spec["scale"] == "zscore";
    let balanced = spec["class_weight"] == "balanced";
    let (c, ratio) = (spec["C"].as_f64().unwrap(), spec["l1_ratio"].as_f64().unwrap());
    // The golden standard deviations are of rows that weigh the same, ours of rows as they weigh.
    let by_hand = zscore && balanced;
    let feature = |(_, values): &(String, Vec<f64>)| {
        let (mean, sd) = moments(values);
        Feature::number(if by_hand { values.iter().map(|v| (v - mean) / sd).collect() } else { values.clone() })
    };
    let features = design.columns.iter().map(feature).collect();
    let data = match spec["task"].as_str().unwrap() {
        "binary" => {
            let positive = spec["positive"].as_str().unwrap();
            Dataset::new(features, design.labels.iter().map(|label| f64::from(label == positive)).collect(), None)
        }
        _ => {
            let classes = names(&golden["classes"]);
            let class = |label| classes.iter().position(|class| class == label).unwrap() as f64;
            let y = design.labels.iter().map(class).collect();
            Dataset::new(features, vec![0.0; n], None).unwrap().of_classes(y, classes.len())
        }
    };
    let (l1, l2) = (ratio / (c * n as f64), (1.0 - ratio) / (c * n as f64));
    let settings = LogisticRegression {
        penalty: Penalty { l1, l2, standardised: zscore && !by_hand, ..Penalty::default() },
        intercept: spec["intercept"] == Value::Bool(true),
        class_weight: if balanced { ClassWeight::Balanced } else { ClassWeight::Equal },
        ..LogisticRegression::default()
    };
    let data = data.unwrap();
    let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
    let p = design.columns.len();
    let scale = |j: usize| if zscore && !by_hand { moments(&design.columns[j].1).1 } else { 1.0 };
    let of_output = |k: usize| (0..p).map(|j| fit.weight[k * p + j].unwrap_or(0.0) * scale(j)).collect();
    let coefficients = (0..fit.n_outputs()).map(of_output).collect();
    (fit, design.columns.into_iter().map(|(name, _)| name).collect(), coefficients)
}

fn check_end(id: &str, golden: &Value, fit: &Fit) {
    assert_eq!(fit.termination(), Termination::Converged, "{id}: gap {}", fit.facts.gap);
    let spec = &golden["spec"];
    let expected = golden["reference"]["objective_C_form"].as_f64().unwrap()
        / (spec["C"].as_f64().unwrap() * golden["n"].as_f64().unwrap());
    let (found, gap) = (fit.facts.objective, fit.facts.gap);
    assert!((found - expected).abs() <= OBJECTIVE * expected, "{id}: {found} against {expected}");
    assert!(found - expected <= gap + ROUNDING * expected, "{id}: {} above, {gap} said", found - expected);
}

fn check_coefficients(id: &str, golden: &Value, reference: &Value, found: (&[String], &[f64]), tolerance: f64) {
    let expected: Vec<f64> = found.0.iter().map(|name| reference[name].as_f64().unwrap()).collect();
    let largest = expected.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
    for ((name, &found), &expected) in found.0.iter().zip(found.1).zip(&expected) {
        let what = format!("{id} {name}: {found} against {expected}");
        assert!((found - expected).abs() <= tolerance * largest, "{what}");
        if golden["spec"]["l1_ratio"].as_f64().unwrap() > 0.0 {
            assert_eq!(found == 0.0, expected.abs() < 1e-12, "{what}");
        }
    }
}

#[test]
fn two_classes() {
    let cases = golden::fits("pen");
    assert_eq!(cases.len(), 28);
    for (case, golden) in &cases {
        let id = golden["id"].as_str().unwrap();
        let (fit, columns, coefficients) = fit(case, golden);
        check_end(id, golden, &fit);
        let ridge = golden["spec"]["l1_ratio"].as_f64() == Some(0.0);
        let tolerance = if ridge { RIDGE } else { LASSO };
        check_coefficients(id, golden, &golden["reference"]["coef"], (&columns, &coefficients[0]), tolerance);
    }
}

#[test]
fn more_classes() {
    let cases = golden::fits("mpen");
    assert_eq!(cases.len(), 13);
    for (case, golden) in &cases {
        let id = golden["id"].as_str().unwrap();
        let (fit, columns, coefficients) = fit(case, golden);
        check_end(id, golden, &fit);
        for (k, class) in names(&golden["classes"]).iter().enumerate() {
            let reference = &golden["reference"]["coef"][class];
            let ridge = golden["spec"]["l1_ratio"].as_f64() == Some(0.0);
            let tolerance = if ridge { SOFTMAX } else { LASSO };
            check_coefficients(id, golden, reference, (&columns, &coefficients[k]), tolerance);
            if golden["spec"]["scale"] == "none" {
                let expected = reference["(Intercept)"].as_f64().unwrap();
                assert!((fit.bias[k] - expected).abs() <= tolerance * (1.0 + expected.abs()), "{id} {class}");
            }
        }
        assert!(fit.bias.iter().sum::<f64>().abs() < 1e-8 * fit.bias[0].abs().max(1.0), "{id}: intercepts sum to 0");
    }
}

/// glmnet's standardisation, penalty factors, limits and mixtures.
#[test]
fn factors_and_limits() {
    let cases = golden::inference("penalised");
    assert_eq!(cases.len(), 14);
    for golden in &cases {
        let id = golden["id"].as_str().unwrap();
        let problem = golden::Problem::new(golden);
        let fit = problem.settings.fit(&problem.data.rows(), &mut |_, _| Go::On).unwrap();
        assert_eq!(fit.termination(), Termination::Converged, "{id}: gap {}", fit.facts.gap);
        let reference = &golden["reference"];
        let expected = reference["objective"].as_f64().unwrap();
        let found = fit.facts.objective;
        assert!((found - expected).abs() <= OBJECTIVE * expected, "{id}: {found} against {expected}");
        let coefficients = golden::floats(&reference["coef"]);
        let largest = coefficients.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
        let support = names(&reference["support"]);
        for ((name, &expected), w) in problem.columns.iter().zip(&coefficients[1..]).zip(&fit.weight) {
            let found = w.unwrap();
            assert!((found - expected).abs() <= LASSO * largest, "{id} {name}: {found} against {expected}");
            assert_eq!(found != 0.0, support.contains(name), "{id} {name}: {found}");
        }
        assert!((fit.bias[0] - coefficients[0]).abs() <= LASSO * largest.max(1.0), "{id}");
    }
}

/// Column 0 has no penalty and separates the classes; column 1 has one.
#[test]
fn a_column_without_penalty_can_separate() {
    let x: Vec<f64> = (0..40).flat_map(|i| [f64::from(i) - 19.5, f64::from((i * 7) % 11)]).collect();
    let data = Dataset::from_rows(&x, 2, (0..40).map(|i| f64::from(i >= 20)).collect()).unwrap();
    for (l1, l2) in [(0.0, 0.1), (0.05, 0.0), (0.05, 0.1)] {
        let penalty = |factors: Vec<f64>| Penalty { l1, l2, factors, standardised: true };
        let fit = |factors| {
            let settings = LogisticRegression { penalty: penalty(factors), ..LogisticRegression::default() };
            settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
        };
        assert_eq!(fit(vec![0.0, 1.0]).termination(), Termination::NoFiniteOptimum, "{l1} {l2}");
        // Where it is the other column that is spared, there is an optimum.
        assert_eq!(fit(vec![1.0, 0.0]).termination(), Termination::Converged, "{l1} {l2}");
    }
}
