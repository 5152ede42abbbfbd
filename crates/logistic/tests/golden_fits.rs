//! Fits against R, statsmodels and an 80-bit reference solver, from the CSV on.

use std::path::PathBuf;

use logistic::dataset::{Dataset, Feature};
use logistic::encode::{Encoder, Encoding, Missing};
use logistic::error::Warning;
use logistic::model::{LogisticRegression, Method, Model, Penalty};
use logistic::solver::Go;
use logistic::table::{ReadOptions, Table, read};
use serde_json::Value;

/// Coefficients, in standard errors.
const COEFFICIENT: f64 = 1e-7;
/// Standard errors, relative.
const STANDARD_ERROR: f64 = 1e-7;
/// Log-likelihood, deviance and AIC, relative.
const LIKELIHOOD: f64 = 1e-10;
/// p-values, absolute.
const P_VALUE: f64 = 1e-8;
/// Ridge coefficients, relative to the largest.
const RIDGE: f64 = 1e-6;
/// L-BFGS against Newton, in standard errors.
const LBFGS: f64 = 1e-6;
/// Any scale and shift of the columns, in standard errors.
const UNITS: f64 = 1e-8;
/// After a shift that costs the data themselves all but seven digits.
const FAR: f64 = 1e-5;

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// Every golden fit whose kind is one of `kinds`, with the name of its table.
fn golden(kinds: &[&str]) -> Vec<(String, Value)> {
    let mut fits = Vec::new();
    for entry in std::fs::read_dir(testdata().join("golden/fits")).unwrap() {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        let case = all["case"].as_str().unwrap();
        let wanted = |fit: &&Value| kinds.contains(&fit["kind"].as_str().unwrap());
        fits.extend(all["fits"].as_array().unwrap().iter().filter(wanted).map(|fit| (case.to_string(), fit.clone())));
    }
    fits
}

fn table(path: &std::path::Path, text: Vec<String>) -> Table {
    let path = path.to_str().unwrap().to_string();
    read(&[path], &ReadOptions { text, ..ReadOptions::default() }, &|_| ()).unwrap()
}

fn names(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

fn model(case: &str, spec: &Value, l2_from_c: bool, method: Method) -> Model {
    let (numeric, categorical) = (names(&spec["numeric"]), names(&spec["categorical"]));
    let target = spec["target"].as_str().unwrap().to_string();
    let table = table(&testdata().join(format!("{case}.csv")), categorical.clone());
    let encoding = Encoding {
        target,
        positive: spec["positive"].as_str().map(String::from),
        features: numeric.into_iter().chain(categorical.clone()).collect(),
        categorical,
        missing: Missing::Drop,
        ..Encoding::default()
    };
    let encoder = Encoder::fit(&table, &encoding).unwrap().encoder;
    let mut encoded = encoder.labelled(&table, None).unwrap();
    if let Some((column, kept)) = spec["filter"].as_object().and_then(|filter| filter.iter().next()) {
        let kept = names(kept);
        let column = table.column(column).unwrap();
        let keep: Vec<bool> = encoded.rows.iter().map(|row| kept.contains(&column.text(row).unwrap())).collect();
        encoded.dataset = filtered(&encoded.dataset, &keep);
    }
    let n = encoded.dataset.len() as f64;
    let settings = LogisticRegression {
        penalty: Penalty::ridge(if l2_from_c { 1.0 / (spec["C"].as_f64().unwrap() * n) } else { 0.0 }),
        intercept: spec["intercept"] == Value::Bool(true),
        method,
        ..LogisticRegression::default()
    };
    let fit = settings.fit(&encoded.dataset.rows(), &mut |_, _| Go::On).unwrap();
    Model::new(encoder, fit, 0.5, encoded.warnings)
}

fn filtered(data: &Dataset, keep: &[bool]) -> Dataset {
    let of = |values: &[f64]| values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(v, _)| *v).collect::<Vec<_>>();
    let features = data.features().iter().map(|feature| match feature {
        Feature::Number(values) => Feature::number(of(&values.iter().collect::<Vec<f64>>())),
        _ => panic!("no filtered golden case has categories"),
    });
    Dataset::new(features.collect(), of(data.y()), None).unwrap()
}

