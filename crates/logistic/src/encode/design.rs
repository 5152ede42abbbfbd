//! From the cells of a table to the columns of the design matrix.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::known::{Fate, Known};
use super::{Encoder, Kind, Missing, Source, column_of};
use crate::dataset::{Dataset, Feature};
use crate::error::{Error, Place, Result, Warning, quoted, shown};
use crate::numbers::{Numbers, Values};
use crate::table::{Cells, Column, Selected, Table};

/// A column needs the squares of its numbers, and a product of two columns the squares of theirs.
pub(crate) const LARGEST: f64 = 1e70;

/// Rows of a table as numbers.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The design matrix with outcomes and weights. Outcomes are 0 where none were asked for.
    pub dataset: Dataset,
    /// The row of the table behind every row of the dataset.
    pub rows: Selected,
    /// What was left out, and why.
    pub warnings: Vec<Warning>,
}

impl Encoder {
    /// The features and outcomes of a table; rows without an outcome are left out and counted.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::MissingValue`], [`Error::UnseenLevel`], [`Error::Malformed`] and
    /// [`Error::Target`] with their places.
    pub fn labelled(&self, table: &Table, weights: Option<&str>) -> Result<Encoded> {
        let outcomes = self.target.outcomes(table)?.enumerate();
        let unlabelled = outcomes.filter_map(|(row, outcome)| outcome.map(|y| y.is_none().then_some(row)).transpose());
        let missing = unlabelled.collect::<Result<Vec<usize>>>()?;
        let rows = Selected::All(table.n_rows()).retain(|row| missing.binary_search(&row).is_err());
        let y = self.target.outcomes(table)?.filter_map(Result::transpose);
        let y = table.store().keep(y)?;
        let mut encoded = self.encode(table, rows, y, weights)?;
        if !missing.is_empty() {
            let columns = vec![self.target.column.clone()];
            encoded.warnings.insert(0, Warning::RowsDropped { rows: missing.len(), columns });
        }
        Ok(encoded)
    }

    /// The features of every row of a table.
    ///
    /// # Errors
    /// As [`Encoder::labelled`], the target aside.
    pub fn features(&self, table: &Table) -> Result<Encoded> {
        let n = table.n_rows();
        let y = table.store().keep(std::iter::repeat_n(0.0, n).map(Ok))?;
        self.encode(table, Selected::All(n), y, None)
    }

    fn encode(&self, table: &Table, rows: Selected, y: Numbers<f64>, weights: Option<&str>) -> Result<Encoded> {
        let columns = self.columns_of(table)?;
        let missing: Vec<Vec<usize>> = columns.par_iter().map(|column| column.missing_rows()).collect();
        let mut warnings = Vec::new();
        let (rows, y) = match self.missing {
            Missing::Drop if missing.iter().any(|missing| !missing.is_empty()) => {
                let incomplete = |row| missing.iter().any(|missing| missing.binary_search(&row).is_ok());
                let before = rows.len();
                let touched = |missing: &[usize]| missing.iter().any(|&row| rows.position(row).is_some());
                let named = columns.iter().zip(&missing).filter(|(_, missing)| touched(missing));
                let mut names: Vec<String> = named.map(|(column, _)| column.name.clone()).collect();
                names.dedup();
                let own = rows.iter().zip(y.iter()).filter(|(row, _)| !incomplete(*row)).map(|(_, &y)| Ok(y));
                let y = table.store().keep(own)?;
                let rows = rows.retain(|row| !incomplete(row));
                if rows.len() < before {
                    warnings.push(Warning::RowsDropped { rows: before - rows.len(), columns: names });
                }
                (rows, y)
            }
            Missing::Error => {
                refuse_missing(table, &columns, &missing, &rows)?;
                (rows, y)
            }
            _ => (rows, y),
        };
        let pairs: Vec<(&Source, &Column)> = self.sources.iter().zip(columns).collect();
        let designs: Vec<Result<Design>> =
            pairs.par_iter().map(|(source, column)| self.design(table, source, column, &rows)).collect();
        let designs = designs.into_iter().collect::<Result<Vec<Design>>>()?;
        let products = self.products(&designs);
        let mut features = Vec::new();
        for design in designs {
            features.extend(design.features);
            features.extend(design.indicator);
            warnings.extend(design.warning);
        }
        features.extend(products);
        let zero = table.store().keep(std::iter::repeat_n(0.0, y.len()).map(Ok))?;
        let mut dataset =
            Dataset::kept_in(table.store(), features, zero)?.with_classes(y, self.target.classes.len())?;
        if let Some(name) = weights {
            dataset = dataset.with_weights(weight(table, name, &rows)?)?;
        }
        if let Some(name) = &self.offset {
            dataset = dataset.with_offsets(offset(table, name, &rows)?)?;
        }
        Ok(Encoded { dataset, rows, warnings })
    }

