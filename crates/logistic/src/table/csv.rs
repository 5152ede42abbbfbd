//! Comma-separated values into a table, typed by whole columns.

use std::collections::HashMap;
use std::io::Read;

use super::{Cells, Column, Table};
use crate::error::{Error, Place, Result};

/// The words that stand for a missing cell unless others are given; an empty cell always does.
pub const MISSING_MARKERS: [&str; 7] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

/// How to read a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// The byte between cells.
    pub delimiter: u8,
    /// Words that stand for a missing cell, besides an empty one.
    pub missing_markers: Vec<String>,
    /// Columns whose cells are text even where they look like numbers.
    pub text: Vec<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions { delimiter: b',', missing_markers: MISSING_MARKERS.map(String::from).to_vec(), text: Vec::new() }
    }
}

/// A CSV file in memory, to be read as a table and written again with more columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFile {
    path: String,
    bytes: Vec<u8>,
}

impl CsvFile {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn open(path: &str) -> Result<Self> {
        let mut bytes = Vec::new();
        let read =
            if path == "-" { std::io::stdin().read_to_end(&mut bytes).map(|_| bytes) } else { std::fs::read(path) };
        let mut bytes = read.map_err(|source| Error::Io { path: path.into(), action: "read", source })?;
        // A byte order mark is no part of the first name.
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(CsvFile { path: path.to_string(), bytes })
    }

    /// The table. A column is numeric when every cell that is not missing is a number.
    ///
    /// # Errors
    /// [`Error::Malformed`], with its line, for an empty file, a repeated or empty column name, a row of another
    /// length, text that is not UTF-8, or a number beyond the range of f64.
    pub fn table(&self, options: &CsvOptions) -> Result<Table> {
        let (path, bytes) = (self.path.as_str(), self.bytes.as_slice());
        let names = header(path, bytes, options)?;
        let mut columns: Vec<Reading> =
            names.iter().map(|name| Reading::new(options.text.iter().any(|text| text == name))).collect();
        let mut lines = Vec::new();
        each_record(path, bytes, options, |line, record| {
            lines.push(line);
            for ((cell, column), name) in record.iter().zip(&mut columns).zip(&names) {
                let met = column.meet(cell.trim_ascii(), line, options);
                met.map_err(|found| number_too_large(path, line, name, &found))?;
            }
            Ok(())
        })?;
        // Only a column that turned out to be text needs its cells again, as words.
        if columns.iter().any(|column| column.words.is_some()) {
            each_record(path, bytes, options, |line, record| {
                for ((cell, column), name) in record.iter().zip(&mut columns).zip(&names) {
                    column.take_word(cell.trim_ascii(), options).map_err(|()| not_utf8(path, line, Some(name)))?;
                }
                Ok(())
            })?;
        }
        let columns = names.into_iter().zip(columns).map(|(name, column)| column.finish(name)).collect();
        Ok(Table { path: self.path.clone(), columns, lines })
    }

    /// Writes every cell as it is, and behind each row the cells of `extra`, a name and one cell per row each.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the file has a column of such a name already; [`Error::Shape`] when `extra` has not
    /// one cell per row; [`Error::Io`] when `out` fails, which is named as `to`.
    pub fn write_with(
        &self,
        options: &CsvOptions,
        extra: &[(&str, Vec<String>)],
        out: &mut dyn std::io::Write,
        to: &str,
    ) -> Result<()> {
        let io = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(source) => Error::Io { path: to.into(), action: "write", source },
            other => {
                Error::Io { path: to.into(), action: "write", source: std::io::Error::other(format!("{other:?}")) }
            }
        };
        let names = header(&self.path, &self.bytes, options)?;
        if let Some((name, _)) = extra.iter().find(|(name, _)| names.iter().any(|own| own == name)) {
            return Err(Error::Malformed {
                place: Place::file(&self.path).line(1),
                expected: format!("no column `{name}`, which the output adds"),
                found: format!("`{name}`"),
                help: Some("rename that column".to_string()),
            });
        }
        let mut writer = csv::WriterBuilder::new().delimiter(options.delimiter).from_writer(out);
        let names = names.iter().map(String::as_str).chain(extra.iter().map(|(name, _)| *name));
        writer.write_record(names).map_err(io)?;
        let mut row = 0;
        each_record(&self.path, &self.bytes, options, |_, record| {
            let mut record = record.clone();
            for (name, cells) in extra {
                let short = || Error::Shape { what: format!("cells of {name}"), expected: row + 1, found: cells.len() };
                record.push_field(cells.get(row).ok_or_else(short)?.as_bytes());
            }
            row += 1;
            writer.write_byte_record(&record).map_err(io)
        })?;
        writer.flush().map_err(|source| Error::Io { path: to.into(), action: "write", source })
    }
}

/// Reads a CSV file with a header as a table; `-` is standard input.
///
/// # Errors
/// Those of [`CsvFile::open`] and [`CsvFile::table`].
pub fn read_csv(path: &str, options: &CsvOptions) -> Result<Table> {
    CsvFile::open(path)?.table(options)
}

fn reader<'b>(bytes: &'b [u8], options: &CsvOptions) -> csv::Reader<&'b [u8]> {
    csv::ReaderBuilder::new().delimiter(options.delimiter).from_reader(bytes)
}

