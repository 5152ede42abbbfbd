//! `logistic predict`.

use std::io::Write;
use std::path::Path;

use logistic::Error;
use logistic::file::OutputFile;
use logistic::model::Model;

use crate::Outcome;
use crate::args::PredictArgs;
use crate::output::warn;
use crate::progress::Reading;

pub(crate) fn run(args: &PredictArgs) -> Outcome {
    refuse_itself(args)?;
    let model = Model::load(&args.model)?;
    let options = args.format.options(Vec::new());
    let bar = Reading::new(&args.data);
    let progress = |bytes| bar.hear(bytes);
    let warnings = if args.output == "-" {
        let io = |source| Error::Io { path: "-".into(), action: "write", source };
        let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
        let warnings = model.score(&args.data, options, &progress, &mut stdout).map_err(|error| error.at("-"))?;
        stdout.flush().map_err(io)?;
        warnings
    } else {
        let mut output = OutputFile::create(Path::new(&args.output))?;
        let scored = model.score(&args.data, options, &progress, output.writer());
        let warnings = scored.map_err(|error| error.at(&args.output))?;
        output.keep()?;
        warnings
    };
    drop(bar);
    warn(&warnings);
    Ok(())
}

/// An input that becomes its own output is lost.
fn refuse_itself(args: &PredictArgs) -> Outcome {
    let real = |path: &str| std::fs::canonicalize(path).ok();
    let Some(output) = real(&args.output) else { return Ok(()) };
    match args.data.iter().any(|input| real(input).as_ref() == Some(&output)) {
        true => Err(Error::Setting {
            name: "output",
            expected: "another file than the input".to_string(),
            found: format!("`{}`", args.output),
        }),
        false => Ok(()),
    }
}
