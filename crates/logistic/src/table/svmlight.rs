//! One block of svmlight text (`label index:value …  # comment`) into sparse columns.

use std::collections::BTreeMap;

use super::blocks::TextBlock;
use super::options::{ReadOptions, Want};
use super::piece::{Numbers, Piece, PieceCells};
use crate::error::{Error, Place, Result};

/// The name of the column that the first number of a line goes to.
const LABEL: &str = "label";

/// As many lines show whether a file is svmlight.
const SAMPLE: usize = 20;

/// Whether the first lines are a label each, and at least one of them has pairs of index and value behind it.
pub(super) fn is_svmlight(text: &[u8]) -> bool {
    let is_pair = |word: &str| {
        word.split_once(':').is_some_and(|(index, value)| {
            (index == "qid" || index.parse::<i64>().is_ok()) && !value.is_empty() && !value.contains(':')
        })
    };
    let mut any_pairs = false;
    // The last line may be cut off by the end of the sample.
    let whole = memchr::memrchr(b'\n', text).map_or(text, |end| &text[..end]);
    for line in whole.split(|byte| *byte == b'\n').map(content).filter(|line| !line.is_empty()).take(SAMPLE) {
        let Ok(line) = std::str::from_utf8(line) else { return false };
        let mut words = line.split_ascii_whitespace();
        let label = words.next().is_some_and(|label| label.parse::<f64>().is_ok() || is_pair(label));
        let mut pairs = words.peekable();
        any_pairs |= pairs.peek().is_some();
        // A line without a label, or one that goes wrong behind good pairs, is a fault in svmlight, not another format.
        if !label || pairs.next().is_some_and(|word| !is_pair(word)) {
            return false;
        }
    }
    any_pairs
}

/// A line without its comment.
fn content(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii()
}

/// The cells of a block: `label`, `qid` where it is given, and a column for every index that occurs.
pub(super) fn parse(block: &TextBlock, path: &str, options: &ReadOptions) -> Result<Piece> {
    let text = block.text(path)?;
    let mut label = Vec::new();
    let mut query = Vec::new();
    let mut features: BTreeMap<u64, (Vec<u32>, Vec<f64>)> = BTreeMap::new();
    let mut piece = Piece::default();
    for (line, whole) in (block.line..).zip(text.lines()) {
        let wrong = |expected: &str, found: &str| Error::Malformed {
            place: Place::file(path).line(line),
            expected: expected.to_string(),
            found: crate::error::quoted(found),
            help: Some("a line is a label, then pairs `index:value` with rising indices".to_string()),
        };
        let line_text = whole.split('#').next().unwrap_or_default();
        let mut words = line_text.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        piece.at_line(line);
        label.push(finite(first).ok_or_else(|| wrong("a number as the label", first))?);
        query.push(f64::NAN);
        let mut last = None;
        for word in words {
            let (index, value) = word.split_once(':').ok_or_else(|| wrong("a pair `index:value`", word))?;
            let value = finite(value).ok_or_else(|| wrong("a finite number behind the colon", word))?;
            if index == "qid" {
                query[piece.n_rows] = value;
                continue;
            }
            let index: u64 = index.parse().map_err(|_| wrong("an index of at least 0", word))?;
            if last.is_some_and(|last| last >= index) {
                return Err(wrong("an index above the one before", word));
            }
            last = Some(index);
            let (rows, values) = features.entry(index).or_default();
            rows.push(piece.n_rows as u32);
            values.push(value);
        }
        piece.n_rows += 1;
    }
    let number = |values: Vec<f64>| PieceCells::Number(Numbers { values, ..Numbers::default() });
    let mut add = |name: String, cells: PieceCells| {
        piece.cells.push(if options.want(&name) == Want::Skip { PieceCells::Skip } else { cells });
        piece.names.push(name);
    };
    add(LABEL.to_string(), number(label));
    if query.iter().any(|query| !query.is_nan()) {
        add("qid".to_string(), number(query));
    }
    for (index, (rows, values)) in features {
        add(index.to_string(), PieceCells::Sparse { rows, values });
    }
    Ok(piece)
}

fn finite(word: &str) -> Option<f64> {
    fast_float2::parse::<f64, _>(word).ok().filter(|value| value.is_finite())
}
