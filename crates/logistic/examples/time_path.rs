//! How long a path takes, with `cv` that of 10-fold cross-validation:
//! `cargo run --release --example time_path [ROWS COLUMNS] [ridge] [cv] [write=FILE]`.
//!
//! With `write`, the numbers are left in a file of native doubles for a peer to read: every row's columns, then all outcomes.

use logistic::dataset::{Dataset, Folds};
use logistic::model::{LogisticRegression, Path, Penalty, Rule};
use logistic::random::numpy::RandomState;

#[allow(clippy::print_stdout)]
fn main() {
    let typed: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (n, p) = (typed.first().copied().unwrap_or(10_000), typed.get(1).copied().unwrap_or(200));
    let mut rng = RandomState::new(0);
    let x: Vec<f64> = (0..n * p).map(|_| rng.standard_normal()).collect();
    let effect: Vec<f64> = (0..p).map(|j| if j % 10 == 0 { rng.standard_normal() * 0.5 } else { 0.0 }).collect();
    let score = |row: &[f64]| row.iter().zip(&effect).map(|(x, w)| x * w).sum::<f64>();
    let y: Vec<f64> =
        x.chunks_exact(p).map(|row| f64::from(rng.random_sample() < 1.0 / (1.0 + (-score(row)).exp()))).collect();
    if let Some(file) = std::env::args().find_map(|word| word.strip_prefix("write=").map(String::from)) {
        let bytes: Vec<u8> = x.iter().chain(&y).flat_map(|value| value.to_ne_bytes()).collect();
        std::fs::write(file, bytes).expect("a file that can be written");
    }
    let data = Dataset::from_rows(&x, p, y).expect("finite numbers");
    let settings = LogisticRegression {
        penalty: Penalty { standardised: true, ..Penalty::default() },
        ..LogisticRegression::default()
    };
    let asked = |what: &str| std::env::args().any(|word| word == what);
    let ratio = if asked("ridge") { 0.0 } else { 1.0 };
    let start = std::time::Instant::now();
    if asked("cv") {
        let folds = Folds::stratified(&data.rows(), 10, 0).expect("ten folds");
        let (found, path) =
            settings.cross_validate(&data.rows(), &folds, &[ratio], Rule::Minimum).expect("a cross-validation");
        let took = start.elapsed().as_secs_f64();
        print(&path);
        let best = found.best();
        println!(
            "{:.4e} {} {:.6} ± {:.6}; {n} rows, {p} columns, 10 folds: {} values in {took:.2} s",
            best.l1 + best.l2,
            best.n_nonzero,
            best.mean_log_loss,
            best.std_error,
            path.points.len()
        );
    } else {
        let path = settings.path(&data.rows(), ratio, 100).expect("a path");
        let took = start.elapsed().as_secs_f64();
        print(&path);
        println!("{n} rows, {p} columns: {} values in {took:.2} s", path.points.len());
    }
}

#[allow(clippy::print_stdout)]
fn print(path: &Path) {
    for point in path.points.iter().step_by(10) {
        let total = point.total();
        println!(
            "{total:.3e} {} {:.5} {:.1e} {:?}",
            point.n_nonzero, point.deviance_explained, point.gap, point.termination
        );
    }
}