/// R's and patsy's name for the intercept.
fn golden_name(term: &str) -> &str {
    if term == "(intercept)" { "(Intercept)" } else { term }
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} against {expected}");
}

#[test]
fn maximum_likelihood() {
    let cases = golden(&["mle"]);
    assert_eq!(cases.len(), 11);
    for (case, fit) in &cases {
        let id = fit["id"].as_str().unwrap();
        let model = model(case, &fit["spec"], false, Method::Newton);
        let reference = &fit["reference"];
        assert!(model.facts.converged(), "{id}: {}", model.facts.termination);
        assert_eq!(model.facts.rank as u64, fit["rank"].as_u64().unwrap(), "{id}");
        for coefficient in &model.coefficients {
            let name = golden_name(&coefficient.term);
            let Some(expected) = reference["coef"][name].as_f64() else {
                assert_eq!(coefficient.estimate, None, "{id} {name}");
                continue;
            };
            let inference = coefficient.inference.unwrap();
            let std_error = reference["se"][name].as_f64().unwrap();
            let what = format!("{id} {name}");
            close(coefficient.estimate.unwrap(), expected, COEFFICIENT * std_error, &what);
            close(inference.std_error, std_error, STANDARD_ERROR * std_error, &what);
            close(inference.p_value, reference["p_value"][name].as_f64().unwrap(), P_VALUE, &what);
            close(inference.ci_low, reference["ci_low"][name].as_f64().unwrap(), COEFFICIENT * std_error, &what);
        }
        let facts = &model.facts;
        for (found, key) in [
            (facts.log_likelihood, "loglik"),
            (facts.null_log_likelihood, "null_loglik"),
            (facts.deviance(), "deviance"),
            (facts.aic().unwrap(), "aic"),
            (facts.bic().unwrap(), "bic_n_rows"),
        ] {
            let expected = reference[key].as_f64().unwrap();
            close(found, expected, LIKELIHOOD * expected.abs(), &format!("{id} {key}"));
        }
    }
}

#[test]
fn lbfgs_reaches_the_same_optimum() {
    for (case, fit) in &golden(&["mle"]) {
        let newton = model(case, &fit["spec"], false, Method::Newton);
        let lbfgs = model(case, &fit["spec"], false, Method::Lbfgs);
        assert!(lbfgs.facts.converged(), "{}: {} {}", fit["id"], lbfgs.facts.termination, lbfgs.facts.gap);
        for (a, b) in newton.coefficients.iter().zip(&lbfgs.coefficients) {
            let Some(inference) = a.inference else { continue };
            close(b.estimate.unwrap(), a.estimate.unwrap(), LBFGS * inference.std_error, &format!("{}", fit["id"]));
        }
    }
}

#[test]
fn ridge() {
    let mut compared = 0;
    for (case, fit) in &golden(&["pen"]) {
        let spec = &fit["spec"];
        let ours = spec["l1_ratio"].as_f64() == Some(0.0)
            && spec["scale"] == "none"
            && spec["coding"] == "treatment"
            && spec["class_weight"].is_null();
        if !ours {
            continue;
        }
        let model = model(case, spec, true, Method::Newton);
        let reference = fit["reference"]["coef"].as_object().unwrap();
        let largest = reference.values().fold(0.0, |max, v| f64::max(max, v.as_f64().unwrap().abs()));
        for coefficient in &model.coefficients {
            let expected = reference[golden_name(&coefficient.term)].as_f64().unwrap();
            close(
                coefficient.estimate.unwrap(),
                expected,
                RIDGE * largest,
                &format!("{} {}", fit["id"], coefficient.term),
            );
        }
        assert!(model.facts.converged(), "{}", fit["id"]);
        compared += 1;
    }
    assert_eq!(compared, 8);
}