    /// The table's column of every source; all that are missing are named.
    fn columns_of<'t>(&self, table: &'t Table) -> Result<Vec<&'t Column>> {
        let columns = self.sources.iter().map(|source| table.column(&source.name)).collect::<Result<Vec<_>>>();
        columns.map_err(|error| {
            let absent: Vec<String> = self.columns().into_iter().filter(|name| table.column(name).is_err()).collect();
            match error {
                Error::UnknownColumn { place, available } if absent.len() > 1 => {
                    Error::MissingColumns { place, columns: absent, available }
                }
                error => error,
            }
        })
    }

    fn design(&self, table: &Table, source: &Source, column: &Column, rows: &Selected) -> Result<Design> {
        let taken_apart;
        let cells = match source.part {
            None => column,
            Some(_) => {
                refuse_no_dates(table, column, rows)?;
                taken_apart = column_of(source, column);
                &taken_apart
            }
        };
        let (features, warning) = match &source.kind {
            Kind::Numeric { fill, curve } if curve.is_linear() => {
                refuse_dates(table, cells, rows)?;
                (vec![numeric(table, cells, rows, *fill, "a number")?], None)
            }
            Kind::Numeric { fill, curve } => {
                refuse_dates(table, cells, rows)?;
                let values = numbers(table, cells, rows, *fill, "a number")?;
                if *curve == super::Curve::Log {
                    refuse_no_logarithm(table, cells, rows, &values)?;
                }
                (curve.columns(values, table.store())?.into_iter().map(Feature::number).collect(), None)
            }
            Kind::Date { fill } => {
                refuse_no_dates(table, column, rows)?;
                (vec![numeric(table, cells, rows, *fill, "a date such as 2024-01-31")?], None)
            }
            Kind::Categorical { levels, pooled, fill } => {
                let known = Known::new(levels, pooled, fill.as_deref(), self.unseen);
                let (codes, warning) = codes(table, cells, source, &known, rows)?;
                (vec![Feature::Codes { codes, levels: levels.len() }], warning)
            }
        };
        let marks = || rows.iter().map(|row| f64::from(column.is_missing(row)));
        let indicator = match source.indicator {
            true => Some(Feature::Number(table.store().keep_values(marks())?)),
            false => None,
        };
        Ok(Design { name: source.name.clone(), features, indicator, warning })
    }

    fn products(&self, designs: &[Design]) -> Vec<Feature> {
        let mut products = Vec::new();
        for (a, b) in &self.interactions {
            for left in designs.iter().filter(|design| design.name == *a).flat_map(|design| &design.features) {
                for right in designs.iter().filter(|design| design.name == *b).flat_map(|design| &design.features) {
                    products.push(left.times(right));
                }
            }
        }
        products
    }
}

/// The design columns of one source.
struct Design {
    name: String,
    features: Vec<Feature>,
    indicator: Option<Feature>,
    warning: Option<Warning>,
}

fn refuse_missing(table: &Table, columns: &[&Column], missing: &[Vec<usize>], rows: &Selected) -> Result<()> {
    if missing.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let used = |missing: &[usize]| -> Vec<usize> {
        missing.iter().copied().filter(|&row| rows.position(row).is_some()).collect()
    };
    let used: Vec<Vec<usize>> = missing.iter().map(|missing| used(missing)).collect();
    let cells = used.iter().map(Vec::len).sum();
    let first = columns.iter().zip(&used).filter_map(|(column, rows)| Some((*rows.first()?, *column)));
    match first.min_by_key(|(row, _)| *row) {
        Some((row, column)) => Err(Error::MissingValue { place: table.place(row, &column.name), cells }),
        None => Ok(()),
    }
}

fn missing_value(table: &Table, row: usize, column: &Column) -> Error {
    Error::MissingValue { place: table.place(row, &column.name), cells: 1 }
}

