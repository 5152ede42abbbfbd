//! Commands called by a program: the settings come as names and values, and go through what reads them when typed, so
//! that meanings, defaults and refusals are the same.

use std::ffi::OsString;

use clap::{Command as Typed, CommandFactory, FromArgMatches};
use logistic::Error;
use logistic::encode::Survey;
use logistic::error::Warning;
use logistic::evaluate::Evaluation;
use logistic::model::Model;
use logistic::table::ReadOptions;
use serde_json::Value;

use crate::args::{Cli, Command, EvaluateArgs, ReportArgs, TrainArgs};
use crate::elsewhere::Asking;
use crate::host::{Host, Reader};
use crate::train::Trained;
use crate::{data, elsewhere, evaluate, report, summary, train};

/// A setting by its name with underscores, and its values; `true` or `false` for one that takes none.
pub type Given = (String, Vec<String>);

/// Settings that no command can be called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// There is none of this name; those that there are.
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A value is not what it must be, or values do not go together.
    Wrong {
        /// Why, in the words of the command line.
        message: String,
    },
}

/// `train`, to be called.
pub struct Training(Box<TrainArgs>, String);

impl Training {
    /// Reads the settings; `data` is what the table is called.
    ///
    /// # Errors
    /// [`Usage`] for what could not be typed either.
    pub fn new(data: &[String], given: &[Given]) -> Result<Self, Usage> {
        match parsed("train", data, given)? {
            Command::Train(args) => Ok(Training(args, called("logistic.fit", data, given))),
            _ => Err(Usage::Wrong { message: "expected `train`".to_string() }),
        }
    }

    /// Of settings that were typed, as part of a command line; `typed` is the whole of it.
    pub fn typed(args: TrainArgs, typed: String) -> Self {
        Training(Box::new(args), typed)
    }

    /// What was given as the data.
    pub fn data(&self) -> &[String] {
        &self.0.data
    }

    /// Whether results, and errors, are wanted as JSON.
    pub fn json(&self) -> bool {
        self.0.json
    }

    /// Prints what `logistic train` prints.
    ///
    /// # Errors
    /// [`Error::Io`] where nothing can be written.
    pub fn tell(&self, trained: &Trained) -> Result<(), Error> {
        train::tell(&self.0, trained)
    }

    /// Fits the model, and writes the files that were asked for.
    ///
    /// # Errors
    /// Those of `logistic train`.
    pub fn run(&self, host: Host<'_>) -> Result<Trained, Error> {
        train::train(&self.0, host, &self.1)
    }

    /// The same, of rows that an engine holds: `survey` is of all of them, and `engine` asks them.
    ///
    /// # Errors
    /// Those of `logistic train`, and [`Error::Setting`] for what looks at rows one by one.
    pub fn run_elsewhere(&self, host: Host<'_>, survey: &Survey, engine: &Asking<'_>) -> Result<Trained, Error> {
        elsewhere::train(&self.0, host, survey, engine)
    }

    /// How the columns are to be read, and which.
    pub fn reading(&self) -> ReadOptions {
        data::reading(&self.0)
    }
}

/// `evaluate`, to be called.
pub struct Measuring(EvaluateArgs);

impl Measuring {
    /// Reads the settings; `data` is what the table is called.
    ///
    /// # Errors
    /// [`Usage`] for what could not be typed either.
    pub fn new(data: &[String], given: &[Given]) -> Result<Self, Usage> {
        let model = std::iter::once("model".to_string());
        match parsed("evaluate", &model.chain(data.iter().cloned()).collect::<Vec<_>>(), given)? {
            Command::Evaluate(args) => Ok(Measuring(args)),
            _ => Err(Usage::Wrong { message: "expected `evaluate`".to_string() }),
        }
    }

    /// The answer under its `--json` keys, and what was odd about the rows.
    ///
    /// # Errors
    /// Those of `logistic evaluate`.
    pub fn run(&self, model: &Model, read: &Reader<'_>) -> Result<(Value, Vec<Warning>), Error> {
        evaluate::evaluate(&self.0, model, read).map(|evaluated| (evaluated.keys, evaluated.warnings))
    }
}

/// `report`, to be called.
pub struct Reporting(ReportArgs, String);

