//! Covariances, likelihood-ratio tests, profile intervals and Firth's fit against R, statsmodels and 80-bit arithmetic.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use logistic::dataset::{Dataset, Feature};
use logistic::encode::{Encoder, Encoding, Missing};
use logistic::model::{
    ClassWeight, Covariance, Fit, Inference, LikelihoodRatio, LogisticRegression, Method, WeightKind,
};
use logistic::random::torch::Generator;
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
/// Any scale of the columns, or another base class, in standard errors.
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
    if rows.iter().copied().eq(0..data.len()) {
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
            let n_clusters = fit.facts.n_clusters.map(|n| n as u64);
            assert_eq!(n_clusters, reference["clusters"].as_u64().filter(|_| key == "cluster"));
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

/// The golden heart data in other units.
fn scaled(case: &Case, scale: impl Fn(usize) -> f64) -> Dataset {
    let feature = |(j, feature): (usize, &Feature)| match feature {
        Feature::Number(values) => Feature::Number(values.iter().map(|x| x * scale(j)).collect()),
        other => other.clone(),
    };
    let features = case.data.features().iter().enumerate().map(feature).collect();
    Dataset::new(features, case.data.y().to_vec(), None).unwrap()
}

fn heart() -> Case {
    let fits = fits("mle");
    Case::read(fits.iter().find(|fit| fit["id"] == "saheart.main").unwrap())
}

#[test]
fn units_do_not_matter() {
    let case = heart();
    let scale = |j: usize| [1e-9, 1e9, 1e-4, 1.0, 1e6, 1e-7, 10.0, 1e3, 1.0][j];
    let other = scaled(&case, scale);
    let groups: Vec<Vec<usize>> = (0..9).map(|j| vec![j]).collect();
    for firth in [false, true] {
        let settings = LogisticRegression { firth, ..LogisticRegression::default() };
        let results = [&case.data, &other].map(|data| {
            let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
            settings.profile(&data.rows(), &mut fit).unwrap();
            let tests = settings.column_tests(&data.rows(), &fit, &groups).unwrap();
            (fit, tests)
        });
        let [(plain, tests), (fit, others)] = results;
        for j in 0..9 {
            let (a, b) = (plain.inference[j].unwrap(), fit.inference[j].unwrap());
            close(b.z, a.z, UNITS, "z");
            let (a_end, b_end) = (a.profile.unwrap(), b.profile.unwrap());
            close(b_end.low.unwrap() * scale(j), a_end.low.unwrap(), UNITS * a.std_error, "low");
            close(b_end.high.unwrap() * scale(j), a_end.high.unwrap(), UNITS * a.std_error, "high");
            close(b.lr_test.unwrap().chi2, a.lr_test.unwrap().chi2, UNITS, "the coefficient's chi2");
            close(others[j].unwrap().chi2, tests[j].unwrap().chi2, UNITS, "the column's chi2");
            close(a.lr_test.unwrap().chi2, tests[j].unwrap().chi2, UNITS, "one column, both ways");
        }
        let (a, b) = (plain.bias_inference[0].unwrap(), fit.bias_inference[0].unwrap());
        close(b.profile.unwrap().low.unwrap(), a.profile.unwrap().low.unwrap(), UNITS * a.std_error, "intercept");
    }
}

/// The same rows, those of frequency weight 0, 1, 2 as often as that.
fn weighted_and_repeated(case: &Case) -> (Dataset, Dataset, Arc<[u32]>, Arc<[u32]>) {
    let n = case.data.len();
    let rows: Vec<usize> = (0..n).flat_map(|i| vec![i; i % 3]).collect();
    let repeated = filtered(&case.data, &rows);
    let weighted = case.data.clone().weighted((0..n).map(|i| (i % 3) as f64).collect()).unwrap();
    let cluster = |i: usize| (i % 41) as u32;
    (weighted, repeated, (0..n).map(cluster).collect(), rows.into_iter().map(cluster).collect())
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let case = heart();
    let (weighted, repeated, ids, repeated_ids) = weighted_and_repeated(&case);
    let kinds = [
        (Covariance::Hc0, Covariance::Hc0),
        (Covariance::Hc1, Covariance::Hc1),
        (Covariance::Cluster(ids), Covariance::Cluster(repeated_ids)),
    ];
    let balanced = [ClassWeight::Equal, ClassWeight::Given(vec![0.7, 2.5])];
    for class_weight in balanced {
        for (of_weighted, of_repeated) in
            kinds.clone().into_iter().chain([(Covariance::Information, Covariance::Information)])
        {
            let fit = |data: &Dataset, covariance: Covariance| {
                let settings =
                    LogisticRegression { covariance, class_weight: class_weight.clone(), ..Default::default() };
                settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
            };
            let (a, b) = (fit(&weighted, of_weighted), fit(&repeated, of_repeated));
            for ((_, a), (_, b)) in all(&a).iter().zip(all(&b)) {
                close(a.unwrap().z, b.unwrap().z, 1e-9, "z");
            }
            for (a, b) in a.covariance().unwrap().iter().zip(b.covariance().unwrap()) {
                close(*a, *b, 1e-9 * b.abs().max(1e-9), "covariance");
            }
        }
    }
    // Firth's too, with its profile.
    let settings = LogisticRegression { firth: true, ..LogisticRegression::default() };
    let [a, b] = [&weighted, &repeated].map(|data| {
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        settings.profile(&data.rows(), &mut fit).unwrap();
        fit
    });
    for (a, b) in a.inference.iter().zip(&b.inference) {
        let (a, b) = (a.unwrap(), b.unwrap());
        close(a.z, b.z, 1e-8, "Firth's z");
        close(a.profile.unwrap().low.unwrap(), b.profile.unwrap().low.unwrap(), 1e-8 * b.std_error, "Firth's low");
    }
}

/// Three classes of the heart data, numbered in two ways.
fn three_classes(case: &Case) -> [Dataset; 2] {
    let Feature::Number(age) = &case.data.features()[7] else { panic!() };
    let class = |i: usize| if case.data.y()[i] == 1.0 { 2 } else { usize::from(age[i] % 2.0 == 0.0) };
    [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]].map(|number| {
        let y = (0..case.data.len()).map(|i| number[class(i)]).collect();
        case.data.clone().of_classes(y, 3).unwrap()
    })
}

