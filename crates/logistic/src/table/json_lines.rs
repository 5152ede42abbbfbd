//! One block of JSON lines into the cells of its columns.

use std::collections::HashMap;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::blocks::TextBlock;
use super::options::{ReadOptions, Want};
use super::piece::{Piece, PieceCells};
use crate::error::{Error, Place, Result};

/// The cells of a block of objects, one a line. A key that a line does not have is a missing cell.
pub(super) fn parse(block: &TextBlock, path: &str, options: &ReadOptions, records: bool) -> Result<Piece> {
    let mut parsing = Parsing { path, options, piece: Piece::default(), by_name: HashMap::new() };
    parsing.pass(block, records, &|name| options.want(name))?;
    let mut piece = parsing.piece;
    let mixed = |cells: &PieceCells| matches!(cells, PieceCells::Mixed);
    if piece.cells.iter().any(mixed) {
        let again: Vec<&String> =
            piece.names.iter().zip(&piece.cells).filter(|(_, cells)| mixed(cells)).map(|(name, _)| name).collect();
        let want = |name: &str| if again.iter().any(|other| *other == name) { Want::Text } else { Want::Skip };
        let mut parsing = Parsing { path, options, piece: Piece::default(), by_name: HashMap::new() };
        parsing.pass(block, false, &want)?;
        // The same keys in the same order: the same columns.
        for (cells, words) in piece.cells.iter_mut().zip(parsing.piece.cells).filter(|(cells, _)| mixed(cells)) {
            *cells = words;
        }
    }
    Ok(piece)
}

struct Parsing<'p> {
    path: &'p str,
    options: &'p ReadOptions,
    piece: Piece,
    by_name: HashMap<String, usize>,
}

impl Parsing<'_> {
    fn pass(&mut self, block: &TextBlock, records: bool, want: &dyn Fn(&str) -> Want) -> Result<()> {
        let text = block.text(self.path)?;
        let mut start = 0;
        let mut filled: Vec<usize> = Vec::new();
        for (line, whole) in (block.line..).zip(text.split_inclusive('\n')) {
            let object = whole.trim_ascii();
            if !object.is_empty() {
                self.piece.at_line(line);
                self.row(object, line, want, &mut filled)?;
                if records {
                    let inside = start + (whole.len() - whole.trim_ascii_start().len());
                    self.piece.records.push(inside..inside + object.len());
                }
            }
            start += whole.len();
        }
        Ok(())
    }

    /// One line. `filled` holds the number of rows that every column has a cell for.
    fn row(&mut self, object: &str, line: u64, want: &dyn Fn(&str) -> Want, filled: &mut Vec<usize>) -> Result<()> {
        let place = || Place::file(self.path).line(line);
        let mut reader = serde_json::Deserializer::from_str(object);
        let entries = (&mut reader).deserialize_map(Entries).and_then(|entries| reader.end().map(|()| entries));
        let entries = entries.map_err(|error| Error::Malformed {
            place: place(),
            expected: "one JSON object".to_string(),
            found: error.to_string(),
            help: Some("write one object per line, such as `{\"age\": 42}`; `jq -c .` does".to_string()),
        })?;
        for (name, value) in entries {
            let column = match self.by_name.get(&name) {
                Some(&column) => column,
                None => {
                    self.by_name.insert(name.clone(), self.piece.names.len());
                    self.piece.cells.push(PieceCells::new(want(&name), 64));
                    self.piece.names.push(name.clone());
                    filled.push(0);
                    filled.len() - 1
                }
            };
            if filled[column] > self.piece.n_rows {
                return Err(Error::Malformed {
                    place: place().column(name),
                    expected: "each key once".to_string(),
                    found: "it twice".to_string(),
                    help: None,
                });
            }
            let cells = &mut self.piece.cells[column];
            (filled[column]..self.piece.n_rows).for_each(|_| cells.push_missing());
            filled[column] = self.piece.n_rows + 1;
            push(cells, &value, self.options).map_err(|found| Error::Malformed {
                place: place().column(&name),
                expected: "a number, a text, true, false or null".to_string(),
                found,
                help: Some(format!("`--exclude {name}`, or spread what it holds over columns of their own")),
            })?;
        }
        self.piece.n_rows += 1;
        for (cells, filled) in self.piece.cells.iter_mut().zip(filled) {
            (*filled..self.piece.n_rows).for_each(|_| cells.push_missing());
            *filled = self.piece.n_rows;
        }
        Ok(())
    }
}

fn push(cells: &mut PieceCells, value: &Value, options: &ReadOptions) -> std::result::Result<(), String> {
    match value {
        _ if matches!(cells, PieceCells::Skip) => {}
        Value::Null => cells.push_missing(),
        Value::Bool(truth) => cells.push(if *truth { "true" } else { "false" }, options),
        // JSON writes its numbers with a point, whatever the strings beside them do.
        Value::Number(number) => {
            cells.push(&number.to_string(), &ReadOptions { decimal_comma: false, ..options.clone() })
        }
        Value::String(text) => cells.push(text, options),
        Value::Array(_) => return Err("an array".to_string()),
        Value::Object(_) => return Err("an object".to_string()),
    }
    Ok(())
}

/// The entries of an object in their order, a repeated key included.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
