//! What can be typed.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use logistic::encode::{Missing, Unseen};
use logistic::evaluate::Threshold;
use logistic::export;
use logistic::model::{Model, WeightKind};
use logistic::table::ReadOptions;

use crate::inference::InferenceArgs;
use crate::memory::MemoryArgs;
use crate::network::NetworkArgs;
use crate::penalty::PenaltyArgs;
#[cfg(feature = "serve")]
use crate::serve::ServeArgs;

/// Logistic regression, start to finish.
#[derive(Debug, Parser)]
#[command(name = "logistic", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fit a model to a table
    Train(Box<TrainArgs>),
    /// Measure how well a model predicts a table with known outcomes
    Evaluate(EvaluateArgs),
    /// Write a table again, with `probability` and `predicted` behind every row, in memory that does not grow with it
    Predict(PredictArgs),
    /// Show a model: coefficients, inference, how the fit went
    Summary(SummaryArgs),
    /// Write a model for another program to run or to read: ONNX, SQL, C, JavaScript, PMML, safetensors, a scorecard, tables
    Export(ExportArgs),
    /// Write a page about a model and its rows: one HTML file that needs no network
    Report(ReportArgs),
    /// Answer rows over HTTP with probabilities and what each column adds to them, with a page to try it on
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Write Gaussian blobs, two moons or circles as CSV, as scikit-learn draws them
    Blobs(BlobsArgs),
    /// Walk through the PyTorch tutorial, with its own numbers and pictures
    Tutorial(TutorialArgs),
}

impl Command {
    /// Whether results, and errors, are wanted as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Command::Train(args) => args.json,
            Command::Evaluate(args) => args.json,
            Command::Summary(args) => args.json,
            Command::Tutorial(args) => args.json,
            #[cfg(feature = "serve")]
            Command::Serve(_) => false,
            Command::Predict(_) | Command::Report(_) | Command::Export(_) | Command::Blobs(_) => false,
        }
    }
}

/// How the data are written. The format itself is told by the content.
#[derive(Args, Debug)]
#[command(next_help_heading = "How the data are written")]
pub(crate) struct Format {
    /// The character between the cells of a CSV file; `tab` for a tabulator [default: found out]
    #[arg(long, value_name = "C", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// Numbers are written with a comma, as in 1,5
    #[arg(long)]
    pub(crate) decimal_comma: bool,
    /// The first line is data; the columns are called column1, column2, …
    #[arg(long)]
    pub(crate) no_header: bool,
    /// A further word that stands for a missing cell, besides an empty one, NA, N/A, NaN, nan, null, NULL and ?; may
    /// be given more than once
    #[arg(long, value_name = "WORD")]
    pub(crate) missing_marker: Vec<String>,
}

impl Format {
    /// The options for reading, with these columns as text.
    pub(crate) fn options(&self, text: Vec<String>) -> ReadOptions {
        let mut options = ReadOptions {
            delimiter: self.delimiter,
            decimal_comma: self.decimal_comma,
            header: !self.no_header,
            text,
            ..ReadOptions::default()
        };
        options.missing_markers.extend(self.missing_marker.iter().cloned());
        options
    }
}

impl Format {
    /// The options for reading what a model needs of labelled data; other columns may hold anything.
    pub(crate) fn labelled(&self, model: &Model, weights: Option<&String>) -> ReadOptions {
        let encoder = &model.encoder;
        let needed = encoder.columns().into_iter().chain([encoder.target.column.clone()]).chain(weights.cloned());
        ReadOptions { only: Some(needed.collect()), ..self.options(encoder.text_columns()) }
    }
}

fn delimiter(typed: &str) -> Result<u8, String> {
    match typed.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err("expected one character such as `;`, or `tab`".to_string()),
    }
}

