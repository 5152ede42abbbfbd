//! Intervals by resampling.

use logistic::dataset::Dataset;
use logistic::loss::sigmoid;
use logistic::model::{LogisticRegression, Penalty};
use logistic::random::numpy::RandomState;
use logistic::solver::Go;

fn data(rows: usize) -> Dataset {
    let mut rng = RandomState::new(7);
    let x: Vec<f64> = (0..2 * rows).map(|_| rng.normal(0.0, 1.0)).collect();
    let y = x.chunks_exact(2).map(|x| f64::from(rng.uniform(0.0, 1.0) < sigmoid(0.3 + x[0] - 0.5 * x[1]))).collect();
    Dataset::from_rows(&x, 2, y).unwrap()
}

#[test]
fn without_a_penalty_it_agrees_with_the_formula() {
    let data = data(2000);
    let settings = LogisticRegression::default();
    let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
    let bootstrap = settings.bootstrap(&data.rows(), 1000, 1).unwrap();
    assert_eq!(bootstrap.used, 1000);
    for (spread, inference) in bootstrap.weight.iter().zip(&fit.inference) {
        let (spread, inference) = (spread.unwrap(), inference.unwrap());
        // A standard deviation of 1000 draws is good to 1/√2000 = 2.2 % of itself; four times that.
        assert!((spread.std_error / inference.std_error - 1.0).abs() < 0.09, "{spread:?} {inference:?}");
        assert!((spread.ci_low - inference.ci_low).abs() < 0.3 * inference.std_error);
        assert!((spread.ci_high - inference.ci_high).abs() < 0.3 * inference.std_error);
    }
}

#[test]
fn a_count_is_that_many_rows_and_threads_change_nothing() {
    let settings = LogisticRegression { penalty: Penalty::ridge(0.01), ..LogisticRegression::default() };
    let data = data(300);
    let twice = data.clone().weighted(vec![2.0; 300]).unwrap();
    let (once, double) =
        (settings.bootstrap(&data.rows(), 400, 3).unwrap(), settings.bootstrap(&twice.rows(), 400, 3).unwrap());
    // Twice the rows: standard errors shrink by √2.
    let ratio = once.weight[0].unwrap().std_error / double.weight[0].unwrap().std_error;
    assert!((ratio - 2f64.sqrt()).abs() < 0.2, "{ratio}");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(pool.install(|| settings.bootstrap(&data.rows(), 400, 3).unwrap()), once);
    assert!(settings.bootstrap(&data.rows(), 99, 3).is_err());
}
