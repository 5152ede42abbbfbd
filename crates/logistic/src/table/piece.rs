//! Columns while they are read: the cells of one block, then blocks joined and typed as whole columns.

use std::collections::HashMap;

use super::gathering::Gathering;
use super::options::{ReadOptions, Want};
use super::{Cells, Chunks, Column, Oddities, cell, date};
use crate::error::{Error, Place, Result};
use crate::numbers::Store;

/// A cell that was met in a row of the piece.
pub(super) type Met = Option<(usize, String)>;

/// Words by code, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) codes: Vec<u32>,
    levels: Vec<String>,
    /// The row in which each level was first met.
    first_rows: Vec<usize>,
    by_word: HashMap<String, u32>,
}

impl Words {
    pub(super) fn push(&mut self, word: &str) {
        let code = match self.by_word.get(word) {
            Some(&code) => code,
            None => {
                let code = self.levels.len() as u32;
                self.levels.push(word.to_string());
                self.first_rows.push(self.codes.len());
                self.by_word.insert(word.to_string(), code);
                code
            }
        };
        self.codes.push(code);
    }

    pub(super) fn push_missing(&mut self) {
        self.codes.push(Cells::MISSING);
    }
}

/// Numbers, NaN where missing, and the first of those that are more than f64 can hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    pub(super) large: Met,
    pub(super) overflow: Met,
}

/// The cells of a column in one block.
#[derive(Clone, Debug)]
pub(super) enum PieceCells {
    Skip,
    Number(Numbers),
    #[cfg(feature = "arrow")]
    Date(Vec<f64>),
    Sparse {
        rows: Vec<u32>,
        values: Vec<f64>,
    },
    Text(Words),
    /// A word was met where numbers stood: the block must be read again for this column, as text.
    Mixed,
}

impl PieceCells {
    pub(super) fn new(want: Want, rows: usize) -> Self {
        match want {
            Want::Skip => PieceCells::Skip,
            Want::Infer => PieceCells::Number(Numbers { values: Vec::with_capacity(rows), ..Numbers::default() }),
            Want::Text => PieceCells::Text(Words::default()),
        }
    }

    /// Takes a cell of text.
    pub(super) fn push(&mut self, text: &str, options: &ReadOptions) {
        let text = text.trim_ascii();
        match self {
            PieceCells::Text(words) if options.is_missing(text) => words.push_missing(),
            PieceCells::Text(words) => words.push(text),
            PieceCells::Number(numbers) if options.is_missing(text) => numbers.values.push(f64::NAN),
            PieceCells::Number(numbers) => match cell::number(text, options.decimal_comma) {
                Some(value) => {
                    let met = || Some((numbers.values.len(), text.to_string()));
                    if value.is_infinite() && numbers.overflow.is_none() {
                        numbers.overflow = met();
                    } else if cell::is_large(text, value) && numbers.large.is_none() {
                        numbers.large = met();
                    }
                    numbers.values.push(value);
                }
                None => *self = PieceCells::Mixed,
            },
            _ => {}
        }
    }

    pub(super) fn push_missing(&mut self) {
        match self {
            PieceCells::Text(words) => words.push_missing(),
            PieceCells::Number(numbers) => numbers.values.push(f64::NAN),
            _ => {}
        }
    }

    /// The number of cells; 0 of a column that is not read.
    #[cfg(feature = "arrow")]
    pub(super) fn len(&self) -> usize {
        match self {
            PieceCells::Number(numbers) => numbers.values.len(),
            PieceCells::Date(days) => days.len(),
            PieceCells::Text(words) => words.codes.len(),
            PieceCells::Sparse { .. } | PieceCells::Skip | PieceCells::Mixed => 0,
        }
    }

    /// Whether these cells are numbers of which at least one is there.
    pub(super) fn has_numbers(&self) -> bool {
        matches!(self, PieceCells::Number(numbers) if numbers.values.iter().any(|value| !value.is_nan()))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self, PieceCells::Text(_))
    }
}

