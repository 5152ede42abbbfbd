//! One block of CSV into the cells of its columns.

use super::blocks::{TextBlock, line_ends};
use super::cell;
use super::dialect::reader;
use super::options::{ReadOptions, Want};
use super::piece::{Piece, PieceCells};
use crate::error::{Error, Place, Result};

/// How the blocks of one file are parsed.
#[derive(Clone, Copy)]
pub(super) struct CsvParser<'p> {
    pub(super) path: &'p str,
    pub(super) delimiter: u8,
    pub(super) names: &'p [String],
    pub(super) wants: &'p [Want],
    pub(super) options: &'p ReadOptions,
    /// Whether the places of the records are wanted.
    pub(super) records: bool,
}

impl CsvParser<'_> {
    /// The cells of a block, with no column left [`PieceCells::Mixed`].
    pub(super) fn parse(&self, block: &TextBlock) -> Result<Piece> {
        let text = block.text(self.path)?;
        let mut piece = self.pass(text, block.line, self.wants)?;
        let mixed = |cells: &PieceCells| matches!(cells, PieceCells::Mixed);
        if piece.cells.iter().any(mixed) {
            let again = |cells: &PieceCells| if mixed(cells) { Want::Text } else { Want::Skip };
            let wants: Vec<Want> = piece.cells.iter().map(again).collect();
            let text = CsvParser { records: false, ..*self }.pass(text, block.line, &wants)?;
            for (cells, words) in piece.cells.iter_mut().zip(text.cells).filter(|(cells, _)| mixed(cells)) {
                *cells = words;
            }
        }
        Ok(piece)
    }

    /// Whether all that looks like a plain number is one: not where commas stand for points, where a number holds the
    /// delimiter, nor where a missing cell is written as a number, such as `-99`.
    fn plain_numbers(&self) -> bool {
        let is_number = |marker: &String| cell::plain_number(marker.as_bytes()).is_some();
        let inside = matches!(self.delimiter, b'.' | b'+' | b'-');
        !self.options.decimal_comma && !inside && !self.options.missing_markers.iter().any(is_number)
    }

    fn pass(&self, text: &str, line: u64, wants: &[Want]) -> Result<Piece> {
        // Rows are about as long as their names are many; a wrong guess costs a little memory.
        let rows = text.len() / (8 * wants.len().max(1));
        let mut piece = Piece {
            names: self.names.to_vec(),
            cells: wants.iter().map(|want| PieceCells::new(*want, rows)).collect(),
            ..Piece::default()
        };
        let bytes = text.as_bytes();
        let lone_return = || memchr::memchr_iter(b'\r', bytes).any(|at| bytes.get(at + 1) != Some(&b'\n'));
        if memchr::memchr(b'"', bytes).is_some() || lone_return() {
            self.quoted(text, line, &mut piece)?;
        } else {
            self.plain(text, line, &mut piece)?;
        }
        Ok(piece)
    }

    /// A block with quotes, through the `csv` crate.
    fn quoted(&self, text: &str, line: u64, piece: &mut Piece) -> Result<()> {
        let mut reader = reader(text.as_bytes(), self.delimiter);
        let mut record = csv::StringRecord::new();
        let mut lines = LineCount { text, line, at: 0 };
        loop {
            let read = reader.read_record(&mut record).map_err(|error| Error::Malformed {
                place: Place::file(self.path).line(line),
                expected: "comma-separated values".to_string(),
                found: error.to_string(),
                help: None,
            })?;
            if !read {
                return Ok(());
            }
            let place = record.position().cloned().unwrap_or_else(csv::Position::new);
            let line = lines.at(place.byte() as usize);
            if record.len() != piece.cells.len() {
                return Err(self.uneven(line, record.len()));
            }
            piece.at_line(line);
            for (cells, cell) in piece.cells.iter_mut().zip(&record) {
                cells.push(cell, self.options);
            }
            piece.n_rows += 1;
            if self.records {
                let end = reader.position().byte() as usize;
                let whole = &text[place.byte() as usize..end];
                let start = end - whole.trim_start_matches(['\r', '\n']).len();
                piece.records.push(start..start + whole.trim_matches(['\r', '\n']).len());
            }
        }
    }

    /// A block without quotes: every delimiter ends a cell, every line end a row. Where a number is expected, parsing
    /// it finds the end of its cell, so that the bytes are looked at once.
    fn plain(&self, text: &str, mut line: u64, piece: &mut Piece) -> Result<()> {
        let bytes = text.as_bytes();
        let columns = piece.cells.len();
        let plain = self.plain_numbers();
        let mut at = 0;
        while at < bytes.len() {
            if let Some(blank) = line_end(bytes, at) {
                at += blank;
                line += 1;
                continue;
            }
            piece.at_line(line);
            let start = at;
            for (column, cells) in piece.cells.iter_mut().enumerate() {
                let end = self.take(text, at, cells, plain);
                let delimited = bytes.get(end) == Some(&self.delimiter);
                if delimited != (column + 1 < columns) {
                    let record = text[start..].lines().next().unwrap_or("");
                    return Err(self.uneven(line, record.split(char::from(self.delimiter)).count()));
                }
                at = end + 1;
            }
            if self.records {
                let end = (at - 1).min(bytes.len());
                piece.records.push(start..start + text[start..end].trim_end_matches('\r').len());
            }
            piece.n_rows += 1;
            line += 1;
        }
        Ok(())
    }

    /// Takes the cell that begins at `at`, at once where numbers are `plain`; returns the place of the delimiter or
    /// line end behind it.
    fn take(&self, text: &str, at: usize, cells: &mut PieceCells, plain: bool) -> usize {
        let bytes = text.as_bytes();
        if let PieceCells::Number(numbers) = cells
            && plain
            && let Some((value, length)) = cell::plain_number(&bytes[at..])
            && bytes.get(at + length).is_none_or(|byte| *byte == self.delimiter || *byte == b'\n')
        {
            numbers.values.push(value);
            return at + length;
        }
        let end = memchr::memchr2(self.delimiter, b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        cells.push(&text[at..end], self.options);
        end
    }

    fn uneven(&self, line: u64, found: usize) -> Error {
        let source = if self.options.header { "the header" } else { "the first line" };
        Error::Malformed {
            place: Place::file(self.path).line(line),
            expected: format!("{} cells, as in {source}", self.names.len()),
            found: found.to_string(),
            help: Some(format!(
                "a cell that contains the delimiter `{}` must stand in quotes; `--delimiter` names another",
                char::from(self.delimiter).escape_default()
            )),
        }
    }
}

/// Counts lines, be they ended by a line feed, a return, or both.
struct LineCount<'t> {
    text: &'t str,
    line: u64,
    at: usize,
}

impl LineCount<'_> {
    /// The line of a byte that is not before the one last asked for.
    fn at(&mut self, byte: usize) -> u64 {
        let bytes = self.text.as_bytes();
        // The `csv` crate leaves the line ends before a record to it.
        let start = byte + bytes[byte..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += line_ends(&bytes[self.at..start]);
        self.at = start;
        self.line
    }
}

/// The length of the line end at `at`, if there is one.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match &bytes[at..] {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}
