//! A network as the model file has it.

use serde::{Deserialize, Serialize};

use super::{Activation, Layers, Network};
use crate::error::Error;

/// A network, layer by layer.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    activation: Activation,
    layers: Vec<StoredLayer>,
}

/// Weights, row-major (outputs, inputs), and biases (outputs).
#[derive(Serialize, Deserialize)]
struct StoredLayer {
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl From<Network> for Stored {
    fn from(network: Network) -> Self {
        let layer = |(weight, bias): (&[f64], &[f64])| StoredLayer { weight: weight.to_vec(), bias: bias.to_vec() };
        Stored { activation: network.layers.activation, layers: network.weights_and_biases().map(layer).collect() }
    }
}

impl TryFrom<Stored> for Network {
    type Error = Error;

    fn try_from(Stored { activation, layers }: Stored) -> Result<Self, Error> {
        let Some(first) = layers.first().filter(|first| !first.bias.is_empty()) else {
            return Err(Error::setting("layers", "at least one, with units", &"none"));
        };
        let n_inputs = first.weight.len() / first.bias.len();
        let sizes: Vec<usize> = layers.iter().map(|layer| layer.bias.len()).collect();
        let hidden = &sizes[..sizes.len() - 1];
        let own = Layers::new(n_inputs, hidden, sizes[sizes.len() - 1], activation)?;
        for (layer, stored) in own.each.iter().zip(&layers) {
            let (expected, found) = (layer.inputs * layer.outputs, stored.weight.len());
            if expected != found {
                return Err(Error::Shape { what: "number of weights of a layer".to_string(), expected, found });
            }
        }
        let parameters = layers.into_iter().flat_map(|layer| layer.weight.into_iter().chain(layer.bias)).collect();
        Ok(Network { layers: own, parameters })
    }
}