/// The rows of one block.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub(super) names: Vec<String>,
    pub(super) cells: Vec<PieceCells>,
    pub(super) n_rows: usize,
    /// Where the lines stop following each other: a row, and its line.
    pub(super) lines: Vec<(usize, u64)>,
    /// Where the record of every row stands in the block, where that was asked for.
    pub(super) records: Vec<std::ops::Range<usize>>,
}

impl Piece {
    /// Notes that the next row stands in this line.
    pub(super) fn at_line(&mut self, line: u64) {
        let follows = self.lines.last().is_some_and(|(row, first)| first + (self.n_rows - row) as u64 == line);
        if !follows {
            self.lines.push((self.n_rows, line));
        }
    }
}

/// The cells of a column of which more are to come.
enum Growing {
    Number(Gathering<f64>),
    Date(Gathering<f64>),
    Sparse { rows: Vec<u32>, values: Vec<f64> },
    Text { codes: Gathering<u32>, levels: Vec<String> },
}

/// A column of the whole table, while pieces are joined.
pub(super) struct Joining {
    pub(super) name: String,
    store: Store,
    cells: Option<Growing>,
    by_word: HashMap<String, u32>,
    counts: Vec<usize>,
    first_rows: Vec<usize>,
    large: Met,
    overflow: Met,
    n_rows: usize,
    /// Whether every cell so far is missing.
    empty: bool,
    /// Whether pieces of numbers came, and pieces of text.
    pub(super) met: (bool, bool),
}

impl Joining {
    pub(super) fn new(name: String, store: &Store) -> Self {
        Joining {
            name,
            store: store.clone(),
            cells: None,
            by_word: HashMap::new(),
            counts: Vec::new(),
            first_rows: Vec::new(),
            large: None,
            overflow: None,
            n_rows: 0,
            empty: true,
            met: (false, false),
        }
    }

    /// Joins the next piece, or `rows` missing cells where a piece does not have this column.
    pub(super) fn join(&mut self, piece: Option<PieceCells>, rows: usize) -> Result<()> {
        self.met.0 |= piece.as_ref().is_some_and(PieceCells::has_numbers);
        self.met.1 |= piece.as_ref().is_some_and(PieceCells::is_text);
        let moved = |met: Met, before: usize| met.map(|(row, text)| (before + row, text));
        match piece {
            Some(PieceCells::Number(numbers)) => {
                self.overflow = self.overflow.take().or(moved(numbers.overflow, self.n_rows));
                self.large = self.large.take().or(moved(numbers.large, self.n_rows));
                self.join_numbers(numbers.values, false)?;
            }
            #[cfg(feature = "arrow")]
            Some(PieceCells::Date(days)) => self.join_numbers(days, true)?,
            Some(PieceCells::Text(words)) => self.join_words(words)?,
            Some(PieceCells::Sparse { rows, values }) => self.join_sparse(&rows, values),
            Some(PieceCells::Skip | PieceCells::Mixed) | None => self.join_missing(rows)?,
        }
        self.n_rows += rows;
        Ok(())
    }

    /// The number of rows so far.
    #[cfg(feature = "arrow")]
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn join_missing(&mut self, rows: usize) -> Result<()> {
        for start in (0..rows).step_by(PIECE) {
            let rows = PIECE.min(rows - start);
            match &mut self.cells {
                // A number that a sparse row does not name is zero.
                Some(Growing::Sparse { .. }) => {}
                Some(Growing::Text { codes, .. }) => codes.push(vec![Cells::MISSING; rows])?,
                _ => self.join_numbers(vec![f64::NAN; rows], false)?,
            }
        }
        Ok(())
    }

    fn join_numbers(&mut self, values: Vec<f64>, date: bool) -> Result<()> {
        let (empty, missing) = (self.empty, values.iter().all(|value| value.is_nan()));
        self.empty &= missing;
        match &mut self.cells {
            Some(Growing::Number(own)) if !date => own.push(values),
            Some(Growing::Date(own)) if date || missing => own.push(values),
            None => {
                let mut own = Gathering::new(&self.store)?;
                own.push(values)?;
                self.cells = Some(if date { Growing::Date(own) } else { Growing::Number(own) });
                Ok(())
            }
            Some(Growing::Number(own)) if empty => {
                own.push(values)?;
                if let Some(Growing::Number(own)) = self.cells.take() {
                    self.cells = Some(Growing::Date(own));
                }
                Ok(())
            }
            // Kinds that do not agree meet as text.
            Some(_) => self.join_words(words(values.into_iter(), date)),
        }
    }

