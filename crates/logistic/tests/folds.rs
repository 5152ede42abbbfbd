//! What folds must be: each row held out once, classes in equal parts, groups whole, and no look ahead.

use std::collections::HashSet;

use logistic::dataset::{Dataset, Feature, Fold, Folds, Rows};
use proptest::prelude::*;

fn data(y: Vec<f64>) -> Dataset {
    Dataset::new(vec![Feature::Number((0..y.len()).map(|i| i as f64).collect())], y, None).unwrap()
}

fn indices(rows: &Rows<'_>) -> Vec<usize> {
    rows.indices().collect()
}

/// Training rows and rows held out are all rows, once each; returns the rows held out, fold by fold.
fn held_out(folds: &[Fold<'_>], n: usize) -> Vec<Vec<usize>> {
    for fold in folds {
        let mut both = [indices(&fold.train), indices(&fold.held_out)].concat();
        both.sort_unstable();
        assert_eq!(both, (0..n).collect::<Vec<_>>());
    }
    let mut all: Vec<usize> = folds.iter().flat_map(|fold| indices(&fold.held_out)).collect();
    all.sort_unstable();
    assert_eq!(all, (0..n).collect::<Vec<_>>(), "each row is held out once");
    folds.iter().map(|fold| indices(&fold.held_out)).collect()
}

/// The largest difference of counts.
fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
    counts.clone().max().unwrap() - counts.min().unwrap()
}

proptest! {
    #[test]
    fn classes_in_equal_parts(classes in prop::collection::vec(0u8..4, 10..120), k in 2usize..10, seed: u32) {
        let n = classes.len();
        let data = data(vec![0.0; n]).of_classes(classes.iter().map(|&c| f64::from(c)).collect(), 4).unwrap();
        let folds = Folds::stratified(&data.rows(), k, seed).unwrap().folds;
        let parts = held_out(&folds, n);
        prop_assert_eq!(parts.len(), k);
        prop_assert!(spread(parts.iter().map(Vec::len)) <= 1);
        for class in 0..4 {
            let count = |part: &Vec<usize>| part.iter().filter(|&&i| classes[i] == class).count();
            prop_assert!(spread(parts.iter().map(count)) <= 1);
        }
        let again = Folds::stratified(&data.rows(), k, seed).unwrap().folds;
        prop_assert_eq!(parts, held_out(&again, n));
    }

    #[test]
    fn groups_whole(groups in prop::collection::vec(0usize..12, 20..120), k in 2usize..5) {
        let n = groups.len();
        let data = data(vec![0.0; n]);
        let distinct: HashSet<usize> = groups.iter().copied().collect();
        prop_assume!(distinct.len() >= k);
        let parts = held_out(&Folds::grouped(&data.rows(), &groups, k).unwrap().folds, n);
        let of = |part: &Vec<usize>| part.iter().map(|&i| groups[i]).collect::<HashSet<_>>();
        prop_assert_eq!(parts.iter().map(|part| of(part).len()).sum::<usize>(), distinct.len());
        // Each group went to the smallest fold, so no two folds differ by more than the largest group.
        let largest = distinct.iter().map(|g| groups.iter().filter(|other| *other == g).count()).max().unwrap();
        prop_assert!(spread(parts.iter().map(Vec::len)) <= largest);
    }

    #[test]
    fn no_look_ahead(times in prop::collection::vec(0i32..40, 20..120), k in 2usize..5) {
        let n = times.len();
        let data = data(vec![0.0; n]);
        let times: Vec<f64> = times.into_iter().map(f64::from).collect();
        let Ok(Folds { folds, .. }) = Folds::time_ordered(&data.rows(), &times, k) else { return Ok(()) };
        prop_assert_eq!(folds.len(), k);
        let mut before = 0;
        for fold in &folds {
            let (train, held_out) = (indices(&fold.train), indices(&fold.held_out));
            let last = train.iter().map(|&i| times[i]).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(held_out.iter().all(|&i| times[i] > last));
            prop_assert!(!held_out.is_empty() && train.len() > before);
            before = train.len();
        }
        let last = folds.last().unwrap();
        prop_assert_eq!(last.train.len() + last.held_out.len(), n);
    }
}

#[test]
fn folds_of_some_rows() {
    let data = data((0..10).map(|i| f64::from(i % 2)).collect());
    let rows = Rows::select(&data, [9, 7, 5, 4, 2, 0]).unwrap();
    let folds = Folds::stratified(&rows, 3, 1).unwrap().folds;
    for fold in &folds {
        assert_eq!((fold.train.len(), fold.held_out.len()), (4, 2));
        assert_eq!(fold.held_out.y().iter().sum::<f64>(), 1.0);
    }
    let groups: Vec<usize> = (0..10).map(|i| i / 5).collect();
    let folds = Folds::grouped(&rows, &groups, 2).unwrap().folds;
    assert_eq!([indices(&folds[0].held_out), indices(&folds[1].held_out)], [vec![4, 2, 0], vec![9, 7, 5]]);
}

#[test]
fn what_cannot_be_folded_is_refused() {
    let data = data(vec![0.0, 1.0, 0.0, 1.0]);
    assert!(Folds::stratified(&data.rows(), 1, 0).is_err());
    assert!(Folds::stratified(&data.rows(), 5, 0).is_err());
    assert!(Folds::grouped(&data.rows(), &[1, 1, 2, 2], 3).is_err());
    assert!(Folds::grouped(&data.rows(), &[1, 2], 2).is_err());
    assert!(Folds::time_ordered(&data.rows(), &[1.0, 1.0, 1.0, 1.0], 2).is_err());
    assert!(Folds::time_ordered(&data.rows(), &[1.0, f64::NAN, 2.0, 3.0], 2).is_err());
}
