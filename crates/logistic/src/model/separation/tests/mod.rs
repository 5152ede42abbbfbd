//! Verdicts against golden ones.

mod exact;
mod many;

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::dataset::{Dataset, Feature};
use crate::table::{Cells, ReadOptions, Table, read};

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(testdata().join(path)).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |all| all.iter().map(|s| s.as_str().unwrap().to_string()).collect())
}

/// The name of a verdict in the golden files.
fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Overlap => "none",
        Verdict::Separated(Separation { complete: true, .. }) => "complete",
        Verdict::Separated(_) => "quasi-complete",
        Verdict::Undecided => "undecided",
    }
}

fn separation(verdict: Verdict) -> Separation {
    match verdict {
        Verdict::Separated(separation) => separation,
        other => panic!("{other:?}"),
    }
}

/// Decides for classes `y`, which a dataset of two classes could not hold, without hints.
fn decide_classes(x: Vec<Feature>, y: Vec<f64>, n_classes: usize, intercept: bool) -> Verdict {
    let data = Dataset::new(x, vec![0.0; y.len()], None).unwrap();
    let rows = data.rows();
    let standard = Standardisation::of(&rows, intercept);
    settle(&Constraints::new(&rows, &standard, intercept, n_classes, y), &[])
}

fn decide_data(data: &Dataset, intercept: bool) -> Verdict {
    let rows = data.rows();
    decide(&rows, &Standardisation::of(&rows, intercept), intercept, 2, &[]).unwrap()
}

/// Columns of `table`: numbers as they are, categories as dummies against their first label; of the rows without a
/// missing cell, with the labels of `target`.
fn design(table: &Table, spec: &Value) -> (Vec<Feature>, Vec<String>) {
    let (numeric, categorical) = (strings(&spec["numeric"]), strings(&spec["categorical"]));
    let target = spec["target"].as_str().unwrap().to_string();
    let cell = |name: &String, row: usize| table.column(name).unwrap().text(row).filter(|text| text != "NA");
    let used: Vec<&String> = numeric.iter().chain(&categorical).chain([&target]).collect();
    let complete = |&row: &usize| used.iter().all(|name| cell(name, row).is_some());
    let rows: Vec<usize> = (0..table.n_rows()).filter(complete).collect();
    let texts = |name: &String| rows.iter().map(|&row| cell(name, row).unwrap()).collect::<Vec<_>>();
    let mut features: Vec<Feature> = Vec::new();
    for name in &numeric {
        let Cells::Number(values) = &table.column(name).unwrap().cells else { panic!("{name}") };
        let values: Vec<f64> = values.iter().collect();
        features.push(Feature::Number(rows.iter().map(|&row| values[row]).collect()));
    }
    for name in &categorical {
        let texts = texts(name);
        let levels = sorted(&texts);
        let codes = texts.iter().map(|text| levels.binary_search(text).unwrap() as u32).collect();
        features.push(Feature::Codes { codes, levels: levels.len() });
    }
    (features, texts(&target))
}

fn sorted(texts: &[String]) -> Vec<String> {
    let mut levels = texts.to_vec();
    levels.sort();
    levels.dedup();
    levels
}

#[test]
fn golden_tables() {
    let mut seen = 0;
    for case in ["anes96", "breast_cancer", "german_credit", "iris", "penguins", "sex2", "sonar", "spector", "wine"] {
        for fit in json(&format!("golden/fits/{case}.json"))["fits"].as_array().unwrap() {
            let kind = fit["kind"].as_str().unwrap();
            if kind != "separation" && kind != "mseparation" {
                continue;
            }
            let spec = &fit["spec"];
            let path = testdata().join(format!("{case}.csv")).to_str().unwrap().to_string();
            let options = ReadOptions { text: strings(&spec["categorical"]), ..ReadOptions::default() };
            let table = read(&[path], &options, &|_| ()).unwrap();
            let (features, labels) = design(&table, spec);
            let classes = sorted(&labels);
            let (n_classes, y) = match spec["positive"].as_str() {
                Some(positive) => (2, labels.iter().map(|label| f64::from(label == positive)).collect()),
                None => (classes.len(), labels.iter().map(|l| classes.binary_search(l).unwrap() as f64).collect()),
            };
            assert_eq!(labels.len() as u64, fit["n"].as_u64().unwrap(), "{case}");
            let verdict = decide_classes(features, y, n_classes, true);
            assert_eq!(name(&verdict), fit["separation"].as_str().unwrap(), "{} {kind}", fit["id"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 11);
}

#[test]
fn golden_rational_verdicts() {
    for case in json("golden/separations.json").as_array().unwrap() {
        let id = &case["id"];
        let intercept = case["intercept"] == Value::Bool(true);
        let aliased = strings(&case["aliased"]);
        let y: Vec<f64> = case["y"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
        let x: Vec<Vec<f64>> = serde_json::from_value(case["x"].clone()).unwrap();
        let kept: Vec<usize> = (0..x[0].len()).filter(|j| !aliased.contains(&format!("x{}", j + 1))).collect();
        let features = kept.iter().map(|&j| Feature::Number(x.iter().map(|row| row[j]).collect())).collect();
        let verdict = decide_classes(features, y, 2, intercept);
        assert_eq!(name(&verdict), case["verdict"].as_str().unwrap(), "{id}");
        if let Verdict::Separated(found) = verdict {
            let name = |&k: &usize| kept.get(k).map_or("(Intercept)".to_string(), |j| format!("x{}", j + 1));
            let mut infinite: Vec<String> = found.infinite.iter().map(name).collect();
            infinite.sort();
            assert_eq!(infinite, strings(&case["infinite"]), "{id}");
            let rows: Vec<u64> = (0..x.len() as u64).filter(|&i| found.separated[i as usize]).collect();
            assert_eq!(rows, serde_json::from_value::<Vec<u64>>(case["separated_rows"].clone()).unwrap(), "{id}");
        }
    }
}
