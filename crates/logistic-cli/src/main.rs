//! The binary `logistic`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(logistic_cli::run(std::env::args_os()))
}
