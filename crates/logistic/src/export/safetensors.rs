//! safetensors, in 64 bits, over the design matrix, whose columns the metadata name: `weight` (outputs, columns) and `bias`
//! (outputs), the names of PyTorch's `nn.Linear`; of hidden layers `0.weight`, `0.bias`, `2.weight`, …, those of an
//! `nn.Sequential` with activations between its layers.
//!
//! The format is eight bytes for the length of a JSON header, the header, and the numbers, little-endian. It is written here
//! because the crate of that name orders the metadata by chance, and the same model shall give the same bytes.

use serde_json::{Map, Value, json};

use super::document::Document;
use crate::error::{Error, Place, Result};
use crate::objective::{Module, Tensor};

/// The bytes of the file.
///
/// # Errors
/// [`Error::Export`] for a model with an offset, of which a layer knows nothing.
pub(super) fn write(document: &Document<'_, '_>) -> Result<Vec<u8>> {
    let model = document.computation.model;
    if let Some(offset) = &model.encoder.offset {
        let others = if model.is_network() { "`onnx`" } else { "`onnx`, `sql`, `c` or `javascript`" };
        return Err(Error::Export {
            place: Place::default().column(offset),
            problem: "a layer of weight and bias has no offset".to_string(),
            help: format!("export to {others}, or train without `--offset`"),
        });
    }
    let terms: Vec<String> = model.encoder.terms().into_iter().map(|term| term.term).collect();
    let mut metadata: Map<String, Value> =
        document.metadata().into_iter().map(|(key, value)| (key.to_string(), json!(value))).collect();
    metadata.insert("logistic.terms".to_string(), json!(json!(terms).to_string()));
    let tensors = match &model.network {
        None => layer(document, terms.len()),
        Some(network) => {
            metadata.insert("logistic.activation".to_string(), json!(network.layers().activation().name()));
            network.state_dict("")
        }
    };
    let mut header = Map::from_iter([("__metadata__".to_string(), Value::Object(metadata))]);
    let mut end = 0;
    for Tensor { name, shape, values } in &tensors {
        let start = end;
        end += 8 * values.len();
        header.insert(name.clone(), json!({"dtype": "F64", "shape": shape, "data_offsets": [start, end]}));
    }
    let mut header = Value::Object(header).to_string();
    // The numbers stand at a multiple of their size.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(tensors.iter().flat_map(|tensor| &tensor.values).flat_map(|number| number.to_le_bytes()));
    Ok(bytes)
}

/// A single layer, of so many columns.
fn layer(document: &Document<'_, '_>, n_columns: usize) -> Vec<Tensor> {
    let mut outputs = document.computation.model.outputs();
    let n_outputs = document.computation.intercepts.len();
    // The base of several classes has a logit of 0.
    (outputs.len()..n_outputs).for_each(|_| outputs.insert(0, (0.0, vec![0.0; n_columns])));
    let (bias, weight): (Vec<f64>, Vec<Vec<f64>>) = outputs.into_iter().unzip();
    vec![
        Tensor { name: "weight".to_string(), shape: vec![n_outputs, n_columns], values: weight.concat() },
        Tensor { name: "bias".to_string(), shape: vec![n_outputs], values: bias },
    ]
}
