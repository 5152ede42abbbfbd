//! Every way to the optimum gives the same fit, on features of every kind, and no number of threads changes a bit of it.

use logistic::dataset::{Dataset, Feature};
use logistic::model::{Fit, LogisticRegression, Method, Penalty};
use logistic::solver::{Go, Termination};

/// Of the largest coefficient: what a gap of 1e-14 over all rows leaves, under the weakest penalty here.
const AGREEMENT: f64 = 1e-6;

/// SplitMix64's mixer (Steele, Lea & Flood, OOPSLA 2014, figure 2), in [−1, 1).
fn value(i: usize, j: usize) -> f64 {
    let z = (i as u64 * 10_007 + j as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// Outcomes that depend a little on the rows.
fn outcomes(n: usize, n_classes: usize) -> Vec<f64> {
    (0..n).map(|i| ((value(i, 0) + 2.0 * value(i, 999) + 3.0) / 6.0 * n_classes as f64).floor()).collect()
}

/// Nine numbers as rows of 32 bits, and a category of 40 levels.
fn categories(n: usize) -> Dataset {
    let numbers = (0..n * 9).map(|at| (value(at / 9, at % 9) * 10f64.powi((at % 9) as i32 - 4)) as f32).collect();
    let codes = (0..n).map(|i| ((value(i, 20) + 1.0) * 19.9) as u32).collect();
    let features = vec![Feature::Matrix { values: numbers, n_columns: 9 }, Feature::Codes { codes, levels: 40 }];
    Dataset::new(features, outcomes(n, 2), None).unwrap()
}

/// Compressed rows of 300 columns.
fn words(n: usize) -> Dataset {
    let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..n {
        let mut own: Vec<u32> = (0..12).map(|k| (value(i, k).abs() * value(i, k + 50).abs() * 300.0) as u32).collect();
        own.sort_unstable();
        own.dedup();
        values.extend(own.iter().map(|&j| 1.0 + value(i, j as usize + 100).abs()));
        columns.extend(own);
        starts.push(columns.len());
    }
    let words = Feature::Csr { starts: starts.into(), columns: columns.into(), values: values.into(), n_columns: 300 };
    Dataset::new(vec![words], outcomes(n, 2), None).unwrap()
}

/// Columns one by one, more of them than a chunk of rows has a Hessian for.
fn wide(n: usize) -> Dataset {
    let column = |j: usize| Feature::Number((0..n).map(|i| value(i, j) + 0.5 * value(i, 7000)).collect());
    Dataset::new((0..230).map(column).collect(), outcomes(n, 2), None).unwrap()
}

/// Four classes of rows of 20 numbers, some of which never change.
fn classes(n: usize) -> Dataset {
    let number = |at: usize| if at % 20 % 5 == 4 { 0.25 } else { value(at / 20, at % 20) };
    let numbers = Feature::Matrix { values: (0..n * 20).map(number).collect(), n_columns: 20 };
    let y = outcomes(n, 4);
    Dataset::new(vec![numbers], vec![0.0; n], None).unwrap().of_classes(y, 4).unwrap()
}

fn fit(data: &Dataset, l2: f64, method: Method) -> Fit {
    let settings = LogisticRegression { penalty: Penalty::ridge(l2), method, ..LogisticRegression::default() };
    settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
}

fn numbers(fit: &Fit) -> Vec<f64> {
    fit.weight.iter().map(|w| w.unwrap_or(0.0)).chain(fit.bias.iter().copied()).collect()
}

#[test]
fn every_way_gives_the_same_fit() {
    for (data, l2) in [(categories(3000), 1e-3), (words(3000), 1e-3), (wide(1500), 1e-3), (classes(2500), 1e-3)] {
        let reference = fit(&data, l2, Method::Newton);
        assert_eq!(reference.termination(), Termination::Converged);
        let expected = numbers(&reference);
        let size = expected.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
        for method in [Method::NewtonCg, Method::Auto, Method::Lbfgs] {
            let other = fit(&data, l2, method);
            assert_eq!(other.termination(), Termination::Converged, "{method:?}: {}", other.facts.gap);
            for (found, expected) in numbers(&other).iter().zip(&expected) {
                assert!((found - expected).abs() <= AGREEMENT * size, "{method:?}: {found} and {expected}");
            }
        }
    }
}

/// More columns than a Hessian is formed for, also where the last step finds nothing left to gain.
#[test]
fn more_columns_than_a_hessian_may_have() {
    let n = 600;
    let columns: Vec<u32> =
        (0..n * 8).map(|at| (at % 8 * 3000) as u32 + (value(at / 8, at % 8).abs() * 2999.0) as u32).collect();
    let starts = (0..=n).map(|i| i * 8).collect();
    let values = (0..columns.len()).map(|at| 1.0 + value(at, 40).abs()).collect();
    let words = Feature::Csr { starts, columns: columns.into(), values, n_columns: 24_000 };
    let data = Dataset::new(vec![words], outcomes(n, 2), None).unwrap();
    for l2 in [1e-1, 1e-3] {
        let fit = fit(&data, l2, Method::Auto);
        assert_eq!((fit.termination(), fit.facts.solver.as_str()), (Termination::Converged, "newton-cg"));
    }
}

/// Without a penalty products lead to maximum likelihood too, with its inference.
#[test]
fn products_lead_to_maximum_likelihood() {
    let data = categories(3000);
    let (reference, other) = (fit(&data, 0.0, Method::Newton), fit(&data, 0.0, Method::NewtonCg));
    assert_eq!(other.termination(), Termination::Converged);
    for (found, expected) in other.inference.iter().zip(&reference.inference) {
        let (found, expected) = (found.unwrap().std_error, expected.unwrap().std_error);
        assert!((found - expected).abs() <= AGREEMENT * expected);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = [categories(20_000), words(20_000), wide(9_000), classes(20_000)];
    let fits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let ways = [Method::Newton, Method::NewtonCg];
        let all = || data.iter().flat_map(|data| ways.map(|way| numbers(&fit(data, 1e-3, way)))).collect::<Vec<_>>();
        pool.install(all)
    };
    let one = fits(1);
    assert!(one == fits(2), "two threads");
    assert!(one == fits(3), "three threads");
}
