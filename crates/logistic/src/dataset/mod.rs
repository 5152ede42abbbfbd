//! A design matrix with its outcomes and weights, and the ways to hand out some of its rows.
//!
//! Columns stay compact (numbers, or one code per row for a whole category); a block of rows is expanded into a
//! small column-major [`Panel`] only while it is worked on, so one-hot columns never stand in memory.

mod classes;
mod direct;
mod elsewhere;
mod entries;
mod feature;
mod folds;
mod joined;
mod loader;
mod moments;
mod panel;
mod predictors;
mod row_panel;
mod slices;
mod split;
mod spreads;
mod view;

pub(crate) use classes::class_factor;
pub(crate) use direct::{Direct, PartVectors, Scratch};
pub(crate) use elsewhere::Elsewhere;
pub use elsewhere::Engine;
pub use feature::Feature;
pub use folds::{Fold, Folds, Split};
pub use loader::{DataLoader, Epoch};
pub(crate) use panel::Outcomes;
pub use panel::{Panel, Standardisation};
pub use predictors::linear_predictors;
pub(crate) use predictors::predictors;
pub(crate) use row_panel::RowPanel;
use slices::Slices;
pub use split::{fractions, random_split};
pub(crate) use spreads::Spreads;
pub(crate) use view::View;

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::file::Journal;
use crate::kernel::LANES;
pub use crate::numbers::{Numbers, Values};
use crate::numbers::{Slice, Spool, Store};
use crate::random::torch::Generator;

/// A design matrix (n_rows, n_columns), the outcome y (n_rows), and optionally a weight and an offset per row.
///
/// Of two classes y is the share of class 1, in [0, 1]; of more it is the number of the class, from 0. A clone shares
/// the design matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Arc<[Feature]>,
    y: Numbers<f64>,
    weight: Option<Numbers<f64>>,
    offset: Option<Numbers<f64>>,
    n_classes: usize,
    /// Feature and place within it of every design column.
    layout: Arc<[(usize, usize)]>,
    /// Where the numbers are.
    store: Store,
    run: Option<Run>,
    elsewhere: Option<Elsewhere>,
}

/// The run that a dataset is of.
#[derive(Clone, Debug)]
struct Run {
    journal: Arc<Journal>,
    /// Tells datasets of the same run apart.
    version: [u8; 32],
}

/// What was computed of a dataset is no part of it.
impl PartialEq for Run {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Run {
    /// The run with other outcomes, weights or offsets.
    fn with(&self, what: &str, numbers: &[f64]) -> Self {
        let mut hash = Sha256::new_with_prefix(self.version);
        hash.update(what);
        hash.update(bytemuck::cast_slice(numbers));
        Run { journal: Arc::clone(&self.journal), version: hash.finalize().into() }
    }
}

impl Dataset {
    /// Joins features, outcomes and weights. Sparse columns beside each other are held row by row, if they are many.
    ///
    /// # Errors
    /// [`Error::Shape`] when lengths differ; [`Error::Setting`] for an outcome outside [0, 1], a value that is
    /// not finite, a code that is no level, or a weight that is negative or not finite.
    pub fn new(features: Vec<Feature>, y: Vec<f64>, weight: Option<Vec<f64>>) -> Result<Self> {
        let plain = Dataset::kept_in(&Store::Memory, features, y.into())?;
        weight.map_or(Ok(plain.clone()), |weight| plain.weighted(weight))
    }

    /// The same, of numbers that are kept in `store`.
    pub(crate) fn kept_in(store: &Store, features: Vec<Feature>, y: Numbers<f64>) -> Result<Self> {
        for (j, feature) in features.iter().enumerate() {
            check_length(format!("length of feature {j}"), y.len(), feature.len())?;
            feature.check(j, store)?;
        }
        check_all("y", "between 0 and 1", &y, store, |v| (0.0..=1.0).contains(&v))?;
        let features = joined::join_sparse(features, y.len());
        let columns = |(f, feature): (usize, &Feature)| (0..feature.n_columns()).map(move |k| (f, k));
        let layout = features.iter().enumerate().flat_map(columns).collect();
        let store = store.clone();
        Ok(Dataset {
            features: features.into(),
            y,
            weight: None,
            offset: None,
            n_classes: 2,
            layout,
            store,
            run: None,
            elsewhere: None,
        })
    }

