//! Fitting an encoder: what every column is.

use std::collections::HashMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::curve::{Curve, knot_quantiles};
use super::seen::{Look, Seen};
use super::suspicion::{refuse_many_levels, refuse_row_numbers, refuse_slips};
use super::{Encoder, Encoding, Kind, Learnt, Missing, Part, Source, Target, column_of, levels};
use crate::distribution::sample_quantile;
use crate::error::{Error, Place, Result, Warning, quoted, shown};
use crate::table::{Cells, Column, Selected, Table};

pub(super) fn learn(table: &Table, encoding: &Encoding) -> Result<Learnt> {
    check_names(table, encoding)?;
    let target = Target::learn(table, encoding)?;
    // A row without an outcome teaches nothing; so it must not shape columns either.
    let labels = table.column(&encoding.target)?;
    let unlabelled = labels.missing_rows();
    let rows = Selected::All(table.n_rows()).retain(|row| unlabelled.binary_search(&row).is_err());
    let mut names = if encoding.features.is_empty() { table.names() } else { encoding.features.clone() };
    let roles = [Some(&encoding.target), encoding.weights.as_ref(), encoding.offset.as_ref()];
    names.retain(|name| !roles.contains(&Some(name)) && !encoding.exclude.contains(name));
    let columns = names.iter().map(|name| table.column(name)).collect::<Result<Vec<&Column>>>()?;
    let looks: Vec<Look> = columns.par_iter().map(|column| Look::at(column, &rows)).collect();
    let mut learning = Learning { table, encoding, rows, sources: Vec::new(), warnings: Vec::new() };
    for (column, look) in columns.into_iter().zip(looks) {
        learning.column(column, &look)?;
    }
    let Learning { sources, warnings, .. } = learning;
    let encoder = Encoder {
        sources,
        interactions: encoding.interactions.clone(),
        offset: encoding.offset.clone(),
        target,
        missing: encoding.missing,
        unseen: encoding.unseen,
    };
    check_features(table, &encoder, encoding)?;
    check_terms(table, &encoder)?;
    Ok(Learnt { encoder, warnings: gathered(warnings) })
}

/// Every column that a setting names must exist.
fn check_names(table: &Table, encoding: &Encoding) -> Result<()> {
    let lists = encoding.exclude.iter().chain(&encoding.categorical).chain(&encoding.logs);
    let lists = lists.chain(&encoding.weights).chain(&encoding.offset);
    let pairs = encoding.interactions.iter().flat_map(|(a, b)| [a, b]);
    let named = encoding.reference.iter().map(|(name, _)| name).chain(encoding.splines.iter().map(|(name, _)| name));
    for name in lists.chain(pairs).chain(named).chain(&encoding.features) {
        table.require(name)?;
    }
    let role = |name: &str, role: &'static str| Error::Malformed {
        place: Place::file(table.path()).column(name),
        expected: format!("a column other than the target as {role}"),
        found: "the target".to_string(),
        help: None,
    };
    if encoding.weights.as_ref() == Some(&encoding.target) {
        return Err(role(&encoding.target, "the weights"));
    }
    if encoding.offset.as_ref() == Some(&encoding.target) {
        return Err(role(&encoding.target, "the offset"));
    }
    if encoding.features.contains(&encoding.target) {
        return Err(role(&encoding.target, "a feature"));
    }
    let twice = (1..encoding.features.len()).find(|&at| encoding.features[..at].contains(&encoding.features[at]));
    match twice.map(|at| &encoding.features[at]) {
        Some(name) => Err(Error::Malformed {
            place: Place::file(table.path()).column(name),
            expected: "each feature once".to_string(),
            found: "it twice".to_string(),
            help: None,
        }),
        None => Ok(()),
    }
}

/// Every column that a setting bends or multiplies must be a feature, and one with a reference level a category.
fn check_features(table: &Table, encoder: &Encoder, encoding: &Encoding) -> Result<()> {
    for (name, _) in &encoding.reference {
        let source = encoder.sources.iter().find(|source| source.name == *name);
        if matches!(source, Some(Source { kind: Kind::Numeric { .. } | Kind::Date { .. }, .. })) {
            return Err(Error::Malformed {
                place: Place::file(table.path()).column(name),
                expected: "a category, to have a reference level".to_string(),
                found: "numbers".to_string(),
                help: Some(format!("`--categorical {name}` takes them as categories")),
            });
        }
    }
    let pairs = encoding.interactions.iter().flat_map(|(a, b)| [a, b]);
    let bent = encoding.logs.iter().chain(encoding.splines.iter().map(|(name, _)| name));
    for name in pairs.chain(bent) {
        if !encoder.sources.iter().any(|source| source.name == *name) {
            return Err(Error::Malformed {
                place: Place::file(table.path()).column(name),
                expected: "a feature".to_string(),
                found: "a column that is none".to_string(),
                help: Some(format!("name `{name}` in `--features`, and not in `--exclude`")),
            });
        }
    }
    Ok(())
}

