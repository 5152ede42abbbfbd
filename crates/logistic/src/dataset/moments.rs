//! The centre and spread of columns, over some rows.

use super::{Feature, Panel, Rows, Standardisation, Values};
use crate::kernel::{Blocks, LANES, RowMajor, sum_and_squares};

/// The weight of some rows, and of every column the mean and the sum of squares about it. Merged by the formula of Chan,
/// Golub & LeVeque (The American Statistician 37(3), 1983), they lose no digits, and the data are read once.
pub(super) struct Moments {
    pub(super) weight: f64,
    pub(super) mean: Vec<f64>,
    pub(super) squares: Vec<f64>,
    /// No value is below the lowest or above the highest; they need not be values.
    pub(super) lowest: Vec<f64>,
    pub(super) highest: Vec<f64>,
}

impl Moments {
    pub(super) fn none(n_columns: usize) -> Self {
        Moments {
            weight: 0.0,
            mean: vec![0.0; n_columns],
            squares: vec![0.0; n_columns],
            lowest: vec![f64::INFINITY; n_columns],
            highest: vec![f64::NEG_INFINITY; n_columns],
        }
    }

    /// About 0 instead of the mean where the columns are not to be centred. `shift` holds what is taken off first.
    pub(super) fn of(rows: &Rows<'_>, shift: &Standardisation, centred: bool) -> Self {
        let (matrices, others) = matrices(rows, shift);
        let packed = shift.subset(&others);
        let mut all = Moments::none(shift.columns.len());
        let mut panel = Panel::new();
        for start in (0..rows.len()).step_by(Panel::ROWS) {
            let rows = rows.slice(start..rows.len().min(start + Panel::ROWS));
            panel.pack(&rows, Some(&packed));
            rows.passed(&(0..rows.len()));
            let mut part = Moments::none(shift.columns.len());
            part.weight = panel.padded().1.iter().sum();
            if part.weight > 0.0 {
                part.take_panel(&panel, &others, centred);
                matrices.iter().for_each(|matrix| part.take_matrix(matrix, &rows, panel.padded().1, centred));
                all.merge(&part);
            }
        }
        all
    }

    fn put(&mut self, j: usize, mean: f64, squares: f64, largest: f64) {
        (self.mean[j], self.squares[j]) = (mean, squares);
        (self.lowest[j], self.highest[j]) = (mean - largest, mean + largest);
    }

    fn take_panel(&mut self, panel: &Panel, columns: &[usize], centred: bool) {
        let weight = panel.padded().1;
        for (at, &j) in columns.iter().enumerate() {
            let column = panel.columns(false).get(at);
            let mean = if centred { sum_and_squares(column, weight, 0.0).0 / self.weight } else { 0.0 };
            let (_, squares, largest) = sum_and_squares(column, weight, mean);
            self.put(j, mean, squares, largest);
        }
    }

    fn take_matrix(&mut self, matrix: &Matrix<'_>, rows: &Rows<'_>, weight: &[f64], centred: bool) {
        match matrix.values {
            Values::F64(values) => self.take_values(matrix, values, rows, weight, centred),
            Values::F32(values) => self.take_values(matrix, values, rows, weight, centred),
        }
    }

    /// Twice over rows that stay near: for the means, and for the squares about them.
    fn take_values<T: Copy + Into<f64>>(
        &mut self,
        matrix: &Matrix<'_>,
        values: &[T],
        rows: &Rows<'_>,
        weight: &[f64],
        centred: bool,
    ) {
        let places = matrix.blocks.len();
        let (n, row) = (rows.len(), |i| rows.at(i));
        let mut mean = vec![0.0; places];
        if centred {
            RowMajor { values, blocks: &matrix.blocks, centre: &matrix.origin }.inner(n, row, weight, &mut mean);
            mean.iter_mut().for_each(|mean| *mean /= self.weight);
        }
        let centre: Vec<f64> = matrix.origin.iter().zip(&mean).map(|(origin, mean)| origin + mean).collect();
        let (mut squares, mut largest) = (vec![0.0; places], vec![0.0; places]);
        RowMajor { values, blocks: &matrix.blocks, centre: &centre }.add_squares(
            n,
            row,
            weight,
            (&mut squares, &mut largest),
        );
        for (column, place) in matrix.blocks.places() {
            self.put(matrix.first + column, mean[place], squares[place], largest[place]);
        }
    }

    pub(super) fn merge(&mut self, other: &Moments) {
        let weight = self.weight + other.weight;
        if other.weight == 0.0 {
            return;
        }
        let share = other.weight / weight;
        for j in 0..self.mean.len() {
            let apart = other.mean[j] - self.mean[j];
            self.mean[j] += apart * share;
            self.lowest[j] = self.lowest[j].min(other.lowest[j]);
            self.highest[j] = self.highest[j].max(other.highest[j]);
            self.squares[j] += other.squares[j] + apart * apart * self.weight * share;
        }
        self.weight = weight;
    }
}

/// A matrix whose rows are worked on as they stand.
struct Matrix<'a> {
    values: &'a Values,
    blocks: Blocks,
    /// By place in the blocks.
    origin: Vec<f64>,
    /// The first of its columns among all.
    first: usize,
}

/// The matrices that are wide enough, all of whose columns `shift` has, and the columns of everything else.
fn matrices<'a>(rows: &Rows<'a>, shift: &Standardisation) -> (Vec<Matrix<'a>>, Vec<usize>) {
    let dataset = rows.dataset();
    let (mut matrices, mut others) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&column) = shift.columns.get(at) {
        let (feature, _) = dataset.place_of(column);
        match &dataset.features()[feature] {
            Feature::Matrix { values, n_columns } if *n_columns >= LANES => {
                let blocks = Blocks::of(*n_columns);
                let mut origin = vec![0.0; blocks.len()];
                blocks.places().for_each(|(column, place)| origin[place] = shift.centre[at + column]);
                matrices.push(Matrix { values, blocks, origin, first: at });
                at += n_columns;
            }
            _ => {
                others.push(at);
                at += 1;
            }
        }
    }
    (matrices, others)
}
