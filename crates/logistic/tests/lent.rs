//! Numbers that somebody lends are neither copied nor kept, and numbers of 32 bits give what they give in 64, bit for bit.

use std::sync::{Arc, Weak};

use logistic::dataset::{Dataset, Feature, Folds, Numbers, Rows, Values};
use logistic::error::Error;
use logistic::model::{Fit, LogisticRegression, Method, Penalty, Rule};
use logistic::random::numpy::RandomState;
use logistic::solver::Go;

const ROWS: usize = 9_000;
const COLUMNS: usize = 24;

/// Standard normal numbers, rounded to 32 bits; column by column.
fn columns() -> Vec<Vec<f32>> {
    let mut rng = RandomState::new(11);
    (0..COLUMNS).map(|_| (0..ROWS).map(|_| rng.standard_normal() as f32).collect()).collect()
}

/// Classes that depend on the first columns.
fn classes(columns: &[Vec<f32>], n_classes: usize) -> Vec<f64> {
    let mut rng = RandomState::new(12);
    let mut class = |i: usize| (0.8 * (columns[0][i] - columns[1][i]) + rng.standard_normal() as f32).clamp(-1.9, 1.9);
    (0..ROWS).map(|i| f64::from((class(i) + 2.0) / 4.0 * n_classes as f32).floor()).collect()
}

/// The columns with some of their numbers in 32 bits: neighbours of one width, in runs of every length, the longest of
/// them more than the lanes of a vector.
fn features(columns: &[Vec<f32>], is_narrow: impl Fn(usize) -> bool) -> Vec<Feature> {
    let feature = |(j, column): (usize, &Vec<f32>)| match is_narrow(j) {
        true => Feature::number(column.clone()),
        false => Feature::Number(column.iter().map(|&x| f64::from(x)).collect()),
    };
    columns.iter().enumerate().map(feature).collect()
}

fn mixed(j: usize) -> bool {
    matches!(j, 1 | 4 | 5 | 7 | 11..=20 | 23)
}

fn settings(penalty: Penalty, method: Method) -> LogisticRegression {
    LogisticRegression { penalty, method, ..LogisticRegression::default() }
}

fn fit(settings: &LogisticRegression, rows: &Rows<'_>) -> Fit {
    settings.fit(rows, &mut |_, _| Go::On).unwrap()
}

#[test]
fn columns_of_32_bits_are_columns_of_64() {
    let columns = columns();
    let y = classes(&columns, 2);
    let of = |is_narrow: &dyn Fn(usize) -> bool| Dataset::new(features(&columns, is_narrow), y.clone(), None).unwrap();
    let (wide, narrow, both) = (of(&|_| false), of(&|_| true), of(&mixed));
    let mini_batches = Method::Sgd { learning_rate: 0.1, epochs: 1, batch_size: 16, seed: 0 };
    let ways = [
        settings(Penalty::default(), Method::Newton),
        settings(Penalty::ridge(1e-3), Method::NewtonCg),
        settings(Penalty { l1: 0.01, standardised: true, ..Penalty::default() }, Method::Auto),
        settings(Penalty::ridge(1e-3), mini_batches),
    ];
    let list: Vec<usize> = (0..ROWS).map(|i| i * 7 % ROWS).filter(|i| i % 3 > 0).collect();
    for way in &ways {
        let (of_all, of_some) = (fit(way, &wide.rows()), fit(way, &Rows::select(&wide, list.clone()).unwrap()));
        for data in [&narrow, &both] {
            assert_eq!(fit(way, &data.rows()), of_all, "{:?}", way.method);
            assert_eq!(fit(way, &Rows::select(data, list.clone()).unwrap()), of_some, "{:?}", way.method);
        }
    }
}

#[test]
fn columns_of_32_bits_of_many_classes_and_folds() {
    let columns = columns();
    let y = classes(&columns, 5);
    let of = |is_narrow: &dyn Fn(usize) -> bool| {
        let data = Dataset::new(features(&columns, is_narrow), vec![0.0; ROWS], None).unwrap();
        data.of_classes(y.clone(), 5).unwrap()
    };
    let ridge = settings(Penalty::ridge(1e-2), Method::NewtonCg);
    let expected = fit(&ridge, &of(&|_| false).rows());
    assert_eq!(fit(&ridge, &of(&|_| true).rows()), expected);
    assert_eq!(fit(&ridge, &of(&mixed).rows()), expected);

    let path = |is_narrow: &dyn Fn(usize) -> bool| {
        let data = Dataset::new(features(&columns, is_narrow), classes(&columns, 2), None).unwrap();
        let rows = data.rows();
        let folds = Folds::stratified(&rows, 3, 0).unwrap();
        let lasso = LogisticRegression::default();
        let (found, path) = lasso.cross_validate(&rows, &folds, &[1.0], Rule::Minimum).unwrap();
        (found.chosen().l1, path.points.into_iter().map(|point| (point.weight, point.bias)).collect::<Vec<_>>())
    };
    assert_eq!(path(&mixed), path(&|_| false));
}

