//! From a table to numbers: fitted once, saved in the model, and the only way there, so that training and scoring
//! cannot drift apart.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Feature};
use crate::error::{Error, Place, Result, Warning};
use crate::table::{Cells, Column, Table};

/// What to do with a missing value in a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Refuse it.
    #[default]
    Error,
    /// Leave the row out.
    Drop,
    /// Put the median or the most frequent level in its place, and mark the row in an indicator column.
    Impute,
}

/// What to encode, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// The target column.
    pub target: String,
    /// The class to predict; needed where the two classes do not say it.
    pub positive: Option<String>,
    /// The feature columns; all but target and weights when empty.
    pub features: Vec<String>,
    /// Columns to leave out.
    pub exclude: Vec<String>,
    /// Columns that are categories even where they look like numbers; the table must have been read with them as text.
    pub categorical: Vec<String>,
    /// The column of row weights.
    pub weights: Option<String>,
    /// What to do with missing values.
    pub missing: Missing,
    /// Reference levels, as (column, level).
    pub reference: Vec<(String, String)>,
}

/// A feature column as it was at training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The column's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether a column that marks missing values follows it.
    pub indicator: bool,
}

/// The kind of a feature column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// A number.
    Numeric {
        /// What stands for a missing value: the training median.
        fill: Option<f64>,
    },
    /// A category.
    Categorical {
        /// The levels, the reference first, the others sorted by code point.
        levels: Vec<String>,
        /// What stands for a missing value: the most frequent level in training.
        fill: Option<String>,
    },
}

/// The target column and its classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The column's name.
    pub column: String,
    /// The class that is not predicted. Where there were more than two: `not `, and the positive class.
    pub negative: String,
    /// The class whose probability the model gives.
    pub positive: String,
    /// Whether the negative class is every class but the positive one.
    pub rest: bool,
}

/// A column of the design matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `age`, `sex[male]`, `age[missing]`.
    pub term: String,
    /// The table's column.
    pub column: String,
    /// The level, for a category.
    pub level: Option<String>,
}

/// The way from a table to numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// The feature columns, in the order of the design matrix.
    pub sources: Vec<Source>,
    /// The target.
    pub target: Target,
    /// The policy for missing values.
    pub missing: Missing,
}

/// Rows of a table as numbers.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The design matrix with outcomes and weights. Outcomes are 0 where none were asked for.
    pub dataset: Dataset,
    /// The row of the table behind every row of the dataset.
    pub rows: Vec<usize>,
    /// What was left out, and why.
    pub warnings: Vec<Warning>,
}

/// Names of positive classes that need no asking, lower case.
const POSITIVE_WORDS: [&str; 3] = ["1", "true", "yes"];

impl Encoder {
    /// Learns columns, levels, fill values and classes from a table.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] for a column that does not exist; [`Error::Target`] for a target that has not two
    /// classes or does not say which of them is the positive one; [`Error::Malformed`] for a stray word among numbers,
    /// a column of which every row is its own category, or a reference that is no level.
    pub fn fit(table: &Table, encoding: &Encoding) -> Result<Self> {
        for name in encoding.exclude.iter().chain(&encoding.categorical).chain(&encoding.weights) {
            table.column(name)?;
        }
        for (name, _) in &encoding.reference {
            table.column(name)?;
        }
        let target = target(table, encoding)?;
        // A row without an outcome teaches nothing; so it must not shape columns either.
        let labels = table.column(&encoding.target)?;
        let rows: Vec<usize> = (0..table.n_rows()).filter(|&row| !labels.is_missing(row)).collect();
        let names = if encoding.features.is_empty() { table.names() } else { encoding.features.clone() };
        let mut sources = Vec::new();
        for name in names {
            let other = name == encoding.target || encoding.weights.as_ref() == Some(&name);
            if !other && !encoding.exclude.contains(&name) {
                sources.push(source(table, &rows, table.column(&name)?, encoding)?);
            }
        }
        Ok(Encoder { sources, target, missing: encoding.missing })
    }

