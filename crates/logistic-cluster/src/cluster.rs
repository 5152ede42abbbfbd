//! Rows that a cluster holds: its answers, asked again where a pass was lost.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError};
use datafusion::logical_expr::Expr;
use datafusion::prelude::DataFrame;
use logistic::dataset::Engine;
use logistic::encode::{Encoder, Survey};
use logistic::table::ReadOptions;
use logistic::{Error, Result};
use tokio::runtime::Runtime;

use crate::asked::{Asked, Setup, Work, of_words};
use crate::function::{argument, function};
use crate::sessions;
use crate::tables::Source;
use crate::tls::Tls;

/// The waits before a pass is asked again, the first and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A cluster, and the rows in it.
pub(crate) struct Cluster {
    pub(crate) url: String,
    pub(crate) source: Source,
    pub(crate) partitions: usize,
    pub(crate) tls: Option<Tls>,
    /// How long a pass is tried.
    pub(crate) patience: Duration,
    pub(crate) runtime: Runtime,
    pub(crate) opened: Mutex<Option<DataFrame>>,
    pub(crate) tally: Mutex<Tally>,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// The seconds of every pass.
    pub(crate) seconds: Vec<f64>,
    pub(crate) failed_tries: usize,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Cluster {
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all rows are like.
    ///
    /// # Errors
    /// As [`Cluster::ask`]; those of kinds of columns.
    pub(crate) fn survey(&self, options: &ReadOptions) -> Result<Survey> {
        let (mut columns, mut text) = (Vec::new(), options.text.clone());
        let is_wanted = |name: &String| {
            options.only.as_ref().is_none_or(|only| only.contains(name)) && !options.exclude.contains(name)
        };
        let frame = self.try_again(async |frame| Ok(frame))?;
        for field in frame.schema().fields().iter().filter(|field| is_wanted(field.name())) {
            // What text is must not depend on the partition: a column of it may hold numbers alone in one.
            if field.data_type().is_string() || matches!(field.data_type(), DataType::Dictionary(..)) {
                text.push(field.name().clone());
            }
            columns.push(field.name().clone());
        }
        let work = Work::Survey { text, missing_markers: options.missing_markers.clone() };
        let answer = self.ask(&Setup { columns, work }, b"")?;
        match answer.is_empty() {
            true => Ok(Survey::default()),
            false => serde_json::from_slice(&answer).map_err(|error| self.failed(&error)),
        }
    }

    /// Rows of it that are encoded, to be asked.
    pub(crate) fn encoded(self: &Arc<Self>, encoder: &Encoder, weights: Option<&str>) -> Arc<dyn Engine> {
        let needed = encoder.columns().into_iter().chain([encoder.target.column.clone()]);
        let mut columns: Vec<String> = needed.chain(weights.map(String::from)).collect();
        columns.sort();
        columns.dedup();
        let work = Work::Answer { encoder: Box::new(encoder.clone()), weights: weights.map(String::from) };
        Arc::new(Encoded { cluster: Arc::clone(self), setup: Setup { columns, work } })
    }

    /// The answer of all rows. A pass changes nothing, so that one that was lost is asked again.
    ///
    /// # Errors
    /// [`Error::Engine`] for what another try would not mend, or when patience is over.
    fn ask(&self, setup: &Setup, question: &[u8]) -> Result<Vec<u8>> {
        let begun = Instant::now();
        let task = Asked::bytes(setup, question);
        let columns: Vec<Expr> = setup.columns.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
        let answer = self.try_again(async |frame| {
            let arguments = columns.iter().cloned().chain([argument(task.clone())]).collect();
            let batches = frame.aggregate(Vec::new(), vec![function().call(arguments).alias("answer")])?;
            let batches = batches.collect().await?;
            let column = batches.iter().find(|batch| batch.num_rows() > 0).map(|batch| batch.column(0));
            let column = column.and_then(|column| column.as_binary_opt::<i32>()).filter(|column| column.is_valid(0));
            Ok(column.map_or(Vec::new(), |column| column.value(0).to_vec()))
        })?;
        self.tally().seconds.push(begun.elapsed().as_secs_f64());
        Ok(answer)
    }

    /// Does something with the rows, again after a failure that may pass.
    fn try_again<T>(&self, what: impl AsyncFn(DataFrame) -> Result<T, DataFusionError>) -> Result<T> {
        let (begun, mut wait) = (Instant::now(), FIRST_WAIT);
        loop {
            let tried = self.runtime.block_on(async { what(self.frame().await?).await });
            let error = match tried {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Some(ours) = of_words(&error.to_string()) {
                return Err(ours);
            }
            if is_lasting(&error) || begun.elapsed() + wait > self.patience {
                return Err(self.failed(&error.strip_backtrace()));
            }
            // A scheduler that was started again knows nothing of the session.
            *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.tally().failed_tries += 1;
            std::thread::sleep(wait);
            wait = (2 * wait).min(LONGEST_WAIT);
        }
    }

    async fn frame(&self) -> Result<DataFrame, DataFusionError> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(frame) = opened {
            return Ok(frame);
        }
        let context = sessions::remote(&self.url, self.partitions, self.tls.as_ref()).await?;
        let frame = self.source.open(&context).await?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame.clone());
        Ok(frame)
    }

    fn failed(&self, problem: &dyn fmt::Display) -> Error {
        failed(&self.url, problem)
    }
}

/// What an engine said, as an error.
pub(crate) fn failed(engine: &str, problem: &dyn fmt::Display) -> Error {
    Error::Engine {
        engine: engine.to_string(),
        problem: problem.to_string(),
        help: "look at the log of scheduler and executors (RUST_LOG=info); the same version of logistic-cluster must \
               run everywhere, and files must have the same path on all machines"
            .to_string(),
    }
}

/// Whether another try would fail as well.
fn is_lasting(error: &DataFusionError) -> bool {
    use datafusion::object_store::Error as StoreError;
    match error.find_root() {
        DataFusionError::Plan(_)
        | DataFusionError::SQL(..)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_) => true,
        DataFusionError::ObjectStore(error) => matches!(**error, StoreError::NotFound { .. }),
        _ => false,
    }
}

/// Rows of a cluster that are encoded where they are.
#[derive(Debug)]
struct Encoded {
    cluster: Arc<Cluster>,
    setup: Setup,
}

impl Engine for Encoded {
    fn ask(&self, question: &[u8]) -> Result<Vec<f64>> {
        let answer = self.cluster.ask(&self.setup, question)?;
        Ok(answer.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect())
    }
}
