//! Named columns of data, and where they come from.
//!
//! [`read`] takes files of any known format as one table; [`Scan`] hands the same files out block by block, in
//! bounded memory. The format is told by the content, never by the name.

#[cfg(feature = "arrow")]
mod arrow;
mod blobs;
mod blocks;
mod cell;
mod chunks;
mod csv;
mod date;
mod dialect;
mod gathering;
mod json_lines;
mod options;
mod piece;
mod read;
mod scan;
mod selected;
mod shapes;
mod source;
mod spooled;
mod svmlight;

#[cfg(feature = "arrow")]
pub use arrow::parse_arrow;
pub use blobs::{BlobData, Blobs, Centers, ClusterStd, Samples, make_blobs};
pub use cell::Cell;
pub use chunks::Chunks;
pub use date::{DateParts, date_parts};
pub use options::{MISSING_MARKERS, ReadOptions};
#[cfg(feature = "arrow")]
pub use read::from_batches;
pub use read::{parse_csv, read};
pub use scan::{Block, Scan, Score};
pub use selected::Selected;
pub use shapes::{Circles, Moons, Points, make_circles, make_moons};
pub use source::Progress;

use crate::error::{Error, Place, Result};
use crate::numbers::Store;

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Numbers; NaN is a missing cell.
    Number(Chunks<f64>),
    /// Dates and times, as days since 1970-01-01 in UTC; NaN is a missing cell.
    Date(Chunks<f64>),
    /// Numbers of which most are zero.
    Sparse {
        /// The rows that are not zero, rising.
        rows: Vec<u32>,
        /// Their numbers.
        values: Vec<f64>,
    },
    /// Text: a code per row into the levels, which stand in the order in which they were met.
    Text {
        /// The level of every row, or [`Cells::MISSING`].
        codes: Chunks<u32>,
        /// The distinct texts.
        levels: Vec<String>,
    },
}

impl Cells {
    /// The code of a missing text.
    pub const MISSING: u32 = u32::MAX;

    /// The number of cells; not known where only those that are not zero are held.
    fn len(&self) -> Option<usize> {
        match self {
            Cells::Number(values) | Cells::Date(values) => Some(values.len()),
            Cells::Text { codes, .. } => Some(codes.len()),
            Cells::Sparse { .. } => None,
        }
    }
}

/// What was odd about the cells of a column: a row and its word each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// The first cell that kept a column of numbers from being one, where nine cells in ten are numbers: more likely
    /// a missing marker than a category.
    pub stray: Option<(usize, String)>,
    /// The first word in a column that holds numbers as well, but fewer.
    pub mixed: Option<(usize, String)>,
    /// The first whole number beyond ±2⁵³, where f64 no longer holds every one.
    pub large: Option<(usize, String)>,
    /// The first cell that is no date, where nine cells in ten are.
    pub no_date: Option<(usize, String)>,
}

/// A column: a name and its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The cells.
    pub cells: Cells,
    /// What was odd about them.
    pub oddities: Oddities,
}

impl Column {
    /// The cell as text; none where it is missing.
    pub fn text(&self, row: usize) -> Option<String> {
        match &self.cells {
            Cells::Number(values) => values.get(row).filter(|v| !v.is_nan()).map(cell::number_text),
            Cells::Date(days) => days.get(row).filter(|v| !v.is_nan()).map(date::date_text),
            Cells::Sparse { rows, values } => {
                let value = rows.binary_search(&(row as u32)).map_or(0.0, |at| values[at]);
                Some(cell::number_text(value))
            }
            Cells::Text { codes, levels } => levels.get(codes.get(row)? as usize).cloned(),
        }
    }

