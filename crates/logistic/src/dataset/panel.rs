//! Blocks of rows, expanded for the kernels.

use super::{Feature, Rows};
use crate::cholesky::dot;

/// Which design columns take part, and how each is centred and scaled: `(x − centre) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    /// The design columns that take part, rising.
    pub columns: Vec<usize>,
    /// The centre of each, in the column's own units.
    pub centre: Vec<f64>,
    /// The scale of each, in the column's own units; positive.
    pub scale: Vec<f64>,
}

impl Standardisation {
    /// Every column, as it is.
    pub fn none(n_columns: usize) -> Self {
        Standardisation { columns: (0..n_columns).collect(), centre: vec![0.0; n_columns], scale: vec![1.0; n_columns] }
    }

    /// Every column that varies, by its weighted mean and standard deviation over `rows`; with `centred` false (a
    /// model without intercept may not shift its columns) by its root mean square alone.
    ///
    /// The mean is taken of differences from the column's first value, so that a column far from zero keeps all
    /// the digits that its storage has left.
    pub fn of(rows: &Rows<'_>, centred: bool) -> Self {
        let mut standard = Standardisation::none(0);
        let mut panel = Panel::new();
        let n_columns = rows.dataset().n_columns();
        let origin = first_row(rows);
        let shift = Standardisation {
            columns: (0..n_columns).collect(),
            centre: if centred { origin } else { vec![0.0; n_columns] },
            scale: vec![1.0; n_columns],
        };
        let mut mean = vec![0.0; n_columns];
        let mut square = vec![0.0; n_columns];
        let total = rows.total_weight();
        if centred {
            panel.each(rows, &shift, |x, weight, j| mean[j] += dot(x, weight));
            mean.iter_mut().for_each(|sum| *sum /= total);
        }
        let centre: Vec<f64> = shift.centre.iter().zip(&mean).map(|(origin, mean)| origin + mean).collect();
        let about = Standardisation { centre, ..shift };
        panel.each(rows, &about, |x, weight, j| square[j] += x.iter().zip(weight).map(|(x, s)| s * x * x).sum::<f64>());
        for (j, square) in square.iter().enumerate() {
            let scale = (square / total).sqrt();
            // A spread that is all rounding is a constant column.
            if scale > 4.0 * f64::EPSILON * about.centre[j].abs() && scale.is_finite() {
                standard.columns.push(j);
                standard.centre.push(about.centre[j]);
                standard.scale.push(scale);
            }
        }
        standard
    }

    /// The same, of the columns at `keep` (positions within these columns).
    pub(crate) fn subset(&self, keep: &[usize]) -> Self {
        Standardisation {
            columns: keep.iter().map(|&k| self.columns[k]).collect(),
            centre: keep.iter().map(|&k| self.centre[k]).collect(),
            scale: keep.iter().map(|&k| self.scale[k]).collect(),
        }
    }
}

fn first_row(rows: &Rows<'_>) -> Vec<f64> {
    rows.get(0).map_or_else(|_| vec![0.0; rows.dataset().n_columns()], |(x, _)| x)
}

/// A block of at most [`Panel::ROWS`] rows: centred, scaled, column-major f64, with outcomes, weights and offsets.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    n_rows: usize,
    n_columns: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    weight: Vec<f64>,
    offset: Vec<f64>,
}

impl Panel {
    /// Rows in a full panel: 30 columns of it fit the second-level cache of any processor of this decade.
    pub const ROWS: usize = 512;

    /// An empty panel, to be filled again and again.
    pub fn new() -> Self {
        Panel::default()
    }

    /// Fills the panel with `rows`, of which there must be at most [`Panel::ROWS`]; all columns as they are where
    /// there is no standardisation.
    pub(crate) fn pack(&mut self, rows: &Rows<'_>, standard: Option<&Standardisation>) {
        let dataset = rows.dataset();
        self.n_rows = rows.len();
        self.x.clear();
        match standard {
            None => {
                self.n_columns = dataset.n_columns();
                (0..self.n_columns).for_each(|column| self.pack_column(rows, column, |x| x));
            }
            Some(Standardisation { columns, centre, scale }) => {
                self.n_columns = columns.len();
                for ((&column, &centre), &scale) in columns.iter().zip(centre).zip(scale) {
                    self.pack_column(rows, column, |x| (x - centre) / scale);
                }
            }
        }
        self.y.clear();
        rows.gather(&dataset.y, &mut self.y, |y| y);
        self.weight.clear();
        match &dataset.weight {
            Some(weight) => rows.gather(weight, &mut self.weight, |weight| weight),
            None => self.weight.resize(self.n_rows, 1.0),
        }
        self.offset.clear();
        if let Some(offset) = &dataset.offset {
            rows.gather(offset, &mut self.offset, |offset| offset);
        }
    }

    fn pack_column(&mut self, rows: &Rows<'_>, column: usize, standard: impl Fn(f64) -> f64) {
        let dataset = rows.dataset();
        let (feature, level) = dataset.layout[column];
        match &dataset.features[feature] {
            Feature::Number(values) => rows.gather(values, &mut self.x, standard),
            Feature::Codes { codes, .. } => {
                let (off, on) = (standard(0.0), standard(1.0));
                let value = |i: usize| if codes[i] as usize == level + 1 { on } else { off };
                self.x.extend(rows.indices().map(value));
            }
            Feature::Product { codes, values, .. } => {
                let value = |i: usize| standard(if codes[i] as usize == level + 1 { values[i] } else { 0.0 });
                self.x.extend(rows.indices().map(value));
            }
            feature @ Feature::Sparse { rows: own, values, .. } => {
                let Some(range) = rows.range() else {
                    self.x.extend(rows.indices().map(|i| standard(feature.value(i, 0))));
                    return;
                };
                // Rows in a row: their entries stand together.
                let first = own.partition_point(|&row| (row as usize) < range.start);
                let start = self.x.len();
                self.x.resize(start + range.len(), standard(0.0));
                for (row, value) in
                    own.iter().zip(values).skip(first).take_while(|(row, _)| (**row as usize) < range.end)
                {
                    self.x[start + *row as usize - range.start] = standard(*value);
                }
            }
        }
    }

    /// Calls `f(column values, weights, column)` for every panel of `rows` and every column of it, in order.
    fn each(&mut self, rows: &Rows<'_>, standard: &Standardisation, mut f: impl FnMut(&[f64], &[f64], usize)) {
        for start in (0..rows.len()).step_by(Panel::ROWS) {
            self.pack(&rows.slice(start..rows.len().min(start + Panel::ROWS)), Some(standard));
            for j in 0..standard.columns.len() {
                f(self.column(j), &self.weight, j);
            }
        }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of columns that take part.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Column `j` of the columns that take part.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.x[j * self.n_rows..(j + 1) * self.n_rows]
    }

    /// The outcomes.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// What is added to the logits; empty where rows have none.
    pub fn offset(&self) -> &[f64] {
        &self.offset
    }

    /// The weights; 1 where rows have none.
    pub fn weight(&self) -> &[f64] {
        &self.weight
    }
}