fn header(path: &str, bytes: &[u8], options: &CsvOptions) -> Result<Vec<String>> {
    let mut reader = reader(bytes, options);
    let record = reader.byte_headers().map_err(|error| csv_error(path, &error))?;
    let mut names: Vec<String> = Vec::with_capacity(record.len());
    let malformed = |expected: &str, found: String| Error::Malformed {
        place: Place::file(path).line(1),
        expected: expected.to_string(),
        found,
        help: Some("the first line must name the columns".to_string()),
    };
    if record.is_empty() || (record.len() == 1 && record[0].trim_ascii().is_empty()) {
        return Err(malformed("a header line", "nothing".to_string()));
    }
    for cell in record {
        let name = std::str::from_utf8(cell.trim_ascii()).map_err(|_| not_utf8(path, 1, None))?;
        if name.is_empty() {
            return Err(malformed("a name for every column", format!("column {} without one", names.len() + 1)));
        }
        if names.iter().any(|other| other == name) {
            return Err(malformed("each column name once", format!("`{name}` twice")));
        }
        names.push(name.to_string());
    }
    Ok(names)
}

fn each_record(
    path: &str,
    bytes: &[u8],
    options: &CsvOptions,
    mut f: impl FnMut(u64, &csv::ByteRecord) -> Result<()>,
) -> Result<()> {
    let mut reader = reader(bytes, options);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| csv_error(path, &error))? {
        f(record.position().map_or(0, csv::Position::line), &record)?;
    }
    Ok(())
}

/// A column while it is being read.
struct Reading {
    numbers: Vec<f64>,
    n_numbers: usize,
    n_words: usize,
    first_word: Option<(u64, String)>,
    words: Option<(Vec<u32>, HashMap<String, u32>)>,
}

impl Reading {
    fn new(text: bool) -> Self {
        let words = text.then(|| (Vec::new(), HashMap::new()));
        Reading { numbers: Vec::new(), n_numbers: 0, n_words: 0, first_word: None, words }
    }

    /// Meets a cell for the first time. A number beyond f64 is an error.
    fn meet(&mut self, cell: &[u8], line: u64, options: &CsvOptions) -> std::result::Result<(), String> {
        if is_missing(cell, options) {
            self.numbers.push(f64::NAN);
            return Ok(());
        }
        match number(cell) {
            Some(value) if value.is_infinite() && self.words.is_none() => {
                Err(String::from_utf8_lossy(cell).into_owned())
            }
            Some(value) => {
                self.n_numbers += 1;
                self.numbers.push(value);
                Ok(())
            }
            None => {
                self.n_words += 1;
                self.first_word.get_or_insert_with(|| (line, String::from_utf8_lossy(cell).into_owned()));
                self.words.get_or_insert_with(Default::default);
                Ok(())
            }
        }
    }

    fn take_word(&mut self, cell: &[u8], options: &CsvOptions) -> std::result::Result<(), ()> {
        let Some((codes, levels)) = &mut self.words else { return Ok(()) };
        if is_missing(cell, options) {
            codes.push(Cells::MISSING);
            return Ok(());
        }
        let word = std::str::from_utf8(cell).map_err(|_| ())?;
        let next = levels.len() as u32;
        let code = match levels.get(word) {
            Some(&code) => code,
            None => *levels.entry(word.to_string()).or_insert(next),
        };
        codes.push(code);
        Ok(())
    }

    fn finish(self, name: String) -> Column {
        let stray = self.first_word.filter(|_| self.n_words * 9 <= self.n_numbers);
        let cells = match self.words {
            None => Cells::Number(self.numbers),
            Some((codes, by_word)) => {
                let mut levels = vec![String::new(); by_word.len()];
                by_word.into_iter().for_each(|(word, code)| levels[code as usize] = word);
                Cells::Text { codes, levels }
            }
        };
        Column { name, cells, stray }
    }
}

fn is_missing(cell: &[u8], options: &CsvOptions) -> bool {
    cell.is_empty() || options.missing_markers.iter().any(|marker| marker.as_bytes() == cell)
}

/// The number a cell holds; infinite when it is beyond f64. Words such as `inf` are no numbers.
fn number(cell: &[u8]) -> Option<f64> {
    let digits = cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell);
    if !digits.first().is_some_and(|c| c.is_ascii_digit() || *c == b'.') {
        return None;
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

fn number_too_large(path: &str, line: u64, name: &str, found: &str) -> Error {
    Error::Malformed {
        place: Place::file(path).line(line).column(name),
        expected: "a number within ±1.8e308".to_string(),
        found: format!("`{found}`"),
        help: None,
    }
}

fn not_utf8(path: &str, line: u64, column: Option<&str>) -> Error {
    let place = Place::file(path).line(line);
    Error::Malformed {
        place: column.map_or(place.clone(), |column| place.column(column)),
        expected: "text in UTF-8".to_string(),
        found: "other bytes".to_string(),
        help: Some("convert the file, for instance with `iconv -f latin1 -t utf-8`".to_string()),
    }
}

fn csv_error(path: &str, error: &csv::Error) -> Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => Error::Malformed {
            place: Place { line: pos.as_ref().map(csv::Position::line), ..Place::file(path) },
            expected: format!("{expected_len} cells, as in the header"),
            found: len.to_string(),
            help: Some("a cell that contains the delimiter must stand in quotes".to_string()),
        },
        _ => Error::Malformed {
            place: Place::file(path),
            expected: "comma-separated values".to_string(),
            found: error.to_string(),
            help: None,
        },
    }
}
