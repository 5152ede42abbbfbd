//! The same formats in a stream: some blocks at a time, each a table of its own, so that memory does not grow with
//! the file; and the rows written again with more behind them.

use std::io::Write;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::blocks::{Blocks, TextBlock};
use super::csv::CsvParser;
use super::dialect::Dialect;
use super::options::{ReadOptions, Want};
use super::piece::Piece;
use super::read::{Part, csv_blocks, join};
use super::source::{Format, Progress, Source, malformed, sources};
use super::{Table, json_lines, svmlight};
use crate::error::{Error, Place, Result};

/// Blocks in one batch, for each thread. More would only cost memory.
const BLOCKS_PER_THREAD: usize = 2;

/// Files read block by block.
pub struct Scan<'p> {
    sources: std::vec::IntoIter<Source>,
    options: ReadOptions,
    progress: Progress<'p>,
    open: Option<Open<'p>>,
    format: Option<Format>,
    /// The columns that are written behind those of the file.
    added: Vec<String>,
    /// The header of the first CSV file.
    header: Option<Header>,
    /// The columns of the first Parquet or Arrow file.
    #[cfg(feature = "arrow")]
    columns: Option<Vec<String>>,
}

/// A header line as it was written, its delimiter and its names.
struct Header {
    line: Vec<u8>,
    dialect: Dialect,
}

enum Open<'p> {
    Text {
        blocks: Blocks<'p>,
        name: String,
    },
    #[cfg(feature = "arrow")]
    Columnar {
        batches: super::arrow::Batches,
        name: String,
        n_rows: u64,
    },
}

/// The rows of one block.
pub struct Block {
    /// The rows, as a table.
    pub table: Table,
    rows: Rows,
}

/// The rows of a block as they stood in their file.
enum Rows {
    Csv {
        text: TextBlock,
        records: Vec<std::ops::Range<usize>>,
        delimiter: u8,
    },
    JsonLines {
        text: TextBlock,
        records: Vec<std::ops::Range<usize>>,
    },
    Svmlight,
    #[cfg(feature = "arrow")]
    Columnar(arrow_array::RecordBatch),
}

/// What is written behind a row.
#[derive(Clone, Copy, Debug)]
pub struct Score<'c> {
    /// The probabilities, one for each added column but the last.
    pub probability: &'c [f64],
    /// The class, for the last.
    pub predicted: &'c str,
}

impl<'p> Scan<'p> {
    /// Opens files of one format, as [`read`](super::read()) does, to be written again with `added` columns.
    ///
    /// # Errors
    /// As [`read`](super::read()); [`Error::Malformed`] for a file that has a column of an added name.
    pub fn open(paths: &[String], options: ReadOptions, added: Vec<String>, progress: Progress<'p>) -> Result<Self> {
        let sources = sources(paths)?.into_iter();
        let mut scan = Scan {
            sources,
            options,
            progress,
            open: None,
            format: None,
            added,
            header: None,
            #[cfg(feature = "arrow")]
            columns: None,
        };
        scan.open_next()?;
        Ok(scan)
    }

    /// Opens the next file; false when there is none.
    fn open_next(&mut self) -> Result<bool> {
        let Some(source) = self.sources.next() else {
            self.open = None;
            return Ok(false);
        };
        let input = source.open(self.progress)?;
        let format = input.format()?;
        let name = input.name.clone();
        if *self.format.get_or_insert(format) != format {
            return Err(malformed(&name, "the format of the first file", "another", "score the files one by one"));
        }
        self.open = Some(match format {
            Format::Csv => {
                let head = input.head().strip_prefix(b"\xef\xbb\xbf").unwrap_or(input.head()).to_vec();
                let (blocks, dialect) = csv_blocks(input, &self.options, self.progress)?;
                self.meet_header(&head, dialect, &name)?;
                Open::Text { blocks, name }
            }
            Format::JsonLines | Format::Svmlight => {
                Open::Text { blocks: Blocks::new(input, None, self.progress)?, name }
            }
            #[cfg(feature = "arrow")]
            Format::Parquet | Format::ArrowFile | Format::ArrowStream => {
                let batches = super::arrow::open(&source, input, format)?;
                refuse_added(&self.added, &batches.names(), &name, None)?;
                // The rows of all files are written under one header.
                if *self.columns.get_or_insert_with(|| batches.names()) != batches.names() {
                    let expected = "the columns of the first file, in its order";
                    return Err(malformed(&name, expected, "others", "score the files one by one"));
                }
                Open::Columnar { batches, name, n_rows: 0 }
            }
            #[cfg(not(feature = "arrow"))]
            Format::Parquet | Format::ArrowFile | Format::ArrowStream => {
                return Err(super::read::without_arrow(&name));
            }
        });
        Ok(true)
    }

