//! Several classes, offsets and weights of classes, through the binary.

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

/// What a call that must succeed writes to standard output.
fn said(args: &[&str]) -> String {
    let output = logistic(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&said(args)).unwrap()
}

/// What a call that must fail says.
fn refused(args: &[&str]) -> String {
    let output = logistic(args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn several_classes_from_table_to_score() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    let data = testdata("anes96.csv");
    let base = ["train", &data, "--target", "PID", "--features", "age,educ,income"];
    let told = json(&[&base[..], &["-o", &model, "--json"]].concat());
    assert_eq!(told["classes"].as_array().unwrap().len(), 7);
    assert_eq!((&told["base"], &told["positive"], &told["threshold"]), (&"0".into(), &Value::Null, &Value::Null));
    let coefficients = told["coefficients"].as_array().unwrap();
    assert_eq!(coefficients.len(), 6 * 4);
    assert!(coefficients.iter().all(|c| c["class"] != "0" && c["std_error"].as_f64().is_some()));
    assert_eq!(json(&["summary", &model, "--json"])["coefficients"], told["coefficients"]);
    let scored = said(&["predict", &model, &data]);
    let header = scored.lines().next().unwrap();
    assert!(
        header.ends_with(
            ",probability[0],probability[1],probability[2],probability[3],probability[4],\
                              probability[5],probability[6],predicted"
        ),
        "{header}"
    );
    for line in scored.lines().skip(1) {
        let cells: Vec<&str> = line.rsplit(',').collect();
        let probability: Vec<f64> = cells[1..8].iter().rev().map(|cell| cell.parse().unwrap()).collect();
        assert!((probability.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        let best = (1..7).fold(0, |best, k| if probability[k] > probability[best] { k } else { best });
        assert_eq!(cells[0], best.to_string());
    }
    // Another base tells the same otherwise; a penalty has no base.
    let other = json(&[&base[..], &["--reference", "PID=6", "--json"]].concat());
    assert_eq!(other["base"], "6");
    let likelihood = |told: &Value| told["log_likelihood"].as_f64().unwrap();
    assert!((likelihood(&other) - likelihood(&told)).abs() < 1e-9);
    let penalised = json(&[&base[..], &["--l2", "0.01", "--json"]].concat());
    assert_eq!(penalised["coefficients"].as_array().unwrap().len(), 7 * 4);
    assert_eq!(penalised["aic"], Value::Null);
    assert!(refused(&[&base[..], &["--reference", "PID=9"]].concat()).contains("no class `9`"));
}

#[test]
fn json_lines_are_scored_with_every_class() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, model) = (path("data.jsonl"), path("model.json"));
    let row = |i: usize| {
        let class = ["r\\\"ed", "blue", "green"][i * 7 % 11 % 3];
        format!("{{\"x\": {}, \"y\": \"{class}\"}}\n", i % 10)
    };
    std::fs::write(&data, (0..60).map(row).collect::<String>()).unwrap();
    said(&["train", &data, "--target", "y", "-o", &model]);
    let scored = said(&["predict", &model, &data]);
    let first: Value = serde_json::from_str(scored.lines().next().unwrap()).unwrap();
    assert!(first["probability[r\"ed]"].as_f64().is_some(), "{first}");
    assert!(first["predicted"].as_str().is_some());
}

#[test]
fn a_quantity_is_no_class() {
    let error = refused(&["train", &testdata("saheart.csv"), "--target", "tobacco"]);
    assert!(error.contains("as a quantity does") && error.contains("--categorical tobacco"), "{error}");
}

#[test]
fn an_offset_is_asked_for_again() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    let data = testdata("saheart.csv");
    let told = json(&["train", &data, "--target", "chd", "--offset", "ldl", "-o", &model, "--json"]);
    assert!(told["coefficients"].as_array().unwrap().iter().all(|c| c["column"] != "ldl"));
    let without = folder.path().join("without.csv");
    let text = std::fs::read_to_string(&data).unwrap().replacen("ldl", "lld", 1);
    std::fs::write(&without, text).unwrap();
    assert!(refused(&["predict", &model, without.to_str().unwrap()]).contains("`ldl`"));
    assert!(refused(&["train", &data, "--target", "chd", "--offset", "chd"]).contains("the offset"));
    assert!(refused(&["train", &data, "--target", "chd", "--offset", "famhist"]).contains("famhist"));
    assert!(
        refused(&["train", &testdata("iris.csv"), "--target", "species", "--offset", "sepal length (cm)"])
            .contains("two classes")
    );
}

#[test]
fn weights_of_classes_move_decisions_not_probabilities() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let data = testdata("saheart.csv");
    let scored = |more: &[&str]| -> Vec<(f64, String)> {
        said(&[&["train", &data, "--target", "chd", "-o", &path("model.json")], more].concat());
        let text = said(&["predict", &path("model.json"), &data]);
        let cells = |line: &str| {
            let mut cells = line.rsplit(',');
            let class = cells.next().unwrap().to_string();
            (cells.next().unwrap().parse().unwrap(), class)
        };
        text.lines().skip(1).map(cells).collect()
    };
    let calls = |rows: &[(f64, String)]| rows.iter().map(|(_, class)| class.clone()).collect::<Vec<String>>();
    let mean = |rows: &[(f64, String)]| rows.iter().map(|(p, _)| p).sum::<f64>() / rows.len() as f64;
    let calibrated = scored(&["--class-weight", "balanced"]);
    let raw = scored(&["--class-weight", "balanced", "--raw-probabilities"]);
    assert_eq!(calls(&calibrated), calls(&raw));
    assert_ne!(calls(&calibrated), calls(&scored(&[])));
    assert!((mean(&calibrated) - 160.0 / 462.0).abs() < 0.01 && mean(&raw) > 0.45);
    assert_eq!(scored(&["--pos-weight", "3"]), scored(&["--class-weight", "0=1", "--class-weight", "1=3"]));
    let base = ["train", &data, "--target", "chd"];
    for (more, word) in [
        (&["--class-weight", "2=3"][..], "`0`, `1`"),
        (&["--class-weight", "heavy"], "`balanced`"),
        (&["--pos-weight", "-1"], "above 0"),
        (&["--pos-weight", "2", "--no-intercept"], "--raw-probabilities"),
    ] {
        let error = refused(&[&base[..], more].concat());
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn several_classes_are_evaluated_and_pictured() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (model, data, plots) = (path("model.json"), testdata("iris.csv"), path("plots"));
    let base = ["train", &data, "--target", "species", "--l2", "0.01"];
    let told = json(&[&base[..], &["--test-fraction", "0.3", "-o", &model, "--json"]].concat());
    assert_eq!(told["test"]["n_rows"], 45);
    let told = json(&["evaluate", &model, &data, "--plots", &plots, "--json"]);
    let counts: Vec<u64> = told["confusion_matrix"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()))
        .collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (9, 150));
    assert!(told["accuracy"].as_f64().unwrap() > 0.94);
    assert_eq!(told["by_class"][0]["class"], "setosa");
    assert!(told["macro_average"]["roc_auc"].as_f64().unwrap() > 0.98);
    assert!(std::fs::metadata(path("plots/confusion-matrix.svg")).unwrap().len() > 1000);
    let words = said(&["evaluate", &model, &data]);
    assert!(words.contains("called virginica") && words.contains("Cohen's kappa"), "{words}");
    for more in [&["--threshold", "f1"][..], &["--compare", &model], &["--bootstrap", "500"]] {
        let error = refused(&[&["evaluate", &model, &data], more].concat());
        assert!(error.contains("a model of two classes"), "{error}");
    }
}
