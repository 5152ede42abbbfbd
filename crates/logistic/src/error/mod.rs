//! What can go wrong, and what is worth saying although nothing went wrong.
//!
//! An [`Error`] stops the work; a [`Warning`] is data that travels with the result. Both say what was found,
//! what was expected and what to do; the words are written here and nowhere else.

mod warning;

pub use warning::Warning;

use std::fmt;
use std::path::PathBuf;

/// The result of every fallible function of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in the input something stands. Parts that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it; `-` is standard input.
    pub path: Option<String>,
    /// The line in that file; the header is line 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
}

impl Place {
    /// A place in a file.
    pub fn file(path: impl Into<String>) -> Self {
        Place { path: Some(path.into()), ..Place::default() }
    }

    /// The same place, at a line.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same place, in a column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => write!(f, "{path}:{line}: ")?,
            (Some(path), None) => write!(f, "{path}: ")?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        match &self.column {
            Some(column) => write!(f, "column {}: ", quoted(column)),
            None => Ok(()),
        }
    }
}

/// Why the work could not be done.
///
/// `Display` is one sentence, the place first; [`Error::help`] says what to try.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    Io {
        /// The file as the user named it.
        path: PathBuf,
        /// What was being done: `read`, `write`.
        action: &'static str,
        /// The system's own word.
        source: std::io::Error,
    },
    /// A file, line or cell is not what it should be.
    Malformed {
        /// Where it stands.
        place: Place,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
        /// What to try.
        help: Option<String>,
    },
    /// A cell is empty or a missing marker, and the policy is to refuse it.
    MissingValue {
        /// The first such cell.
        place: Place,
        /// How many cells of the columns in use are missing.
        cells: usize,
    },
    /// A column that was named does not exist.
    UnknownColumn {
        /// The file, and the column's name.
        place: Place,
        /// The columns that do exist.
        available: Vec<String>,
    },
    /// A category that the model has never seen.
    UnseenLevel {
        /// The first such cell.
        place: Place,
        /// The level that was found.
        level: String,
        /// The levels the model knows.
        known: Vec<String>,
        /// Whether it stands in the target, where no policy can help.
        of_target: bool,
    },
    /// Several columns that the model needs do not exist.
    MissingColumns {
        /// The file.
        place: Place,
        /// The columns that are missing.
        columns: Vec<String>,
        /// The columns that do exist.
        available: Vec<String>,
    },
    /// The target column cannot be modelled as it is.
    Target {
        /// The file, and the target's name.
        place: Place,
        /// What is wrong with it.
        problem: String,
        /// What to try.
        help: String,
    },
    /// There are more coefficients than rows, or than memory holds curvature for.
    TooManyTerms {
        /// The file.
        place: Place,
        /// The columns of the design matrix that vary, and the intercept.
        terms: usize,
        /// The most there can be.
        most: usize,
        /// What sets the bound: `rows` or `terms`.
        bound: &'static str,
    },
    /// A setting has a value it cannot have.
    Setting {
        /// The setting's name.
        name: &'static str,
        /// What it must be.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A row that does not exist was asked for.
    IndexOutOfRange {
        /// The index that was asked for.
        index: usize,
        /// The number of rows.
        len: usize,
    },
    /// Two things that must have the same size have not.
    Shape {
        /// What was measured, for instance `length of y`.
        what: String,
        /// What it must be.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// An engine that holds the rows did not answer.
    Engine {
        /// The engine.
        engine: String,
        /// What it said.
        problem: String,
        /// What to try.
        help: String,
    },
    /// The file is not a model this version can load.
    ModelFile {
        /// The file as the user named it.
        path: String,
        /// What is wrong with it.
        problem: String,
        /// What to try.
        help: String,
    },
    /// A file format cannot say what the model does.
    Export {
        /// The column that is in the way, where it is one.
        place: Place,
        /// What the format cannot say.
        problem: String,
        /// What to try.
        help: String,
    },
}

impl Error {
    /// A setting that cannot be.
    pub(crate) fn setting(name: &'static str, expected: &str, found: &(impl ToString + ?Sized)) -> Self {
        Error::Setting { name, expected: expected.to_string(), found: found.to_string() }
    }

    /// The kind of error, as `--json` and other machines read it.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Io { .. } => "io",
            Error::Malformed { .. } => "malformed",
            Error::MissingValue { .. } => "missing_value",
            Error::UnknownColumn { .. } => "unknown_column",
            Error::UnseenLevel { .. } => "unseen_level",
            Error::MissingColumns { .. } => "missing_columns",
            Error::Target { .. } => "target",
            Error::TooManyTerms { .. } => "too_many_terms",
            Error::Setting { .. } => "setting",
            Error::IndexOutOfRange { .. } => "index_out_of_range",
            Error::Shape { .. } => "shape",
            Error::Engine { .. } => "engine",
            Error::ModelFile { .. } => "model_file",
            Error::Export { .. } => "export",
        }
    }

    /// Where the error stands, as far as it has a place.
    pub fn place(&self) -> Place {
        match self {
            Error::Io { path, .. } => Place::file(path.display().to_string()),
            Error::ModelFile { path, .. } => Place::file(path.clone()),
            Error::Malformed { place, .. }
            | Error::MissingValue { place, .. }
            | Error::UnknownColumn { place, .. }
            | Error::UnseenLevel { place, .. }
            | Error::MissingColumns { place, .. }
            | Error::TooManyTerms { place, .. }
            | Error::Export { place, .. }
            | Error::Target { place, .. } => place.clone(),
            Error::Setting { .. } | Error::IndexOutOfRange { .. } | Error::Shape { .. } | Error::Engine { .. } => {
                Place::default()
            }
        }
    }

    /// What to try, where there is something to try.
    pub fn help(&self) -> Option<String> {
        match self {
            Error::Malformed { help, .. } => help.clone(),
            Error::Target { help, .. } | Error::ModelFile { help, .. } | Error::Export { help, .. } => {
                Some(help.clone())
            }
            Error::MissingValue { .. } => Some(
                "`train --missing drop` leaves such rows out; `train --missing impute` fills in the median or the most \
                 frequent level and adds an indicator column"
                    .to_string(),
            ),
            Error::UnknownColumn { place, available } => {
                Some(column_advice(place.column.as_deref().unwrap_or(""), available))
            }
            Error::UnseenLevel { known, of_target: true, .. } => Some(format!("the classes are {}", listed(known, 8))),
            Error::UnseenLevel { known, .. } => Some(format!(
                "the model knows {}; a model trained with `--unseen baseline`, or with `--min-level-count` and \
                 `--unseen other`, scores such rows",
                listed(known, 8)
            )),
            Error::MissingColumns { available, .. } => Some(format!("the columns are {}", listed(available, 12))),
            Error::TooManyTerms { bound: "rows", .. } => Some(
                "`--features` names fewer columns, `--min-level-count` pools rare levels, `--l2` adds a ridge penalty"
                    .to_string(),
            ),
            Error::TooManyTerms { .. } => {
                Some("`--features` names fewer columns, `--min-level-count` pools rare levels".to_string())
            }
            Error::Engine { help, .. } => Some(help.clone()),
            Error::Io { .. } | Error::Setting { .. } | Error::IndexOutOfRange { .. } | Error::Shape { .. } => None,
        }
    }

    /// The same error, its empty path being `path`.
    #[must_use]
    pub fn at(mut self, to: &str) -> Self {
        if let Error::Io { path, .. } = &mut self
            && path.as_os_str().is_empty()
        {
            *path = to.into();
        }
        self
    }

    /// The same error, standing in a row of the file `path` if it had no place there yet.
    #[must_use]
    pub fn in_row(mut self, path: &str, row: u64) -> Self {
        match &mut self {
            Error::Malformed { place, .. } | Error::MissingValue { place, .. } | Error::UnseenLevel { place, .. } => {
                place.path.get_or_insert_with(|| path.to_string());
                place.line.get_or_insert(row);
            }
            _ => {}
        }
        self
    }

    /// The same error, standing in the file `path` if it had no file yet.
    #[must_use]
    pub fn in_file(mut self, path: &str) -> Self {
        match &mut self {
            Error::Malformed { place, .. }
            | Error::MissingValue { place, .. }
            | Error::UnknownColumn { place, .. }
            | Error::UnseenLevel { place, .. }
            | Error::MissingColumns { place, .. }
            | Error::TooManyTerms { place, .. }
            | Error::Target { place, .. } => {
                place.path.get_or_insert_with(|| path.to_string());
            }
            _ => {}
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { path, action, source } => write!(f, "{}: cannot {action}: {source}", path.display()),
            Error::Malformed { place, expected, found, .. } => write!(f, "{place}expected {expected}, found {found}"),
            Error::MissingValue { place, cells: 1 } => write!(f, "{place}the value is missing"),
            Error::MissingValue { place, cells } => {
                write!(f, "{place}the value is missing, the first of {cells} missing values in the columns used")
            }
            Error::UnknownColumn { place: Place { path, column, .. }, .. } => {
                let place = Place { path: path.clone(), ..Place::default() };
                write!(f, "{place}there is no column {}", quoted(column.as_deref().unwrap_or("")))
            }
            Error::UnseenLevel { place, level, .. } => {
                write!(f, "{place}the level {} was not seen in training", quoted(level))
            }
            Error::MissingColumns { place, columns, .. } => {
                write!(f, "{place}there are no columns {}, which the model needs", listed(columns, 12))
            }
            Error::Target { place, problem, .. } | Error::Export { place, problem, .. } => {
                write!(f, "{place}{problem}")
            }
            Error::Engine { engine, problem, .. } => write!(f, "{engine}: {problem}"),
            Error::TooManyTerms { place, terms, most, bound: "rows" } => {
                write!(f, "{place}{terms} coefficients have no unique maximum-likelihood estimate on {most} rows")
            }
            Error::TooManyTerms { place, terms, most, .. } => {
                write!(f, "{place}expected at most {most} coefficients, found {terms}")
            }
            Error::Setting { name, expected, found } => write!(f, "`{name}` must be {expected}, found {found}"),
            Error::IndexOutOfRange { index, len } => write!(f, "row {index} of {len} rows does not exist"),
            Error::Shape { what, expected, found } => write!(f, "{what}: expected {expected}, found {found}"),
            Error::ModelFile { path, problem, .. } => write!(f, "{path}: {problem}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A word of the user's in backticks: control characters escaped, for they could do anything to a terminal, and cut
/// where nobody reads on.
pub(crate) fn quoted(word: &str) -> String {
    format!("`{}`", shown(word))
}

/// The word of [`quoted`] without its backticks.
pub(crate) fn shown(word: &str) -> String {
    const LONGEST: usize = 60;
    let mut text = String::new();
    for (at, c) in word.chars().enumerate() {
        match c {
            _ if at == LONGEST => {
                text.push('…');
                break;
            }
            c if c.is_control() => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    text
}

/// `` `a`, `b`, … and 3 more ``: at most `most` names.
pub(crate) fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Names the column that was probably meant, or those that exist.
fn column_advice(wanted: &str, available: &[String]) -> String {
    let folded = |name: &str| name.trim().to_lowercase().replace([' ', '-', '.'], "_");
    match available.iter().find(|name| folded(name) == folded(wanted)) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None => format!("the columns are {}", listed(available, 12)),
    }
}
