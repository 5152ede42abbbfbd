//! SQL: one expression over the columns' names, for a list after `SELECT`. Of two classes it is the probability of the
//! positive one; of more it is one expression for each class, each with its name.
//!
//! Whether a row is refused is asked first, so that no function meets what it would fail at, and every column is
//! converted where it stands. `1/(1 + exp(−z))` keeps the digits of every probability; z is held within ±700, where PostgreSQL
//! would fail at more, and no probability changes by more than 10⁻³⁰⁴.

use super::computation::{Category, Computation, Factor, Holds, Number, Term, Variable, words_of};
use super::document::Document;
use super::format::Dialect;
use crate::encode::{LARGEST, Part};

/// Summands between parentheses: SQLite takes expressions 1,000 deep.
const GROUP: usize = 64;

/// The text of the expression, its comments before it.
pub(super) fn write(document: &Document<'_, '_>, dialect: Dialect) -> String {
    let computation = document.computation;
    let writer = Writer { computation, dialect };
    let mut lines: Vec<String> = document.lines().iter().map(|line| format!("-- {line}")).collect();
    match computation.is_softmax() {
        false => lines.push(writer.guarded(&writer.positive())),
        true => {
            let named = computation.classes().iter().enumerate().map(|(k, class)| {
                let name = writer.name(&format!("probability[{class}]"));
                format!("{} AS {name}", writer.guarded(&writer.of_class(k)))
            });
            lines.push(named.collect::<Vec<_>>().join(",\n"));
        }
    }
    lines.join("\n") + "\n"
}

/// In PostgreSQL, numbers below this are taken for 0, so that a product of two is no smaller than a number can be.
const SMALLEST_FACTOR: f64 = 1e-140;
/// The same for what is raised to the third power.
const SMALLEST_ROOT: f64 = 1e-80;

struct Writer<'c, 'm> {
    computation: &'c Computation<'m>,
    dialect: Dialect,
}

/// A number as a literal that every dialect takes for a double, or for a decimal without loss.
fn literal(number: f64) -> String {
    if number < 0.0 { format!("({number:e})") } else { format!("{number:e}") }
}

fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A sum whose depth grows with the logarithm of its length.
fn joined(mut parts: Vec<String>, with: &str) -> String {
    while parts.len() > GROUP {
        parts = parts.chunks(GROUP).map(|group| format!("({})", group.join(with))).collect();
    }
    parts.join(with)
}

impl Writer<'_, '_> {
    /// A column's name. SQLite would take one between double quotes that does not exist for a string.
    fn name(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("`{}`", name.replace('`', "``")),
            Dialect::Duckdb | Dialect::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn column(&self, input: usize) -> String {
        self.name(self.computation.inputs[input].name)
    }

    fn real(&self, text: &str) -> String {
        let kind = match self.dialect {
            Dialect::Duckdb => "DOUBLE",
            Dialect::Sqlite => "REAL",
            Dialect::Postgres => "DOUBLE PRECISION",
        };
        format!("CAST({text} AS {kind})")
    }

    fn largest(&self, a: &str, b: &str) -> String {
        let function = if self.dialect == Dialect::Sqlite { "max" } else { "greatest" };
        format!("{function}({a}, {b})")
    }

    /// The probability where no column is refused.
    fn guarded(&self, probability: &str) -> String {
        let mut conditions: Vec<String> =
            self.computation.variables.iter().map(|variable| self.is_taken(variable)).collect();
        if let Some(offset) = self.computation.offset {
            conditions.push(self.is_number(offset, false));
        }
        match conditions.is_empty() {
            true => probability.to_string(),
            false => format!("CASE WHEN {} THEN\n{probability}\nEND", joined(conditions, "\n  AND ")),
        }
    }

    fn positive(&self) -> String {
        format!("1e0 / (1e0 + exp(-{}))", self.within(&self.sum(|own| own[0])))
    }

    /// The probability of one class of several, by the differences of the others' logits to its own.
    fn of_class(&self, k: usize) -> String {
        let others = (0..self.computation.classes().len()).filter(|other| *other != k);
        let others = others.map(|other| format!("exp({})", self.within(&self.sum(|own| own[other] - own[k]))));
        format!("1e0 / (1e0 + {})", others.collect::<Vec<_>>().join("\n + "))
    }

    fn within(&self, logit: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("max(-7e2, min(7e2, {logit}))"),
            Dialect::Duckdb | Dialect::Postgres => format!("greatest(-7e2, least(7e2, {logit}))"),
        }
    }

    /// A logit, or the difference of two: `of` takes the outputs' numbers to one.
    fn sum(&self, of: impl Fn(&[f64]) -> f64) -> String {
        let computation = self.computation;
        let mut parts = vec![self.real(&literal(of(&computation.intercepts)))];
        for term in &computation.terms {
            let at = |place: usize| of(&term.coefficients.iter().map(|own| own[place]).collect::<Vec<f64>>());
            let coefficients: Vec<f64> = (0..term.coefficients[0].len()).map(at).collect();
            if coefficients.iter().any(|coefficient| *coefficient != 0.0) {
                parts.push(self.term(term, &coefficients));
            }
        }
        parts.extend(computation.offset.map(|offset| self.number_at(offset)));
        joined(parts, "\n + ")
    }

