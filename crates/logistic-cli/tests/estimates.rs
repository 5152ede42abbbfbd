//! Penalised fits with an honest word on their uncertainty, and estimates that are infinite, through the binary.

use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn testdata(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name).to_str().unwrap().to_string()
}

fn logistic(args: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = logistic(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = logistic(args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn coefficients(told: &Value) -> &[Value] {
    told["coefficients"].as_array().unwrap()
}

#[test]
fn what_a_lasso_selected_is_fitted_again() {
    let data = testdata("saheart.csv");
    let base = ["train", &data, "--target", "chd", "--json"];
    let lasso = json(&[&base[..], &["--l1", "0.03", "--standardise"]].concat());
    let relaxed = json(&[&base[..], &["--l1", "0.03", "--standardise", "--relaxed"]].concat());
    let mut selected = Vec::new();
    for (lasso, relaxed) in coefficients(&lasso).iter().zip(coefficients(&relaxed)) {
        assert!(lasso["std_error"].is_null());
        assert_eq!(lasso["estimate"] == 0.0, relaxed["estimate"] == 0.0, "{relaxed}");
        assert_eq!(relaxed["std_error"].is_null(), relaxed["estimate"] == 0.0, "{relaxed}");
        if let (Some(column), false) = (relaxed["column"].as_str(), relaxed["estimate"] == 0.0) {
            selected.push(column.to_string());
        }
    }
    assert!((2..9).contains(&selected.len()), "{selected:?}");
    // As if these columns alone had been there.
    let plain = json(&[&base[..], &["--features", &selected.join(",")]].concat());
    assert_eq!(plain["log_likelihood"], relaxed["log_likelihood"]);
    assert!(relaxed["aic"].is_null() && !plain["aic"].is_null());
    let words = String::from_utf8(logistic(&["train", &data, "--target", "chd", "--l1", "0.3", "--relaxed"]).stdout);
    assert!(words.unwrap().contains("take no account of the selection"));
    assert!(refused(&["train", &data, "--target", "chd", "--relaxed"]).contains("l1 penalty"));
}

#[test]
fn resampled_intervals_are_saved_and_move_with_the_intercept() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    let data = testdata("saheart.csv");
    let base = ["train", &data, "--target", "chd", "--l2", "0.01", "--standardise", "--bootstrap", "200", "--json"];
    let told = json(&[&base[..], &["-o", &model]].concat());
    for coefficient in coefficients(&told) {
        let (low, high) = (&coefficient["bootstrap"]["ci_low"], &coefficient["bootstrap"]["ci_high"]);
        assert!(low.as_f64().unwrap() < high.as_f64().unwrap() && coefficient["p_value"].is_null());
    }
    assert_eq!(json(&["summary", &model, "--json"])["coefficients"], told["coefficients"]);
    assert_eq!(json(&base)["coefficients"], told["coefficients"], "a seed gives the same resamples");
    let weighted = [&base[..], &["--class-weight", "balanced"]].concat();
    let (raw, calibrated) = (json(&[&weighted[..], &["--raw-probabilities"]].concat()), json(&weighted));
    let intercept = |told: &Value, key: &str| coefficients(told)[0]["bootstrap"][key].as_f64().unwrap();
    let shift = 302f64.ln() - 160f64.ln();
    for key in ["ci_low", "ci_high"] {
        assert!((intercept(&raw, key) - intercept(&calibrated, key) - shift).abs() < 1e-12);
    }
    assert!(refused(&["train", &data, "--target", "chd", "--bootstrap", "20"]).contains("at least 100"));
}

#[test]
fn infinite_estimates_have_a_finite_end() {
    let told = json(&["train", &testdata("sex2.csv"), "--target", "case", "--json"]);
    let separation = &told["separation"];
    assert_eq!(separation["complete"], false);
    let terms = separation["terms"].as_array().unwrap();
    assert_eq!((terms.len(), &terms[0]["term"], &terms[0]["limit"]), (1, &"dia".into(), &"+inf".into()));
    // Where 2·(ℓ_sup − ℓ(β)) is 3.8415: checked against refits with the coefficient held, in the library's tests.
    assert!((terms[0]["bound"].as_f64().unwrap() - 1.39697).abs() < 1e-5);
    assert!(coefficients(&told).iter().all(|coefficient| coefficient["p_value"].is_null()));
    assert_eq!(json(&["train", &testdata("saheart.csv"), "--target", "chd", "--json"])["separation"], Value::Null);
}
