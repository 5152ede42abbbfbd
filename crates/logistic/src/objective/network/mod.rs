//! Hidden layers between the columns and the logits: PyTorch's `nn.Sequential` of `nn.Linear` layers with an activation
//! between every two.

mod pass;
mod risk;
mod stored;
#[cfg(test)]
mod tests;

pub use risk::NetworkRisk;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::linear::key;
use super::{Linear, Module, Tensor};
use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::loss::Output;
use crate::random::torch::Generator;
use stored::Stored;

/// A few vectors of so many parameters fill a GB.
const MOST_PARAMETERS: usize = 20_000_000;

/// What a hidden unit makes of its sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `max(z, 0)`.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// The name, as files and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
        }
    }
}

/// How many units stand in each layer, and what a hidden one makes of its sum. A clone costs next to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Inputs, hidden units layer by layer, outputs.
    sizes: Arc<[usize]>,
    /// The layers that have parameters, first to last.
    each: Arc<[Layer]>,
    activation: Activation,
}

/// A layer among the parameters: its weights, row-major (outputs, inputs), then its biases (outputs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layer {
    inputs: usize,
    outputs: usize,
    start: usize,
}

impl Layer {
    fn weights(self) -> Range<usize> {
        self.start..self.start + self.inputs * self.outputs
    }

    fn biases(self) -> Range<usize> {
        let start = self.weights().end;
        start..start + self.outputs
    }
}

impl Layers {
    /// `n_inputs` columns, hidden layers of so many units each, and `n_outputs` logits.
    ///
    /// # Errors
    /// [`Error::Setting`] for a layer without units, no outputs, or more than 20 million parameters.
    pub fn new(n_inputs: usize, hidden: &[usize], n_outputs: usize, activation: Activation) -> Result<Self> {
        if hidden.contains(&0) || n_outputs == 0 {
            return Err(Error::setting("hidden", "at least one unit in every layer", &"0"));
        }
        let sizes = [&[n_inputs], hidden, &[n_outputs]].concat();
        let of_layer = |pair: &[usize]| pair[0].checked_add(1)?.checked_mul(pair[1]);
        let total = sizes.windows(2).try_fold(0_usize, |sum, pair| sum.checked_add(of_layer(pair)?));
        match total {
            Some(total) if total <= MOST_PARAMETERS => Ok(Layers::of_sizes(sizes, activation)),
            _ => {
                let expected = format!("layers of at most {MOST_PARAMETERS} parameters in all");
                Err(Error::setting("hidden", &expected, &"more"))
            }
        }
    }

    fn of_sizes(sizes: Vec<usize>, activation: Activation) -> Self {
        let mut start = 0;
        let layer = |pair: &[usize]| {
            let layer = Layer { inputs: pair[0], outputs: pair[1], start };
            start = layer.biases().end;
            layer
        };
        let each = sizes.windows(2).map(layer).collect();
        Layers { sizes: sizes.into(), each, activation }
    }

    /// The same with another number of inputs.
    fn with_inputs(&self, n_inputs: usize) -> Self {
        let mut sizes = self.sizes.to_vec();
        sizes[0] = n_inputs;
        Layers::of_sizes(sizes, self.activation)
    }

    /// Inputs, hidden units layer by layer, outputs.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The units of the hidden layers.
    pub fn hidden(&self) -> &[usize] {
        &self.sizes[1..self.sizes.len() - 1]
    }

    /// The number of columns.
    pub fn n_inputs(&self) -> usize {
        self.sizes[0]
    }

    /// The number of logits.
    pub fn n_outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// What a hidden unit makes of its sum.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The number of weights and biases.
    pub fn n_parameters(&self) -> usize {
        self.sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// 1 for every parameter that is a weight, 0 for every bias: where a penalty acts.
    pub fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.n_parameters()];
        self.each.iter().for_each(|layer| weights[layer.weights()].fill(1.0));
        weights
    }
}

/// Hidden layers with their parameters, which a [`Solver`](crate::solver::Solver) moves.
///
/// # Shapes
/// The flat vector has the layers one after another, each with its weights, row-major (outputs, inputs), before its
/// biases (outputs).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Network {
    layers: Layers,
    parameters: Vec<f64>,
}

