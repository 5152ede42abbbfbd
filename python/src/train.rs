//! The command line's `train`, `predict` and `evaluate`, called with settings by name and with frames.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use logistic::error::Warning;
use logistic::evaluate::Evaluation;
use logistic::export::{Format, error_bound, export};
use logistic::file::OutputFile;
use logistic::table::ReadOptions;
use logistic_cli::{Given, Hear, Host, Measuring, Reporting, Training, Usage};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::batches::{Batches, Frames};
use crate::errors::{Error, raised};
use crate::pool::watched;

/// A model of the command line's kind, and the answer of the `train` or `summary` that it comes from.
#[pyclass(frozen, module = "logistic._core")]
pub(crate) struct Trained {
    model: Arc<logistic::model::Model>,
    answer: String,
}

/// Kind, columns and words.
type Told = (&'static str, Vec<String>, String);

fn told(warnings: &[Warning]) -> Vec<Told> {
    warnings.iter().map(|of| (of.kind(), of.columns().to_vec(), of.to_string())).collect()
}

/// Runs the command line and gives the code to exit with.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, args: Vec<OsString>) -> u8 {
    py.detach(|| logistic_cli::run(args))
}

/// Fits a model to a table: files, or one of the frames by its name.
#[pyfunction]
#[pyo3(signature = (data, given, frames, progress=None))]
pub(crate) fn train(
    py: Python<'_>,
    data: Vec<String>,
    given: Vec<Given>,
    frames: Vec<(String, Batches)>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Trained> {
    logistic_cli::quieten_readers();
    let training = Training::new(&data, &given).map_err(|usage| misused("fit", usage))?;
    let frames = Frames(frames);
    watched(py, progress, move |watch| {
        let hear = |_, _| -> Hear<'_> { Box::new(|iteration, step| watch.hear(iteration + 1, step)) };
        let read = |names: &[String], options: &ReadOptions| frames.read(names, options);
        let trained = training.run(Host { read: &read, hear: &hear, go: &|| watch.go() })?;
        Ok(Trained::of_training(trained))
    })
}

/// What a row is scored with: the number of rows; those that have scores, their probabilities (rows, classes), and the
/// number of the class that each is called; warnings.
type Scored<'py> =
    (usize, Bound<'py, PyArray1<usize>>, Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<usize>>, Vec<Told>);

#[pymethods]
impl Trained {
    /// Reads a model file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        logistic::model::Model::load(&path).map(Trained::of).map_err(raised)
    }

    /// The model of a model file's text, with an answer.
    #[staticmethod]
    fn from_json(text: &str, answer: String) -> PyResult<Self> {
        let model = logistic::model::Model::from_json(text, "model").map_err(raised)?;
        Ok(Trained { model: Arc::new(model), answer })
    }

    /// Writes the model file.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.model.save(&path).map_err(raised)
    }

    /// Writes the model as another format.
    #[pyo3(signature = (path, format, dialect=None))]
    fn export(&self, path: PathBuf, format: &str, dialect: Option<&str>) -> PyResult<()> {
        exported(&self.model, &path, format, dialect)
    }

    /// How far an export's probabilities (rows, classes) may lie from the model's; NaN for a row without any.
    fn export_error<'py>(
        &self,
        py: Python<'py>,
        data: Vec<String>,
        frames: Vec<(String, Batches)>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        logistic_cli::quieten_readers();
        let (model, frames) = (Arc::clone(&self.model), Frames(frames));
        let bounds = watched(py, None, move |_| {
            let table = frames.read(&data, &model.scoring(ReadOptions::default()))?;
            error_bound(&model, &table)
        })?;
        let n_classes = self.model.encoder.target.classes.len();
        let shape = [bounds.len() / n_classes, n_classes];
        PyArray1::from_vec(py, bounds).reshape(shape)
    }

    /// The text of the model file.
    fn to_json(&self) -> PyResult<String> {
        self.model.to_json().map_err(raised)
    }

    /// The answer, as JSON text.
    #[getter]
    fn answer(&self) -> &str {
        &self.answer
    }

    /// The classes, the base or the negative one first.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.model.encoder.target.classes.clone()
    }

    /// Whether the classes are numbers.
    #[getter]
    fn numeric(&self) -> bool {
        self.model.encoder.target.numeric
    }

    /// Probabilities of at least this are called positive, of two classes.
    #[getter]
    fn threshold(&self) -> f64 {
        self.model.threshold
    }

    /// The words of `logistic summary`.
    fn summary(&self) -> String {
        logistic_cli::words(&self.model)
    }

    /// The scores of a table's rows.
    fn score<'py>(&self, py: Python<'py>, data: Vec<String>, frames: Vec<(String, Batches)>) -> PyResult<Scored<'py>> {
        logistic_cli::quieten_readers();
        let (model, frames) = (Arc::clone(&self.model), Frames(frames));
        let (n_rows, scores) = watched(py, None, move |_| {
            let table = frames.read(&data, &model.scoring(ReadOptions::default()))?;
            Ok((table.n_rows(), model.score_table(&table)?))
        })?;
        let shape = [scores.rows.len(), self.model.encoder.target.classes.len()];
        let probabilities = PyArray1::from_vec(py, scores.probabilities).reshape(shape)?;
        let (rows, called) = (PyArray1::from_vec(py, scores.rows), PyArray1::from_vec(py, scores.called));
        Ok((n_rows, rows, probabilities, called, told(&scores.warnings)))
    }

    /// The answer of `logistic evaluate --json` on a table, and warnings.
    fn evaluate(
        &self,
        py: Python<'_>,
        data: Vec<String>,
        given: Vec<Given>,
        frames: Vec<(String, Batches)>,
    ) -> PyResult<(String, Vec<Told>)> {
        logistic_cli::quieten_readers();
        let measuring = Measuring::new(&data, &given).map_err(|usage| misused("evaluate", usage))?;
        let (model, frames) = (Arc::clone(&self.model), Frames(frames));
        let (keys, warnings) =
            watched(py, None, move |_| measuring.run(&model, &|names, options| frames.read(names, options)))?;
        Ok((keys.to_string(), told(&warnings)))
    }

    /// Writes the page of `logistic report` on a table, or of the model alone, and gives warnings.
    fn report(
        &self,
        py: Python<'_>,
        data: Vec<String>,
        given: Vec<Given>,
        frames: Vec<(String, Batches)>,
    ) -> PyResult<Vec<Told>> {
        logistic_cli::quieten_readers();
        let reporting = Reporting::new(&data, &given).map_err(|usage| misused("report", usage))?;
        let (model, frames) = (Arc::clone(&self.model), Frames(frames));
        let warnings =
            watched(py, None, move |_| reporting.run(&model, &|names, options| frames.read(names, options)))?;
        Ok(told(&warnings))
    }
}

