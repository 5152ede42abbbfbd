//! The formats, by name.

use crate::error::{Error, Result};

/// What a model is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A graph for onnxruntime and its like, the encoder included.
    Onnx,
    /// Weight and bias over the design matrix, as PyTorch's `nn.Linear` loads them.
    Safetensors,
    /// An expression over the columns' names.
    Sql(Dialect),
    /// A function in C.
    C,
    /// A function in JavaScript.
    Javascript,
    /// PMML 4.4, the encoder included.
    Pmml,
    /// Points for every level and unit of a column, as CSV.
    Scorecard,
    /// The coefficients as CSV.
    Csv,
    /// The coefficients as a table in LaTeX.
    Latex,
    /// The coefficients as a table in Markdown.
    Markdown,
}

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DuckDB.
    Duckdb,
    /// SQLite, 3.35 or later with its mathematical functions.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Format {
    /// The names of all formats.
    pub const NAMES: [&'static str; 10] =
        ["onnx", "safetensors", "sql", "c", "javascript", "pmml", "scorecard", "csv", "latex", "markdown"];

    /// The format of that name; `sql` has a dialect, no other has one.
    ///
    /// # Errors
    /// [`Error::Setting`] for another name, or a dialect too much or too few.
    pub fn named(name: &str, dialect: Option<&str>) -> Result<Self> {
        let format = match name {
            "onnx" => Format::Onnx,
            "safetensors" => Format::Safetensors,
            "sql" => return Dialect::named(dialect.unwrap_or("none")).map(Format::Sql),
            "c" => Format::C,
            "javascript" => Format::Javascript,
            "pmml" => Format::Pmml,
            "scorecard" => Format::Scorecard,
            "csv" => Format::Csv,
            "latex" => Format::Latex,
            "markdown" => Format::Markdown,
            _ => return Err(Error::setting("to", &format!("one of {}", Format::NAMES.join(", ")), name)),
        };
        match dialect {
            None => Ok(format),
            Some(dialect) => Err(Error::setting("dialect", "left out, but for `sql`", dialect)),
        }
    }

    /// Whether a file of the format is no text.
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Onnx | Format::Safetensors)
    }
}

impl Dialect {
    /// The names of all dialects.
    pub const NAMES: [&'static str; 3] = ["duckdb", "sqlite", "postgres"];

    fn named(name: &str) -> Result<Self> {
        match name {
            "duckdb" => Ok(Dialect::Duckdb),
            "sqlite" => Ok(Dialect::Sqlite),
            "postgres" => Ok(Dialect::Postgres),
            _ => Err(Error::setting("dialect", &format!("one of {}, with `sql`", Dialect::NAMES.join(", ")), name)),
        }
    }
}
