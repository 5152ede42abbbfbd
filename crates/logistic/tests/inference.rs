//! Covariances, likelihood-ratio tests, profile intervals and Firth's fit against R, statsmodels and 80-bit arithmetic.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use logistic::dataset::{Dataset, Feature, Rows};
use logistic::encode::{Encoder, Encoding, Missing};
use logistic::model::{Covariance, Fit, Inference, LikelihoodRatio, LogisticRegression, WeightKind};
use logistic::solver::Go;
use logistic::table::{ReadOptions, Table, read};
use serde_json::Value;

/// Standard errors, relative.
const STANDARD_ERROR: f64 = 1e-7;
/// Coefficients and ends of intervals by profile, in standard errors.
const ESTIMATE: f64 = 1e-7;
/// Firth's coefficients, absolute.
const FIRTH: f64 = 1e-6;
/// Chi-squared statistics, relative, and at least so many nats.
const CHI2: f64 = 1e-9;
/// p-values, relative to p, which follow chi2 e-fold.
const P_VALUE: f64 = 1e-6;
/// Any scale of the columns, in standard errors.
const UNITS: f64 = 1e-8;

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata().join(path)).unwrap()).unwrap()
}

/// The cases of a group of `inference.json`.
fn group(name: &str) -> Vec<Value> {
    let all = json("golden/inference.json");
    all.as_array().unwrap().iter().filter(|case| case["group"] == name).cloned().collect()
}