    fn join_sparse(&mut self, rows: &[u32], values: Vec<f64>) {
        let before = self.n_rows as u32;
        let moved = rows.iter().map(|row| row + before);
        match &mut self.cells {
            Some(Growing::Sparse { rows, values: own }) => {
                rows.extend(moved);
                own.extend(values);
            }
            _ => self.cells = Some(Growing::Sparse { rows: moved.collect(), values }),
        }
    }

    fn join_words(&mut self, words: Words) -> Result<()> {
        self.become_text()?;
        let Some(Growing::Text { codes, levels }) = &mut self.cells else { return Ok(()) };
        let mut global = Vec::with_capacity(words.levels.len());
        for (word, first_row) in words.levels.into_iter().zip(words.first_rows) {
            let next = levels.len() as u32;
            let code = *self.by_word.entry(word).or_insert_with_key(|word| {
                levels.push(word.clone());
                self.counts.push(0);
                self.first_rows.push(self.n_rows + first_row);
                next
            });
            global.push(code);
        }
        let mut own = words.codes;
        for code in &mut own {
            if let Some(&known) = global.get(*code as usize) {
                *code = known;
                self.counts[known as usize] += 1;
            }
        }
        codes.push(own)
    }

    fn become_text(&mut self) -> Result<()> {
        let earlier = match self.cells.take() {
            text @ Some(Growing::Text { .. }) => {
                self.cells = text;
                return Ok(());
            }
            earlier => earlier,
        };
        self.cells = Some(Growing::Text { codes: Gathering::new(&self.store)?, levels: Vec::new() });
        let (values, date) = match earlier {
            Some(Growing::Number(values)) => (values.finish(&self.store)?, false),
            Some(Growing::Date(days)) => (days.finish(&self.store)?, true),
            _ => (vec![f64::NAN; self.n_rows].into(), false),
        };
        // In pieces, as they came: a piece of words is held in memory.
        let n_rows = std::mem::take(&mut self.n_rows);
        let mut values = values.iter();
        while self.n_rows < n_rows {
            let rows = PIECE.min(n_rows - self.n_rows);
            self.join_words(words(values.by_ref().take(rows), date))?;
            self.n_rows += rows;
        }
        Ok(())
    }

    /// The typed column.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a number beyond f64, whose place `place` tells.
    pub(super) fn finish(
        self,
        want: Want,
        options: &ReadOptions,
        place: impl Fn(usize, &str) -> Place,
    ) -> Result<Column> {
        let Joining { name, store, cells, counts, first_rows, large, overflow, .. } = self;
        let oddities = Oddities { large, ..Oddities::default() };
        let cells = match cells {
            Some(Growing::Text { codes, levels }) => {
                let text = Typing { name, codes: codes.finish(&store)?, levels, store, oddities };
                return text.column(want, options, &counts, &first_rows);
            }
            _ if overflow.is_some() => {
                let (row, text) = overflow.unwrap_or_default();
                return Err(number_too_large(place(row, &name), &text));
            }
            Some(Growing::Number(values)) => Cells::Number(values.finish(&store)?),
            Some(Growing::Date(days)) => Cells::Date(days.finish(&store)?),
            Some(Growing::Sparse { rows, values }) => Cells::Sparse { rows, values },
            None => Cells::Number(Chunks::default()),
        };
        Ok(Column { name, cells, oddities })
    }
}

/// Rows in a piece, where there are no other pieces to go by.
const PIECE: usize = 1 << 16;

/// Numbers or days as words.
fn words(values: impl Iterator<Item = f64>, date: bool) -> Words {
    let mut words = Words::default();
    let text = |value: f64| if date { date::date_text(value) } else { cell::number_text(value) };
    for value in values {
        if value.is_nan() { words.push_missing() } else { words.push(&text(value)) }
    }
    words
}

/// A column of text, on its way to what it is.
struct Typing {
    name: String,
    codes: Chunks<u32>,
    levels: Vec<String>,
    store: Store,
    oddities: Oddities,
}

