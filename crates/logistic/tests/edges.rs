//! Requests at the edge of what has a meaning: an error or the truth, never a panic, and no number that is none.

use logistic::dataset::{Dataset, Folds};
use logistic::error::Error;
use logistic::loss::CrossEntropy;
use logistic::model::{Fit, LogisticRegression, Penalty, Rule};
use logistic::objective::{EmpiricalRisk, Objective, Order};
use logistic::random::numpy::RandomState;
use logistic::solver::{Go, Termination};

/// `n` rows of `p` normal columns, the first of which matters.
fn data(n: usize, p: usize) -> Dataset {
    let mut rng = RandomState::new(3);
    let x: Vec<f64> = (0..n * p).map(|_| rng.standard_normal()).collect();
    let y = x.chunks_exact(p).map(|row| f64::from(rng.standard_normal() < row[0])).collect();
    Dataset::from_rows(&x, p, y).unwrap()
}

fn fit(settings: &LogisticRegression, data: &Dataset) -> Fit {
    settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
}

fn lasso(l1: f64) -> LogisticRegression {
    LogisticRegression { penalty: Penalty { l1, ..Penalty::default() }, ..LogisticRegression::default() }
}

#[test]
fn folds_of_other_rows_are_refused() {
    let (small, large) = (data(40, 2), data(60, 2));
    let (rows, others) = (small.rows(), large.rows());
    let folds = Folds::stratified(&others, 3, 0).unwrap();
    let found = lasso(0.0).cross_validate(&rows, &folds, &[1.0], Rule::Minimum);
    assert!(matches!(found, Err(Error::Shape { expected: 40, found: 60, .. })));
}

#[test]
fn a_refit_of_other_columns_is_refused() {
    let settings = lasso(0.01);
    let fit = fit(&settings, &data(60, 4));
    let found = settings.relax(&data(60, 3).rows(), &fit, &mut |_, _| Go::On);
    assert!(matches!(found, Err(Error::Shape { .. })));
}

#[test]
fn a_refit_of_selected_columns_that_separate_says_so() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) - 19.5).collect();
    let y = x.iter().map(|x| f64::from(*x > 0.0)).collect();
    let data = Dataset::from_rows(&x, 1, y).unwrap();
    let settings = lasso(0.05);
    let selected = fit(&settings, &data);
    assert_eq!(selected.termination(), Termination::Converged);
    let relaxed = settings.relax(&data.rows(), &selected, &mut |_, _| Go::On).unwrap();
    assert_eq!(relaxed.termination(), Termination::NoFiniteOptimum);
    assert!(relaxed.facts.relaxed && relaxed.facts.lr_test.is_none());
    assert!(relaxed.weight[0].unwrap() > selected.weight[0].unwrap());
}

#[test]
fn information_criteria_are_of_free_fits() {
    let data = data(200, 1);
    let free = fit(&LogisticRegression::default(), &data);
    assert!(free.facts.aic().is_some() && free.facts.bic().is_some());
    // Held at a bound, the coefficient is none that was estimated.
    let held = fit(&LogisticRegression { bounds: vec![(-1.0, 0.0)], ..LogisticRegression::default() }, &data);
    assert_eq!(held.weight[0], Some(0.0));
    assert_eq!((held.facts.aic(), held.facts.bic()), (None, None));
}

#[test]
fn a_row_given_three_times_is_three_rows_to_the_bootstrap() {
    let data = data(80, 1);
    let settings = LogisticRegression { penalty: Penalty::ridge(0.01), ..LogisticRegression::default() };
    let times = |i: usize| if i < 20 { 3 } else { 1 };
    let listed: Vec<usize> = (0..80).flat_map(|i| vec![i; times(i)]).collect();
    let rows = logistic::dataset::Rows::select(&data, listed).unwrap();
    let weighted = data.clone().weighted((0..80).map(|i| times(i) as f64).collect()).unwrap();
    let (listed, weighted) = (settings.bootstrap(&rows, 100, 5), settings.bootstrap(&weighted.rows(), 100, 5));
    let (listed, weighted) = (listed.unwrap().weight[0].unwrap(), weighted.unwrap().weight[0].unwrap());
    assert!((listed.std_error / weighted.std_error - 1.0).abs() < 1e-9, "{listed:?} {weighted:?}");
}

#[test]
fn residuals_of_rows_that_are_certain_are_numbers() {
    let data = data(100, 1);
    let mut offset = vec![0.0; 100];
    let right = data.y().iter().position(|&y| y == 1.0).unwrap();
    offset[right] = 5000.0;
    let data = data.offset_by(offset).unwrap();
    let settings = LogisticRegression { penalty: Penalty::ridge(0.1), ..LogisticRegression::default() };
    let fit = fit(&settings, &data);
    let influence = fit.influence(&data.rows()).unwrap().expect("a fit at its optimum");
    assert!(influence.pearson.iter().chain(&influence.deviance).all(|residual| residual.is_finite()));
    assert!((0..100).filter_map(|row| influence.cook(row)).all(f64::is_finite));
    assert_eq!(influence.pearson[right], 0.0);
}

#[test]
fn a_class_that_the_loss_does_not_know_is_impossible() {
    let data = data(30, 1).of_classes((0..30).map(|i| f64::from(i % 3)).collect(), 3).unwrap();
    let risk = EmpiricalRisk::new(data.rows(), CrossEntropy { n_classes: 2, base: true });
    assert_eq!(risk.sums(&[0.0, 0.0], Order::Value).value, f64::INFINITY);
}

#[test]
fn bounds_that_no_number_meets_are_refused() {
    let data = data(30, 1);
    for bound in [(f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY), (1.0, 0.0)] {
        let settings = LogisticRegression { bounds: vec![bound], ..LogisticRegression::default() };
        assert!(matches!(settings.fit(&data.rows(), &mut |_, _| Go::On), Err(Error::Setting { .. })), "{bound:?}");
    }
}

#[test]
fn penalties_beyond_all_numbers_hold_coefficients_at_zero() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i % 7) * 1e-150).collect();
    let data = Dataset::from_rows(&x, 1, (0..40).map(|i| f64::from(i % 2)).collect()).unwrap();
    for penalty in [Penalty { l1: 1e200, ..Penalty::default() }, Penalty::ridge(1e200)] {
        let fit = fit(&LogisticRegression { penalty, ..LogisticRegression::default() }, &data);
        assert_eq!(fit.termination(), Termination::Converged);
        assert!(fit.weight[0].unwrap().abs() < 1e-100 && (fit.facts.objective - 2f64.ln()).abs() < 1e-12);
    }
}

#[test]
fn a_penalised_test_counts_the_degrees_that_are_lost() {
    let mut rng = RandomState::new(9);
    let x: Vec<f64> = (0..60).flat_map(|_| [rng.standard_normal(), rng.standard_normal()]).collect();
    // The third column is the first again, and takes its place where that is tested.
    let x: Vec<f64> = x.chunks_exact(2).flat_map(|row| [row[0], row[1], row[0]]).collect();
    let data = Dataset::from_rows(&x, 3, (0..60).map(|i| f64::from(i % 3 == 0)).collect()).unwrap();
    for firth in [false, true] {
        let settings = LogisticRegression { firth, ..LogisticRegression::default() };
        let fit = fit(&settings, &data);
        let tests = settings.column_tests(&data.rows(), &fit, &[vec![0, 1], vec![1], vec![0]]).unwrap();
        let df: Vec<Option<usize>> = tests.iter().map(|test| test.map(|test| test.df)).collect();
        assert_eq!(df, [(!firth).then_some(1), Some(1), None]);
    }
}