    /// The cell as it stands.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let known = match &self.cells {
            Cells::Number(values) => values.get(row).map(Cell::Number),
            Cells::Date(days) => days.get(row).map(Cell::Date),
            Cells::Sparse { rows, values } => {
                Some(Cell::Number(rows.binary_search(&(row as u32)).map_or(0.0, |at| values[at])))
            }
            Cells::Text { codes, levels } => {
                codes.get(row).and_then(|code| levels.get(code as usize)).map(|level| Cell::Text(level))
            }
        };
        known.filter(|cell| !cell.is_missing()).unwrap_or(Cell::Missing)
    }

    /// Whether the cell is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.cells {
            Cells::Number(values) | Cells::Date(values) => values.get(row).is_none_or(f64::is_nan),
            Cells::Sparse { .. } => false,
            Cells::Text { codes, .. } => codes.get(row).is_none_or(|code| code == Cells::MISSING),
        }
    }

    /// The rows whose cells are missing, rising.
    pub fn missing_rows(&self) -> Vec<usize> {
        fn rows<T: Copy + Send + Sync + 'static>(cells: &Chunks<T>, missing: impl Fn(T) -> bool) -> Vec<usize> {
            cells.iter().enumerate().filter(|(_, cell)| missing(*cell)).map(|(row, _)| row).collect()
        }
        match &self.cells {
            Cells::Number(values) | Cells::Date(values) => rows(values, f64::is_nan),
            Cells::Sparse { .. } => Vec::new(),
            Cells::Text { codes, .. } => rows(codes, |code| code == Cells::MISSING),
        }
    }
}

/// Rows that follow each other in a file, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    first_row: usize,
    file: usize,
    first_line: u64,
}

/// Columns of equal length, and the lines they came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    files: Vec<String>,
    columns: Vec<Column>,
    /// Every column there is, those that were not wanted included.
    available: Vec<String>,
    n_rows: usize,
    runs: Vec<Run>,
    store: Store,
}

impl Table {
    /// The file as the user named it; the first of several.
    pub fn path(&self) -> &str {
        self.files.first().map_or("-", String::as_str)
    }

    /// Where the cells are kept, and where what is made of them is to be.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// A table of these columns, called `name` in errors.
    ///
    /// # Errors
    /// [`Error::Shape`] for columns of unequal length; [`Error::Malformed`] for a name that comes twice.
    pub fn from_columns(name: &str, n_rows: usize, columns: Vec<(String, Cells)>) -> Result<Self> {
        let empty = Table { files: vec![name.to_string()], n_rows, ..Table::default() };
        columns.into_iter().try_fold(empty, |table, (name, cells)| table.with_column(&name, cells))
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The same table with one more column behind the others.
    ///
    /// # Errors
    /// [`Error::Shape`] for a column of another length; [`Error::Malformed`] where there is one of that name.
    pub fn with_column(mut self, name: &str, cells: Cells) -> Result<Self> {
        if let Some(found) = cells.len().filter(|&len| len != self.n_rows) {
            return Err(Error::Shape { what: format!("length of column `{name}`"), expected: self.n_rows, found });
        }
        if self.require(name).is_ok() {
            return Err(Error::Malformed {
                place: Place::file(self.path()).column(name),
                expected: "each column name once".to_string(),
                found: "it twice".to_string(),
                help: Some("rename one of the columns".to_string()),
            });
        }
        self.available.push(name.to_string());
        self.columns.push(Column { name: name.to_string(), cells, oddities: Oddities::default() });
        Ok(self)
    }

    /// The columns, in the order of the header.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns' names, in the order of the header.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The names of all columns that there are, those that were not read included.
    pub fn available(&self) -> &[String] {
        &self.available
    }

    /// The same, as what was read of a table with these columns: settings may name the others.
    pub fn among(self, available: Vec<String>) -> Self {
        Table { available, ..self }
    }

    /// The column of that name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| Error::UnknownColumn {
            place: Place::file(self.path()).column(name),
            available: self.available.clone(),
        })
    }

    /// Checks that the files have a column of that name, read or not.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] when they have not.
    pub fn require(&self, name: &str) -> Result<()> {
        match self.available.iter().any(|other| other == name) {
            true => Ok(()),
            false => Err(Error::UnknownColumn {
                place: Place::file(self.path()).column(name),
                available: self.available.clone(),
            }),
        }
    }

    /// Where a cell stands in its file.
    pub fn place(&self, row: usize, column: &str) -> Place {
        let run = self.runs.partition_point(|run| run.first_row <= row).checked_sub(1).map(|at| &self.runs[at]);
        match run {
            Some(run) => {
                Place::file(&self.files[run.file]).line(run.first_line + (row - run.first_row) as u64).column(column)
            }
            None => Place::file(self.path()).column(column),
        }
    }
}
