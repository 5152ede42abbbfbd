//! Rows that can be fitted: features or the columns of a frame, the classes of the rows, weights and offsets.

use logistic::dataset::Dataset;
use logistic::encode::{Curve, Encoder, Encoding, Kind, Learnt, Missing, Source, Target, Unseen};
use logistic::error::Warning;
use logistic::table::Cells;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{Codes, Features, per_row};
use crate::errors::raised;
use crate::fit::class_totals;
use crate::frames::Table;
use crate::pool::quick;

/// What is known of the rows, beside their features.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Outcomes<'py> {
    /// The name of the target.
    target: String,
    /// The names of the classes, in the order of their numbers.
    classes: Vec<String>,
    /// Whether they are numbers.
    numeric: bool,
    codes: Codes<'py>,
    weight: Option<Bound<'py, PyAny>>,
    offset: Option<Bound<'py, PyAny>>,
}

/// The same in vectors of Rust's.
pub(crate) struct PerRow {
    pub(crate) target: Target,
    pub(crate) y: Vec<f64>,
    pub(crate) weight: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
}

impl Outcomes<'_> {
    pub(crate) fn per_row(&self) -> PyResult<PerRow> {
        let target =
            Target { column: self.target.clone(), classes: self.classes.clone(), rest: false, numeric: self.numeric };
        let weight = self.weight.as_ref().map(per_row).transpose()?;
        let offset = self.offset.as_ref().map(per_row).transpose()?;
        Ok(PerRow { target, y: self.codes.outcomes()?, weight, offset })
    }
}

/// Rows that can be fitted, and how they came to be numbers.
#[pyclass(frozen, module = "logistic._core")]
pub(crate) struct Data {
    pub(crate) dataset: Dataset,
    pub(crate) encoder: Encoder,
    pub(crate) warnings: Vec<Warning>,
    /// The rows of the frame that are in the dataset, where some were left out.
    rows: Option<Vec<usize>>,
}

#[pymethods]
impl Data {
    /// Rows of plain numbers; `names` are those of the columns.
    #[staticmethod]
    fn from_features(
        py: Python<'_>,
        features: &Features,
        outcomes: Outcomes<'_>,
        names: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let names = names.unwrap_or_else(|| (0..features.n_columns()).map(|j| format!("x{j}")).collect());
        let per_row = outcomes.per_row()?;
        let features = &features.features;
        let made = quick(py, || {
            let PerRow { target, y, weight, offset } = per_row;
            let n_classes = target.classes.len();
            let dataset = match n_classes {
                2 => Dataset::new(features.clone(), y, weight)?,
                _ => Dataset::new(features.clone(), vec![0.0; y.len()], weight)?.of_classes(y, n_classes)?,
            };
            let encoder = plain_encoder(names, target, offset.is_some());
            let dataset = offset.map_or(Ok(dataset.clone()), |offset| dataset.offset_by(offset))?;
            Ok(Data { dataset, encoder, warnings: Vec::new(), rows: None })
        })?;
        made.map_err(raised)
    }

    /// The columns of a frame, as categories where they are text.
    #[staticmethod]
    fn from_table(
        py: Python<'_>,
        table: &Table,
        outcomes: Outcomes<'_>,
        missing: &str,
        categorical: Vec<String>,
    ) -> PyResult<Self> {
        let missing = policy(missing)?;
        let per_row = outcomes.per_row()?;
        quick(py, || encoded(&table.0, per_row, missing, categorical))?.map_err(raised)
    }

    /// The frame's column behind every column of the design matrix.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.encoder.terms().into_iter().map(|term| term.column).collect()
    }

    /// The names of the columns of the design matrix.
    #[getter]
    fn terms(&self) -> Vec<String> {
        self.encoder.terms().into_iter().map(|term| term.term).collect()
    }

    /// Weights that make the classes weigh alike, and leave the weight of all rows what it is.
    fn balanced(&self) -> Vec<f64> {
        let totals = class_totals(&self.dataset.rows());
        let share = totals.iter().sum::<f64>() / totals.len() as f64;
        totals.iter().map(|total| share / total).collect()
    }

    /// The number of rows.
    #[getter]
    fn n_rows(&self) -> usize {
        self.dataset.len()
    }

    /// The rows of the frame that are fitted, where some were left out.
    #[getter]
    fn rows(&self) -> Option<Vec<usize>> {
        self.rows.clone()
    }
}

/// An encoder of plain numbers.
fn plain_encoder(names: Vec<String>, target: Target, offset: bool) -> Encoder {
    let source = |name| Source {
        name,
        part: None,
        kind: Kind::Numeric { fill: None, curve: Curve::Linear },
        indicator: false,
        seen: None,
    };
    Encoder {
        sources: names.into_iter().map(source).collect(),
        interactions: Vec::new(),
        offset: offset.then(|| OFFSET.to_string()),
        target,
        missing: Missing::Error,
        unseen: Unseen::Error,
    }
}

/// What a saved model calls the column that is added to the logits.
pub(crate) const OFFSET: &str = "offset";

fn policy(missing: &str) -> PyResult<Missing> {
    match missing {
        "error" => Ok(Missing::Error),
        "drop" => Ok(Missing::Drop),
        "impute" => Ok(Missing::Impute),
        other => {
            let words = format!("`missing` must be 'error', 'drop' or 'impute', found '{other}'");
            Err(PyValueError::new_err(words))
        }
    }
}

fn encoded(
    table: &logistic::table::Table,
    per_row: PerRow,
    missing: Missing,
    categorical: Vec<String>,
) -> logistic::Result<Data> {
    let PerRow { target, y, weight, offset } = per_row;
    let codes: Vec<u32> = y.iter().map(|&y| y as u32).collect();
    let cells = Cells::Text { codes: codes.into(), levels: target.classes.clone() };
    let labelled = table.clone().with_column(&target.column, cells)?;
    let encoding = Encoding {
        target: target.column.clone(),
        positive: if target.classes.len() == 2 { target.classes.last().cloned() } else { None },
        categorical,
        missing,
        ..Encoding::default()
    };
    let Learnt { encoder, mut warnings } = Encoder::fit(&labelled, &encoding)?;
    let n_classes = target.classes.len();
    let mut encoder = Encoder { target, ..encoder };
    let found = encoder.features(table)?;
    warnings.extend(found.warnings);
    let whole = found.rows.len() == table.n_rows();
    let of_rows = |values: Vec<f64>| match whole {
        true => values,
        false => found.rows.iter().map(|row| values[row]).collect(),
    };
    let mut dataset = found.dataset.of_classes(of_rows(y), n_classes)?;
    if let Some(weight) = weight {
        dataset = dataset.weighted(of_rows(weight))?;
    }
    if let Some(offset) = offset {
        dataset = dataset.offset_by(of_rows(offset))?;
        encoder.offset = Some(OFFSET.to_string());
    }
    Ok(Data { dataset, encoder, warnings, rows: (!whole).then(|| found.rows.iter().collect()) })
}
