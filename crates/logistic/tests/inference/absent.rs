//! What does not exist is absent, and what cannot be is refused.

use logistic::dataset::Dataset;
use logistic::model::{ClassWeight, Covariance, LogisticRegression, Method, WeightKind};
use logistic::solver::Go;

use crate::cases::heart;

#[test]
fn what_does_not_exist_is_absent() {
    let case = heart();
    let rows = case.data.rows();
    let mut ridge = LogisticRegression::default();
    ridge.penalty.l2 = 0.1;
    let sampling = LogisticRegression { weight_kind: WeightKind::Sampling, ..LogisticRegression::default() };
    for settings in [ridge, sampling] {
        let mut fit = settings.fit(&rows, &mut |_, _| Go::On).unwrap();
        settings.profile(&rows, &mut fit).unwrap();
        assert!(fit.inference.iter().flatten().all(|i| i.profile.is_none() && i.lr_test.is_none()));
        assert_eq!(fit.facts.lr_test, None);
        assert_eq!(settings.profile_bound(&rows, 0, true).unwrap(), None);
        assert_eq!(settings.column_tests(&rows, &fit, &[vec![0]]).unwrap(), [None]);
    }
}

#[test]
fn a_repeated_column_takes_the_place_of_its_twin() {
    let case = heart();
    let features = case.data.features().iter().chain(&case.data.features()[..1]).cloned().collect();
    let data = Dataset::new(features, case.data.y().to_vec(), None).unwrap();
    for firth in [false, true] {
        let settings = LogisticRegression { firth, ..LogisticRegression::default() };
        let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        let tests = settings.column_tests(&data.rows(), &fit, &[vec![0], vec![9], vec![0, 9], vec![1]]).unwrap();
        assert_eq!(
            tests.iter().map(|test| test.map(|test| test.df)).collect::<Vec<_>>(),
            [None, None, Some(1), Some(1)]
        );
    }
}

#[test]
fn settings_that_cannot_be() {
    let case = heart();
    let firth = LogisticRegression { firth: true, ..LogisticRegression::default() };
    let mut penalised = firth.clone();
    penalised.penalty.l2 = 1.0;
    let cluster =
        |ids: Vec<u32>| LogisticRegression { covariance: Covariance::Cluster(ids.into()), ..Default::default() };
    for settings in [
        penalised,
        LogisticRegression { method: Method::Lbfgs, ..firth.clone() },
        LogisticRegression { bounds: vec![(0.0, 1.0); 9], ..firth.clone() },
        LogisticRegression { weight_kind: WeightKind::Sampling, ..firth.clone() },
        LogisticRegression { class_weight: ClassWeight::Balanced, ..firth.clone() },
        LogisticRegression { covariance: Covariance::Hc0, ..firth.clone() },
        cluster(vec![0; case.data.len()]),
    ] {
        let error = settings.fit(&case.data.rows(), &mut |_, _| Go::On).unwrap_err();
        assert!(matches!(error, logistic::Error::Setting { .. }), "{error}");
    }
    let y = (0..case.data.len()).map(|i| (i % 3) as f64).collect();
    let classes = case.data.clone().of_classes(y, 3).unwrap();
    assert!(firth.fit(&classes.rows(), &mut |_, _| Go::On).is_err());
    let short = cluster(vec![0, 1]).fit(&case.data.rows(), &mut |_, _| Go::On).unwrap_err();
    assert!(matches!(short, logistic::Error::Shape { .. }));
}
