//! Verdicts against golden ones, against exact enumeration, and under changes that must not matter.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dataset::{Dataset, Feature};
use crate::random::numpy::RandomState;
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

const MANY: usize = 20_000;

/// Normal columns (n each), and a number in (0, 1) per row.
fn normal(n: usize, p: usize, seed: u32) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut random = RandomState::new(seed);
    let columns = (0..p).map(|_| (0..n).map(|_| random.standard_normal()).collect()).collect();
    (columns, (0..n).map(|_| random.random_sample()).collect())
}

/// Classes that the columns explain in part.
fn overlapping(columns: &[Vec<f64>], u: &[f64]) -> Vec<f64> {
    let logit =
        |i: usize| columns.iter().enumerate().map(|(j, x)| x[i] * if j % 2 == 0 { 0.7 } else { -0.4 }).sum::<f64>();
    (0..u.len()).map(|i| f64::from(u[i] < 1.0 / (1.0 + f64::exp(-1.0 - logit(i))))).collect()
}

/// Classes on the two sides of a hyperplane.
fn sides(columns: &[Vec<f64>]) -> Vec<f64> {
    let side = |i: usize| 0.3 + columns.iter().enumerate().map(|(j, x)| x[i] * (j as f64 - 3.3)).sum::<f64>();
    (0..columns[0].len()).map(|i| f64::from(side(i) > 0.0)).collect()
}

fn numbers(columns: Vec<Vec<f64>>) -> Vec<Feature> {
    columns.into_iter().map(Feature::Number).collect()
}

#[test]
fn many_rows_overlap() {
    let (columns, u) = normal(MANY, 10, 1);
    let y = overlapping(&columns, &u);
    assert_eq!(decide_classes(numbers(columns), y, 2, true), Verdict::Overlap);
}

#[test]
fn many_rows_apart_but_for_one() {
    let (columns, _) = normal(MANY, 10, 2);
    let mut y = sides(&columns);
    let found = separation(decide_classes(numbers(columns.clone()), y.clone(), 2, true));
    assert!(found.complete && found.separated.iter().all(|&s| s));
    assert_eq!(found.infinite, (0..11).collect::<Vec<_>>());
    // The farthest row of one class changes sides.
    let far = (0..MANY).max_by(|&a, &b| columns[9][a].total_cmp(&columns[9][b])).unwrap();
    y[far] = 1.0 - y[far];
    assert_eq!(decide_classes(numbers(columns), y, 2, true), Verdict::Overlap);
}

/// Overlapping numbers, and a level of five rows all of which are of class 1.
fn a_level_of_one_class(scale: f64, from: usize) -> (Vec<Feature>, Vec<f64>) {
    let (mut columns, u) = normal(MANY, 6, 3);
    let mut y = overlapping(&columns, &u);
    let mut codes: Vec<u32> = (0..MANY as u32).map(|i| if i % 4001 == 17 { 2 } else { i % 2 }).collect();
    y.iter_mut().zip(&codes).filter(|(_, code)| **code == 2).for_each(|(y, _)| *y = 1.0);
    columns.iter_mut().enumerate().for_each(|(j, column)| {
        column.iter_mut().for_each(|x| *x *= if j % 2 == 0 { scale } else { 1.0 / scale });
        column.rotate_left(from);
    });
    codes.rotate_left(from);
    y.rotate_left(from);
    let mut features = numbers(columns);
    features.push(Feature::Codes { codes, levels: 3 });
    (features, y)
}

#[test]
fn units_and_order_do_not_matter() {
    for (scale, from) in [(1.0, 0), (1e9, 0), (1e-9, 0), (1.0, 7001)] {
        let (features, y) = a_level_of_one_class(scale, from);
        let found = separation(decide_classes(features.clone(), y, 2, true));
        assert!(!found.complete);
        assert_eq!(found.infinite, [7]);
        assert_eq!(found.signs, [Sign::Plus]);
        let Feature::Codes { codes, .. } = &features[6] else { panic!() };
        assert_eq!(found.separated, codes.iter().map(|&code| code == 2).collect::<Vec<_>>());
    }
}

#[test]
fn threads_and_hints_do_not_change_a_verdict() {
    let (features, y) = a_level_of_one_class(1.0, 0);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let decide_with = |threads| pool(threads).install(|| decide_classes(features.clone(), y.clone(), 2, true));
    let one = decide_with(1);
    assert_eq!(one, decide_with(3));
    let data = Dataset::new(features.clone(), y.clone(), None).unwrap();
    let (rows, standard) = (data.rows(), Standardisation::of(&data.rows(), true));
    let hint: Vec<f64> = (0..9).map(|j| f64::from(j == 7)).collect();
    let hints: [&[f64]; 3] = [&hint, &[0.0; 9], &[f64::NAN; 9]];
    let hinted = separation(decide(&rows, &standard, true, 2, &hints).unwrap());
    let one = separation(one);
    assert_eq!((hinted.infinite, hinted.signs, hinted.separated), (one.infinite, one.signs, one.separated));
}

