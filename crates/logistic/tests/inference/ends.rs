//! The ends of intervals by profile, against refits with the coefficient held and against arithmetic on paper.

use logistic::dataset::{Dataset, Feature};
use logistic::model::LogisticRegression;
use logistic::random::torch::Generator;
use logistic::solver::Go;

use crate::cases::{Case, all, close, filtered, fits};

/// Half the 95 % quantile of chi-squared with one degree of freedom.
const HALF_CHI2: f64 = 1.920_729_410_347_062;

#[test]
fn a_coefficient_that_runs_off_has_one_end() {
    // n·log σ(w) falls to −1.92 at σ(w) = exp(−1.92/n).
    let n = 8;
    let x: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let data = Dataset::from_rows(&x, 1, x.iter().map(|x| f64::from(*x > 0.0)).collect()).unwrap();
    let settings = LogisticRegression { intercept: false, ..LogisticRegression::default() };
    let share = (-HALF_CHI2 / n as f64).exp();
    let expected = (share / (1.0 - share)).ln();
    let low = settings.profile_bound(&data.rows(), 0, true).unwrap().unwrap();
    close(low, expected, 1e-7, "lower end");
    let mirrored = Dataset::from_rows(&x, 1, x.iter().map(|x| f64::from(*x < 0.0)).collect()).unwrap();
    let high = settings.profile_bound(&mirrored.rows(), 0, false).unwrap().unwrap();
    close(high, -expected, 1e-7, "upper end");
    // A group of 5 rows that are all positive, beside one of 3 positive rows in 10: with b given the other way round,
    // the bound is where 3·b − 10·log(1 + eᵇ) − 5·log(1 + e^(−b − w)) peaks 1.92 below 3·log 0.3 + 7·log 0.7.
    let group: Vec<f64> = (0..15).map(|i| f64::from(i >= 10)).collect();
    let y = (0..15).map(|i| f64::from(!(3..10).contains(&i))).collect();
    let data = Dataset::from_rows(&group, 1, y).unwrap();
    let low = LogisticRegression::default().profile_bound(&data.rows(), 0, true).unwrap().unwrap();
    let log_likelihood = |b: f64| 3.0 * b - 10.0 * b.exp().ln_1p() - 5.0 * (-b - low).exp().ln_1p();
    let peak = (0..2_000_001).map(|i| log_likelihood(-2.0 + f64::from(i) * 2e-6)).fold(f64::NEG_INFINITY, f64::max);
    close(peak, 3.0 * 0.3f64.ln() + 7.0 * 0.7f64.ln() - HALF_CHI2, 1e-9, "profile at the end");
}

#[test]
fn the_one_end_among_other_columns() {
    // `sex2` is quasi-completely separated by `dia`, whose rows all have the outcome; what is left is the fit to the rest.
    let fits = fits("firth");
    let case = Case::read(fits.iter().find(|fit| fit["id"] == "sex2.main").unwrap());
    let low = case.settings.profile_bound(&case.data.rows(), 5, true).unwrap().unwrap();
    let Feature::Number(dia) = &case.data.features()[5] else { panic!() };
    let dia: Vec<f64> = dia.iter().collect();
    let others: Vec<Feature> = case.data.features()[..5].to_vec();
    let fit = |data: &Dataset| case.settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap().facts.log_likelihood;
    let rest: Vec<usize> = (0..dia.len()).filter(|&i| dia[i] == 0.0).collect();
    assert!((0..dia.len()).all(|i| dia[i] == 0.0 || case.data.y()[i] == 1.0));
    let without = Dataset::new(others, case.data.y().to_vec(), None).unwrap();
    let supremum = fit(&filtered(&without, &rest));
    let held = fit(&without.offset_by(dia.iter().map(|x| low * x).collect()).unwrap());
    close(held, supremum - HALF_CHI2, 1e-8, "profile at the end");
}

/// A small dataset of skewed columns, often close to separated.
fn small(seed: u64) -> Dataset {
    let mut rng = Generator::manual_seed(seed);
    let (n, p) = (12 + (seed % 5) as usize * 7, 1 + (seed % 3) as usize);
    let mut draw = || f64::from(rng.random_i64() as u32) / f64::from(u32::MAX);
    let x: Vec<f64> = (0..n * p).map(|_| 1.0 + draw().powi(3) * 10.0).collect();
    let y = (0..n).map(|i| f64::from(draw() < 1.0 / (1.0 + (2.0 - 0.7 * x[i * p]).exp()))).collect();
    Dataset::from_rows(&x, p, y).unwrap()
}

#[test]
fn ends_are_where_the_likelihood_says() {
    let mut compared = 0;
    for data in (0..150).map(small).filter(|data| data.y().contains(&0.0) && data.y().contains(&1.0)) {
        let settings = LogisticRegression::default();
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        settings.profile(&data.rows(), &mut fit).unwrap();
        let n_columns = data.features().len();
        for (at, (_, inference)) in all(&fit).into_iter().enumerate() {
            let Some(profile) = inference.map(|inference| inference.profile.unwrap()) else { continue };
            for end in [profile.low.unwrap(), profile.high.unwrap()] {
                // The coefficient held at the end, as an offset; the rest fitted without it.
                let kept = (0..n_columns).filter(|j| j + 1 != at).map(|j| data.features()[j].clone()).collect();
                let offset: Vec<f64> = match at {
                    0 => vec![end; data.len()],
                    _ => (0..data.len()).map(|i| end * data.get(i).unwrap().0[at - 1]).collect(),
                };
                let held = Dataset::new(kept, data.y().to_vec(), None).unwrap().offset_by(offset).unwrap();
                let others = LogisticRegression { intercept: at > 0, ..LogisticRegression::default() };
                let held = others.fit(&held.rows(), &mut |_, _| Go::On).unwrap();
                let drop = fit.facts.log_likelihood - held.facts.log_likelihood;
                close(drop, HALF_CHI2, 1e-6, "half the likelihood ratio");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn firth_always_arrives() {
    for seed in 0..150 {
        let data = small(seed);
        if !(data.y().contains(&0.0) && data.y().contains(&1.0)) {
            continue;
        }
        let settings = LogisticRegression { firth: true, ..LogisticRegression::default() };
        let mut fit = settings.fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        assert!(fit.facts.converged(), "{seed}: {}", fit.facts.termination);
        settings.profile(&data.rows(), &mut fit).unwrap();
        for (estimate, inference) in all(&fit) {
            let (estimate, inference) = (estimate.unwrap(), inference.unwrap());
            let profile = inference.profile.unwrap();
            assert!(profile.low.unwrap() < estimate && estimate < profile.high.unwrap(), "{seed}: {inference:?}");
            // Zero lies within the interval just when its test does not reject.
            let outside = profile.low.unwrap() > 0.0 || profile.high.unwrap() < 0.0;
            assert_eq!(inference.lr_test.unwrap().chi2 > 2.0 * HALF_CHI2, outside, "{seed}: {inference:?}");
        }
    }
}
