//! Learning columns from rows that are in many places: each place tells what its rows are like, and what they tell is
//! put together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Encoder, Encoding, Learnt, Missing, OTHER, Seen, Source};
use crate::dataset::Feature;
use crate::error::{Error, Place, Result};
use crate::table::{Cells, Column, Table};

/// More different numbers than this are not kept: no column of so many is a target.
const MOST_NUMBERS: usize = 1001;
/// A level occurs so many times at least where a column is made of what is known of it, so that its column is none of
/// values that hardly repeat, unless it was one.
const REPEATED: u64 = 3;

/// What the columns of some rows are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    n_rows: u64,
    columns: Vec<Surveyed>,
    /// The names of all columns there are, of those too that were not read.
    available: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Surveyed {
    name: String,
    missing: u64,
    kind: Kind,
}

/// By kind: texts with their counts, in the order of the texts; the different numbers, as far as they are few, by their
/// bits, with the least and the largest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Text(BTreeMap<String, u64>),
    Number(Numbers),
    Date(Numbers),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Numbers {
    different: Vec<f64>,
    ends: Option<(f64, f64)>,
    sum: f64,
}

impl Numbers {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut numbers = Numbers { different: Vec::new(), ends: None, sum: 0.0 };
        for value in values.filter(|value| !value.is_nan()) {
            numbers.add(value);
            numbers.sum += value;
        }
        numbers
    }

    fn add(&mut self, value: f64) {
        self.ends = Some(self.ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        if self.different.len() < MOST_NUMBERS
            && let Err(at) = self.different.binary_search_by(|known| known.total_cmp(&value))
        {
            self.different.insert(at, value);
        }
    }

    fn merge(&mut self, other: Numbers) {
        self.sum += other.sum;
        other
            .different
            .into_iter()
            .chain(other.ends.into_iter().flat_map(|(low, high)| [low, high]))
            .for_each(|x| self.add(x));
    }
}

impl Surveyed {
    fn of(column: &Column) -> Self {
        let kind = match &column.cells {
            Cells::Number(values) => Kind::Number(Numbers::of(values.iter())),
            Cells::Date(days) => Kind::Date(Numbers::of(days.iter())),
            Cells::Sparse { values, .. } => Kind::Number(Numbers::of(values.iter().copied().chain([0.0]))),
            Cells::Text { codes, levels } => {
                let mut counts = vec![0; levels.len()];
                codes
                    .iter()
                    .for_each(|code| counts.iter_mut().skip(code as usize).take(1).for_each(|count| *count += 1));
                Kind::Text(levels.iter().cloned().zip(counts).collect())
            }
        };
        Surveyed { name: column.name.clone(), missing: column.missing_rows().len() as u64, kind }
    }

    fn merge(&mut self, other: Surveyed) -> Result<()> {
        self.missing += other.missing;
        match (&mut self.kind, other.kind) {
            (Kind::Text(own), Kind::Text(other)) => {
                other.into_iter().for_each(|(level, count)| *own.entry(level).or_default() += count);
            }
            (Kind::Number(own), Kind::Number(other)) | (Kind::Date(own), Kind::Date(other)) => own.merge(other),
            // A column without a value is of any kind.
            (own, other) if own.is_empty() => *own = other,
            (_, other) if other.is_empty() => {}
            _ => {
                return Err(Error::Malformed {
                    place: Place::default().column(&self.name),
                    expected: "one kind of value in all places".to_string(),
                    found: "numbers in one and text in another".to_string(),
                    help: Some("cast the column to one type".to_string()),
                });
            }
        }
        Ok(())
    }

    /// As few cells as have the same levels, the same ends and the same classes; a level of fewer than `least` rows as often
    /// as it is there.
    fn cells(&self, least: u64, n_rows: &mut usize) -> Filled {
        match &self.kind {
            Kind::Text(counts) => {
                let levels: Vec<String> = counts.keys().cloned().collect();
                let codes: Vec<u32> = counts
                    .values()
                    .zip(0..)
                    .flat_map(|(&count, code)| std::iter::repeat_n(code, count.min(least.max(REPEATED)) as usize))
                    .collect();
                *n_rows = (*n_rows).max(codes.len());
                let most =
                    counts.values().zip(0..).max_by_key(|(count, _)| **count).map_or(Cells::MISSING, |(_, code)| code);
                Filled::Text { codes, levels, most }
            }
            Kind::Number(numbers) | Kind::Date(numbers) => {
                let mut values = numbers.different.clone();
                values.extend(numbers.ends.into_iter().flat_map(|(low, high)| [low, high]));
                // Twice, so that they are no row numbers; four times for a target's classes.
                *n_rows = (*n_rows).max(4 * values.len());
                Filled::Numbers { values, date: matches!(self.kind, Kind::Date(_)) }
            }
        }
    }
}

impl Kind {
    fn is_empty(&self) -> bool {
        match self {
            Kind::Text(counts) => counts.is_empty(),
            Kind::Number(numbers) | Kind::Date(numbers) => numbers.ends.is_none(),
        }
    }
}

/// A column's cells before it is known how many rows there are.
enum Filled {
    Text { codes: Vec<u32>, levels: Vec<String>, most: u32 },
    Numbers { values: Vec<f64>, date: bool },
}

