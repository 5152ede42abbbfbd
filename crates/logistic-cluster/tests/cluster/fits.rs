//! What a cluster fits, and what it does not.

use std::thread::sleep;
use std::time::Duration;

use crate::processes::{answered, assert_agree, binary, complaint, estimates, executor, of, rows, scheduler, train};

#[test]
fn a_cluster_fits_as_one_process_does_whoever_is_killed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    let expected = estimates(train(&of(&data, &[]), &model), &model);
    assert_eq!(expected.len(), 5, "the intercept, two numbers and two levels");

    let (head, address) = scheduler(&["--port", "0"]);
    let executors = [executor(&address, "500MB"), executor(&address, "500MB")];
    let engine = format!("df://{address}");
    for partitions in ["1", "2", "8"] {
        let fit = train(&of(&data, &["--engine", &engine, "--partitions", partitions]), &model);
        assert_agree(&estimates(fit, &model), &expected);
    }

    let engine = ["--engine", engine.as_str(), "--partitions", "4"];
    let [first, second] = executors;
    let fit = train(&of(&data, &engine), &model);
    sleep(Duration::from_millis(600));
    drop(first);
    assert_agree(&estimates(fit, &model), &expected);

    let third = executor(&address, "500MB");
    let fit = train(&of(&data, &engine), &model);
    sleep(Duration::from_millis(600));
    drop(head);
    let (again, _) = scheduler(&["--port", address.rsplit_once(':').unwrap().1]);
    assert_agree(&estimates(fit, &model), &expected);
    drop((again, second, third));
}

#[test]
fn queries_classes_and_missing_values_are_those_of_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    let other = tempfile::tempdir().unwrap();
    let shades = other.path().join("shades.csv");
    std::fs::write(&shades, "Colour,shade\nred,0.3\ngreen,0.6\n").unwrap();
    let (table, shades) = (format!("t={data}"), format!("u={}", shades.display()));
    // Names keep their case in quotes alone; what the second table lacks is missing. The fourth class is rare.
    let query = "select t.a, t.b, t.weight, t.y, u.shade, cast(4 * t.b / 1001 + t.y as int) / 2 as grade from t \
                 left join u on t.\"Colour\" = u.\"Colour\"";
    let joined = |more: &[&str]| -> Vec<String> {
        let typed = [&[&table, &shades, "--sql", query, "--weights", "weight"], more].concat();
        typed.into_iter().map(String::from).collect()
    };
    let kinds: [&[&str]; 5] = [
        &["--target", "y", "--missing", "drop", "--exclude", "grade"],
        &["--target", "grade", "--missing", "drop", "--exclude", "y", "--l2", "0.001"],
        &["--target", "y", "--missing", "drop", "--exclude", "grade", "--l1", "0.01"],
        &[
            "--target",
            "y",
            "--missing",
            "drop",
            "--exclude",
            "grade",
            "--covariance",
            "hc1",
            "--class-weight",
            "balanced",
        ],
        &["--target", "y", "--missing", "drop", "--exclude", "grade", "--weight-kind", "sampling", "--bound", "a<=1.5"],
    ];
    let (_head, address) = scheduler(&["--port", "0"]);
    let _executors = [executor(&address, "500MB"), executor(&address, "500MB")];
    let engine = format!("df://{address}");
    for kind in kinds {
        let (here, there) = (joined(kind), joined(&[kind, &["--engine", &engine, "--partitions", "3"]].concat()));
        let words = |typed: &[String]| answered(train(&typed.iter().map(String::as_str).collect::<Vec<_>>(), &model));
        let (here, there) = (words(&here), words(&there));
        let numbers = |told: &serde_json::Value| -> Vec<[f64; 2]> {
            let terms = told["coefficients"].as_array().unwrap().iter();
            // Under a penalty there are no standard errors.
            let number = |term: &serde_json::Value, key: &str| term[key].as_f64();
            terms.map(|term| [number(term, "estimate").unwrap(), number(term, "std_error").unwrap_or(1.0)]).collect()
        };
        assert_agree(&numbers(&there), &numbers(&here));
        assert_eq!(there["n_rows"], here["n_rows"]);
    }
}

#[test]
fn what_cannot_be_is_said_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (rows(dir.path()), dir.path().join("model.json"));
    // Nobody listens there, and nobody will.
    let words = complaint(train(&of(&data, &["--engine", "df://127.0.0.1:1", "--patience", "1"]), &model));
    assert!(words.contains("\"kind\": \"engine\"") && words.contains("df://127.0.0.1:1"), "{words}");
    let words = complaint(train(&of(&data, &["--sql", "select * from t"]), &model));
    assert!(words.contains("each table has a name"), "{words}");
    assert!(!model.exists());
    let open = binary().args(["scheduler", "--bind", "0.0.0.0", "--port", "0"]).output().unwrap();
    let words = String::from_utf8_lossy(&open.stderr).into_owned();
    assert!(!open.status.success() && words.contains("--insecure-bind"), "{words}");
}