    /// The columns of the design matrix.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        for source in &self.sources {
            let column = &source.name;
            match &source.kind {
                Kind::Numeric { .. } => terms.push(Term { term: column.clone(), column: column.clone(), level: None }),
                Kind::Categorical { levels, .. } => terms.extend(levels.iter().skip(1).map(|level| Term {
                    term: format!("{column}[{level}]"),
                    column: column.clone(),
                    level: Some(level.clone()),
                })),
            }
            if source.indicator {
                terms.push(Term { term: format!("{column}[missing]"), column: column.clone(), level: None });
            }
        }
        terms
    }

    /// The columns that must be read as text: the categories and the target.
    pub fn text_columns(&self) -> Vec<String> {
        let categorical = self.sources.iter().filter(|source| matches!(source.kind, Kind::Categorical { .. }));
        categorical.map(|source| &source.name).chain([&self.target.column]).cloned().collect()
    }

    /// The features and outcomes of a table; rows without an outcome are left out and counted.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::MissingValue`], [`Error::UnseenLevel`], [`Error::Malformed`] and
    /// [`Error::Target`] with their places.
    pub fn labelled(&self, table: &Table, weights: Option<&str>) -> Result<Encoded> {
        let column = table.column(&self.target.column)?;
        let mut rows = Vec::new();
        let mut y = Vec::new();
        for row in 0..table.n_rows() {
            let Some(label) = column.text(row) else { continue };
            let positive = label == self.target.positive;
            if !positive && !self.target.rest && label != self.target.negative {
                return Err(Error::UnseenLevel {
                    place: table.place(row, &column.name),
                    level: label,
                    known: vec![self.target.negative.clone(), self.target.positive.clone()],
                });
            }
            rows.push(row);
            y.push(f64::from(positive));
        }
        let without_target = table.n_rows() - rows.len();
        let mut encoded = self.encode(table, rows, y, weights)?;
        if without_target > 0 {
            let columns = vec![column.name.clone()];
            encoded.warnings.insert(0, Warning::RowsDropped { rows: without_target, columns });
        }
        Ok(encoded)
    }

    /// The features of every row of a table.
    ///
    /// # Errors
    /// As [`Encoder::labelled`], the target aside.
    pub fn features(&self, table: &Table) -> Result<Encoded> {
        let n = table.n_rows();
        self.encode(table, (0..n).collect(), vec![0.0; n], None)
    }

    fn encode(&self, table: &Table, rows: Vec<usize>, y: Vec<f64>, weights: Option<&str>) -> Result<Encoded> {
        let columns = self.sources.iter().map(|source| table.column(&source.name)).collect::<Result<Vec<_>>>()?;
        let mut warnings = Vec::new();
        let complete = |row: &usize| !columns.iter().any(|column| column.is_missing(*row));
        let (rows, y): (Vec<usize>, Vec<f64>) = if self.missing == Missing::Drop {
            let kept: Vec<(usize, f64)> = rows.iter().copied().zip(y).filter(|(row, _)| complete(row)).collect();
            if kept.len() < rows.len() {
                let missing = |column: &&&Column| rows.iter().any(|&row| column.is_missing(row));
                let columns = columns.iter().filter(missing).map(|column| column.name.clone()).collect();
                warnings.push(Warning::RowsDropped { rows: rows.len() - kept.len(), columns });
            }
            kept.into_iter().unzip()
        } else {
            (rows, y)
        };
        if self.missing == Missing::Error {
            self.refuse_missing(table, &columns, &rows)?;
        }
        let mut features = Vec::new();
        for (source, column) in self.sources.iter().zip(&columns) {
            features.push(feature(table, source, column, &rows)?);
            if source.indicator {
                features.push(Feature::Number(rows.iter().map(|&row| f64::from(column.is_missing(row))).collect()));
            }
        }
        let weight = weights.map(|name| weight(table, name, &rows)).transpose()?;
        Ok(Encoded { dataset: Dataset::new(features, y, weight)?, rows, warnings })
    }

    fn refuse_missing(&self, table: &Table, columns: &[&Column], rows: &[usize]) -> Result<()> {
        let cells = |column: &&Column| rows.iter().filter(|&&row| column.is_missing(row)).count();
        let total: usize = columns.iter().map(cells).sum();
        let first = |&row: &usize| columns.iter().find(|column| column.is_missing(row)).map(|column| (row, *column));
        match rows.iter().find_map(first) {
            Some((row, column)) => Err(Error::MissingValue { place: table.place(row, &column.name), cells: total }),
            None => Ok(()),
        }
    }
}

