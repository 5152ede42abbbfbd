//! A model as a file for other programs: ONNX, SQL, C, JavaScript, PMML, safetensors, a scorecard, tables of
//! coefficients.
//!
//! Every format that scores rows is written from one intermediate form, what the model computes as plain data, and
//! carries a few golden rows with the model's own probabilities and a computed bound on the distance between its
//! probabilities and the model's ([`error_bound`]). Where the model refuses a row (a missing value or an unseen level under the
//! policy `error`, a row that the policy `drop` leaves out, a number beyond ±10⁷⁰, a logarithm of what has none) an export has
//! no probability for it: NaN, or NULL. What a format cannot say is [`Error::Export`]; hidden layers go
//! into ONNX and safetensors alone.

mod bound;
mod c;
mod code;
mod coefficients;
mod computation;
mod document;
mod format;
mod golden;
mod javascript;
mod layer;
mod onnx;
mod pmml;
mod safetensors;
mod scorecard;
mod sql;
mod xml;

pub use format::{Dialect, Format};
pub use layer::{Layer, Tensor};

use crate::error::{Error, Place, Result};
use crate::loss::{CrossEntropy, sigmoid};
use crate::model::Model;
use crate::table::Table;

use bound::Bound;
use computation::Computation;
use document::Document;

/// The bytes of a model as a file of another format.
///
/// # Errors
/// [`Error::Export`] where the format cannot say what the model does: it names the column, and
/// what to do instead.
pub fn export(model: &Model, format: Format) -> Result<Vec<u8>> {
    if model.is_network() && !matches!(format, Format::Onnx | Format::Safetensors) {
        return Err(Error::Export {
            place: Place::default(),
            problem: "a model with hidden layers has no coefficients, and this format nothing else".to_string(),
            help: "export to `onnx` or `safetensors`, or train without `--hidden`".to_string(),
        });
    }
    let computation = Computation::of(model);
    let document = || Document::of(&computation);
    match format {
        Format::Onnx => onnx::write(&document()?),
        Format::Safetensors => safetensors::write(&document()?),
        Format::Sql(dialect) => Ok(sql::write(&document()?, dialect).into_bytes()),
        Format::C => Ok(c::write(&document()?).into_bytes()),
        Format::Javascript => Ok(javascript::write(&document()?).into_bytes()),
        Format::Pmml => Ok(pmml::write(&document()?)?.into_bytes()),
        Format::Scorecard => scorecard::write(&computation),
        Format::Csv => coefficients::csv(model),
        Format::Latex => Ok(coefficients::latex(model).into_bytes()),
        Format::Markdown => Ok(coefficients::markdown(model).into_bytes()),
    }
}

/// How far the probabilities of an export may lie from the model's, row by row: of each row of the table and each class, in
/// the order of the target's classes (n_rows, n_classes). NaN for a row that has no probability.
///
/// # Errors
/// [`Error::UnknownColumn`]; [`Error::Export`] for a model that no format takes.
pub fn error_bound(model: &Model, table: &Table) -> Result<Vec<f64>> {
    let computation = Computation::of(model);
    computation.refuse_offset()?;
    let bound = Bound::of(&computation);
    let columns = bound::columns(&computation, table)?;
    let n_classes = computation.classes().len();
    let of_row = |row: usize| match computation.evaluate(&bound::cells(&computation, &columns, row)) {
        None => vec![f64::NAN; n_classes],
        Some(sums) => probabilities(&computation, &sums).into_iter().map(|p| bound.at(&sums, p)).collect(),
    };
    Ok((0..table.n_rows()).flat_map(of_row).collect())
}

/// The probability of every class, from the logits.
fn probabilities(computation: &Computation<'_>, sums: &[computation::Sum]) -> Vec<f64> {
    let logits: Vec<f64> = sums.iter().map(|sum| sum.logit).collect();
    match (computation.is_softmax(), logits.first()) {
        (false, Some(&logit)) => vec![sigmoid(-logit), sigmoid(logit)],
        (_, _) => CrossEntropy { n_classes: logits.len(), base: false }.probabilities(&logits),
    }
}
