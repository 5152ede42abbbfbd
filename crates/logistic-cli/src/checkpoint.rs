//! `--checkpoint`: what a run has computed, for the run that takes its place.

use std::sync::Arc;

use logistic::Error;
use logistic::file::Journal;

use crate::args::TrainArgs;
use crate::data::Data;

/// Opens the journal that was asked for, and has the passes over the rows written to it.
pub(crate) fn of(args: &TrainArgs, data: &mut Data) -> Result<Option<Arc<Journal>>, Error> {
    let Some(path) = &args.checkpoint else { return Ok(None) };
    let mut run = format!("{:?}{:?}{:?}", args.weights, data.encoder, data.encoded.dataset.len());
    for name in &args.data {
        run += &file_mark(name)?;
    }
    let journal = Arc::new(Journal::open(path, run.as_bytes())?);
    data.encoded.dataset = data.encoded.dataset.clone().journaled(Arc::clone(&journal));
    Ok(Some(journal))
}

/// What tells a file, or the files of a folder, from what they were before somebody wrote to them.
fn file_mark(name: &str) -> Result<String, Error> {
    if name == "-" {
        return Err(Error::Setting {
            name: "checkpoint",
            expected: "data in files, which can be read again".to_string(),
            found: "standard input".to_string(),
        });
    }
    let io = |source| Error::Io { path: name.into(), action: "read", source };
    let metadata = std::fs::metadata(name).map_err(io)?;
    if !metadata.is_dir() {
        return Ok(format!("{name:?} {} {:?}", metadata.len(), metadata.modified().ok()));
    }
    let mut marks = Vec::new();
    for entry in std::fs::read_dir(name).map_err(io)? {
        marks.push(file_mark(&entry.map_err(io)?.path().display().to_string())?);
    }
    marks.sort_unstable();
    Ok(marks.concat())
}