    fn term(&self, term: &Term, coefficients: &[f64]) -> String {
        let level = |factor: &Factor| match *factor {
            Factor::Level(variable) => match &self.computation.variables[variable] {
                Variable::Category(category) => Some(category),
                Variable::Number(_) => None,
            },
            _ => None,
        };
        let levels: Vec<&Category> = term.factors.iter().filter_map(level).collect();
        let numbers: Vec<String> = term.factors.iter().filter_map(|factor| self.factor(*factor)).collect();
        let coefficient = self.chosen(&levels, coefficients);
        match numbers.as_slice() {
            [] => coefficient,
            [number] => format!("{coefficient} * {number}"),
            numbers => format!("{coefficient} * ({})", numbers.join(" * ")),
        }
    }

    /// The coefficient that levels choose.
    fn chosen(&self, levels: &[&Category], coefficients: &[f64]) -> String {
        let Some((first, others)) = levels.split_first() else { return literal(coefficients[0]) };
        let width = coefficients.len() / first.n_levels;
        let of: Vec<String> = coefficients.chunks(width).map(|own| self.chosen(others, own)).collect();
        let otherwise = first.unseen.map_or_else(|| literal(0.0), |level| of[level].clone());
        let text = match first.part {
            None => self.text(first.input),
            Some(part) => self.part(first.input, part),
        };
        let mut cases: Vec<String> = Vec::new();
        if let Some(level) = first.missing.filter(|level| of[*level] != otherwise) {
            cases.push(format!("WHEN {text} IS NULL THEN {}", of[level]));
        } else if first.missing.is_some() {
            cases.push(format!("WHEN {text} IS NULL THEN {otherwise}"));
        }
        for (level, own) in of.iter().enumerate().filter(|(_, own)| **own != otherwise) {
            let words = self.words(first, level);
            if !words.is_empty() {
                cases.push(format!("WHEN {text} IN ({}) THEN {own}", words.join(", ")));
            }
        }
        match cases.is_empty() {
            true => otherwise,
            false => format!("CASE {} ELSE {otherwise} END", cases.join(" ")),
        }
    }

    /// The literals that a level goes by.
    fn words(&self, category: &Category, level: usize) -> Vec<String> {
        match category.part {
            None => category.known.iter().filter(|(_, own)| *own == level).map(|(text, _)| word(text)).collect(),
            Some(part) => {
                let calendar = category.calendar(part).into_iter().enumerate();
                let first = usize::from(part != Part::Hour);
                calendar.filter(|(_, own)| *own == Some(level)).map(|(at, _)| (at + first).to_string()).collect()
            }
        }
    }

    /// A factor that is a number.
    fn factor(&self, factor: Factor) -> Option<String> {
        match factor {
            Factor::Level(_) => None,
            Factor::Missing(input) => {
                let missing = match self.computation.inputs[input].holds {
                    Holds::Text => self.text(input),
                    _ => self.present(input),
                };
                Some(format!("CASE WHEN {missing} IS NULL THEN 1e0 ELSE 0e0 END"))
            }
            Factor::Value(variable) | Factor::Bend(variable, _) => {
                let Variable::Number(number) = &self.computation.variables[variable] else { return None };
                let value = self.number(number);
                Some(match factor {
                    Factor::Bend(_, bend) => self.bend(number, bend, &value),
                    _ if number.log => format!("ln({value})"),
                    _ => self.clear_of_underflow(value),
                })
            }
        }
    }

    /// PostgreSQL fails where a product is too small for a number. What is taken for 0 here changes no product with another
    /// column by more than 10⁻⁷⁰.
    fn clear_of_underflow(&self, value: String) -> String {
        match self.dialect {
            Dialect::Postgres => {
                format!("CASE WHEN abs({value}) < {} THEN 0e0 ELSE {value} END", literal(SMALLEST_FACTOR))
            }
            _ => value,
        }
    }

    fn bend(&self, number: &Number, bend: usize, value: &str) -> String {
        let bend = &number.bends[bend];
        let cube = |knot: f64| {
            if self.dialect == Dialect::Postgres {
                let beyond = format!("({value} - {})", literal(knot));
                let smallest = literal(SMALLEST_ROOT);
                return format!("CASE WHEN {beyond} < {smallest} THEN 0e0 ELSE {beyond} * {beyond} * {beyond} END");
            }
            let beyond = self.largest(&format!("{value} - {}", literal(knot)), "0e0");
            format!("{beyond} * {beyond} * {beyond}")
        };
        let [a, b, c] = bend.knots.map(cube);
        let [before, last] = bend.ratios.map(literal);
        format!("(({a} - {b} * {before} + {c} * {last}) / {})", literal(bend.scale))
    }