fn target(table: &Table, encoding: &Encoding) -> Result<Target> {
    let column = table.column(&encoding.target)?;
    let classes: BTreeSet<String> = (0..table.n_rows()).filter_map(|row| column.text(row)).collect();
    let classes: Vec<String> = classes.into_iter().collect();
    let place = || Place::file(table.path()).column(&column.name);
    let wrong = |problem: String, help: String| Err(Error::Target { place: place(), problem, help });
    let listed = crate::error::listed(&classes, 8);
    let of = |negative: &str, positive: &str, rest: bool| Target {
        column: column.name.clone(),
        negative: negative.to_string(),
        positive: positive.to_string(),
        rest,
    };
    if classes.len() < 2 {
        let found = if classes.is_empty() { "no value".to_string() } else { format!("only the value {listed}") };
        return wrong(format!("a target needs two classes, found {found}"), "choose another `--target`".to_string());
    }
    if let Some(positive) = &encoding.positive {
        return match &classes[..] {
            _ if !classes.contains(positive) => {
                wrong(format!("there is no class `{positive}`"), format!("the classes are {listed}"))
            }
            [a, b] => Ok(of(if a == positive { b } else { a }, positive, false)),
            _ => Ok(of(&format!("not {positive}"), positive, true)),
        };
    }
    let [a, b] = &classes[..] else {
        let problem = format!("the target has {} classes: {listed}", classes.len());
        return wrong(problem, "`--positive CLASS` models one class against all others".to_string());
    };
    let is_positive = |class: &String| POSITIVE_WORDS.contains(&class.to_lowercase().as_str());
    match (is_positive(a), is_positive(b)) {
        (false, true) => Ok(of(a, b, false)),
        (true, false) => Ok(of(b, a, false)),
        _ => wrong(
            format!("which of the classes {listed} is the positive one?"),
            format!("`--positive {b}` models the probability of `{b}`"),
        ),
    }
}

fn source(table: &Table, rows: &[usize], column: &Column, encoding: &Encoding) -> Result<Source> {
    let impute = encoding.missing == Missing::Impute;
    let any_missing = rows.iter().any(|&row| column.is_missing(row));
    let kind = match &column.cells {
        Cells::Number(values) => Kind::Numeric { fill: if impute { median(values, rows) } else { None } },
        Cells::Text { codes, levels } => {
            let declared = encoding.categorical.contains(&column.name);
            refuse_stray(table, column, declared)?;
            refuse_ids(table, column, levels.len(), declared)?;
            let counts = counts(codes, levels.len(), rows);
            let fill = if impute { most_frequent(&counts, levels) } else { None };
            let met = levels.iter().zip(&counts).filter(|(_, count)| **count > 0).map(|(level, _)| level.clone());
            Kind::Categorical { levels: ordered_levels(table, column, met.collect(), encoding)?, fill }
        }
    };
    Ok(Source { name: column.name.clone(), kind, indicator: impute && any_missing })
}

/// Sorted by code point, the reference first.
fn ordered_levels(table: &Table, column: &Column, mut levels: Vec<String>, encoding: &Encoding) -> Result<Vec<String>> {
    levels.sort_unstable();
    if let Some((_, reference)) = encoding.reference.iter().find(|(name, _)| *name == column.name) {
        let Some(at) = levels.iter().position(|level| level == reference) else {
            return Err(Error::Malformed {
                place: Place::file(table.path()).column(&column.name),
                expected: format!("one of its levels {} as the reference", crate::error::listed(&levels, 8)),
                found: format!("`{reference}`"),
                help: None,
            });
        };
        levels[..=at].rotate_right(1);
    }
    Ok(levels)
}

fn refuse_stray(table: &Table, column: &Column, declared: bool) -> Result<()> {
    match &column.stray {
        Some((line, word)) if !declared => Err(Error::Malformed {
            place: Place::file(table.path()).line(*line).column(&column.name),
            expected: "a number, as in most of its column".to_string(),
            found: format!("`{word}`"),
            help: Some(format!(
                "`--missing-marker {word}` reads it as missing; `--categorical {}` takes the column as categories",
                column.name
            )),
        }),
        _ => Ok(()),
    }
}

/// Categories of one row each explain nothing and cost a coefficient a row.
fn refuse_ids(table: &Table, column: &Column, n_levels: usize, declared: bool) -> Result<()> {
    if declared || n_levels <= 20 || n_levels * 2 <= table.n_rows() {
        return Ok(());
    }
    Err(Error::Malformed {
        place: Place::file(table.path()).column(&column.name),
        expected: "categories that repeat".to_string(),
        found: format!("{n_levels} different values in {} rows", table.n_rows()),
        help: Some(format!(
            "`--exclude {0}` leaves the column out; `--categorical {0}` takes it as it is",
            column.name
        )),
    })
}

fn median(values: &[f64], rows: &[usize]) -> Option<f64> {
    let mut present: Vec<f64> = rows.iter().map(|&row| values[row]).filter(|v| !v.is_nan()).collect();
    present.sort_unstable_by(f64::total_cmp);
    let middle = present.len() / 2;
    match present.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(present[middle]),
        _ => Some(present[middle - 1] + 0.5 * (present[middle] - present[middle - 1])),
    }
}

