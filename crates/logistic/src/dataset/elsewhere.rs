//! Rows that are elsewhere: in the partitions of an engine that asks questions of them for us.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Dataset, Feature, check_length};
use crate::error::{Error, Result};
use crate::numbers::Store;

/// Whoever holds rows in partitions. A question is the same for all of them; each is answered by
/// [`objective::answer`](crate::objective::answer) where the rows are, and the answers are put together, in the order
/// of the partitions, by [`objective::merge`](crate::objective::merge).
pub trait Engine: Debug + Send + Sync {
    /// The answer of all partitions.
    ///
    /// # Errors
    /// [`Error::Engine`] when there is none.
    fn ask(&self, question: &[u8]) -> Result<Vec<f64>>;
}

/// What is known here of rows that are elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
    engine: Arc<dyn Engine>,
    n_rows: usize,
    /// The weight of every class.
    pub(crate) class_totals: Vec<f64>,
    /// What a row of each class weighs on top of its own weight; empty where nothing.
    pub(crate) class_weight: Vec<f64>,
    failure: Arc<Mutex<Failure>>,
}

/// Whether the engine has failed: what comes after that is worth nothing.
#[derive(Debug, Default)]
struct Failure {
    failed: bool,
    /// The error, until it is told.
    error: Option<Error>,
}

/// Who holds rows is no part of what they are.
impl PartialEq for Elsewhere {
    fn eq(&self, other: &Self) -> bool {
        self.n_rows == other.n_rows
            && self.class_totals == other.class_totals
            && self.class_weight == other.class_weight
    }
}

impl Elsewhere {
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Gives rows of each class a weight on top of their own.
    pub(super) fn weigh(&mut self, of_class: &[f64]) {
        self.class_totals.iter_mut().zip(of_class).for_each(|(total, weight)| *total *= weight);
        self.class_weight = of_class.to_vec();
    }

    /// The answer to a question; NaN, and a failure that is kept, where there is none of `len` numbers, or it is not of all
    /// rows, each once.
    pub(crate) fn ask(&self, question: &[u8], len: usize) -> Vec<f64> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.failed {
            return vec![f64::NAN; len];
        }
        let answer = self.engine.ask(question).and_then(|answer| {
            let (n_rows, numbers) = answer.split_first().unwrap_or((&0.0, &[]));
            if *n_rows != self.n_rows as f64 {
                return Err(other_rows(*n_rows, self.n_rows));
            }
            check_length("length of an engine's answer".to_string(), len, numbers.len())?;
            Ok(numbers.to_vec())
        });
        answer.unwrap_or_else(|error| {
            *failure = Failure { failed: true, error: Some(error) };
            vec![f64::NAN; len]
        })
    }

    /// The first error of the engine.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).error.take().map_or(Ok(()), Err)
    }
}

fn other_rows(found: f64, expected: usize) -> Error {
    Error::Engine {
        engine: "the engine".to_string(),
        problem: format!("an answer is of {found} rows, and another was of {expected}"),
        help: "rows that come, go or change while a fit lasts cannot be fitted: write them down first".to_string(),
    }
}

impl Dataset {
    /// Rows that an engine holds: their features without a row here, the number of rows, and the weight of every class.
    /// [`LogisticRegression::fit`](crate::model::LogisticRegression::fit) fits them by sums over all of them, and refuses
    /// what needs more. They have no outcome, weight or value here to be asked for.
    ///
    /// # Errors
    /// [`Error::Shape`] for features that have rows; [`Error::Setting`] for fewer than two classes.
    pub fn elsewhere(
        engine: Arc<dyn Engine>,
        features: Vec<Feature>,
        n_rows: usize,
        class_totals: Vec<f64>,
    ) -> Result<Self> {
        let n_classes = class_totals.len();
        let mut dataset =
            Dataset::kept_in(&Store::Memory, features, Vec::new().into())?.of_classes(Vec::new(), n_classes)?;
        dataset.elsewhere =
            Some(Elsewhere { engine, n_rows, class_totals, class_weight: Vec::new(), failure: Arc::default() });
        Ok(dataset)
    }

    /// Whether an engine holds the rows.
    pub fn is_held_elsewhere(&self) -> bool {
        self.elsewhere.is_some()
    }

    pub(crate) fn is_elsewhere(&self) -> Option<&Elsewhere> {
        self.elsewhere.as_ref()
    }
}