#[test]
fn a_separating_hint_is_enough() {
    let (columns, _) = normal(MANY, 3, 4);
    let y: Vec<f64> = columns[0].iter().map(|&x| f64::from(x > 0.2)).collect();
    let data = Dataset::new(numbers(columns), y, None).unwrap();
    let standard = Standardisation::of(&data.rows(), true);
    let (centre, scale) = (standard.centre[0], standard.scale[0]);
    let hint = [scale, 0.0, 0.0, centre - 0.2];
    let found = separation(decide(&data.rows(), &standard, true, 2, &[&hint]).unwrap());
    assert!(found.complete && found.separated.iter().all(|&s| s));
    assert_eq!(found.infinite, [0, 1, 2, 3]);
    assert_eq!(found.signs[0], Sign::Plus);
    assert_eq!(found.signs[1..3], [Sign::Undetermined; 2]);
}

#[test]
fn rows_of_no_weight_do_not_count() {
    let x = vec![Feature::Number(vec![1.0, 2.0, 3.0, 4.0, 0.0])];
    let y = vec![0.0, 0.0, 1.0, 1.0, 1.0];
    let whole = Dataset::new(x.clone(), y.clone(), None).unwrap();
    assert_eq!(decide_data(&whole, true), Verdict::Overlap);
    let without = Dataset::new(x, y, Some(vec![1.0, 1.0, 1.0, 1.0, 0.0])).unwrap();
    let found = separation(decide_data(&without, true));
    assert!(found.complete);
    assert_eq!(found.separated, [true, true, true, true, false]);
    assert_eq!(found.signs, [Sign::Plus, Sign::Minus]);
}

#[test]
fn a_share_counts_as_both_classes() {
    // The first column is tied down by the shares; the second separates the rest.
    let x = vec![Feature::Number(vec![0.0, 1.0, 0.0, 1.0]), Feature::Number(vec![0.0, 0.0, 1.0, -1.0])];
    let data = Dataset::new(x.clone(), vec![0.25, 0.5, 1.0, 0.0], None).unwrap();
    let found = separation(decide_data(&data, true));
    assert!(!found.complete);
    assert_eq!((found.infinite, found.signs), (vec![1], vec![Sign::Plus]));
    assert_eq!(found.separated, [false, false, true, true]);
    let shares = Dataset::new(x, vec![0.25, 0.5, 0.75, 0.5], None).unwrap();
    assert_eq!(decide_data(&shares, true), Verdict::Overlap);
}

#[test]
fn touching_is_not_separated() {
    // 0.1 + 0.2 is not 0.3 in f64; classes that differ by so little are taken to touch.
    let touching = |gap: f64| {
        let x = vec![Feature::Number(vec![0.0, 0.3, 0.3 + gap, 1.0])];
        name(&decide_classes(x, vec![0.0, 0.0, 1.0, 1.0], 2, true))
    };
    assert_eq!(touching(0.0), "quasi-complete");
    assert_eq!(touching(5.6e-17), "quasi-complete");
    assert_eq!(touching(1e-9), "complete");
    assert_eq!(touching(-1e-9), "none");
    assert!(["quasi-complete", "undecided"].contains(&touching(1e-12)));
}

#[test]
fn an_outcome_that_is_no_class_is_refused() {
    let data = Dataset::from_rows(&[0.0, 1.0], 1, vec![0.5, 1.0]).unwrap();
    let standard = Standardisation::of(&data.rows(), true);
    assert!(decide(&data.rows(), &standard, true, 3, &[]).is_err());
    assert!(decide(&data.rows(), &standard, true, 2, &[]).is_ok());
    assert!(decide(&data.rows(), &standard, true, 1, &[]).is_err());
}

#[test]
#[ignore]
#[allow(clippy::print_stdout)]
fn time_it() {
    let (n, p) = (1_000_000, 50);
    let (columns, u) = normal(n, p, 5);
    let mut codes = vec![0_u32; n];
    (0..n).for_each(|i| codes[i] = (i % 3) as u32);
    let t = std::time::Instant::now();
    for kind in ["overlap", "complete", "quasi", "margin"] {
        let mut y = if kind == "complete" || kind == "margin" { sides(&columns) } else { overlapping(&columns, &u) };
        let mut features = numbers(columns.clone());
        if kind == "quasi" {
            features.pop();
            let x: Vec<f64> = (0..n).map(|i| f64::from(i % 50_000 == 7)).collect();
            y.iter_mut().zip(&x).for_each(|(y, x)| {
                if *x > 0.0 {
                    *y = 1.0
                }
            });
            features.push(Feature::Number(x));
        }
        if kind == "margin" {
            let Feature::Number(last) = &mut features[49] else { panic!() };
            last.iter_mut().zip(&y).for_each(|(x, y)| *x += (2.0 * y - 1.0) * 0.5);
        }
        let data = Dataset::new(features, y, None).unwrap();
        let standard = Standardisation::of(&data.rows(), true);
        println!("{kind} ready {:?}", t.elapsed());
        let start = std::time::Instant::now();
        let verdict = decide(&data.rows(), &standard, true, 2, &[]).unwrap();
        println!("{kind} {} {:?}", name(&verdict), start.elapsed());
        if let Verdict::Separated(s) = &verdict {
            println!("  infinite {} signs {:?}", s.infinite.len(), &s.signs[..s.signs.len().min(60)]);
        }
        use crate::loss::BceWithLogits;
        use crate::objective::{EmpiricalRisk, Objective, Order};
        let risk = EmpiricalRisk::new(data.rows(), BceWithLogits::default()).standardised(standard.clone());
        let start = std::time::Instant::now();
        let sums = risk.sums(&vec![0.0; 51], Order::Hessian);
        println!("one Hessian pass {:?} {}", start.elapsed(), sums.value);
    }
}