impl Filled {
    fn of_rows(self, n_rows: usize) -> Cells {
        match self {
            Filled::Text { mut codes, levels, most } => {
                codes.resize(n_rows, most);
                Cells::Text { codes: codes.into(), levels }
            }
            Filled::Numbers { values, date } => {
                let cells: Vec<f64> = match values.is_empty() {
                    true => vec![f64::NAN; n_rows],
                    false => values.iter().copied().cycle().take(n_rows).collect(),
                };
                if date { Cells::Date(cells.into()) } else { Cells::Number(cells.into()) }
            }
        }
    }
}

impl Survey {
    /// Of the rows of a table.
    pub fn of(table: &Table) -> Self {
        Survey {
            n_rows: table.n_rows() as u64,
            columns: table.columns().iter().map(Surveyed::of).collect(),
            available: table.available().to_vec(),
        }
    }

    /// The names of all columns there are, of those too that were not read.
    pub fn names(&self) -> &[String] {
        &self.available
    }

    /// The same, as what was read of rows with these columns.
    pub fn among(self, available: Vec<String>) -> Self {
        Survey { available, ..self }
    }

    /// The columns that an encoder needs of which cells are missing, its target among them.
    pub fn incomplete(&self, encoder: &Encoder) -> Vec<String> {
        let mut needed = encoder.columns();
        needed.insert(0, encoder.target.column.clone());
        let is_incomplete = |name: &String| self.columns.iter().any(|own| own.name == *name && own.missing > 0);
        needed.into_iter().filter(is_incomplete).collect()
    }

    /// The number of rows.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Adds what is known of other rows of the same columns.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a column of another kind, or other columns.
    pub fn merge(&mut self, other: Survey) -> Result<()> {
        if self.columns.is_empty() {
            *self = other;
            return Ok(());
        }
        self.n_rows += other.n_rows;
        for (own, other) in self.columns.iter_mut().zip(other.columns) {
            own.merge(other)?;
        }
        Ok(())
    }

    /// Learns columns, levels and classes as [`Encoder::fit`] does of all rows, and gives the features without a row.
    ///
    /// # Errors
    /// As [`Encoder::fit`]; [`Error::Setting`] for what needs the order of the numbers (medians, knots) or their text;
    /// [`Error::MissingValue`] where values are missing and nothing was said of them.
    pub fn learn(&self, name: &str, encoding: &Encoding) -> Result<(Learnt, Vec<Feature>)> {
        refuse_order(encoding)?;
        let least = encoding.min_level_count as u64;
        let mut n_rows = 1;
        let filled: Vec<Filled> = self.columns.iter().map(|column| column.cells(least, &mut n_rows)).collect();
        let columns = self.columns.iter().zip(filled);
        let columns = columns.map(|(column, cells)| (column.name.clone(), cells.of_rows(n_rows))).collect();
        let table = Table::from_columns(name, n_rows, columns)?.among(self.available.clone());
        let mut learnt = Encoder::fit(&table, encoding)?;
        learnt.encoder.sources.iter_mut().for_each(|source| self.correct(source));
        let used = learnt.encoder.columns();
        let holes = |column: &&Surveyed| column.missing > 0 && used.contains(&column.name);
        if encoding.missing == Missing::Error
            && let Some(column) = self.columns.iter().find(holes)
        {
            let cells = self.columns.iter().filter(holes).map(|column| column.missing as usize).sum();
            return Err(Error::MissingValue { place: Place::file(name).column(&column.name), cells });
        }
        let features = learnt.encoder.features(&table)?.dataset.features().iter().map(Feature::without_rows).collect();
        Ok((learnt, features))
    }
}

impl Survey {
    /// The table that was learnt from has the ends and the levels of all rows, but neither their mean nor their counts.
    fn correct(&self, source: &mut Source) {
        let Some(column) = self.columns.iter().find(|column| column.name == source.name) else { return };
        match (&mut source.seen, &column.kind, &source.kind) {
            (Some(Seen::Numbers { low, high, mean }), Kind::Number(numbers) | Kind::Date(numbers), _) => {
                *mean = (numbers.sum / (self.n_rows - column.missing) as f64).clamp(*low, *high);
            }
            (Some(Seen::Level { most_frequent }), Kind::Text(counts), super::Kind::Categorical { levels, .. }) => {
                // The first by code point among equals.
                let most = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(level, _)| level.as_str());
                // A level that is none was pooled, or has no row with an outcome.
                let known = |level: &str| levels.iter().any(|own| own == level);
                if let Some(most) = most.filter(|most| known(most)).or(Some(OTHER).filter(|other| known(other))) {
                    *most_frequent = most.to_string();
                }
            }
            _ => {}
        }
    }
}

fn refuse_order(encoding: &Encoding) -> Result<()> {
    let needs = [
        ("missing", encoding.missing == Missing::Impute, "`error` or `drop`"),
        ("spline", !encoding.splines.is_empty(), "none"),
        ("date-parts", encoding.date_parts, "false"),
        ("offset", encoding.offset.is_some(), "none"),
    ];
    match needs.into_iter().find(|(_, refused, _)| *refused) {
        Some((name, _, expected)) => {
            Err(Error::setting(name, &format!("{expected}, for rows that an engine holds"), &"another"))
        }
        None => Ok(()),
    }
}
