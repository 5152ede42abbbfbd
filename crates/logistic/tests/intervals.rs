//! Intervals cover what they should as often as they say, and the same seed gives the same ends.

use logistic::evaluate::{Comparison, DeLong, Evaluation, Interval, Intervals, log_loss};
use logistic::random::numpy::RandomState;

/// Rows whose probabilities are right: logit 1.5·z for a normal z.
fn calibrated(n: usize, random: &mut RandomState) -> (Vec<f64>, Vec<f64>) {
    let row = |_| {
        let p = 1.0 / (1.0 + (-1.5 * random.standard_normal()).exp());
        (p, f64::from(u8::from(random.random_sample() < p)))
    };
    (0..n).map(row).unzip()
}

/// The ends of every interval, in the order of the struct; −9 stands for an end that does not exist.
fn ends(of: &Intervals) -> Vec<f64> {
    let intervals = [
        of.accuracy,
        of.precision,
        of.recall,
        of.false_positive_rate,
        of.specificity,
        of.negative_predictive_value,
        of.f1,
        of.mcc,
        of.roc_auc,
        of.average_precision,
        of.log_loss,
        of.brier,
        of.calibration_intercept,
        of.calibration_slope,
    ];
    intervals
        .into_iter()
        .flat_map(|interval| interval.map_or([-9.0; 2], |Interval { low, high }| [low, high]))
        .collect()
}

/// True values of the population by one large sample. A share of 95 % has a standard error of 1.3 % over 300 samples; on
/// samples of 250 rows percentile intervals cover 93 or 94 %.
#[test]
fn intervals_cover() {
    const SAMPLES: usize = 300;
    let mut random = RandomState::new(7);
    let (p, y) = calibrated(400_000, &mut random);
    let whole = Evaluation::new(&p, &y, None, 0.4).unwrap();
    let matrix = &whole.confusion;
    let truth = [
        matrix.accuracy(),
        matrix.precision(),
        matrix.recall(),
        matrix.f1(),
        matrix.mcc(),
        whole.roc_auc(),
        whole.average_precision(),
        Some(whole.log_loss),
        Some(whole.brier),
        Some(0.0),
        Some(1.0),
    ];
    let mut covered = [0; 11];
    for sample in 0..SAMPLES {
        let (p, y) = calibrated(250, &mut random);
        let found = Intervals::new(&p, &y, None, 0.4, 200, sample as u64).unwrap();
        let found = [
            found.accuracy,
            found.precision,
            found.recall,
            found.f1,
            found.mcc,
            found.roc_auc,
            found.average_precision,
            found.log_loss,
            found.brier,
            found.calibration_intercept,
            found.calibration_slope,
        ];
        for (covered, (truth, found)) in covered.iter_mut().zip(truth.into_iter().zip(found)) {
            let (truth, Interval { low, high }) = (truth.unwrap(), found.unwrap());
            *covered += usize::from(low <= truth && truth <= high);
        }
    }
    for (metric, covered) in covered.into_iter().enumerate() {
        let share = covered as f64 / SAMPLES as f64;
        assert!((0.90..=0.99).contains(&share), "metric {metric} is covered {share} of the time");
    }
}

/// Two models that see the truth through noise of the same size: each test calls them different one time in twenty, to
/// within 3 standard errors of 500 samples.
#[test]
fn equal_models_are_seldom_told_apart() {
    let mut random = RandomState::new(13);
    let mut noisy = |p: &[f64]| -> Vec<f64> {
        let logit = |p: f64| (p / (1.0 - p)).ln();
        p.iter().map(|&p| 1.0 / (1.0 + (-logit(p) - random.standard_normal()).exp())).collect()
    };
    let mut rows = RandomState::new(17);
    let mut different = [0; 2];
    for _ in 0..500 {
        let (p, y) = calibrated(200, &mut rows);
        let found = Comparison::new([&noisy(&p), &noisy(&p)], &y, None).unwrap();
        let tests = [found.roc_auc_difference, found.log_loss_difference];
        for (different, test) in different.iter_mut().zip(tests) {
            *different += usize::from(test.unwrap().p_value < 0.05);
        }
    }
    assert!(different.iter().all(|times| (11..=39).contains(times)), "{different:?} of 500");
}

/// Of a mean over rows the bootstrap's variance is known: var/n.
#[test]
fn many_resamples_have_the_spread_that_arithmetic_gives() {
    let mut random = RandomState::new(11);
    let (p, y) = calibrated(2000, &mut random);
    let loss = |p: f64, y: f64| if y == 1.0 { -p.ln() } else { -(1.0 - p).ln() };
    let losses: Vec<f64> = p.iter().zip(&y).map(|(&p, &y)| loss(p, y)).collect();
    let mean = losses.iter().sum::<f64>() / 2000.0;
    let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / 2000.0_f64.powi(2);
    let Interval { low, high } = Intervals::new(&p, &y, None, 0.5, 10_000, 3).unwrap().log_loss.unwrap();
    let (middle, half) = (log_loss(&p, &y, None).unwrap(), 1.959_964 * variance.sqrt());
    // The quantiles of 10,000 resamples are sure to a fortieth of the standard error.
    assert!((low - (middle - half)).abs() < 0.06 * half, "{low}");
    assert!((high - (middle + half)).abs() < 0.06 * half, "{high}");
}

