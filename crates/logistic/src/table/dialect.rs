//! What a CSV file does not say of itself: its delimiter, and the names of its columns.

use super::blocks::{TextBlock, line_ends};
use super::options::ReadOptions;
use super::source::malformed;
use crate::error::{Error, Place, Result, quoted};

/// The delimiters that are looked for, the commonest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// As many records show which delimiter cuts all of them alike.
const SAMPLE: usize = 100;

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) names: Vec<String>,
    /// The bytes of the header line; 0 where there is none.
    pub(super) header_bytes: usize,
    pub(super) header_lines: u64,
}

impl Dialect {
    /// Finds the dialect out from the first bytes of a file.
    pub(super) fn of(head: &[u8], path: &str, options: &ReadOptions) -> Result<Dialect> {
        let (offset, head) = match head.strip_prefix(b"\xef\xbb\xbf") {
            Some(head) => (3, head),
            None => (0, head),
        };
        let delimiter = match options.delimiter {
            Some(delimiter) => checked(delimiter)?,
            None => detect(head),
        };
        let mut reader = reader(head, delimiter);
        let mut record = csv::ByteRecord::new();
        let read = reader.read_byte_record(&mut record);
        if !read.is_ok_and(|some| some) {
            return Err(malformed(path, "a table", "nothing", "look at where the file came from"));
        }
        if !options.header {
            let names = (1..=record.len()).map(|n| format!("column{n}")).collect();
            return Ok(Dialect { delimiter, names, header_bytes: 0, header_lines: 0 });
        }
        let line = record.position().map_or(1, csv::Position::line);
        let mut end = reader.position().byte() as usize;
        // The reader stops before the second half of a line end.
        if head.get(end) == Some(&b'\n') && head.get(end.wrapping_sub(1)) == Some(&b'\r') {
            end += 1;
        }
        let header_lines = line_ends(&head[..end]);
        let text = TextBlock { bytes: head[..end].to_vec(), line: 1, offset };
        text.text(path)?;
        let record = csv::StringRecord::from_byte_record_lossy(record);
        let names = names(&record, path, line)?;
        Ok(Dialect { delimiter, names, header_bytes: end, header_lines })
    }
}

/// What words and numbers are made of, quotes and line ends cannot stand between cells; nor can a part of a character
/// of several bytes.
fn checked(delimiter: u8) -> Result<u8> {
    if !delimiter.is_ascii() || delimiter.is_ascii_alphanumeric() || matches!(delimiter, 0 | b'"' | b'\n' | b'\r') {
        return Err(Error::Setting {
            name: "delimiter",
            expected: "an ASCII character that is no letter, digit, quote or line end".to_string(),
            found: format!("`{}`", delimiter.escape_ascii()),
        });
    }
    Ok(delimiter)
}

/// A reader of records of any length.
pub(super) fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(bytes)
}

/// The delimiter that cuts the first records into the most cells, the same number in each; if none does, the one
/// that occurs most in the first.
fn detect(head: &[u8]) -> u8 {
    let mut best = (b',', false, 1);
    for delimiter in DELIMITERS {
        let mut lengths = Vec::new();
        let mut reader = reader(head, delimiter);
        let mut record = csv::ByteRecord::new();
        while lengths.len() <= SAMPLE && reader.read_byte_record(&mut record).is_ok_and(|some| some) {
            lengths.push(record.len());
        }
        // The last record may be cut off by the end of the sample.
        if lengths.len() > 2 {
            lengths.pop();
        }
        let cells = lengths.first().copied().unwrap_or(0);
        let even = lengths.iter().all(|length| *length == cells);
        if cells > 1 && (even, cells) > (best.1, best.2) {
            best = (delimiter, even, cells);
        }
    }
    best.0
}

/// The names of the header; a nameless column is called by its position, as in `column1`.
fn names(record: &csv::StringRecord, path: &str, line: u64) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(record.len());
    let wrong = |expected: &str, found: String, help: &str| Error::Malformed {
        place: Place::file(path).line(line),
        expected: expected.to_string(),
        found,
        help: Some(help.to_string()),
    };
    for cell in record.iter() {
        let name = cell.trim_ascii();
        let name = match name {
            "" => format!("column{}", names.len() + 1),
            name => name.to_string(),
        };
        names.push(name);
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(wrong(
            "each column name once",
            format!("{} twice", quoted(pair[0])),
            "rename one of the columns; `--no-header` reads a file whose first line is data",
        )),
        None => Ok(names),
    }
}
