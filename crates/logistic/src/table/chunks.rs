//! A column's values as the pieces in which they were read.

use super::Selected;
use crate::numbers::{Numbers, Store, Values};

/// Values in pieces, in order. Pieces are joined by taking them over, never by copying their values: on a large file
/// the memory that a copy would touch for the first time costs more than the parsing.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    pieces: Vec<Piece<T>>,
    /// The first row of every piece, and behind them the number of rows.
    starts: Vec<usize>,
    store: Store,
}

#[derive(Clone, Debug)]
enum Piece<T> {
    Plain(Numbers<T>),
    /// In 32 bits, and what they are in full.
    Narrow(Numbers<f32>, fn(f32) -> T),
}

/// So many values are read at once before the store hears that they were.
const PART: usize = 1 << 14;

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { pieces: Vec::new(), starts: vec![0], store: Store::Memory }
    }
}

impl<T: Copy + PartialEq + Send + Sync + 'static> PartialEq for Chunks<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + Send + Sync + 'static> From<Vec<T>> for Chunks<T> {
    fn from(values: Vec<T>) -> Self {
        let mut chunks = Chunks::default();
        chunks.push(values);
        chunks
    }
}

impl<T: Copy> Piece<T> {
    fn len(&self) -> usize {
        match self {
            Piece::Plain(values) => values.len(),
            Piece::Narrow(values, _) => values.len(),
        }
    }

    fn get(&self, at: usize) -> Option<T> {
        match self {
            Piece::Plain(values) => values.get(at).copied(),
            Piece::Narrow(values, full) => values.get(at).map(|&value| full(value)),
        }
    }

    fn part(&self, start: usize) -> impl Iterator<Item = T> + '_ {
        let (plain, narrow) = match self {
            Piece::Plain(values) => (Some(&values[start..values.len().min(start + PART)]), None),
            Piece::Narrow(values, full) => (None, Some((&values[start..values.len().min(start + PART)], *full))),
        };
        let narrow = narrow.into_iter().flat_map(|(values, full)| values.iter().map(move |&value| full(value)));
        plain.into_iter().flatten().copied().chain(narrow)
    }
}

impl<T: Copy + Send + Sync + 'static> Chunks<T> {
    /// Values that are kept in `store`.
    pub(crate) fn kept(values: Numbers<T>, store: &Store) -> Self {
        Chunks { starts: vec![0, values.len()], pieces: vec![Piece::Plain(values)], store: store.clone() }
    }

    /// Appends a piece.
    pub fn push(&mut self, values: Vec<T>) {
        self.starts.push(self.len() + values.len());
        self.pieces.push(Piece::Plain(values.into()));
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a row.
    pub fn get(&self, row: usize) -> Option<T> {
        // The last piece that starts at or before the row; empty pieces share their start with the next.
        let piece = self.starts.partition_point(|&start| start <= row).checked_sub(1)?;
        self.pieces.get(piece)?.get(row - self.starts[piece])
    }

    /// The values, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        let parts = |piece: &'_ Piece<T>| (0..piece.len()).step_by(PART);
        let of_piece = move |piece| {
            parts(piece).flat_map(move |start| {
                self.store.passed(PART * size_of::<T>());
                Piece::part(piece, start)
            })
        };
        self.pieces.iter().flat_map(of_piece)
    }

    /// The values of selected rows, each of which must exist.
    pub(crate) fn at<'a>(&'a self, rows: &'a Selected) -> Box<dyn Iterator<Item = T> + 'a> {
        let Selected::Listed(rows) = rows else { return Box::new(self.iter()) };
        let mut piece = 0;
        Box::new(rows.iter().filter_map(move |&row| {
            while self.starts[piece + 1] <= row {
                piece += 1;
            }
            self.pieces[piece].get(row - self.starts[piece])
        }))
    }
}

impl Chunks<f64> {
    /// Numbers that are kept in `store`.
    pub(crate) fn kept_values(values: Values, store: &Store) -> Self {
        match values {
            Values::F64(values) => Chunks::kept(values, store),
            Values::F32(values) => Chunks {
                starts: vec![0, values.len()],
                pieces: vec![Piece::Narrow(values, f64::from)],
                store: store.clone(),
            },
        }
    }

    /// All numbers as they are kept, where they stand in one piece.
    pub(crate) fn whole(&self) -> Option<Values> {
        match &self.pieces[..] {
            [Piece::Plain(values)] => Some(Values::F64(values.clone())),
            [Piece::Narrow(values, _)] => Some(Values::F32(values.clone())),
            _ => None,
        }
    }
}
