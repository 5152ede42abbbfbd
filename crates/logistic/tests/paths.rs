//! Regularisation paths and the penalties that cross-validation chooses.

mod golden;

use golden::{Problem, floats};
use logistic::dataset::{Dataset, Feature, Fold, Folds, Rows, Split};
use logistic::model::{ClassWeight, CrossValidation, CvPoint, ELASTIC_NET_RATIOS, LogisticRegression, Penalty, Rule};
use logistic::random::numpy::RandomState;
use logistic::solver::{Go, Termination};

/// The largest penalty, relative.
const LARGEST: f64 = 1e-12;
/// Coefficients, of the largest.
const COEFFICIENT: f64 = 1e-9;
/// The objective, relative.
const OBJECTIVE: f64 = 1e-12;
/// Standardised coefficients of a warm start against a cold one.
const WARM: f64 = 1e-9;
/// Losses of rows held out, by warm starts against cold ones.
const HELD_OUT: f64 = 1e-10;
/// Losses of scaled columns against those of unscaled ones, relative.
const SCALED: f64 = 1e-11;

/// 300 rows of eight columns, of which three count.
fn data(scale: impl Fn(usize) -> f64) -> Dataset {
    let mut rng = RandomState::new(7);
    let columns: Vec<Vec<f64>> = (0..8).map(|_| (0..300).map(|_| rng.standard_normal()).collect()).collect();
    let score = |i: usize| 1.5 * columns[0][i] - columns[1][i] + 0.5 * columns[2][i];
    let y = (0..300).map(|i| f64::from(rng.random_sample() < 1.0 / (1.0 + f64::exp(-score(i))))).collect();
    let scaled = |(j, column): (usize, &Vec<f64>)| Feature::Number(column.iter().map(|x| x * scale(j)).collect());
    Dataset::new(columns.iter().enumerate().map(scaled).collect(), y, None).unwrap()
}

fn standardised() -> LogisticRegression {
    let penalty = Penalty { standardised: true, ..Penalty::default() };
    LogisticRegression { penalty, ..LogisticRegression::default() }
}

#[test]
fn glmnet_paths() {
    let cases = golden::inference("lambda_max");
    assert_eq!(cases.len(), 6);
    for golden in &cases {
        let id = golden["id"].as_str().unwrap();
        let Problem { columns, data, settings } = Problem::new(golden);
        let alpha = golden["penalty"]["alpha"].as_f64().unwrap();
        let expected = golden["reference"]["lambda_max"].as_f64().unwrap();
        let largest = settings.largest_penalty(&data.rows(), alpha).unwrap();
        assert!((largest - expected).abs() <= LARGEST * expected, "{id}: {largest} against {expected}");
        let at = |total: f64| {
            let penalty = Penalty { l1: alpha * total, l2: (1.0 - alpha) * total, ..settings.penalty.clone() };
            LogisticRegression { penalty, ..settings.clone() }.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
        };
        // Columns without a penalty are in from the start.
        let free = settings.penalty.factors.iter().filter(|factor| **factor == 0.0).count();
        assert_eq!(at(largest).n_nonzero(), free, "{id}");
        let below = at(largest * (1.0 - 1e-6));
        assert_eq!(below.n_nonzero(), free + 1, "{id}");
        let first = columns.iter().position(|name| golden["reference"]["first_in"] == *name).unwrap();
        assert!(below.weight[first].unwrap() != 0.0, "{id}");
        for point in golden["reference"]["path"].as_array().unwrap() {
            let fit = at(point["lambda"].as_f64().unwrap());
            assert_eq!(fit.termination(), Termination::Converged, "{id}");
            let expected = point["objective"].as_f64().unwrap();
            assert!((fit.facts.objective - expected).abs() <= OBJECTIVE * expected, "{id}");
            assert_eq!(fit.n_nonzero() as u64, point["support"].as_u64().unwrap(), "{id}");
            let expected = floats(&point["coef"]);
            let largest = expected.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
            for (found, expected) in fit.weight.iter().zip(&expected[1..]) {
                assert!((found.unwrap() - expected).abs() <= COEFFICIENT * largest, "{id}");
            }
        }
    }
}