/// No two coefficients may have one name, be it that a product was asked for twice or that a column is called as a
/// level of another.
fn check_terms(table: &Table, encoder: &Encoder) -> Result<()> {
    let mut known: HashMap<String, String> = HashMap::from([("(intercept)".to_string(), "(intercept)".to_string())]);
    for term in encoder.terms() {
        if let Some(first) = known.insert(term.term.clone(), term.column.clone()) {
            return Err(Error::Malformed {
                place: Place::file(table.path()).column(&term.column),
                expected: "one coefficient of each name".to_string(),
                found: format!("{} here and from {}", quoted(&term.term), quoted(&first)),
                help: Some("rename one of the columns, or ask for a product once".to_string()),
            });
        }
    }
    match encoder.interactions.iter().find(|(a, b)| a == b) {
        Some((a, _)) => Err(Error::Malformed {
            place: Place::file(table.path()).column(a),
            expected: "two different columns for `--interaction`".to_string(),
            found: "one column twice".to_string(),
            help: Some(format!("`--spline {0}:4` lets a column of numbers bend", shown(a))),
        }),
        None => Ok(()),
    }
}

/// One warning of a kind, with all its columns.
fn gathered(warnings: Vec<Warning>) -> Vec<Warning> {
    let mut gathered: Vec<Warning> = Vec::new();
    for warning in warnings {
        let same = gathered.iter_mut().find_map(|known| match (known, &warning) {
            (Warning::DatesAsDays { columns }, Warning::DatesAsDays { columns: more })
            | (Warning::Empty { columns }, Warning::Empty { columns: more }) => Some((columns, more)),
            _ => None,
        });
        match same {
            Some((columns, more)) => columns.extend(more.iter().cloned()),
            None => gathered.push(warning),
        }
    }
    gathered
}

struct Learning<'t> {
    table: &'t Table,
    encoding: &'t Encoding,
    rows: Selected,
    sources: Vec<Source>,
    warnings: Vec<Warning>,
}

