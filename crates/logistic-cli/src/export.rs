//! `logistic export`.

use std::io::IsTerminal;
use std::path::Path;

use logistic::Error;
use logistic::export::{Format, export};
use logistic::file::OutputFile;
use logistic::model::Model;

use crate::Outcome;
use crate::args::ExportArgs;
use crate::output::write;

pub(crate) fn run(args: &ExportArgs) -> Outcome {
    let format = Format::named(&args.to, args.dialect.as_deref())?;
    refuse_output(args, format)?;
    let model = Model::load(&args.model)?;
    let bytes = export(&model, format)?;
    match args.output.as_str() {
        "-" => write(&bytes),
        path => OutputFile::replace(Path::new(path), &bytes),
    }
}

/// Bytes on a terminal help nobody, and a model that becomes its own export is lost.
fn refuse_output(args: &ExportArgs, format: Format) -> Outcome {
    let wrong =
        |expected: &str, found: String| Err(Error::Setting { name: "output", expected: expected.to_string(), found });
    if args.output == "-" {
        return match format.is_binary() && std::io::stdout().is_terminal() {
            true => wrong("a file, or a pipe, for a format that is no text", "a terminal".to_string()),
            false => Ok(()),
        };
    }
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    match real(Path::new(&args.output)).is_some_and(|output| real(&args.model) == Some(output)) {
        true => wrong("another file than the model", format!("`{}`", args.output)),
        false => Ok(()),
    }
}
