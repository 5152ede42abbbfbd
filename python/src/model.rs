//! A fitted model, and what it says.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use logistic::encode::{Curve, Encoded, Encoder, Kind, Missing};
use logistic::error::Warning;
use logistic::model::Fit;
use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::arrays::per_row;
use crate::errors::raised;
use crate::frames::Table;
use crate::pool::quick;
use crate::scores::{Scale, centred, matrix, row_by_row};
use crate::train::exported;

/// Coefficients (n_outputs, n_columns) and intercepts.
type Estimates<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>);

/// A fitted model. It comes to be when it is first asked for: the names of all terms of a fit of many columns would take
/// longer than the fit.
#[pyclass(frozen, module = "logistic._core")]
pub(crate) struct Model {
    model: OnceLock<logistic::model::Model>,
    parts: Mutex<Option<Box<Parts>>>,
}

struct Parts {
    encoder: Encoder,
    fit: Fit,
    warnings: Vec<Warning>,
}

/// Up to so many coefficients a model is made at once.
const FEW_COEFFICIENTS: usize = 10_000;

impl Model {
    pub(crate) fn new(encoder: Encoder, fit: Fit, warnings: Vec<Warning>) -> Self {
        let small = fit.weight.len() <= FEW_COEFFICIENTS || !fit.facts.converged();
        let model =
            Model { model: OnceLock::new(), parts: Mutex::new(Some(Box::new(Parts { encoder, fit, warnings }))) };
        if small {
            model.get();
        }
        model
    }

    fn of(model: logistic::model::Model) -> Self {
        Model { model: OnceLock::from(model), parts: Mutex::new(None) }
    }

    pub(crate) fn get(&self) -> &logistic::model::Model {
        self.model.get_or_init(|| {
            let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Whoever took the parts has set the model.
            let Parts { encoder, fit, warnings } = *parts.expect("a model has its parts until it is made");
            logistic::model::Model::new(encoder, fit, 0.5, warnings)
        })
    }

    /// Kind, words and columns of each warning, where the model is there.
    pub(crate) fn told(&self) -> Vec<(&'static str, String, Vec<String>)> {
        let told = |warning: &Warning| (warning.kind(), warning.to_string(), warning.columns().to_vec());
        self.model.get().map_or(Vec::new(), |model| model.warnings.iter().map(told).collect())
    }

    fn encode(&self, table: &Table, offset: Option<Vec<f64>>) -> logistic::Result<Encoded> {
        let encoder = &self.get().encoder;
        match offset {
            None => encoder.features(&table.0),
            Some(offset) => {
                let mut encoded = Encoder { offset: None, ..encoder.clone() }.features(&table.0)?;
                let of_rows = encoded.rows.iter().map(|row| offset.get(row).copied().unwrap_or(f64::NAN));
                encoded.dataset = encoded.dataset.offset_by(of_rows.collect::<Vec<f64>>())?;
                Ok(encoded)
            }
        }
    }
}

/// Rows of a frame that were scored, their scores, and warnings.
type Scored<'py> = (Bound<'py, PyArray1<usize>>, Bound<'py, PyArray2<f64>>, Vec<(&'static str, String)>);