    /// The same design matrix with outcomes of `n_classes` classes: `y` holds the number of each row's class, from 0.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many outcomes as rows; [`Error::Setting`] for fewer than two classes, or
    /// an outcome that is not the number of one.
    pub fn of_classes(self, y: Vec<f64>, n_classes: usize) -> Result<Self> {
        self.with_classes(y.into(), n_classes)
    }

    pub(crate) fn with_classes(mut self, y: Numbers<f64>, n_classes: usize) -> Result<Self> {
        check_length("length of y".to_string(), self.y.len(), y.len())?;
        if n_classes < 2 {
            return Err(Error::setting("n_classes", "at least 2", &n_classes));
        }
        let expected = format!("a whole number below {n_classes}");
        check_all("y", &expected, &y, &self.store, |v| v >= 0.0 && v < n_classes as f64 && v.fract() == 0.0)?;
        self.run = self.run.map(|run| run.with("outcomes", &y));
        self.y = y;
        self.n_classes = n_classes;
        Ok(self)
    }

    /// The same rows with these weights.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many weights as rows; [`Error::Setting`] for a weight that is negative
    /// or not finite.
    pub fn weighted(self, weight: Vec<f64>) -> Result<Self> {
        self.with_weights(weight.into())
    }

    pub(crate) fn with_weights(mut self, weight: Numbers<f64>) -> Result<Self> {
        check_length("length of weight".to_string(), self.y.len(), weight.len())?;
        check_all("weight", "finite and not negative", &weight, &self.store, |v| v.is_finite() && v >= 0.0)?;
        self.run = self.run.map(|run| run.with("weights", &weight));
        self.weight = Some(weight);
        Ok(self)
    }

    /// The same rows with numbers that are added to their logits.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many as rows; [`Error::Setting`] for one that is not finite, and for
    /// more than two classes, whose rows have more than one logit.
    pub fn offset_by(self, offset: Vec<f64>) -> Result<Self> {
        self.with_offsets(offset.into())
    }

    pub(crate) fn with_offsets(mut self, offset: Numbers<f64>) -> Result<Self> {
        check_length("length of offset".to_string(), self.y.len(), offset.len())?;
        check_all("offset", "finite", &offset, &self.store, f64::is_finite)?;
        if self.n_classes > 2 {
            return Err(Error::setting("offset", "a target of two classes", &format!("{} classes", self.n_classes)));
        }
        self.run = self.run.map(|run| run.with("offsets", &offset));
        self.offset = Some(offset);
        Ok(self)
    }

    /// A dataset of plain numbers: `x` is row-major, shape (y.len(), n_features).
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn from_rows(x: &[f64], n_features: usize, y: Vec<f64>) -> Result<Self> {
        check_length("length of x".to_string(), y.len() * n_features, x.len())?;
        let column = |j: usize| Feature::Number(x.iter().skip(j).step_by(n_features).copied().collect());
        Dataset::new((0..n_features).map(column).collect(), y, None)
    }

    /// The same rows, whose passes are written to a journal, or taken from it. It must be that of a run over these rows.
    #[must_use]
    pub fn journaled(self, journal: Arc<Journal>) -> Self {
        Dataset { run: Some(Run { journal, version: [0; 32] }), ..self }
    }

    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.run.as_ref().map(|run| &*run.journal)
    }

    /// What tells this dataset apart from others of its run.
    pub(crate) fn version(&self) -> [u8; 32] {
        self.run.as_ref().map_or([0; 32], |run| run.version)
    }

