//! Whole tables, read on every core.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "arrow")]
use arrow_array::RecordBatchReader;
use rayon::iter::{ParallelBridge, ParallelIterator};

use super::blocks::{Blocks, TextBlock};
use super::csv::CsvParser;
use super::dialect::Dialect;
use super::options::{ReadOptions, Want};
use super::piece::{Joining, Piece, PieceCells};
use super::source::{Format, HEAD, Input, Progress, Source, malformed, packed, sources};
use super::{Run, Table, json_lines, spooled, svmlight};
use crate::error::{Error, Place, Result};
use crate::numbers::Spool;

/// Reads files as one table, rows after rows: CSV with any delimiter, JSON lines, svmlight, and with the feature
/// `arrow` Parquet and Arrow IPC; each also within gzip or zstd. `-` is standard input, a folder stands for its files.
/// A column is numeric, or a date, when every cell of the whole column is. A table that is larger than
/// [`ReadOptions::memory`] is kept in temporary files; whatever is computed of it has the same bits.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read; [`Error::Malformed`] with its place for one that is not what it
/// should be, files whose columns differ, or a table without rows.
pub fn read(paths: &[String], options: &ReadOptions, progress: Progress<'_>) -> Result<Table> {
    let spool = options.memory.map(|bytes| Spool::new(bytes / WINDOWS));
    let sources = sources(paths)?.into_iter().map(|source| source.held(spool.is_some()));
    let sources = sources.collect::<Result<Vec<_>>>()?;
    let table = match (spool, options.memory) {
        (Some(spool), Some(memory)) if spooled::exceed(&sources, options, memory)? => {
            spooled::read(&sources, options, spool, progress)?
        }
        _ => held(&sources, options, progress)?,
    };
    if table.n_rows == 0 {
        return Err(malformed(table.path(), "rows", "a header and no rows", "look at where the file came from"));
    }
    Ok(table)
}

/// A table of CSV in memory, from somebody who may mean harm. Errors call it `name`. Unlike [`read`] it undoes no
/// compression, for a few bytes could become more than there is memory for.
///
/// # Errors
/// As [`read`]; [`Error::Malformed`] for another format, a compressed one, or a header beyond 256 KiB.
pub fn parse_csv(name: &str, bytes: Vec<u8>, options: &ReadOptions) -> Result<Table> {
    if let Some(packed) = packed(&bytes) {
        return Err(malformed(name, "CSV as plain text", &format!("{packed} data"), "send it unpacked"));
    }
    let header = memchr::memchr2(b'\n', b'\r', &bytes).unwrap_or(bytes.len());
    if header > HEAD {
        let found = format!("a line of {header} bytes");
        return Err(malformed(name, &format!("a header of at most {HEAD} bytes"), &found, "name the columns in it"));
    }
    let source = Source::Held(bytes.into(), name.to_string());
    if source.open(&|_| ())?.format()? != Format::Csv {
        return Err(malformed(name, "CSV", "another format", "send a header of names, and then a line for each row"));
    }
    let table = held(&[source], options, &|_| ())?;
    if table.n_rows == 0 {
        return Err(malformed(name, "rows", "a header and no rows", "send a line for each row"));
    }
    Ok(table)
}

/// Of the memory that a table on disk may take, the part that is mapped; the rest is for blocks on their way.
const WINDOWS: u64 = 4;

fn held(sources: &[Source], options: &ReadOptions, progress: Progress<'_>) -> Result<Table> {
    let mut parts: Vec<Part> = Vec::new();
    for source in sources {
        let part = part(source, options, progress)?;
        if let Some(first) = parts.first() {
            same_columns(first, &part)?;
        }
        parts.push(part);
    }
    words_for_numbers(sources, &mut parts, options)?;
    join(parts, options)
}

/// A table of record batches in memory, such as a data frame hands out. Errors call it `name`, and count rows from 1.
///
/// # Errors
/// [`Error::Malformed`] for columns of one name, a column that holds neither numbers, text, booleans nor dates, or a
/// table without rows.
#[cfg(feature = "arrow")]
pub fn from_batches(name: &str, batches: impl RecordBatchReader, options: &ReadOptions) -> Result<Table> {
    let (names, pieces) = super::arrow::pieces_of(name, batches, options)?;
    let part = Part { name: name.to_string(), format: Format::ArrowStream, names, pieces };
    let table = join(vec![part], options)?;
    if table.n_rows == 0 {
        return Err(malformed(name, "rows", "none", "look at how the table was made"));
    }
    Ok(table)
}

/// The pieces of one input.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) names: Vec<String>,
    pub(super) pieces: Vec<Piece>,
}

