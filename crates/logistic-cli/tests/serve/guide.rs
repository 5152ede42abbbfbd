//! The server answers what its guide says.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use crate::server::{Folder, Server, testdata};

/// Numbers may differ in their last digits between machines; all else may not.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let [a, b] = [a, b].map(|number| number.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * b.abs()
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

#[test]
fn the_guide_does_not_lie() {
    let folder = Folder::new();
    let guide = format!("{}/../../docs/serving.md", env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(guide).unwrap();
    let (mut server, mut asked) = (None, 0);
    for block in guide.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for command in block.split("$ ").skip(1) {
            let (typed, printed) = command.split_once('\n').unwrap();
            if let Some(words) = typed.strip_prefix("logistic train testdata/saheart.csv ") {
                let words: Vec<&str> = words.split(' ').filter(|word| !["-o", "model.json"].contains(word)).collect();
                let data = testdata("saheart.csv");
                folder.train("model.json", &[&[data.as_str()], &words[..]].concat());
            } else if typed == "logistic serve model.json" {
                let started = Server::start(&folder.path("model.json"), &[]);
                let port = started.address.rsplit(':').next().unwrap();
                assert_eq!(printed.trim(), "listening on http://127.0.0.1:8080");
                assert_eq!(started.address, format!("127.0.0.1:{port}"));
                server = Some(started);
            } else {
                let parts: Vec<&str> = typed.split('\'').collect();
                let ["curl -s localhost:8080/predict -H ", header, " -d ", body, ""] = parts[..] else {
                    panic!("{typed}");
                };
                let found = server.as_ref().unwrap().ask("POST", "/predict", &[header], body).json();
                let mut expected: Value = serde_json::from_str(printed).unwrap();
                // The version is that of every byte of the file, and so of every digit.
                if expected["model"].is_string() {
                    expected["model"] = found["model"].clone();
                }
                assert!(same(&found, &expected), "{found:#}\n{expected:#}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 2);
    let default = Command::new(cargo_bin!("logistic")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(default.stdout).unwrap();
    for default in ["8MB", "10000", "500]", "30]", "127.0.0.1", "8080"] {
        assert!(help.contains(default), "{help}");
    }
}