    /// The same rows without offsets.
    pub(crate) fn without_offset(&self) -> Self {
        let run = self.run.as_ref().map(|run| run.with("no offsets", &[]));
        Dataset { offset: None, run, ..self.clone() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.elsewhere.as_ref().map_or(self.y.len(), Elsewhere::n_rows)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The passes over rows that are on disk.
    pub fn passes(&self) -> Option<Passes> {
        let spool = self.store.spool()?.clone();
        Some(Passes { before: spool.passed_bytes(), spool, bytes: self.n_bytes() as u64 })
    }

    /// The bytes of a row, one number per column of the table.
    fn row_bytes(&self) -> usize {
        let of_rows = usize::from(self.weight.is_some()) + usize::from(self.offset.is_some()) + 1;
        self.features.iter().map(Feature::row_bytes).sum::<usize>() + of_rows * size_of::<f64>()
    }

    /// About how much memory the rows take, wherever they are.
    pub fn n_bytes(&self) -> usize {
        self.row_bytes() * self.len()
    }

    /// The number of columns of the design matrix.
    pub fn n_columns(&self) -> usize {
        self.layout.len()
    }

    /// Row `index`: its design columns and its outcome.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] when there is no such row. (The tutorial's `__getitem__` returned a string
    /// instead, which a loop would have trained on.)
    pub fn get(&self, index: usize) -> Result<(Vec<f64>, f64)> {
        if index >= self.len() {
            return Err(Error::IndexOutOfRange { index, len: self.len() });
        }
        if self.is_held_elsewhere() {
            return Err(Error::setting("index", "a row that is here", &"one that an engine holds"));
        }
        let x = self.layout.iter().map(|&(feature, k)| self.features[feature].view().value(index, k)).collect();
        Ok((x, self.y[index]))
    }

    /// All rows, in order.
    pub fn rows(&self) -> Rows<'_> {
        Rows { dataset: self, selection: Selection::Range(0..self.len()) }
    }

    /// The design columns of features that repeat an earlier feature value for value, each with the one it repeats.
    pub(crate) fn repeats(&self) -> Vec<(usize, usize)> {
        // Of rows elsewhere that is not asked: under an l2 penalty, which shares coefficients, nothing depends on it.
        if self.elsewhere.is_some() {
            return Vec::new();
        }
        const LOOK: usize = 64;
        let mut by_look: HashMap<Vec<u64>, Vec<usize>> = HashMap::new();
        let mut twins: HashMap<usize, usize> = HashMap::new();
        let shape = |feature: &Feature| (std::mem::discriminant(feature), feature.n_columns());
        let mut counts: HashMap<_, usize> = HashMap::new();
        self.features.iter().for_each(|feature| *counts.entry(shape(feature)).or_default() += 1);
        for (at, feature) in self.features.iter().enumerate().filter(|(_, feature)| counts[&shape(feature)] > 1) {
            // Minus zero is zero.
            let view = feature.view();
            let look = |row| (0..feature.n_columns()).map(move |k| (view.value(row, k) + 0.0).to_bits());
            let alike = by_look.entry((0..self.len().min(LOOK)).flat_map(look).collect()).or_default();
            match alike.iter().find(|&&other| self.features[other] == *feature) {
                Some(&other) => {
                    twins.insert(at, other);
                }
                None => alike.push(at),
            }
        }
        let design = |(column, (feature, k)): (usize, &(usize, usize))| {
            let first = (*twins.get(feature)?, *k);
            let first = self.layout.iter().position(|place| *place == first)?;
            Some((column, first))
        };
        self.layout.iter().enumerate().filter_map(design).collect()
    }

    /// The feature that a design column is of, and its place there.
    pub(crate) fn place_of(&self, column: usize) -> (usize, usize) {
        self.layout[column]
    }

    /// The features, in design order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The outcomes.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// The weights, if rows have any.
    pub fn weight(&self) -> Option<&[f64]> {
        self.weight.as_deref()
    }

    /// The offsets, if rows have any.
    pub fn offset(&self) -> Option<&[f64]> {
        self.offset.as_deref()
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }
}

/// How far passes over rows on disk have come.
#[derive(Clone, Debug)]
pub struct Passes {
    spool: Spool,
    before: u64,
    bytes: u64,
}

impl Passes {
    /// The bytes of one pass over all rows.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes that were read since this was made.
    pub fn read(&self) -> u64 {
        self.spool.passed_bytes() - self.before
    }
}

/// Chunks are merged in order, so the bits depend on the rows alone, never on the number of threads.
const CHUNK: usize = 8 * Panel::ROWS;
/// More chunks than this are of no use.
const MOST_CHUNKS: usize = 64;
/// Fewer would leave cores without work.
const LEAST_CHUNKS: usize = 8;
/// What the chunks give, together: more would cost more time and memory than it gains.
const MOST_NUMBERS: usize = 1 << 20;

/// Some rows of a dataset, borrowed: all of them, a subset, a mini-batch.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    dataset: &'a Dataset,
    selection: Selection,
}