impl Trained {
    pub(crate) fn of_training(trained: logistic_cli::Trained) -> Self {
        let answer = trained.keys().to_string();
        Trained { model: Arc::new(trained.model.without_unused_columns()), answer }
    }

    pub(crate) fn of(model: logistic::model::Model) -> Self {
        Trained { answer: logistic_cli::keys(&model).to_string(), model: Arc::new(model) }
    }
}

/// How good probabilities are, as JSON text under the keys of `logistic evaluate --json`.
#[pyfunction]
#[pyo3(signature = (y, probability, threshold, weight=None))]
pub(crate) fn evaluation(
    py: Python<'_>,
    y: PyReadonlyArray1<'_, f64>,
    probability: PyReadonlyArray1<'_, f64>,
    threshold: f64,
    weight: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<String> {
    let of = |values: &PyReadonlyArray1<'_, f64>| values.as_array().to_vec();
    let (y, probability, weight) = (of(&y), of(&probability), weight.as_ref().map(of));
    let found = py.detach(|| Evaluation::new(&probability, &y, weight.as_deref(), threshold));
    Ok(logistic_cli::evaluation_keys(&found.map_err(raised)?).to_string())
}

/// Writes a model as another format, whole or not at all.
pub(crate) fn exported(
    model: &logistic::model::Model,
    path: &Path,
    format: &str,
    dialect: Option<&str>,
) -> PyResult<()> {
    let bytes = Format::named(format, dialect).and_then(|format| export(model, format));
    bytes.and_then(|bytes| OutputFile::replace(path, &bytes)).map_err(raised)
}

pub(crate) fn misused(function: &str, usage: Usage) -> PyErr {
    match usage {
        Usage::Unknown { name, known } => {
            let known = known.join(", ");
            PyTypeError::new_err(format!("{function}() has no option `{name}`; the options are {known}"))
        }
        Usage::Wrong { message } => {
            let error = Error::new_err(message);
            // The other attributes are None, as those of the class.
            match Python::attach(|py| error.value(py).setattr("kind", "usage")) {
                Ok(()) => error,
                Err(failed) => failed,
            }
        }
    }
}

/// Adds what stands here to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let error = module.py().get_type::<Error>();
    ["kind", "path", "line", "column", "help"]
        .into_iter()
        .try_for_each(|name| error.setattr(name, module.py().None()))?;
    module.add_class::<Batches>()?;
    module.add_class::<Trained>()?;
    module.add_function(wrap_pyfunction!(command, module)?)?;
    module.add_function(wrap_pyfunction!(train, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation, module)?)
}
