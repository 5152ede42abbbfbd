//! Parquet and Arrow IPC, batch by batch.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek, Write};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::Table;
use super::cell::number_text;
use super::date::date_text;
use super::options::{ReadOptions, Want};
use super::piece::{Numbers, Piece, PieceCells, Words};
use super::read::from_batches;
use super::source::{Format, Input, Progress, Source, malformed};
use crate::error::{Error, Place, Result};

/// Rows in a batch of Parquet.
const BATCH: usize = 65_536;
const LARGEST_EXACT: u64 = 1 << 53;

type ArrowBatches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

/// The batches of one file.
pub(super) struct Batches {
    name: String,
    schema: SchemaRef,
    batches: ArrowBatches,
}

impl Batches {
    /// The names of the columns.
    pub(super) fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let Batches { name, batches, .. } = self;
        guarded(name, || batches.next().transpose()).transpose()
    }
}

/// Opens a file. One that is compressed as a whole, or comes through a pipe, is first spooled into a temporary file,
/// for these formats are read from their end.
pub(super) fn open(source: &Source, input: Input, format: Format) -> Result<Batches> {
    let name = input.name.clone();
    let io = |source| Error::Io { path: name.clone().into(), action: "read", source };
    let file = match source {
        Source::File(path) if input.is_plain() => File::open(path).map_err(io)?,
        _ => spooled(input)?,
    };
    let (schema, batches) = guarded(&name, || reader(file, format))?;
    let batches = Batches { name, schema, batches };
    refuse_twins(&batches.names(), &batches.name)?;
    Ok(batches)
}

/// The names of the columns of record batches, and their rows in pieces, made on every core.
pub(super) fn pieces_of(
    name: &str,
    mut batches: impl RecordBatchReader,
    options: &ReadOptions,
) -> Result<(Vec<String>, Vec<Piece>)> {
    let names: Vec<String> = batches.schema().fields().iter().map(|field| field.name().clone()).collect();
    refuse_twins(&names, name)?;
    let mut slices = Vec::new();
    let mut before = 0;
    while let Some(batch) = guarded(name, || batches.next().transpose())? {
        // A frame is often one batch.
        for start in (0..batch.num_rows()).step_by(BATCH) {
            let rows = BATCH.min(batch.num_rows() - start);
            slices.push((before + start as u64, batch.slice(start, rows)));
        }
        before += batch.num_rows() as u64;
    }
    let pieces: Vec<Result<Piece>> =
        slices.par_iter().map(|(before, slice)| piece(slice, *before, name, options)).collect();
    Ok((names, pieces.into_iter().collect::<Result<_>>()?))
}

/// A table of an Arrow IPC stream in memory, from somebody who may mean harm: the reader gets no message that claims more
/// bytes than there are, compressed ones are refused, for a few bytes could become more than there is memory for, and so
/// are more rows than `most_rows`. Errors call it `name`, and count rows from 1.
///
/// # Errors
/// As [`from_batches`]; [`Error::Malformed`] for what is refused.
pub fn parse_arrow(name: &str, bytes: Vec<u8>, most_rows: usize, options: &ReadOptions) -> Result<Table> {
    guarded(name, || Ok(check_stream(name, &bytes, most_rows)))??;
    let most_text = bytes.len().saturating_mul(MOST_TEXT);
    let batches = guarded(name, || arrow_ipc::reader::StreamReader::try_new(Cursor::new(bytes), None))?;
    from_batches(name, Spare { batches, left: most_text }, options)
}

/// Texts that share their bytes may be so many times longer than those bytes.
const MOST_TEXT: usize = 8;

/// Batches whose texts, together, are of a bounded length.
struct Spare<B> {
    batches: B,
    left: usize,
}

impl<B: RecordBatchReader> Iterator for Spare<B> {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.and_then(|batch| {
            let text = batch.columns().iter().map(shared_text).fold(0, usize::saturating_add);
            self.left = self.left.checked_sub(text).ok_or_else(|| {
                ArrowError::IpcError("texts that are longer than all bytes, for they share them".to_string())
            })?;
            Ok(batch)
        }))
    }
}

