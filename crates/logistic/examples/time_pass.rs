//! How near one pass over the rows comes to the speed of memory, for `bench/fits.py`: `time_pass [ROWS COLUMNS THREADS
//! ROUNDS]` prints one JSON object with seconds and GB per second, medians of rounds in which all take turns.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use logistic::dataset::{Dataset, Feature, Standardisation, Values};
use logistic::loss::BceWithLogits;
use logistic::objective::{EmpiricalRisk, Objective, Order};
use logistic::random::numpy::RandomState;
use rayon::prelude::*;
use serde_json::json;

/// Numbers that a thread reads at a stretch: 512 KiB.
const STRETCH: usize = 65_536;

fn main() -> Result<(), Box<dyn Error>> {
    let typed: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let argument = |at: usize, otherwise: usize| typed.get(at).copied().unwrap_or(otherwise);
    let (n, p, threads, rounds) = (argument(0, 1_000_000), argument(1, 28), argument(2, 2), argument(3, 15));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let data = dataset(n, p)?;
    let [Feature::Matrix { values: Values::F64(values), .. }] = data.features() else { return Err("no matrix".into()) };
    let plain = EmpiricalRisk::new(data.rows(), BceWithLogits::default());
    let standardised = plain.clone().standardised(Standardisation::of(&data.rows(), true));
    let parameters = vec![0.01; p + 1];
    let gradient = |risk: &EmpiricalRisk<'_, BceWithLogits>| risk.sums(black_box(&parameters), Order::Gradient).value;
    let hessian = || standardised.sums(black_box(&parameters), Order::Hessian).value;
    let programs: [(&str, &dyn Fn() -> f64); 4] = [
        ("read", &|| read(black_box(values))),
        ("gradient", &|| gradient(&plain)),
        ("gradient_standardised", &|| gradient(&standardised)),
        ("hessian_standardised", &hessian),
    ];
    let bytes = (n * p * size_of::<f64>()) as f64;
    let mut seconds = vec![Vec::new(); programs.len()];
    for _ in 0..rounds {
        for ((_, program), seconds) in programs.iter().zip(&mut seconds) {
            let start = Instant::now();
            black_box(program());
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let ratios: Vec<Vec<f64>> =
        seconds.iter().map(|own| own.iter().zip(&seconds[0]).map(|(own, read)| read / own).collect()).collect();
    let mut told = json!({ "rows": n, "columns": p, "threads": threads, "rounds": rounds });
    for (((name, _), seconds), ratios) in programs.iter().zip(seconds).zip(ratios) {
        let seconds = median(seconds);
        let speed = bytes / seconds / 1e9;
        told[*name] = json!({ "seconds": seconds, "gb_per_second": speed, "ratio_to_read": median(ratios) });
    }
    println!("{told}");
    Ok(())
}

/// Standard normal columns, row after row, with an outcome that depends on the first.
fn dataset(n: usize, p: usize) -> logistic::Result<Dataset> {
    let mut rng = RandomState::new(0);
    let values: Vec<f64> = (0..n * p).map(|_| rng.standard_normal()).collect();
    let y = values.chunks_exact(p).map(|row| f64::from(row[0] + rng.standard_normal() > 0.0)).collect();
    Dataset::new(vec![Feature::Matrix { values: values.into(), n_columns: p }], y, None)
}

/// The sum of all numbers, which costs no more than reading them.
fn read(values: &[f64]) -> f64 {
    values.par_chunks(STRETCH).map(lanes).sum()
}

fn lanes(values: &[f64]) -> f64 {
    let mut partial = [[0.0; 8]; 4];
    for block in values.as_chunks::<32>().0 {
        for (partial, eight) in partial.iter_mut().zip(block.as_chunks::<8>().0) {
            partial.iter_mut().zip(eight).for_each(|(sum, value)| *sum += value);
        }
    }
    partial.iter().flatten().sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
