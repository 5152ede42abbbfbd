//! What the numbers of compact features are like, from those that are not zero.

use super::{Feature, Rows, View};

/// Sums over the rows, for every design column of the compact features, in order.
struct Entries {
    weight: f64,
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Default)]
struct Column {
    /// Rows that have weight and are not zero.
    count: usize,
    sum: f64,
    squares: f64,
    lowest: f64,
    highest: f64,
}

impl Column {
    fn add(&mut self, x: f64, weight: f64) {
        if self.count == 0 {
            (self.lowest, self.highest) = (x, x);
        }
        self.count += 1;
        self.sum += weight * x;
        self.squares += weight * x * x;
        (self.lowest, self.highest) = (self.lowest.min(x), self.highest.max(x));
    }

    fn merge(&mut self, other: &Column) {
        if self.count == 0 || other.count == 0 {
            if other.count > 0 {
                *self = *other;
            }
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
        (self.lowest, self.highest) = (self.lowest.min(other.lowest), self.highest.max(other.highest));
    }

    /// The standard deviation (the root mean square where columns are not to be centred), 0 where all of `rows` rows have
    /// the same number, and the largest size.
    fn spread(&self, rows: usize, weight: f64, centred: bool) -> (f64, f64) {
        let (lowest, highest) = match self.count < rows {
            true => (self.lowest.min(0.0), self.highest.max(0.0)),
            false => (self.lowest, self.highest),
        };
        let mean = if centred { self.sum / weight } else { 0.0 };
        let constant = lowest == highest && (centred || lowest == 0.0);
        let scale = if constant { 0.0 } else { (self.squares / weight - mean * mean).max(0.0).sqrt() };
        (scale, lowest.abs().max(highest.abs()))
    }
}

/// Scale and largest size of every design column of compact features.
pub(super) fn spreads(rows: &Rows<'_>, centred: bool) -> Vec<(f64, f64)> {
    let dataset = rows.dataset();
    let compact: Vec<&Feature> = dataset.features.iter().filter(|feature| feature.is_compact()).collect();
    let width: usize = compact.iter().map(|feature| feature.n_columns()).sum();
    let compact: Vec<(View<'_>, usize)> = compact.iter().map(|feature| (feature.view(), feature.n_columns())).collect();
    let weights = dataset.weight();
    let weight = |row: usize| weights.map_or(1.0, |weight| weight[row]);
    let of_chunk = |range| {
        rows.passed(&range);
        let mut all = Entries { weight: 0.0, columns: vec![Column::default(); width] };
        let mut counted = 0;
        for (row, weight) in rows.slice(range).indices().map(|row| (row, weight(row))).filter(|(_, s)| *s > 0.0) {
            counted += 1;
            all.weight += weight;
            let mut first = 0;
            for (view, n_columns) in &compact {
                view.each_entry(row, |column, x| {
                    if x != 0.0 {
                        all.columns[first + column].add(x, weight);
                    }
                });
                first += n_columns;
            }
        }
        (all, counted)
    };
    let mut parts = rows.chunks(4 * width, of_chunk).into_iter();
    let Some((mut all, mut counted)) = parts.next() else { return Vec::new() };
    for (part, rows) in parts {
        counted += rows;
        all.weight += part.weight;
        all.columns.iter_mut().zip(&part.columns).for_each(|(column, other)| column.merge(other));
    }
    all.columns.iter().map(|column| column.spread(counted, all.weight, centred)).collect()
}