impl Part {
    /// The same without its rows.
    pub(super) fn head(&self) -> Part {
        Part { name: self.name.clone(), format: self.format, names: self.names.clone(), pieces: Vec::new() }
    }
}

fn part(source: &Source, options: &ReadOptions, progress: Progress<'_>) -> Result<Part> {
    let input = source.open(progress)?;
    let format = input.format()?;
    let name = input.name.clone();
    let mut names = Vec::new();
    let pieces = match format {
        Format::Csv => {
            let (blocks, dialect) = csv_blocks(input, options, progress)?;
            let wants: Vec<Want> = dialect.names.iter().map(|name| options.want(name)).collect();
            let parser = CsvParser {
                path: &name,
                delimiter: dialect.delimiter,
                names: &dialect.names,
                wants: &wants,
                options,
                records: false,
            };
            let pieces = parse_all(blocks, &|block| parser.parse(block))?;
            names = dialect.names;
            pieces
        }
        Format::JsonLines => {
            let blocks = Blocks::new(input, None, progress)?;
            parse_all(blocks, &|block| json_lines::parse(block, &name, options, false))?
        }
        Format::Svmlight => {
            let blocks = Blocks::new(input, None, progress)?;
            parse_all(blocks, &|block| svmlight::parse(block, &name, options))?
        }
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => {
            let (found, pieces) = columnar(source, input, format, options, progress)?;
            names = found;
            pieces
        }
    };
    Ok(Part { name, format, names, pieces })
}

#[cfg(feature = "arrow")]
fn columnar(
    source: &Source,
    input: Input,
    format: Format,
    options: &ReadOptions,
    progress: Progress<'_>,
) -> Result<(Vec<String>, Vec<Piece>)> {
    let name = input.name.clone();
    if let (Format::Parquet, Source::File(path), true) = (format, source, input.is_plain()) {
        return super::arrow::parquet_pieces(path, options, progress);
    }
    let batches = super::arrow::open(source, input, format)?;
    let names = batches.names();
    let mut pieces = Vec::new();
    let mut n_rows = 0;
    for batch in batches {
        let batch = batch?;
        progress(batch.get_array_memory_size() as u64);
        pieces.push(super::arrow::piece(&batch, n_rows, &name, options)?);
        n_rows += batch.num_rows() as u64;
    }
    Ok((names, pieces))
}

#[cfg(not(feature = "arrow"))]
fn columnar(
    _: &Source,
    input: Input,
    _: Format,
    _: &ReadOptions,
    _: Progress<'_>,
) -> Result<(Vec<String>, Vec<Piece>)> {
    Err(without_arrow(&input.name))
}

#[cfg(not(feature = "arrow"))]
pub(super) fn without_arrow(name: &str) -> Error {
    malformed(name, "a text format", "Parquet or Arrow", "build the library with the feature `arrow`")
}

/// The blocks of a CSV input behind its header, and its dialect.
pub(super) fn csv_blocks<'p>(
    input: Input,
    options: &ReadOptions,
    progress: Progress<'p>,
) -> Result<(Blocks<'p>, Dialect)> {
    let dialect = Dialect::of(input.head(), &input.name, options)?;
    let mut blocks = Blocks::new(input, Some(dialect.delimiter), progress)?;
    blocks.skip(dialect.header_bytes, dialect.header_lines)?;
    Ok((blocks, dialect))
}

