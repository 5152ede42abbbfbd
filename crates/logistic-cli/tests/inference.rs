//! Standard errors, tests and intervals, as `train` and `summary` show them. The numbers are R's and those of
//! `testdata/golden`.

use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn testdata(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
    path.to_str().unwrap().to_string()
}

fn logistic(args: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = logistic(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn failure(args: &[&str]) -> String {
    let output = logistic(args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} against {expected}");
}

#[test]
fn covariances_by_name() {
    let spector = testdata("spector.csv");
    let train = |more: &[&str]| json(&[&["train", &spector, "--target", "GRADE", "--json"], more].concat());
    for (covariance, gpa) in
        [("information", 1.2629410756290924), ("hc0", 1.2675459820157458), ("hc1", 1.355063653338527)]
    {
        let model = train(&["--covariance", covariance]);
        assert_eq!(model["covariance"], covariance);
        assert_eq!(model["coefficients"][1]["term"], "GPA");
        close(&model["coefficients"][1]["std_error"], gpa);
        close(&model["lr_test"]["chi2"], 15.404190948971753);
        assert_eq!(model["coefficients"][1]["interval"], "wald");
    }
}

#[test]
fn clusters_are_no_feature() {
    let (folder, fair) = (TempDir::new().unwrap(), testdata("fair.csv"));
    let path = folder.path().join("m.json").to_str().unwrap().to_string();
    let features = "rate_marriage,age,yrs_married,children,religious,educ";
    let typed = ["train", &fair, "--target", "had_affair", "--features", features, "--cluster", "occupation_husb"];
    let model = json(&[&typed[..], &["--json", "-o", &path]].concat());
    assert_eq!((&model["covariance"], &model["n_clusters"]), (&Value::from("cluster"), &Value::from(6)));
    assert_eq!(model["coefficients"].as_array().unwrap().len(), 7);
    let golden: Value =
        serde_json::from_str(&std::fs::read_to_string(testdata("golden/inference.json")).unwrap()).unwrap();
    let case = golden.as_array().unwrap().iter().find(|case| case["id"] == "fair.cluster").unwrap();
    for (found, expected) in
        model["coefficients"].as_array().unwrap().iter().zip(case["reference"]["cluster"]["se"].as_array().unwrap())
    {
        close(&found["std_error"], expected.as_f64().unwrap());
    }
    assert_eq!(json(&["summary", &path, "--json"])["n_clusters"], 6);
    let text = String::from_utf8(logistic(&["summary", &path]).stdout).unwrap();
    assert!(text.contains("cluster-robust, G/(G − 1) for G = 6 clusters"), "{text}");
    assert!(failure(&[&typed[..], &["--lr-tests"]].concat()).contains("depend on each other"));
    assert_eq!(logistic(&[&typed[..], &["--covariance", "hc0"]].concat()).status.code(), Some(2));
}

#[test]
fn tests_and_profiles_are_kept() {
    let (folder, spector) = (TempDir::new().unwrap(), testdata("spector.csv"));
    let path = folder.path().join("m.json").to_str().unwrap().to_string();
    let typed = ["train", &spector, "--target", "GRADE", "--lr-tests", "--intervals", "profile"];
    let trained = json(&[&typed[..], &["--json", "-o", &path]].concat());
    for model in [trained, json(&["summary", &path, "--json"])] {
        let test = &model["column_tests"][0];
        assert_eq!((&test["column"], &test["df"]), (&Value::from("GPA"), &Value::from(1)));
        close(&test["chi2"], 6.784213764073253);
        close(&test["p_value"], 0.009196752875546978);
        let gpa = &model["coefficients"][1];
        assert_eq!(gpa["interval"], "profile");
        close(&gpa["ci_low"], 0.6391581694514943);
        close(&gpa["ci_high"], 5.756731446436825);
        close(&gpa["lr_test"]["chi2"], 6.784213764073253);
    }
    let text = String::from_utf8(logistic(&["summary", &path]).stdout).unwrap();
    for words in ["Intervals by profile likelihood", "likelihood-ratio tests", "15.4042 on 3 degrees of freedom"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(failure(&[&typed[..], &["--l2", "0.1"]].concat()).contains("maximum likelihood"));
}

#[test]
fn firth_is_finite_where_classes_are_separated() {
    let (folder, sex2) = (TempDir::new().unwrap(), testdata("sex2.csv"));
    let path = folder.path().join("m.json").to_str().unwrap().to_string();
    let model = json(&["train", &sex2, "--target", "case", "--firth", "--json", "-o", &path]);
    assert_eq!((&model["firth"], &model["converged"]), (&Value::from(true), &Value::from(true)));
    close(&model["penalized_log_likelihood"], -132.5393795328443);
    let dia = model["coefficients"].as_array().unwrap().iter().find(|c| c["term"] == "dia").unwrap();
    close(&dia["estimate"], 3.0960118273514485);
    close(&dia["lr_test"]["p_value"], 0.0049518733863905115);
    close(&dia["ci_high"], 8.030293522159266);
    let text = String::from_utf8(logistic(&["summary", &path]).stdout).unwrap();
    for words in ["Firth's bias-reduced likelihood", "penalised log-likelihood -132.539", "without term"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let refused = failure(&["train", &sex2, "--target", "case", "--firth", "--solver", "lbfgs"]);
    assert!(refused.contains("newton"), "{refused}");
}
