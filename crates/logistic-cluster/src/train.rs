//! `train`: `logistic train` of rows that DataFusion reads, here or on a cluster.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Args;
use datafusion::arrow::array::{RecordBatch, RecordBatchIterator};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::FileWriter;
use datafusion::common::DataFusionError;
use datafusion::prelude::{DataFrame, Expr};
use futures::StreamExt;
use logistic::encode::Encoder;
use logistic::table::{ReadOptions, Table, from_batches, read};
use logistic::{Error, Result};
use logistic_cli::{Hear, Host, Trained, Training};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::asked::NAME;
use crate::cluster::{Cluster, Tally, failed};
use crate::sessions;
use crate::tables::Source;
use crate::tls::TlsArgs;

/// Fit a model to a table that Apache DataFusion reads: files here, or on S3 and HTTP, or the result of a query
#[derive(Args, Debug)]
pub(crate) struct ClusterTrainArgs {
    #[command(flatten)]
    training: logistic_cli::TrainArgs,
    /// The cluster that does the work, as df://HOST:PORT of its scheduler [default: this process reads the rows]
    #[arg(help_heading = "Engine", long, value_name = "URL", value_parser = engine)]
    engine: Option<String>,
    /// The query whose result is fitted. Each DATA is then a table with a name, as NAME=FILE
    #[arg(help_heading = "Engine", long, value_name = "QUERY")]
    sql: Option<String>,
    /// Partitions of the rows on a cluster; best the number of cores that its executors have together
    #[arg(help_heading = "Engine", long, default_value_t = 16, value_name = "N", requires = "engine")]
    partitions: usize,
    /// How long a pass that fails is asked again, in seconds: long enough for a scheduler to be started again
    #[arg(help_heading = "Engine", long, default_value_t = 120, value_name = "SECONDS", requires = "engine")]
    patience: u64,
    #[command(flatten)]
    tls: TlsArgs,
}

fn engine(typed: &str) -> Result<String, String> {
    let host = typed.strip_prefix("df://").and_then(|rest| rest.rsplit_once(':'));
    match host {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(typed.to_string()),
        _ => Err("expected df://HOST:PORT".to_string()),
    }
}

impl ClusterTrainArgs {
    /// Fits, and tells of it; `typed` is the whole command.
    pub(crate) fn run(self, typed: String) -> Result<(), (Error, bool)> {
        let ClusterTrainArgs { training, engine, sql, partitions, patience, tls } = self;
        let training = Training::typed(training, typed);
        let source = Source { data: training.data().to_vec(), sql };
        let runtime = || Runtime::new().map_err(|error| failed(NAME, &error));
        let done = || match engine {
            None => training.tell(&embedded(&training, &source, &runtime()?)?),
            Some(url) => {
                let (runtime, tls, patience) = (runtime()?, tls.read()?, Duration::from_secs(patience));
                let (opened, tally) = (Mutex::default(), Mutex::default());
                let cluster = Arc::new(Cluster { url, source, partitions, tls, patience, runtime, opened, tally });
                let trained = on(&training, &cluster)?;
                let tally = cluster.tally().clone();
                tell(&training, &trained, &tally)
            }
        };
        done().map_err(|error| (error, training.json()))
    }
}

/// On a cluster: its executors keep the rows, the solver is here.
fn on(training: &Training, cluster: &Arc<Cluster>) -> Result<Trained> {
    let survey = cluster.survey(&training.reading())?;
    let engine = |encoder: &Encoder, weights: Option<&str>| cluster.encoded(encoder, weights);
    training.run_elsewhere(Host::TERMINAL, &survey, &engine)
}

fn tell(training: &Training, trained: &Trained, tally: &Tally) -> Result<()> {
    let Tally { seconds, failed_tries } = tally;
    if !training.json() {
        training.tell(trained)?;
        let (passes, total) = (seconds.len(), seconds.iter().sum::<f64>());
        return print(&format!("\nengine: {passes} passes in {total:.3} s, {failed_tries} tries failed\n"));
    }
    let mut keys = trained.keys();
    keys["engine"] = json!({"pass_seconds": seconds, "failed_tries": failed_tries});
    print(&format!("{keys:#}\n"))
}

fn print(text: &str) -> Result<()> {
    use std::io::Write;
    let io = |source| Error::Io { path: "-".into(), action: "write", source };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(io)
}

/// In this process: the rows come into a table, and everything else is as in `logistic train`.
fn embedded(training: &Training, source: &Source, runtime: &Runtime) -> Result<Trained> {
    let read = |names: &[String], options: &ReadOptions| {
        let sql = (names == source.data).then(|| source.sql.clone()).flatten();
        let source = Source { data: names.to_vec(), sql };
        runtime.block_on(table(&source, options))
    };
    let hear = |epochs, passes| -> Hear<'_> { (Host::TERMINAL.hear)(epochs, passes) };
    training.run(Host { read: &read, hear: &hear, go: Host::TERMINAL.go })
}

/// The rows as a table; more than the memory for them go through a temporary file.
async fn table(source: &Source, options: &ReadOptions) -> Result<Table> {
    let name = source.data.join(",");
    let broken = |error: DataFusionError| failed(&name, &error.strip_backtrace());
    let frame = source.open(&sessions::embedded().map_err(broken)?).await.map_err(broken)?;
    let frame = wanted(frame, options).map_err(broken)?;
    let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
    let mut stream = frame.execute_stream().await.map_err(broken)?;
    let (mut batches, mut bytes): (Vec<RecordBatch>, u64) = (Vec::new(), 0);
    let mut file = None;
    while let Some(batch) = stream.next().await.transpose().map_err(broken)? {
        bytes += batch.get_array_memory_size() as u64;
        batches.push(batch);
        if file.is_some() || options.memory.is_some_and(|memory| bytes > memory) {
            let (file, writer) = match &mut file {
                Some(spilt) => spilt,
                None => file.insert(spill(&schema)?),
            };
            for batch in batches.drain(..) {
                writer.write(&batch).map_err(|error| failed(&file.path().display().to_string(), &error))?;
            }
        }
    }
    match file {
        None => from_batches(&name, RecordBatchIterator::new(batches.into_iter().map(Ok), schema), options),
        Some((file, mut writer)) => {
            writer.finish().map_err(|error| failed(&file.path().display().to_string(), &error))?;
            read(&[file.path().display().to_string()], options, &|_| ())
        }
    }
}

/// A temporary file of batches, in the folder that TMPDIR names.
fn spill(schema: &SchemaRef) -> Result<(tempfile::NamedTempFile, FileWriter<File>)> {
    let io = |source| Error::Io { path: std::env::temp_dir(), action: "write", source };
    let file = tempfile::Builder::new().suffix(".arrow").tempfile().map_err(io)?;
    let writer = FileWriter::try_new(file.reopen().map_err(io)?, schema);
    Ok((file, writer.map_err(|error| failed("a temporary file", &error))?))
}

/// The columns that will be read, so that the others are not.
fn wanted(frame: DataFrame, options: &ReadOptions) -> Result<DataFrame, DataFusionError> {
    let is_wanted = |name: &str| {
        options.only.as_ref().is_none_or(|only| only.iter().any(|own| own == name))
            && !options.exclude.iter().any(|own| own == name)
    };
    let columns = frame.schema().columns().into_iter().filter(|column| is_wanted(&column.name)).map(Expr::Column);
    let columns: Vec<Expr> = columns.collect();
    frame.select(columns)
}
