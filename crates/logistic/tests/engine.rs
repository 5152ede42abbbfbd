//! Rows in the partitions of an engine have the fit that they have here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use logistic::dataset::{Dataset, Engine, Feature};
use logistic::encode::{Encoder, Encoding, Missing, Survey};
use logistic::model::{ClassWeight, Covariance, LogisticRegression, Method, Penalty, WeightKind};
use logistic::objective::{answer, merge, question_of_totals};
use logistic::solver::{Go, Termination};
use logistic::table::{ReadOptions, Table, read};
use logistic::{Error, Result};

/// Sums in other groups differ by rounding alone, which Newton's method carries into coefficients of order 1.
const ROUNDING: f64 = 1e-12;
/// An end of a profile is found to 1e-9 of its distance from the estimate.
const SEARCHED: f64 = 1e-9;

/// Partitions in this process, which fail from some question on.
#[derive(Debug)]
struct Partitions {
    parts: Vec<Dataset>,
    asked: AtomicUsize,
    fails_at: usize,
    /// To fail is to lose a partition, or to answer for it twice.
    loses: bool,
    doubles: bool,
}

impl Engine for Partitions {
    fn ask(&self, question: &[u8]) -> Result<Vec<f64>> {
        let fails = self.asked.fetch_add(1, Ordering::Relaxed) >= self.fails_at;
        if fails && !self.loses && !self.doubles {
            let words = |text: &str| text.to_string();
            return Err(Error::Engine { engine: words("test"), problem: words("it is gone"), help: words("start it") });
        }
        let mut all = Vec::new();
        let doubled = self.parts.first().filter(|_| fails && self.doubles);
        for part in self.parts.iter().skip(usize::from(fails && self.loses)).chain(doubled) {
            merge(question, &mut all, &answer(question, &part.rows())?)?;
        }
        Ok(all)
    }
}

