//! The page about an estimator's model.

use std::path::PathBuf;

use logistic::encode::{Encoded, Encoder};
use logistic::file::OutputFile;
use logistic::report::{Report, Sample};
use logistic::table::{Cells, Table as Rows};
use pyo3::prelude::*;

use crate::arrays::Features;
use crate::data::{Outcomes, PerRow};
use crate::errors::raised;
use crate::frames::Table;
use crate::model::Model;
use crate::pool::quick;

/// The rows of a page: numbers, or the columns of a frame.
#[derive(FromPyObject)]
pub(crate) enum Given<'py> {
    Features(Bound<'py, Features>),
    Table(Bound<'py, Table>),
}

/// Writes the page about a model, and about rows where there are any. `command` is what makes it again.
#[pyfunction]
#[pyo3(signature = (model, path, command, rows=None))]
pub(crate) fn report(
    py: Python<'_>,
    model: &Model,
    path: PathBuf,
    command: &str,
    rows: Option<(Given<'_>, Outcomes<'_>)>,
) -> PyResult<()> {
    let rows = rows.map(|(given, outcomes)| Ok::<_, PyErr>((given, outcomes.per_row()?))).transpose()?;
    let rows = match &rows {
        None => None,
        Some((Given::Features(features), known)) => Some((Kind::Numbers(features.get()), known)),
        Some((Given::Table(table), known)) => Some((Kind::Table(&table.get().0), known)),
    };
    quick(py, || {
        let output = OutputFile::create(&path)?;
        let html = match rows {
            None => Report { command: Some(command), ..Report::new(model.get()) }.html()?,
            Some((kind, known)) => page(model.get(), command, &kind, known)?,
        };
        keep(output, &html)
    })?
    .map_err(|error| raised(error.at(&path.display().to_string())))
}

/// The same, without Python's part.
enum Kind<'a> {
    Numbers(&'a Features),
    Table(&'a Rows),
}

fn page(model: &logistic::model::Model, command: &str, kind: &Kind<'_>, known: &PerRow) -> logistic::Result<String> {
    let (table, encoded) = match kind {
        Kind::Numbers(features) => {
            let table = columns(&model.encoder, features)?;
            let encoded = model.encoder.features(&table)?;
            (table, encoded)
        }
        Kind::Table(table) => ((*table).clone(), model.encoder.features(table)?),
    };
    let codes: Vec<u32> = known.y.iter().map(|&y| y as u32).collect();
    let target = Cells::Text { codes: codes.into(), levels: model.encoder.target.classes.clone() };
    let encoded = labelled(encoded, known)?;
    let table = table.with_column(&model.encoder.target.column, target)?;
    let name = format!("{} rows given", encoded.rows.len());
    let sample = Sample { name: "what was given", table: &table, encoded: &encoded, rows: None };
    let measured = Some(Sample { name: &name, ..sample });
    Report { data: Some(sample), measured, command: Some(command), ..Report::new(model) }.html()
}

/// The columns of an array, by the names of the model's.
fn columns(encoder: &Encoder, features: &Features) -> logistic::Result<Rows> {
    let n = features.n_rows();
    let data = logistic::dataset::Dataset::new(features.features.clone(), vec![0.0; n], None)?;
    let mut columns = vec![Vec::with_capacity(n); features.n_columns()];
    for row in 0..n {
        let (x, _) = data.get(row)?;
        columns.iter_mut().zip(x).for_each(|(column, value)| column.push(value));
    }
    let named = encoder.sources.iter().map(|source| source.name.clone()).zip(columns);
    Rows::from_columns("X", n, named.map(|(name, values)| (name, Cells::Number(values.into()))).collect())
}

/// The rows that could be encoded, with their classes and weights.
fn labelled(encoded: Encoded, known: &PerRow) -> logistic::Result<Encoded> {
    let Encoded { dataset, rows, warnings } = encoded;
    let of_rows = |values: &[f64]| rows.iter().map(|row| values[row]).collect::<Vec<f64>>();
    let mut dataset = dataset.of_classes(of_rows(&known.y), known.target.classes.len())?;
    if let Some(weight) = &known.weight {
        dataset = dataset.weighted(of_rows(weight))?;
    }
    Ok(Encoded { dataset, rows, warnings })
}

fn keep(mut output: OutputFile, html: &str) -> logistic::Result<()> {
    let io = |source| logistic::Error::Io { path: PathBuf::new(), action: "write", source };
    output.writer().write_all(html.as_bytes()).map_err(io)?;
    output.keep()
}
