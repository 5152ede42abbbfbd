//! Tables that are larger than memory: read some blocks at a time, column by column onto disk.

use std::collections::HashSet;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use super::blocks::{Blocks, TextBlock};
use super::csv::CsvParser;
use super::options::{ReadOptions, Want};
use super::piece::{Joining, Piece, PieceCells};
use super::read::{Columns, Part, csv_blocks, same_columns};
use super::source::{Format, Input, Progress, Source};
use super::{Run, Table, json_lines};
use crate::error::Result;
use crate::numbers::{Spool, Store};

/// Blocks of text that are parsed at once, for each thread.
const BLOCKS_PER_THREAD: usize = 2;
/// A table takes so many times its own memory until it is a design matrix.
const COPIES: u64 = 2;
/// What a byte that is compressed becomes, more or less.
const COMPRESSED: u64 = 5;

/// Whether the inputs as a table, with a design matrix made of it, would take more than `memory` bytes.
pub(super) fn exceed(sources: &[Source], options: &ReadOptions, memory: u64) -> Result<bool> {
    let mut bytes = 0_u64;
    for source in sources {
        let input = source.open(&|_| ())?;
        bytes = bytes.saturating_add(match (input.format()?, input.is_plain()) {
            // Its table is small: what is zero is not held.
            (Format::Svmlight, _) => return Ok(false),
            (Format::Parquet, true) => in_memory(source, options)?,
            (_, true) => source.bytes(),
            (_, false) => source.bytes().saturating_mul(COMPRESSED),
        });
    }
    Ok(bytes.saturating_mul(COPIES) > memory)
}

#[cfg(feature = "arrow")]
fn in_memory(source: &Source, options: &ReadOptions) -> Result<u64> {
    let Some(path) = source.path() else { return Ok(source.bytes()) };
    let file = super::arrow::ParquetFile::open(path)?;
    let columns = file.names.iter().filter(|name| options.want(name) != Want::Skip).count();
    Ok(8 * columns as u64 * file.group_rows().iter().sum::<usize>() as u64)
}

#[cfg(not(feature = "arrow"))]
fn in_memory(source: &Source, _: &ReadOptions) -> Result<u64> {
    Ok(source.bytes())
}

/// Reads files as [`read`](super::read()) does.
pub(super) fn read(sources: &[Source], options: &ReadOptions, spool: Spool, progress: Progress<'_>) -> Result<Table> {
    let mut reading = Reading::of(sources, options, Store::Disk(spool), progress)?;
    let both: Vec<String> =
        reading.columns.iter().filter(|column| column.met == (true, true)).map(|column| column.name.clone()).collect();
    if !both.is_empty() && reading.any_text {
        // `007` is a word among words, as it was written.
        let again = ReadOptions { only: Some(both), ..options.clone() };
        let second = Reading::of(sources, &again, reading.table.store.clone(), &|_| ())?;
        for column in second.columns {
            if let Some(first) = reading.columns.iter_mut().find(|first| first.name == column.name) {
                *first = column;
            }
        }
    }
    let Reading { mut table, columns, .. } = reading;
    for column in columns {
        let want = options.want(&column.name);
        let column = column.finish(want, options, |row, name| table.place(row, name))?;
        table.columns.push(column);
    }
    Ok(table)
}

/// A table on its way to disk.
struct Reading<'r> {
    options: &'r ReadOptions,
    progress: Progress<'r>,
    table: Table,
    columns: Vec<Joining>,
    /// The names of all columns that were met.
    known: HashSet<String>,
    /// Whether some of it comes as text, which may hold words that look like numbers.
    any_text: bool,
}

impl<'r> Reading<'r> {
    fn of(sources: &[Source], options: &'r ReadOptions, store: Store, progress: Progress<'r>) -> Result<Self> {
        let table = Table { store, ..Table::default() };
        let mut reading =
            Reading { options, progress, table, columns: Vec::new(), known: HashSet::new(), any_text: false };
        let mut first = None;
        for source in sources {
            let part = reading.source(source)?;
            same_columns(first.get_or_insert_with(|| part.head()), &part)?;
        }
        Ok(reading)
    }

    /// Reads one input; what it gives back has no rows.
    fn source(&mut self, source: &Source) -> Result<Part> {
        let input = source.open(self.progress)?;
        let (name, format) = (input.name.clone(), input.format()?);
        self.table.files.push(name.clone());
        let names = match format {
            Format::Csv => self.csv(input)?,
            Format::JsonLines | Format::Svmlight => {
                self.any_text = true;
                let blocks = Blocks::new(input, None, self.progress)?;
                let options = self.options;
                self.blocks(blocks, &|block| json_lines::parse(block, &name, options, false))?;
                Vec::new()
            }
            _ => self.columnar(source, input, format)?,
        };
        Ok(Part { name, format, names, pieces: Vec::new() })
    }

