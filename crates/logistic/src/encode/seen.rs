//! What training has seen in a column: its range, and what a typical row has there.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::table::{Cells, Chunks, Column, Selected};

/// What training has seen in a column, missing cells aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Of numbers, of dates as days since 1970-01-01.
    Numbers {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
        /// The mean of the rows, whatever they weigh.
        mean: f64,
    },
    /// Of a category.
    Level {
        /// The most frequent level; `(other)` where that was pooled.
        most_frequent: String,
    },
}

impl Seen {
    /// Whether a column of this kind can have been like that.
    pub(super) fn fits(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Seen::Numbers { low, high, mean }, Kind::Numeric { .. } | Kind::Date { .. }) => {
                low <= mean && mean <= high
            }
            (Seen::Level { most_frequent }, Kind::Categorical { levels, .. }) => levels.contains(most_frequent),
            _ => false,
        }
    }
}

/// The ends and the sum of some numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    low: f64,
    high: f64,
    sum: f64,
    n: usize,
}

impl Spread {
    const NONE: Spread = Spread { low: f64::INFINITY, high: f64::NEG_INFINITY, sum: 0.0, n: 0 };

    fn add(&mut self, value: f64) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        self.sum += value;
        self.n += 1;
    }

    pub(super) fn seen(self) -> Option<Seen> {
        // Rounding may have left the mean of equal numbers a little beside them.
        let mean = (self.sum / self.n as f64).clamp(self.low.min(self.high), self.high);
        (self.n > 0 && mean.is_finite()).then_some(Seen::Numbers { low: self.low, high: self.high, mean })
    }
}

/// What one pass over a column tells: the rows whose cells are missing, and the spread of the numbers in those of its
/// rows that teach.
pub(super) struct Look {
    pub(super) missing: Vec<usize>,
    pub(super) spread: Spread,
}

impl Look {
    pub(super) fn at(column: &Column, rows: &Selected) -> Self {
        match &column.cells {
            Cells::Number(values) | Cells::Date(values) => Look::at_numbers(values, rows),
            Cells::Sparse { rows: own, values } => Look::at_sparse(own, values, rows),
            Cells::Text { .. } => Look { missing: column.missing_rows(), spread: Spread::NONE },
        }
    }

    fn at_numbers(values: &Chunks<f64>, rows: &Selected) -> Self {
        let (mut missing, mut spread) = (Vec::new(), Spread::NONE);
        let listed = match rows {
            Selected::All(_) => None,
            Selected::Listed(rows) => Some(rows),
        };
        let mut next = 0;
        for (row, value) in values.iter().enumerate() {
            let teaches = listed.is_none_or(|rows| rows.get(next) == Some(&row));
            next += usize::from(teaches);
            if value.is_nan() {
                missing.push(row);
            } else if teaches {
                spread.add(value);
            }
        }
        Look { missing, spread }
    }

    /// Every row that is not named is zero, which adds nothing to a sum.
    fn at_sparse(own: &[u32], values: &[f64], rows: &Selected) -> Self {
        let mut spread = Spread::NONE;
        let known = own.iter().zip(values).filter(|(row, _)| rows.position(**row as usize).is_some());
        known.for_each(|(_, value)| spread.add(*value));
        if spread.n < rows.len() {
            spread = Spread { low: spread.low.min(0.0), high: spread.high.max(0.0), n: rows.len(), ..spread };
        }
        Look { missing: Vec::new(), spread }
    }
}
