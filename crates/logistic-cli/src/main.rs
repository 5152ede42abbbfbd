//! The command line of logistic: what was typed becomes settings, one library call, and words.

mod args;
mod blobs;
mod classes;
mod compare;
mod diagnostics;
mod evaluate;
mod gains;
mod inference;
mod measure;
mod output;
mod penalty;
mod predict;
mod progress;
mod separation;
mod summary;
mod train;
mod tutorial;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use logistic::Error;
use serde_json::json;

use args::{Cli, Command};

/// What a command ends with. Results are already written.
type Outcome = Result<(), Error>;

fn main() -> ExitCode {
    quieten_readers();
    let cli = Cli::parse();
    let json = cli.command.json();
    let outcome = match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Blobs(args) => blobs::run(&args),
        Command::Tutorial(args) => tutorial::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has read enough: nothing went wrong.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error, json);
            ExitCode::FAILURE
        }
    }
}

/// Keeps the words of a panic inside the Parquet and Arrow readers from the terminal: the library catches it, and the
/// error that it becomes says what there is to say.
fn quieten_readers() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !["parquet-", "arrow-", "flatbuffers-"].iter().any(|reader| file.contains(reader)) {
            tell(panic);
        }
    }));
}

/// The error in words on stderr, or as JSON on stdout. Where even that cannot be written, the exit code says it.
fn tell(error: &Error, json: bool) {
    if json {
        let place = error.place();
        let told = json!({"error": {
            "kind": error.kind(),
            "message": error.to_string(),
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "help": error.help(),
        }});
        let _ = writeln!(std::io::stdout(), "{told:#}");
        return;
    }
    let mut stderr = std::io::stderr();
    let _ = writeln!(stderr, "error: {error}");
    if let Some(help) = error.help() {
        let _ = writeln!(stderr, "help: {help}");
    }
}
