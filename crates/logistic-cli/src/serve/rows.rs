//! Rows as JSON, scored while they are read: what is read is never held, however many rows there are.

use std::fmt;

use logistic::Error;
use logistic::encode::{Encoder, Kind};
use logistic::error::Place;
use logistic::table::{Cell, ReadOptions};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::answer::Answer;
use super::refusal::Refusal;

/// What the rows are called in errors.
const ROWS: &str = "rows";
/// So many names of columns that the model does not know are kept, for a word of advice.
const MOST_NAMES: usize = 12;

/// Scores the rows of a body, `{"rows": [{"age": 42, …}, …]}`. A key that a row does not have is a missing cell; one that
/// no row has is an unknown column.
///
/// # Errors
/// A refusal that names the row, from 1, and the column.
pub(super) fn score(body: &[u8], answer: &mut Answer<'_>) -> Result<(), Refusal> {
    let columns = answer.scorer().columns();
    let encoder = &answer.scorer().model().encoder;
    let slots: Vec<Slot> = columns.iter().map(|name| Slot::new(is_text(encoder, name))).collect();
    let mut reading = Reading {
        met: vec![false; columns.len()],
        slots,
        strangers: Vec::new(),
        options: ReadOptions::default(),
        n_rows: 0,
        refused: None,
        answer,
    };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Body(&mut reading).deserialize(&mut reader).and_then(|()| reader.end());
    match (reading.refused.take(), read) {
        (Some(refusal), _) => Err(refusal),
        (None, Err(error)) => Err(Refusal::malformed(format!("the body is not what it should be: {error}"))),
        (None, Ok(())) if reading.n_rows > 0 => reading.unmet().map_or(Ok(()), |error| Err(error.into())),
        (None, Ok(())) => Ok(()),
    }
}

/// Whether the cells of a column are words, even where they look like numbers.
fn is_text(encoder: &Encoder, name: &str) -> bool {
    let is = |kind: &Kind| matches!(kind, Kind::Categorical { .. });
    encoder.sources.iter().any(|source| source.name == name && source.part.is_none() && is(&source.kind))
}

struct Reading<'r, 's> {
    answer: &'r mut Answer<'s>,
    slots: Vec<Slot>,
    /// Whether any row so far had the column.
    met: Vec<bool>,
    /// Names that the model does not know.
    strangers: Vec<String>,
    options: ReadOptions,
    n_rows: u64,
    refused: Option<Refusal>,
}

/// A cell of the row that is read; its text is kept for the next.
struct Slot {
    text: String,
    holds: Holds,
    /// Whether a number is a word, as in a category of numbers.
    is_text: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Holds {
    /// The row does not have it so far.
    Nothing,
    Null,
    Number(f64),
    Text,
    /// What no cell can hold.
    Wrong(&'static str),
}

impl Slot {
    fn new(is_text: bool) -> Self {
        Slot { text: String::new(), holds: Holds::Nothing, is_text }
    }

    fn cell<'c>(&'c self, options: &ReadOptions) -> Cell<'c> {
        match self.holds {
            Holds::Nothing | Holds::Null | Holds::Wrong(_) => Cell::Missing,
            Holds::Number(value) => Cell::Number(value),
            Holds::Text => Cell::read(&self.text, options),
        }
    }
}

impl Reading<'_, '_> {
    fn place(&self) -> Place {
        Place::file(ROWS).line(self.n_rows)
    }

    fn column(&self, at: usize) -> &str {
        &self.answer.scorer().columns()[at]
    }

    /// A cell that cannot be one.
    fn wrong(&self, at: usize, expected: &str, found: &str) -> Refusal {
        let (expected, found) = (expected.to_string(), found.to_string());
        Error::Malformed { place: self.place().column(self.column(at)), expected, found, help: None }.into()
    }

