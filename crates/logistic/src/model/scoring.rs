//! Scoring files in a stream.

use std::io::Write;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::Model;
use crate::error::{Error, Result, Warning};
use crate::table::{Block, Progress, ReadOptions, Scan, Score, Table};

impl Model {
    /// Writes the rows of files again, each with [`Model::scored_columns`] behind it: the probability of the positive
    /// class, or of every class where there are more than two, with all its digits, and the class. A row that the model's missing-value policy leaves out has
    /// neither. Memory does not grow with the files.
    ///
    /// `options` say how the files are written; which columns are read, and how, is the encoder's.
    ///
    /// # Errors
    /// Those of [`Scan`] and of [`Encoder::features`](crate::encode::Encoder::features); [`Error::Io`] with an empty
    /// path when `out` fails.
    pub fn score(
        &self,
        paths: &[String],
        options: ReadOptions,
        progress: Progress<'_>,
        out: &mut dyn Write,
    ) -> Result<Vec<Warning>> {
        let io = |source| Error::Io { path: "".into(), action: "write", source };
        let mut scan = Scan::open(paths, self.scoring(options), self.scored_columns(), progress)?;
        // The header waits for the first rows, so that a file that cannot be scored leaves no output behind.
        let mut header = Vec::new();
        scan.write_header(&mut header).map_err(io)?;
        let mut warnings = Vec::new();
        loop {
            let blocks = scan.next_blocks()?;
            if blocks.is_empty() {
                out.write_all(&header).map_err(io)?;
                return Ok(warnings);
            }
            let scored: Vec<Result<(Vec<u8>, Vec<Warning>)>> =
                blocks.par_iter().map(|block| self.score_block(block)).collect();
            for block in scored {
                let (text, found) = block?;
                out.write_all(&std::mem::take(&mut header)).map_err(io)?;
                out.write_all(&text).map_err(io)?;
                found.into_iter().for_each(|warning| add(&mut warnings, warning));
            }
        }
    }

    /// These options for tables that are to be scored: which columns are read, and how, is the encoder's.
    pub fn scoring(&self, options: ReadOptions) -> ReadOptions {
        ReadOptions { text: self.encoder.text_columns(), only: Some(self.encoder.columns()), ..options }
    }

    /// The scores of a table's rows, the same as [`Model::score`] writes behind those of a file; the table is read with
    /// the options of [`Model::scoring`].
    ///
    /// # Errors
    /// Those of [`Encoder::features`](crate::encode::Encoder::features).
    pub fn score_table(&self, table: &Table) -> Result<Scores> {
        let encoded = self.encoder.features(table)?;
        let probabilities = self.class_probabilities(&encoded);
        let called =
            probabilities.chunks_exact(self.encoder.target.classes.len()).map(|row| self.called(row)).collect();
        let warnings = encoded.warnings.into_iter().map(of_scoring).collect();
        Ok(Scores { rows: encoded.rows.iter().collect(), probabilities, called, warnings })
    }

    fn score_block(&self, block: &Block) -> Result<(Vec<u8>, Vec<Warning>)> {
        let classes = &self.encoder.target.classes;
        let per_row = classes.len();
        let written = if per_row == 2 { 1..2 } else { 0..per_row };
        let found = self.score_table(&block.table)?;
        let mut scores: Vec<Option<Score<'_>>> = vec![None; block.table.n_rows()];
        let probabilities = found.probabilities.chunks_exact(per_row);
        for ((&row, &called), probability) in found.rows.iter().zip(&found.called).zip(probabilities) {
            let predicted = classes[called].as_str();
            scores[row] = Some(Score { probability: &probability[written.clone()], predicted });
        }
        let mut text = Vec::new();
        block.write(&scores, self.scored_columns().as_slice(), &mut text)?;
        Ok((text, found.warnings))
    }
}

/// The scores of a table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The rows that have scores, rising; the model's missing-value policy leaves the others out.
    pub rows: Vec<usize>,
    /// The probability of every class of every such row, row-major (rows, classes), in the order of the target's classes.
    pub probabilities: Vec<f64>,
    /// The number of the class that each such row is called.
    pub called: Vec<usize>,
    /// Which rows were left out, and which levels were taken for others.
    pub warnings: Vec<Warning>,
}

/// A warning as scoring gives it: rows that were left out have no probability.
fn of_scoring(warning: Warning) -> Warning {
    match warning {
        Warning::RowsDropped { rows, columns } => Warning::RowsUnscored { rows, columns },
        other => other,
    }
}

/// Adds a block's warning to those of the blocks before it.
fn add(warnings: &mut Vec<Warning>, warning: Warning) {
    for known in warnings.iter_mut() {
        match (known, &warning) {
            (Warning::RowsUnscored { rows, columns }, Warning::RowsUnscored { rows: more, columns: others }) => {
                *rows += more;
                columns.extend(others.iter().cloned());
                columns.sort_unstable();
                columns.dedup();
                return;
            }
            (
                Warning::LevelsUnseen { columns, rows, .. },
                Warning::LevelsUnseen { columns: others, rows: more, .. },
            ) if columns == others => {
                *rows += more;
                return;
            }
            _ => {}
        }
    }
    warnings.push(warning);
}
