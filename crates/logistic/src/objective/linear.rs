//! The models of the tutorial, with PyTorch's initialisation and key names.

use crate::error::{Error, Result};
use crate::loss::{Output, sigmoid};
use crate::random::torch::Generator;

/// A named array of a state dict, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// PyTorch's key, for instance `model.linear.weight`.
    pub name: String,
    /// The size along each axis.
    pub shape: Vec<usize>,
    /// The values, last axis fastest.
    pub values: Vec<f64>,
}

/// A model whose parameters a solver can move.
pub trait Module {
    /// The parameters in one flat vector: weights, then biases.
    fn parameters(&self) -> &[f64];
    /// The same, to be moved.
    fn parameters_mut(&mut self) -> &mut [f64];
    /// Whether the model puts out logits or probabilities.
    fn output(&self) -> Output;
    /// The parameters under PyTorch's names, each behind `prefix.` unless `prefix` is empty.
    fn state_dict(&self, prefix: &str) -> Vec<Tensor>;
    /// Takes the parameters from tensors named as [`Module::state_dict`] names them.
    ///
    /// # Errors
    /// [`Error::Shape`] for a missing tensor (0 found) or one of another shape.
    fn load_state_dict(&mut self, prefix: &str, state: &[Tensor]) -> Result<()> {
        let mut flat = Vec::with_capacity(self.parameters().len());
        for own in self.state_dict(prefix) {
            let found = state.iter().find(|tensor| tensor.name == own.name && tensor.shape == own.shape);
            match found {
                Some(tensor) if tensor.values.len() == own.values.len() => flat.extend_from_slice(&tensor.values),
                _ => {
                    let found = state.iter().find(|tensor| tensor.name == own.name).map_or(0, |t| t.values.len());
                    let what = format!("tensor `{}` of shape {:?}", own.name, own.shape);
                    return Err(Error::Shape { what, expected: own.values.len(), found });
                }
            }
        }
        self.parameters_mut().copy_from_slice(&flat);
        Ok(())
    }
}

/// `z = W·x + b`, PyTorch's `nn.Linear`.
///
/// # Shapes
/// weight (n_outputs, n_inputs), bias (n_outputs).
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    n_inputs: usize,
    n_outputs: usize,
    parameters: Vec<f64>,
    bias: bool,
}

impl Linear {
    /// All weights and biases 0.
    pub fn zeros(n_inputs: usize, n_outputs: usize) -> Self {
        Linear { n_inputs, n_outputs, parameters: vec![0.0; n_outputs * (n_inputs + 1)], bias: true }
    }

    /// All weights 0, and no bias.
    pub fn without_bias(n_inputs: usize, n_outputs: usize) -> Self {
        Linear { n_inputs, n_outputs, parameters: vec![0.0; n_outputs * n_inputs], bias: false }
    }

    /// PyTorch's initialisation: weights, then biases, uniform in ±1/√n_inputs, drawn in float32.
    pub fn init(n_inputs: usize, n_outputs: usize, rng: &mut Generator) -> Self {
        let (weight, bias) = rng.linear_init(n_inputs, n_outputs);
        let parameters = weight.into_iter().chain(bias).map(f64::from).collect();
        Linear { n_inputs, n_outputs, parameters, bias: true }
    }

    /// The weights, row-major (n_outputs, n_inputs).
    pub fn weight(&self) -> &[f64] {
        &self.parameters[..self.n_inputs * self.n_outputs]
    }

    /// The biases (n_outputs); empty for a model without.
    pub fn bias(&self) -> &[f64] {
        &self.parameters[self.n_inputs * self.n_outputs..]
    }

    /// The outputs for one row.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has not n_inputs entries.
    pub fn forward(&self, x: &[f64]) -> Result<Vec<f64>> {
        if x.len() != self.n_inputs {
            return Err(Error::Shape { what: "length of x".to_string(), expected: self.n_inputs, found: x.len() });
        }
        let output = |k: usize| {
            let weight = &self.weight()[k * self.n_inputs..(k + 1) * self.n_inputs];
            let bias = self.bias().get(k).copied().unwrap_or(0.0);
            weight.iter().zip(x).fold(bias, |z, (w, x)| z + w * x)
        };
        Ok((0..self.n_outputs).map(output).collect())
    }
}

pub(super) fn key(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") }
}

impl Module for Linear {
    fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut [f64] {
        &mut self.parameters
    }

    fn output(&self) -> Output {
        Output::Logit
    }

    fn state_dict(&self, prefix: &str) -> Vec<Tensor> {
        let shape = vec![self.n_outputs, self.n_inputs];
        let mut state = vec![Tensor { name: key(prefix, "weight"), shape, values: self.weight().to_vec() }];
        if self.bias {
            let (shape, values) = (vec![self.n_outputs], self.bias().to_vec());
            state.push(Tensor { name: key(prefix, "bias"), shape, values });
        }
        state
    }
}

/// `sigmoid(W·x + b)`: the tutorial's `nn.Sequential` of a layer `linear` and a `Sigmoid`, to be trained with
/// [`crate::loss::Bce`].
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    linear: Linear,
}

impl Sequential {
    /// `linear`, then a sigmoid.
    pub fn with_sigmoid(linear: Linear) -> Self {
        Sequential { linear }
    }

    /// The layer before the sigmoid.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// The probabilities for one row.
    ///
    /// # Errors
    /// [`Error::Shape`] when `x` has the wrong length.
    pub fn forward(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(self.linear.forward(x)?.into_iter().map(sigmoid).collect())
    }
}

impl Module for Sequential {
    fn parameters(&self) -> &[f64] {
        self.linear.parameters()
    }

    fn parameters_mut(&mut self) -> &mut [f64] {
        self.linear.parameters_mut()
    }

    fn output(&self) -> Output {
        Output::Probability
    }

    fn state_dict(&self, prefix: &str) -> Vec<Tensor> {
        self.linear.state_dict(&key(prefix, "linear"))
    }
}