/// The golden fits of a kind, with the name of their table.
fn fits(kind: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(testdata().join("golden/fits")).unwrap() {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        for fit in all["fits"].as_array().unwrap().iter().filter(|fit| fit["kind"] == kind) {
            let mut fit = fit.clone();
            fit["case"] = all["case"].clone();
            found.push(fit);
        }
    }
    found
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

/// A golden case as our settings see it.
struct Case {
    id: String,
    data: Dataset,
    settings: LogisticRegression,
    /// The terms, `(Intercept)` first where there is one.
    terms: Vec<String>,
    /// The design columns of each column.
    columns: Vec<(String, Vec<usize>)>,
}

impl Case {
    fn read(case: &Value) -> Self {
        let spec = &case["spec"];
        let (numeric, categorical) = (names(&spec["numeric"]), names(&spec["categorical"]));
        let path = testdata().join(format!("{}.csv", case["case"].as_str().unwrap()));
        let text = categorical.clone();
        let table =
            read(&[path.to_str().unwrap().to_string()], &ReadOptions { text, ..ReadOptions::default() }, &|_| ())
                .unwrap();
        let encoding = Encoding {
            target: spec["target"].as_str().unwrap().to_string(),
            positive: spec["positive"].as_str().map(String::from),
            features: numeric.into_iter().chain(categorical.clone()).collect(),
            categorical,
            missing: Missing::Drop,
            ..Encoding::default()
        };
        let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
        let encoded = encoder.labelled(&table, None).unwrap();
        let rows = kept(spec, &table, &encoded.rows);
        let mut data = filtered(&encoded.dataset, &rows);
        let n = data.len();
        match spec["weight_formula"].as_str() {
            Some("1 + (i mod 3)") => data = data.weighted((0..n).map(|i| 1.0 + (i % 3) as f64).collect()).unwrap(),
            Some("0.5 + (i mod 4)*0.75") => {
                data = data.weighted((0..n).map(|i| 0.5 + (i % 4) as f64 * 0.75).collect()).unwrap();
            }
            other => assert_eq!(other, None),
        }
        let intercept = spec["intercept"] == Value::Bool(true);
        let weight_kind = if spec["weight_kind"] == "sampling" { WeightKind::Sampling } else { WeightKind::Frequency };
        let settings = LogisticRegression { intercept, weight_kind, ..LogisticRegression::default() };
        let mut columns: Vec<(String, Vec<usize>)> = Vec::new();
        for (at, term) in encoder.terms().iter().enumerate() {
            match columns.last_mut() {
                Some((name, group)) if *name == term.column => group.push(at),
                _ => columns.push((term.column.clone(), vec![at])),
            }
        }
        let terms = encoder.terms().into_iter().map(|term| term.term);
        let terms = intercept.then(|| "(Intercept)".to_string()).into_iter().chain(terms).collect();
        let id = format!("{} {}", case["group"].as_str().unwrap_or("fit"), case["id"].as_str().unwrap());
        Case { id, data, settings, terms, columns }
    }

    fn fit(&self) -> Fit {
        let fit = self.settings.fit(&self.data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{}: {}", self.id, fit.facts.termination);
        fit
    }
}

/// The positions, among the encoded rows, of those that the filter keeps.
fn kept(spec: &Value, table: &Table, encoded: &[usize]) -> Vec<usize> {
    let Some((column, labels)) = spec["filter"].as_object().and_then(|filter| filter.iter().next()) else {
        return (0..encoded.len()).collect();
    };
    let (labels, column) = (names(labels), table.column(column).unwrap());
    (0..encoded.len()).filter(|&at| labels.contains(&column.text(encoded[at]).unwrap())).collect()
}

/// These rows, with the levels that they have.
fn filtered(data: &Dataset, rows: &[usize]) -> Dataset {
    if rows.len() == data.len() {
        return data.clone();
    }
    let feature = |feature: &Feature| match feature {
        Feature::Number(values) => Feature::Number(rows.iter().map(|&i| values[i]).collect()),
        Feature::Codes { codes, .. } => {
            let mut levels: Vec<u32> = rows.iter().map(|&i| codes[i]).collect();
            levels.sort_unstable();
            levels.dedup();
            let code = |&i: &usize| levels.binary_search(&codes[i]).unwrap() as u32;
            Feature::Codes { codes: rows.iter().map(code).collect(), levels: levels.len() }
        }
        _ => panic!(),
    };
    let y = rows.iter().map(|&i| data.y()[i]).collect();
    Dataset::new(data.features().iter().map(feature).collect(), y, None).unwrap()
}

/// The numbers of the cluster column's labels.
fn clusters(case: &Value, data: &Dataset) -> Arc<[u32]> {
    let path = testdata().join(format!("{}.csv", case["case"].as_str().unwrap()));
    let column = case["spec"]["cluster"].as_str().unwrap();
    let options = ReadOptions { text: vec![column.to_string()], ..ReadOptions::default() };
    let table = read(&[path.to_str().unwrap().to_string()], &options, &|_| ()).unwrap();
    let column = table.column(column).unwrap();
    assert_eq!(table.n_rows(), data.len(), "no case with clusters has missing values");
    let mut known = HashMap::new();
    (0..data.len())
        .map(|row| {
            let next = known.len() as u32;
            *known.entry(column.text(row).unwrap()).or_insert(next)
        })
        .collect()
}

/// The estimates and their inference, the intercept first.
fn all(fit: &Fit) -> Vec<(Option<f64>, Option<Inference>)> {
    let bias = fit.bias.iter().map(|&b| Some(b)).zip(fit.bias_inference.iter().copied());
    bias.chain(fit.weight.iter().copied().zip(fit.inference.iter().copied())).collect()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} against {expected}");
}

/// A test, or 0 degrees of freedom where there is none.
fn close_test(found: Option<LikelihoodRatio>, expected: &Value, what: &str) {
    let Some(found) = found else {
        assert_eq!(expected["df"], 0, "{what}");
        return;
    };
    let chi2 = expected["chi2"].as_f64().unwrap();
    close(found.chi2, chi2, CHI2 * chi2.max(1.0), what);
    assert_eq!(found.df as u64, expected["df"].as_u64().unwrap(), "{what}");
    let p_value = expected["p_value"].as_f64().unwrap();
    close(found.p_value, p_value, P_VALUE * p_value, what);
}

#[test]
fn golden_sandwiches() {
    let mut compared = 0;
    for case in &fits("mle") {
        let reference = &case["reference"];
        for (covariance, key) in [(Covariance::Hc0, "se_HC0"), (Covariance::Hc1, "se_HC1")] {
            let mut case = Case::read(case);
            case.settings.covariance = covariance;
            let fit = case.fit();
            for (term, (_, inference)) in case.terms.iter().zip(all(&fit)) {
                let Some(expected) = reference[key][term].as_f64() else { continue };
                let what = format!("{} {key} {term}", case.id);
                close(inference.unwrap().std_error, expected, STANDARD_ERROR * expected, &what);
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn golden_covariances() {
    let mut compared = 0;
    for value in &group("covariance") {
        let mut case = Case::read(value);
        let reference = &value["reference"];
        for key in ["model", "hc0", "hc1", "sampling", "cluster"] {
            let Some(expected) = reference[key].as_object() else { continue };
            case.settings.covariance = match key {
                "hc0" => Covariance::Hc0,
                "hc1" => Covariance::Hc1,
                "cluster" => Covariance::Cluster(clusters(value, &case.data)),
                _ => Covariance::Information,
            };
            let fit = case.fit();
            assert_eq!(fit.facts.covariance, if key == "model" { "information" } else { key });
            for (at, (_, inference)) in all(&fit).iter().enumerate() {
                let inference = inference.unwrap();
                let of = |key: &str| expected[key][at].as_f64().unwrap();
                let what = format!("{} {key} {at}", case.id);
                close(inference.std_error, of("se"), STANDARD_ERROR * of("se"), &what);
                close(inference.p_value, of("p_value"), P_VALUE * of("p_value").max(1e-2), &what);
                close(inference.ci_low, of("ci_low"), 2.0 * ESTIMATE * of("se"), &what);
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn golden_likelihood_ratios() {
    let cases = group("likelihood_ratio");
    assert_eq!(cases.len(), 7);
    for value in &cases {
        let case = Case::read(value);
        let fit = case.fit();
        let reference = &value["reference"];
        close_test(fit.facts.lr_test, &reference["whole"], &case.id);
        let groups: Vec<Vec<usize>> = case.columns.iter().map(|(_, group)| group.clone()).collect();
        let tests = case.settings.column_tests(&case.data.rows(), &fit, &groups).unwrap();
        let expected = reference["drop1"].as_array().unwrap();
        assert_eq!(expected.len(), tests.len());
        for ((found, (name, _)), expected) in tests.into_iter().zip(&case.columns).zip(expected) {
            assert_eq!(expected["column"].as_str(), Some(name.as_str()));
            close_test(found, expected, &format!("{} {name}", case.id));
        }
    }
    for value in &fits("mle") {
        let fit = Case::read(value).fit();
        let reference = &value["reference"];
        let expected = serde_json::json!({
            "chi2": reference["lr_chi2"], "df": reference["lr_df"], "p_value": reference["lr_p_value"],
        });
        close_test(fit.facts.lr_test, &expected, value["id"].as_str().unwrap());
    }
}

/// Compares intervals by profile, whose golden ends stand in design order.
fn close_profiles(found: &[(Option<f64>, Option<Inference>)], reference: &Value, what: &str) {
    for (at, (_, inference)) in found.iter().enumerate() {
        let inference = inference.unwrap();
        let profile = inference.profile.unwrap();
        for (end, key) in [(profile.low, "profile_ci_low"), (profile.high, "profile_ci_high")] {
            let expected = reference[key][at].as_f64().unwrap();
            close(end.unwrap(), expected, ESTIMATE * inference.std_error, &format!("{what} {key} {at}"));
        }
    }
}

#[test]
fn golden_profiles() {
    let cases = group("profile");
    assert_eq!(cases.len(), 8);
    for value in &cases {
        let case = Case::read(value);
        let mut fit = case.fit();
        case.settings.profile(&case.data.rows(), &mut fit).unwrap();
        close_profiles(&all(&fit), &value["reference"], &case.id);
    }
}

/// The golden numbers of a Firth fit as a list in design order, whether they stand by name or by position.
fn in_order(reference: &Value, terms: &[String]) -> Value {
    let mut listed = reference.clone();
    for (_, values) in listed.as_object_mut().unwrap() {
        if let Some(by_name) = values.as_object() {
            *values = terms.iter().map(|term| by_name[term].clone()).collect();
        }
    }
    listed
}

#[test]
fn golden_firth() {
    let cases: Vec<Value> = fits("firth").into_iter().chain(group("firth")).collect();
    assert_eq!(cases.len(), 6);
    for value in &cases {
        let mut case = Case::read(value);
        case.settings.firth = true;
        let mut fit = case.fit();
        case.settings.profile(&case.data.rows(), &mut fit).unwrap();
        let reference = in_order(&value["reference"], &case.terms);
        let penalised = reference["penalized_loglik"].as_f64().unwrap();
        close(fit.facts.penalized_log_likelihood.unwrap(), penalised, 1e-10 * penalised.abs(), &case.id);
        let log_likelihood = reference["loglik"].as_f64().unwrap();
        close(fit.facts.log_likelihood, log_likelihood, 1e-7 * log_likelihood.abs(), &case.id);
        let found = all(&fit);
        for (at, (estimate, inference)) in found.iter().enumerate() {
            let inference = inference.unwrap();
            let of = |key: &str| reference[key][at].as_f64().unwrap();
            let what = format!("{} {at}", case.id);
            close(estimate.unwrap(), of("coef"), FIRTH * of("se").max(1e-3), &what);
            close(inference.std_error, of("se"), FIRTH * of("se"), &what);
            let test = inference.lr_test.unwrap();
            close(test.chi2, of("plr_chi2"), 1e-7 * of("plr_chi2").max(1e-3), &what);
            close(test.p_value, of("plr_p_value"), P_VALUE * of("plr_p_value"), &what);
        }
        if reference["profile_ci_low"].is_array() {
            close_profiles(&found, &reference, &case.id);
        }
    }
}
