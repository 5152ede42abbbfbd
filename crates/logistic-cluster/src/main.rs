//! logistic on a cluster: one binary that is scheduler, executor and client of Apache Ballista, and embedded Apache
//! DataFusion. All of them are one version, since all must know the aggregate function that a pass is.

mod asked;
mod cached;
mod cluster;
mod function;
mod held;
mod keepers;
mod serve;
mod sessions;
mod tables;
mod tls;
mod train;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use logistic::Error;
use tokio::runtime::Runtime;

/// Logistic regression on a cluster
#[derive(Debug, Parser)]
#[command(name = "logistic-cluster", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scheduler(serve::SchedulerArgs),
    Executor(serve::ExecutorArgs),
    Train(Box<train::ClusterTrainArgs>),
}

fn main() -> ExitCode {
    // What draws plans with their metrics misses those of the kept rows, which have none, in every pass.
    let log = env_logger::Env::default().default_filter_or("error,ballista_scheduler::display=off");
    env_logger::Builder::from_env(log).init();
    logistic_cli::quieten_readers();
    let args: Vec<OsString> = std::env::args_os().collect();
    let typed = logistic_cli::shell("logistic-cluster", &args);
    let done = match Cli::parse_from(args).command {
        Command::Scheduler(args) => with_runtime(serve::scheduler(&args, |address| {
            // Whoever starts it reads where it is; if nobody does, it serves all the same.
            let _ = writeln!(std::io::stdout(), "listening on {address}");
        })),
        Command::Executor(args) => with_runtime(serve::executor(&args)),
        Command::Train(args) => args.run(typed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((error, json)) => {
            logistic_cli::tell(&error, json);
            ExitCode::FAILURE
        }
    }
}

fn with_runtime(work: impl Future<Output = Result<(), Error>>) -> Result<(), (Error, bool)> {
    let runtime = Runtime::new().map_err(|error| (cluster::failed("this process", &error), false))?;
    runtime.block_on(work).map_err(|error| (error, false))
}
