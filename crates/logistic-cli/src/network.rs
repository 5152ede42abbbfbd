//! Hidden layers: what can be asked of them, how they are trained, and how they are told.

use std::fmt::Write;
use std::time::Instant;

use clap::{Args, ValueEnum};
use logistic::Error;
use logistic::dataset::Rows;
use logistic::model::{EarlyStopping, LogisticRegression, Method, Model, NetworkTraining, Training, WeightKind};
use logistic::objective::{Activation, Network};
use serde_json::{Value, json};

use crate::args::{SolverName, TrainArgs};
use crate::data::Data;
use crate::host::Host;
use crate::inference::CovarianceName;
use crate::output::short;
use crate::train::Fitted;
use crate::{Outcome, classes};

/// The step length of Adam through hidden layers; ten times as much makes the losses leap.
const LEARNING_RATE: f64 = 0.01;

#[derive(Args, Debug)]
#[command(next_help_heading = "Hidden layers")]
pub(crate) struct NetworkArgs {
    /// Hidden layers of so many units each, between the columns and the probability: trained by adam, or sgd, on columns
    /// scaled to a standard deviation of 1, where --l2 acts as well. There are no coefficients then, and no inference
    #[arg(long, value_delimiter = ',', value_name = "N,N,…")]
    hidden: Vec<usize>,
    /// What a hidden unit makes of its sum
    #[arg(long, value_enum, default_value_t, requires = "hidden")]
    activation: ActivationName,
    /// Keep this share of the training rows apart, at random, and keep the parameters of the epoch with the least loss on
    /// them
    #[arg(long, allow_negative_numbers = true, value_name = "X", requires = "hidden")]
    validation_fraction: Option<f64>,
    /// Stop after so many epochs without a lower loss on those rows
    #[arg(long, default_value_t = 10, value_name = "N", requires = "validation_fraction")]
    validation_patience: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ActivationName {
    /// max(z, 0)
    #[default]
    Relu,
    /// The hyperbolic tangent
    Tanh,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Relu => Activation::Relu,
            ActivationName::Tanh => Activation::Tanh,
        }
    }
}

impl NetworkArgs {
    /// Whether there are hidden layers.
    pub(crate) fn is_some(&self) -> bool {
        !self.hidden.is_empty()
    }

    fn early_stopping(&self) -> Option<EarlyStopping> {
        self.validation_fraction.map(|fraction| EarlyStopping { fraction, patience: self.validation_patience })
    }
}

/// Refuses what a network has not.
pub(crate) fn check(args: &TrainArgs) -> Outcome {
    if !args.network.is_some() {
        return Ok(());
    }
    let wrong = |name, expected: &str, found: String| {
        Err(Error::Setting { name, expected: format!("{expected}, with hidden layers"), found })
    };
    match args.solver {
        SolverName::Auto | SolverName::Adam | SolverName::Sgd => {}
        other => return wrong("solver", "`adam` or `sgd`", format!("`{}`", other.typed())),
    }
    let inference = &args.inference;
    let asked = [
        ("no-intercept", args.no_intercept),
        ("covariance", inference.covariance != CovarianceName::Information),
        ("cluster", inference.cluster.is_some()),
        ("lr-tests", inference.lr_tests),
        ("intervals", inference.intervals.is_some()),
        ("firth", inference.firth),
        ("relaxed", inference.relaxed),
        ("bootstrap", inference.bootstrap.is_some()),
        ("effects", args.effects),
        ("diagnostics", args.diagnostics),
        ("weight-kind", WeightKind::from(args.weight_kind) != WeightKind::Frequency),
        ("checkpoint", args.checkpoint.is_some()),
    ];
    let asked = asked.into_iter().filter_map(|(name, asked)| asked.then_some(name));
    match args.penalty.beyond_ridge().into_iter().chain(asked).next() {
        Some(name) => wrong(name, "left out", "asked for".to_string()),
        None => Ok(()),
    }
}