impl Reporting {
    /// Reads the settings; `data` is what the table is called, and may be empty.
    ///
    /// # Errors
    /// [`Usage`] for what could not be typed either.
    pub fn new(data: &[String], given: &[Given]) -> Result<Self, Usage> {
        let model = std::iter::once("model".to_string());
        match parsed("report", &model.chain(data.iter().cloned()).collect::<Vec<_>>(), given)? {
            Command::Report(args) => Ok(Reporting(args, called("model.report", data, given))),
            _ => Err(Usage::Wrong { message: "expected `report`".to_string() }),
        }
    }

    /// Writes the page, and gives what was odd about the rows.
    ///
    /// # Errors
    /// Those of `logistic report`.
    pub fn run(&self, model: &Model, read: &Reader<'_>) -> Result<Vec<Warning>, Error> {
        report::report(&self.0, model, read, &self.1)
    }
}

/// A model in the words of `logistic summary`.
pub fn words(model: &Model) -> String {
    summary::text(model)
}

/// A model under the keys of `logistic summary --json`.
pub fn keys(model: &Model) -> Value {
    summary::keys(model)
}

/// An evaluation under the keys of `logistic evaluate --json`.
pub fn evaluation_keys(evaluation: &Evaluation) -> Value {
    evaluate::keys(evaluation)
}

/// A call as it stands in a program in Python.
fn called(function: &str, data: &[String], given: &[Given]) -> String {
    let literal = |value: &String| match value.as_str() {
        "true" => "True".to_string(),
        "false" => "False".to_string(),
        number if number.parse::<f64>().is_ok_and(f64::is_finite) => number.to_string(),
        // A frame has no name that a program would know.
        frame if frame.starts_with('<') && frame.ends_with('>') => frame.trim_matches(['<', '>']).to_string(),
        text => format!("{text:?}"),
    };
    let of = |values: &[String]| match values {
        [one] => literal(one),
        several => format!("[{}]", several.iter().map(literal).collect::<Vec<_>>().join(", ")),
    };
    let data = (!data.is_empty()).then(|| of(data));
    let named = given.iter().map(|(name, values)| format!("{name}={}", of(values)));
    format!("{function}({})", data.into_iter().chain(named).collect::<Vec<_>>().join(", "))
}

/// What the command would be, had these words been typed.
fn parsed(name: &str, positional: &[String], given: &[Given]) -> Result<Command, Usage> {
    // Values come apart already, and a name may hold the separator.
    let whole = |command: Typed| command.mut_args(|arg| arg.value_delimiter(None));
    let command = Cli::command().mut_subcommand(name, whole);
    let mut words = vec![OsString::from("logistic"), name.into()];
    if let Some(own) = command.find_subcommand(name) {
        for given in given {
            words.extend(typed(own, given)?);
        }
    }
    words.push("--".into());
    words.extend(positional.iter().map(OsString::from));
    let matches = command.try_get_matches_from(words);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|wrong| wrong_use(&wrong))?;
    Ok(cli.command)
}

/// A setting as it would be typed.
fn typed(command: &Typed, (name, values): &Given) -> Result<Vec<OsString>, Usage> {
    let own = |arg: &&clap::Arg| !arg.is_positional() && arg.get_id() != "json";
    let Some(arg) = command.get_arguments().filter(own).find(|arg| arg.get_id() == name.as_str()) else {
        let known = command.get_arguments().filter(own).map(|arg| arg.get_id().to_string());
        return Err(Usage::Unknown { name: name.clone(), known: known.collect() });
    };
    let long = arg.get_long().unwrap_or_default();
    if arg.get_action().takes_values() {
        return Ok(values.iter().map(|value| format!("--{long}={value}").into()).collect());
    }
    match values.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["true"] => Ok(vec![format!("--{long}").into()]),
        ["false"] => Ok(Vec::new()),
        _ => Err(Usage::Wrong { message: format!("`{name}` is true or false, found `{}`", values.join("`, `")) }),
    }
}

/// What the parser says, without the parts that help somebody who types.
fn wrong_use(wrong: &clap::Error) -> Usage {
    let words = wrong.render().to_string();
    let words = words.strip_prefix("error: ").unwrap_or(&words);
    let first = words.split("\n\n").next().unwrap_or_default();
    Usage::Wrong { message: first.split_whitespace().collect::<Vec<_>>().join(" ") }
}
