//! The certificate against the true minima of 1,000 small random problems (`testdata/golden/make_gaps.py`): the gap that
//! a fit reports is never below the one it has, wherever its solver ended.

use logistic::dataset::Dataset;
use logistic::model::{Fit, LogisticRegression, Method, Penalty};
use logistic::solver::{Go, Termination};
use serde_json::Value;

/// What an objective over 60 rows is rounded by, relative.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// What is called converged, in nats over all rows.
const CONVERGED: f64 = 1e-8;

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014, figure 2).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, m: u64) -> i64 {
        ((self.next() >> 33) % m) as i64
    }
}

struct Problem {
    data: Dataset,
    settings: LogisticRegression,
}

fn problem(i: u64) -> Problem {
    let mut g = SplitMix64(i);
    let (n, p) = (20 + g.below(41), 1 + g.below(5));
    let (a, b) = (g.below(8), g.below(12));
    let v: Vec<i64> = (0..p).map(|_| g.below(4097) - 2048).collect();
    let (mut x, mut y, mut s) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let k: Vec<i64> = (0..p).map(|_| g.below(4097) - 2048).collect();
        let e = g.below(8193) - 4096;
        let score: i64 = k.iter().zip(&v).map(|(k, v)| k * v).sum();
        y.push(f64::from(score + 1024 * e > 0));
        s.push((1 + g.below(16)) as f64 / 4.0);
        x.extend(k.iter().map(|&k| k as f64 / 1024.0));
    }
    let data = Dataset::from_rows(&x, p as usize, y).unwrap();
    let data = if i / 4 % 3 == 2 { data.weighted(s).unwrap() } else { data };
    let l1 = if i % 4 >= 2 { 2f64.powi(-(2 + a as i32)) } else { 0.0 };
    let l2 = if i % 2 == 1 { 2f64.powi(-(1 + b as i32)) } else { 0.0 };
    let settings = LogisticRegression {
        penalty: Penalty { l1, l2, ..Penalty::default() },
        intercept: i / 12 % 5 != 4,
        ..LogisticRegression::default()
    };
    Problem { data, settings }
}

/// Every problem that has a minimum, with it.
fn problems() -> Vec<(u64, Problem, f64)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/golden/gaps.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let minima = golden["minima"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    let known = (0..).zip(minima).filter_map(|(i, minimum)| Some((i, minimum.as_str()?.parse::<f64>().unwrap())));
    let found: Vec<_> = known.map(|(i, minimum)| (i, problem(i), minimum)).collect();
    assert!(found.len() > 900, "{}", found.len());
    found
}

fn check(i: u64, fit: &Fit, total: f64, minimum: f64) {
    let (objective, gap) = (fit.facts.objective, fit.facts.gap);
    let true_gap = objective - minimum;
    assert!(true_gap >= -ROUNDING * minimum, "problem {i}: {objective} below the minimum {minimum}");
    assert!(true_gap <= gap + ROUNDING * objective, "problem {i}: {gap} reported, {true_gap} true");
    if fit.termination() == Termination::Converged {
        assert!(true_gap * total <= CONVERGED + ROUNDING * objective * total, "problem {i}: {true_gap} converged");
    }
}

#[test]
fn newton() {
    for (i, Problem { data, settings }, minimum) in problems() {
        let total = data.rows().total_weight();
        let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        assert_eq!(fit.termination(), Termination::Converged, "problem {i}: {}", fit.facts.gap);
        check(i, &fit, total, minimum);
        // Stopped after one, two, and three steps.
        for steps in 0..3 {
            let stop = &mut |iteration, _: &_| if iteration == steps { Go::Stop } else { Go::On };
            check(i, &settings.fit(&data.rows(), stop).unwrap(), total, minimum);
        }
    }
}

#[test]
fn gradient_methods() {
    let sgd = |epochs| Method::Sgd { learning_rate: 0.1, epochs, batch_size: 8, seed: 0 };
    for (i, Problem { data, settings }, minimum) in problems() {
        if settings.penalty.l1 > 0.0 {
            continue;
        }
        let total = data.rows().total_weight();
        for method in [Method::Lbfgs, sgd(1), sgd(5), sgd(50)] {
            let settings = LogisticRegression { method, ..settings.clone() };
            let fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
            check(i, &fit, total, minimum);
            let expected = match method {
                Method::Lbfgs => Termination::Converged,
                _ => Termination::MaxIterations,
            };
            // Fifty epochs may well arrive; one may not.
            if method == Method::Lbfgs || method == sgd(1) {
                assert_eq!(fit.termination(), expected, "problem {i} {method:?}: {}", fit.facts.gap);
            }
        }
    }
}