/// A column of numbers as a feature; sparse where it is.
fn numeric(table: &Table, column: &Column, rows: &Selected, fill: Option<f64>, expected: &str) -> Result<Feature> {
    let Cells::Sparse { rows: own, values } = &column.cells else {
        return numbers(table, column, rows, fill, expected).map(Feature::number);
    };
    if rows.len() == table.n_rows() {
        return Ok(Feature::Sparse { rows: own.clone(), values: values.clone(), len: rows.len() });
    }
    let mut kept = (Vec::new(), Vec::new());
    for (row, value) in own.iter().zip(values) {
        if let Some(at) = rows.position(*row as usize) {
            kept.0.push(at as u32);
            kept.1.push(*value);
        }
    }
    Ok(Feature::Sparse { rows: kept.0, values: kept.1, len: rows.len() })
}

/// The numbers of a column, missing ones filled; as they stand, where nothing is missing and every row is asked for.
fn numbers(table: &Table, column: &Column, rows: &Selected, fill: Option<f64>, expected: &str) -> Result<Values> {
    match &column.cells {
        Cells::Number(values) | Cells::Date(values) => {
            let is_wrong = |value: f64| value.is_nan() || value.abs() > LARGEST;
            if let (Selected::All(_), Some(whole)) = (rows, values.whole())
                && !values.iter().any(is_wrong)
            {
                return Ok(whole);
            }
            let filled = match fill {
                None => table.store().keep_values(values.at(rows))?,
                Some(fill) => {
                    table.store().keep_values(values.at(rows).map(|value| if value.is_nan() { fill } else { value }))?
                }
            };
            let wrong = filled.iter().enumerate().find(|(_, value)| is_wrong(*value));
            match wrong.and_then(|(at, value)| Some((rows.get(at)?, value))) {
                Some((row, value)) if value.is_nan() => Err(missing_value(table, row, column)),
                Some((row, value)) => Err(too_large(table.place(row, &column.name), value)),
                None => Ok(filled),
            }
        }
        Cells::Sparse { rows: own, values } => {
            let value = |row: usize| own.binary_search(&(row as u32)).map_or(0.0, |at| values[at]);
            table.store().keep_values(rows.iter().map(value))
        }
        Cells::Text { .. } => {
            let word = |row: usize| Some((row, column.text(row)?)).filter(|(_, text)| text.parse::<f64>().is_err());
            let (row, found) = rows.iter().find_map(word).unwrap_or((0, "text".to_string()));
            Err(no_number(table.place(row, &column.name), expected, &found))
        }
    }
}

fn refuse_no_dates(table: &Table, column: &Column, rows: &Selected) -> Result<()> {
    if matches!(column.cells, Cells::Date(_)) {
        return Ok(());
    }
    let row = rows.iter().find(|&row| !column.is_missing(row));
    let wrong = |row: usize| no_date(table.place(row, &column.name), &column.text(row).unwrap_or_default());
    row.map_or(Ok(()), |row| {
        let oddity = column.oddities.no_date.as_ref().map_or(row, |(row, _)| *row);
        Err(wrong(oddity))
    })
}

fn refuse_no_logarithm(table: &Table, column: &Column, rows: &Selected, values: &Values) -> Result<()> {
    let wrong = values.iter().enumerate().find(|(_, value)| *value <= 0.0);
    match wrong.and_then(|(at, value)| Some((rows.get(at)?, value))) {
        None => Ok(()),
        Some((row, value)) => Err(no_logarithm(table.place(row, &column.name), value)),
    }
}

/// Days since 1970 are numbers, but not those that a column of numbers was trained on.
fn refuse_dates(table: &Table, column: &Column, rows: &Selected) -> Result<()> {
    let Cells::Date(_) = column.cells else { return Ok(()) };
    match rows.iter().find(|&row| !column.is_missing(row)) {
        Some(row) => Err(no_number(table.place(row, &column.name), "a number", &column.text(row).unwrap_or_default())),
        None => Ok(()),
    }
}

pub(super) fn too_large(place: Place, value: f64) -> Error {
    Error::Malformed {
        place,
        expected: format!("a number within ±{LARGEST:e}, whose square can be taken"),
        found: format!("{value:e}"),
        help: Some("give the column in a larger unit".to_string()),
    }
}

pub(super) fn no_number(place: Place, expected: &str, found: &str) -> Error {
    Error::Malformed {
        place,
        expected: expected.to_string(),
        found: quoted(found),
        help: Some(format!("`--missing-marker {}` reads it as missing", shown(found))),
    }
}

