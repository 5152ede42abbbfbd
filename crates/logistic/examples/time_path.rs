//! How long a path takes: `cargo run --release --example time_path [ROWS COLUMNS] [ridge]`.

use logistic::dataset::Dataset;
use logistic::model::{LogisticRegression, Penalty};
use logistic::random::numpy::RandomState;

#[allow(clippy::print_stdout)]
fn main() {
    let typed: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (n, p) = (typed.first().copied().unwrap_or(10_000), typed.get(1).copied().unwrap_or(200));
    let mut rng = RandomState::new(0);
    let x: Vec<f64> = (0..n * p).map(|_| rng.standard_normal()).collect();
    let effect: Vec<f64> = (0..p).map(|j| if j % 10 == 0 { rng.standard_normal() * 0.5 } else { 0.0 }).collect();
    let score = |row: &[f64]| row.iter().zip(&effect).map(|(x, w)| x * w).sum::<f64>();
    let y = x.chunks_exact(p).map(|row| f64::from(rng.random_sample() < 1.0 / (1.0 + (-score(row)).exp()))).collect();
    let data = Dataset::from_rows(&x, p, y).expect("finite numbers");
    let settings = LogisticRegression {
        penalty: Penalty { standardised: true, ..Penalty::default() },
        ..LogisticRegression::default()
    };
    let ratio = if std::env::args().any(|word| word == "ridge") { 0.0 } else { 1.0 };
    let start = std::time::Instant::now();
    let path = settings.path(&data.rows(), ratio, 100).expect("a path");
    println!("{n} rows, {p} columns: {} values in {:.2} s", path.points.len(), start.elapsed().as_secs_f64());
    for point in path.points.iter().step_by(10) {
        let total = point.total();
        println!(
            "{total:.3e} {} {:.5} {:.1e} {:?}",
            point.n_nonzero, point.deviance_explained, point.gap, point.termination
        );
    }
}
