//! The command line of logistic: what was typed becomes settings, one library call, and words.
//!
//! The binary is [`run`] alone. Programs that have no words to type, but settings and tables, call the same commands
//! through [`Training`] and [`Measuring`].

mod args;
mod blobs;
mod call;
mod checkpoint;
mod classes;
mod compare;
mod data;
mod diagnostics;
mod elsewhere;
mod evaluate;
mod export;
mod gains;
mod host;
mod inference;
mod measure;
mod memory;
mod network;
mod output;
mod penalty;
mod predict;
mod progress;
mod report;
mod separation;
#[cfg(feature = "serve")]
mod serve;
mod summary;
mod train;
mod tutorial;

use std::ffi::OsString;
use std::io::Write;
use std::sync::Once;

use clap::Parser;
use logistic::Error;
use serde_json::json;

pub use call::{Given, Measuring, Reporting, Training, Usage, evaluation_keys, keys, words};
pub use elsewhere::Asking;
pub use host::{Hear, Host, Reader};
pub use memory::free_memory;
pub use report::shell;
pub use train::Trained;

pub use args::TrainArgs;
use args::{Cli, Command};

/// What a command ends with. Results are already written.
type Outcome = Result<(), Error>;

/// Runs the command line with these arguments, the program's name first, and gives the code to exit with.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    quieten_readers();
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let typed = shell("logistic", &args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(wrong) => {
            // Help goes to standard output, a wrong word to standard error; if that is closed, the code remains.
            let _ = wrong.print();
            return wrong.exit_code() as u8;
        }
    };
    let json = cli.command.json();
    let outcome = match cli.command {
        Command::Train(args) => train::run(&args, &typed),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Report(args) => report::run(&args, &typed),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::run(&args),
        Command::Blobs(args) => blobs::run(&args),
        Command::Tutorial(args) => tutorial::run(&args),
    };
    match outcome {
        Ok(()) => 0,
        // The reader of a pipe has read enough: nothing went wrong.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            tell(&error, json);
            1
        }
    }
}

/// Keeps the words of a panic inside the Parquet and Arrow readers from the terminal: the library catches it, and the
/// error that it becomes says what there is to say.
pub fn quieten_readers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |location| location.file());
            if !["parquet-", "arrow-", "flatbuffers-"].iter().any(|reader| file.contains(reader)) {
                tell(panic);
            }
        }));
    });
}

/// The error in words on stderr, or as JSON on stdout. Where even that cannot be written, the exit code says it.
pub fn tell(error: &Error, json: bool) {
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