pub(super) fn no_date(place: Place, found: &str) -> Error {
    Error::Malformed {
        place,
        expected: "dates such as 2024-01-31, as in training".to_string(),
        found: quoted(found),
        help: None,
    }
}

pub(super) fn no_logarithm(place: Place, value: f64) -> Error {
    let column = place.column.as_deref().map_or(String::new(), shown);
    Error::Malformed {
        place,
        expected: "a number above 0, to take its logarithm".to_string(),
        found: value.to_string(),
        help: Some(format!("train without `--log {column}`, or with `--spline {column}:4`")),
    }
}

/// What is wrong with a cell of a column that is no feature.
pub(super) fn incomplete(place: Place, expected: &str, help: &str) -> Error {
    Error::Malformed {
        place,
        expected: expected.to_string(),
        found: "a missing value".to_string(),
        help: Some(help.to_string()),
    }
}

/// The code of every row of a category.
fn codes(
    table: &Table,
    column: &Column,
    source: &Source,
    known: &Known<&str>,
    rows: &Selected,
) -> Result<(Numbers<u32>, Option<Warning>)> {
    let (mut replaced, mut example) = (0, None);
    let mut take = |row: usize, fate: Option<Fate>| match fate {
        None => known.fill.ok_or_else(|| missing_value(table, row, column)),
        Some(Fate::Code(code)) => Ok(code),
        Some(Fate::Replaced(code)) => {
            replaced += 1;
            example.get_or_insert_with(|| column.text(row).unwrap_or_default());
            Ok(code)
        }
        Some(Fate::Refused) => {
            Err(known.unseen_level(table.place(row, &column.name), &column.text(row).unwrap_or_default()))
        }
    };
    let codes = match &column.cells {
        Cells::Text { codes: own, levels } => {
            // The table's own levels are looked up once each, not once a row.
            let fates: Vec<Fate> = levels.iter().map(|level| known.fate(level)).collect();
            let of = |(row, code): (usize, u32)| take(row, fates.get(code as usize).copied());
            table.store().keep(rows.iter().zip(own.at(rows)).map(of))?
        }
        _ => {
            let of = |row: usize| take(row, column.text(row).map(|text| known.fate(&text)));
            table.store().keep(rows.iter().map(of))?
        }
    };
    let warning = example.map(|level| Warning::LevelsUnseen {
        columns: vec![source.label()],
        rows: replaced,
        level,
        treated: known.stand_in(),
    });
    Ok((codes, warning))
}

/// A column that is no feature, of which nothing may be missing.
fn complete(table: &Table, name: &str, rows: &Selected, expected: &str, help: &str) -> Result<Numbers<f64>> {
    refuse_dates(table, table.column(name)?, rows)?;
    let values = numbers(table, table.column(name)?, rows, None, "a number").map_err(|error| match error {
        Error::MissingValue { place, .. } => incomplete(place, expected, help),
        error => error,
    })?;
    match values {
        Values::F64(values) => Ok(values),
        narrow @ Values::F32(_) => table.store().keep(narrow.iter().map(Ok)),
    }
}

/// What an offset must be, and what to do where there is none.
pub(super) const AN_OFFSET: (&str, &str) = ("an offset", "an offset of 0 adds nothing");

fn offset(table: &Table, name: &str, rows: &Selected) -> Result<Numbers<f64>> {
    complete(table, name, rows, AN_OFFSET.0, AN_OFFSET.1)
}

fn weight(table: &Table, name: &str, rows: &Selected) -> Result<Numbers<f64>> {
    let weight = complete(table, name, rows, "a weight", "a weight of 0 leaves a row out")?;
    if !weight.iter().sum::<f64>().is_finite() {
        return Err(Error::Malformed {
            place: table.place(rows.get(0).unwrap_or(0), name),
            expected: "weights whose sum is within ±1.8e308".to_string(),
            found: "a larger sum".to_string(),
            help: Some("divide all weights by the same number".to_string()),
        });
    }
    let negative = weight.iter().enumerate().find(|(_, weight)| **weight < 0.0);
    match negative.and_then(|(at, weight)| Some((rows.get(at)?, *weight))) {
        Some((row, weight)) => Err(Error::Malformed {
            place: table.place(row, name),
            expected: "a weight of at least 0".to_string(),
            found: weight.to_string(),
            help: None,
        }),
        None => Ok(weight),
    }
}
