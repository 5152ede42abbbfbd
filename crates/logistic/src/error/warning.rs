//! What is worth saying although nothing went wrong.

use std::fmt;

use super::{listed, shown};

/// What is worth saying although the work was done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The fit did not reach the optimum.
    NotConverged {
        /// How it ended, as [`crate::solver::Termination::name`] says it.
        termination: String,
    },
    /// The classes can be separated, so that maximum likelihood has no finite optimum.
    Separation {
        /// Whether every row is separated; otherwise some are not.
        complete: bool,
        /// The terms whose coefficients run off.
        columns: Vec<String>,
        /// The ridge penalty of the fit that is given instead.
        ridge: String,
        /// Whether other columns were penalised from the start, and it came to those that were not.
        #[serde(default)]
        partial: bool,
    },
    /// Hidden layers ended no better than without columns.
    NothingLearnt {
        /// The mean log loss of the rows of the fit.
        loss: String,
        /// The same with the shares of the classes for probabilities.
        shares: String,
    },
    /// A column repeats others (or is constant), and was left out.
    Collinear {
        /// The column left out, then those it repeats.
        columns: Vec<String>,
        /// The term left out.
        term: String,
    },
    /// Rows were left out because a value in them is missing.
    RowsDropped {
        /// How many.
        rows: usize,
        /// The columns with missing values.
        columns: Vec<String>,
    },
    /// Dates became numbers.
    DatesAsDays {
        /// The columns.
        columns: Vec<String>,
    },
    /// Columns without a single value were left out.
    Empty {
        /// The columns.
        columns: Vec<String>,
    },
    /// A column holds whole numbers that f64 cannot tell apart.
    LargeIntegers {
        /// The column.
        columns: Vec<String>,
        /// The first such number.
        found: String,
        /// Its line.
        line: u64,
    },
    /// A column holds numbers and words, and is taken as categories.
    MixedColumn {
        /// The column.
        columns: Vec<String>,
        /// The first word.
        found: String,
        /// Its line.
        line: u64,
    },
    /// Rare levels were pooled.
    LevelsPooled {
        /// The column.
        columns: Vec<String>,
        /// How many levels.
        levels: usize,
        /// How many rows they had.
        rows: usize,
    },
    /// Levels that training has not seen were taken for another.
    LevelsUnseen {
        /// The column.
        columns: Vec<String>,
        /// How many rows.
        rows: usize,
        /// The first such level.
        level: String,
        /// What they were taken for.
        treated: String,
    },
    /// Rows have no probability, because a value in them is missing and the model leaves such rows out.
    RowsUnscored {
        /// How many.
        rows: usize,
        /// The columns with missing values.
        columns: Vec<String>,
    },
}