#[test]
fn separation() {
    for (case, fit) in &golden(&["separation"]) {
        let model = model(case, &fit["spec"], false, Method::Newton);
        let found = model.warnings.iter().find_map(|warning| match warning {
            Warning::Separation { complete, columns, .. } => Some((*complete, columns.clone())),
            _ => None,
        });
        let verdict = match &found {
            None => "none",
            Some((true, _)) => "complete",
            Some((false, _)) => "quasi-complete",
        };
        assert_eq!(verdict, fit["separation"].as_str().unwrap(), "{}", fit["id"]);
        if let (Some((_, columns)), Some(expected)) = (&found, fit["infinite_direction"].as_object()) {
            assert_eq!(columns, &expected.keys().cloned().collect::<Vec<_>>(), "{}", fit["id"]);
        }
        let withheld = model.coefficients.iter().all(|coefficient| coefficient.inference.is_none());
        assert_eq!(withheld, found.is_some(), "{}", fit["id"]);
    }
}

/// The numeric columns of a table as a dataset, each multiplied and shifted.
fn rescaled(scale: impl Fn(usize) -> f64, shift: impl Fn(usize) -> f64) -> Dataset {
    let table = table(&testdata().join("saheart.csv"), Vec::new());
    let column = |(j, name): (usize, &&str)| {
        let logistic::table::Cells::Number(values) = &table.column(name).unwrap().cells else { panic!() };
        Feature::Number(values.iter().map(|x| x * scale(j) + shift(j)).collect())
    };
    let columns = ["sbp", "tobacco", "ldl", "adiposity", "typea", "obesity", "alcohol", "age"];
    let logistic::table::Cells::Number(y) = &table.column("chd").unwrap().cells else { panic!() };
    Dataset::new(columns.iter().enumerate().map(column).collect(), y.iter().collect(), None).unwrap()
}

#[test]
fn units_do_not_matter() {
    let plain = rescaled(|_| 1.0, |_| 0.0);
    for method in [Method::Newton, Method::Lbfgs] {
        let settings = LogisticRegression { method, ..LogisticRegression::default() };
        let reference = settings.fit(&plain.rows(), &mut |_, _| Go::On).unwrap();
        let scale = |j: usize| [1e-9, 1e9, 1e-4, 1.0, 1e6, 1e-7, 10.0, 1e3][j];
        let other = settings.fit(&rescaled(scale, |_| 0.0).rows(), &mut |_, _| Go::On).unwrap();
        for j in 0..8 {
            let std_error = reference.inference[j].unwrap().std_error;
            let found = other.weight[j].unwrap() * scale(j);
            close(found, reference.weight[j].unwrap(), UNITS * std_error, &format!("column {j}"));
        }
        // A power of two moves the binary point alone: not even the data are rounded.
        let exact =
            settings.fit(&rescaled(|j| [2f64.powi(-30), 2f64.powi(30)][j % 2], |_| 0.0).rows(), &mut |_, _| Go::On);
        assert_eq!(exact.unwrap().facts.log_likelihood, reference.facts.log_likelihood);
        // 2³⁴ is about 1e9 spreads of these columns: f64 keeps seven digits of them, and coefficients follow.
        let far = settings.fit(&rescaled(|_| 1.0, |_| 2f64.powi(34)).rows(), &mut |_, _| Go::On).unwrap();
        for j in 0..8 {
            let std_error = reference.inference[j].unwrap().std_error;
            let what = format!("column {j} shifted by 2^34");
            close(far.weight[j].unwrap(), reference.weight[j].unwrap(), FAR * std_error, &what);
        }
        // A shift of 1e6 leaves f64 about ten digits of a column of spread 1, and so of its coefficient.
        let shifted = settings.fit(&rescaled(|_| 1.0, |_| 1048576.0).rows(), &mut |_, _| Go::On).unwrap();
        for j in 0..8 {
            let std_error = reference.inference[j].unwrap().std_error;
            let what = format!("shifted column {j}");
            close(shifted.weight[j].unwrap(), reference.weight[j].unwrap(), LBFGS * std_error, &what);
        }
    }
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let data = rescaled(|_| 1.0, |_| 0.0);
    let repeat = |values: &[f64]| values.iter().enumerate().flat_map(|(i, v)| vec![*v; i % 3]).collect::<Vec<f64>>();
    let number = |feature: &Feature| match feature {
        Feature::Number(values) => Feature::number(repeat(&values.iter().collect::<Vec<f64>>())),
        _ => panic!(),
    };
    let repeated = Dataset::new(data.features().iter().map(number).collect(), repeat(data.y()), None).unwrap();
    let weight = (0..data.len()).map(|i| (i % 3) as f64).collect();
    let weighted = Dataset::new(data.features().to_vec(), data.y().to_vec(), Some(weight)).unwrap();
    let fit = |data: &Dataset| LogisticRegression::default().fit(&data.rows(), &mut |_, _| Go::On).unwrap();
    let (a, b) = (fit(&repeated), fit(&weighted));
    for (a, b) in a.inference.iter().zip(&b.inference) {
        close(a.unwrap().z, b.unwrap().z, 1e-9, "z");
    }
    close(a.facts.log_likelihood, b.facts.log_likelihood, 1e-10 * a.facts.log_likelihood.abs(), "log-likelihood");
}

