//! More than two classes, offsets, and the weights of classes, against R and statsmodels.

use std::path::PathBuf;

use logistic::dataset::Dataset;
use logistic::encode::{Encoded, Encoder, Encoding, Missing};
use logistic::error::Warning;
use logistic::model::{ClassWeight, Fit, LogisticRegression, Model};
use logistic::solver::Go;
use logistic::table::{ReadOptions, read};
use serde_json::Value;

/// Coefficients and ends of intervals, in standard errors.
const COEFFICIENT: f64 = 1e-7;
/// Standard errors, relative.
const STANDARD_ERROR: f64 = 1e-7;
/// Log-likelihoods, relative.
const LIKELIHOOD: f64 = 1e-10;
/// p-values, absolute.
const P_VALUE: f64 = 1e-8;

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata().join(name)).unwrap()).unwrap()
}

/// The records of a group of `golden/inference.json`.
fn golden(group: &str) -> Vec<Value> {
    let all = json("golden/inference.json");
    all.as_array().unwrap().iter().filter(|record| record["group"] == group).cloned().collect()
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The rows of a golden case, with the weights and offsets that its formulas say.
fn encoded(case: &str, spec: &Value) -> (Encoder, Encoded) {
    let (numeric, categorical) = (words(&spec["numeric"]), words(&spec["categorical"]));
    let target = spec["target"].as_str().unwrap().to_string();
    let path = testdata().join(format!("{case}.csv")).to_str().unwrap().to_string();
    let text = categorical.iter().cloned().chain(spec["positive"].is_null().then(|| target.clone())).collect();
    let table = read(&[path], &ReadOptions { text, ..ReadOptions::default() }, &|_| ()).unwrap();
    let encoding = Encoding {
        positive: spec["positive"].as_str().map(String::from),
        features: numeric.into_iter().chain(categorical.clone()).collect(),
        categorical,
        missing: Missing::Drop,
        offset: spec["offset"].as_str().map(String::from),
        reference: spec["base"].as_str().map(|base| (target.clone(), base.to_string())).into_iter().collect(),
        target,
        ..Encoding::default()
    };
    let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
    let mut encoded = encoder.labelled(&table, None).unwrap();
    let of_rows = |f: fn(usize) -> f64| encoded.rows.iter().map(f).collect::<Vec<f64>>();
    let (weight, offset) = (of_rows(|i| 1.0 + (i % 3) as f64), of_rows(|i| ((i % 7) as f64 - 3.0) * 0.25));
    if spec["weight_formula"] == "1 + (i mod 3)" {
        encoded.dataset = encoded.dataset.weighted(weight).unwrap();
    }
    if spec["offset_formula"] == "((i mod 7) - 3)*0.25" {
        encoded.dataset = encoded.dataset.offset_by(offset).unwrap();
    }
    (encoder, encoded)
}

fn fit(data: &Dataset, settings: &LogisticRegression) -> Fit {
    settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} against {expected}");
}

/// The coefficients of one output against a row of a reference.
fn agrees(found: &[&logistic::model::Coefficient], reference: impl Fn(&str) -> Vec<f64>, what: &str) {
    let (coef, se, p) = (reference("coef"), reference("se"), reference("p_value"));
    let (low, high) = (reference("ci_low"), reference("ci_high"));
    assert_eq!(found.len(), coef.len(), "{what}");
    for (j, coefficient) in found.iter().enumerate() {
        let what = format!("{what} {}", coefficient.term);
        let inference = coefficient.inference.unwrap_or_else(|| panic!("{what} has no inference"));
        close(coefficient.estimate.unwrap(), coef[j], COEFFICIENT * se[j], &what);
        close(inference.std_error, se[j], STANDARD_ERROR * se[j], &what);
        close(inference.p_value, p[j], P_VALUE, &what);
        close(inference.ci_low, low[j], COEFFICIENT * se[j], &what);
        close(inference.ci_high, high[j], COEFFICIENT * se[j], &what);
    }
}

fn likelihoods(model: &Model, reference: &Value, what: &str) {
    for (found, key) in [(model.facts.log_likelihood, "loglik"), (model.facts.null_log_likelihood, "null_loglik")] {
        let expected = reference[key].as_f64().unwrap();
        close(found, expected, LIKELIHOOD * expected.abs(), &format!("{what} {key}"));
    }
}

