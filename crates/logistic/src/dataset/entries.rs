//! What the numbers of compact features are like, from those that are not zero.

use super::{Feature, Rows, View};

/// Sums over some rows, for every design column of the compact features, in order.
#[derive(Clone)]
pub(super) struct Entries {
    pub(super) weight: f64,
    /// The rows that have weight.
    pub(super) counted: usize,
    pub(super) columns: Vec<Column>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Column {
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

impl Entries {
    pub(super) fn none(width: usize) -> Self {
        Entries { weight: 0.0, counted: 0, columns: vec![Column::default(); width] }
    }

    pub(super) fn of(rows: &Rows<'_>) -> Self {
        let dataset = rows.dataset();
        let compact = || dataset.features.iter().filter(|feature| feature.is_compact());
        let width: usize = compact().map(Feature::n_columns).sum();
        let views: Vec<(View<'_>, usize)> = compact().map(|feature| (feature.view(), feature.n_columns())).collect();
        let weights = dataset.weight();
        let of_chunk = |range| {
            rows.passed(&range);
            let mut all = Entries::none(width);
            for row in rows.slice(range).indices() {
                let weight = weights.map_or(1.0, |weight| weight[row]);
                if weight > 0.0 {
                    all.take(&views, row, weight);
                }
            }
            all
        };
        let mut parts = if width == 0 { Vec::new() } else { rows.chunks(4 * width, of_chunk) }.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Entries::none(width));
        parts.for_each(|part| all.merge(&part));
        all
    }

    fn take(&mut self, views: &[(View<'_>, usize)], row: usize, weight: f64) {
        self.counted += 1;
        self.weight += weight;
        let mut first = 0;
        for (view, n_columns) in views {
            view.each_entry(row, |column, x| {
                if x != 0.0 {
                    self.columns[first + column].add(x, weight);
                }
            });
            first += n_columns;
        }
    }

    pub(super) fn merge(&mut self, other: &Entries) {
        self.counted += other.counted;
        self.weight += other.weight;
        self.columns.iter_mut().zip(&other.columns).for_each(|(column, other)| column.merge(other));
    }

    /// Scale and largest size of every design column.
    pub(super) fn spreads(&self, centred: bool) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.columns.iter().map(move |column| column.spread(self.counted, self.weight, centred))
    }
}

impl Column {
    /// As numbers that go over a wire.
    pub(super) fn numbers(&self) -> [f64; 5] {
        [self.count as f64, self.sum, self.squares, self.lowest, self.highest]
    }

    pub(super) fn of_numbers(numbers: [f64; 5]) -> Self {
        let [count, sum, squares, lowest, highest] = numbers;
        Column { count: count as usize, sum, squares, lowest, highest }
    }
}