impl<B: RecordBatchReader> RecordBatchReader for Spare<B> {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

/// The bytes of an array's texts, where texts may share bytes.
fn shared_text(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8View => {
            array.as_string_view().lengths().fold(0, |sum, length| sum.saturating_add(length as usize))
        }
        DataType::Dictionary(_, value) if **value == DataType::Utf8View => {
            array.as_any_dictionary_opt().map_or(0, |dictionary| shared_text(dictionary.values()))
        }
        _ => 0,
    }
}

/// Walks the messages of a stream: four bytes that say a message follows, its length, its description, and a body whose
/// length the description tells (Arrow's columnar format, "Encapsulated message format").
fn check_stream(name: &str, bytes: &[u8], most_rows: usize) -> Result<()> {
    let (mut rest, mut rows) = (bytes, 0_u64);
    let cut_off = || damaged(name, "a message is longer than what follows");
    while !rest.is_empty() {
        rest = rest.strip_prefix(&[0xff; 4]).ok_or_else(|| damaged(name, "it is no stream"))?;
        let (length, after) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|_| cut_off())?;
        if length == 0 {
            return Ok(());
        }
        let (described, after) = after.split_at_checked(length).ok_or_else(cut_off)?;
        let message = arrow_ipc::root_as_message(described).map_err(|error| damaged(name, &error.to_string()))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| cut_off())?;
        rest = after.get(body..).ok_or_else(cut_off)?;
        let own = message.header_as_record_batch();
        let batch = own.or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
        if batch.is_some_and(|batch| batch.compression().is_some()) {
            return Err(malformed(name, "plain Arrow data", "compressed batches", "write them without compression"));
        }
        rows = rows.saturating_add(own.map_or(0, |batch| batch.length().unsigned_abs()));
        if rows > most_rows as u64 {
            return Err(malformed(name, &format!("at most {most_rows} rows"), "more", "send them in parts"));
        }
    }
    Ok(())
}

fn refuse_twins(names: &[String], path: &str) -> Result<()> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(malformed(path, "each column name once", &format!("`{}` twice", pair[0]), "rename one of the columns"))
        }
        None => Ok(()),
    }
}

/// A Parquet file, whose columns are stored apart, so that each can be read by itself.
pub(super) struct ParquetFile<'a> {
    path: &'a str,
    metadata: ArrowReaderMetadata,
    pub(super) names: Vec<String>,
}

impl<'a> ParquetFile<'a> {
    pub(super) fn open(path: &'a str) -> Result<Self> {
        let file = file(path)?;
        let metadata = guarded(path, || Ok(ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?))?;
        let names: Vec<String> = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        refuse_twins(&names, path)?;
        Ok(ParquetFile { path, metadata, names })
    }

    /// The rows of every row group.
    pub(super) fn group_rows(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups();
        groups.iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    /// Calls `f` with the cells of a column in a row group, some [`BATCH`] rows at a time.
    pub(super) fn each(
        &self,
        (group, column): (usize, usize),
        options: &ReadOptions,
        progress: Progress<'_>,
        f: &mut dyn FnMut(PieceCells) -> Result<()>,
    ) -> Result<()> {
        let mask = ProjectionMask::roots(self.metadata.metadata().file_metadata().schema_descr(), [column]);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file(self.path)?, self.metadata.clone());
        let builder = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(BATCH);
        let mut batches = guarded(self.path, || Ok(builder.build()?))?;
        while let Some(batch) = guarded(self.path, || batches.next().transpose())? {
            progress(batch.get_array_memory_size() as u64);
            piece(&batch, 0, self.path, options)?.cells.into_iter().try_for_each(&mut *f)?;
        }
        Ok(())
    }

    pub(super) fn refuse_lengths(&self) -> Error {
        damaged(self.path, "columns of other lengths than the file says")
    }
}

fn file(path: &str) -> Result<File> {
    File::open(path).map_err(|source| Error::Io { path: path.into(), action: "read", source })
}

