//! Small designs of whole numbers, against exact enumeration.

use proptest::prelude::*;

use super::*;

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
