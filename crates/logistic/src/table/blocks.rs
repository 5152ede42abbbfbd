//! Text in blocks that end where a record ends, so that every block can be parsed by itself.

use super::source::{Input, Progress};
use crate::error::{Error, Place, Result};

/// A block of text. Large enough that its handling costs nothing, small enough to stay in the cache while it is parsed.
const BLOCK: usize = 1 << 20;
/// No record is longer. A longer one is a quote that nobody closed.
const LONGEST_RECORD: usize = 1 << 28;

/// Whole records.
#[derive(Debug)]
pub(super) struct TextBlock {
    pub(super) bytes: Vec<u8>,
    /// The line that the block begins with, from 1.
    pub(super) line: u64,
    /// The byte of the input that the block begins with.
    pub(super) offset: u64,
}

impl TextBlock {
    /// The block as text.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the line of a byte that is not UTF-8, or is NUL.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        if let Some(at) = memchr::memchr(0, &self.bytes) {
            let help = "the file is not text, or in UTF-16: `iconv -f utf-16 -t utf-8` converts it";
            return Err(self.wrong_byte(name, at, "a NUL byte", help));
        }
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let help = "convert the file, for instance with `iconv -f latin1 -t utf-8`";
            self.wrong_byte(name, error.valid_up_to(), "another byte", help)
        })
    }

    fn wrong_byte(&self, name: &str, at: usize, what: &str, help: &str) -> Error {
        let line = self.line + line_ends(&self.bytes[..at]);
        Error::Malformed {
            place: Place::file(name).line(line),
            expected: "text in UTF-8".to_string(),
            found: format!("{what}, {:#04x}, at byte {} of the file", self.bytes[at], self.offset + at as u64),
            help: Some(help.to_string()),
        }
    }
}

/// Cuts an input into blocks.
pub(super) struct Blocks<'p> {
    input: Input,
    progress: Progress<'p>,
    /// The delimiter of cells, where quotes may hold line ends.
    delimiter: Option<u8>,
    /// What was read beyond the last block.
    carry: Vec<u8>,
    line: u64,
    offset: u64,
    ended: bool,
}

impl<'p> Blocks<'p> {
    /// The blocks of an input. Line ends within quotes do not end a record where there is a `delimiter`.
    pub(super) fn new(mut input: Input, delimiter: Option<u8>, progress: Progress<'p>) -> Result<Self> {
        let mut carry = Vec::new();
        input.read_to(&mut carry, 3)?;
        let mut offset = 0;
        // A byte order mark is no part of the first name.
        if carry == b"\xef\xbb\xbf" {
            carry.clear();
            offset = 3;
        }
        Ok(Blocks { input, progress, delimiter, carry, line: 1, offset, ended: false })
    }

    /// The input's name.
    pub(super) fn name(&self) -> &str {
        &self.input.name
    }

    /// Leaves out the first `bytes`, which hold `lines` line ends: the header.
    pub(super) fn skip(&mut self, bytes: usize, lines: u64) -> Result<()> {
        let more = bytes.saturating_sub(self.carry.len());
        self.input.read_to(&mut self.carry, more)?;
        self.carry.drain(..bytes.min(self.carry.len()));
        self.line += lines;
        self.offset += bytes as u64;
        Ok(())
    }

    /// The next block, in `buffer`'s memory; none at the end.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] for damaged compressed data, a quote that is never closed, or a record
    /// beyond all measure.
    pub(super) fn next(&mut self, mut buffer: Vec<u8>) -> Result<Option<TextBlock>> {
        buffer.clear();
        buffer.append(&mut self.carry);
        let mut size = BLOCK;
        let end = loop {
            if !self.ended {
                let before = buffer.len();
                let wanted = size.saturating_sub(before).max(1);
                self.input.read_to(&mut buffer, wanted)?;
                (self.progress)((buffer.len() - before) as u64);
                self.ended = buffer.len() - before < wanted;
            }
            let (last, open) = self.last_record(&buffer);
            if self.ended {
                if let Some(at) = open {
                    return Err(self.unclosed(&buffer, at));
                }
                break buffer.len();
            }
            if let Some(end) = last {
                break end;
            }
            if buffer.len() > LONGEST_RECORD {
                return Err(self.unclosed(&buffer, open.unwrap_or(0)));
            }
            size = buffer.len() * 2;
        };
        self.carry.extend_from_slice(&buffer[end..]);
        buffer.truncate(end);
        if buffer.is_empty() {
            return Ok(None);
        }
        let block = TextBlock { line: self.line, offset: self.offset, bytes: buffer };
        self.offset += block.bytes.len() as u64;
        self.line += line_ends(&block.bytes);
        Ok(Some(block))
    }

    /// The end of the last whole record, and the place of a quote that is still open.
    ///
    /// A quote opens where a cell begins, and closes at the next quote that is not doubled (RFC 4180).
    fn last_record(&self, bytes: &[u8]) -> (Option<usize>, Option<usize>) {
        let after_newline = |range: std::ops::Range<usize>| {
            memchr::memrchr(b'\n', &bytes[range.clone()]).map(|at| range.start + at + 1)
        };
        let Some(delimiter) = self.delimiter else { return (after_newline(0..bytes.len()), None) };
        let mut last = None;
        let mut from = 0;
        let mut search = 0;
        while let Some(at) = memchr::memchr(b'"', &bytes[search..]).map(|at| search + at) {
            let opens = at == 0 || matches!(bytes[at - 1], b'\n' | b'\r') || bytes[at - 1] == delimiter;
            if !opens {
                search = at + 1;
                continue;
            }
            last = after_newline(from..at).or(last);
            let Some(close) = closing_quote(bytes, at + 1) else { return (last, Some(at)) };
            from = close + 1;
            search = from;
        }
        (after_newline(from..bytes.len()).or(last), None)
    }

    fn unclosed(&self, bytes: &[u8], at: usize) -> Error {
        let line = self.line + line_ends(&bytes[..at]);
        Error::Malformed {
            place: Place::file(self.name()).line(line),
            expected: "a closing quote".to_string(),
            found: "none to the end of the file".to_string(),
            help: Some(
                "the quote that opens in this line needs a second one, and a quote in a cell must be doubled"
                    .to_string(),
            ),
        }
    }
}

/// The number of line ends: `\n`, `\r\n`, or `\r` alone, as old spreadsheets write it.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    let lone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    let returns = memchr::memchr_iter(b'\r', bytes).filter(lone).count();
    (memchr::memchr_iter(b'\n', bytes).count() + returns) as u64
}

fn closing_quote(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr(b'"', &bytes[from..])?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}