/// Parses blocks on every core. Of several errors the first in the file counts: blocks are handed out in order, so
/// whatever stands before an error is parsed as well.
fn parse_all(blocks: Blocks<'_>, parse: &(dyn Fn(&TextBlock) -> Result<Piece> + Sync)) -> Result<Vec<Piece>> {
    let failed = AtomicBool::new(false);
    let spare: Mutex<Vec<Vec<u8>>> = Mutex::default();
    let take = || spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
    let mut blocks = blocks;
    let mut index = 0;
    let handed_out = std::iter::from_fn(|| {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        index += 1;
        Some((index, blocks.next(take()).transpose()?))
    });
    let parsed = |(index, block): (usize, Result<TextBlock>)| {
        let piece = block.and_then(|block| {
            let piece = parse(&block);
            spare.lock().unwrap_or_else(PoisonError::into_inner).push(block.bytes);
            piece
        });
        failed.fetch_or(piece.is_err(), Ordering::Relaxed);
        (index, piece)
    };
    let mut pieces: Vec<(usize, Result<Piece>)> = handed_out.par_bridge().map(parsed).collect();
    pieces.sort_unstable_by_key(|(index, _)| *index);
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

pub(super) fn same_columns(first: &Part, other: &Part) -> Result<()> {
    // An absent index is zero in svmlight, and a missing cell elsewhere.
    if (first.format == Format::Svmlight) != (other.format == Format::Svmlight) {
        return Err(malformed(
            &other.name,
            "the format of the first file",
            "another",
            "svmlight files go by themselves",
        ));
    }
    // The formats without a header may leave columns out of a file.
    if first.names.is_empty() || other.names.is_empty() {
        return Ok(());
    }
    let only_in = |a: &Part, b: &Part| a.names.iter().find(|name| !b.names.contains(name)).cloned();
    let (found, column) = match (only_in(first, other), only_in(other, first)) {
        (Some(column), _) => ("none", column),
        (None, Some(column)) => ("one that the first file does not have", column),
        (None, None) => return Ok(()),
    };
    Err(Error::Malformed {
        place: Place::file(&other.name).column(column),
        expected: format!("the same columns as in {}", first.name),
        found: found.to_string(),
        help: Some("the files of one table must name the same columns, in any order".to_string()),
    })
}

/// A column of words may have blocks that hold only numbers. Those are read again, for `007` is a word there.
fn words_for_numbers(sources: &[Source], parts: &mut [Part], options: &ReadOptions) -> Result<()> {
    let mut numbers: HashSet<&str> = HashSet::new();
    let mut words: HashSet<&str> = HashSet::new();
    for piece in parts.iter().flat_map(|part| &part.pieces) {
        for (name, cells) in piece.names.iter().zip(&piece.cells) {
            if cells.is_text() {
                words.insert(name);
            } else if cells.has_numbers() {
                numbers.insert(name);
            }
        }
    }
    let both: Vec<String> = numbers.intersection(&words).map(|name| (*name).to_string()).collect();
    if both.is_empty() {
        return Ok(());
    }
    let again = ReadOptions { text: both.clone(), only: Some(both), ..options.clone() };
    for (source, first) in sources.iter().zip(parts) {
        if !matches!(first.format, Format::Csv | Format::JsonLines) {
            continue;
        }
        let second = part(source, &again, &|_| ())?;
        for (first, second) in first.pieces.iter_mut().zip(second.pieces) {
            for (cells, words) in first.cells.iter_mut().zip(second.cells) {
                if words.is_text() {
                    *cells = words;
                }
            }
        }
    }
    Ok(())
}

/// Joins the pieces of all inputs.
pub(super) fn join(parts: Vec<Part>, options: &ReadOptions) -> Result<Table> {
    let available = all_names(&parts);
    let mut table = Table { available, ..Table::default() };
    let mut pieces = Vec::new();
    for (file, part) in parts.into_iter().enumerate() {
        table.files.push(part.name);
        for piece in part.pieces {
            let first_row = table.n_rows;
            let run = |(row, line): &(usize, u64)| Run { first_row: first_row + row, file, first_line: *line };
            table.runs.extend(piece.lines.iter().map(run));
            table.n_rows += piece.n_rows;
            pieces.push(Columns::of(piece));
        }
    }
    for (at, name) in table.available.clone().into_iter().enumerate() {
        let want = options.want(&name);
        if want == Want::Skip {
            continue;
        }
        let mut joining = Joining::new(name.clone(), &table.store);
        for piece in &mut pieces {
            let cells = piece.take(at, &name);
            joining.join(cells, piece.n_rows)?;
        }
        table.columns.push(joining.finish(want, options, |row, name| table.place(row, name))?);
    }
    Ok(table)
}

/// The names of all columns, in the order in which they are met; those of svmlight by their number.
fn all_names(parts: &[Part]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for part in parts {
        for name in part.names.iter().chain(part.pieces.iter().flat_map(|piece| &piece.names)) {
            if known.insert(name) {
                names.push(name.clone());
            }
        }
    }
    if parts.iter().any(|part| part.format == Format::Svmlight) {
        names.sort_by_key(|name| name.parse::<u64>().map_or((0, 0), |index| (1, index)));
    }
    names
}

/// The columns of a piece, found at their place in the header or else by name.
pub(super) struct Columns {
    names: Vec<String>,
    cells: Vec<PieceCells>,
    by_name: HashMap<String, usize>,
    n_rows: usize,
}

impl Columns {
    pub(super) fn of(piece: Piece) -> Self {
        Columns { names: piece.names, cells: piece.cells, by_name: HashMap::new(), n_rows: piece.n_rows }
    }

    pub(super) fn take(&mut self, at: usize, name: &str) -> Option<PieceCells> {
        let at = if self.names.get(at).is_some_and(|own| own == name) {
            at
        } else {
            if self.by_name.is_empty() {
                self.by_name = self.names.iter().cloned().zip(0..).collect();
            }
            *self.by_name.get(name)?
        };
        Some(std::mem::replace(&mut self.cells[at], PieceCells::Skip))
    }
}
