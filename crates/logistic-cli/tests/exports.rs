//! `logistic export`: what is written, and what is refused.

use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

fn logistic(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(cargo_bin!("logistic")).args(args).current_dir(folder.path()).output().unwrap()
}

/// A folder with the model of a table, by the file's name `model.json`.
fn fitted(table: &str, options: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(table);
    let words = [&["train", data.to_str().unwrap(), "-o", "model.json"], options].concat();
    let output = logistic(&folder, &words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

const FORMATS: [&[&str]; 12] = [
    &["onnx"],
    &["safetensors"],
    &["sql", "--dialect", "duckdb"],
    &["sql", "--dialect", "sqlite"],
    &["sql", "--dialect", "postgres"],
    &["c"],
    &["javascript"],
    &["pmml"],
    &["scorecard"],
    &["csv"],
    &["latex"],
    &["markdown"],
];

#[test]
fn a_file_holds_what_standard_output_gets_and_the_same_twice() {
    let folder = fitted("saheart.csv", &["--target", "chd"]);
    for format in FORMATS {
        let words = [&["export", "model.json", "--to"], format].concat();
        let printed = logistic(&folder, &words);
        assert!(printed.status.success() && printed.stderr.is_empty(), "{format:?}");
        assert!(printed.stdout.len() > 100, "{format:?}");
        let to_file = logistic(&folder, &[&words[..], &["-o", "out"]].concat());
        assert!(to_file.status.success() && to_file.stdout.is_empty(), "{format:?}");
        assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), printed.stdout, "{format:?}");
    }
}

#[test]
fn misuse_is_told_before_anything_is_written() {
    let folder = fitted("saheart.csv", &["--target", "chd"]);
    let before = std::fs::read(folder.path().join("model.json")).unwrap();
    for (words, code) in [
        (&["--to", "excel"][..], 2),
        (&["--to", "sql"], 2),
        (&["--to", "sql", "--dialect", "oracle"], 2),
        (&["--to", "csv", "--dialect", "sqlite"], 1),
        (&["--to", "onnx", "-o", "model.json"], 1),
        (&["--to", "onnx", "-o", "no folder/model.onnx"], 1),
    ] {
        let output = logistic(&folder, &[&["export", "model.json"], words].concat());
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("model.json")).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_format_that_cannot_say_it_names_the_column_and_the_way_out() {
    let folder = fitted("saheart.csv", &["--target", "chd", "--spline", "age:4"]);
    let output = logistic(&folder, &["export", "model.json", "--to", "scorecard"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("column `age`") && words.contains("train without `--spline`"), "{words}");
}