#[test]
fn the_same_seed_gives_the_same_bits_for_any_number_of_threads() {
    let (p, y) = calibrated(3000, &mut RandomState::new(5));
    let weight: Vec<f64> = (0..3000).map(|row| f64::from(row % 7)).collect();
    let on_threads = |threads, seed, weight| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| ends(&Intervals::new(&p, &y, weight, 0.5, 150, seed).unwrap()))
    };
    for weight in [None, Some(&weight[..])] {
        assert_eq!(on_threads(1, 9, weight), on_threads(3, 9, weight));
        assert_ne!(on_threads(2, 9, weight), on_threads(2, 10, weight));
        assert_ne!(on_threads(2, 9, weight), on_threads(2, 9 + (1 << 32), weight), "the seed's upper half counts");
    }
}

#[test]
fn only_weights_relative_to_each_other_count() {
    let (p, y) = calibrated(400, &mut RandomState::new(2));
    let intervals = |weight: Option<&[f64]>| ends(&Intervals::new(&p, &y, weight, 0.5, 120, 1).unwrap());
    let plain = intervals(None);
    for (a, b) in plain.iter().zip(intervals(Some(&[4.0; 400]))) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    // Rows of weight 0 are no rows.
    let haunted = |of: &[f64], ghost: f64| of.iter().flat_map(|&value| [ghost, value]).collect::<Vec<f64>>();
    let (more_p, more_y, weight) = (haunted(&p, 0.9), haunted(&y, 0.0), haunted(&[1.0; 400], 0.0));
    let found = ends(&Intervals::new(&more_p, &more_y, Some(&weight), 0.5, 120, 1).unwrap());
    for (a, b) in plain.iter().zip(found) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    let lone: Vec<f64> = (0..400).map(|row| if row == 0 { 1e9 } else { 1.0 }).collect();
    let one_row = Intervals::new(&p, &y, Some(&lone), 0.5, 0, 0).unwrap().accuracy.unwrap();
    assert!(one_row.high - one_row.low > 0.7, "one row is nearly all there is");
    for scale in [1e-140, 1e140] {
        let weight: Vec<f64> = lone.iter().map(|weight| weight * scale).collect();
        assert!(Intervals::new(&p, &y, Some(&weight), 0.5, 100, 0).unwrap().log_loss.is_some());
    }
}

#[test]
fn what_cannot_be_known_is_absent() {
    let separated = ([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let found = Intervals::new(&separated.0, &separated.1, None, 0.5, 100, 0).unwrap();
    assert_eq!((found.f1, found.mcc, found.roc_auc, found.average_precision), (None, None, None, None));
    assert_eq!((found.calibration_intercept, found.calibration_slope), (None, None));
    assert!(found.log_loss.is_some() && found.accuracy.is_some());
    // Weights do not make separated classes uncertain either.
    let weight = [1.0, 2.0, 1.0, 3.0, 1.0, 1.0];
    assert_eq!(Intervals::new(&separated.0, &separated.1, Some(&weight), 0.5, 100, 0).unwrap().roc_auc, None);
    let one_class = Intervals::new(&[0.1, 0.6, 0.7], &[1.0; 3], None, 0.5, 100, 0).unwrap();
    assert_eq!((one_class.roc_auc, one_class.specificity, one_class.calibration_slope), (None, None, None));
    let one_row = Intervals::new(&[0.1], &[1.0], None, 0.5, 100, 0).unwrap();
    assert_eq!((one_row.log_loss, one_row.f1), (None, None));
    assert!(one_row.recall.is_some());
    assert_eq!(DeLong::new(&[0.1, 0.6, 0.5], &[0.0, 1.0, 0.0], None).unwrap(), None, "one positive row");
    let error = Intervals::new(&[0.1], &[1.0], None, 0.5, 2_000_000, 0).unwrap_err().to_string();
    assert_eq!(error, "`bootstrap` must be from 0 to 1000000, found 2000000");
    assert_eq!([0, 200_000, 1_000_000, 50_000_000].map(Intervals::resamples_for), [1000, 1000, 200, 100]);
    assert_eq!(Interval::wilson(2.0, 1.0), None);
    assert_eq!(Interval::wilson(f64::NAN, 1.0), None);
    assert_eq!(Interval::wilson(0.0, 0.0), None);
}
