//! The model as a JSON file: `format_version`, `checksum`, `model`.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Coefficient, Model};
use crate::error::{Error, Result, quoted};
use crate::file::OutputFile;

/// The format that a model without hidden layers is written in.
const OF_COEFFICIENTS: u64 = 3;
/// The format that a network is written in, and the newest that this version reads.
const FORMAT_VERSION: u64 = 4;
/// Stands for the checksum while it is computed.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const CHECKSUM_KEY: &str = "\"checksum\": \"";

#[derive(Serialize)]
struct Written<'m> {
    format_version: u64,
    checksum: &'static str,
    model: &'m Model,
}

#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

#[derive(Deserialize)]
struct Read {
    model: Model,
}

impl Model {
    /// The text of the model file. The checksum is the SHA-256 of the text with zeros in its own place, so that a
    /// change to any byte shows.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when the model holds a number that JSON cannot.
    pub fn to_json(&self) -> Result<String> {
        let format_version = if self.is_network() { FORMAT_VERSION } else { OF_COEFFICIENTS };
        let written = Written { format_version, checksum: BLANK, model: self };
        let mut text = serde_json::to_string_pretty(&written)
            .map_err(|error| refused("the model", &error.to_string(), "report this as a defect"))?;
        text.push('\n');
        let sum = sha256(&text);
        Ok(text.replacen(BLANK, &sum, 1))
    }

    /// Reads the text of a model file; `path` is for errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`] when the text is no model, of a newer format, or was changed since it was written.
    pub fn from_json(text: &str, path: &str) -> Result<Model> {
        let no_model = |problem: &str| refused(path, problem, "a model file is written by `logistic train -o`");
        let version: Version =
            serde_json::from_str(text).map_err(|error| no_model(&format!("not a model file: {error}")))?;
        if version.format_version > FORMAT_VERSION {
            let problem = format!(
                "format version {} is newer than {FORMAT_VERSION}, the newest this program reads",
                version.format_version
            );
            return Err(refused(path, &problem, "use a newer version of logistic"));
        }
        let start = text.find(CHECKSUM_KEY).ok_or_else(|| no_model("not a model file: no checksum"))?;
        let start = start + CHECKSUM_KEY.len();
        let found = text.get(start..start + BLANK.len()).ok_or_else(|| no_model("not a model file: cut off"))?;
        let blanked = format!("{}{BLANK}{}", &text[..start], &text[start + BLANK.len()..]);
        if sha256(&blanked) != found {
            let help = "fetch the file again, or train the model again";
            return Err(refused(path, "the checksum does not match: the file was changed after it was written", help));
        }
        let read: Read = serde_json::from_str(text).map_err(|error| no_model(&format!("not a model: {error}")))?;
        read.model.check().map_err(|problem| no_model(&problem))?;
        Ok(read.model)
    }

    /// Whether coefficients and columns belong together; if not, why.
    fn check(&self) -> std::result::Result<(), String> {
        if let Some(source) = self.encoder.unsound() {
            return Err(format!("not a model: the knots of {} are not three that rise", quoted(&source.name)));
        }
        if let Some(source) = self.encoder.misremembered() {
            return Err(format!("not a model: {} cannot have been seen in training as it says", quoted(&source.name)));
        }
        if self.cross_validation.as_ref().is_some_and(|found| !found.is_sound()) {
            return Err("not a model: the penalty chosen is not one of those compared".to_string());
        }
        let n = self.coefficients.iter().filter(|coefficient| coefficient.estimate.is_some()).count();
        if !self.covariance.is_empty() && self.covariance.len() != n * (n + 1) / 2 {
            return Err("not a model: the covariance is not that of its coefficients".to_string());
        }
        let facts = &self.facts;
        let numbers =
            [facts.objective, facts.gradient_max_norm, facts.gap, facts.log_likelihood, facts.null_log_likelihood];
        if !facts.is_imported() && numbers.iter().any(|number| number.is_nan()) {
            return Err("not a model: a number of its fit is missing".to_string());
        }
        let classes = &self.encoder.target.classes;
        if classes.len() < 2 {
            return Err("not a model: the target has not two classes".to_string());
        }
        let of_classes = [&self.facts.class_weight, &self.class_weight];
        if of_classes.iter().any(|weights| !weights.is_empty() && weights.len() != classes.len()) {
            return Err("not a model: the weights are not those of its classes".to_string());
        }
        if self.is_network() || self.training.is_some() {
            return self.check_network();
        }
        let outputs: Vec<&[Coefficient]> = self.coefficients.chunk_by(|a, b| a.class == b.class).collect();
        let named = outputs.iter().map(|own| own[0].class.as_ref());
        let expected: Vec<Option<&String>> = match classes.len() {
            2 => vec![None],
            n => classes.iter().skip(n.saturating_sub(outputs.len())).map(Some).collect(),
        };
        // A model of two classes may be without any coefficient.
        if !(outputs.is_empty() && classes.len() == 2) && (!named.eq(expected) || outputs.len() + 1 < classes.len()) {
            return Err("not a model: the coefficients are not those of its classes".to_string());
        }
        let terms: HashSet<String> = self.encoder.terms().into_iter().map(|term| term.term).collect();
        outputs.iter().try_for_each(|own| check_output(own, &terms))
    }

    /// Writes the model file in one move: a reader finds the old file or the new one, never a part.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        OutputFile::replace(path, self.to_json()?.as_bytes())
    }

    /// Loads a model file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::ModelFile`] as [`Model::from_json`].
    pub fn load(path: &Path) -> Result<Model> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), action: "read", source })?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|_| {
            refused(&name, "not a model file: not text", "give the file that `logistic train -o` wrote")
        })?;
        Model::from_json(&text, &name)
    }
}

/// Whether every column has one coefficient in an output; if not, why.
fn check_output(coefficients: &[Coefficient], terms: &HashSet<String>) -> std::result::Result<(), String> {
    let mut known = HashSet::new();
    for (at, coefficient) in coefficients.iter().enumerate() {
        let intercept = at == 0 && coefficient.column.is_none();
        if !intercept && coefficient.estimate.is_some() && !terms.contains(&coefficient.term) {
            return Err(format!("not a model: the coefficient {} has no column", quoted(&coefficient.term)));
        }
        if !known.insert(coefficient.term.as_str()) {
            return Err(format!("not a model: the coefficient {} twice", quoted(&coefficient.term)));
        }
    }
    match terms.iter().find(|term| !known.contains(term.as_str())) {
        Some(term) => Err(format!("not a model: the column {} has no coefficient", quoted(term))),
        None => Ok(()),
    }
}

fn refused(path: &str, problem: &str, help: &str) -> Error {
    Error::ModelFile { path: path.to_string(), problem: problem.to_string(), help: help.to_string() }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
