//! `train --effects` and `--diagnostics`, from what is typed to what is read.

use std::path::PathBuf;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn testdata(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
    path.to_str().unwrap().to_string()
}

fn text(args: &[&str]) -> String {
    let output = Command::new(cargo_bin!("logistic")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&text(&[args, &["--json"]].concat())).unwrap()
}

/// The golden record of saheart in a group.
fn golden(group: &str) -> Value {
    let all: Value =
        serde_json::from_str(&std::fs::read_to_string(testdata("golden/inference.json")).unwrap()).unwrap();
    let of = |record: &&Value| record["group"] == group && record["id"] == "saheart.main";
    all.as_array().unwrap().iter().find(of).unwrap()["reference"].clone()
}

fn close(found: &Value, expected: &Value) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!((found - expected).abs() < 1e-8 * expected.abs(), "{found} against {expected}");
}

#[test]
fn effects_and_diagnostics_are_those_of_r() {
    let (folder, data) = (TempDir::new().unwrap(), testdata("saheart.csv"));
    let model = folder.path().join("model.json").to_str().unwrap().to_string();
    let features = "sbp,tobacco,ldl,famhist,adiposity,typea,obesity,alcohol,age";
    let train = ["train", &data, "--target", "chd", "--features", features];
    let found = json(&[&train[..], &["--effects", "--diagnostics", "-o", &model]].concat());
    let effects = golden("effects");
    for effect in found["marginal_effects"].as_array().unwrap() {
        let at = effects["effects"]["names"].as_array().unwrap().iter().position(|name| *name == effect["term"]);
        for (ours, theirs) in [("effect", "ame"), ("std_error", "se"), ("z", "z"), ("ci_high", "ci_high")] {
            close(&effect[ours], &effects["effects"][theirs][at.unwrap()]);
        }
    }
    assert_eq!(found["marginal_effects"][3]["level"], "Present");
    let collinearity = golden("collinearity");
    close(&found["condition_number"], &collinearity["condition_number"]);
    close(&found["vif"][0]["vif"], &collinearity["vif_design"][0]);
    let influence = golden("influence");
    let rows = found["influence"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["row"], influence["top"]["rows"][at]);
        // The header is line 1.
        assert_eq!(row["line"].as_u64().unwrap(), row["row"].as_u64().unwrap() + 2);
        close(&row["cook"], &influence["top"]["cook"][at]);
        close(&row["deviance_residual"], &influence["top"]["deviance"][at]);
    }
    let pseudo = golden("pseudo_r2");
    for name in ["nagelkerke", "cox_snell", "tjur"] {
        close(&found[format!("pseudo_r2_{name}")], &pseudo[name]);
    }
    // The model file keeps all of it.
    let kept = json(&["summary", &model]);
    for key in ["marginal_effects", "vif", "condition_number", "influence", "pseudo_r2_tjur"] {
        assert_eq!(kept[key], found[key], "{key}");
    }
    let words = text(&["summary", &model]);
    for part in ["average marginal effects", "famhist[Present]", "variance inflation", "condition number", "line"] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn what_was_not_asked_for_or_does_not_exist_is_absent() {
    let data = testdata("spector.csv");
    let train = ["train", &data, "--target", "GRADE", "--features", "GPA,TUCE,PSI"];
    let plain = json(&train);
    for key in ["marginal_effects", "vif", "condition_number", "influence", "approximate_loo_log_loss"] {
        assert!(plain.get(key).is_none(), "{key}");
    }
    let ridge = [&train[..], &["--l2", "0.01", "--effects"]].concat();
    // The golden value of the same formula.
    let loss = json(&ridge)["approximate_loo_log_loss"].as_f64().unwrap();
    assert!((loss - 0.529_696_089_681_753_6).abs() < 1e-9, "{loss}");
    assert!(json(&ridge).get("marginal_effects").is_none());
    assert!(text(&ridge).contains("No marginal effects"));
}
