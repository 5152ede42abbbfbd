//! One row at a time, without a table: the cells of a row become the numbers that [`Encoder::features`] makes of a
//! table's, or are refused in the same words.

use super::curve::Curve;
use super::design::{AN_OFFSET, LARGEST, incomplete, no_date, no_logarithm, no_number, too_large};
use super::known::{Fate, Known};
use super::{Encoder, Kind, Missing, Part, Seen, Source};
use crate::error::{Error, Place, Result};
use crate::table::{Cell, date_parts};

/// What is odd about a cell of a row, though the row has a score or may have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The column, by its place among those that a row must have.
    pub column: usize,
    /// What is odd.
    pub oddity: Oddity,
}

/// What is odd about a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It is missing; the policy says what becomes of the row.
    Missing,
    /// Training has not seen its level, and the policy puts another in its place.
    UnseenLevel,
    /// Its number, or date, is below the smallest in training.
    BelowRange,
    /// Its number, or date, is above the largest in training.
    AboveRange,
}

/// A feature in one row: a [`Feature`](crate::dataset::Feature) of the same kind holds these numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Entry {
    Number(f64),
    Code(u32),
    Product(u32, f64),
}

/// A feature: what part of the logit it belongs to, and its place in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summand {
    pub(crate) part: usize,
    pub(crate) start: usize,
}

/// An encoder, prepared for single rows.
#[derive(Clone, Debug)]
pub(crate) struct RowEncoder {
    inputs: Vec<String>,
    /// The names of what contributes to the logit: the columns of the sources, then the products.
    parts: Vec<String>,
    sources: Vec<RowSource>,
    products: Vec<Factors>,
    features: Vec<Summand>,
    n_terms: usize,
    /// The input that is added to the logits.
    offset: Option<usize>,
    missing: Missing,
}

/// A source, prepared.
#[derive(Clone, Debug)]
struct RowSource {
    input: usize,
    name: String,
    shape: Shape,
    indicator: bool,
    /// The ends of the numbers in training.
    range: Option<(f64, f64)>,
    /// Its entries in a typical row.
    typical: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum Shape {
    Number {
        fill: Option<f64>,
        curve: Curve,
    },
    Days {
        fill: Option<f64>,
    },
    Year {
        fill: Option<f64>,
    },
    Word(Known<String>),
    /// The fate of every word of a part of a date.
    Part(Part, Known<String>, Vec<(String, Fate)>),
}

/// Two features that are multiplied, by their places, with the number of design columns of the second.
#[derive(Clone, Copy, Debug)]
struct Factors {
    left: usize,
    right: usize,
    inner: u32,
}

impl Factors {
    /// The product, as [`Feature::times`](crate::dataset::Feature::times) makes it.
    fn of(self, entries: &[Entry]) -> Entry {
        match (entries[self.left], entries[self.right]) {
            (Entry::Code(a), Entry::Code(b)) => {
                Entry::Code(if a == 0 || b == 0 { 0 } else { (a - 1) * self.inner + b })
            }
            (Entry::Code(code), Entry::Number(x)) | (Entry::Number(x), Entry::Code(code)) => Entry::Product(code, x),
            (Entry::Number(a), Entry::Number(b)) => Entry::Number(a * b),
            // No source is a product.
            (entry, _) => entry,
        }
    }
}

impl RowEncoder {
    pub(crate) fn new(encoder: &Encoder) -> Self {
        let mut inputs: Vec<String> = Vec::new();
        for name in encoder.sources.iter().map(|source| &source.name) {
            if !inputs.contains(name) {
                inputs.push(name.clone());
            }
        }
        let mut parts = inputs.clone();
        let at = |name: &String| inputs.iter().position(|input| input == name).unwrap_or(0);
        let sources: Vec<RowSource> =
            encoder.sources.iter().map(|source| RowSource::new(encoder, source, at(&source.name))).collect();
        let (mut features, mut own, mut n_terms) = (Vec::new(), vec![Vec::new(); inputs.len()], 0);
        for source in &sources {
            for _ in 0..source.n_features() {
                own[source.input].push((features.len(), source.width()));
                features.push(Summand { part: source.input, start: n_terms });
                n_terms += source.width();
            }
            if source.indicator {
                features.push(Summand { part: source.input, start: n_terms });
                n_terms += 1;
            }
        }
        let mut products = Vec::new();
        for (a, b) in &encoder.interactions {
            let of = |name: &String| inputs.iter().position(|input| input == name).map_or(&[][..], |at| &own[at][..]);
            for &(left, n_left) in of(a) {
                for &(right, inner) in of(b) {
                    products.push(Factors { left, right, inner: inner as u32 });
                    features.push(Summand { part: parts.len(), start: n_terms });
                    n_terms += n_left * inner;
                }
            }
            parts.push(format!("{a}:{b}"));
        }
        let offset = encoder.offset.as_ref().map(|name| {
            inputs.push(name.clone());
            inputs.len() - 1
        });
        RowEncoder { inputs, parts, sources, products, features, n_terms, offset, missing: encoder.missing }
    }

