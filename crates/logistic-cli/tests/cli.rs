//! The binary, as a person or a script calls it.

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

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The result of a call that must succeed, as JSON.
fn json(args: &[&str]) -> Value {
    let output = logistic(args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a call that must fail with exit code 1 says.
fn failure(args: &[&str]) -> String {
    let output = logistic(args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert!(output.stdout.is_empty(), "an error leaves stdout empty");
    stderr(&output)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn the_tutorial_prints_the_tutorials_digits() {
    let text = stdout(&logistic(&["tutorial"]));
    for digits in [
        "[0.4318, -0.4256], bias 0.6730",
        "[8.4116, 3.8735] label 1",
        "[5.4493, -1.9747] label 0",
        "[5.6047, -1.2734] label 0",
        "[0.2822, 2.5435], bias -3.7672",
        "[[75, 21], [7, 97]]",
        "0.86\n",
        "0.21875",
        "97/118",
        "97/104",
    ] {
        assert!(text.contains(digits), "{digits} is not in\n{text}");
    }
    let keys = json(&["tutorial", "--json"]);
    assert_eq!(keys["confusion_matrix"], serde_json::json!([[75, 21], [7, 97]]));
    assert_eq!(keys["epoch_losses"].as_array().unwrap().len(), 100);
    assert_eq!(keys["precision"].as_f64().unwrap(), 97.0 / 118.0);
    assert_eq!(keys["recall"].as_f64().unwrap(), 97.0 / 104.0);
    assert_eq!(keys["sample_5"]["y"], 1.0);
}

#[test]
fn the_tutorial_writes_its_pictures_and_rows() {
    let folder = Folder::new();
    let out = folder.path("walk");
    assert!(logistic(&["tutorial", "--out", &out]).status.success());
    let files = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(files, 18, "eight pictures, as SVG and PNG, and two tables");
    let rows = |name: &str| std::fs::read_to_string(format!("{out}/{name}")).unwrap();
    let (train, test) = (rows("train.csv"), rows("test.csv"));
    assert_eq!((train.lines().count(), test.lines().count()), (801, 201));
    // Row 5 of each, as the tutorial prints it.
    assert!(train.lines().nth(6).unwrap().starts_with("5.4492") && train.lines().nth(6).unwrap().ends_with(",0"));
    assert!(test.lines().nth(6).unwrap().starts_with("5.6047") && test.lines().nth(6).unwrap().ends_with(",0"));
    // The digits are those of 32 bits, every one of them.
    let first: f64 = train.lines().nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(f64::from(first as f32), first);
}

#[test]
fn train_predict_and_evaluate_agree() {
    let folder = Folder::new();
    let (data, model) = (testdata("german_credit.csv"), folder.path("model.json"));
    let trained = json(&["train", &data, "--target", "creditability", "--positive", "bad", "-o", &model, "--json"]);
    assert_eq!(trained["converged"], true);
    assert_eq!(trained["n_rows"], 1000);
    // R's glm, by testdata/golden/fits/german_credit.json.
    assert!((trained["log_likelihood"].as_f64().unwrap() + 451.563_017_195_272_5).abs() < 1e-7);
    let evaluated = json(&["evaluate", &model, &data, "--json"]);
    let log_loss = evaluated["log_loss"].as_f64().unwrap();
    assert!((1000.0 * log_loss + trained["log_likelihood"].as_f64().unwrap()).abs() < 1e-6);

    let scored = folder.path("scored.csv");
    assert!(logistic(&["predict", &model, &data, "-o", &scored]).status.success());
    let scored = std::fs::read_to_string(scored).unwrap();
    let original = std::fs::read_to_string(&data).unwrap();
    assert_eq!(scored.lines().count(), original.lines().count());
    assert!(scored.lines().next().unwrap().ends_with(",creditability,probability,predicted"));
    let to_stdout = stdout(&logistic(&["predict", &model, &data]));
    assert_eq!(to_stdout, scored);
    let summary = json(&["summary", &model, "--json"]);
    assert_eq!(summary["coefficients"], trained["coefficients"]);
    assert!(stdout(&logistic(&["summary", &model])).contains("95 % low"));
}

#[test]
fn every_solver_reaches_the_optimum_or_says_it_did_not() {
    let data = testdata("saheart.csv");
    let fit = |solver: &str| json(&["train", &data, "--target", "chd", "--solver", solver, "--json"]);
    let newton = fit("newton");
    let deviance = |fit: &Value| fit["deviance"].as_f64().unwrap();
    assert!((deviance(&fit("lbfgs")) - deviance(&newton)).abs() < 1e-9 * deviance(&newton));
    for solver in ["sgd", "adam"] {
        let fit = fit(solver);
        assert_eq!(fit["converged"], false);
        assert_eq!(fit["termination"], "max_iterations");
        assert_eq!(fit["warnings"][0]["kind"], "not_converged");
        assert!(fit["coefficients"][0]["p_value"].is_null());
        assert!(deviance(&fit) < 1.05 * deviance(&newton));
    }
}

#[test]
fn separated_data_get_a_ridge_fit_and_no_p_values() {
    let fit = json(&["train", &testdata("sex2.csv"), "--target", "case", "--json"]);
    assert_eq!(fit["warnings"][0]["kind"], "separation");
    assert_eq!(fit["warnings"][0]["columns"], serde_json::json!(["dia"]));
    assert!(fit["warnings"][0]["message"].as_str().unwrap().starts_with("quasi-complete separation"));
    assert_eq!(fit["converged"], false);
    assert!(fit["coefficients"].as_array().unwrap().iter().all(|c| c["p_value"].is_null()));
}

#[test]
fn collinear_columns_are_named_and_left_out() {
    let features = "tenure,phone_service,multiple_lines,internet_service,online_security";
    let fit = json(&["train", &testdata("wa_churn.csv"), "--target", "churn", "--features", features, "--json"]);
    let collinear: Vec<&Value> =
        fit["warnings"].as_array().unwrap().iter().filter(|w| w["kind"] == "collinear").collect();
    assert_eq!(collinear.len(), 2);
    assert_eq!(collinear[0]["columns"], serde_json::json!(["multiple_lines", "phone_service"]));
    let left_out = |c: &&Value| c["estimate"].is_null();
    assert_eq!(fit["coefficients"].as_array().unwrap().iter().filter(left_out).count(), 2);
}

#[test]
fn missing_values_follow_the_policy() {
    let data = testdata("penguins.csv");
    let base = ["train", &data, "--target", "species", "--positive", "Gentoo", "--features", "bill_length_mm,sex"];
    let error = failure(&base);
    assert!(error.contains("penguins.csv:5: column `bill_length_mm`: the value is missing"), "{error}");
    assert!(error.contains("help: `train --missing drop`"), "{error}");
    let with = |policy: &str| json(&[&base[..], &["--missing", policy, "--json"]].concat());
    let dropped = with("drop");
    assert_eq!(dropped["n_rows"], 333);
    assert_eq!(dropped["warnings"][0]["kind"], "rows_dropped");
    let imputed = with("impute");
    assert_eq!(imputed["n_rows"], 344);
    let terms: Vec<&str> =
        imputed["coefficients"].as_array().unwrap().iter().map(|c| c["term"].as_str().unwrap()).collect();
    assert_eq!(terms, ["(intercept)", "bill_length_mm", "bill_length_mm[missing]", "sex[male]", "sex[missing]"]);
}

#[test]
fn a_row_that_cannot_be_scored_keeps_its_place() {
    let folder = Folder::new();
    let model = folder.path("model.json");
    let data = folder.write("data.csv", "x,y\n1,0\n2,1\n3,0\n4,1\n,1\n5,0\n");
    assert!(logistic(&["train", &data, "--target", "y", "--missing", "drop", "-o", &model]).status.success());
    let output = logistic(&["predict", &model, &data]);
    assert_eq!(stdout(&output).lines().nth(5), Some(",1,,"));
    assert!(stderr(&output).contains("no probability for 1 row"));
}

#[test]
fn errors_name_the_place_and_the_way_out() {
    let folder = Folder::new();
    let data = folder.write("data.csv", "age,sex,y\n1,f,0\n2,m,1\n3,f,1\n4,m,0\n");
    let train = |name: &str, text: &str, more: &[&str]| {
        let path = folder.write(name, text);
        failure(&[&["train", &path, "--target", "y"], more].concat())
    };
    let numbers: String = (0..20).map(|i| format!("{i},{}\n", i % 2)).collect();
    for (error, words) in [
        (train("stray.csv", &format!("age,y\n{numbers}n/a,1\n"), &[]), "stray.csv:22: column `age`: expected a number"),
        (train("ragged.csv", "a,y\n1,0\n2\n", &[]), "ragged.csv:3: expected 2 cells, as in the header, found 1"),
        (train("empty.csv", "", &[]), "empty.csv: expected a table, found nothing"),
        (train("twice.csv", "a,a,y\n1,2,0\n", &[]), "expected each column name once, found `a` twice"),
        (train("one.csv", "a,y\n1,0\n2,0\n", &[]), "a target needs two classes, found only the value `0`"),
        (train("which.csv", "a,y\n1,red\n2,blue\n", &[]), "which of the classes `blue`, `red` is the positive one?"),
        (train("huge.csv", "a,y\n1e999,0\n2,1\n", &[]), "huge.csv:2: column `a`: expected a number within"),
        (
            failure(&[
                "train",
                &testdata("saheart.csv"),
                "--target",
                "chd",
                "--solver",
                "sgd",
                "--learning-rate",
                "1e308",
            ]),
            "`learning-rate` must be small enough for the training not to diverge",
        ),
        (failure(&["train", &data, "--target", "Y"]), "did you mean `y`?"),
        (failure(&["train", &data, "--target", "y", "--reference", "sex=x"]), "expected one of its levels `f`, `m`"),
        (failure(&["train", &data, "--target", "y", "--l2=-1"]), "`l2` must be finite and not negative, found -1"),
        (failure(&["train", "/no/such/file.csv", "--target", "y"]), "/no/such/file.csv: cannot read"),
        (failure(&["train", &data, "--target", "y", "-o", "/no/such/folder/m.json"]), "cannot write"),
        (failure(&["blobs", "--cluster-std=-1"]), "`cluster_std` must be"),
    ] {
        assert!(error.starts_with("error: "), "{error}");
        assert!(error.contains(words), "{words} is not in\n{error}");
    }
    let unknown = failure(&["train", &data, "--target", "y", "--exclude", "zip"]);
    assert!(unknown.contains("there is no column `zip`"), "{unknown}");
    assert_eq!(logistic(&["train"]).status.code(), Some(2));
}

#[test]
fn errors_as_json_keep_the_exit_code() {
    let output = logistic(&["train", &testdata("penguins.csv"), "--target", "sex", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["error"]["kind"], "target");
    assert_eq!(told["error"]["column"], "sex");
    assert!(told["error"]["help"].as_str().unwrap().contains("--positive"));
}

#[test]
fn a_model_file_that_changed_is_refused() {
    let folder = Folder::new();
    let path = folder.path("model.json");
    assert!(logistic(&["train", &testdata("spector.csv"), "--target", "GRADE", "-o", &path]).status.success());
    let text = std::fs::read(&path).unwrap();
    for at in (0..text.len()).step_by(97) {
        let mut changed = text.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let error = failure(&["summary", &path]);
        assert!(error.starts_with("error: ") && error.contains("model.json: "), "byte {at}: {error}");
    }
    let newer = String::from_utf8(text).unwrap().replacen("\"format_version\": 3", "\"format_version\": 5", 1);
    std::fs::write(&path, newer).unwrap();
    assert!(failure(&["summary", &path]).contains("format version 5 is newer"));
}

#[test]
fn a_failed_run_leaves_nothing_behind() {
    let folder = Folder::new();
    let data = folder.write("data.csv", "a,y\n1,0\n2,1\nx,1\n");
    failure(&["train", &data, "--target", "y", "--reference", "a=b", "-o", &folder.path("model.json")]);
    assert_eq!(folder.names(), ["data.csv"]);
}

#[test]
fn an_unseen_level_is_an_error_with_its_place() {
    let folder = Folder::new();
    let data = folder.write("data.csv", "sex,y\nf,0\nm,1\nf,1\nm,0\nm,1\n");
    let model = folder.path("model.json");
    assert!(logistic(&["train", &data, "--target", "y", "-o", &model]).status.success());
    let other = folder.write("new.csv", "sex\nf\nx\n");
    let error = failure(&["predict", &model, &other]);
    assert!(error.contains("new.csv:3: column `sex`: the level `x` was not seen in training"), "{error}");
    assert!(error.contains("help: the model knows `f`, `m`"), "{error}");
}

#[test]
fn weights_reference_levels_and_positive_classes() {
    let folder = Folder::new();
    let data = folder.write("data.csv", "g,y,w\na,no,1\na,yes,2\nb,no,3\nb,yes,1\nc,no,1\nc,yes,4\n");
    let fit = json(&["train", &data, "--target", "y", "--weights", "w", "--reference", "g=b", "--json"]);
    let estimate = |i: usize| fit["coefficients"][i]["estimate"].as_f64().unwrap();
    // Saturated: the coefficients are differences of observed log odds.
    assert!((estimate(0) - (1.0f64 / 3.0).ln()).abs() < 1e-9);
    assert!((estimate(1) - (2.0f64.ln() - (1.0f64 / 3.0).ln())).abs() < 1e-9);
    assert_eq!(fit["coefficients"][1]["term"], "g[a]");
    assert_eq!(fit["positive"], "yes");
    let other = json(&["train", &data, "--target", "y", "--weights", "w", "--positive", "no", "--json"]);
    assert!((other["log_likelihood"].as_f64().unwrap() - fit["log_likelihood"].as_f64().unwrap()).abs() < 1e-10);
}

#[test]
fn held_out_rows_are_evaluated_and_pictured() {
    let folder = Folder::new();
    let plots = folder.path("plots");
    let data = testdata("breast_cancer.csv");
    let args = ["train", &data, "--target", "diagnosis", "--positive", "malignant", "--features"];
    let more = ["mean radius,mean texture", "--test-fraction", "0.25", "--seed", "7", "--plots", &plots, "--json"];
    let fit = json(&[&args[..], &more[..]].concat());
    assert_eq!(fit["n_rows"], 427);
    assert_eq!(fit["test"]["n_rows"], 142);
    assert!(fit["test"]["roc_auc"].as_f64().unwrap() > 0.9);
    assert!(std::path::Path::new(&plots).join("decision-boundary.svg").exists());
    assert!(std::path::Path::new(&plots).join("confusion-matrix.png").exists());
    let (model, pictures) = (folder.path("model.json"), folder.path("pictures"));
    assert!(logistic(&[&args[..], &["mean radius,mean texture", "-o", &model]].concat()).status.success());
    assert!(logistic(&["evaluate", &model, &data, "--plots", &pictures]).status.success());
    assert!(std::path::Path::new(&pictures).join("gains.svg").exists());
    let again = json(&[&args[..], &more[..]].concat());
    assert_eq!(again["coefficients"], fit["coefficients"]);
}

/// Every number has its interval beside it, and it lies inside.
#[test]
fn an_evaluation_says_how_sure_it_is() {
    let folder = Folder::new();
    let (data, model) = (testdata("german_credit.csv"), folder.path("model.json"));
    let train =
        ["train", &data, "--target", "creditability", "--positive", "bad", "--test-fraction", "0.3", "-o", &model];
    assert!(logistic(&train).status.success());
    let base = ["evaluate", &model, &data, "--json"];
    let found = json(&base);
    let mut beside = 0;
    for of in [&found, &found["calibration"]] {
        for (name, interval) in of.as_object().unwrap() {
            if let Some(of) = name.strip_suffix("_ci").map(|name| of[name].as_f64().unwrap()) {
                let end = |at: usize| interval[at].as_f64().unwrap();
                assert!(end(0) < of && of < end(1), "{name}: {of} and {interval}");
                beside += 1;
            }
        }
    }
    assert_eq!(beside, 12);
    assert_eq!(found["bootstrap"], 1000);
    assert_eq!(found, json(&base), "the same seed");
    let reseeded = json(&[&base[..], &["--seed", "1"]].concat());
    assert_eq!(reseeded["roc_auc_ci"], found["roc_auc_ci"]);
    assert_ne!(reseeded["f1_ci"], found["f1_ci"]);
    let quick = json(&[&base[..], &["--bootstrap", "0"]].concat());
    assert_eq!((&quick["f1_ci"], &quick["calibration"]["slope_ci"]), (&Value::Null, &Value::Null));
    assert_eq!(quick["accuracy_ci"], found["accuracy_ci"]);
    let tenths = found["gains"].as_array().unwrap();
    assert_eq!((tenths.len(), tenths[9]["gain"].as_f64()), (10, Some(1.0)));
    let weighted = json(&[&base[..], &["--weights", "credit_amount", "--bootstrap", "100"]].concat());
    let [plain, weighted] =
        [&found, &weighted].map(|of| of["accuracy_ci"][1].as_f64().unwrap() - of["accuracy_ci"][0].as_f64().unwrap());
    assert!(weighted > 1.2 * plain, "unequal weights count as fewer rows");
    let text = stdout(&logistic(&["evaluate", &model, &data]));
    assert!(text.contains("95 % intervals: Wilson (rates), DeLong (ROC AUC), 1000 bootstrap resamples"), "{text}");
    assert!(text.contains("by tenths of the rows"), "{text}");
}

#[test]
fn thresholds_are_chosen_by_rule() {
    let folder = Folder::new();
    let (data, model) = (testdata("saheart.csv"), folder.path("model.json"));
    let trained = json(&["train", &data, "--target", "chd", "--threshold", "youden", "-o", &model, "--json"]);
    let threshold = trained["threshold"].as_f64().unwrap();
    assert!(threshold > 0.2 && threshold < 0.4, "{threshold}");
    let at = |rule: &str| json(&["evaluate", &model, &data, "--bootstrap", "0", "--threshold", rule, "--json"]);
    let own = json(&["evaluate", &model, &data, "--bootstrap", "0", "--json"]);
    assert_eq!(own["threshold"].as_f64(), Some(threshold));
    assert!(own["threshold_rule"].is_null());
    assert_eq!(at("youden")["threshold"].as_f64(), Some(threshold));
    assert_eq!(at("youden")["threshold_rule"], "youden");
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap();
    assert!(number(&at("f1"), "f1") >= number(&own, "f1"));
    assert!(number(&at("recall:0.9"), "recall") >= 0.9);
    assert!(number(&at("precision:0.75"), "precision") >= 0.75);
    let costly = |rule: &str| number(&at(rule), "threshold");
    assert!(costly("cost:1,10") < costly("cost:1,1"));
    let text = stdout(&logistic(&["evaluate", &model, &data, "--threshold", "f1"]));
    assert!(text.contains("The threshold was chosen on these rows, by f1"), "{text}");
    let text = stdout(&logistic(&["train", &data, "--target", "chd", "--threshold", "recall:0.9"]));
    assert!(text.contains("recall:0.9 on the training rows"), "{text}");
    // The rows held out have no say.
    let base = ["train", &data, "--target", "chd", "--test-fraction", "0.5", "--threshold", "f1", "--json"];
    let held_out = json(&base);
    assert_eq!(held_out["test"]["threshold"], held_out["threshold"]);
    let unreached = failure(&["evaluate", &model, &testdata("saheart.csv"), "--threshold", "cost:0,0"]);
    assert!(unreached.contains("`cost` must be two finite numbers"), "{unreached}");
    assert_eq!(logistic(&["train", &data, "--target", "chd", "--threshold", "high"]).status.code(), Some(2));
}

#[test]
fn two_models_are_compared_on_the_same_rows() {
    let folder = Folder::new();
    let data = testdata("penguins.csv");
    let (whole, part) = (folder.path("whole.json"), folder.path("part.json"));
    let train = |features: &str, model: &str| {
        let target = ["train", &data, "--target", "species", "--positive", "Adelie", "--missing", "drop"];
        let output = logistic(&[&target[..], &["--features", features, "-o", model]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    };
    train("bill_depth_mm,body_mass_g,sex", &whole);
    train("bill_depth_mm,body_mass_g", &part);
    let compare =
        |one: &str, other: &str| json(&["evaluate", one, &data, "--compare", other, "--json"])["compare"].clone();
    let (there, back) = (compare(&whole, &part), compare(&part, &whole));
    // Eleven rows lack the sex, two of them the measurements too: either way the rows that both can score.
    assert_eq!((there["n_rows"].as_u64(), back["n_rows"].as_u64()), (Some(333), Some(333)));
    for metric in ["roc_auc", "log_loss"] {
        assert_eq!((&there[metric]["own"], &there[metric]["other"]), (&back[metric]["other"], &back[metric]["own"]));
        let z = |of: &Value| of[metric]["z"].as_f64().unwrap();
        assert!((z(&there) + z(&back)).abs() < 1e-9);
    }
    assert!(there["roc_auc"]["difference"].as_f64().unwrap() > 0.0);
    let text = stdout(&logistic(&["evaluate", &whole, &data, "--compare", &part]));
    assert!(text.contains("on 333 rows") && text.contains("DeLong z"), "{text}");
    let text = stdout(&logistic(&["evaluate", &whole, &data, "--compare", &whole]));
    assert!(text.contains("difference 0.0000, no test"), "{text}");
    let other = folder.path("other.json");
    assert!(logistic(&["train", &testdata("spector.csv"), "--target", "GRADE", "-o", &other]).status.success());
    let error = failure(&["evaluate", &whole, &data, "--compare", &other]);
    assert!(error.contains("`compare` must be a model of `species` being `Adelie`"), "{error}");
}

#[test]
fn blobs_are_the_tutorials() {
    let text = stdout(&logistic(&["blobs", "--n-samples", "1000", "--centers", "2", "--seed", "261"]));
    assert!(text.starts_with("x0,x1,label\n"));
    assert!(text.lines().nth(6).unwrap().starts_with("8.4115"), "row 5");
    assert_eq!(text.lines().count(), 1001);
}
