//! Fits from where another ended, repeated columns under a penalty, and scores of rows that were not fitted.

use logistic::Error;
use logistic::dataset::{Dataset, Feature, Values, linear_predictors};
use logistic::model::{LogisticRegression, Penalty};
use logistic::random::numpy::RandomState;
use logistic::solver::Go;

/// What rounding does to coefficients of about 1.
const ROUNDING: f64 = 1e-9;

fn columns(n: usize) -> [Vec<f64>; 3] {
    let mut rng = RandomState::new(4);
    [0, 1, 2].map(|_| (0..n).map(|_| rng.normal(0.0, 1.0)).collect())
}

fn outcomes(columns: &[Vec<f64>; 3], n_classes: usize) -> Vec<f64> {
    let mut rng = RandomState::new(5);
    let noisy = |i: usize| 2.0 * columns[0][i] - columns[1][i] + rng.normal(0.0, 2.0);
    (0..columns[0].len()).map(noisy).map(|z| (z + 1.5).clamp(0.0, n_classes as f64 - 1.0).round()).collect()
}

fn dataset(n_classes: usize) -> Dataset {
    let columns = columns(400);
    let y = outcomes(&columns, n_classes);
    let features = columns.map(Feature::number).to_vec();
    Dataset::new(features, vec![0.0; y.len()], None).unwrap().of_classes(y, n_classes).unwrap()
}

fn ridge(l2: f64) -> LogisticRegression {
    LogisticRegression { penalty: Penalty::ridge(l2), ..LogisticRegression::default() }
}

#[test]
fn a_fit_from_where_one_ended_ends_there_sooner() {
    for (n_classes, settings) in [(2, ridge(0.01)), (3, ridge(0.01)), (2, LogisticRegression::default())] {
        let data = dataset(n_classes);
        let cold = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        let weight: Vec<f64> = cold.weight.iter().map(|w| w.unwrap()).collect();
        let warm = settings.fit_near(&data.rows(), &weight, &cold.bias, &mut |_, _| Go::On).unwrap();
        assert!(warm.facts.iterations < cold.facts.iterations);
        for (a, b) in warm.weight.iter().zip(&weight) {
            assert!((a.unwrap() - b).abs() < ROUNDING);
        }
    }
}

#[test]
fn a_start_of_another_size_is_refused() {
    let data = dataset(2);
    let near = |weight: &[f64], bias: &[f64]| ridge(0.1).fit_near(&data.rows(), weight, bias, &mut |_, _| Go::On);
    assert!(matches!(near(&[0.0; 2], &[0.0]), Err(Error::Shape { expected: 3, found: 2, .. })));
    assert!(matches!(near(&[0.0; 3], &[]), Err(Error::Shape { expected: 1, found: 0, .. })));
    assert!(matches!(near(&[0.0, f64::NAN, 0.0], &[0.0]), Err(Error::Setting { .. })));
}

/// Of two equal columns each has half of w; together ½·l2·w²/2, as one column with half the penalty.
#[test]
fn repeated_columns_share_a_coefficient_under_ridge() {
    let [a, b, c] = columns(400);
    let y = outcomes(&[a.clone(), b.clone(), c], 2);
    let of = |features: Vec<Vec<f64>>, factors: Vec<f64>| {
        let data = Dataset::new(features.into_iter().map(Feature::number).collect(), y.clone(), None).unwrap();
        let penalty = Penalty { l2: 0.1, factors, ..Penalty::default() };
        let fit = LogisticRegression { penalty, ..LogisticRegression::default() };
        fit.fit(&data.rows(), &mut |_, _| Go::On).unwrap().weight
    };
    let twice = of(vec![a.clone(), b.clone(), a.clone()], Vec::new());
    let once = of(vec![a.clone(), b.clone()], vec![0.5, 1.0]);
    let half = once[0].unwrap() / 2.0;
    assert!((twice[0].unwrap() - half).abs() < ROUNDING && (twice[2].unwrap() - half).abs() < ROUNDING);
    // What costs nothing takes it all.
    let free = of(vec![a.clone(), b.clone(), a.clone()], vec![1.0, 1.0, 0.0]);
    let alone = of(vec![b, a], vec![1.0, 0.0]);
    assert!(free[0].unwrap().abs() < ROUNDING);
    assert!((free[2].unwrap() - alone[1].unwrap()).abs() < ROUNDING);
}

#[test]
fn under_a_lasso_the_column_with_the_smaller_factor_has_the_coefficient() {
    let [a, b, c] = columns(400);
    let y = outcomes(&[a.clone(), b.clone(), c], 2);
    let features = vec![Feature::number(a.clone()), Feature::number(b), Feature::number(a)];
    let data = Dataset::new(features, y, None).unwrap();
    let penalty = Penalty { l1: 0.05, factors: vec![2.0, 1.0, 1.0], ..Penalty::default() };
    let fit = LogisticRegression { penalty, ..LogisticRegression::default() };
    let weight = fit.fit(&data.rows(), &mut |_, _| Go::On).unwrap().weight;
    assert_eq!(weight[0].unwrap(), 0.0);
    assert!(weight[2].unwrap() > 0.1);
}

#[test]
fn linear_predictors_are_sums_of_products() {
    let matrix = Feature::Matrix { values: Values::from(vec![1.0_f32, 2.0, 3.0, 4.0]), n_columns: 2 };
    let codes = Feature::Codes { codes: vec![0, 2].into(), levels: 3 };
    let sparse = Feature::Sparse { rows: vec![1], values: vec![0.5], len: 2 };
    let features = [matrix, codes, sparse];
    let logits = linear_predictors(&features, 2, &[1.0, 10.0, 100.0, 1000.0, 8.0], 0.25).unwrap();
    assert_eq!(logits, [21.25, 1047.25]);
    assert!(matches!(linear_predictors(&features, 2, &[1.0], 0.0), Err(Error::Shape { expected: 5, found: 1, .. })));
    assert!(matches!(linear_predictors(&features, 3, &[1.0; 5], 0.0), Err(Error::Shape { expected: 3, .. })));
}

#[test]
fn the_mean_loss_of_the_rows_fitted_is_that_of_the_fit() {
    for n_classes in [2, 3] {
        let data = dataset(n_classes);
        let fit = LogisticRegression::default().fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        let loss = fit.mean_loss(&data.rows()).unwrap();
        assert!((loss + fit.facts.log_likelihood / 400.0).abs() < 1e-14);
        let other = dataset(5 - n_classes);
        assert!(matches!(fit.mean_loss(&other.rows()), Err(Error::Shape { .. })));
    }
}
