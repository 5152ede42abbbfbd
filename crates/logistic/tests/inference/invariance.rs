//! What must not change the answers: units, weights in place of rows, the base class, offsets, threads.

use std::sync::Arc;

use logistic::dataset::{Dataset, Feature};
use logistic::model::{ClassWeight, Covariance, Fit, LogisticRegression};
use logistic::solver::Go;

use crate::cases::{Case, all, close, filtered, heart};

/// Any scale of the columns, or another base class, in standard errors.
const UNITS: f64 = 1e-8;

/// The golden heart data in other units.
fn scaled(case: &Case, scale: impl Fn(usize) -> f64) -> Dataset {
    let feature = |(j, feature): (usize, &Feature)| match feature {
        Feature::Number(values) => Feature::Number(values.iter().map(|x| x * scale(j)).collect()),
        other => other.clone(),
    };
    let features = case.data.features().iter().enumerate().map(feature).collect();
    Dataset::new(features, case.data.y().to_vec(), None).unwrap()
}

#[test]
fn units_do_not_matter() {
    let case = heart();
    let scale = |j: usize| [1e-9, 1e9, 1e-4, 1.0, 1e6, 1e-7, 10.0, 1e3, 1.0][j];
    let other = scaled(&case, scale);
    let groups: Vec<Vec<usize>> = (0..9).map(|j| vec![j]).collect();
    for firth in [false, true] {
        let settings = LogisticRegression { firth, ..LogisticRegression::default() };
        let results = [&case.data, &other].map(|data| {
            let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
            settings.profile(&data.rows(), &mut fit).unwrap();
            let tests = settings.column_tests(&data.rows(), &fit, &groups).unwrap();
            (fit, tests)
        });
        let [(plain, tests), (fit, others)] = results;
        for j in 0..9 {
            let (a, b) = (plain.inference[j].unwrap(), fit.inference[j].unwrap());
            close(b.z, a.z, UNITS, "z");
            let (a_end, b_end) = (a.profile.unwrap(), b.profile.unwrap());
            close(b_end.low.unwrap() * scale(j), a_end.low.unwrap(), UNITS * a.std_error, "low");
            close(b_end.high.unwrap() * scale(j), a_end.high.unwrap(), UNITS * a.std_error, "high");
            close(b.lr_test.unwrap().chi2, a.lr_test.unwrap().chi2, UNITS, "the coefficient's chi2");
            close(others[j].unwrap().chi2, tests[j].unwrap().chi2, UNITS, "the column's chi2");
            close(a.lr_test.unwrap().chi2, tests[j].unwrap().chi2, UNITS, "one column, both ways");
        }
        let (a, b) = (plain.bias_inference[0].unwrap(), fit.bias_inference[0].unwrap());
        close(b.profile.unwrap().low.unwrap(), a.profile.unwrap().low.unwrap(), UNITS * a.std_error, "intercept");
    }
}

/// The same rows, those of frequency weight 0, 1, 2 as often as that.
fn weighted_and_repeated(case: &Case) -> (Dataset, Dataset, Arc<[u32]>, Arc<[u32]>) {
    let n = case.data.len();
    let rows: Vec<usize> = (0..n).flat_map(|i| vec![i; i % 3]).collect();
    let repeated = filtered(&case.data, &rows);
    let weighted = case.data.clone().weighted((0..n).map(|i| (i % 3) as f64).collect()).unwrap();
    let cluster = |i: usize| (i % 41) as u32;
    (weighted, repeated, (0..n).map(cluster).collect(), rows.into_iter().map(cluster).collect())
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let case = heart();
    let (weighted, repeated, ids, repeated_ids) = weighted_and_repeated(&case);
    let kinds = [
        (Covariance::Hc0, Covariance::Hc0),
        (Covariance::Hc1, Covariance::Hc1),
        (Covariance::Cluster(ids), Covariance::Cluster(repeated_ids)),
    ];
    let balanced = [ClassWeight::Equal, ClassWeight::Given(vec![0.7, 2.5])];
    for class_weight in balanced {
        for (of_weighted, of_repeated) in
            kinds.clone().into_iter().chain([(Covariance::Information, Covariance::Information)])
        {
            let fit = |data: &Dataset, covariance: Covariance| {
                let settings =
                    LogisticRegression { covariance, class_weight: class_weight.clone(), ..Default::default() };
                settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap()
            };
            let (a, b) = (fit(&weighted, of_weighted), fit(&repeated, of_repeated));
            for ((_, a), (_, b)) in all(&a).iter().zip(all(&b)) {
                close(a.unwrap().z, b.unwrap().z, 1e-9, "z");
            }
            for (a, b) in a.covariance().unwrap().iter().zip(b.covariance().unwrap()) {
                close(*a, *b, 1e-9 * b.abs().max(1e-9), "covariance");
            }
        }
    }
    // Firth's too, with its profile.
    let settings = LogisticRegression { firth: true, ..LogisticRegression::default() };
    let [a, b] = [&weighted, &repeated].map(|data| {
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        settings.profile(&data.rows(), &mut fit).unwrap();
        fit
    });
    for (a, b) in a.inference.iter().zip(&b.inference) {
        let (a, b) = (a.unwrap(), b.unwrap());
        close(a.z, b.z, 1e-8, "Firth's z");
        close(a.profile.unwrap().low.unwrap(), b.profile.unwrap().low.unwrap(), 1e-8 * b.std_error, "Firth's low");
    }
}