    /// The row whose cells are in the slots.
    fn row(&mut self) -> Result<(), Refusal> {
        for (at, slot) in self.slots.iter().enumerate() {
            if let Holds::Wrong(found) = slot.holds {
                return Err(self.wrong(at, "a number, a text, true, false or null", found));
            }
            self.met[at] |= slot.holds != Holds::Nothing;
        }
        if self.n_rows == 1
            && let Some(error) = self.unmet().filter(|_| !self.strangers.is_empty())
        {
            // Of a row with other names only, a missing value would be half the truth.
            return Err(error.into());
        }
        let place = self.place();
        let cells: Vec<Cell<'_>> = self.slots.iter().map(|slot| slot.cell(&self.options)).collect();
        self.answer.row(&cells, &place)
    }

    /// The columns that no row had.
    fn unmet(&self) -> Option<Error> {
        let columns = self.answer.scorer().columns();
        let of =
            |met: bool| columns.iter().zip(&self.met).filter(move |own| *own.1 == met).map(|(name, _)| name.clone());
        let absent: Vec<String> = of(false).collect();
        let available: Vec<String> = of(true).chain(self.strangers.iter().cloned()).collect();
        match absent.as_slice() {
            [] => None,
            [name] => Some(Error::UnknownColumn { place: Place::file(ROWS).column(name), available }),
            _ => Some(Error::MissingColumns { place: Place::file(ROWS), columns: absent, available }),
        }
    }
}

struct Body<'a, 'r, 's>(&'a mut Reading<'r, 's>);

impl<'de> DeserializeSeed<'de> for Body<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `rows`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut met = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != ROWS || met {
                let found = if met { "a second key" } else { "another key" };
                return Err(A::Error::custom(format_args!("expected `rows` alone, found {found}")));
            }
            met = true;
            map.next_value_seed(Rows(&mut *self.0))?;
        }
        if met { Ok(()) } else { Err(A::Error::missing_field(ROWS)) }
    }
}

struct Rows<'a, 'r, 's>(&'a mut Reading<'r, 's>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

struct Row<'a, 'r, 's>(&'a mut Reading<'r, 's>);

impl<'de> DeserializeSeed<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row, an object of columns and their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        reading.n_rows += 1;
        reading.slots.iter_mut().for_each(|slot| slot.holds = Holds::Nothing);
        while let Some(known) = map.next_key_seed(Key(&mut *reading))? {
            let Some(at) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if reading.slots[at].holds != Holds::Nothing {
                reading.refused = Some(reading.wrong(at, "each key once", "it twice"));
                return Err(A::Error::custom("a key twice"));
            }
            map.next_value_seed(&mut reading.slots[at])?;
        }
        reading.row().map_err(|refusal| {
            reading.refused = Some(refusal);
            A::Error::custom("a row that is refused")
        })
    }
}

/// A column's name: its place among those of the model, where it is one of them.
struct Key<'a, 'r, 's>(&'a mut Reading<'r, 's>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let reading = self.0;
        let at = reading.answer.scorer().position(name);
        if at.is_none() && reading.strangers.len() < MOST_NAMES && !reading.strangers.iter().any(|own| own == name) {
            reading.strangers.push(name.to_string());
        }
        Ok(at)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Slot {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Slot {
    /// A number, or its digits where it is a word.
    fn number(&mut self, value: f64, digits: impl fmt::Display) {
        self.holds = Holds::Number(value);
        if self.is_text {
            self.word(format_args!("{digits}"));
        }
    }

    fn word(&mut self, word: fmt::Arguments<'_>) {
        self.text.clear();
        // Writing to memory does not fail.
        let _ = fmt::Write::write_fmt(&mut self.text, word);
        self.holds = Holds::Text;
    }
}

impl<'de> Visitor<'de> for &mut Slot {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true, false or null")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.word(format_args!("{truth}"));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.number(value as f64, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value as f64, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.holds = Holds::Number(value);
        if let Some(digits) = serde_json::Number::from_f64(value).filter(|_| self.is_text) {
            // As a file of JSON lines has it.
            self.word(format_args!("{digits}"));
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.word(format_args!("{text}"));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.holds = Holds::Null;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        self.holds = Holds::Wrong("an array");
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        self.holds = Holds::Wrong("an object");
        while all.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
