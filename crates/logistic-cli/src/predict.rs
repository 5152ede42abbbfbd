//! `logistic predict`.

use std::path::Path;

use logistic::error::Warning;
use logistic::file::OutputFile;
use logistic::model::Model;
use logistic::table::CsvFile;

use crate::Outcome;
use crate::args::PredictArgs;
use crate::output::warn;

pub(crate) fn run(args: &PredictArgs) -> Outcome {
    let model = Model::load(&args.model)?;
    let mut output = match args.output.as_str() {
        "-" => None,
        path => Some(OutputFile::create(Path::new(path))?),
    };
    let file = CsvFile::open(&args.data)?;
    let options = args.format.options(model.encoder.text_columns());
    let table = file.table(&options)?;
    let (encoded, probabilities) = model.predict(&table)?;
    // A row that the model's missing-value policy leaves out keeps its place, with empty cells.
    let mut cells = (vec![String::new(); table.n_rows()], vec![String::new(); table.n_rows()]);
    for (&row, &probability) in encoded.rows.iter().zip(&probabilities) {
        cells.0[row] = probability.to_string();
        cells.1[row] = model.class(probability).to_string();
    }
    let extra = [("probability", cells.0), ("predicted", cells.1)];
    match &mut output {
        None => file.write_with(&options, &extra, &mut std::io::stdout().lock(), "-")?,
        Some(output) => file.write_with(&options, &extra, output.writer(), &args.output)?,
    }
    warn(&unscored(&encoded.warnings));
    output.map_or(Ok(()), OutputFile::keep)
}

/// The warnings, with rows that were left out called rows that have no probability.
fn unscored(warnings: &[Warning]) -> Vec<Warning> {
    let reword = |warning: &Warning| match warning {
        Warning::RowsDropped { rows, columns } => Warning::RowsUnscored { rows: *rows, columns: columns.clone() },
        other => other.clone(),
    };
    warnings.iter().map(reword).collect()
}