    fn meet_header(&mut self, head: &[u8], dialect: Dialect, name: &str) -> Result<()> {
        refuse_added(&self.added, &dialect.names, name, Some(1))?;
        match &self.header {
            Some(first) if first.dialect.names != dialect.names || first.dialect.delimiter != dialect.delimiter => {
                Err(malformed(name, "the header of the first file", "another", "score the files one by one"))
            }
            Some(_) => Ok(()),
            None => {
                let line = head[..dialect.header_bytes].trim_ascii_end().trim_ascii_start().to_vec();
                self.header = Some(Header { line, dialect });
                Ok(())
            }
        }
    }

    /// The next blocks, parsed on every core; none at the end.
    ///
    /// # Errors
    /// As [`read`](super::read()).
    pub fn next_blocks(&mut self) -> Result<Vec<Block>> {
        loop {
            let blocks = match &mut self.open {
                None => return Ok(Vec::new()),
                Some(Open::Text { .. }) => self.text_blocks()?,
                #[cfg(feature = "arrow")]
                Some(Open::Columnar { .. }) => self.columnar_blocks()?,
            };
            if !blocks.is_empty() || !self.open_next()? {
                return Ok(blocks);
            }
        }
    }

    fn text_blocks(&mut self) -> Result<Vec<Block>> {
        let Some(Open::Text { blocks, name }) = &mut self.open else { return Ok(Vec::new()) };
        let mut texts = Vec::new();
        while texts.len() < BLOCKS_PER_THREAD * rayon::current_num_threads() {
            match blocks.next(Vec::new())? {
                Some(text) => texts.push(text),
                None => break,
            }
        }
        let (options, format, name, added) = (&self.options, self.format, name.as_str(), &self.added);
        let names: &[String] = self.header.as_ref().map_or(&[], |header| &header.dialect.names);
        let delimiter = self.header.as_ref().map_or(b',', |header| header.dialect.delimiter);
        let wants: Vec<Want> = names.iter().map(|name| options.want(name)).collect();
        let parser = CsvParser { path: name, delimiter, names, wants: &wants, options, records: true };
        let block = |text: TextBlock| {
            let mut piece = match format {
                Some(Format::Csv) => parser.parse(&text)?,
                Some(Format::JsonLines) => json_lines::parse(&text, name, options, true)?,
                _ => svmlight::parse(&text, name, options)?,
            };
            let records = std::mem::take(&mut piece.records);
            let rows = match format {
                Some(Format::Csv) => Rows::Csv { text, records, delimiter },
                Some(Format::JsonLines) => {
                    refuse_added(added, &piece.names, name, None)?;
                    Rows::JsonLines { text, records }
                }
                _ => Rows::Svmlight,
            };
            one_block(name, names.to_vec(), piece, rows, options)
        };
        texts.into_par_iter().map(block).collect()
    }

    #[cfg(feature = "arrow")]
    fn columnar_blocks(&mut self) -> Result<Vec<Block>> {
        let Some(Open::Columnar { batches, name, n_rows }) = &mut self.open else { return Ok(Vec::new()) };
        let Some(batch) = batches.next().transpose()? else { return Ok(Vec::new()) };
        (self.progress)(batch.get_array_memory_size() as u64);
        let piece = super::arrow::piece(&batch, *n_rows, name, &self.options)?;
        *n_rows += batch.num_rows() as u64;
        let (names, name) = (batches.names(), name.clone());
        Ok(vec![one_block(&name, names, piece, Rows::Columnar(batch), &self.options)?])
    }

