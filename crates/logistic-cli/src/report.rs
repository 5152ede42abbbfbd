//! `logistic report`, and the page that `train --report` writes.

use std::ffi::OsString;
use std::path::Path;

use logistic::Error;
use logistic::dataset::Rows;
use logistic::encode::Encoded;
use logistic::error::Warning;
use logistic::file::OutputFile;
use logistic::model::Model;
use logistic::report::{Report, Sample};
use logistic::table::Table;

use crate::Outcome;
use crate::args::{ReportArgs, TrainArgs};
use crate::data::Data;
use crate::host::{Host, Reader};
use crate::output::{refuse_itself, warn};

pub(crate) fn run(args: &ReportArgs, typed: &str) -> Outcome {
    let model = Model::load(&args.model)?;
    warn(&report(args, &model, Host::TERMINAL.read, typed)?);
    Ok(())
}

/// Writes the page, and gives what was odd about the rows; `typed` is what makes it again.
pub(crate) fn report(args: &ReportArgs, model: &Model, read: &Reader<'_>, typed: &str) -> Result<Vec<Warning>, Error> {
    if args.data.is_empty() && (args.weights.is_some() || args.bootstrap.is_some()) {
        let name = if args.weights.is_some() { "weights" } else { "bootstrap" };
        let expected = "left out, where no data are given".to_string();
        return Err(Error::Setting { name, expected, found: "asked for".to_string() });
    }
    let inputs = args.data.iter().map(Path::new).chain([args.model.as_path()]);
    refuse_itself("output", &args.output, inputs)?;
    let output = OutputFile::create(&args.output)?;
    let of_model = Report { command: Some(typed), resamples: args.bootstrap, seed: args.seed, ..Report::new(model) };
    if args.data.is_empty() {
        write(output, &args.output, &of_model.html()?)?;
        return Ok(Vec::new());
    }
    let table = read(&args.data, &args.memory.limit(args.format.labelled(model, args.weights.as_ref())))?;
    let encoded = model.encoder.labelled(&table, args.weights.as_deref())?;
    let (name, files) = (rows_of(encoded.dataset.len(), &args.data), args.data.join(", "));
    let data = Sample { name: &files, table: &table, encoded: &encoded, rows: None };
    let page = Report { data: Some(data), measured: Some(Sample { name: &name, ..data }), ..of_model };
    let html = page.html().map_err(|error| error.in_file(&args.data[0]))?;
    write(output, &args.output, &html)?;
    Ok(encoded.warnings)
}

/// Rows apart from those of the fit, that a model was tested on.
pub(crate) struct Apart {
    /// Kept where a page will ask for their cells.
    pub(crate) table: Option<Table>,
    pub(crate) encoded: Encoded,
}

/// The page of a model that was just trained, on the rows held out or the test files where there are such.
pub(crate) fn of_training(
    args: &TrainArgs,
    typed: &str,
    model: &Model,
    data: &Data,
    [rows, held_out]: &[Rows<'_>; 2],
    apart: Option<&Apart>,
) -> Result<String, Error> {
    let Some(table) = &data.table else { return Ok(String::new()) };
    let files = args.data.join(", ");
    let all = Sample { name: &files, table, encoded: &data.encoded, rows: None };
    let places: Vec<usize> = held_out.indices().collect();
    let name = match (apart, places.len()) {
        (Some(apart), _) => rows_of(apart.encoded.dataset.len(), &args.test_data),
        (None, 0) => format!("{}, which the model was fitted to", rows_of(rows.len(), &args.data)),
        (None, n) => format!("{} that were held out of the fit", rows_of(n, &args.data)),
    };
    let measured = match apart {
        Some(Apart { table: Some(table), encoded }) => Sample { name: &name, table, encoded, rows: None },
        _ => Sample { name: &name, rows: (!places.is_empty()).then_some(places.as_slice()), ..all },
    };
    let command = Some(typed);
    Report { data: Some(all), measured: Some(measured), command, seed: args.seed, ..Report::new(model) }.html()
}

/// `the 462 rows of heart.csv`.
fn rows_of(n: usize, files: &[String]) -> String {
    format!("the {n} rows of {}", files.join(", "))
}

/// Puts a page where its file was opened.
pub(crate) fn write(mut output: OutputFile, path: &Path, html: &str) -> Outcome {
    let io = |source| Error::Io { path: path.to_path_buf(), action: "write", source };
    output.writer().write_all(html.as_bytes()).map_err(io)?;
    output.keep()
}

/// Words as a shell takes them, the program's name first.
pub fn shell(program: &str, words: &[OsString]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,@%+".contains(c);
    let quoted = |word: &OsString| {
        let word = word.to_string_lossy();
        match !word.is_empty() && word.chars().all(plain) {
            true => word.into_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    };
    let rest = words.iter().skip(1).map(quoted);
    std::iter::once(program.to_string()).chain(rest).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_back() {
        let words = ["x", "train", "it's.csv", "--positive", "a b", "", "--costs=cost:1,2"].map(OsString::from);
        assert_eq!(shell("logistic", &words), r"logistic train 'it'\''s.csv' --positive 'a b' '' --costs=cost:1,2");
    }
}