#[pymethods]
impl Model {
    /// The model of a model file's text.
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        logistic::model::Model::from_json(text, "model").map(Model::of).map_err(raised)
    }

    /// The text of the model file.
    fn to_json(&self) -> PyResult<String> {
        self.get().to_json().map_err(raised)
    }

    /// Reads a model file.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        logistic::model::Model::load(&path).map(Model::of).map_err(raised)
    }

    /// Writes the model file.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.get().clone().without_unused_columns().save(&path).map_err(raised)
    }

    /// Writes the model as another format.
    #[pyo3(signature = (path, format, dialect=None))]
    fn export(&self, path: PathBuf, format: &str, dialect: Option<&str>) -> PyResult<()> {
        exported(&self.get().clone().without_unused_columns(), &path, format, dialect)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let kind: Bound<'py, PyType> = py.get_type::<Model>();
        Ok((kind.getattr("from_json")?, (self.to_json()?,)))
    }

    /// The names of the classes.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.get().encoder.target.classes.clone()
    }

    /// Whether the classes are numbers.
    #[getter]
    fn numeric(&self) -> bool {
        self.get().encoder.target.numeric
    }

    /// The name of the target.
    #[getter]
    fn target(&self) -> String {
        self.get().encoder.target.column.clone()
    }

    /// The columns that a frame must have.
    #[getter]
    fn columns(&self) -> Vec<String> {
        Encoder { offset: None, ..self.get().encoder.clone() }.columns()
    }

    /// The columns that are read as text.
    #[getter]
    fn text_columns(&self) -> Vec<String> {
        self.get().encoder.text_columns()
    }

    /// The column that is added to the logits.
    #[getter]
    fn offset(&self) -> Option<String> {
        self.get().encoder.offset.clone()
    }

    /// The names of the columns of the design matrix.
    #[getter]
    fn terms(&self) -> Vec<String> {
        self.get().encoder.terms().into_iter().map(|term| term.term).collect()
    }

    /// Whether every column of the design matrix is a column of numbers, as it stands.
    #[getter]
    fn is_plain(&self) -> bool {
        let encoder = &self.get().encoder;
        let plain = |kind: &Kind| matches!(kind, Kind::Numeric { curve: Curve::Linear, .. });
        encoder.missing == Missing::Error
            && encoder.interactions.is_empty()
            && encoder.sources.iter().all(|source| plain(&source.kind) && source.part.is_none())
    }

    /// Coefficients (n_outputs, n_columns), 0 where there is none, and intercepts, as an estimator has them.
    fn estimates<'py>(&self, py: Python<'py>) -> PyResult<Estimates<'py>> {
        let model = self.get();
        if model.is_network() {
            return Err(raised(logistic::Error::Setting {
                name: "hidden",
                expected: "no layers for an estimator, which has coefficients; `logistic.Model.load` takes them"
                    .to_string(),
                found: "hidden layers".to_string(),
            }));
        }
        let n_columns = model.encoder.terms().len();
        let (bias, weight): (Vec<f64>, Vec<Vec<f64>>) = model.outputs().into_iter().unzip();
        let (outputs, weight) = (bias.len(), weight.concat());
        let all = model.encoder.target.classes.len();
        let (weight, bias) = match all > 2 && outputs < all {
            true => (centred(&weight, outputs), centred(&bias, outputs)),
            false => (weight, bias),
        };
        Ok((matrix(py, weight, n_columns)?, PyArray1::from_vec(py, bias)))
    }

    /// Kind, words and columns of each warning.
    #[getter]
    fn warnings(&self) -> Vec<(&'static str, String, Vec<String>)> {
        self.get();
        self.told()
    }

    /// The rows of a frame that can be scored, their scores as those of `scores`, and kind and words of warnings.
    #[pyo3(signature = (table, *, scale, offset=None))]
    fn scores<'py>(
        &self,
        py: Python<'py>,
        table: &Table,
        scale: Scale,
        offset: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Scored<'py>> {
        let offset = offset.map(per_row).transpose()?;
        if offset.as_ref().is_some_and(|offset| offset.len() != table.0.n_rows()) {
            return Err(PyValueError::new_err("offset must have one number for every row"));
        }
        let scored = quick(py, || {
            let encoded = self.encode(table, offset)?;
            let (values, width) = score(self.get(), &encoded, scale);
            Ok((encoded.rows.iter().collect(), values, width, encoded.warnings))
        })?;
        let (rows, values, width, warnings) = scored.map_err(raised)?;
        let warnings = warnings.iter().map(|warning| (warning.kind(), warning.to_string())).collect();
        Ok((PyArray1::from_vec(py, rows), matrix(py, values, width)?, warnings))
    }

    /// The number of the class that rows of these probabilities (n_rows, n_classes) are called.
    fn called<'py>(
        &self,
        py: Python<'py>,
        probabilities: numpy::PyReadonlyArray2<'py, f64>,
    ) -> Bound<'py, PyArray1<usize>> {
        let model = self.get();
        let rows = probabilities.as_array();
        let called = rows.outer_iter().map(|row| model.called(&row.to_vec())).collect();
        PyArray1::from_vec(py, called)
    }

    /// Every coefficient, term by term: a dictionary of lists, None where there is no number.
    fn coefficients<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = &self.get().coefficients;
        let columns = PyDict::new(py);
        columns.set_item("term", all.iter().map(|of| of.term.clone()).collect::<Vec<String>>())?;
        columns.set_item("class", all.iter().map(|of| of.class.clone()).collect::<Vec<Option<String>>>())?;
        columns.set_item("estimate", all.iter().map(|of| of.estimate).collect::<Vec<Option<f64>>>())?;
        let put = |name: &str, of: &dyn Fn(&logistic::model::Inference) -> f64| {
            let values: Vec<Option<f64>> = all.iter().map(|c| c.inference.as_ref().map(of)).collect();
            columns.set_item(name, values)
        };
        put("std_error", &|inference| inference.std_error)?;
        put("z", &|inference| inference.z)?;
        put("p_value", &|inference| inference.p_value)?;
        put("ci_low", &|inference| inference.ci_low)?;
        put("ci_high", &|inference| inference.ci_high)?;
        Ok(columns)
    }

    /// What was fitted on what, and how it went.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let facts = &self.get().facts;
        let told = PyDict::new(py);
        told.set_item("n_rows", facts.n_rows)?;
        told.set_item("total_weight", facts.total_weight)?;
        told.set_item("rank", facts.rank)?;
        told.set_item("solver", facts.solver.clone())?;
        told.set_item("l1", facts.l1)?;
        told.set_item("l2", facts.l2)?;
        told.set_item("bounded", facts.bounded)?;
        told.set_item("termination", facts.termination.clone())?;
        told.set_item("iterations", facts.iterations)?;
        told.set_item("objective", facts.objective)?;
        told.set_item("gradient_max_norm", facts.gradient_max_norm)?;
        told.set_item("gap", facts.gap)?;
        told.set_item("log_likelihood", facts.log_likelihood)?;
        told.set_item("null_log_likelihood", facts.null_log_likelihood)?;
        told.set_item("deviance", facts.deviance())?;
        told.set_item("aic", facts.aic())?;
        told.set_item("bic", facts.bic())?;
        told.set_item("pseudo_r2_mcfadden", facts.pseudo_r2_mcfadden())?;
        told.set_item("class_weight", facts.class_weight.clone())?;
        told.set_item("covariance", facts.covariance.clone())?;
        Ok(told)
    }
}

/// Scores row by row, and their number for each. Probabilities are those that the command line writes.
fn score(model: &logistic::model::Model, encoded: &Encoded, scale: Scale) -> (Vec<f64>, usize) {
    let n_classes = model.encoder.target.classes.len();
    if scale == Scale::Probability {
        return (model.class_probabilities(encoded), n_classes);
    }
    let mut logits = model.logits(encoded);
    if n_classes > logits.len().max(2) {
        let n = logits.first().map_or(0, Vec::len);
        let all = centred(&logits.concat(), logits.len());
        logits = all.chunks(n.max(1)).map(<[f64]>::to_vec).collect();
    }
    row_by_row(&logits, scale)
}