/// The names of a Parquet file's columns, and its rows in pieces, read on every core: every column of every row group is
/// a task of its own.
pub(super) fn parquet_pieces(
    path: &str,
    options: &ReadOptions,
    progress: Progress<'_>,
) -> Result<(Vec<String>, Vec<Piece>)> {
    let file = ParquetFile::open(path)?;
    let wanted: Vec<usize> = (0..file.names.len()).filter(|&at| options.want(&file.names[at]) != Want::Skip).collect();
    let groups = file.group_rows();
    let tasks: Vec<(usize, usize)> =
        (0..groups.len()).flat_map(|group| wanted.iter().map(move |&column| (group, column))).collect();
    let column = |&task: &(usize, usize)| {
        let mut cells = Vec::new();
        file.each(task, options, progress, &mut |piece| {
            cells.push(piece);
            Ok(())
        })?;
        Ok(cells.into_iter())
    };
    let columns: Vec<Result<std::vec::IntoIter<PieceCells>>> = tasks.par_iter().map(column).collect();
    let mut columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
    let mut pieces = Vec::new();
    let mut row = 0_usize;
    for (at, group) in groups.iter().enumerate() {
        let columns = &mut columns[at * wanted.len()..(at + 1) * wanted.len()];
        let end = row.saturating_add(*group);
        while row < end {
            let n_rows = BATCH.min(end - row);
            let cells: Vec<PieceCells> = columns.iter_mut().filter_map(Iterator::next).collect();
            if cells.len() != wanted.len() || cells.iter().any(|cells| cells.len() != n_rows) {
                return Err(file.refuse_lengths());
            }
            let names = wanted.iter().map(|&at| file.names[at].clone()).collect();
            pieces.push(Piece { names, cells, n_rows, lines: vec![(0, row as u64 + 1)], ..Piece::default() });
            row += n_rows;
        }
    }
    Ok((file.names, pieces))
}

fn reader(file: File, format: Format) -> std::result::Result<(SchemaRef, ArrowBatches), ArrowError> {
    Ok(match format {
        Format::Parquet => {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
            (builder.schema().clone(), Box::new(builder.with_batch_size(BATCH).build()?))
        }
        Format::ArrowFile => {
            let reader = arrow_ipc::reader::FileReader::try_new(BufReader::new(file), None)?;
            (reader.schema(), Box::new(reader))
        }
        _ => {
            let reader = arrow_ipc::reader::StreamReader::try_new(BufReader::new(file), None)?;
            (reader.schema(), Box::new(reader))
        }
    })
}

/// Calls a reader of another library, which may panic on a file that was made to break it: to the caller that is one
/// more damaged file. What the reader leaves behind is not used again.
fn guarded<T>(path: &str, f: impl FnOnce() -> std::result::Result<T, ArrowError>) -> Result<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(read) => read.map_err(|error| damaged(path, &error.to_string())),
        Err(_) => Err(damaged(path, "its reader gave up")),
    }
}

fn spooled(mut input: Input) -> Result<File> {
    let io = |source| Error::Io { path: "a temporary file".into(), action: "write", source };
    let mut file = tempfile::tempfile().map_err(io)?;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        input.read_to(&mut buffer, 1 << 20)?;
        if buffer.is_empty() {
            file.rewind().map_err(io)?;
            return Ok(file);
        }
        file.write_all(&buffer).map_err(io)?;
    }
}

fn damaged(path: &str, error: &str) -> Error {
    malformed(
        path,
        "whole Parquet or Arrow data",
        &format!("data that cannot be read ({error})"),
        "write the file again",
    )
}

/// The columns of a batch whose first row is row `before` of its file. Rows count from 1 where lines would.
pub(super) fn piece(batch: &RecordBatch, before: u64, path: &str, options: &ReadOptions) -> Result<Piece> {
    guarded(path, || Ok(piece_of(batch, before, path, options)))?
}

fn piece_of(batch: &RecordBatch, before: u64, path: &str, options: &ReadOptions) -> Result<Piece> {
    let mut piece = Piece { n_rows: batch.num_rows(), lines: vec![(0, before + 1)], ..Piece::default() };
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let want = options.want(field.name());
        let cells = if want == Want::Skip { Some(PieceCells::Skip) } else { cells(array, want, options) };
        piece.cells.push(cells.ok_or_else(|| unreadable(path, field.name(), array.data_type()))?);
        piece.names.push(field.name().clone());
    }
    Ok(piece)
}

