//! Commands called by a program: the same settings, refusals and answers as when they are typed.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use logistic::model::Model;
use logistic::solver::Go;
use logistic::table::read;
use logistic_cli::{Given, Host, Measuring, Training, Usage};
use tempfile::TempDir;

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
    path.to_str().unwrap().to_string()
}

fn given(settings: &[(&str, &[&str])]) -> Vec<Given> {
    let values = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    settings.iter().map(|(name, of)| (name.to_string(), values(of))).collect()
}

fn host<'a>() -> Host<'a> {
    Host {
        read: &|paths, options| read(paths, options, &|_| ()),
        hear: &|_, _| Box::new(|_, _| Go::On),
        go: &|| Go::On,
    }
}

#[test]
fn a_called_train_writes_the_typed_ones_model() {
    let folder = TempDir::new().unwrap();
    let [called, typed] = ["called.json", "typed.json"].map(|name| folder.path().join(name));
    let settings = given(&[
        ("target", &["chd"]),
        ("categorical", &["famhist"]),
        ("exclude", &["typea"]),
        ("l2", &["0.1"]),
        ("standardise", &["true"]),
        ("firth", &["false"]),
        ("output", &[called.to_str().unwrap()]),
    ]);
    let trained = Training::new(&[data("saheart.csv")], &settings).unwrap().run(host()).unwrap();
    let mut command = Command::cargo_bin("logistic").unwrap();
    command.args(["train", &data("saheart.csv"), "--target", "chd", "--categorical", "famhist"]);
    command.args(["--exclude", "typea", "--l2", "0.1", "--standardise", "-o", typed.to_str().unwrap()]);
    command.assert().success();
    assert_eq!(std::fs::read(&called).unwrap(), std::fs::read(&typed).unwrap());
    assert_eq!(trained.keys()["l2"], 0.1);

    let model = Model::load(Path::new(&called)).unwrap();
    let measuring = Measuring::new(&[data("saheart.csv")], &given(&[("threshold", &["f1"])])).unwrap();
    let (found, _) = measuring.run(&model, host().read).unwrap();
    let mut command = Command::cargo_bin("logistic").unwrap();
    command.args(["evaluate", typed.to_str().unwrap(), &data("saheart.csv"), "--threshold", "f1", "--json"]);
    let output = command.output().unwrap();
    assert_eq!(found, serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap());
}

#[test]
fn what_cannot_be_typed_cannot_be_given() {
    let refused = |settings: &[(&str, &[&str])]| Training::new(&["data".to_string()], &given(settings)).err().unwrap();
    let Usage::Unknown { name, known } = refused(&[("target", &["y"]), ("json", &["true"])]) else { panic!() };
    assert_eq!(name, "json");
    assert!(known.contains(&"test_fraction".to_string()) && !known.contains(&"data".to_string()));
    for (settings, words) in [
        (&[("target", &["y"][..]), ("l2", &["much"])][..], "expected a number or `auto`"),
        (&[("l2", &["1"])], "--target"),
        (&[("target", &["y"]), ("firth", &["1"])], "`firth` is true or false"),
        (&[("target", &["y"]), ("l2", &["1", "2"])], "cannot be used multiple times"),
        (&[("target", &["y"]), ("test_fraction", &["0.2"]), ("test_data", &["b.csv"])], "cannot be used with"),
    ] {
        let Usage::Wrong { message } = refused(settings) else { panic!() };
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_name_may_hold_the_separator() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.csv");
    let rows: String = (0..40).map(|i| format!("{},{},{}\n", i % 7, i % 3, u8::from(i * 5 % 11 < 5))).collect();
    std::fs::write(&path, format!("\"a,b\",c,y\n{rows}")).unwrap();
    let settings = given(&[("target", &["y"]), ("features", &["a,b"])]);
    let trained = Training::new(&[path.to_str().unwrap().to_string()], &settings).unwrap().run(host()).unwrap();
    let terms: Vec<&str> = trained.model.coefficients.iter().map(|c| c.term.as_str()).collect();
    assert_eq!(terms, ["(intercept)", "a,b"]);
}

#[test]
fn work_that_is_stopped_writes_no_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.json");
    let settings = given(&[("target", &["chd"]), ("bootstrap", &["100"]), ("output", &[path.to_str().unwrap()])]);
    let training = Training::new(&[data("saheart.csv")], &settings).unwrap();
    // After the table, the fit, its inference, and the evaluation.
    for part in 0..4 {
        let asked = Cell::new(0);
        let go = || if asked.replace(asked.get() + 1) == part { Go::Stop } else { Go::On };
        assert!(training.run(Host { go: &go, ..host() }).is_err());
        assert_eq!(asked.get(), part + 1);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
    training.run(host()).unwrap();
    assert!(path.exists());
}
