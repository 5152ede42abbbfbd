//! The golden problems as datasets.
#![allow(dead_code)] // Each test file uses a part of it.

use std::path::PathBuf;

use logistic::dataset::{Dataset, Feature};
use logistic::model::{LogisticRegression, Penalty};
use logistic::table::{Cells, Column, ReadOptions, Table, read};
use serde_json::Value;

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// Every golden fit of a kind, with the name of its table.
pub(crate) fn fits(kind: &str) -> Vec<(String, Value)> {
    let mut fits = Vec::new();
    for entry in std::fs::read_dir(testdata().join("golden/fits")).unwrap() {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        let case = all["case"].as_str().unwrap();
        let wanted = all["fits"].as_array().unwrap().iter().filter(|fit| fit["kind"] == kind);
        fits.extend(wanted.map(|fit| (case.to_string(), fit.clone())));
    }
    fits
}

pub(crate) fn names(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |names| names.iter().map(|n| n.as_str().unwrap().to_string()).collect())
}

/// What golden numbers are of: columns by name, and labels.
pub(crate) struct Design {
    pub(crate) columns: Vec<(String, Vec<f64>)>,
    pub(crate) labels: Vec<String>,
}

pub(crate) fn design(case: &str, spec: &Value) -> Design {
    let (numeric, categorical) = (names(&spec["numeric"]), names(&spec["categorical"]));
    let target = spec["target"].as_str().unwrap().to_string();
    let path = testdata().join(format!("{case}.csv")).to_str().unwrap().to_string();
    let text = categorical.iter().chain([&target]).cloned().collect();
    let table = read(&[path], &ReadOptions { text, ..ReadOptions::default() }, &|_| ()).unwrap();
    let used: Vec<&Column> =
        numeric.iter().chain(&categorical).chain([&target]).map(|name| table.column(name).unwrap()).collect();
    let missing: Vec<usize> = used.iter().flat_map(|column| column.missing_rows()).collect();
    let rows: Vec<usize> = (0..table.n_rows()).filter(|row| !missing.contains(row)).collect();
    let mut columns: Vec<(String, Vec<f64>)> =
        numeric.iter().map(|name| (name.clone(), numbers(&table, name, &rows))).collect();
    for name in &categorical {
        let cells = texts(&table, name, &rows);
        let mut levels = cells.clone();
        levels.sort_unstable();
        levels.dedup();
        let skipped = usize::from(spec["coding"] == "treatment");
        for level in levels.iter().skip(skipped) {
            let values = cells.iter().map(|cell| f64::from(cell == level)).collect();
            columns.push((format!("{name}[{level}]"), values));
        }
    }
    Design { columns, labels: texts(&table, &target, &rows) }
}

fn numbers(table: &Table, name: &str, rows: &[usize]) -> Vec<f64> {
    let Cells::Number(values) = &table.column(name).unwrap().cells else { panic!("{name}") };
    let all: Vec<f64> = values.iter().collect();
    rows.iter().map(|&row| all[row]).collect()
}

fn texts(table: &Table, name: &str, rows: &[usize]) -> Vec<String> {
    let column = table.column(name).unwrap();
    rows.iter().map(|&row| column.text(row).unwrap()).collect()
}

/// Mean and standard deviation, with divisor n.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// The cases of a group of `inference.json`.
pub(crate) fn inference(group: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(testdata().join("golden/inference.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|case| case["group"] == group).collect()
}

/// The numbers of a list.
pub(crate) fn floats(value: &Value) -> Vec<f64> {
    value.as_array().map_or(Vec::new(), |all| all.iter().map(|v| v.as_f64().unwrap()).collect())
}

/// A case of two classes of `inference.json`, with its penalty.
pub(crate) struct Problem {
    pub(crate) columns: Vec<String>,
    pub(crate) data: Dataset,
    pub(crate) settings: LogisticRegression,
}

impl Problem {
    pub(crate) fn new(golden: &Value) -> Self {
        let spec = &golden["spec"];
        let design = design(golden["case"].as_str().unwrap(), spec);
        let feature = |(_, values): &(String, Vec<f64>)| {
            let (mean, sd) = moments(values);
            let scaled = || values.iter().map(|v| (v - mean) / sd).collect();
            Feature::number(if spec["scale"] == "zscore" { scaled() } else { values.clone() })
        };
        let positive = spec["positive"].as_str().unwrap();
        let y: Vec<f64> = design.labels.iter().map(|label| f64::from(label == positive)).collect();
        let n = y.len();
        let weight = match spec["weight_formula"].as_str() {
            None => None,
            Some("0.5 + (i mod 4)*0.75") => Some((0..n).map(|i| 0.5 + (i % 4) as f64 * 0.75).collect()),
            Some(other) => panic!("{other}"),
        };
        let data = Dataset::new(design.columns.iter().map(feature).collect(), y, weight).unwrap();
        let asked = &golden["penalty"];
        let limit = |side: &str, none: f64| {
            let limits = asked[side].as_array().cloned().unwrap_or_default();
            limits.iter().map(|v| v.as_f64().unwrap_or(none)).collect::<Vec<f64>>()
        };
        let bounds = limit("lower", f64::NEG_INFINITY).into_iter().zip(limit("upper", f64::INFINITY)).collect();
        let settings = LogisticRegression {
            penalty: Penalty {
                l1: asked["l1"].as_f64().unwrap_or(0.0),
                l2: asked["l2"].as_f64().unwrap_or(0.0),
                factors: floats(&asked["penalty_factor"]),
                standardised: asked["standardize"] == Value::Bool(true),
            },
            bounds,
            ..LogisticRegression::default()
        };
        Problem { columns: design.columns.into_iter().map(|(name, _)| name).collect(), data, settings }
    }
}