impl Typing {
    fn column(self, want: Want, options: &ReadOptions, counts: &[usize], first_rows: &[usize]) -> Result<Column> {
        let Typing { name, codes, levels, store, oddities } = self;
        if let Some(canonical) = one_spelling(&levels) {
            return Ok(Column { name, cells: renamed(&codes, &levels, &canonical, &store)?, oddities });
        }
        if want == Want::Text || levels.is_empty() {
            return Ok(Column { name, cells: Cells::Text { codes, levels }, oddities });
        }
        let days: Vec<Option<f64>> = levels.iter().map(|level| date::days(level)).collect();
        if days.iter().all(Option::is_some) {
            let of = |code: u32| days.get(code as usize).copied().flatten().unwrap_or(f64::NAN);
            let days = store.keep_values(codes.iter().map(of))?;
            return Ok(Column { name, cells: Cells::Date(Chunks::kept_values(days, &store)), oddities });
        }
        let oddities = of_words(&levels, counts, first_rows, &days, options);
        Ok(Column { name, cells: Cells::Text { codes, levels }, oddities })
    }
}

/// Booleans are `false` and `true` however they were written; `Yes` and `YES` in one column are one word.
fn one_spelling(levels: &[String]) -> Option<Vec<&'static str>> {
    if levels.is_empty() {
        return None;
    }
    let truths: Option<Vec<_>> = levels.iter().map(|level| cell::truth(level)).collect();
    let assents = || levels.iter().map(|level| cell::assent(level)).collect::<Option<Vec<_>>>();
    truths.or_else(|| if levels.len() > 2 { assents() } else { None })
}

/// The same cells, with every level under its canonical name.
fn renamed(codes: &Chunks<u32>, levels: &[String], canonical: &[&'static str], store: &Store) -> Result<Cells> {
    let mut names: Vec<String> = Vec::new();
    let mut of = Vec::with_capacity(levels.len());
    for name in canonical {
        let known = names.iter().position(|other| other == name);
        of.push(known.unwrap_or(names.len()) as u32);
        if known.is_none() {
            names.push((*name).to_string());
        }
    }
    let code = |code: u32| of.get(code as usize).copied().unwrap_or(Cells::MISSING);
    let moved = store.keep(codes.iter().map(|old| Ok(code(old))))?;
    Ok(Cells::Text { codes: Chunks::kept(moved, store), levels: names })
}

/// What is odd about a column that is not numbers or dates from end to end.
fn of_words(
    levels: &[String],
    counts: &[usize],
    first_rows: &[usize],
    days: &[Option<f64>],
    options: &ReadOptions,
) -> Oddities {
    let first = |odd: &dyn Fn(usize) -> bool| {
        let level = (0..levels.len()).filter(|&at| odd(at)).min_by_key(|&at| first_rows[at])?;
        Some((first_rows[level], levels[level].clone()))
    };
    let is_number: Vec<bool> =
        levels.iter().map(|level| cell::number(level, options.decimal_comma).is_some()).collect();
    let cells = |is: &dyn Fn(usize) -> bool| (0..levels.len()).filter(|&at| is(at)).map(|at| counts[at]).sum::<usize>();
    let total: usize = counts.iter().sum();
    let numbers = cells(&|at| is_number[at]);
    let dates = cells(&|at| days[at].is_some());
    let first_word = if numbers > 0 { first(&|at| !is_number[at]) } else { None };
    // Nine in ten are what the column means to be; the rest are slips.
    let (stray, mixed) = if numbers * 10 >= total * 9 { (first_word, None) } else { (None, first_word) };
    let no_date = if dates * 10 >= total * 9 {
        first(&|at| days[at].is_none())
    } else {
        first(&|at| days[at].is_none() && date::looks_like_date(&levels[at]))
    };
    Oddities { stray, mixed, no_date, large: None }
}

/// A number that f64 cannot hold.
fn number_too_large(place: Place, found: &str) -> Error {
    Error::Malformed {
        place,
        expected: "a number within ±1.8e308".to_string(),
        found: crate::error::quoted(found),
        help: None,
    }
}