#[test]
fn multinomial_against_a_base() {
    let cases = golden("mlogit");
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let (id, reference) = (case["id"].as_str().unwrap(), &case["reference"]);
        let (encoder, encoded) = encoded(case["case"].as_str().unwrap(), &case["spec"]);
        assert_eq!(encoder.target.negative(), case["spec"]["base"].as_str().unwrap());
        let model = Model::new(encoder, fit(&encoded.dataset, &LogisticRegression::default()), 0.5, Vec::new());
        assert!(model.facts.converged(), "{id}: {}", model.facts.termination);
        likelihoods(&model, reference, id);
        for (k, class) in words(&reference["classes"]).iter().enumerate() {
            let own: Vec<_> = model.coefficients.iter().filter(|c| c.class.as_ref() == Some(class)).collect();
            agrees(&own, |key| numbers(&reference[key][k]), &format!("{id} {class}"));
        }
    }
}

#[test]
fn the_base_changes_no_probability() {
    let specs = golden("mlogit");
    let spec = |base: &str| {
        let mut spec = specs.iter().find(|case| case["id"] == "anes96.base3").unwrap()["spec"].clone();
        spec["base"] = base.into();
        spec
    };
    let probabilities = |base: &str| {
        let (encoder, encoded) = encoded("anes96", &spec(base));
        let model = Model::new(encoder, fit(&encoded.dataset, &LogisticRegression::default()), 0.5, Vec::new());
        let classes = &model.encoder.target.classes;
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|&k| classes[k].clone());
        let all = model.class_probabilities(&encoded);
        let sorted = |row: &[f64]| order.iter().map(|&k| row[k]).collect::<Vec<f64>>();
        all.chunks_exact(classes.len()).flat_map(sorted).collect::<Vec<f64>>()
    };
    let (first, last) = (probabilities("0"), probabilities("6"));
    for (a, b) in first.iter().zip(&last) {
        close(*a, *b, 1e-12, "probability");
    }
    for row in first.chunks_exact(7) {
        close(row.iter().sum(), 1.0, 1e-14, "sum");
    }
}

#[test]
fn offsets() {
    let cases = golden("offset");
    assert!(cases.len() >= 5);
    for case in &cases {
        let (id, spec) = (case["id"].as_str().unwrap(), &case["spec"]);
        let (encoder, encoded) = encoded(case["case"].as_str().unwrap(), spec);
        let settings = LogisticRegression { intercept: spec["intercept"] == true, ..LogisticRegression::default() };
        let model = Model::new(encoder, fit(&encoded.dataset, &settings), 0.5, Vec::new());
        assert!(model.facts.converged(), "{id}: {}", model.facts.termination);
        let all: Vec<_> = model.coefficients.iter().collect();
        agrees(&all, |key| numbers(&case["reference"][key]), id);
        likelihoods(&model, &case["reference"], id);
        let eta = case["reference"]["eta_head"].as_array().unwrap();
        for (p, eta) in model.probabilities(&encoded).iter().zip(eta) {
            close(*p, logistic::loss::sigmoid(eta.as_f64().unwrap()), 1e-9, id);
        }
    }
}

#[test]
fn weights_of_classes_leave_decisions_and_give_probabilities_back() {
    let spec = golden("offset").into_iter().find(|case| case["id"] == "german_credit.formula").unwrap()["spec"].clone();
    let (encoder, encoded) = encoded("german_credit", &spec);
    let weighted = LogisticRegression { class_weight: ClassWeight::Balanced, ..LogisticRegression::default() };
    let fitted = fit(&encoded.dataset, &weighted);
    assert_eq!(fitted.facts.class_weight.len(), 2);
    let raw = Model::new(encoder, fitted, 0.5, Vec::new());
    let calibrated = raw.clone().calibrated().unwrap();
    assert!(calibrated.clone().calibrated().unwrap() == calibrated, "weights are taken back once");
    let (before, after) = (raw.probabilities(&encoded), calibrated.probabilities(&encoded));
    let mean = |p: &[f64]| p.iter().sum::<f64>() / p.len() as f64;
    let rate = mean(encoded.dataset.y());
    // Balanced weights promise one half; taken back, the share of positive rows.
    assert!((mean(&before) - rate).abs() > 0.1);
    assert!((mean(&after) - rate).abs() < 0.01, "{} {rate}", mean(&after));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(raw.called(&[1.0 - before, *before]), calibrated.called(&[1.0 - after, *after]));
    }
    assert_eq!(calibrated.facts.aic(), None);
    let ratio = raw.facts.class_weight[1] / raw.facts.class_weight[0];
    close(raw.intercept() - calibrated.intercept(), ratio.ln(), 1e-14, "intercept");
}