fn unreadable(path: &str, column: &str, found: &DataType) -> Error {
    Error::Malformed {
        place: Place::file(path).column(column),
        expected: "numbers, text, booleans, dates or times".to_string(),
        found: format!("the type {found}"),
        help: Some(format!("`--exclude {column}`, or spread what it holds over columns of their own")),
    }
}

/// The cells of an array; none for a type that is no cell.
fn cells(array: &ArrayRef, want: Want, options: &ReadOptions) -> Option<PieceCells> {
    let number = is_number(array.data_type());
    if want == Want::Infer {
        if let Some(days) = days(array) {
            return Some(PieceCells::Date(days));
        }
        if number {
            return numbers(array).map(PieceCells::Number);
        }
    }
    if number || matches!(array.data_type(), DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) {
        let mut words = Words::default();
        for row in 0..array.len() {
            match text(array, row)? {
                text if text.is_empty() => words.push_missing(),
                text => words.push(&text),
            }
        }
        return Some(PieceCells::Text(words));
    }
    let mut cells = PieceCells::new(Want::Text, 0);
    if array.data_type() == &DataType::Null {
        cells = PieceCells::Number(Numbers { values: vec![f64::NAN; array.len()], ..Numbers::default() });
        return Some(cells);
    }
    let read = each_text(array, &mut |text| match text {
        Some(text) => cells.push(text, options),
        None => cells.push_missing(),
    });
    read.then_some(cells)
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating() || matches!(kind, DataType::Decimal128(..))
}

/// Calls `f` with every text of a column of text or booleans; false for any other type.
fn each_text(array: &ArrayRef, f: &mut dyn FnMut(Option<&str>)) -> bool {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(f),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(f),
        DataType::Utf8View => array.as_string_view().iter().for_each(f),
        DataType::Boolean => {
            let word = |truth: bool| if truth { "true" } else { "false" };
            array.as_boolean().iter().for_each(|truth| f(truth.map(word)));
        }
        // Numbers that somebody made a dictionary of are categories.
        DataType::Dictionary(key, value) if value.is_string() || is_number(value) => match **key {
            DataType::Int8 => dictionary::<Int8Type>(array, f),
            DataType::Int16 => dictionary::<Int16Type>(array, f),
            DataType::Int32 => dictionary::<Int32Type>(array, f),
            DataType::Int64 => dictionary::<Int64Type>(array, f),
            DataType::UInt8 => dictionary::<UInt8Type>(array, f),
            DataType::UInt16 => dictionary::<UInt16Type>(array, f),
            DataType::UInt32 => dictionary::<UInt32Type>(array, f),
            DataType::UInt64 => dictionary::<UInt64Type>(array, f),
            _ => return false,
        },
        _ => return false,
    }
    true
}

fn dictionary<K: ArrowDictionaryKeyType>(array: &ArrayRef, f: &mut dyn FnMut(Option<&str>)) {
    let array = array.as_dictionary::<K>();
    let mut values: Vec<Option<String>> = Vec::with_capacity(array.values().len());
    if !each_text(array.values(), &mut |text| values.push(text.map(String::from))) {
        let number = |at| text(array.values(), at).filter(|text| !text.is_empty());
        values.extend((0..array.values().len()).map(number));
    }
    for row in 0..array.len() {
        f(array.key(row).and_then(|key| values.get(key)?.as_deref()));
    }
}

fn numbers(array: &ArrayRef) -> Option<Numbers> {
    let values = values(array)?;
    let large = match array.data_type() {
        DataType::Int64 => {
            let is_large = |value: Option<i64>| value.is_some_and(|value| value.unsigned_abs() > LARGEST_EXACT);
            array.as_primitive::<Int64Type>().iter().position(is_large)
        }
        DataType::UInt64 => {
            let is_large = |value: Option<u64>| value.is_some_and(|value| value > LARGEST_EXACT);
            array.as_primitive::<UInt64Type>().iter().position(is_large)
        }
        _ => None,
    };
    let overflow = values.iter().position(|value| value.is_infinite());
    let met = |row: Option<usize>| row.map(|row| (row, text(array, row).unwrap_or_default()));
    Some(Numbers { large: met(large), overflow: met(overflow), values })
}

