//! safetensors: `weight` (outputs, columns) and `bias` (outputs), in 64 bits, over the design matrix, whose columns the
//! metadata name. The names are those of PyTorch's `nn.Linear`.
//!
//! The format is eight bytes for the length of a JSON header, the header, and the numbers, little-endian. It is written here
//! because the crate of that name orders the metadata by chance, and the same model shall give the same bytes.

use serde_json::{Map, Value, json};

use super::document::Document;
use crate::error::{Error, Place, Result};

/// The bytes of the file.
///
/// # Errors
/// [`Error::Export`] for a model with an offset, of which a layer knows nothing.
pub(super) fn write(document: &Document<'_, '_>) -> Result<Vec<u8>> {
    let model = document.computation.model;
    if let Some(offset) = &model.encoder.offset {
        return Err(Error::Export {
            place: Place::default().column(offset),
            problem: "a layer of weight and bias has no offset".to_string(),
            help: "export to `onnx`, `sql`, `c` or `javascript`, or train without `--offset`".to_string(),
        });
    }
    let terms: Vec<String> = model.encoder.terms().into_iter().map(|term| term.term).collect();
    let mut outputs = model.outputs();
    let n_outputs = document.computation.intercepts.len();
    // The base of several classes has a logit of 0.
    (outputs.len()..n_outputs).for_each(|_| outputs.insert(0, (0.0, vec![0.0; terms.len()])));
    let (bias, weight): (Vec<f64>, Vec<Vec<f64>>) = outputs.into_iter().unzip();
    let weight = weight.concat();
    let middle = 8 * weight.len();
    let mut metadata: Map<String, Value> =
        document.metadata().into_iter().map(|(key, value)| (key.to_string(), json!(value))).collect();
    metadata.insert("logistic.terms".to_string(), json!(json!(terms).to_string()));
    let header = json!({
        "__metadata__": metadata,
        "weight": {"dtype": "F64", "shape": [n_outputs, terms.len()], "data_offsets": [0, middle]},
        "bias": {"dtype": "F64", "shape": [n_outputs], "data_offsets": [middle, middle + 8 * bias.len()]},
    });
    let mut header = header.to_string();
    // The numbers stand at a multiple of their size.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(weight.iter().chain(&bias).flat_map(|number| number.to_le_bytes()));
    Ok(bytes)
}
