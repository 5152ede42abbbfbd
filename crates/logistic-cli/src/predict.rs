//! `logistic predict`.

use std::io::Write;
use std::path::Path;

use logistic::Error;
use logistic::file::OutputFile;
use logistic::model::Model;

use crate::Outcome;
use crate::args::PredictArgs;
use crate::output::{refuse_itself, warn};
use crate::progress::Reading;

pub(crate) fn run(args: &PredictArgs) -> Outcome {
    refuse_itself("output", Path::new(&args.output), args.data.iter().map(Path::new))?;
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