#[test]
fn another_base_class_mirrors_softmax() {
    let case = heart();
    let ids: Arc<[u32]> = (0..case.data.len()).map(|i| (i % 41) as u32).collect();
    for covariance in [Covariance::Information, Covariance::Hc0, Covariance::Cluster(ids)] {
        let settings = LogisticRegression { covariance, ..LogisticRegression::default() };
        let [a, b] = three_classes(&case).map(|data| {
            let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
            settings.profile(&data.rows(), &mut fit).unwrap();
            let tests = settings.column_tests(&data.rows(), &fit, &[vec![0], vec![1, 2]]).unwrap();
            (fit, tests)
        });
        let first = |fit: &Fit| fit.inference[..9].iter().chain(&fit.bias_inference[..1]).copied().collect::<Vec<_>>();
        for (a, b) in first(&a.0).into_iter().zip(first(&b.0)) {
            let (a, b) = (a.unwrap(), b.unwrap());
            close(a.z, -b.z, UNITS, "z");
            let (Some(a_end), Some(b_end)) = (a.profile, b.profile) else {
                assert_eq!((settings.covariance.name(), a.lr_test, b.profile), ("cluster", None, None));
                continue;
            };
            close(a_end.low.unwrap(), -b_end.high.unwrap(), UNITS * a.std_error, "low");
            close(a_end.high.unwrap(), -b_end.low.unwrap(), UNITS * a.std_error, "high");
            close(a.lr_test.unwrap().chi2, b.lr_test.unwrap().chi2, UNITS, "chi2");
        }
        for (a, b) in a.1.iter().zip(&b.1) {
            let (Some(a), Some(b)) = (a, b) else { continue };
            close(a.chi2, b.chi2, UNITS, "the column's chi2");
        }
        if settings.covariance == Covariance::Information {
            assert_eq!(a.1.iter().map(|test| test.unwrap().df).collect::<Vec<_>>(), [2, 4]);
        }
    }
}

/// Half the 95 % quantile of chi-squared with one degree of freedom.
const HALF_CHI2: f64 = 1.920_729_410_347_062;

#[test]
fn a_coefficient_that_runs_off_has_one_end() {
    // n·log σ(w) falls to −1.92 at σ(w) = exp(−1.92/n).
    let n = 8;
    let x: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let data = Dataset::from_rows(&x, 1, x.iter().map(|x| f64::from(*x > 0.0)).collect()).unwrap();
    let settings = LogisticRegression { intercept: false, ..LogisticRegression::default() };
    let share = (-HALF_CHI2 / n as f64).exp();
    let expected = (share / (1.0 - share)).ln();
    let low = settings.profile_bound(&data.rows(), 0, true).unwrap().unwrap();
    close(low, expected, 1e-7, "lower end");
    let mirrored = Dataset::from_rows(&x, 1, x.iter().map(|x| f64::from(*x < 0.0)).collect()).unwrap();
    let high = settings.profile_bound(&mirrored.rows(), 0, false).unwrap().unwrap();
    close(high, -expected, 1e-7, "upper end");
    // A group of 5 rows that are all positive, beside one of 3 positive rows in 10: with b given the other way round,
    // the bound is where 3·b − 10·log(1 + eᵇ) − 5·log(1 + e^(−b − w)) peaks 1.92 below 3·log 0.3 + 7·log 0.7.
    let group: Vec<f64> = (0..15).map(|i| f64::from(i >= 10)).collect();
    let y = (0..15).map(|i| f64::from(!(3..10).contains(&i))).collect();
    let data = Dataset::from_rows(&group, 1, y).unwrap();
    let low = LogisticRegression::default().profile_bound(&data.rows(), 0, true).unwrap().unwrap();
    let log_likelihood = |b: f64| 3.0 * b - 10.0 * b.exp().ln_1p() - 5.0 * (-b - low).exp().ln_1p();
    let peak = (0..2_000_001).map(|i| log_likelihood(-2.0 + f64::from(i) * 2e-6)).fold(f64::NEG_INFINITY, f64::max);
    close(peak, 3.0 * 0.3f64.ln() + 7.0 * 0.7f64.ln() - HALF_CHI2, 1e-9, "profile at the end");
}

