//! Reading safetensors: the weight and bias of a layer that PyTorch's `state_dict` holds.
//!
//! The file is not trusted: its header is held to a size and to the file's length before anything is read by it, and no
//! memory is taken but for numbers that are there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result, listed, quoted};

/// A header of more bytes describes no layer.
const LARGEST_HEADER: u64 = 16 << 20;
const HELP: &str = "save the layer with `safetensors.torch.save_file(layer.state_dict(), path)`";

/// Numbers by the name that a `state_dict` has for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name: `weight`, `linear.bias`.
    pub name: String,
    /// The length along each dimension.
    pub shape: Vec<usize>,
    /// The numbers, the last dimension's beside each other.
    pub values: Vec<f64>,
}

/// The weight and bias of a linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The number of columns.
    pub n_columns: usize,
    /// The coefficients, row-major (n_outputs, n_columns).
    pub weight: Vec<f64>,
    /// One intercept for each output; empty for a layer without.
    pub bias: Vec<f64>,
}

#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl Layer {
    /// The layer in the bytes of a safetensors file; `path` is for errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for bytes that are no such file, for numbers of other types than `F64` and `F32`, and as
    /// [`Layer::of`].
    pub fn read(bytes: &[u8], path: &str) -> Result<Layer> {
        let refused = |problem: String| refused(path, &problem);
        let (length, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| refused("not a safetensors file: shorter than the length of its header".to_string()))?;
        let length = u64::from_le_bytes(*length);
        if length > LARGEST_HEADER.min(rest.len() as u64) {
            let problem = format!("not a safetensors file: a header of {length} bytes, of {} that follow", rest.len());
            return Err(refused(problem));
        }
        let (header, numbers) = rest.split_at(length as usize);
        let header: BTreeMap<String, Value> = serde_json::from_slice(header)
            .map_err(|error| refused(format!("not a safetensors file: its header is not JSON: {error}")))?;
        let mut tensors = Vec::new();
        for (name, described) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
            let described: Described = serde_json::from_value(described)
                .map_err(|error| refused(format!("the tensor {} is not described: {error}", quoted(&name))))?;
            let values = values(&described, numbers)
                .map_err(|problem| refused(format!("the tensor {}: {problem}", quoted(&name))))?;
            tensors.push(Tensor { name, shape: described.shape, values });
        }
        Layer::of(tensors, path)
    }

    /// The layer that tensors are: one `weight` of two dimensions and the `bias` beside it, by these names or
    /// behind one that a larger module gave them, `linear.weight`; `path` is for errors.
    ///
    /// # Errors
    /// [`Error::ModelFile`] where they are something else.
    pub fn of(tensors: Vec<Tensor>, path: &str) -> Result<Layer> {
        let names: Vec<String> = tensors.iter().map(|tensor| tensor.name.clone()).collect();
        let other = |expected: &str| {
            refused(
                path,
                &format!(
                    "expected {expected}, found {}",
                    if names.is_empty() { "none".to_string() } else { listed(&names, 8) }
                ),
            )
        };
        let (mut weight, mut bias) = (None, None);
        for tensor in tensors {
            let place = match tensor.name.rsplit('.').next() {
                Some("weight") => &mut weight,
                Some("bias") => &mut bias,
                _ => return Err(other("the tensors `weight` and `bias` alone")),
            };
            if place.replace(tensor).is_some() {
                return Err(other("one layer, which is what logistic regression has"));
            }
        }
        let weight = weight.ok_or_else(|| other("the tensor `weight`"))?;
        let before = |name: &str, end: &str| name.strip_suffix(end).map(str::to_string);
        if bias.as_ref().is_some_and(|bias| before(&bias.name, "bias") != before(&weight.name, "weight")) {
            return Err(other("the weight and bias of one layer"));
        }
        let [n_outputs, n_columns] = weight.shape[..] else {
            return Err(refused(path, &format!("`weight` must be (outputs, columns), found {:?}", weight.shape)));
        };
        if let Some(bias) = bias.as_ref().filter(|bias| bias.shape != [n_outputs]) {
            let problem = format!("`bias` must be ({n_outputs},) beside that weight, found {:?}", bias.shape);
            return Err(refused(path, &problem));
        }
        let held = |tensor: &Tensor| tensor.shape.iter().try_fold(1_usize, |n, of| n.checked_mul(*of));
        if [Some(&weight), bias.as_ref()].into_iter().flatten().any(|of| held(of) != Some(of.values.len())) {
            return Err(refused(path, "a tensor has not the numbers that its shape says"));
        }
        Ok(Layer { n_columns, weight: weight.values, bias: bias.map_or(Vec::new(), |bias| bias.values) })
    }
}

fn refused(path: &str, problem: &str) -> Error {
    Error::ModelFile { path: path.to_string(), problem: problem.to_string(), help: HELP.to_string() }
}

/// The numbers of a tensor; what is wrong with it, if it has none.
fn values(described: &Described, bytes: &[u8]) -> std::result::Result<Vec<f64>, String> {
    let size = match described.dtype.as_str() {
        "F64" => 8,
        "F32" => 4,
        other => return Err(format!("expected numbers of the type `F64` or `F32`, found {}", quoted(other))),
    };
    let [start, end] = described.data_offsets;
    let own =
        bytes.get(start..end).ok_or_else(|| format!("its numbers stand at {start}..{end} of {} bytes", bytes.len()))?;
    let expected = described.shape.iter().try_fold(size, |n: usize, of| n.checked_mul(*of));
    if expected != Some(own.len()) {
        return Err(format!("its shape {:?} is not that of {} bytes", described.shape, own.len()));
    }
    let (wide, _) = own.as_chunks::<8>();
    let (narrow, _) = own.as_chunks::<4>();
    Ok(match size {
        8 => wide.iter().map(|of| f64::from_le_bytes(*of)).collect(),
        _ => narrow.iter().map(|of| f64::from(f32::from_le_bytes(*of))).collect(),
    })
}