impl Network {
    /// PyTorch's initialisation, layer after layer that of `nn.Linear`: weights, then biases, uniform in ±1/√inputs,
    /// drawn in float32.
    pub fn init(layers: Layers, rng: &mut Generator) -> Self {
        let mut parameters = Vec::with_capacity(layers.n_parameters());
        for layer in layers.each.iter() {
            parameters.extend_from_slice(Linear::init(layer.inputs, layer.outputs, rng).parameters());
        }
        Network { layers, parameters }
    }

    /// The layers.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The weights, row-major (outputs, inputs), and the biases (outputs) of every layer.
    pub fn weights_and_biases(&self) -> impl DoubleEndedIterator<Item = (&[f64], &[f64])> + ExactSizeIterator {
        self.layers.each.iter().map(|layer| (&self.parameters[layer.weights()], &self.parameters[layer.biases()]))
    }

    /// The logits of every row, one output after another, offsets included. On all cores; what is added to a row, and in
    /// which order, depends on the row alone.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have another number of columns than the network has inputs.
    pub fn logits(&self, rows: &Rows<'_>) -> Result<Vec<Vec<f64>>> {
        let (expected, found) = (self.layers.n_inputs(), rows.dataset().n_columns());
        if expected != found {
            return Err(Error::Shape { what: "number of columns".to_string(), expected, found });
        }
        Ok(pass::logits(&self.layers, &self.parameters, rows))
    }

    /// The same function of columns as they are, where this one is of the columns that `standard` centres and scales; of
    /// `n_columns`, those that take no part have weights of 0.
    #[must_use]
    pub(crate) fn in_units_of(&self, standard: &Standardisation, n_columns: usize) -> Self {
        let (inputs, outputs) = (self.layers.n_inputs(), self.layers.sizes[1]);
        let (weight, rest) = self.parameters.split_at(inputs * outputs);
        let (bias, rest) = rest.split_at(outputs);
        let mut own = vec![0.0; n_columns * outputs];
        let mut biases = bias.to_vec();
        for (k, bias) in biases.iter_mut().enumerate() {
            for (j, &column) in standard.columns.iter().enumerate() {
                let scaled = weight[k * inputs + j] / standard.scale[j];
                own[k * n_columns + column] = scaled;
                *bias -= scaled * standard.centre[j];
            }
        }
        Network { layers: self.layers.with_inputs(n_columns), parameters: [&own, &biases, rest].concat() }
    }

    /// The same function without the inputs that are not among `kept`; their weights are to be 0.
    #[must_use]
    pub(crate) fn without_inputs(&self, kept: &[usize]) -> Self {
        let (n, outputs) = (self.layers.n_inputs(), self.layers.sizes[1]);
        let of_unit = |k: usize| kept.iter().map(move |&j| self.parameters[k * n + j]);
        let mut parameters: Vec<f64> = (0..outputs).flat_map(of_unit).collect();
        parameters.extend_from_slice(&self.parameters[n * outputs..]);
        Network { layers: self.layers.with_inputs(kept.len()), parameters }
    }

    /// Whether an input has a weight that is not 0.
    pub(crate) fn uses(&self, input: usize) -> bool {
        let (n, outputs) = (self.layers.n_inputs(), self.layers.sizes[1]);
        (0..outputs).any(|k| self.parameters[k * n + input] != 0.0)
    }

    /// Adds to the bias of every output.
    pub(crate) fn shift_outputs(&mut self, by: &[f64]) {
        let start = self.parameters.len() - self.layers.n_outputs();
        self.parameters[start..].iter_mut().zip(by).for_each(|(bias, by)| *bias += by);
    }
}

impl Module for Network {
    fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut [f64] {
        &mut self.parameters
    }

    fn output(&self) -> Output {
        Output::Logit
    }

    /// `0.weight`, `0.bias`, `2.weight`, …: the odd places of the `nn.Sequential` are the activations'.
    fn state_dict(&self, prefix: &str) -> Vec<Tensor> {
        let mut state = Vec::new();
        for (at, layer) in self.layers.each.iter().enumerate() {
            let name = |what: &str| key(prefix, &format!("{}.{what}", 2 * at));
            let shape = vec![layer.outputs, layer.inputs];
            let values = |range: Range<usize>| self.parameters[range].to_vec();
            state.push(Tensor { name: name("weight"), shape, values: values(layer.weights()) });
            state.push(Tensor { name: name("bias"), shape: vec![layer.outputs], values: values(layer.biases()) });
        }
        state
    }
}