#[test]
fn the_largest_penalty_is_exact() {
    let data = data(|j| 10f64.powi(j as i32 - 4));
    let lower = LogisticRegression { bounds: vec![(0.0, f64::INFINITY); 8], ..standardised() };
    let balanced = LogisticRegression { class_weight: ClassWeight::Given(vec![1.0, 3.0]), ..standardised() };
    for settings in [standardised(), LogisticRegression::default(), lower, balanced] {
        for ratio in [1.0, 0.5, 0.1] {
            let largest = settings.largest_penalty(&data.rows(), ratio).unwrap();
            let at = |total: f64| {
                let penalty = Penalty { l1: ratio * total, l2: (1.0 - ratio) * total, ..settings.penalty.clone() };
                LogisticRegression { penalty, ..settings.clone() }.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
            };
            assert_eq!(at(largest).n_nonzero(), 0);
            assert_eq!(at(largest * (1.0 - 1e-6)).n_nonzero(), 1);
        }
    }
    let ridge = standardised().largest_penalty(&data.rows(), 0.0).unwrap();
    let lasso = standardised().largest_penalty(&data.rows(), 1.0).unwrap();
    assert!((ridge - 1000.0 * lasso).abs() <= 1e-9 * ridge);
}

#[test]
fn what_has_no_path_is_refused() {
    let data = data(|_| 1.0);
    let largest = |settings: &LogisticRegression| settings.largest_penalty(&data.rows(), 1.0);
    assert!(standardised().largest_penalty(&data.rows(), 1.5).is_err());
    assert!(largest(&LogisticRegression { bounds: vec![(1.0, 2.0); 8], ..standardised() }).is_err());
    let factors = Penalty { factors: vec![0.0; 8], ..Penalty::default() };
    assert!(largest(&LogisticRegression { penalty: factors, ..standardised() }).is_err());
}

#[test]
fn a_warm_start_is_a_cold_start() {
    let data = data(|j| 10f64.powi(j as i32 - 4));
    let classes = (0..300).map(|i| data.y()[i] + f64::from(i % 3 == 0)).collect();
    for data in [data.clone(), data.of_classes(classes, 3).unwrap()] {
        for ratio in [1.0, 0.5, 0.0] {
            let path = standardised().path(&data.rows(), ratio, 30).unwrap();
            assert!(path.points.len() > 10 && path.points[0].total() > path.points[10].total());
            for point in &path.points {
                assert_eq!(point.termination, Termination::Converged);
                let penalty = Penalty { l1: point.l1, l2: point.l2, ..standardised().penalty };
                let cold = LogisticRegression { penalty, ..standardised() };
                let cold = cold.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
                assert_eq!(point.n_nonzero, cold.n_nonzero());
                for (j, (warm, cold)) in point.weight.iter().zip(&cold.weight).enumerate() {
                    let unit = 10f64.powi(j as i32 % 8 - 4);
                    let apart = (warm.unwrap() - cold.unwrap()).abs() * unit;
                    assert!(apart <= WARM, "{ratio} {} column {j}: {apart}", point.total());
                }
            }
        }
    }
}