    /// The columns that a row must have, the offset last.
    pub(crate) fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// What contributes to the logit, the offset aside: columns, then products of two.
    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The features, in the order in which the logit adds them up.
    pub(crate) fn features(&self) -> &[Summand] {
        &self.features
    }

    /// The number of design columns.
    pub(crate) fn n_terms(&self) -> usize {
        self.n_terms
    }

    /// The offset's place among the inputs.
    pub(crate) fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// The entries of a typical row: numbers at their mean, categories at their most frequent level; 0, or the reference
    /// level, where the model does not know them.
    pub(crate) fn typical(&self) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(self.features.len());
        for source in &self.sources {
            entries.extend_from_slice(&source.typical);
            if source.indicator {
                entries.push(Entry::Number(0.0));
            }
        }
        self.multiply(&mut entries);
        entries
    }

    fn multiply(&self, entries: &mut Vec<Entry>) {
        for factors in &self.products {
            let product = factors.of(entries);
            entries.push(product);
        }
    }

    /// Puts a row's features into `entries`, what is odd about its cells into `flags`, and gives its offset; none where
    /// the missing-value policy leaves the row out.
    ///
    /// # Errors
    /// Those of [`Encoder::features`], with the column in their places.
    pub(crate) fn encode(
        &self,
        cells: &[Cell<'_>],
        entries: &mut Vec<Entry>,
        flags: &mut Vec<Flag>,
    ) -> Result<Option<f64>> {
        entries.clear();
        flags.clear();
        if cells.len() != self.inputs.len() {
            let what = "cells of a row".to_string();
            return Err(Error::Shape { what, expected: self.inputs.len(), found: cells.len() });
        }
        let features = self.offset.unwrap_or(self.inputs.len());
        let missing = (0..features).filter(|&column| cells[column].is_missing());
        flags.extend(missing.map(|column| Flag { column, oddity: Oddity::Missing }));
        match (flags.first(), self.missing) {
            (Some(first), Missing::Error) => {
                let place = Place::default().column(&self.inputs[first.column]);
                return Err(Error::MissingValue { place, cells: flags.len() });
            }
            (Some(_), Missing::Drop) => return Ok(None),
            _ => {}
        }
        for source in &self.sources {
            let cell = cells[source.input];
            source.encode(cell, entries, flags)?;
            if source.indicator {
                entries.push(Entry::Number(f64::from(cell.is_missing())));
            }
        }
        self.multiply(entries);
        self.offset.map_or(Ok(Some(0.0)), |at| added(&self.inputs[at], cells[at]).map(Some))
    }
}

/// The number of a cell that is added to the logits.
fn added(name: &str, cell: Cell<'_>) -> Result<f64> {
    let place = || Place::default().column(name);
    if cell.is_missing() {
        return Err(incomplete(place(), AN_OFFSET.0, AN_OFFSET.1));
    }
    within(cell.number().ok_or_else(|| no_number(place(), "a number", &cell.text().unwrap_or_default()))?, place)
}

fn within(value: f64, place: impl Fn() -> Place) -> Result<f64> {
    if value.abs() > LARGEST { Err(too_large(place(), value)) } else { Ok(value) }
}

impl RowSource {
    fn new(encoder: &Encoder, source: &Source, input: usize) -> Self {
        let shape = match &source.kind {
            Kind::Numeric { fill, .. } if source.part.is_some() => Shape::Year { fill: *fill },
            Kind::Numeric { fill, curve } => Shape::Number { fill: *fill, curve: curve.clone() },
            Kind::Date { fill } => Shape::Days { fill: *fill },
            Kind::Categorical { levels, pooled, fill } => {
                let known = Known::new(levels, pooled, fill.as_deref(), encoder.unseen).owned();
                match source.part {
                    None => Shape::Word(known),
                    Some(part) => {
                        let fates = part.words().into_iter().map(|word| {
                            let fate = known.fate(&word);
                            (word, fate)
                        });
                        let fates = fates.collect();
                        Shape::Part(part, known, fates)
                    }
                }
            }
        };
        let range = match &source.seen {
            Some(Seen::Numbers { low, high, .. }) => Some((*low, *high)),
            _ => None,
        };
        let (name, indicator) = (source.name.clone(), source.indicator);
        let mut own = RowSource { input, name, shape, indicator, range, typical: Vec::new() };
        own.typical = own.typical_of(source.seen.as_ref());
        own
    }