#[test]
fn one_iteration_is_not_convergence() {
    let data = rescaled(|_| 1.0, |_| 0.0);
    let settings = LogisticRegression {
        method: Method::Sgd { learning_rate: 0.1, epochs: 1, batch_size: 16, seed: 0 },
        ..LogisticRegression::default()
    };
    let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
    assert!(!fit.facts.converged());
    let best = LogisticRegression::default().fit(&data.rows(), &mut |_, _| Go::On).unwrap();
    let gap = fit.facts.objective - best.facts.objective;
    assert!(gap > 0.0 && gap <= fit.facts.gap, "{gap} {}", fit.facts.gap);
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = rescaled(|_| 1.0, |_| 0.0);
    let many = |feature: &Feature| match feature {
        Feature::Number(values) => {
            let values: Vec<f64> = values.iter().collect();
            Feature::Number(values.into_iter().cycle().take(30_000).collect())
        }
        _ => panic!(),
    };
    let y = (0..30_000).map(|i| f64::from((i * 7919) % 13 < 5)).collect();
    let data = Dataset::new(data.features().iter().map(many).collect(), y, None).unwrap();
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| LogisticRegression::default().fit(&data.rows(), &mut |_, _| Go::On).unwrap())
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn the_unit_of_weights_does_not_matter() {
    let data = rescaled(|_| 1.0, |_| 0.0);
    let fit = |unit: f64| {
        let weighted = data.clone().weighted((0..data.len()).map(|i| unit * (1 + i % 3) as f64).collect()).unwrap();
        LogisticRegression::default().fit(&weighted.rows(), &mut |_, _| Go::On).unwrap()
    };
    let reference = fit(1.0);
    for unit in [1e-250, 1e-12, 1e-3, 1e6, 1e15, 1e60] {
        let other = fit(unit);
        assert!(other.facts.converged(), "{unit}: {}", other.facts.termination);
        for (a, b) in reference.weight.iter().zip(&other.weight) {
            close(b.unwrap(), a.unwrap(), 1e-9 * a.unwrap().abs(), &format!("weights times {unit}"));
        }
        let scaled = |fit: &logistic::model::Fit, unit: f64| fit.inference[0].unwrap().std_error * unit.sqrt();
        close(scaled(&other, unit), scaled(&reference, 1.0), 1e-9 * scaled(&reference, 1.0), "standard error");
    }
}
