//! Named columns of data, and where they come from.

mod blobs;
mod csv;

pub use blobs::{BlobData, Blobs, Centers, ClusterStd, Samples, make_blobs};
pub use csv::{CsvFile, CsvOptions, MISSING_MARKERS, read_csv};

use crate::error::{Error, Place, Result};

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Numbers; NaN is a missing cell.
    Number(Vec<f64>),
    /// Text: a code per row into the levels, which stand in the order in which they were met.
    Text {
        /// The level of every row, or [`Cells::MISSING`].
        codes: Vec<u32>,
        /// The distinct texts.
        levels: Vec<String>,
    },
}

impl Cells {
    /// The code of a missing text.
    pub const MISSING: u32 = u32::MAX;
}

/// A column: a name and its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The cells.
    pub cells: Cells,
    /// The line and the word of the first cell that kept a column of numbers from being one, where nine cells in ten
    /// are numbers: more likely a missing marker than a category.
    pub stray: Option<(u64, String)>,
}

impl Column {
    /// The cell as text; none where it is missing.
    pub fn text(&self, row: usize) -> Option<String> {
        match &self.cells {
            Cells::Number(values) => values.get(row).filter(|v| !v.is_nan()).map(f64::to_string),
            Cells::Text { codes, levels } => levels.get(*codes.get(row)? as usize).cloned(),
        }
    }

    /// Whether the cell is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.cells {
            Cells::Number(values) => values[row].is_nan(),
            Cells::Text { codes, .. } => codes[row] == Cells::MISSING,
        }
    }
}

/// Columns of equal length, and the lines they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    path: String,
    columns: Vec<Column>,
    lines: Vec<u64>,
}

impl Table {
    /// The file as the user named it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns, in the order of the header.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column's names, in the order of the header.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The column of that name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| Error::UnknownColumn {
            place: Place::file(&self.path).column(name),
            available: self.names(),
        })
    }

    /// Where a cell stands in the file.
    pub fn place(&self, row: usize, column: &str) -> Place {
        let place = Place::file(&self.path).column(column);
        match self.lines.get(row) {
            Some(&line) => place.line(line),
            None => place,
        }
    }
}