impl Warning {
    /// The kind, as `--json` and other machines read it.
    pub fn kind(&self) -> &'static str {
        match self {
            Warning::NotConverged { .. } => "not_converged",
            Warning::Separation { .. } => "separation",
            Warning::NothingLearnt { .. } => "nothing_learnt",
            Warning::Collinear { .. } => "collinear",
            Warning::RowsDropped { .. } => "rows_dropped",
            Warning::DatesAsDays { .. } => "dates_as_days",
            Warning::Empty { .. } => "empty",
            Warning::LargeIntegers { .. } => "large_integers",
            Warning::MixedColumn { .. } => "mixed_column",
            Warning::LevelsPooled { .. } => "levels_pooled",
            Warning::LevelsUnseen { .. } => "levels_unseen",
            Warning::RowsUnscored { .. } => "rows_unscored",
        }
    }

    /// The columns, or terms, it speaks of.
    pub fn columns(&self) -> &[String] {
        match self {
            Warning::NotConverged { .. } | Warning::NothingLearnt { .. } => &[],
            Warning::Separation { columns, .. }
            | Warning::Collinear { columns, .. }
            | Warning::RowsDropped { columns, .. }
            | Warning::DatesAsDays { columns }
            | Warning::Empty { columns }
            | Warning::LargeIntegers { columns, .. }
            | Warning::MixedColumn { columns, .. }
            | Warning::LevelsPooled { columns, .. }
            | Warning::LevelsUnseen { columns, .. }
            | Warning::RowsUnscored { columns, .. } => columns,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NotConverged { termination } => {
                let way_out = match termination.as_str() {
                    "stalled" => {
                        "no step lowers the objective any more, as where columns without penalty can separate the \
                         classes, or offsets or values are extreme"
                    }
                    _ => "use `--solver newton`, or more `--epochs`",
                };
                write!(
                    f,
                    "the fit did not reach the optimum ({termination}): its coefficients are not those of the \
                     optimum, so standard errors are withheld; {way_out}"
                )
            }
            Warning::Separation { complete, columns, ridge, partial: true } => write!(
                f,
                "{} separation by columns without penalty: there is no finite optimum, because the coefficients of {} \
                 run off to infinity; the fit given has a penalty of {ridge} on them; choose one with `--penalty-factor`, \
                 or leave columns out with `--exclude`",
                if *complete { "complete" } else { "quasi-complete" },
                listed(columns, 8)
            ),
            Warning::Separation { complete, columns, ridge, partial: false } => write!(
                f,
                "{} separation: maximum likelihood has no finite optimum, because the coefficients of {} run off to \
                 infinity; p-values would mean nothing and are withheld, and the fit given is a ridge fit with \
                 l2 = {ridge}; `--firth` (two classes) gives a bias-reduced fit with intervals, `--l2` a penalty of your choice, `--exclude` leaves \
                 columns out",
                if *complete { "complete" } else { "quasi-complete" },
                listed(columns, 8)
            ),
            Warning::NothingLearnt { loss, shares } => write!(
                f,
                "nothing was learnt: the mean log loss of the rows of the fit is {loss}, and that of the shares of the classes \
                 {shares}; use a smaller `--learning-rate`, more `--epochs` or a smaller `--l2`"
            ),
            Warning::Collinear { columns, term } if columns.len() < 2 => {
                write!(f, "`{term}` does not vary and was left out")
            }
            Warning::Collinear { columns, term } => write!(
                f,
                "`{term}` is a linear combination of {} and was left out: no fit can tell them apart",
                listed(&columns[1..], 8)
            ),
            of_the_table => of_the_table.table_words(f),
        }
    }
}

impl Warning {
    /// The words for what the table holds.
    fn table_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::RowsDropped { rows, columns } => {
                let (rows, were) = (counted(*rows, "row"), if *rows == 1 { "was" } else { "were" });
                write!(f, "{rows} {were} left out for missing values in {}", listed(columns, 8))
            }
            Warning::DatesAsDays { columns } => write!(
                f,
                "the dates of {} became days since 1970-01-01; `--date-parts` makes them year, month and day of the \
                 week",
                listed(columns, 8)
            ),
            Warning::Empty { columns } => {
                write!(f, "no row has a value in {}: left out; `--exclude` says so beforehand", listed(columns, 8))
            }
            Warning::LargeIntegers { columns, found, line } => write!(
                f,
                "{} holds whole numbers beyond 2^53, such as `{}` in line {line}, which f64 cannot tell from \
                 their neighbours; `--exclude` it if it is an identifier",
                listed(columns, 8),
                shown(found)
            ),
            Warning::MixedColumn { columns, found, line } => write!(
                f,
                "{} holds numbers and words, such as `{}` in line {line}, and is taken as categories; \
                 `--categorical` declares that, `--missing-marker` reads a word as missing",
                listed(columns, 8),
                shown(found)
            ),
            Warning::LevelsPooled { columns, levels, rows } => {
                let (levels, rows) = (counted(*levels, "rare level"), counted(*rows, "row"));
                write!(f, "pooled into `(other)`: {levels} of {} with {rows}", listed(columns, 8))
            }
            Warning::LevelsUnseen { columns, rows, level, treated } => write!(
                f,
                "{} had a level of {} that training has not seen, such as `{}`, and came to be scored as `{}`",
                counted(*rows, "row"),
                listed(columns, 8),
                shown(level),
                shown(treated)
            ),
            Warning::RowsUnscored { rows, columns } => write!(
                f,
                "no probability for {}, for missing values in {}; a model trained with `--missing impute` gives one",
                counted(*rows, "row"),
                listed(columns, 8)
            ),
            Warning::NotConverged { .. }
            | Warning::NothingLearnt { .. }
            | Warning::Separation { .. }
            | Warning::Collinear { .. } => Ok(()),
        }
    }
}

/// `1 row`, `2 rows`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