/// How often each level occurs in `rows`.
fn counts(codes: &[u32], n_levels: usize, rows: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; n_levels];
    for &row in rows {
        // A missing cell's code is beyond every level.
        if let Some(count) = counts.get_mut(codes[row] as usize) {
            *count += 1;
        }
    }
    counts
}

/// The most frequent level; the first by code point among equals.
fn most_frequent(counts: &[usize], levels: &[String]) -> Option<String> {
    let by_count = |a: &usize, b: &usize| counts[*a].cmp(&counts[*b]).then_with(|| levels[*b].cmp(&levels[*a]));
    (0..levels.len()).filter(|&at| counts[at] > 0).max_by(by_count).map(|at| levels[at].clone())
}

fn feature(table: &Table, source: &Source, column: &Column, rows: &[usize]) -> Result<Feature> {
    match &source.kind {
        Kind::Numeric { fill } => numbers(table, column, rows, *fill).map(Feature::Number),
        Kind::Categorical { levels, fill } => {
            let codes = rows.iter().zip(codes_of(column, levels, rows)).map(|(&row, code)| match code {
                Known::Level(code) => Ok(code),
                Known::Missing => fill
                    .as_ref()
                    .and_then(|fill| code_in(levels, fill))
                    .ok_or_else(|| Error::MissingValue { place: table.place(row, &column.name), cells: 1 }),
                Known::No(level) => {
                    Err(Error::UnseenLevel { place: table.place(row, &column.name), level, known: levels.clone() })
                }
            });
            let codes = codes.collect::<Result<_>>()?;
            Ok(Feature::Codes { codes, levels: levels.len() })
        }
    }
}

/// A cell of a category, as the encoder knows it.
enum Known {
    Level(u32),
    Missing,
    No(String),
}

fn code_in(levels: &[String], text: &str) -> Option<u32> {
    levels.iter().position(|level| level == text).map(|at| at as u32)
}

/// The cells of a column by the encoder's codes. The table's own levels are looked up once each, not once a row.
fn codes_of<'t>(column: &'t Column, levels: &'t [String], rows: &'t [usize]) -> Box<dyn Iterator<Item = Known> + 't> {
    let known = |text: &str| code_in(levels, text).map_or_else(|| Known::No(text.to_string()), Known::Level);
    match &column.cells {
        Cells::Number(_) => {
            Box::new(rows.iter().map(move |&row| column.text(row).map_or(Known::Missing, |text| known(&text))))
        }
        Cells::Text { codes, levels: own } => {
            let by_own: Vec<Option<u32>> = own.iter().map(|text| code_in(levels, text)).collect();
            Box::new(rows.iter().map(move |&row| match by_own.get(codes[row] as usize) {
                None => Known::Missing,
                Some(Some(code)) => Known::Level(*code),
                Some(None) => Known::No(own[codes[row] as usize].clone()),
            }))
        }
    }
}

/// The numbers of a column, missing ones filled.
fn numbers(table: &Table, column: &Column, rows: &[usize], fill: Option<f64>) -> Result<Vec<f64>> {
    let missing = |row: usize| Error::MissingValue { place: table.place(row, &column.name), cells: 1 };
    match &column.cells {
        Cells::Number(values) => rows
            .iter()
            .map(|&row| if values[row].is_nan() { fill.ok_or_else(|| missing(row)) } else { Ok(values[row]) })
            .collect(),
        Cells::Text { .. } => {
            let word = |&row: &usize| Some((row, column.text(row)?)).filter(|(_, text)| text.parse::<f64>().is_err());
            let (row, found) = rows.iter().find_map(word).unwrap_or((0, "text".to_string()));
            Err(Error::Malformed {
                place: table.place(row, &column.name),
                expected: "a number".to_string(),
                found: format!("`{found}`"),
                help: Some(format!("`--missing-marker {found}` reads it as missing")),
            })
        }
    }
}

fn weight(table: &Table, name: &str, rows: &[usize]) -> Result<Vec<f64>> {
    let column = table.column(name)?;
    let weight = numbers(table, column, rows, None)?;
    match weight.iter().position(|&w| w < 0.0) {
        Some(at) => Err(Error::Malformed {
            place: table.place(rows[at], name),
            expected: "a weight of at least 0".to_string(),
            found: weight[at].to_string(),
            help: None,
        }),
        None => Ok(weight),
    }
}
