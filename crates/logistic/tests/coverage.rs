//! Do 95 % intervals hold the truth 95 times in a hundred?

use logistic::dataset::Dataset;
use logistic::loss::sigmoid;
use logistic::model::LogisticRegression;
use logistic::random::numpy::RandomState;
use logistic::solver::Go;

const TRUTH: [f64; 4] = [-0.5, 1.0, 0.0, -0.7];
const ROWS: usize = 400;
const SAMPLES: usize = 2000;

#[test]
fn wald_intervals_cover() {
    let mut rng = RandomState::new(20_240_517);
    let mut held = [0; 4];
    for _ in 0..SAMPLES {
        let x: Vec<f64> = (0..3 * ROWS).map(|_| rng.normal(0.0, 1.0)).collect();
        let z = |row: &[f64]| TRUTH[0] + row.iter().zip(&TRUTH[1..]).map(|(x, w)| x * w).sum::<f64>();
        let y = x.chunks_exact(3).map(|row| f64::from(rng.uniform(0.0, 1.0) < sigmoid(z(row)))).collect();
        let data = Dataset::from_rows(&x, 3, y).unwrap();
        let fit = LogisticRegression::default().fit(&data.rows(), &mut |_, _| Go::On).unwrap();
        let all = fit.bias_inference.iter().chain(&fit.inference);
        for (at, inference) in all.enumerate() {
            let inference = inference.unwrap();
            held[at] += usize::from((inference.ci_low..=inference.ci_high).contains(&TRUTH[at]));
        }
    }
    // Of 2000 intervals that hold with probability 0.95, 93 % to 97 % hold but for once in 10,000 seeds.
    for (at, held) in held.iter().enumerate() {
        let share = *held as f64 / SAMPLES as f64;
        assert!((0.93..=0.97).contains(&share), "coefficient {at}: {share}");
    }
}
