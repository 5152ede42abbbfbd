//! Verdicts against golden ones, against exact enumeration, and under changes that must not matter.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dataset::{Dataset, Feature};
use crate::random::torch::Generator;
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

/// The determinant of a square matrix of whole numbers, by its first row.
fn determinant(matrix: &[Vec<i64>]) -> i64 {
    let Some((first, rest)) = matrix.split_first() else { return 1 };
    let minor = |j: usize| {
        let without = |row: &Vec<i64>| row.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, v)| *v).collect();
        rest.iter().map(without).collect::<Vec<Vec<i64>>>()
    };
    let term = |(j, entry): (usize, &i64)| if j % 2 == 0 { 1 } else { -1 } * entry * determinant(&minor(j));
    first.iter().enumerate().map(term).sum()
}

/// All choices of `size` of the numbers below `n`.
fn choices(n: usize, size: usize) -> Vec<Vec<usize>> {
    let Some(less) = size.checked_sub(1) else { return vec![Vec::new()] };
    let after = |head: Vec<usize>| {
        let start = head.last().map_or(0, |last| last + 1);
        (start..n).map(move |next| head.iter().copied().chain([next]).collect())
    };
    choices(n, less).into_iter().flat_map(after).collect()
}

/// The extreme rays of {δ : constraint·δ ≥ 0 for all}, exactly, by trying every vector that is orthogonal to as many
/// constraints as leave one dimension. They generate the cone if the constraints span the space; otherwise `None`.
fn extreme_rays(constraints: &[Vec<i64>]) -> Option<Vec<Vec<i64>>> {
    let d = constraints[0].len();
    let product = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>();
    let (mut rays, mut spans) = (Vec::new(), false);
    for choice in choices(constraints.len(), d - 1) {
        let axis = |j: usize| {
            let unit: Vec<i64> = (0..d).map(|k| i64::from(k == j)).collect();
            determinant(&[unit].into_iter().chain(choice.iter().map(|&i| constraints[i].clone())).collect::<Vec<_>>())
        };
        let ray: Vec<i64> = (0..d).map(axis).collect();
        spans |= constraints.iter().any(|row| product(row, &ray) != 0);
        for sign in [1, -1] {
            let ray: Vec<i64> = ray.iter().map(|v| sign * v).collect();
            if ray.iter().any(|&v| v != 0) && constraints.iter().all(|row| product(row, &ray) >= 0) {
                rays.push(ray);
            }
        }
    }
    spans.then_some(rays)
}

/// Holds the verdict on whole numbers `x` (rows) of classes `y` against the extreme rays.
fn check_exactly(x: &[Vec<i64>], y: &[usize], n_classes: usize) -> std::result::Result<(), TestCaseError> {
    let (p, outputs) = (x[0].len(), n_classes - 1);
    let vector = |i: usize, against: usize| {
        let mut vector = vec![0; outputs * (p + 1)];
        for (class, sign) in [(y[i], 1), (against, -1)] {
            if let Some(output) = class.checked_sub(1) {
                (0..p).for_each(|j| vector[output * p + j] = sign * x[i][j]);
                vector[outputs * p + output] = sign;
            }
        }
        vector
    };
    let of_row = |i: usize| (0..n_classes).filter(move |&k| k != y[i]).map(move |k| vector(i, k));
    let all: Vec<Vec<i64>> = (0..x.len()).flat_map(of_row).collect();
    let Some(rays) = extreme_rays(&all) else { return Ok(()) };
    let features = (0..p).map(|j| Feature::Number(x.iter().map(|row| row[j] as f64).collect())).collect();
    let verdict = decide_classes(features, y.iter().map(|&y| y as f64).collect(), n_classes, true);
    if rays.is_empty() {
        prop_assert_eq!(verdict, Verdict::Overlap);
        return Ok(());
    }
    let Verdict::Separated(found) = verdict else { return Err(TestCaseError::fail(format!("{verdict:?}"))) };
    let strict = |row: &Vec<i64>| rays.iter().any(|ray| row.iter().zip(ray).map(|(a, b)| a * b).sum::<i64>() > 0);
    let separated: Vec<bool> = (0..x.len()).map(|i| of_row(i).all(|row| strict(&row))).collect();
    prop_assert_eq!(found.complete, separated.iter().all(|&s| s));
    prop_assert_eq!(&found.separated, &separated);
    let infinite: Vec<usize> = (0..outputs * (p + 1)).filter(|&j| rays.iter().any(|ray| ray[j] != 0)).collect();
    prop_assert_eq!(&found.infinite, &infinite);
    for (&j, &sign) in infinite.iter().zip(&found.signs) {
        let (up, down) = (rays.iter().any(|ray| ray[j] > 0), rays.iter().any(|ray| ray[j] < 0));
        let expected = match (up, down) {
            (true, false) => Sign::Plus,
            (false, true) => Sign::Minus,
            _ => Sign::Undetermined,
        };
        prop_assert_eq!(sign, expected, "parameter {} of {:?}", j, &rays);
    }
    Ok(())
}

fn small(columns: usize, classes: usize, most: usize) -> impl Strategy<Value = (Vec<Vec<i64>>, Vec<usize>)> {
    (2..=most).prop_flat_map(move |n| {
        let row = prop::collection::vec(-3_i64..=3, columns);
        (prop::collection::vec(row, n), prop::collection::vec(0..classes, n))
    })
}

/// Whether every column varies: the others are left out before separation is asked for.
fn all_vary(x: &[Vec<i64>]) -> bool {
    (0..x[0].len()).all(|j| x.iter().any(|row| row[j] != x[0][j]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_designs_of_two_classes((x, y) in small(2, 2, 12)) {
        prop_assume!(all_vary(&x));
        check_exactly(&x, &y, 2)?;
    }

    #[test]
    fn small_designs_of_three_columns((x, y) in small(3, 2, 14)) {
        prop_assume!(all_vary(&x));
        check_exactly(&x, &y, 2)?;
    }

    #[test]
    fn small_designs_of_three_classes((x, y) in small(1, 3, 9)) {
        prop_assume!(all_vary(&x));
        check_exactly(&x, &y, 3)?;
    }
}
