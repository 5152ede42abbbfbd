//! Micro-benchmarks of what a fit is made of, through the public interface: `cargo bench --bench kernels`.
//!
//! One thread, and rows that fit the caches, so that arithmetic is measured and not memory or scheduling.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use logistic::dataset::{Dataset, Feature, Standardisation, Values};
use logistic::loss::{BceWithLogits, Block, CrossEntropy, Loss, sigmoid};
use logistic::objective::{EmpiricalRisk, Objective, Order};
use logistic::random::numpy::RandomState;

/// Eight panels: one chunk, which one thread works on.
const ROWS: usize = 4096;
const COLUMNS: [usize; 2] = [28, 200];
const CLASSES: usize = 10;

fn main() {
    divan::main();
}

/// How the numbers of a dataset stand in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Columns,
    Rows,
    Rows32,
}

const LAYOUTS: [Layout; 3] = [Layout::Columns, Layout::Rows, Layout::Rows32];

fn normal(count: usize) -> Vec<f64> {
    let mut rng = RandomState::new(0);
    (0..count).map(|_| rng.standard_normal()).collect()
}

fn outcomes(classes: usize) -> Vec<f64> {
    (0..ROWS).map(|i| (i * 7 % classes) as f64).collect()
}

fn dataset(n_columns: usize, layout: Layout) -> Dataset {
    let x = normal(ROWS * n_columns);
    let matrix = |values: Values| Dataset::new(vec![Feature::Matrix { values, n_columns }], outcomes(2), None);
    let data = match layout {
        Layout::Columns => Dataset::from_rows(&x, n_columns, outcomes(2)),
        Layout::Rows => matrix(x.into()),
        Layout::Rows32 => matrix(x.into_iter().map(|x| x as f32).collect()),
    };
    data.expect("finite numbers")
}

/// One pass of an order over all rows.
fn pass(bencher: Bencher<'_, '_>, data: &Dataset, loss: impl Loss, order: Order) {
    let risk = EmpiricalRisk::new(data.rows(), loss).standardised(Standardisation::of(&data.rows(), true));
    let parameters = vec![0.01; risk.n_parameters()];
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| risk.sums(black_box(&parameters), order));
}

#[divan::bench(args = COLUMNS)]
fn value(bencher: Bencher<'_, '_>, n_columns: usize) {
    pass(bencher, &dataset(n_columns, Layout::Columns), BceWithLogits::default(), Order::Value);
}

#[divan::bench(args = LAYOUTS, consts = COLUMNS)]
fn gradient<const N: usize>(bencher: Bencher<'_, '_>, layout: Layout) {
    pass(bencher, &dataset(N, layout), BceWithLogits::default(), Order::Gradient);
}

#[divan::bench(args = COLUMNS)]
fn hessian(bencher: Bencher<'_, '_>, n_columns: usize) {
    pass(bencher, &dataset(n_columns, Layout::Columns), BceWithLogits::default(), Order::Hessian);
}

#[divan::bench(args = COLUMNS)]
fn softmax_gradient(bencher: Bencher<'_, '_>, n_columns: usize) {
    let data = dataset(n_columns, Layout::Columns).of_classes(outcomes(CLASSES), CLASSES).expect("ten classes");
    pass(bencher, &data, CrossEntropy { n_classes: CLASSES, base: false }, Order::Gradient);
}

/// Means and spreads: packing the rows into panels, and little more.
#[divan::bench(args = LAYOUTS, consts = COLUMNS)]
fn standardisation<const N: usize>(bencher: Bencher<'_, '_>, layout: Layout) {
    let data = dataset(N, layout);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| Standardisation::of(black_box(&data.rows()), true));
}

/// The loss, its residuals and, where asked for, its curvatures, of logits that are there.
fn add(bencher: Bencher<'_, '_>, loss: impl Loss, classes: usize, curvatures: usize) {
    let (z, y, weight) = (normal(ROWS * loss.n_outputs()), outcomes(classes), vec![1.0; ROWS]);
    let mut curvature = vec![0.0; ROWS * curvatures];
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| z.clone())
        .bench_local_refs(|z| loss.add(&mut Block { z, y: &y, weight: &weight, curvature: &mut curvature }));
}

#[divan::bench]
fn loss(bencher: Bencher<'_, '_>) {
    add(bencher, BceWithLogits::default(), 2, 0);
}

#[divan::bench]
fn loss_with_curvature(bencher: Bencher<'_, '_>) {
    add(bencher, BceWithLogits::default(), 2, 1);
}

#[divan::bench]
fn softmax_loss(bencher: Bencher<'_, '_>) {
    add(bencher, CrossEntropy { n_classes: CLASSES, base: false }, CLASSES, 0);
}

#[divan::bench(name = "sigmoid")]
fn sigmoids(bencher: Bencher<'_, '_>) {
    let z = normal(ROWS);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| black_box(&z).iter().map(|&z| sigmoid(z)).sum::<f64>());
}