#[test]
fn the_one_end_among_other_columns() {
    // `sex2` is quasi-completely separated by `dia`, whose rows all have the outcome; what is left is the fit to the rest.
    let fits = fits("firth");
    let case = Case::read(fits.iter().find(|fit| fit["id"] == "sex2.main").unwrap());
    let low = case.settings.profile_bound(&case.data.rows(), 5, true).unwrap().unwrap();
    let Feature::Number(dia) = &case.data.features()[5] else { panic!() };
    let others: Vec<Feature> = case.data.features()[..5].to_vec();
    let fit = |data: &Dataset| case.settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap().facts.log_likelihood;
    let rest: Vec<usize> = (0..dia.len()).filter(|&i| dia[i] == 0.0).collect();
    assert!((0..dia.len()).all(|i| dia[i] == 0.0 || case.data.y()[i] == 1.0));
    let without = Dataset::new(others, case.data.y().to_vec(), None).unwrap();
    let supremum = fit(&filtered(&without, &rest));
    let held = fit(&without.offset_by(dia.iter().map(|x| low * x).collect()).unwrap());
    close(held, supremum - HALF_CHI2, 1e-8, "profile at the end");
}

#[test]
fn what_does_not_exist_is_absent() {
    let case = heart();
    let rows = case.data.rows();
    let mut ridge = LogisticRegression::default();
    ridge.penalty.l2 = 0.1;
    let sampling = LogisticRegression { weight_kind: WeightKind::Sampling, ..LogisticRegression::default() };
    for settings in [ridge, sampling] {
        let mut fit = settings.fit(&rows, &mut |_, _| Go::On).unwrap();
        settings.profile(&rows, &mut fit).unwrap();
        assert!(fit.inference.iter().flatten().all(|i| i.profile.is_none() && i.lr_test.is_none()));
        assert_eq!(fit.facts.lr_test, None);
        assert_eq!(settings.profile_bound(&rows, 0, true).unwrap(), None);
        assert_eq!(settings.column_tests(&rows, &fit, &[vec![0]]).unwrap(), [None]);
    }
}

#[test]
fn a_repeated_column_takes_the_place_of_its_twin() {
    let case = heart();
    let features = case.data.features().iter().chain(&case.data.features()[..1]).cloned().collect();
    let data = Dataset::new(features, case.data.y().to_vec(), None).unwrap();
    for firth in [false, true] {
        let settings = LogisticRegression { firth, ..LogisticRegression::default() };
        let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        let tests = settings.column_tests(&data.rows(), &fit, &[vec![0], vec![9], vec![0, 9], vec![1]]).unwrap();
        assert_eq!(
            tests.iter().map(|test| test.map(|test| test.df)).collect::<Vec<_>>(),
            [None, None, Some(1), Some(1)]
        );
    }
}

