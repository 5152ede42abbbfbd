//! How to read a table.

/// The words that stand for a missing cell unless others are given; an empty cell always does.
pub const MISSING_MARKERS: [&str; 7] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

/// How to read a table. What a format does not have (a delimiter, a header), it ignores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The byte between the cells of a CSV file; found out when absent.
    pub delimiter: Option<u8>,
    /// Whether numbers are written with a comma, as in `1,5`.
    pub decimal_comma: bool,
    /// Whether the first line of a CSV file names the columns; otherwise they are `column1`, `column2`, ….
    pub header: bool,
    /// Words that stand for a missing cell, besides an empty one.
    pub missing_markers: Vec<String>,
    /// Columns whose cells are text even where they look like numbers or dates.
    pub text: Vec<String>,
    /// Columns not to read. They may hold anything.
    pub exclude: Vec<String>,
    /// The columns to read; all of them when absent. The others may hold anything.
    pub only: Option<Vec<String>>,
    /// The bytes of memory that a table and its design matrix may take; what is larger is kept in temporary files. No
    /// limit when absent.
    pub memory: Option<u64>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            delimiter: None,
            decimal_comma: false,
            header: true,
            missing_markers: MISSING_MARKERS.map(String::from).to_vec(),
            text: Vec::new(),
            exclude: Vec::new(),
            only: None,
            memory: None,
        }
    }
}

/// What is wanted of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Skip,
    /// Numbers or dates where all cells are, else text.
    Infer,
    /// Text.
    Text,
}

impl ReadOptions {
    pub(super) fn want(&self, name: &str) -> Want {
        let listed = |names: &[String]| names.iter().any(|other| other == name);
        match &self.only {
            Some(only) if !listed(only) => Want::Skip,
            _ if listed(&self.exclude) => Want::Skip,
            _ if listed(&self.text) => Want::Text,
            _ => Want::Infer,
        }
    }

    pub(super) fn is_missing(&self, cell: &str) -> bool {
        cell.is_empty() || self.missing_markers.iter().any(|marker| marker == cell)
    }
}
