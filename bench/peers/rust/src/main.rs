//! Fits of linfa and smartcore, timed inside the process: `peers FOLDER SETTINGS` prints one JSON object.
//!
//! Reads the dense folders of `bench/fits.py`. Both libraries penalise the sum of the losses, so that their `alpha` is
//! l2 times the number of rows; neither penalises the intercept.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression as Linfa;
use ndarray::{Array1, Array2};
use serde::Deserialize;
use serde_json::{Value, json};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression as Smartcore, LogisticRegressionParameters};

#[derive(Deserialize)]
struct Settings {
    library: String,
    l2: f64,
    repeats: usize,
    budget: f64,
    /// linfa's tolerance of the gradient; its own where there is none. Then as many iterations as it takes.
    tolerance: Option<f64>,
}

struct Dense {
    x: Vec<f64>,
    y: Vec<f64>,
    n_columns: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, settings] = arguments.as_slice() else { return Err("usage: peers FOLDER SETTINGS".into()) };
    let settings: Settings = serde_json::from_str(settings)?;
    let data = read(Path::new(folder))?;
    let told = match settings.library.as_str() {
        "linfa" => linfa(data, &settings)?,
        _ => smartcore(data, &settings)?,
    };
    println!("{told}");
    Ok(())
}

fn linfa(data: Dense, settings: &Settings) -> Result<Value, Box<dyn Error>> {
    let n = data.y.len();
    let x = Array2::from_shape_vec((n, data.n_columns), data.x)?;
    let y: Array1<bool> = data.y.iter().map(|&y| y == 1.0).collect();
    let data = Dataset::new(x, y);
    let mut model = Linfa::default().alpha(settings.l2 * n as f64);
    if let Some(tolerance) = settings.tolerance {
        model = model.gradient_tolerance(tolerance).max_iterations(10_000);
    }
    let (seconds, fit) = repeated(settings, || Ok(model.fit(&data)?))?;
    // Which of the two classes counts as positive is the library's choice.
    let sign = if fit.labels().pos.class { 1.0 } else { -1.0 };
    let weight: Vec<f64> = fit.params().iter().map(|w| sign * w).collect();
    Ok(json!({ "seconds": seconds, "weight": weight, "bias": [sign * fit.intercept()] }))
}

fn smartcore(data: Dense, settings: &Settings) -> Result<Value, Box<dyn Error>> {
    let n = data.y.len();
    let x = DenseMatrix::new(n, data.n_columns, data.x, false)?;
    let y: Vec<i32> = data.y.iter().map(|&y| y as i32).collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(settings.l2 * n as f64);
    let (seconds, fit) = repeated(settings, || Ok(Smartcore::fit(&x, &y, parameters.clone())?))?;
    let weight: Vec<f64> = fit.coefficients().iterator(0).copied().collect();
    let bias: Vec<f64> = fit.intercept().iterator(0).copied().collect();
    Ok(json!({ "seconds": seconds, "weight": weight, "bias": bias }))
}

/// The seconds of every repeat, and the last fit.
fn repeated<T>(
    settings: &Settings,
    once: impl Fn() -> Result<T, Box<dyn Error>>,
) -> Result<(Vec<f64>, T), Box<dyn Error>> {
    let mut seconds: Vec<f64> = Vec::new();
    loop {
        let start = Instant::now();
        let fit = once()?;
        seconds.push(start.elapsed().as_secs_f64());
        if seconds.len() >= settings.repeats || seconds.iter().sum::<f64>() > settings.budget {
            return Ok((seconds, fit));
        }
    }
}

fn read(folder: &Path) -> Result<Dense, Box<dyn Error>> {
    let description: Value = serde_json::from_slice(&std::fs::read(folder.join("data.json"))?)?;
    let n_columns = description["features"][0]["n_columns"].as_u64().ok_or("a dense matrix is needed")?;
    let numbers = |name: &str| -> Result<Vec<f64>, Box<dyn Error>> {
        let bytes = std::fs::read(folder.join(name))?;
        let (whole, _) = bytes.as_chunks::<8>();
        Ok(whole.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect())
    };
    Ok(Dense { x: numbers("x.f64")?, y: numbers("y.f64")?, n_columns: usize::try_from(n_columns)? })
}
