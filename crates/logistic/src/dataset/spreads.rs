//! The centre and spread of every column, over some rows: sums that can be merged.

use super::entries::{Column, Entries};
use super::moments::Moments;
use super::{Dataset, Rows, Standardisation};

/// What is known of the columns over some rows: moments of those that are packed, sums over entries of compact ones.
pub(crate) struct Spreads {
    dense: Moments,
    compact: Entries,
}

/// The design columns that are compact, and the others.
fn kinds(dataset: &Dataset) -> (Vec<usize>, Vec<usize>) {
    (0..dataset.n_columns()).partition(|&column| dataset.features[dataset.layout[column].0].is_compact())
}

impl Spreads {
    /// Over `rows`, of differences from `origin` (n_columns).
    pub(crate) fn of(rows: &Rows<'_>, origin: &[f64], centred: bool) -> Self {
        let (_, dense) = kinds(rows.dataset());
        let none = Standardisation::none(rows.dataset().n_columns());
        let shift = Standardisation { centre: origin.to_vec(), ..none }.subset(&dense);
        let parts = rows.chunks(dense.len(), |range| Moments::of(&rows.slice(range), &shift, centred));
        let mut all = Moments::none(dense.len());
        parts.iter().for_each(|part| all.merge(part));
        Spreads { dense: all, compact: Entries::of(rows) }
    }

    pub(crate) fn merge(&mut self, other: &Spreads) {
        self.dense.merge(&other.dense);
        self.compact.merge(&other.compact);
    }

    /// Every column that varies, with its centre and scale.
    pub(crate) fn standardisation(&self, dataset: &Dataset, origin: &[f64], centred: bool) -> Standardisation {
        let ((compact, dense), all) = (kinds(dataset), &self.dense);
        let mut standard = Standardisation::none(0);
        for (j, square) in all.squares.iter().enumerate() {
            let centre = origin[dense[j]] + all.mean[j];
            let scale = (square / all.weight).sqrt();
            // A spread that is all rounding is a constant column.
            if scale > 4.0 * f64::EPSILON * centre.abs() && scale.is_finite() {
                let largest = (all.highest[j] - all.mean[j]).max(all.mean[j] - all.lowest[j]);
                standard.push(dense[j], centre, scale, largest);
            }
        }
        for (&column, (scale, largest)) in compact.iter().zip(self.compact.spreads(centred)) {
            if scale > 0.0 && scale.is_finite() {
                standard.push(column, 0.0, scale, largest);
            }
        }
        standard.sort();
        standard
    }

    /// As numbers that go over a wire.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let Spreads { dense, compact } = self;
        let mut numbers = vec![dense.weight, compact.weight, compact.counted as f64, dense.mean.len() as f64];
        [&dense.mean, &dense.squares, &dense.lowest, &dense.highest].iter().for_each(|part| numbers.extend(*part));
        compact.columns.iter().for_each(|column| numbers.extend(column.numbers()));
        numbers
    }

    /// How many numbers [`Spreads::numbers`] gives.
    pub(crate) fn n_numbers(dataset: &Dataset) -> usize {
        let (compact, dense) = kinds(dataset);
        4 + 4 * dense.len() + 5 * compact.len()
    }

    /// From the numbers that [`Spreads::numbers`] gave; none for others.
    pub(crate) fn of_numbers(numbers: &[f64]) -> Option<Self> {
        let (&[weight, of_compact, counted, n_dense], rest) = numbers.split_first_chunk::<4>()?;
        let n_dense = n_dense as usize;
        let (moments, entries) = rest.split_at_checked(4 * n_dense)?;
        let part = |at: usize| moments[at * n_dense..(at + 1) * n_dense].to_vec();
        let dense = Moments { weight, mean: part(0), squares: part(1), lowest: part(2), highest: part(3) };
        let columns = entries.as_chunks::<5>().0.iter().map(|column| Column::of_numbers(*column)).collect();
        Some(Spreads { dense, compact: Entries { weight: of_compact, counted: counted as usize, columns } })
    }
}