#[test]
fn a_column_repeats_one_of_another_width() {
    let mut columns = columns();
    columns[23] = columns[2].clone();
    let y = classes(&columns, 2);
    let data = Dataset::new(features(&columns, mixed), y, None).unwrap();
    assert_eq!(data.features()[2], data.features()[23]);
    assert_ne!(data.features()[2], data.features()[22]);
    let fit = fit(&LogisticRegression::default(), &data.rows());
    assert_eq!(fit.weight.iter().position(Option::is_none), Some(23));
}

#[test]
fn what_is_no_number_is_refused_in_either_width() {
    let refused = |feature: Feature| match Dataset::new(vec![feature], vec![0.0; 3], None) {
        Err(Error::Setting { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Feature::number(vec![1.0f64, f64::NAN, 0.0])), "NaN in row 1");
    assert_eq!(refused(Feature::number(vec![1.0f32, 0.0, f32::INFINITY])), "inf in row 2");
}

/// Somebody who lends numbers, and whom they tell how long they have been needed.
struct Owner<T>(Vec<T>);

impl<T> AsRef<[T]> for Owner<T> {
    fn as_ref(&self) -> &[T] {
        &self.0
    }
}

/// Lent numbers, how to see whether their owner is alive, and where they stand.
fn lend<T: Send + Sync + 'static>(values: Vec<T>) -> (Numbers<T>, Weak<Owner<T>>, *const T) {
    struct Shared<T>(Arc<Owner<T>>);
    impl<T> AsRef<[T]> for Shared<T> {
        fn as_ref(&self) -> &[T] {
            self.0.as_ref().as_ref()
        }
    }
    let place = values.as_ptr();
    let owner = Arc::new(Owner(values));
    let seen = Arc::downgrade(&owner);
    (Numbers::lent(Shared(owner)), seen, place)
}

#[test]
fn lent_numbers_stay_where_they_are_until_the_dataset_goes() {
    let y = classes(&columns(), 2);
    let (numbers, seen, place) = lend(columns()[0].clone());
    let (matrix, seen_matrix, place_of_matrix) = lend(columns().concat().iter().map(|&x| f64::from(x)).collect());
    let features = vec![Feature::number(numbers), Feature::Matrix { values: Values::F64(matrix), n_columns: COLUMNS }];
    let data = Dataset::new(features, y.clone(), None).unwrap();
    let weighted = data.clone().weighted(vec![2.0; ROWS]).unwrap();
    fit(&settings(Penalty::ridge(1e-3), Method::Auto), &weighted.rows());
    for data in [&data, &weighted] {
        let [Feature::Number(Values::F32(numbers)), Feature::Matrix { values: Values::F64(matrix), .. }] =
            data.features()
        else {
            panic!()
        };
        assert!(numbers.as_ptr() == place && matrix.as_ptr() == place_of_matrix);
    }
    drop(data);
    assert!(seen.upgrade().is_some() && seen_matrix.upgrade().is_some());
    drop(weighted);
    assert!(seen.upgrade().is_none() && seen_matrix.upgrade().is_none());
}

#[test]
fn lent_numbers_give_what_the_library_s_own_give() {
    let columns = columns();
    let y = classes(&columns, 2);
    let all = columns.concat();
    let entries: Vec<u32> = (0..ROWS * 6).map(|at| (at % 6 * 5 + at / 6 % 5) as u32).collect();
    let starts: Vec<usize> = (0..=ROWS).map(|i| i * 6).collect();
    let rows = all[..ROWS * 6].to_vec();
    let own = vec![
        Feature::number(columns[0].clone()),
        Feature::Matrix { values: all.clone().into(), n_columns: COLUMNS },
        Feature::Csr {
            starts: starts.clone().into(),
            columns: entries.clone().into(),
            values: rows.clone().into(),
            n_columns: 30,
        },
    ];
    let lent = vec![
        Feature::number(lend(columns[0].clone()).0),
        Feature::Matrix { values: lend(all).0.into(), n_columns: COLUMNS },
        Feature::Csr { starts: lend(starts).0, columns: lend(entries).0, values: lend(rows).0.into(), n_columns: 30 },
    ];
    assert_eq!(own, lent);
    for method in [Method::Newton, Method::NewtonCg] {
        let ridge = settings(Penalty::ridge(1e-2), method);
        let of = |features: &[Feature]| {
            let data = Dataset::new(features.to_vec(), y.clone(), None).unwrap();
            fit(&ridge, &data.rows())
        };
        assert_eq!(of(&own), of(&lent));
    }
}
