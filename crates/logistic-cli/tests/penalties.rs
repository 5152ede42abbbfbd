//! Penalties, bounds and cross-validation from the command line.

use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn saheart() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/saheart.csv");
    path.to_str().unwrap().to_string()
}

fn logistic(args: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).output().unwrap()
}

/// `train` on saheart with these arguments, as JSON.
fn trained(args: &[&str]) -> Value {
    let output = logistic(&[&["train", &saheart(), "--target", "chd", "--json"], args].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn estimate(keys: &Value, term: &str) -> f64 {
    let all = keys["coefficients"].as_array().unwrap();
    all.iter().find(|c| c["term"] == term).unwrap()["estimate"].as_f64().unwrap()
}

/// The golden objective of glmnet's problems is 1e-12; the command line prints all digits.
const CLOSE: f64 = 1e-9;

#[test]
fn a_lasso_is_glmnets() {
    // testdata/golden/inference.json, saheart.standardize.l1.
    let keys = trained(&["--l1", "0.03125", "--standardise"]);
    assert!((keys["objective"].as_f64().unwrap() - 0.571_714_319_814_776_5).abs() < CLOSE);
    for (term, expected) in [("tobacco", 0.053_968_701_084_452_25), ("famhist[Present]", 0.614_752_113_687_631_5)] {
        assert!((estimate(&keys, term) - expected).abs() < CLOSE, "{term}");
    }
    assert_eq!(keys["n_nonzero"], 6);
    assert_eq!((&keys["l1"], &keys["standardised_penalty"]), (&Value::from(0.03125), &Value::from(true)));
    assert!(keys["coefficients"].as_array().unwrap().iter().all(|c| c["std_error"].is_null()));
    assert_eq!(keys["cross_validation"], Value::Null);
}

#[test]
fn an_elastic_net_with_factors_is_glmnets() {
    // saheart.factors: ldl is penalised as the others, tobacco half, age not, famhist twice.
    let factors = ["--penalty-factor", "tobacco=0.5", "--penalty-factor", "age=0", "--penalty-factor", "famhist=2"];
    let keys = trained(&[&["--elastic-net", "0.0625:0.5", "--standardise"], &factors[..]].concat());
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden/inference.json");
    let golden: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let golden = golden.iter().find(|case| case["id"] == "saheart.factors" && case["group"] == "penalised").unwrap();
    let expected = golden["reference"]["objective"].as_f64().unwrap();
    assert!((keys["objective"].as_f64().unwrap() - expected).abs() < CLOSE);
    let both = trained(&[&["--l1", "0.03125", "--l2", "0.03125", "--standardise"], &factors[..]].concat());
    assert_eq!(both["coefficients"], keys["coefficients"]);
}

#[test]
fn bounds_hold() {
    let keys = trained(&["--bound", "obesity>=0", "--bound", "age<=0.01", "--bound", "age >= 0"]);
    assert_eq!(keys["converged"], true);
    assert_eq!((estimate(&keys, "obesity"), estimate(&keys, "age")), (0.0, 0.01));
    assert!(keys["coefficients"].as_array().unwrap().iter().all(|c| c["std_error"].is_null()));
}

#[test]
fn auto_chooses_by_cross_validation() {
    for (args, ratio) in
        [(["--l1", "auto"], Some(1.0)), (["--l2", "auto"], Some(0.0)), (["--elastic-net", "auto"], None)]
    {
        let minimum = trained(&args);
        let sparse = trained(&[&args[..], &["--cv-rule", "1se", "--cv-folds", "10"]].concat());
        for keys in [&minimum, &sparse] {
            let found = &keys["cross_validation"];
            let chosen = &found["values"][found["chosen"].as_u64().unwrap() as usize];
            assert_eq!((&keys["l1"], &keys["l2"]), (&chosen["l1"], &chosen["l2"]));
            assert_eq!((found["folds"].as_u64(), &found["split"]), (Some(10), &Value::from("stratified")));
            assert_eq!((&keys["converged"], &keys["standardised_penalty"]), (&Value::from(true), &Value::from(true)));
            assert_eq!(keys["n_nonzero"], chosen["n_nonzero"]);
            let (l1, l2) = (chosen["l1"].as_f64().unwrap(), chosen["l2"].as_f64().unwrap());
            assert!(ratio.is_none_or(|ratio: f64| (l1 / (l1 + l2) - ratio).abs() < CLOSE));
        }
        let at = |keys: &Value, which: &str| {
            let found = &keys["cross_validation"];
            let value = &found["values"][found[which].as_u64().unwrap() as usize];
            (value["l1"].as_f64().unwrap() + value["l2"].as_f64().unwrap(), value["mean_log_loss"].as_f64().unwrap())
        };
        assert_eq!(at(&minimum, "chosen"), at(&sparse, "best"));
        assert!(at(&sparse, "chosen").0 > at(&minimum, "chosen").0);
        // Better than the null model, and than no penalty at all but for chance.
        assert!(at(&minimum, "best").1 < 0.55);
    }
    assert!(trained(&["--l2", "auto", "--solver", "lbfgs"])["converged"] == true);
}

#[test]
fn the_choice_is_kept_and_told() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let output = logistic(&[
        "train",
        &saheart(),
        "--target",
        "chd",
        "--l1",
        "auto",
        "--cv-folds",
        "5",
        "-o",
        &path("model.json"),
        "--plots",
        &path("plots"),
    ]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for words in ["lasso penalty l1 = ", "by 5 folds", "coefficients that are not 0", "No standard errors"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    for picture in ["plots/path.png", "plots/cross-validation.svg"] {
        assert!(folder.path().join(picture).exists(), "{picture}");
    }
    let summary = String::from_utf8(logistic(&["summary", &path("model.json")]).stdout).unwrap();
    assert!(summary.contains("by 5 folds"));
    let changed = std::fs::read_to_string(path("model.json")).unwrap();
    assert!(changed.contains("\"cross_validation\""));
}

/// Rows of 30 groups over 60 days, the outcome of each mostly that of its group.
fn visits(folder: &TempDir) -> String {
    let mut text = "id,day,x,z,y\n".to_string();
    for i in 0_u32..240 {
        let group = i * 7 % 30;
        let x = f64::from(i * 37 % 101) / 50.0 - 1.0;
        let y = u32::from(x + f64::from(i * 53 % 17) / 8.0 - 1.0 > 0.0);
        let date = format!("2024-{:02}-{:02}", 1 + i % 60 / 28, 1 + i % 60 % 28);
        text.push_str(&format!("g{group},{date},{x},{},{y}\n", i % 13));
    }
    let path = folder.path().join("visits.csv");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn groups_and_times() {
    let folder = TempDir::new().unwrap();
    let data = visits(&folder);
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    for (args, split) in
        [(["--group", "id", "--exclude", "day"], "grouped"), (["--time", "day", "--exclude", "id"], "time_ordered")]
    {
        let output = logistic(
            &[&["train", &data, "--target", "y", "--l1", "auto", "--cv-folds", "5", "--json", "-o", &model], &args[..]]
                .concat(),
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let keys: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(keys["cross_validation"]["split"], split);
        let terms: Vec<&str> =
            keys["coefficients"].as_array().unwrap().iter().map(|c| c["term"].as_str().unwrap()).collect();
        assert_eq!(terms, ["(intercept)", "x", "z"]);
    }
    // Scoring does not ask for them.
    let plain = folder.path().join("plain.csv").to_str().unwrap().to_string();
    std::fs::write(&plain, "x,z\n0.5,3\n").unwrap();
    assert!(logistic(&["predict", &model, &plain]).status.success());
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (args, words) in [
        (&["--l1", "auto", "--l2", "1"][..], "`--elastic-net auto` chooses both"),
        (&["--standardise"], "`standardise` must be given with a penalty"),
        (&["--penalty-factor", "age=2"], "`penalty-factor` must be given with a penalty"),
        (&["--l1", "1", "--cv-folds", "3"], "`cv-folds` must be given with a penalty that is `auto`"),
        (&["--cv-rule", "1se"], "`cv-rule` must be given"),
        (&["--group", "age"], "`group` must be given"),
        (&["--l1", "auto", "--group", "nosuch"], "no column `nosuch`"),
        (&["--l1", "1", "--penalty-factor", "nosuch=2"], "`penalty-factor` must be of a feature column"),
        (&["--bound", "nosuch>=2"], "`bound` must be of a feature column"),
        (&["--bound", "age>=2", "--bound", "age<=1"], "a lower bound that is at most the upper"),
        (&["--l1", "auto", "--solver", "sgd"], "`newton` or `lbfgs`"),
        (&["--l1", "1", "--solver", "lbfgs"], "`newton` for an l1 penalty"),
        (&["--l1", "-1"], "`l1` must be finite and not negative"),
        (&["--l1", "auto", "--cv-folds", "1"], "`cv-folds` must be at least 2"),
        (&["--l1", "auto", "--time", "famhist"], "expected numbers or dates for `--time`"),
        (&["--l1", "auto", "--bound", "age>=1"], "one that allows 0"),
    ] {
        let output = logistic(&[&["train", &saheart(), "--target", "chd"], args].concat());
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(words), "{args:?}: {text}");
    }
    for args in [
        &["--l1", "1", "--elastic-net", "1:0.5"][..],
        &["--elastic-net", "1:2"],
        &["--elastic-net", "auto:x"],
        &["--l1", "much"],
        &["--bound", "age"],
        &["--penalty-factor", "age=-1"],
        &["--l1", "auto", "--group", "age", "--time", "age"],
        &["--l1", "auto", "--cv-rule", "2se"],
    ] {
        let output = logistic(&[&["train", &saheart(), "--target", "chd"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
