//! Scoring files in a stream.

use std::io::Write;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::Model;
use crate::error::{Error, Result, Warning};
use crate::table::{Block, Progress, ReadOptions, Scan, Score};

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
        let options = ReadOptions { text: self.encoder.text_columns(), only: Some(self.encoder.columns()), ..options };
        let mut scan = Scan::open(paths, options, self.scored_columns(), progress)?;
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

    fn score_block(&self, block: &Block) -> Result<(Vec<u8>, Vec<Warning>)> {
        let encoded = self.encoder.features(&block.table)?;
        let classes = &self.encoder.target.classes;
        let all = self.class_probabilities(&encoded);
        let per_row = classes.len();
        let written = if per_row == 2 { 1..2 } else { 0..per_row };
        let mut scores: Vec<Option<Score<'_>>> = vec![None; block.table.n_rows()];
        for (&row, probability) in encoded.rows.iter().zip(all.chunks_exact(per_row)) {
            let predicted = classes[self.called(probability)].as_str();
            scores[row] = Some(Score { probability: &probability[written.clone()], predicted });
        }
        let mut text = Vec::new();
        block.write(&scores, self.scored_columns().as_slice(), &mut text)?;
        Ok((text, encoded.warnings))
    }
}

/// Adds a block's warning to those of the blocks before it. Rows that were left out have no probability.
fn add(warnings: &mut Vec<Warning>, warning: Warning) {
    let warning = match warning {
        Warning::RowsDropped { rows, columns } => Warning::RowsUnscored { rows, columns },
        other => other,
    };
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