#[derive(Clone, Debug)]
enum Selection {
    Range(Range<usize>),
    List(Arc<[usize]>, Range<usize>),
}

/// The indices of some rows.
enum Places<'r> {
    Range(Range<usize>),
    List(&'r [usize]),
}

impl<'a> Rows<'a> {
    /// The rows of `dataset` at `indices`, in that order; a row may occur more than once.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] for an index that is no row.
    pub fn select(dataset: &'a Dataset, indices: impl Into<Arc<[usize]>>) -> Result<Self> {
        let indices = indices.into();
        match indices.iter().find(|&&index| index >= dataset.len()) {
            Some(&index) => Err(Error::IndexOutOfRange { index, len: dataset.len() }),
            None => Ok(Rows::from_list(dataset, indices)),
        }
    }

    fn from_list(dataset: &'a Dataset, indices: Arc<[usize]>) -> Self {
        let range = 0..indices.len();
        Rows { dataset, selection: Selection::List(indices, range) }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.selection {
            Selection::Range(range) | Selection::List(_, range) => range.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dataset these rows are of.
    pub fn dataset(&self) -> &'a Dataset {
        self.dataset
    }

    /// The row's index in the dataset.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] when there is no such row.
    pub fn index(&self, position: usize) -> Result<usize> {
        if position >= self.len() {
            return Err(Error::IndexOutOfRange { index: position, len: self.len() });
        }
        Ok(self.at(position))
    }

    /// The row's design columns and outcome.
    ///
    /// # Errors
    /// [`Error::IndexOutOfRange`] when there is no such row.
    pub fn get(&self, position: usize) -> Result<(Vec<f64>, f64)> {
        self.dataset.get(self.index(position)?)
    }

    /// The same rows of another dataset, which must have as many.
    pub(crate) fn of<'b>(&self, dataset: &'b Dataset) -> Rows<'b> {
        Rows { dataset, selection: self.selection.clone() }
    }

    /// The indices of the rows in the dataset, in order.
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|position| self.at(position))
    }

    /// Calls `f` with the position and the index of every row; how the rows are chosen is asked once.
    pub(crate) fn each_index(&self, mut f: impl FnMut(usize, usize)) {
        match self.places() {
            Places::Range(range) => range.enumerate().for_each(|(position, index)| f(position, index)),
            Places::List(list) => list.iter().enumerate().for_each(|(position, &index)| f(position, index)),
        }
    }

    /// The outcomes of the rows, in order.
    pub fn y(&self) -> Vec<f64> {
        let y = self.dataset.y();
        self.indices().map(|index| y[index]).collect()
    }

    /// The weights of the rows, in order, if rows have any.
    pub fn weight(&self) -> Option<Vec<f64>> {
        let weight = self.dataset.weight()?;
        Some(self.indices().map(|index| weight[index]).collect())
    }

    /// The offsets of the rows, in order, if rows have any.
    pub fn offset(&self) -> Option<Vec<f64>> {
        let offset = self.dataset.offset()?;
        Some(self.indices().map(|index| offset[index]).collect())
    }

    /// The sum of the rows' weights; their number where they have none.
    pub fn total_weight(&self) -> f64 {
        if let Some(elsewhere) = &self.dataset.elsewhere {
            return elsewhere.class_totals.iter().sum();
        }
        match self.dataset.weight() {
            Some(weight) => {
                let of = |range| self.slice(range).indices().map(|index| weight[index]).sum::<f64>();
                if self.is_one_chunk() { of(0..self.len()) } else { self.chunks(1, of).into_iter().sum() }
            }
            None => self.len() as f64,
        }
    }

    /// Tells that the rows at the positions `range` were read and are not needed for a while.
    pub(crate) fn passed(&self, range: &Range<usize>) {
        if let Store::Disk(_) = self.dataset.store {
            self.dataset.store.passed(range.len() * self.dataset.row_bytes());
        }
    }

    /// Whether the rows are too few to be cut into chunks, as those of a mini-batch are.
    pub(crate) fn is_one_chunk(&self) -> bool {
        self.len() <= CHUNK
    }

    /// `f` of every chunk of the rows, by its range, on all cores; in order. Each is to give `width` numbers or so, times
    /// a few: where they are many, chunks are fewer.
    pub(crate) fn chunks<T: Send>(&self, width: usize, f: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
        let n = self.len();
        let most = (MOST_NUMBERS / width.max(1)).clamp(LEAST_CHUNKS, MOST_CHUNKS);
        let size = n.div_ceil(most).next_multiple_of(CHUNK);
        if n <= size {
            return vec![f(0..n)];
        }
        let starts: Vec<usize> = (0..n).step_by(size).collect();
        starts.par_iter().map(|&start| f(start..n.min(start + size))).collect()
    }

    /// The rows at the positions `range`, which must lie within these rows.
    pub(crate) fn slice(&self, range: Range<usize>) -> Rows<'a> {
        let selection = match &self.selection {
            Selection::Range(own) => Selection::Range(own.start + range.start..own.start + range.end),
            Selection::List(list, own) => {
                Selection::List(Arc::clone(list), own.start + range.start..own.start + range.end)
            }
        };
        Rows { dataset: self.dataset, selection }
    }

    /// Writes the rows' values to `out`, which has room for just these.
    fn gather<T: Copy + Into<f64>>(&self, values: &[T], out: &mut [f64]) {
        match self.places() {
            Places::Range(range) => out.iter_mut().zip(&values[range]).for_each(|(out, &value)| *out = value.into()),
            Places::List(list) => {
                // Eight at a time, since the compiler does not unroll a loop that can end in a wrong index.
                let ((whole, rest), (whole_list, rest_list)) = (out.as_chunks_mut(), list.as_chunks());
                for (out, list) in whole.iter_mut().zip(whole_list) {
                    let (out, list): (&mut [f64; LANES], &[usize; LANES]) = (out, list);
                    (0..LANES).for_each(|lane| out[lane] = values[list[lane]].into());
                }
                rest.iter_mut().zip(rest_list).for_each(|(out, &i)| *out = values[i].into());
            }
        }
    }

    /// The rows, where they follow each other.
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        match &self.selection {
            Selection::Range(range) => Some(range.clone()),
            Selection::List(..) => None,
        }
    }

    /// The rows in a random order.
    fn shuffled(&self, rng: &mut Generator) -> Rows<'a> {
        let mut order = match self.places() {
            Places::Range(range) => range.collect(),
            Places::List(list) => list.to_vec(),
        };
        rng.permute(&mut order);
        Rows::from_list(self.dataset, order.into())
    }

    /// Where the rows stand in the dataset, for loops that are not to ask that again for every row.
    fn places(&self) -> Places<'_> {
        match &self.selection {
            Selection::Range(range) => Places::Range(range.clone()),
            Selection::List(list, range) => Places::List(&list[range.clone()]),
        }
    }

    fn at(&self, position: usize) -> usize {
        match &self.selection {
            Selection::Range(range) => range.start + position,
            Selection::List(list, range) => list[range.start + position],
        }
    }
}

pub(crate) fn check_length(what: String, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
}

fn check_all<T: Copy + Display + Sync>(
    name: &'static str,
    expected: &str,
    values: &[T],
    store: &Store,
    ok: impl Fn(T) -> bool + Sync,
) -> Result<()> {
    match first_wrong(values, store, ok) {
        Some(row) => Err(Error::setting(name, expected, &format!("{} in row {row}", values[row]))),
        None => Ok(()),
    }
}

/// The place of the first value that is not right, looked for on all cores where there are many.
fn first_wrong<T: Copy + Sync>(values: &[T], store: &Store, ok: impl Fn(T) -> bool + Sync) -> Option<usize> {
    const PART: usize = 1 << 16;
    let wrong = |values: &[T]| values.iter().position(|&value| !ok(value));
    if values.len() <= PART {
        return wrong(values);
    }
    let parts = values.par_chunks(PART).enumerate();
    parts.find_map_first(|(part, values)| {
        let found = wrong(values).map(|at| part * PART + at);
        store.passed(size_of_val(values));
        found
    })
}