/// Three classes of the heart data, numbered in two ways.
fn three_classes(case: &Case) -> [Dataset; 2] {
    let Feature::Number(age) = &case.data.features()[7] else { panic!() };
    let age: Vec<f64> = age.iter().collect();
    let class = |i: usize| if case.data.y()[i] == 1.0 { 2 } else { usize::from(age[i] % 2.0 == 0.0) };
    [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]].map(|number| {
        let y = (0..case.data.len()).map(|i| number[class(i)]).collect();
        case.data.clone().of_classes(y, 3).unwrap()
    })
}

#[test]
fn another_base_class_mirrors_softmax() {
    let case = heart();
    let ids: Arc<[u32]> = (0..case.data.len()).map(|i| (i % 41) as u32).collect();
    for covariance in [Covariance::Information, Covariance::Hc0, Covariance::Cluster(ids)] {
        let settings = LogisticRegression { covariance, ..LogisticRegression::default() };
        let [a, b] = three_classes(&case).map(|data| {
            let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
            settings.profile(&data.rows(), &mut fit).unwrap();
            let tests = settings.column_tests(&data.rows(), &fit, &[vec![0], vec![1, 2]]).unwrap();
            (fit, tests)
        });
        let first = |fit: &Fit| fit.inference[..9].iter().chain(&fit.bias_inference[..1]).copied().collect::<Vec<_>>();
        for (a, b) in first(&a.0).into_iter().zip(first(&b.0)) {
            let (a, b) = (a.unwrap(), b.unwrap());
            close(a.z, -b.z, UNITS, "z");
            let (Some(a_end), Some(b_end)) = (a.profile, b.profile) else {
                assert_eq!((settings.covariance.name(), a.lr_test, b.profile), ("cluster", None, None));
                continue;
            };
            close(a_end.low.unwrap(), -b_end.high.unwrap(), UNITS * a.std_error, "low");
            close(a_end.high.unwrap(), -b_end.low.unwrap(), UNITS * a.std_error, "high");
            close(a.lr_test.unwrap().chi2, b.lr_test.unwrap().chi2, UNITS, "chi2");
        }
        for (a, b) in a.1.iter().zip(&b.1) {
            let (Some(a), Some(b)) = (a, b) else { continue };
            close(a.chi2, b.chi2, UNITS, "the column's chi2");
        }
        if settings.covariance == Covariance::Information {
            assert_eq!(a.1.iter().map(|test| test.unwrap().df).collect::<Vec<_>>(), [2, 4]);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = heart();
    let ids: Arc<[u32]> = (0..case.data.len()).map(|i| (i % 41) as u32).collect();
    let results = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            [false, true].map(|firth| {
                let settings = LogisticRegression { firth, ..LogisticRegression::default() };
                let mut fit = settings.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap();
                settings.profile(&case.data.rows(), &mut fit).unwrap();
                let tests = settings.column_tests(&case.data.rows(), &fit, &[vec![0], vec![1, 2]]).unwrap();
                let clustered = Covariance::Cluster(Arc::clone(&ids));
                let other = LogisticRegression { covariance: clustered, ..LogisticRegression::default() };
                (fit, tests, other.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap())
            })
        })
    });
    assert!(results[0] == results[1]);
}

#[test]
fn far_offsets_shift_the_intercept() {
    let case = heart();
    let plain = case.fit();
    for shift in [-600.0, 300.0] {
        let data = case.data.clone().offset_by(vec![shift; case.data.len()]).unwrap();
        let fit = case.settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{shift}: {}", fit.facts.termination);
        close(fit.bias[0] + shift, plain.bias[0], 1e-9, "intercept");
        close(fit.facts.null_log_likelihood, plain.facts.null_log_likelihood, 1e-9, "null");
    }
}