#[test]
fn the_choice_does_not_depend_on_units() {
    let plain = data(|_| 1.0);
    let other = data(|j| [1e-9, 1e9][j % 2]);
    for ratios in [&[1.0][..], &[0.0], &ELASTIC_NET_RATIOS] {
        for rule in [Rule::Minimum, Rule::OneStandardError] {
            let choose = |data: &Dataset| {
                let folds = Folds::stratified(&data.rows(), 5, 0).unwrap();
                standardised().cross_validate(&data.rows(), &folds, ratios, rule).unwrap().0
            };
            let (a, b) = (choose(&plain), choose(&other));
            assert_eq!((a.best, a.chosen, a.values.len()), (b.best, b.chosen, b.values.len()));
            for (a, b) in a.values.iter().zip(&b.values) {
                assert!((a.mean_log_loss - b.mean_log_loss).abs() <= SCALED * a.mean_log_loss);
                assert!((a.l1 - b.l1).abs() <= SCALED * a.l1 && (a.l2 - b.l2).abs() <= SCALED * a.l2);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = data(|_| 1.0);
    let choose = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let folds = Folds::stratified(&data.rows(), 5, 0).unwrap();
        pool.install(|| standardised().cross_validate(&data.rows(), &folds, &[0.5, 1.0], Rule::Minimum).unwrap())
    };
    assert_eq!(choose(1), choose(3));
}

#[test]
fn rules() {
    let data = data(|_| 1.0);
    let folds = Folds::stratified(&data.rows(), 10, 0).unwrap();
    let choose = |rule| standardised().cross_validate(&data.rows(), &folds, &[1.0], rule).unwrap().0;
    let (minimum, sparse) = (choose(Rule::Minimum), choose(Rule::OneStandardError));
    assert_eq!((minimum.best, minimum.chosen), (sparse.best, minimum.best));
    let losses: Vec<f64> = minimum.values.iter().map(|value| value.mean_log_loss).collect();
    assert!(losses.iter().all(|&loss| loss >= minimum.best().mean_log_loss));
    let limit = sparse.best().mean_log_loss + sparse.best().std_error;
    assert!(sparse.chosen < sparse.best && sparse.chosen().mean_log_loss <= limit);
    assert!(losses[..sparse.chosen].iter().all(|&loss| loss > limit));
    assert!(!minimum.is_open());
    // The three columns that count are found, and the strong penalty keeps fewer of the others.
    assert!(sparse.chosen().n_nonzero >= 3 && sparse.chosen().n_nonzero <= minimum.chosen().n_nonzero);
}

/// Holds the losses of a cross-validation against fits of each fold alone, every ninth by hand.
fn check_losses(data: &Dataset, rows: &Rows<'_>, folds: &Folds<'_>) {
    let found = standardised().cross_validate(rows, folds, &[0.5], Rule::Minimum).unwrap().0;
    let weight = data.weight().unwrap();
    for value in found.values.iter().step_by(9) {
        // Weight and loss of each fold.
        let of_fold = |fold: &Fold<'_>| {
            let penalty = Penalty { l1: value.l1, l2: value.l2, ..standardised().penalty };
            let fit = LogisticRegression { penalty, ..standardised() };
            let fit = fit.fit(&fold.train, &mut |_, _| Go::On).unwrap();
            let loss = |i: usize| {
                let (x, y) = data.get(i).unwrap();
                let of = |(x, w): (&f64, &Option<f64>)| x * w.unwrap_or(0.0);
                let z = fit.bias[0] + x.iter().zip(&fit.weight).map(of).sum::<f64>();
                weight[i] * (f64::ln_1p(f64::exp(z)) - y * z)
            };
            let total = fold.held_out.indices().map(|i| weight[i]).sum::<f64>();
            (total, fold.held_out.indices().map(loss).sum::<f64>() / total)
        };
        let folds: Vec<(f64, f64)> = folds.folds.iter().map(of_fold).collect();
        let total: f64 = folds.iter().map(|(w, _)| w).sum();
        let mean = folds.iter().map(|(w, loss)| w * loss).sum::<f64>() / total;
        let of_others = (folds.len() - 1) as f64;
        let variance = folds.iter().map(|(w, loss)| w * (loss - mean).powi(2)).sum::<f64>() / total / of_others;
        assert!((value.mean_log_loss - mean).abs() <= HELD_OUT, "{} {mean}", value.mean_log_loss);
        assert!((value.std_error - variance.sqrt()).abs() <= HELD_OUT);
    }
}

fn weighted(data: Dataset) -> Dataset {
    data.weighted((0..300).map(|i| 0.5 + f64::from(i % 4)).collect()).unwrap()
}

#[test]
fn the_loss_is_that_of_rows_held_out() {
    let data = weighted(data(|_| 1.0));
    let rows = data.rows();
    check_losses(&data, &rows, &Folds::stratified(&rows, 4, 3).unwrap());
}

/// Folds that go side by side share rows in any pattern, and need not agree on which columns vary.
#[test]
fn folds_of_any_kind_lose_what_they_lose_alone() {
    let times: Vec<f64> = (0..300).map(f64::from).collect();
    let mut late = data(|j| 10f64.powi(j as i32 - 4)).features().to_vec();
    late.push(Feature::Number((0..300).map(|i| f64::from(u8::from(i > 200 && i % 3 == 0))).collect()));
    let y = data(|_| 1.0).y().to_vec();
    let data = weighted(Dataset::new(late, y, None).unwrap());
    let rows = data.rows();
    check_losses(&data, &rows, &Folds::time_ordered(&rows, &times, 4).unwrap());
    // Some rows twice.
    let rows = Rows::select(&data, (0..300).chain(40..90).collect::<Vec<usize>>()).unwrap();
    let groups: Vec<usize> = (0..300).map(|i| i / 7).collect();
    check_losses(&data, &rows, &Folds::grouped(&rows, &groups, 3).unwrap());
}

#[test]
fn more_columns_than_rows() {
    let mut rng = RandomState::new(3);
    let (n, p) = (60, 150);
    let x: Vec<f64> = (0..n * p).map(|_| rng.standard_normal()).collect();
    let y = x.chunks_exact(p).map(|row| f64::from(2.0 * row[0] - 2.0 * row[1] + rng.standard_normal() > 0.0)).collect();
    let data = Dataset::from_rows(&x, p, y).unwrap();
    for ratio in [1.0, 0.5, 0.0] {
        let path = standardised().path(&data.rows(), ratio, 100).unwrap();
        for point in &path.points {
            let what = format!("{ratio} {}: gap {}", point.total(), point.gap);
            assert_eq!(point.termination, Termination::Converged, "{what}");
        }
        let smallest = path.points.last().unwrap();
        assert!(smallest.deviance_explained > 0.9, "{}", smallest.deviance_explained);
        assert!(ratio < 1.0 || smallest.n_nonzero < n);
    }
}

#[test]
fn three_classes() {
    let data = data(|j| 10f64.powi(j as i32 - 4));
    let classes = (0..300).map(|i| data.y()[i] + f64::from(i % 3 == 0)).collect();
    let data = data.of_classes(classes, 3).unwrap();
    let folds = Folds::stratified(&data.rows(), 5, 0).unwrap();
    let (found, path) = standardised().cross_validate(&data.rows(), &folds, &[1.0], Rule::Minimum).unwrap();
    assert_eq!(path.points[0].n_nonzero, 0);
    assert_eq!(path.points[0].standardised.len(), 3 * 8);
    // Equal chances lose ln 3; the classes' shares lose less, and three columns tell something.
    assert!(found.values[0].mean_log_loss < 3f64.ln());
    let gained = found.values[0].mean_log_loss - found.best().mean_log_loss;
    assert!(gained > 2.0 * found.best().std_error, "{gained}");
}

#[test]
fn a_fold_without_a_class_is_refused() {
    let data = data(|_| 1.0);
    let first: Vec<f64> = data.y().iter().map(|y| -y).collect();
    let folds = Folds::time_ordered(&data.rows(), &first, 2);
    // All rows of one class, then all of the other: there is but one cut.
    assert!(folds.is_err());
    let times: Vec<f64> = (0..300).map(|i| first[i] * 1000.0 + i as f64).collect();
    let folds = Folds::time_ordered(&data.rows(), &times, 5).unwrap();
    let refused = standardised().cross_validate(&data.rows(), &folds, &[1.0], Rule::Minimum);
    assert!(refused.unwrap_err().to_string().contains("one class"));
}

#[test]
fn a_choice_at_the_end_is_told() {
    let value = |l1: f64, l2: f64| CvPoint { l1, l2, mean_log_loss: 0.5, std_error: 0.1, n_nonzero: 1 };
    let values = vec![value(3.0, 0.0), value(2.0, 0.0), value(1.0, 0.0), value(2.0, 2.0), value(1.0, 1.0)];
    for (best, open) in [(0, false), (1, false), (2, true), (3, false), (4, true)] {
        let (split, rule, values) = (Split::Stratified, Rule::Minimum, values.clone());
        let found = CrossValidation { split, folds: 5, rule, values, best, chosen: best };
        assert_eq!(found.is_open(), open, "{best}");
    }
}