impl Learning<'_> {
    fn column(&mut self, column: &Column, look: &Look) -> Result<()> {
        let declared = self.encoding.categorical.contains(&column.name);
        let missing = &look.missing;
        if missing.len() == self.table.n_rows() {
            self.warnings.push(Warning::Empty { columns: vec![column.name.clone()] });
            return Ok(());
        }
        if !declared {
            refuse_slips(self.table, column)?;
            refuse_row_numbers(self.table, column, self.encoding)?;
            self.warn_of_oddities(column);
        }
        let any_missing = missing.iter().any(|&row| self.rows.position(row).is_some());
        let indicator = self.encoding.missing == Missing::Impute && any_missing;
        if matches!(column.cells, Cells::Date(_)) && self.encoding.date_parts {
            return self.parts(column, indicator);
        }
        let (kind, seen) = self.kind(column, &column.name, look)?;
        if let Kind::Categorical { levels, .. } = &kind
            && levels.len() < 2
            && !indicator
        {
            let (columns, term) = (vec![column.name.clone()], column.name.clone());
            self.warnings.push(Warning::Collinear { columns, term });
            return Ok(());
        }
        if matches!(kind, Kind::Date { .. }) {
            self.warnings.push(Warning::DatesAsDays { columns: vec![column.name.clone()] });
        }
        self.sources.push(Source { name: column.name.clone(), part: None, kind, indicator, seen });
        Ok(())
    }

    fn warn_of_oddities(&mut self, column: &Column) {
        let line = |row: usize| self.table.place(row, &column.name).line.unwrap_or(0);
        if let Some((row, found)) = &column.oddities.large {
            let (columns, found, line) = (vec![column.name.clone()], found.clone(), line(*row));
            self.warnings.push(Warning::LargeIntegers { columns, found, line });
        }
        if let Some((row, found)) = &column.oddities.mixed {
            let (columns, found, line) = (vec![column.name.clone()], found.clone(), line(*row));
            self.warnings.push(Warning::MixedColumn { columns, found, line });
        }
    }

    /// A date as its year, month, day of the week, and hour where there are times.
    fn parts(&mut self, column: &Column, indicator: bool) -> Result<()> {
        let Cells::Date(days) = &column.cells else { return Ok(()) };
        let times = days.iter().any(|day| !day.is_nan() && day.fract() != 0.0);
        let parts: &[Part] = if times {
            &[Part::Year, Part::Month, Part::Weekday, Part::Hour]
        } else {
            &[Part::Year, Part::Month, Part::Weekday]
        };
        for &part in parts {
            let placeholder = Kind::Date { fill: None };
            let part = Some(part);
            let mut source =
                Source { name: column.name.clone(), part, kind: placeholder, indicator: false, seen: None };
            let cells = column_of(&source, column);
            (source.kind, source.seen) = self.kind(&cells, &column.name, &Look::at(&cells, &self.rows))?;
            source.indicator = indicator && part == Some(Part::Year);
            self.sources.push(source);
        }
        Ok(())
    }

    /// What a column is, and what was seen in it.
    fn kind(&mut self, column: &Column, name: &str, look: &Look) -> Result<(Kind, Option<Seen>)> {
        let impute = self.encoding.missing == Missing::Impute;
        let fill = |values: &mut Vec<f64>| if impute { median(values) } else { None };
        match &column.cells {
            Cells::Number(_) | Cells::Sparse { .. } => {
                let mut values = self.present(column);
                let curve = self.curve(column, name, &mut values)?;
                Ok((Kind::Numeric { fill: fill(&mut values), curve }, look.spread.seen()))
            }
            Cells::Date(_) => {
                self.refuse_curve(name)?;
                Ok((Kind::Date { fill: fill(&mut self.present(column)) }, look.spread.seen()))
            }
            Cells::Text { codes, levels: names } => {
                self.refuse_curve(name)?;
                let learnt = levels::learn(self.table, column, codes, names, &self.rows, self.encoding)?;
                if !self.encoding.categorical.iter().any(|declared| declared == name) {
                    refuse_many_levels(self.table, column, learnt.levels.len())?;
                }
                if !learnt.pooled.is_empty() {
                    self.warnings.push(Warning::LevelsPooled {
                        columns: vec![name.to_string()],
                        levels: learnt.pooled.len(),
                        rows: learnt.pooled_rows,
                    });
                }
                let seen = learnt.most_frequent.clone().map(|most_frequent| Seen::Level { most_frequent });
                let fill = if impute { learnt.most_frequent } else { None };
                Ok((Kind::Categorical { levels: learnt.levels, pooled: learnt.pooled, fill }, seen))
            }
        }
    }

    /// The numbers that are there, where a median or knots are to be learnt of them.
    fn present(&self, column: &Column) -> Vec<f64> {
        let bent = self.encoding.splines.iter().any(|(name, _)| *name == column.name);
        if !bent && self.encoding.missing != Missing::Impute {
            return Vec::new();
        }
        match &column.cells {
            Cells::Number(values) | Cells::Date(values) => {
                values.at(&self.rows).filter(|value| !value.is_nan()).collect()
            }
            _ => self.rows.iter().filter_map(|row| column.text(row)?.parse().ok()).collect(),
        }
    }

    fn curve(&self, column: &Column, name: &str, values: &mut [f64]) -> Result<Curve> {
        let knots = self.encoding.splines.iter().find(|(spline, _)| spline == name).map(|(_, knots)| *knots);
        let log = self.encoding.logs.iter().any(|log| log == name);
        match (knots, log) {
            (None, false) => Ok(Curve::Linear),
            (None, true) => Ok(Curve::Log),
            (Some(_), true) => Err(Error::Malformed {
                place: Place::file(self.table.path()).column(name),
                expected: "one of `--log` and `--spline`".to_string(),
                found: "both".to_string(),
                help: None,
            }),
            (Some(n), false) => {
                values.sort_unstable_by(f64::total_cmp);
                let mut knots: Vec<f64> = match values.is_empty() || n < 3 {
                    true => Vec::new(),
                    false => knot_quantiles(n).into_iter().map(|share| sample_quantile(values, share)).collect(),
                };
                knots.dedup();
                if knots.len() < n.max(3) {
                    return Err(Error::Malformed {
                        place: Place::file(self.table.path()).column(&column.name),
                        expected: "at least 3 knots at different quantiles".to_string(),
                        found: format!("{} for `--spline {name}:{n}`", knots.len()),
                        help: Some("ask for fewer knots, or leave the column straight".to_string()),
                    });
                }
                Ok(Curve::Spline { knots })
            }
        }
    }

    fn refuse_curve(&self, name: &str) -> Result<()> {
        let splines = self.encoding.splines.iter().map(|(spline, _)| spline);
        match splines.chain(&self.encoding.logs).find(|bent| *bent == name) {
            None => Ok(()),
            Some(_) => Err(Error::Malformed {
                place: Place::file(self.table.path()).column(name),
                expected: "numbers for `--log` and `--spline`".to_string(),
                found: "categories or dates".to_string(),
                help: None,
            }),
        }
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    match values.len() % 2 {
        1 => Some(values[middle]),
        _ => Some(values[middle - 1] + 0.5 * (values[middle] - values[middle - 1])),
    }
}