/// What `train` can be told.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// The data: CSV with any delimiter, Parquet, Arrow, JSON lines or svmlight, also within gzip or zstd; several files
    /// or a folder are one table; `-` is standard input
    #[arg(required = true)]
    pub(crate) data: Vec<String>,
    /// The column to predict
    #[arg(long)]
    pub(crate) target: String,
    /// The class whose probability is modelled, of two; needed unless it is called 1, true or yes. Of more than two
    /// classes, this one is modelled against all others; without it, all are modelled together (softmax)
    #[arg(help_heading = "Model", long, value_name = "LABEL")]
    pub(crate) positive: Option<String>,
    /// The columns to predict from [default: all but target, weights, offset and excluded ones]
    #[arg(help_heading = "Columns", long, value_delimiter = ',', value_name = "A,B,…")]
    pub(crate) features: Vec<String>,
    /// Columns to leave out
    #[arg(help_heading = "Columns", long, value_delimiter = ',', value_name = "A,B,…")]
    pub(crate) exclude: Vec<String>,
    /// Columns that are categories although they look like numbers
    #[arg(help_heading = "Columns", long, value_delimiter = ',', value_name = "A,B,…")]
    pub(crate) categorical: Vec<String>,
    /// The reference level of a category, or the base class of the target [default: the first in sorted order]; may be
    /// given more than once
    #[arg(help_heading = "Columns", long, value_name = "COLUMN=LEVEL", value_parser = reference)]
    pub(crate) reference: Vec<String>,
    /// Pool levels of fewer rows than this into `(other)`
    #[arg(help_heading = "Columns", long, default_value_t = 1, value_name = "N")]
    pub(crate) min_level_count: usize,
    /// What scoring does with a level that training has not seen
    #[arg(help_heading = "Columns", long, value_enum, default_value_t)]
    pub(crate) unseen: UnseenPolicy,
    /// Add the products of two columns; may be given more than once
    #[arg(help_heading = "Columns", long, value_name = "A:B", value_parser = interaction)]
    pub(crate) interaction: Vec<String>,
    /// Let a column bend: a natural cubic spline with N knots at quantiles; may be given more than once
    #[arg(help_heading = "Columns", long, value_name = "COLUMN:N", value_parser = spline)]
    pub(crate) spline: Vec<(String, usize)>,
    /// Columns to take the natural logarithm of
    #[arg(help_heading = "Columns", long, value_delimiter = ',', value_name = "A,B,…")]
    pub(crate) log: Vec<String>,
    /// Take dates apart into year, month, day of the week, and hour where there are times [default: days since 1970]
    #[arg(help_heading = "Columns", long)]
    pub(crate) date_parts: bool,
    /// The column of row weights
    #[arg(help_heading = "Weights", long, value_name = "COLUMN")]
    pub(crate) weights: Option<String>,
    /// What the weights stand for; coefficients are the same, standard errors are not
    #[arg(help_heading = "Weights", long, value_enum, default_value_t, requires = "weights", value_name = "KIND")]
    pub(crate) weight_kind: WeightKindName,
    /// A column that is added to the logit as it is; scoring needs it too
    #[arg(help_heading = "Model", long, value_name = "COLUMN")]
    pub(crate) offset: Option<String>,
    /// Weigh positive rows this many times as much. What rows are called follows the weights, probabilities do not
    #[arg(
        help_heading = "Weights",
        long,
        allow_negative_numbers = true,
        value_name = "X",
        conflicts_with = "class_weight"
    )]
    pub(crate) pos_weight: Option<f64>,
    /// Weigh classes against each other: `balanced`, or CLASS=X, which may be given more than once. What rows are called
    /// follows the weights, probabilities do not
    #[arg(help_heading = "Weights", long, value_name = "balanced|CLASS=X")]
    pub(crate) class_weight: Vec<String>,
    /// Leave probabilities as the weights of the classes shift them
    #[arg(help_heading = "Weights", long)]
    pub(crate) raw_probabilities: bool,
    /// What to do with missing values in features
    #[arg(help_heading = "Columns", long, value_enum, default_value_t)]
    pub(crate) missing: MissingPolicy,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten, next_help_heading = "How the data are read")]
    pub(crate) memory: MemoryArgs,
    #[command(flatten)]
    pub(crate) penalty: PenaltyArgs,
    /// Leave the intercept out
    #[arg(help_heading = "Model", long)]
    pub(crate) no_intercept: bool,
    #[command(flatten)]
    pub(crate) inference: InferenceArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// The way to the optimum
    #[arg(help_heading = "Solver", long, value_enum, default_value_t)]
    pub(crate) solver: SolverName,
    /// Step length of sgd and adam, in standardised columns [default: 0.1; of adam with --hidden 0.01]
    #[arg(help_heading = "Solver", long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) learning_rate: Option<f64>,
    /// Passes of sgd and adam over the rows
    #[arg(help_heading = "Solver", long, default_value_t = 100, value_name = "N")]
    pub(crate) epochs: usize,
    /// Rows in a mini-batch of sgd and adam
    #[arg(help_heading = "Solver", long, default_value_t = 16, value_name = "N")]
    pub(crate) batch_size: usize,
    /// Seed of the mini-batches, of hidden layers, of the test rows, the folds and the resamples
    #[arg(help_heading = "Solver", long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Hold out this share of the rows, at random, and evaluate on them. Levels, classes and fill values are learnt
    /// from all rows
    #[arg(
        help_heading = "Evaluation",
        long,
        allow_negative_numbers = true,
        value_name = "X",
        conflicts_with = "test_data"
    )]
    pub(crate) test_fraction: Option<f64>,
    /// Evaluate on this file, or these files between commas
    #[arg(help_heading = "Evaluation", long, value_delimiter = ',', value_name = "FILE")]
    pub(crate) test_data: Vec<String>,
    /// Probabilities of at least this are called positive: a number, or how to choose one on the training rows, namely
    /// f1, youden, cost:FP,FN (the costs of a false positive and of a false negative), precision:X or recall:X (the
    /// best of the other at no less than X)
    #[arg(
        help_heading = "Evaluation",
        long,
        allow_negative_numbers = true,
        default_value = "0.5",
        value_name = "X | RULE"
    )]
    pub(crate) threshold: Threshold,
    /// Average marginal effects: how far each column moves the probability
    #[arg(help_heading = "Inference", long)]
    pub(crate) effects: bool,
    /// Variance inflation, the condition of the design, and the rows that pull most at the fit
    #[arg(help_heading = "Inference", long)]
    pub(crate) diagnostics: bool,
    /// Where to write the model
    #[arg(help_heading = "Output", short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Where to write the pictures, as SVG and PNG
    #[arg(help_heading = "Output", long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
    /// Write down every pass over the rows, so that the same command goes on where a run that was killed had come to, and
    /// ends with the same model; removed at the end
    #[arg(help_heading = "Output", long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Where to write a page about the model and its rows: those held out or of the test files, where there are such
    #[arg(help_heading = "Output", long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON
    #[arg(help_heading = "Output", long)]
    pub(crate) json: bool,
}