    fn csv(&mut self, input: Input) -> Result<Vec<String>> {
        self.any_text = true;
        let (name, options) = (input.name.clone(), self.options);
        let (blocks, dialect) = csv_blocks(input, options, self.progress)?;
        self.meet(&dialect.names)?;
        let wants: Vec<Want> = dialect.names.iter().map(|name| options.want(name)).collect();
        let parser = CsvParser {
            path: &name,
            delimiter: dialect.delimiter,
            names: &dialect.names,
            wants: &wants,
            options,
            records: false,
        };
        self.blocks(blocks, &|block| parser.parse(block))?;
        Ok(dialect.names)
    }

    fn blocks(&mut self, mut blocks: Blocks<'_>, parse: &(dyn Fn(&TextBlock) -> Result<Piece> + Sync)) -> Result<()> {
        let mut spare: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut texts = Vec::new();
            while texts.len() < BLOCKS_PER_THREAD * rayon::current_num_threads() {
                match blocks.next(spare.pop().unwrap_or_default())? {
                    Some(text) => texts.push(text),
                    None => break,
                }
            }
            if texts.is_empty() {
                return Ok(());
            }
            let parsed: Vec<(Result<Piece>, Vec<u8>)> =
                texts.into_par_iter().map(|text| (parse(&text), text.bytes)).collect();
            let mut pieces = Vec::with_capacity(parsed.len());
            for (piece, bytes) in parsed {
                pieces.push(piece?);
                spare.push(bytes);
            }
            self.join(pieces)?;
        }
    }

    #[cfg(feature = "arrow")]
    fn columnar(&mut self, source: &Source, input: Input, format: Format) -> Result<Vec<String>> {
        if let (Format::Parquet, Some(path), true) = (format, source.path(), input.is_plain()) {
            return self.parquet(path);
        }
        let name = input.name.clone();
        let batches = super::arrow::open(source, input, format)?;
        let names = batches.names();
        self.meet(&names)?;
        let mut before = 0;
        for batch in batches {
            let batch = batch?;
            (self.progress)(batch.get_array_memory_size() as u64);
            self.join(vec![super::arrow::piece(&batch, before, &name, self.options)?])?;
            before += batch.num_rows() as u64;
        }
        Ok(names)
    }

    #[cfg(not(feature = "arrow"))]
    fn columnar(&mut self, _: &Source, input: Input, _: Format) -> Result<Vec<String>> {
        Err(super::read::without_arrow(&input.name))
    }

    /// Every core reads other columns.
    #[cfg(feature = "arrow")]
    fn parquet(&mut self, path: &str) -> Result<Vec<String>> {
        let file = super::arrow::ParquetFile::open(path)?;
        self.meet(&file.names)?;
        let groups = file.group_rows();
        let n_rows: usize = groups.iter().sum();
        let (options, progress) = (self.options, self.progress);
        self.columns.par_iter_mut().try_for_each(|column| {
            let Some(at) = file.names.iter().position(|name| *name == column.name) else {
                return column.join(None, n_rows);
            };
            let before = column.n_rows();
            for group in 0..groups.len() {
                file.each((group, at), options, progress, &mut |cells| {
                    let rows = cells.len();
                    column.join(Some(cells), rows)
                })?;
            }
            if column.n_rows() == before + n_rows { Ok(()) } else { Err(file.refuse_lengths()) }
        })?;
        let run = Run { first_row: self.table.n_rows, file: self.table.files.len() - 1, first_line: 1 };
        self.table.runs.push(run);
        self.table.n_rows += n_rows;
        Ok(file.names)
    }

    /// Makes room for columns that were not met before; they are missing in the rows so far.
    fn meet(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            if !self.known.insert(name.clone()) {
                continue;
            }
            self.table.available.push(name.clone());
            if self.options.want(name) != Want::Skip {
                let mut column = Joining::new(name.clone(), &self.table.store);
                if self.table.n_rows > 0 {
                    column.join(None, self.table.n_rows)?;
                }
                self.columns.push(column);
            }
        }
        Ok(())
    }

    /// Adds pieces to the columns, on every core.
    fn join(&mut self, pieces: Vec<Piece>) -> Result<()> {
        let mut rows = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            self.meet(&piece.names)?;
        }
        let mut cells: Vec<Vec<Option<PieceCells>>> = Vec::new();
        cells.resize_with(self.columns.len(), Vec::new);
        for piece in pieces {
            let (first_row, file) = (self.table.n_rows, self.table.files.len() - 1);
            let run = |(row, line): &(usize, u64)| Run { first_row: first_row + row, file, first_line: *line };
            self.table.runs.extend(piece.lines.iter().map(run));
            self.table.n_rows += piece.n_rows;
            rows.push(piece.n_rows);
            let mut own = Columns::of(piece);
            for (at, (column, cells)) in self.columns.iter().zip(&mut cells).enumerate() {
                cells.push(own.take(at, &column.name));
            }
        }
        let both = self.columns.par_iter_mut().zip(cells);
        both.try_for_each(|(column, cells)| {
            cells.into_iter().zip(&rows).try_for_each(|(cells, &rows)| column.join(cells, rows))
        })
    }
}
