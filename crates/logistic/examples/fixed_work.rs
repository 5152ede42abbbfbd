//! Work that is always the same, for `bench/instructions.py` to count its instructions: `fixed_work NAME`. One thread.

use std::hint::black_box;

use logistic::dataset::{Dataset, Feature, Standardisation};
use logistic::loss::BceWithLogits;
use logistic::model::{LogisticRegression, Penalty};
use logistic::objective::{EmpiricalRisk, Objective, Order};
use logistic::random::numpy::RandomState;
use logistic::solver::Go;

const ROWS: usize = 4096;
const COLUMNS: usize = 28;

#[allow(clippy::print_stderr)]
fn main() -> logistic::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let data = rows(2)?;
    match name.as_str() {
        // What the others cost besides their own: the data.
        "data" => {}
        "gradient" => pass(&data, Order::Gradient),
        "hessian" => pass(&data, Order::Hessian),
        "ridge" => fit(&data, Penalty::ridge(1.0 / ROWS as f64))?,
        "lasso" => fit(&data, Penalty { l1: 0.01, ..Penalty::default() })?,
        "softmax" => fit(&rows(4)?, Penalty::ridge(1.0 / ROWS as f64))?,
        "inference" => fit(&data, Penalty::default())?,
        _ => eprintln!("no such work: `{name}`"),
    }
    Ok(())
}

fn rows(classes: usize) -> logistic::Result<Dataset> {
    let mut rng = RandomState::new(0);
    let x: Vec<f64> = (0..ROWS * COLUMNS).map(|_| rng.standard_normal()).collect();
    let score = |row: &[f64]| (row[0] + row[1] + 1.5 * rng.standard_normal() + 1.5) * classes as f64 / 3.0;
    let last = (classes - 1) as f64;
    let y: Vec<f64> = x.chunks_exact(COLUMNS).map(score).map(|score| score.floor().clamp(0.0, last)).collect();
    let matrix = Feature::Matrix { values: x.into(), n_columns: COLUMNS };
    Dataset::new(vec![matrix], vec![0.0; ROWS], None)?.of_classes(y, classes)
}

/// Passes enough to outweigh the making of the data.
fn pass(data: &Dataset, order: Order) {
    let standard = Standardisation::of(&data.rows(), true);
    let risk = EmpiricalRisk::new(data.rows(), BceWithLogits::default()).standardised(standard);
    for _ in 0..20 {
        black_box(risk.sums(black_box(&[0.01; COLUMNS + 1]), order));
    }
}

fn fit(data: &Dataset, penalty: Penalty) -> logistic::Result<()> {
    let model = LogisticRegression { penalty, ..LogisticRegression::default() };
    black_box(model.fit(&data.rows(), &mut |_, _| Go::On)?);
    Ok(())
}