impl TrainArgs {
    /// Whether a fit goes over mini-batches.
    pub(crate) fn in_epochs(&self) -> bool {
        self.network.is_some() || matches!(self.solver, SolverName::Sgd | SolverName::Adam)
    }
}

// Names may hold the separator as well; where to cut is known with the table.
fn reference(typed: &str) -> Result<String, String> {
    if typed.contains('=') { Ok(typed.to_string()) } else { Err("expected COLUMN=LEVEL".to_string()) }
}

fn interaction(typed: &str) -> Result<String, String> {
    if typed.contains(':') { Ok(typed.to_string()) } else { Err("expected A:B, two columns".to_string()) }
}

fn spline(typed: &str) -> Result<(String, usize), String> {
    let knots = typed.rsplit_once(':').and_then(|(column, knots)| Some((column, knots.parse::<usize>().ok()?)));
    match knots {
        Some((column, knots @ 3..=20)) => Ok((column.to_string(), knots)),
        _ => Err("expected COLUMN:N with 3 to 20 knots".to_string()),
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum UnseenPolicy {
    /// Refuse it, with its place
    #[default]
    Error,
    /// Score it as the reference level
    Baseline,
    /// Score it as `(other)`, in columns where rare levels were pooled
    Other,
}

impl From<UnseenPolicy> for Unseen {
    fn from(policy: UnseenPolicy) -> Self {
        match policy {
            UnseenPolicy::Error => Unseen::Error,
            UnseenPolicy::Baseline => Unseen::Baseline,
            UnseenPolicy::Other => Unseen::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum MissingPolicy {
    /// Refuse them, with the place of the first
    #[default]
    Error,
    /// Leave such rows out, counted in a warning
    Drop,
    /// Put the median or the most frequent level in their place, and add an indicator column
    Impute,
}

impl From<MissingPolicy> for Missing {
    fn from(policy: MissingPolicy) -> Self {
        match policy {
            MissingPolicy::Error => Missing::Error,
            MissingPolicy::Drop => Missing::Drop,
            MissingPolicy::Impute => Missing::Impute,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum WeightKindName {
    /// A row of weight 2 is two rows
    #[default]
    Frequency,
    /// A row of weight 2 stands for twice as many of a population: robust standard errors, no tests by likelihood
    Sampling,
}

impl From<WeightKindName> for WeightKind {
    fn from(name: WeightKindName) -> Self {
        match name {
            WeightKindName::Frequency => WeightKind::Frequency,
            WeightKindName::Sampling => WeightKind::Sampling,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SolverName {
    /// Newton's method, by factors or by conjugate gradients, whichever is expected to cost less
    #[default]
    Auto,
    /// Newton's method, by a factor of the Hessian
    Newton,
    /// Newton's method, by conjugate gradients
    NewtonCg,
    /// Limited-memory BFGS
    Lbfgs,
    /// Stochastic gradient descent over mini-batches
    Sgd,
    /// Adam over mini-batches
    Adam,
}

impl SolverName {
    /// The name, as it is typed.
    pub(crate) fn typed(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_string())
    }
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateArgs {
    /// The model file
    pub(crate) model: PathBuf,
    /// The data, with the target column, in any format that `train` reads
    #[arg(required = true)]
    pub(crate) data: Vec<String>,
    /// Probabilities of at least this are called positive: a number, or how to choose one on these rows, as for `train`
    /// [default: the model's own]
    #[arg(long, allow_negative_numbers = true, value_name = "X | RULE")]
    pub(crate) threshold: Option<Threshold>,
    /// Resamples behind the intervals that have no formula; 0 for none [default: 1000, from 200,000 rows on fewer]
    #[arg(long, value_name = "N")]
    pub(crate) bootstrap: Option<usize>,
    /// Seed of the resamples
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Another model of the same target, to compare with on these rows
    #[arg(long, value_name = "MODEL")]
    pub(crate) compare: Option<PathBuf>,
    /// The column of row weights
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weights: Option<String>,
    /// Where to write the pictures, as SVG and PNG
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct PredictArgs {
    /// The model file
    pub(crate) model: PathBuf,
    /// The data, in any format that `train` reads
    #[arg(required = true)]
    pub(crate) data: Vec<String>,
    /// Where to write the scored rows, all of them or none [default: standard output, to which rows before a fault
    /// have gone when it is met]
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct SummaryArgs {
    /// The model file
    pub(crate) model: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The model file
    pub(crate) model: PathBuf,
    /// The format: `onnx` and the functions in `sql`, `c`, `javascript` and `pmml` score rows as the model does, and carry golden
    /// rows and a bound on their numerical error; `safetensors` has weight and bias over the design matrix, for PyTorch; a model
    /// with hidden layers has `onnx` and `safetensors` alone;
    /// `scorecard` the points of every level, 20 of which double the odds; `csv`, `latex` and `markdown` the coefficients
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(export::Format::NAMES))]
    pub(crate) to: String,
    /// Whose SQL it is
    #[arg(long, value_name = "DIALECT", value_parser = PossibleValuesParser::new(export::Dialect::NAMES), required_if_eq("to", "sql"))]
    pub(crate) dialect: Option<String>,
    /// Where to write the file, whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub(crate) output: String,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// The model file
    pub(crate) model: PathBuf,
    /// The data, with the target column, in any format that `train` reads; without, the page tells what the model knows
    pub(crate) data: Vec<String>,
    /// Where to write the page; `/dev/stdout` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub(crate) output: PathBuf,
    /// The column of row weights
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weights: Option<String>,
    /// Resamples behind the intervals that have no formula; 0 for none [default: 1000, from 200,000 rows on fewer]
    #[arg(long, value_name = "N")]
    pub(crate) bootstrap: Option<usize>,
    /// Seed of the resamples
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) memory: MemoryArgs,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShapeName {
    /// Gaussian blobs (make_blobs)
    #[default]
    Blobs,
    /// Two interleaving half circles (make_moons)
    Moons,
    /// A circle within another (make_circles)
    Circles,
}

#[derive(Args, Debug)]
pub(crate) struct BlobsArgs {
    /// What to draw: --n-features, --centers, --cluster-std and --center-box are of blobs, --noise of moons and circles
    #[arg(long, value_enum, default_value_t)]
    pub(crate) shape: ShapeName,
    /// The number of points, or one number per centre, moon or circle
    #[arg(long, value_delimiter = ',', default_value = "100", value_name = "N[,N…]")]
    pub(crate) n_samples: Vec<usize>,
    /// The number of coordinates
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) n_features: usize,
    /// The number of centres, or the centres themselves: coordinates between commas, centres between semicolons
    /// [default: 3, or one per count]
    #[arg(long, value_name = "N | X,Y;X,Y", allow_hyphen_values = true)]
    pub(crate) centers: Option<String>,
    /// The standard deviation around every centre, or one per centre
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "X[,X…]")]
    pub(crate) cluster_std: Vec<f64>,
    /// The bounds of drawn centres
    #[arg(
        long,
        value_delimiter = ',',
        num_args = 1,
        default_value = "-10,10",
        value_name = "LOW,HIGH",
        allow_hyphen_values = true
    )]
    pub(crate) center_box: Vec<f64>,
    /// The standard deviation of what is added to the points of moons and circles [default: 0]
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) noise: Option<f64>,
    /// The radius of the inner circle over that of the outer one [default: 0.8]
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) factor: Option<f64>,
    /// Keep the points in the order of their blobs
    #[arg(long)]
    pub(crate) no_shuffle: bool,
    /// The seed, scikit-learn's random_state
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u32,
}

#[derive(Args, Debug)]
pub(crate) struct TutorialArgs {
    /// Train hidden layers too, which the notebook ends by hoping for: beside the rule of Bayes on its blobs, and on two moons
    #[arg(long)]
    pub(crate) layers: bool,
    /// Where to write the pictures, as SVG and PNG, and the rows for training and testing, as CSV
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