    /// The number of a variable, filled.
    fn number(&self, number: &Number) -> String {
        match (number.year, number.fill) {
            (false, None) => self.number_at(number.input),
            (false, Some(fill)) => format!("COALESCE({}, {})", self.present(number.input), literal(fill)),
            (true, None) => self.real(&self.part(number.input, Part::Year)),
            (true, Some(fill)) => {
                format!("COALESCE({}, {})", self.real(&self.part(number.input, Part::Year)), literal(fill))
            }
        }
    }

    /// A column as a number; of dates, days since 1970-01-01.
    fn number_at(&self, input: usize) -> String {
        let column = self.column(input);
        match (self.computation.inputs[input].holds, self.dialect) {
            (Holds::Date, Dialect::Duckdb) => format!("(epoch(CAST({column} AS TIMESTAMP)) / 86400e0)"),
            (Holds::Date, Dialect::Postgres) => {
                format!("({} / 86400e0)", self.real(&format!("EXTRACT(EPOCH FROM CAST({column} AS TIMESTAMP))")))
            }
            (Holds::Date, Dialect::Sqlite) => {
                let of = |format: &str| self.real(&format!("strftime('{format}', {column})"));
                format!("(({} + {} - {}) / 86400e0)", of("%s"), of("%f"), of("%S"))
            }
            _ => self.real(&column),
        }
    }

    /// A column as a number, NULL where it is missing.
    fn present(&self, input: usize) -> String {
        let number = self.number_at(input);
        match (self.computation.inputs[input].holds, self.dialect) {
            (Holds::Date, _) | (_, Dialect::Sqlite) => number,
            _ => format!("NULLIF({number}, {})", self.real("'NaN'")),
        }
    }

    /// A column as text, NULL where it is missing.
    fn text(&self, input: usize) -> String {
        let kind = if self.dialect == Dialect::Duckdb { "VARCHAR" } else { "TEXT" };
        format!("NULLIF(CAST({} AS {kind}), '')", self.column(input))
    }

    /// A part of a date: the year, the month from 1, the day of the week from 1 for Monday, the hour.
    fn part(&self, input: usize, part: Part) -> String {
        let column = self.column(input);
        if self.dialect == Dialect::Sqlite {
            let of = |format: &str| format!("CAST(strftime('{format}', {column}) AS INTEGER)");
            return match part {
                Part::Year => of("%Y"),
                Part::Month => of("%m"),
                Part::Weekday => format!("({} + 6) % 7 + 1", of("%w")),
                Part::Hour => of("%H"),
            };
        }
        let field = match part {
            Part::Year => "YEAR",
            Part::Month => "MONTH",
            Part::Weekday => "ISODOW",
            Part::Hour => "HOUR",
        };
        format!("EXTRACT({field} FROM CAST({column} AS TIMESTAMP))")
    }

    /// Whether a variable takes the cell.
    fn is_taken(&self, variable: &Variable) -> String {
        match variable {
            Variable::Number(number) => {
                let taken = self.is_number(number.input, number.log);
                match number.fill {
                    None => taken,
                    Some(_) => format!("({} IS NULL OR {taken})", self.present(number.input)),
                }
            }
            Variable::Category(category) => {
                let text = match category.part {
                    None => self.text(category.input),
                    Some(part) => self.part(category.input, part),
                };
                let words = || -> Vec<String> {
                    match category.part {
                        None => category.known.iter().map(|(text, _)| word(text)).collect(),
                        Some(part) => (0..words_of(part).len()).flat_map(|level| self.words(category, level)).collect(),
                    }
                };
                let seen = || format!("{text} IN ({})", words().join(", "));
                match (category.unseen, category.missing) {
                    (Some(_), Some(_)) => "1 = 1".to_string(),
                    (Some(_), None) => format!("{text} IS NOT NULL"),
                    (None, None) => seen(),
                    (None, Some(_)) => format!("({text} IS NULL OR {})", seen()),
                }
            }
        }
    }

    /// Whether a column holds a number that the model takes.
    fn is_number(&self, input: usize, above_zero: bool) -> String {
        let number = self.number_at(input);
        let largest = literal(LARGEST);
        let within = match above_zero {
            true => format!("{number} > 0e0 AND {number} <= {largest}"),
            false => format!("abs({number}) <= {largest}"),
        };
        // SQLite makes a number of any text.
        match (self.dialect, self.computation.inputs[input].holds) {
            (Dialect::Sqlite, Holds::Date) => format!("typeof({}) = 'text' AND {within}", self.column(input)),
            (Dialect::Sqlite, _) => format!("typeof({}) IN ('integer', 'real') AND {within}", self.column(input)),
            _ if above_zero => format!("({within})"),
            _ => within,
        }
    }
}
