//! Rows that an engine holds, such as Spark: what its partitions answer, and the fit of all of them.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::DataType;
use logistic::dataset::Engine;
use logistic::encode::{Encoder, Survey};
use logistic::objective::{answer as answer_of, merge};
use logistic::table::ReadOptions;
use logistic_cli::{Given, Hear, Host, Training};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batches::{Batches, Frames};
use crate::errors::raised;
use crate::pool::watched;
use crate::train::{Trained, misused};

/// What a fit calls its frame, which has no file.
const NAME: &str = "<dataframe>";

/// Refuses settings that no fit can have, before an engine is set to work.
#[pyfunction]
pub(crate) fn check_given(given: Vec<Given>) -> PyResult<()> {
    Training::new(&[NAME.to_string()], &given).map(|_| ()).map_err(|usage| misused("fit", usage))
}

/// What the rows of a partition are like, as JSON.
#[pyfunction]
pub(crate) fn survey(py: Python<'_>, given: Vec<Given>, rows: Batches) -> PyResult<String> {
    logistic_cli::quieten_readers();
    let training = Training::new(&[NAME.to_string()], &given).map_err(|usage| misused("fit", usage))?;
    let mut options = training.reading();
    // What text is must not depend on the partition: a column of it may hold numbers alone in one.
    options.text.extend(rows.names_of(&|kind| kind.is_string() || matches!(kind, DataType::Dictionary(..))));
    let survey = py.detach(|| rows.table(NAME, &options).map(|table| Survey::of(&table))).map_err(raised)?;
    Ok(serde_json::json!(survey).to_string())
}

/// The answer of a partition to a question, as numbers of 64 bits.
#[pyfunction]
#[pyo3(signature = (encoder, weights, question, rows))]
pub(crate) fn answer<'py>(
    py: Python<'py>,
    encoder: &str,
    weights: Option<&str>,
    question: &[u8],
    rows: Batches,
) -> PyResult<Bound<'py, PyBytes>> {
    logistic_cli::quieten_readers();
    let found = py.detach(|| {
        let encoder: Encoder = serde_json::from_str(encoder).map_err(|error| wrong(&error.to_string()))?;
        let needed = encoder.columns().into_iter().chain([encoder.target.column.clone()]);
        let only = needed.chain(weights.map(String::from)).collect();
        let options = ReadOptions { only: Some(only), text: encoder.text_columns(), ..ReadOptions::default() };
        let encoded = encoder.labelled(&rows.table(NAME, &options)?, weights)?;
        answer_of(question, &encoded.dataset.rows())
    });
    let bytes: Vec<u8> = found.map_err(raised)?.iter().flat_map(|number| number.to_le_bytes()).collect();
    Ok(PyBytes::new(py, &bytes))
}

fn wrong(problem: &str) -> logistic::Error {
    logistic::Error::Engine {
        engine: NAME.to_string(),
        problem: problem.to_string(),
        help: "look at the log of the executors; the same version of logistic must be on all of them".to_string(),
    }
}

/// Partitions that Python asks.
struct Asked {
    /// Called with a question; gives the answers of the partitions in their order.
    ask: Py<PyAny>,
    encoder: String,
    weights: Option<String>,
    /// What Python raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAME)
    }
}

impl Engine for Asked {
    fn ask(&self, question: &[u8]) -> logistic::Result<Vec<f64>> {
        let answers = Python::attach(|py| {
            let question = PyBytes::new(py, question);
            self.ask.call1(py, (&self.encoder, self.weights.as_deref(), question))?.extract::<Vec<Vec<u8>>>(py)
        });
        let answers = answers.map_err(|error| {
            let words = error.to_string();
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            wrong(&words)
        })?;
        let mut all = Vec::new();
        for bytes in answers {
            let numbers: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect();
            merge(question, &mut all, &numbers)?;
        }
        Ok(all)
    }
}

/// Fits the rows that `surveys` are of, partition by partition; `ask(encoder, weights, question)` gives their answers.
#[pyfunction]
#[pyo3(signature = (given, surveys, ask, progress=None))]
pub(crate) fn train_elsewhere(
    py: Python<'_>,
    given: Vec<Given>,
    surveys: Vec<String>,
    ask: Py<PyAny>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Trained> {
    let training = Training::new(&[NAME.to_string()], &given).map_err(|usage| misused("fit", usage))?;
    let failure = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&failure);
    let fitted = watched(py, progress, move |watch| {
        let mut survey = Survey::default();
        for part in surveys {
            survey.merge(serde_json::from_str(&part).map_err(|error| wrong(&error.to_string()))?)?;
        }
        let engine = |encoder: &Encoder, weights: Option<&str>| -> Arc<dyn Engine> {
            let ask = Python::attach(|py| ask.clone_ref(py));
            let (encoder, weights) = (serde_json::json!(encoder).to_string(), weights.map(String::from));
            Arc::new(Asked { ask, encoder, weights, raised: Arc::clone(&kept) })
        };
        let hear = |_, _| -> Hear<'_> { Box::new(|iteration, step| watch.hear(iteration + 1, step)) };
        let frames = Frames(Vec::new());
        let read = |names: &[String], options: &ReadOptions| frames.read(names, options);
        let host = Host { read: &read, hear: &hear, go: &|| watch.go() };
        Ok(Trained::of_training(training.run_elsewhere(host, &survey, &engine)?))
    });
    // What Python raised says more than that there was no answer.
    let cause = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    fitted.inspect_err(|error| {
        if let Some(cause) = cause {
            error.set_cause(py, Some(cause));
        }
    })
}

/// Adds what stands here to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_given, module)?)?;
    module.add_function(wrap_pyfunction!(survey, module)?)?;
    module.add_function(wrap_pyfunction!(answer, module)?)?;
    module.add_function(wrap_pyfunction!(train_elsewhere, module)?)
}