/// Trains the network.
pub(crate) fn fitted(args: &TrainArgs, data: &Data, rows: &Rows<'_>, host: Host<'_>) -> Result<Fitted, Error> {
    let started = Instant::now();
    let TrainArgs { epochs, batch_size, seed, .. } = *args;
    let rate = |by_itself| args.learning_rate.unwrap_or(by_itself);
    let method = match args.solver {
        SolverName::Sgd => Method::Sgd { learning_rate: rate(crate::train::LEARNING_RATE), epochs, batch_size, seed },
        _ => Method::Adam { learning_rate: rate(LEARNING_RATE), epochs, batch_size, seed },
    };
    let regression = LogisticRegression {
        penalty: args.penalty.penalty(&data.encoder.terms())?,
        method,
        class_weight: classes::weights(args, &data.encoder.target)?,
        ..LogisticRegression::default()
    };
    let training = NetworkTraining {
        hidden: args.network.hidden.clone(),
        activation: args.network.activation.into(),
        early_stopping: args.network.early_stopping(),
        regression,
    };
    let mut hear = host.hear(args, rows.dataset());
    let fit = training.fit(rows, &mut *hear).map_err(|error| error.in_file(&args.data[0]))?;
    drop(hear);
    host.go_on(args)?;
    let model = Model::of_network(data.encoder.clone(), fit, 0.5, data.encoded.warnings.clone());
    Ok(Fitted { model, path: None, fit_seconds: started.elapsed().as_secs_f64() })
}

/// Adds the keys of a network, where there is one.
pub(crate) fn add_keys(model: &Model, keys: &mut Value) {
    let (Some(network), Some(training)) = (&model.network, &model.training) else { return };
    let layers = network.layers();
    let mut told = json!({
        "hidden": layers.hidden(),
        "activation": layers.activation().name(),
        "n_parameters": layers.n_parameters(),
        "learning_rate": training.learning_rate,
        "batch_size": training.batch_size,
        "epochs": training.epochs,
        "epoch_losses": model.trace,
    });
    if let Some(validation) = &training.validation {
        told["validation"] = json!(validation);
        told["validation"]["best_loss"] = json!(validation.best_loss());
    }
    if let Some(without) = training.without_layers {
        told["without_layers"] = json!(without);
    }
    keys["network"] = told;
}

/// The layers, and how they were trained.
pub(crate) fn words(model: &Model, network: &Network, training: &Training) -> String {
    let (facts, layers) = (&model.facts, network.layers());
    let units: Vec<String> = layers.hidden().iter().map(ToString::to_string).collect();
    let mut text = format!(
        "hidden layers of {} units ({}), {} parameters\n",
        units.join(" and "),
        layers.activation().name(),
        layers.n_parameters()
    );
    let penalty = if facts.l2 > 0.0 { format!(", ridge penalty l2 = {}", short(facts.l2)) } else { String::new() };
    let _ = writeln!(
        text,
        "{} rows{penalty}, {} of length {} over batches of {}: {} of {} epochs",
        facts.n_rows,
        facts.solver,
        short(training.learning_rate),
        training.batch_size,
        facts.iterations,
        training.epochs
    );
    if let Some(validation) = &training.validation {
        let _ = writeln!(
            text,
            "{} rows kept apart: their loss was least after epoch {}, whose parameters were kept",
            validation.n_rows, validation.best_epoch
        );
    }
    text.push_str("no certificate: the objective of hidden layers is not convex, and this need not be its minimum\n\n");
    text.push_str(&losses(model, training));
    text
}

/// The mean losses, beside those of the same columns without hidden layers.
fn losses(model: &Model, training: &Training) -> String {
    let facts = &model.facts;
    let without = training.without_layers;
    let mut rows = vec![("rows of the fit", -facts.log_likelihood / facts.total_weight, without.map(|w| w.fitted))];
    if let Some(validation) = &training.validation {
        rows.push(("rows kept apart", validation.best_loss(), without.and_then(|w| w.apart)));
    }
    let mut text = String::new();
    for (name, loss, linear) in rows {
        let _ = write!(text, "mean log loss of the {name}: {}", short(loss));
        let _ = match linear {
            Some(linear) => writeln!(text, ", without hidden layers {}", short(linear)),
            None => writeln!(text),
        };
    }
    text
}