    fn typical_of(&self, seen: Option<&Seen>) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(self.n_features());
        match (&self.shape, seen) {
            (Shape::Word(known) | Shape::Part(_, known, _), Some(Seen::Level { most_frequent })) => {
                let code = match known.fate(most_frequent) {
                    Fate::Code(code) => code,
                    Fate::Replaced(_) | Fate::Refused => 0,
                };
                entries.push(Entry::Code(code));
            }
            (Shape::Word(_) | Shape::Part(..), _) => entries.push(Entry::Code(0)),
            (Shape::Number { curve, .. }, Some(Seen::Numbers { mean, .. })) if *mean > 0.0 || *curve != Curve::Log => {
                curve.each(*mean, |x| entries.push(Entry::Number(x)));
            }
            (Shape::Number { .. }, _) => entries.resize(self.n_features(), Entry::Number(0.0)),
            (_, Some(Seen::Numbers { mean, .. })) => entries.push(Entry::Number(*mean)),
            _ => entries.push(Entry::Number(0.0)),
        }
        entries
    }

    fn n_features(&self) -> usize {
        match &self.shape {
            Shape::Number { curve, .. } => curve.n_columns(),
            _ => 1,
        }
    }

    /// The number of design columns of each feature.
    fn width(&self) -> usize {
        match &self.shape {
            Shape::Word(known) | Shape::Part(_, known, _) => known.n_levels().saturating_sub(1),
            _ => 1,
        }
    }

    fn place(&self) -> Place {
        Place::default().column(&self.name)
    }

    fn missing(&self) -> Error {
        Error::MissingValue { place: self.place(), cells: 1 }
    }

    fn encode(&self, cell: Cell<'_>, entries: &mut Vec<Entry>, flags: &mut Vec<Flag>) -> Result<()> {
        match &self.shape {
            Shape::Number { fill, curve } => {
                let value = self.number(cell, *fill, flags)?;
                if *curve == Curve::Log && value <= 0.0 {
                    return Err(no_logarithm(self.place(), value));
                }
                curve.each(value, |x| entries.push(Entry::Number(x)));
            }
            Shape::Days { fill } => {
                let days = self.days(cell)?;
                entries.push(Entry::Number(self.filled(days, *fill, flags)?));
            }
            Shape::Year { fill } => {
                let year = self.days(cell)?.and_then(date_parts).map(|parts| f64::from(parts.year));
                entries.push(Entry::Number(self.filled(year, *fill, flags)?));
            }
            Shape::Word(known) => entries.push(Entry::Code(self.word(cell, known, flags)?)),
            Shape::Part(part, known, fates) => {
                let at = self.days(cell)?.and_then(date_parts).map(|parts| part.of(parts));
                let met = at.and_then(|at| fates.get(at as usize));
                let fate = met.map(|(word, fate)| (word.as_str(), *fate));
                entries.push(Entry::Code(self.level(fate, known, flags)?));
            }
        }
        Ok(())
    }

    fn number(&self, cell: Cell<'_>, fill: Option<f64>, flags: &mut Vec<Flag>) -> Result<f64> {
        let value = match cell.number() {
            Some(value) => Some(value).filter(|value| !value.is_nan()),
            None if cell.is_missing() => None,
            None => return Err(no_number(self.place(), "a number", &cell.text().unwrap_or_default())),
        };
        self.filled(value, fill, flags)
    }

    /// The days of a date; none where it is missing.
    fn days(&self, cell: Cell<'_>) -> Result<Option<f64>> {
        match cell.days() {
            _ if cell.is_missing() => Ok(None),
            Some(days) => Ok(Some(days)),
            None => Err(no_date(self.place(), &cell.text().unwrap_or_default())),
        }
    }

    fn filled(&self, value: Option<f64>, fill: Option<f64>, flags: &mut Vec<Flag>) -> Result<f64> {
        let Some(value) = value else { return within(fill.ok_or_else(|| self.missing())?, || self.place()) };
        if let Some((low, high)) = self.range {
            let oddity =
                if value < low { Some(Oddity::BelowRange) } else { (value > high).then_some(Oddity::AboveRange) };
            flags.extend(oddity.map(|oddity| Flag { column: self.input, oddity }));
        }
        within(value, || self.place())
    }

    fn word(&self, cell: Cell<'_>, known: &Known<String>, flags: &mut Vec<Flag>) -> Result<u32> {
        let text = cell.text();
        self.level(text.as_deref().map(|word| (word, known.fate(word))), known, flags)
    }

    fn level(&self, fate: Option<(&str, Fate)>, known: &Known<String>, flags: &mut Vec<Flag>) -> Result<u32> {
        match fate {
            None => known.fill.ok_or_else(|| self.missing()),
            Some((_, Fate::Code(code))) => Ok(code),
            Some((_, Fate::Replaced(code))) => {
                flags.push(Flag { column: self.input, oddity: Oddity::UnseenLevel });
                Ok(code)
            }
            Some((word, Fate::Refused)) => Err(known.unseen_level(self.place(), word)),
        }
    }
}