/// The numbers of an array, NaN where they are missing; none for an array of anything else.
fn values(array: &ArrayRef) -> Option<Vec<f64>> {
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef, f: impl Fn(T::Native) -> f64) -> Vec<f64> {
        array.as_primitive::<T>().iter().map(|value| value.map_or(f64::NAN, &f)).collect()
    }
    Some(match array.data_type() {
        DataType::Int8 => of::<Int8Type>(array, f64::from),
        DataType::Int16 => of::<Int16Type>(array, f64::from),
        DataType::Int32 => of::<Int32Type>(array, f64::from),
        DataType::Int64 => of::<Int64Type>(array, |value| value as f64),
        DataType::UInt8 => of::<UInt8Type>(array, f64::from),
        DataType::UInt16 => of::<UInt16Type>(array, f64::from),
        DataType::UInt32 => of::<UInt32Type>(array, f64::from),
        DataType::UInt64 => of::<UInt64Type>(array, |value| value as f64),
        DataType::Float16 => of::<Float16Type>(array, f64::from),
        DataType::Float32 => of::<Float32Type>(array, f64::from),
        DataType::Float64 => of::<Float64Type>(array, |value| value),
        DataType::Decimal128(_, scale) => {
            // Parsed from its own decimal text, a decimal becomes the nearest f64, as it does from CSV.
            let text = |value: i128| decimal_text(value, *scale).parse().unwrap_or(f64::NAN);
            of::<arrow_array::types::Decimal128Type>(array, text)
        }
        _ => return None,
    })
}

fn decimal_text(value: i128, scale: i8) -> String {
    format!("{value}e{}", -i32::from(scale))
}

/// Days since 1970-01-01; none for an array of anything but dates and times.
fn days(array: &ArrayRef) -> Option<Vec<f64>> {
    use arrow_array::types as t;
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef, per_day: f64) -> Vec<f64>
    where
        i64: From<T::Native>,
    {
        let day = |value: T::Native| i64::from(value) as f64 / per_day;
        array.as_primitive::<T>().iter().map(|value| value.map_or(f64::NAN, day)).collect()
    }
    Some(match array.data_type() {
        DataType::Date32 => of::<t::Date32Type>(array, 1.0),
        DataType::Date64 => of::<t::Date64Type>(array, 86_400e3),
        DataType::Timestamp(TimeUnit::Second, _) => of::<t::TimestampSecondType>(array, 86_400.0),
        DataType::Timestamp(TimeUnit::Millisecond, _) => of::<t::TimestampMillisecondType>(array, 86_400e3),
        DataType::Timestamp(TimeUnit::Microsecond, _) => of::<t::TimestampMicrosecondType>(array, 86_400e6),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => of::<t::TimestampNanosecondType>(array, 86_400e9),
        _ => return None,
    })
}

/// One cell as text, empty where it is missing; none for a type that has no text.
fn text(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return Some(String::new());
    }
    let one = array.slice(row, 1);
    match array.data_type() {
        DataType::Int64 => Some(one.as_primitive::<Int64Type>().value(0).to_string()),
        DataType::UInt64 => Some(one.as_primitive::<UInt64Type>().value(0).to_string()),
        // An f32 has a shorter text than the f64 it becomes.
        DataType::Float32 => Some(one.as_primitive::<Float32Type>().value(0).to_string()),
        kind if is_number(kind) => values(&one).map(|values| number_text(values[0])),
        _ => match days(&one) {
            Some(days) => Some(date_text(days[0])),
            None => {
                let mut text = String::new();
                each_text(&one, &mut |cell| text = cell.unwrap_or_default().to_string()).then_some(text)
            }
        },
    }
}

/// The cells of a row as text, to be written again.
pub(super) fn row_text(batch: &RecordBatch, row: usize, path: &str) -> Result<Vec<String>> {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    columns
        .map(|(field, array)| text(array, row).ok_or_else(|| unreadable(path, field.name(), array.data_type())))
        .collect()
}
