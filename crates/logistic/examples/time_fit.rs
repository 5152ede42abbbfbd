//! Times fits of one dataset, for `bench/fits.py`: `time_fit FOLDER SETTINGS` prints one JSON object.
//!
//! The folder is described in `folder/mod.rs`; the settings are JSON, `{"l2": 1e-6, "repeats": 3}`. The clock covers the
//! fit alone: the dataset stands in memory before.
#![allow(clippy::print_stdout)]

mod folder;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use logistic::dataset::{Dataset, Folds};
use logistic::model::{Fit, LogisticRegression, PathPoint, Penalty, Rule};
use logistic::solver::Go;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    l1: f64,
    l2: f64,
    /// Whether the penalty acts on standardised columns.
    standardised: bool,
    /// All cores where 0.
    threads: usize,
    repeats: usize,
    /// After so many seconds of fitting, nothing is repeated any more.
    budget: f64,
    /// Whether the columns of a matrix are handed over one by one.
    as_columns: bool,
    /// Instead of one fit: the lasso's path, and its penalty chosen over so many folds.
    folds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            l1: 0.0,
            l2: 0.0,
            standardised: false,
            threads: 0,
            repeats: 1,
            budget: 10.0,
            as_columns: false,
            folds: 0,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, settings] = arguments.as_slice() else { return Err("usage: time_fit FOLDER SETTINGS".into()) };
    let settings: Settings = serde_json::from_str(settings)?;
    rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build_global()?;
    let data = folder::read(Path::new(folder), settings.as_columns)?;
    let penalty =
        Penalty { l1: settings.l1, l2: settings.l2, standardised: settings.standardised, ..Penalty::default() };
    let model = LogisticRegression { penalty, ..LogisticRegression::default() };
    let (seconds, mut told) = match settings.folds {
        0 => repeated(&settings, || Ok(described(&model.fit(&data.rows(), &mut |_, _| Go::On)?)))?,
        folds => repeated(&settings, || cross_validated(&model, &data, folds))?,
    };
    told["seconds"] = json!(seconds);
    told["peak_bytes"] = json!(peak_bytes());
    println!("{told}");
    Ok(())
}

/// The seconds of every repeat, and what the last one found.
fn repeated(
    settings: &Settings,
    once: impl Fn() -> Result<Value, Box<dyn Error>>,
) -> Result<(Vec<f64>, Value), Box<dyn Error>> {
    let mut seconds: Vec<f64> = Vec::new();
    loop {
        let start = Instant::now();
        let told = once()?;
        seconds.push(start.elapsed().as_secs_f64());
        if seconds.len() >= settings.repeats || seconds.iter().sum::<f64>() > settings.budget {
            return Ok((seconds, told));
        }
    }
}

fn described(fit: &Fit) -> Value {
    // A coefficient that was left out adds nothing to a prediction.
    let weight: Vec<f64> = fit.weight.iter().map(|weight| weight.unwrap_or(0.0)).collect();
    json!({
        "weight": weight,
        "bias": fit.bias,
        "objective": fit.facts.objective,
        "gap_bound": fit.facts.gap,
        "termination": fit.facts.termination,
        "iterations": fit.facts.iterations,
    })
}

fn cross_validated(model: &LogisticRegression, data: &Dataset, folds: usize) -> Result<Value, Box<dyn Error>> {
    let rows = data.rows();
    let folds = Folds::stratified(&rows, folds, 0)?;
    let (found, path) = model.cross_validate(&rows, &folds, &[1.0], Rule::Minimum)?;
    let point = |point: &PathPoint| {
        let weight: Vec<f64> = point.weight.iter().map(|weight| weight.unwrap_or(0.0)).collect();
        json!({ "l1": point.l1, "weight": weight, "bias": point.bias })
    };
    Ok(json!({
        "path": path.points.iter().map(point).collect::<Vec<Value>>(),
        "chosen_l1": found.chosen().l1,
        "termination": path.points.iter().map(|point| point.termination.name()).max(),
        "gap_bound": path.points.iter().map(|point| point.gap).fold(0.0, f64::max),
    }))
}

/// The most memory that the process held, where Linux tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