/// Numbers far from zero, a number of another unit, categories of few levels and of many; rows from `start` to `end`.
fn data(start: usize, end: usize, n_classes: usize, weighted: bool) -> Dataset {
    // Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014): the mixing of SplitMix.
    let draw = |i: usize, k: usize| {
        let mut z = ((i * 8 + k) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let rows = || start..end;
    let features = vec![
        Feature::number(rows().map(|i| 1e5 + draw(i, 1)).collect::<Vec<f64>>()),
        Feature::number(rows().map(|i| (1e3 * draw(i, 2)) as f32).collect::<Vec<f32>>()),
        Feature::Codes { codes: rows().map(|i| (draw(i, 3) * 4.0) as u32).collect(), levels: 4 },
        Feature::Codes { codes: rows().map(|i| (draw(i, 4) * 25.0) as u32).collect(), levels: 25 },
    ];
    let y = rows().map(|i| ((draw(i, 1) + draw(i, 5)) * n_classes as f64 / 2.0).floor()).collect();
    let weight = weighted.then(|| rows().map(|i| (i % 3) as f64).collect());
    Dataset::new(features, vec![0.0; end - start], weight).unwrap().of_classes(y, n_classes).unwrap()
}

fn empty() -> Vec<Feature> {
    vec![
        Feature::number(Vec::<f64>::new()),
        Feature::number(Vec::<f32>::new()),
        Feature::Codes { codes: Vec::new().into(), levels: 4 },
        Feature::Codes { codes: Vec::new().into(), levels: 25 },
    ]
}

fn elsewhere(cuts: &[usize], n_classes: usize, weighted: bool, fails_at: usize) -> Dataset {
    let parts = cuts.windows(2).map(|cut| data(cut[0], cut[1], n_classes, weighted)).collect();
    held_by(Partitions { parts, asked: AtomicUsize::new(0), fails_at, loses: false, doubles: false }, n_classes)
}

fn held_by(engine: Partitions, n_classes: usize) -> Dataset {
    let totals = engine.ask(&question_of_totals(n_classes)).unwrap();
    Dataset::elsewhere(Arc::new(engine), empty(), totals[0] as usize, totals[1..].to_vec()).unwrap()
}

#[test]
fn partitions_have_the_fit_of_all_rows() {
    let n = 9_000;
    let of = |penalty| LogisticRegression { penalty, ..LogisticRegression::default() };
    let lasso = |l1, l2| of(Penalty { l1, l2, ..Penalty::default() });
    let robust = |covariance| LogisticRegression { covariance, ..LogisticRegression::default() };
    let by_class = |class_weight| LogisticRegression { class_weight, ..LogisticRegression::default() };
    let bounded = LogisticRegression {
        bounds: (0..29).map(|k| if k == 1 { (-1e-4, 1e-4) } else { (f64::NEG_INFINITY, 0.05) }).collect(),
        ..LogisticRegression::default()
    };
    let sampled = LogisticRegression { weight_kind: WeightKind::Sampling, ..LogisticRegression::default() };
    for (n_classes, weighted, settings) in [
        (2, false, LogisticRegression::default()),
        (2, true, LogisticRegression::default()),
        (2, false, of(Penalty::ridge(0.01))),
        (2, true, LogisticRegression { method: Method::Lbfgs, ..of(Penalty::ridge(0.1)) }),
        (3, false, LogisticRegression::default()),
        (3, true, LogisticRegression { method: Method::Newton, ..of(Penalty::ridge(0.01)) }),
        (2, true, lasso(0.01, 0.0)),
        (2, false, lasso(0.003, 0.01)),
        (3, true, lasso(0.005, 0.0)),
        (2, true, bounded),
        (2, true, robust(Covariance::Hc0)),
        (3, true, robust(Covariance::Hc1)),
        (2, true, sampled),
        (2, false, by_class(ClassWeight::Balanced)),
        (2, true, LogisticRegression { covariance: Covariance::Hc1, ..by_class(ClassWeight::Given(vec![1.0, 2.5])) }),
        (3, true, by_class(ClassWeight::Balanced)),
    ] {
        let method = settings.method;
        let here = settings.fit(&data(0, n, n_classes, weighted).rows(), &mut |_, _| Go::On).unwrap();
        for cuts in [&[0, n][..], &[0, 1_000, 1_000, 4_321, n], &[0, 1, 5_000, n]] {
            let there = elsewhere(cuts, n_classes, weighted, usize::MAX);
            let there = settings.fit(&there.rows(), &mut |_, _| Go::On).unwrap();
            let facts =
                (n_classes, weighted, method, here.facts.gap, there.facts.gap, here.termination(), &there.trace);
            assert_eq!(there.termination(), Termination::Converged, "{facts:?}");
            let allowed = if method == Method::Lbfgs { 1e-6 } else { ROUNDING };
            let close = |a: f64, b: f64| (a - b).abs() <= allowed * b.abs().max(1.0);
            for (there, here) in there.weight.iter().zip(&here.weight) {
                assert!(close(there.unwrap(), here.unwrap()), "{there:?} and {here:?}");
            }
            for (there, here) in there.inference.iter().zip(&here.inference) {
                let error = |inference: &Option<logistic::model::Inference>| inference.as_ref().map(|i| i.std_error);
                match (error(there), error(here)) {
                    (Some(there), Some(here)) => assert!(close(there / here, 1.0), "{there} and {here}"),
                    (there, here) => assert_eq!(there.is_some(), here.is_some()),
                }
            }
            assert!(close(there.facts.log_likelihood / here.facts.log_likelihood, 1.0));
            assert_eq!(there.facts.n_rows, here.facts.n_rows);
            assert!(there.facts.gap < 1e-12);
        }
    }
}

#[test]
fn an_engine_that_fails_is_an_error_in_its_words() {
    for fails_at in 1..8 {
        let there = elsewhere(&[0, 500, 9_000], 2, false, fails_at);
        let failed = LogisticRegression::default().fit(&there.rows(), &mut |_, _| Go::On);
        assert!(matches!(failed, Err(Error::Engine { .. })), "question {fails_at}");
    }
}

#[test]
fn an_answer_that_is_not_of_every_row_once_is_an_error() {
    for fails_at in 1..12 {
        for (loses, doubles) in [(true, false), (false, true)] {
            let parts = vec![data(0, 300, 2, true), data(300, 9_000, 2, true)];
            let there = held_by(Partitions { parts, asked: AtomicUsize::new(0), fails_at, loses, doubles }, 2);
            let failed = LogisticRegression::default().fit(&there.rows(), &mut |_, _| Go::On);
            let Err(Error::Engine { problem, .. }) = failed else { panic!("question {fails_at}") };
            assert!(problem.contains("and another was of 9000"), "{problem}");
        }
    }
}

#[test]
fn tests_and_intervals_by_likelihood_are_those_of_all_rows() {
    let settings = LogisticRegression::default();
    let groups: Vec<Vec<usize>> = vec![vec![0], vec![1], (2..5).collect(), (5..29).collect()];
    let asked = |dataset: &Dataset| {
        let mut fit = settings.fit(&dataset.rows(), &mut |_, _| Go::On)?;
        settings.profile(&dataset.rows(), &mut fit)?;
        let tests = settings.column_tests(&dataset.rows(), &fit, &groups)?;
        let profiles = fit.inference.iter().flatten().map(|inference| inference.profile.unwrap());
        let ends: Vec<f64> = profiles.flat_map(|profile| [profile.low.unwrap(), profile.high.unwrap()]).collect();
        Ok::<_, Error>((ends, tests.iter().flatten().map(|test| test.chi2).collect::<Vec<f64>>()))
    };
    let (ends, tests) = asked(&data(0, 900, 2, true)).unwrap();
    assert_eq!((ends.len(), tests.len()), (2 * 29, groups.len()));
    let (found_ends, found_tests) = asked(&elsewhere(&[0, 300, 900], 2, true, usize::MAX)).unwrap();
    for (found, here) in found_ends.iter().chain(&found_tests).zip(ends.iter().chain(&tests)) {
        assert!((found - here).abs() <= SEARCHED * here.abs().max(1.0), "{found} and {here}");
    }
    for fails_at in [20, 60, 200] {
        let failed = asked(&elsewhere(&[0, 300, 900], 2, true, fails_at));
        assert!(matches!(failed, Err(Error::Engine { .. })), "question {fails_at}");
    }
}

#[test]
fn what_an_engine_is_not_asked_is_refused() {
    let there = elsewhere(&[0, 9_000], 2, false, usize::MAX);
    let covariance = Covariance::Cluster((0..9_000).map(|row| row / 10).collect());
    let clustered = LogisticRegression { covariance, ..LogisticRegression::default() };
    let firth = LogisticRegression { firth: true, ..LogisticRegression::default() };
    for settings in [clustered, firth] {
        let refused = settings.fit(&there.rows(), &mut |_, _| Go::On);
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
    assert!(answer(b"what?", &data(0, 10, 2, false).rows()).is_err());
}

/// A part of a table of words, numbers and holes.
fn text(start: usize, end: usize) -> Table {
    part(start, end, true)
}

/// The same, without what is in it to be left out.
fn part(start: usize, end: usize, is_whole: bool) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.csv");
    let mut text = "x,word,rare,kind,y\n".to_string();
    for i in start..end {
        let word = ["blue", "green", "red"][i * i % 3];
        let rare = if i % 97 == 5 { format!("r{}", i % 4) } else { "usual".to_string() };
        text += &format!("{}.25,{word},{rare},{},{}\n", i * 37 % 101, i * 7 % 4, ["no", "yes"][i * i % 7 % 2]);
    }
    std::fs::write(&path, text).unwrap();
    let (kinds, unread) = (vec!["kind".to_string()], vec!["rare".to_string()]);
    let exclude = if is_whole { Vec::new() } else { unread };
    let options = ReadOptions { text: kinds, exclude, ..ReadOptions::default() };
    read(&[path.to_str().unwrap().to_string()], &options, &|_| ()).unwrap()
}

#[test]
fn columns_that_were_not_read_may_be_named_as_those_to_leave_out() {
    let mut survey = Survey::of(&part(0, 90, false));
    survey.merge(Survey::of(&part(90, 200, false))).unwrap();
    let encoding =
        |name: &str| Encoding { target: "y".to_string(), exclude: vec![name.to_string()], ..Encoding::default() };
    let (learnt, _) = survey.learn("parts", &encoding("rare")).unwrap();
    assert_eq!(learnt.encoder.columns(), ["x", "word", "kind"]);
    assert!(matches!(survey.learn("parts", &encoding("raro")), Err(Error::UnknownColumn { .. })));
}

#[test]
fn parts_teach_what_the_whole_does() {
    let encoding = |min_level_count: usize| Encoding {
        target: "y".to_string(),
        categorical: vec!["kind".to_string()],
        min_level_count,
        interactions: vec![("x".to_string(), "word".to_string())],
        ..Encoding::default()
    };
    for least in [1, 4, 10, 40] {
        let whole = Encoder::fit(&text(0, 900), &encoding(least)).unwrap();
        let mut survey = Survey::default();
        for (start, end) in [(0, 1), (1, 300), (300, 900)] {
            survey.merge(Survey::of(&text(start, end))).unwrap();
        }
        let (learnt, features) = survey.learn("parts", &encoding(least)).unwrap();
        assert_eq!(learnt.encoder, whole.encoder);
        assert_eq!(survey.n_rows(), 900);
        let columns: usize = features.iter().map(Feature::n_columns).sum();
        assert_eq!(columns, whole.encoder.terms().len());
    }
    let impute = Encoding { missing: Missing::Impute, ..encoding(1) };
    assert!(matches!(Survey::of(&text(0, 90)).learn("parts", &impute), Err(Error::Setting { .. })));
}