#[test]
fn weights_of_several_classes_are_taken_back() {
    let spec = golden("mlogit").into_iter().find(|case| case["id"] == "german_credit.own").unwrap()["spec"].clone();
    let (encoder, encoded) = encoded("german_credit", &spec);
    let class_weight = ClassWeight::Given(vec![1.0, 5.0, 3.0]);
    let weighted = LogisticRegression { class_weight, ..LogisticRegression::default() };
    let raw = Model::new(encoder.clone(), fit(&encoded.dataset, &weighted), 0.5, Vec::new());
    let calibrated = raw.clone().calibrated().unwrap();
    assert!(calibrated.clone().calibrated().unwrap() == calibrated, "weights are taken back once");
    let (before, after) = (raw.class_probabilities(&encoded), calibrated.class_probabilities(&encoded));
    for (before, after) in before.chunks_exact(3).zip(after.chunks_exact(3)) {
        assert_eq!(raw.called(before), calibrated.called(after));
        let odds = before[1] / before[0] / 5.0;
        close(after[1] / after[0], odds, 1e-12 * odds, "odds");
    }
}

#[test]
fn settings_of_several_classes_are_checked() {
    let data = Dataset::from_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1, vec![0.0; 6]).unwrap();
    let y = vec![0.0, 1.0, 2.0, 0.0, 1.0, 2.0];
    assert!(data.clone().of_classes(vec![0.0, 1.0, 3.0, 0.0, 1.0, 2.0], 3).is_err());
    assert!(data.clone().of_classes(vec![0.5; 6], 3).is_err());
    assert!(data.clone().of_classes(y.clone(), 1).is_err());
    let data = data.of_classes(y, 3).unwrap();
    assert!(data.clone().offset_by(vec![0.0; 6]).is_err());
    let refused = |settings: LogisticRegression| settings.fit(&data.rows(), &mut |_, _| Go::On).is_err();
    assert!(refused(LogisticRegression { bounds: vec![(0.0, 1.0)], ..LogisticRegression::default() }));
    let two = ClassWeight::Given(vec![1.0, 2.0]);
    assert!(refused(LogisticRegression { class_weight: two, ..LogisticRegression::default() }));
    let none = ClassWeight::Given(vec![1.0, 0.0, 1.0]);
    assert!(refused(LogisticRegression { class_weight: none, ..LogisticRegression::default() }));
}

#[test]
fn separation_of_several_classes() {
    let mut verdicts = Vec::new();
    for case in ["anes96", "iris", "penguins", "wine"] {
        let all = json(&format!("golden/fits/{case}.json"));
        for golden in all["fits"].as_array().unwrap().iter().filter(|fit| fit["kind"] == "mseparation") {
            let (encoder, encoded) = encoded(case, &golden["spec"]);
            let model = Model::new(encoder, fit(&encoded.dataset, &LogisticRegression::default()), 0.5, Vec::new());
            let found = model.warnings.iter().find_map(|warning| match warning {
                Warning::Separation { complete, .. } => Some(*complete),
                _ => None,
            });
            let verdict = match found {
                None => "none",
                Some(true) => "complete",
                Some(false) => "quasi-complete",
            };
            assert_eq!(verdict, golden["separation"].as_str().unwrap(), "{case}");
            let expected = if found.is_some() { "no_finite_optimum" } else { "converged" };
            assert_eq!(model.facts.termination, expected, "{case}");
            verdicts.push(verdict);
        }
    }
    assert_eq!(verdicts.len(), 4);
}
