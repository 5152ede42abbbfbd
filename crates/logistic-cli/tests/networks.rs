//! Hidden layers from the command line: what they add, who refuses them, and what reads them.

use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

fn logistic(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).current_dir(folder.path()).output().unwrap()
}

/// What a command prints that must succeed.
fn done(folder: &TempDir, args: &[&str]) -> String {
    let output = logistic(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that must fail, without leaving a file.
fn refused(folder: &TempDir, args: &[&str]) -> String {
    let output = logistic(folder, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn json(folder: &TempDir, args: &[&str]) -> Value {
    serde_json::from_str(&done(folder, &[args, &["--json"]].concat())).unwrap()
}

/// 1000 points of two moons, as scikit-learn draws them.
fn moons() -> TempDir {
    let folder = TempDir::new().unwrap();
    let words = ["blobs", "--shape", "moons", "--n-samples", "1000", "--noise", "0.15", "--seed", "261"];
    std::fs::write(folder.path().join("moons.csv"), done(&folder, &words)).unwrap();
    folder
}

const TRAIN: [&str; 6] = ["train", "moons.csv", "--target", "label", "--test-fraction", "0.2"];
const HIDDEN: [&str; 4] = ["--hidden", "16", "--validation-fraction", "0.2"];

#[test]
fn layers_bend_where_a_line_cannot() {
    let folder = moons();
    let linear = json(&folder, &TRAIN);
    let network = json(&folder, &[&TRAIN[..], &HIDDEN].concat());
    let accuracy = |keys: &Value| keys["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy(&linear) < 0.90 && accuracy(&network) > 0.97, "{} {}", accuracy(&linear), accuracy(&network));
    assert_eq!(network["n_rows"], 640);
    assert_eq!(network["solver"], "adam");
    assert_eq!((&network["gap"], &network["aic"], &network["n_nonzero"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(network["coefficients"].as_array().unwrap().len(), 0);
    let told = &network["network"];
    assert_eq!(told["hidden"], serde_json::json!([16]));
    assert_eq!(told["n_parameters"], 65);
    let best = told["validation"]["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(told["validation"]["losses"][best - 1], told["validation"]["best_loss"]);
    assert!(
        told["without_layers"]["apart"].as_f64().unwrap() > 3.0 * told["validation"]["best_loss"].as_f64().unwrap()
    );
}

/// The same command gives the same bytes, and everything that reads a model reads the network.
#[test]
fn a_network_is_a_model_like_others() {
    let folder = moons();
    let train = [&TRAIN[..], &["--hidden", "8,4", "--activation", "tanh", "--epochs", "30", "-o"]].concat();
    let words = done(&folder, &[&train[..], &["model.json"]].concat());
    for told in
        ["network: probability that `label`", "hidden layers of 8 and 4 units (tanh), 65 parameters", "30 of 30 epochs"]
    {
        assert!(words.contains(told), "{told}: {words}");
    }
    done(&folder, &[&train[..], &["again.json"]].concat());
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("model.json"), bytes("again.json"));
    assert!(done(&folder, &["summary", "model.json"]).contains("no certificate"));
    let measured = json(&folder, &["evaluate", "model.json", "moons.csv"]);
    let scored = done(&folder, &["predict", "model.json", "moons.csv"]);
    let right = scored.lines().skip(1).filter(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[2] == cells[4]
    });
    assert_eq!(right.count() as f64 / 1000.0, measured["accuracy"].as_f64().unwrap());
    done(&folder, &["train", "moons.csv", "--target", "label", "-o", "linear.json"]);
    let compared = json(&folder, &["evaluate", "model.json", "moons.csv", "--compare", "linear.json"]);
    assert!(compared["compare"]["log_loss"]["difference"].as_f64().unwrap() < -0.1, "{compared}");
    // A byte changed is found, as in any model file.
    let text = String::from_utf8(bytes("model.json")).unwrap().replacen("\"tanh\"", "\"relu\"", 1);
    std::fs::write(folder.path().join("changed.json"), text).unwrap();
    assert!(refused(&folder, &["predict", "changed.json", "moons.csv"]).contains("changed"));
}

#[test]
fn classes_categories_weights_and_missing_values_go_through_layers() {
    let folder = TempDir::new().unwrap();
    let mut csv = "x,city,w,y\n".to_string();
    for i in 0..240 {
        let x = if i % 17 == 0 { String::new() } else { format!("{}", f64::from(i * 37 % 100) / 10.0) };
        csv.push_str(&format!(
            "{x},{},{},{}\n",
            ["Bern", "Oslo", "Rom"][i as usize % 3],
            1 + i % 2,
            ["a", "b", "c"][(i * 37 % 100 / 34) as usize]
        ));
    }
    std::fs::write(folder.path().join("data.csv"), csv).unwrap();
    let train = [
        "train",
        "data.csv",
        "--target",
        "y",
        "--missing",
        "impute",
        "--weights",
        "w",
        "--hidden",
        "6",
        "-o",
        "m.json",
    ];
    let keys =
        json(&folder, &[&train[..], &["--class-weight", "balanced", "--l2", "0.001", "--unseen", "baseline"]].concat());
    assert_eq!(keys["classes"].as_array().unwrap().len(), 3);
    let measured = json(&folder, &["evaluate", "m.json", "data.csv", "--weights", "w"]);
    assert!(measured["accuracy"].as_f64().unwrap() > 0.8, "{measured}");
    let scored = done(&folder, &["predict", "m.json", "data.csv"]);
    assert!(scored.starts_with("x,city,w,y,probability[a],probability[b],probability[c],predicted\n"));
    for line in scored.lines().skip(1) {
        let sum: f64 = line.split(',').skip(4).take(3).map(|p| p.parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}

#[test]
fn what_has_no_meaning_with_layers_is_refused() {
    let folder = moons();
    let cases: [(&[&str], &str); 20] = [
        (&["--solver", "newton"], "solver"),
        (&["--solver", "lbfgs"], "solver"),
        (&["--l1", "0.1"], "l1"),
        (&["--l2", "auto"], "l2"),
        (&["--elastic-net", "0.1:0.5"], "elastic-net"),
        (&["--bound", "x0>=0"], "bound"),
        (&["--l2", "0.1", "--penalty-factor", "x0=0"], "penalty-factor"),
        (&["--no-intercept"], "no-intercept"),
        (&["--firth"], "firth"),
        (&["--covariance", "hc0"], "covariance"),
        (&["--cluster", "x1"], "cluster"),
        (&["--lr-tests"], "lr-tests"),
        (&["--intervals", "profile"], "intervals"),
        (&["--bootstrap", "10"], "bootstrap"),
        (&["--effects"], "effects"),
        (&["--diagnostics"], "diagnostics"),
        (&["--checkpoint", "journal"], "checkpoint"),
        (&["--validation-fraction", "1"], "validation-fraction"),
        (&["--validation-fraction", "0.2", "--validation-patience", "0"], "validation-patience"),
        (&["--weights", "x0", "--weight-kind", "sampling"], "weight-kind"),
    ];
    for (words, name) in cases {
        let train = ["train", "moons.csv", "--target", "label", "--hidden", "4", "-o", "m.json"];
        let told = refused(&folder, &[&train[..], words].concat());
        assert!(told.contains(name), "{words:?}: {told}");
    }
    assert!(refused(&folder, &["train", "moons.csv", "--target", "label", "--hidden", "4,0"]).contains("hidden"));
    for alone in [
        &["--activation", "tanh"][..],
        &["--validation-fraction", "0.2"],
        &["--hidden", "4", "--validation-patience", "3"],
    ] {
        let output = logistic(&folder, &[&["train", "moons.csv", "--target", "label"], alone].concat());
        assert_eq!(output.status.code(), Some(2), "{alone:?}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["moons.csv"]);
}

#[test]
fn a_training_that_learns_nothing_says_so() {
    let folder = moons();
    let train = ["train", "moons.csv", "--target", "label", "--hidden", "4", "--learning-rate", "100"];
    let keys = json(&folder, &train);
    assert_eq!(keys["warnings"][0]["kind"], "nothing_learnt", "{keys}");
    let told = refused(&folder, &[&train[..6], &["--solver", "sgd", "--learning-rate", "1e9"]].concat());
    assert!(told.contains("learning-rate") && told.contains("diverge"), "{told}");
}

#[test]
fn exports_that_have_layers_are_written_and_others_refused() {
    let folder = moons();
    done(&folder, &["train", "moons.csv", "--target", "label", "--hidden", "5,3", "--epochs", "3", "-o", "m.json"]);
    for format in [
        &["sql", "--dialect", "duckdb"][..],
        &["c"],
        &["javascript"],
        &["scorecard"],
        &["csv"],
        &["latex"],
        &["markdown"],
    ] {
        let told = refused(&folder, &[&["export", "m.json", "--to"], format].concat());
        assert!(told.contains("hidden layers") && told.contains("onnx"), "{told}");
    }
    let safetensors = logistic(&folder, &["export", "m.json", "--to", "safetensors"]).stdout;
    let length = u64::from_le_bytes(safetensors[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&safetensors[8..8 + length]).unwrap();
    for (name, shape) in
        [("0.weight", "[5,2]"), ("0.bias", "[5]"), ("2.weight", "[3,5]"), ("4.weight", "[1,3]"), ("4.bias", "[1]")]
    {
        assert_eq!(header[name]["shape"].to_string(), shape, "{name}");
    }
    assert_eq!(header["__metadata__"]["logistic.activation"], "relu");
    assert_eq!(safetensors.len(), 8 + length + 8 * (15 + 18 + 4));
    let onnx = logistic(&folder, &["export", "m.json", "--to", "onnx"]).stdout;
    assert!(onnx.windows(4).any(|word| word == b"Relu"));
}

#[test]
fn the_page_says_what_layers_add() {
    let folder = moons();
    done(&folder, &[&TRAIN[..], &HIDDEN, &["--report", "moons.html"]].concat());
    let text = std::fs::read_to_string(folder.path().join("moons.html")).unwrap();
    for told in [
        "Network with hidden layers",
        "What the layers add",
        "Two Gaussians of equal spread are the textbook case",
        "the bend is worth having",
        "What the layers draw",
        "Rows kept apart",
        "There is no certificate",
    ] {
        assert!(text.contains(told), "{told}");
    }
    assert!(!text.contains("Odds ratios") && text.len() < 1_000_000, "{} bytes", text.len());
    // The tutorial's blobs, whose best rule is a line.
    let blobs = done(&folder, &["blobs", "--n-samples", "1000", "--centers", "2", "--seed", "261"]);
    std::fs::write(folder.path().join("blobs.csv"), blobs).unwrap();
    let train = ["train", "blobs.csv", "--target", "label", "--test-fraction", "0.2", "--report", "blobs.html"];
    done(&folder, &[&train[..], &HIDDEN].concat());
    let text = std::fs::read_to_string(folder.path().join("blobs.html")).unwrap();
    assert!(text.contains("nothing here says that layers help"));
}

#[test]
fn the_tutorial_prints_the_bayes_rate() {
    let folder = TempDir::new().unwrap();
    assert!(
        done(&folder, &["tutorial"])
            .contains("rule of Bayes       0.89 of the test rows, in the long run Φ(d/2σ) = 0.895")
    );
    let text = done(&folder, &["tutorial", "--layers"]);
    assert!(text.contains("100000 new points") && text.contains("Two moons"), "{text}");
    let keys = json(&folder, &["tutorial", "--layers"]);
    let (layers, rate) = (&keys["layers"], keys["bayes"]["rate"].as_f64().unwrap());
    assert!(layers["moons"]["linear"].as_f64().unwrap() < 0.90 && layers["moons"]["network"].as_f64().unwrap() > 0.97);
    // Five standard errors of a share of 100,000 points.
    assert!((layers["bayes"]["new_points"].as_f64().unwrap() - rate).abs() < 0.005);
}

#[test]
fn shapes_take_only_what_they_have() {
    let folder = TempDir::new().unwrap();
    assert!(
        done(&folder, &["blobs", "--shape", "circles", "--factor", "0.5", "--n-samples", "7"])
            .starts_with("x0,x1,label\n")
    );
    for words in [
        &["--noise", "0.1"][..],
        &["--shape", "moons", "--factor", "0.5"],
        &["--shape", "moons", "--centers", "3"],
        &["--shape", "circles", "--n-features", "3"],
        &["--shape", "moons", "--cluster-std", "2"],
        &["--shape", "moons", "--center-box=-1,1"],
        &["--shape", "moons", "--noise=-1"],
        &["--shape", "moons", "--n-samples", "1,2,3"],
    ] {
        refused(&folder, &[&["blobs"], words].concat());
    }
}