#[test]
fn settings_that_cannot_be() {
    let case = heart();
    let firth = LogisticRegression { firth: true, ..LogisticRegression::default() };
    let mut penalised = firth.clone();
    penalised.penalty.l2 = 1.0;
    let cluster =
        |ids: Vec<u32>| LogisticRegression { covariance: Covariance::Cluster(ids.into()), ..Default::default() };
    for settings in [
        penalised,
        LogisticRegression { method: Method::Lbfgs, ..firth.clone() },
        LogisticRegression { bounds: vec![(0.0, 1.0); 9], ..firth.clone() },
        LogisticRegression { weight_kind: WeightKind::Sampling, ..firth.clone() },
        LogisticRegression { class_weight: ClassWeight::Balanced, ..firth.clone() },
        LogisticRegression { covariance: Covariance::Hc0, ..firth.clone() },
        cluster(vec![0; case.data.len()]),
    ] {
        let error = settings.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap_err();
        assert!(matches!(error, logistic::Error::Setting { .. }), "{error}");
    }
    let [classes, _] = three_classes(&case);
    assert!(firth.fit(&classes.rows(), &mut |_, _| Go::On).is_err());
    let short = cluster(vec![0, 1]).fit(&case.data.rows(), &mut |_, _| Go::On).unwrap_err();
    assert!(matches!(short, logistic::Error::Shape { .. }));
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = heart();
    let ids: Arc<[u32]> = (0..case.data.len()).map(|i| (i % 41) as u32).collect();
    let results = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            [false, true].map(|firth| {
                let settings = LogisticRegression { firth, ..LogisticRegression::default() };
                let mut fit = settings.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap();
                settings.profile(&case.data.rows(), &mut fit).unwrap();
                let tests = settings.column_tests(&case.data.rows(), &fit, &[vec![0], vec![1, 2]]).unwrap();
                let clustered = Covariance::Cluster(Arc::clone(&ids));
                let other = LogisticRegression { covariance: clustered, ..LogisticRegression::default() };
                (fit, tests, other.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap())
            })
        })
    });
    assert!(results[0] == results[1]);
}

/// A small dataset of skewed columns, often close to separated.
fn small(seed: u64) -> Dataset {
    let mut rng = Generator::manual_seed(seed);
    let (n, p) = (12 + (seed % 5) as usize * 7, 1 + (seed % 3) as usize);
    let mut draw = || f64::from(rng.random_i64() as u32) / f64::from(u32::MAX);
    let x: Vec<f64> = (0..n * p).map(|_| 1.0 + draw().powi(3) * 10.0).collect();
    let y = (0..n).map(|i| f64::from(draw() < 1.0 / (1.0 + (2.0 - 0.7 * x[i * p]).exp()))).collect();
    Dataset::from_rows(&x, p, y).unwrap()
}

#[test]
fn ends_are_where_the_likelihood_says() {
    let mut compared = 0;
    for data in (0..150).map(small).filter(|data| data.y().contains(&0.0) && data.y().contains(&1.0)) {
        let settings = LogisticRegression::default();
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        settings.profile(&data.rows(), &mut fit).unwrap();
        let n_columns = data.features().len();
        for (at, (_, inference)) in all(&fit).into_iter().enumerate() {
            let Some(profile) = inference.map(|inference| inference.profile.unwrap()) else { continue };
            for end in [profile.low.unwrap(), profile.high.unwrap()] {
                // The coefficient held at the end, as an offset; the rest fitted without it.
                let kept = (0..n_columns).filter(|j| j + 1 != at).map(|j| data.features()[j].clone()).collect();
                let offset: Vec<f64> = match at {
                    0 => vec![end; data.len()],
                    _ => (0..data.len()).map(|i| end * data.get(i).unwrap().0[at - 1]).collect(),
                };
                let held = Dataset::new(kept, data.y().to_vec(), None).unwrap().offset_by(offset).unwrap();
                let others = LogisticRegression { intercept: at > 0, ..LogisticRegression::default() };
                let held = others.fit(&held.rows(), &mut |_, _| Go::On).unwrap();
                let drop = fit.facts.log_likelihood - held.facts.log_likelihood;
                close(drop, HALF_CHI2, 1e-6, "half the likelihood ratio");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn far_offsets_shift_the_intercept() {
    let case = heart();
    let plain = case.fit();
    for shift in [-600.0, 300.0] {
        let data = case.data.clone().offset_by(vec![shift; case.data.len()]).unwrap();
        let fit = case.settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{shift}: {}", fit.facts.termination);
        close(fit.bias[0] + shift, plain.bias[0], 1e-9, "intercept");
        close(fit.facts.null_log_likelihood, plain.facts.null_log_likelihood, 1e-9, "null");
    }
}

#[test]
fn firth_always_arrives() {
    for seed in 0..150 {
        let data = small(seed);
        if !(data.y().contains(&0.0) && data.y().contains(&1.0)) {
            continue;
        }
        let settings = LogisticRegression { firth: true, ..LogisticRegression::default() };
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{seed}: {}", fit.facts.termination);
        settings.profile(&data.rows(), &mut fit).unwrap();
        for (estimate, inference) in all(&fit) {
            let (estimate, inference) = (estimate.unwrap(), inference.unwrap());
            let profile = inference.profile.unwrap();
            assert!(profile.low.unwrap() < estimate && estimate < profile.high.unwrap(), "{seed}: {inference:?}");
            // Zero lies within the interval just when its test does not reject.
            let outside = profile.low.unwrap() > 0.0 || profile.high.unwrap() < 0.0;
            assert_eq!(inference.lr_test.unwrap().chi2 > 2.0 * HALF_CHI2, outside, "{seed}: {inference:?}");
        }
    }
}
