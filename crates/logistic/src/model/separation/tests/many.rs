//! Many rows, and changes that must not matter.

use super::*;
use crate::random::numpy::RandomState;

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
    columns.into_iter().map(Feature::number).collect()
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
    features.push(Feature::Codes { codes: codes.into(), levels: 3 });
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
    let x = vec![Feature::number(vec![1.0, 2.0, 3.0, 4.0, 0.0])];
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
    let x = vec![Feature::number(vec![0.0, 1.0, 0.0, 1.0]), Feature::number(vec![0.0, 0.0, 1.0, -1.0])];
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
        let x = vec![Feature::number(vec![0.0, 0.3, 0.3 + gap, 1.0])];
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