    /// Writes the header that stands before the rows of [`Block::write`], where the format has one.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_header(&self, out: &mut dyn Write) -> std::io::Result<()> {
        match &self.header {
            Some(Header { line, dialect }) => {
                let delimiter = char::from(dialect.delimiter);
                if !self.options.header {
                    write!(out, "{}", dialect.names.join(&delimiter.to_string()))?;
                }
                out.write_all(line)?;
                let added = self.added.iter().map(|name| quoted(name, dialect.delimiter));
                added.clone().try_for_each(|name| write!(out, "{delimiter}{name}"))?;
                writeln!(out)
            }
            #[cfg(feature = "arrow")]
            _ if self.columns.is_some() => {
                let names = self.columns.iter().flatten().chain(&self.added);
                writeln!(out, "{}", names.map(|name| quoted(name, b',')).collect::<Vec<_>>().join(","))
            }
            _ if self.format == Some(Format::Svmlight) => {
                writeln!(out, "{}", self.added.iter().map(|name| quoted(name, b',')).collect::<Vec<_>>().join(","))
            }
            _ => Ok(()),
        }
    }
}

fn one_block(name: &str, names: Vec<String>, piece: Piece, rows: Rows, options: &ReadOptions) -> Result<Block> {
    // The order of svmlight's columns does not matter here, for only the rows are written.
    let part = Part { name: name.to_string(), format: Format::Csv, names, pieces: vec![piece] };
    Ok(Block { table: join(vec![part], options)?, rows })
}

fn refuse_added(added: &[String], names: &[String], path: &str, line: Option<u64>) -> Result<()> {
    match names.iter().find(|name| added.contains(name)) {
        Some(name) => Err(Error::Malformed {
            place: Place { line, ..Place::file(path).column(name) },
            expected: "no column of this name, which the output adds".to_string(),
            found: "one".to_string(),
            help: Some("rename that column".to_string()),
        }),
        None => Ok(()),
    }
}

impl Block {
    /// Writes every row as it stood in its file, with its score behind it under the names of `added`: as CSV, or as
    /// JSON lines where it came as such. A row without a score has empty cells there, or null. Rows of svmlight stand
    /// for themselves: only what is added is written.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a column of a type that has no text; [`Error::Io`] when `out` fails.
    pub fn write(&self, scores: &[Option<Score<'_>>], added: &[String], out: &mut Vec<u8>) -> Result<()> {
        for row in 0..self.table.n_rows() {
            let score = scores.get(row).copied().flatten();
            match &self.rows {
                Rows::Csv { text, records, delimiter } => {
                    out.extend_from_slice(&text.bytes[records[row].clone()]);
                    out.push(*delimiter);
                    write_cells(score, added, *delimiter, out);
                }
                Rows::JsonLines { text, records } => {
                    let object = text.bytes[records[row].clone()].trim_ascii_end();
                    let inside = object.strip_suffix(b"}").unwrap_or(object).trim_ascii_end();
                    out.extend_from_slice(inside);
                    let mut comma = if inside == b"{" { "" } else { ", " };
                    for (at, name) in added.iter().enumerate() {
                        let value = score.map(|score| match score.probability.get(at) {
                            Some(probability) => serde_json::json!(probability),
                            None => serde_json::json!(score.predicted),
                        });
                        let (name, value) = (serde_json::json!(name), serde_json::json!(value));
                        out.extend_from_slice(format!("{comma}{name}: {value}").as_bytes());
                        comma = ", ";
                    }
                    out.extend_from_slice(b"}\n");
                }
                Rows::Svmlight => write_cells(score, added, b',', out),
                #[cfg(feature = "arrow")]
                Rows::Columnar(batch) => {
                    let cells = super::arrow::row_text(batch, row, self.table.path())?;
                    cells.iter().for_each(|cell| out.extend_from_slice(format!("{},", quoted(cell, b',')).as_bytes()));
                    write_cells(score, added, b',', out);
                }
            }
        }
        Ok(())
    }
}

/// The added cells of a row, and the end of its line.
fn write_cells(score: Option<Score<'_>>, added: &[String], delimiter: u8, out: &mut Vec<u8>) {
    match score {
        None => out.resize(out.len() + added.len().saturating_sub(1), delimiter),
        Some(score) => {
            for probability in score.probability {
                // Writing to memory does not fail.
                let _ = write!(out, "{probability}");
                out.push(delimiter);
            }
            out.extend_from_slice(quoted(score.predicted, delimiter).as_bytes());
        }
    }
    out.push(b'\n');
}

/// A cell in quotes where it needs them.
fn quoted(cell: &str, delimiter: u8) -> String {
    let special = |c: char| c == char::from(delimiter) || matches!(c, '"' | '\n' | '\r');
    if cell.contains(special) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_string() }
}
