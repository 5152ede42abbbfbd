//! Blocks of rows through the layers, and gradients back.

use std::borrow::Cow;
use std::cell::RefCell;

use super::{Activation, Layers};
use crate::dataset::{Panel, Rows, Standardisation};
use crate::kernel::{Columns, LANES, combine, inner, relu, tanh, through_relu, through_tanh, total};

/// Rows of a block. 31 lines of the cache lie between the units of a layer, so that they do not fall into the same few.
const ROWS: usize = 248;
/// What the units of a block hold together; of wide layers fewer rows are a block.
const MOST_NUMBERS: usize = 1 << 22;

thread_local! {
    /// A mini-batch is so little work that making room for it would be most of it; so each thread keeps its room.
    static WORK: RefCell<Work> = RefCell::default();
}

/// Room that is used again from block to block.
#[derive(Default)]
pub(super) struct Work {
    panel: Panel,
    /// The units of every layer, (units, rows of the block with those that pad it).
    units: Vec<Vec<f64>>,
    /// The weights of every layer but the first, (inputs, outputs).
    turned: Vec<Vec<f64>>,
    slope: Vec<f64>,
    before: Vec<f64>,
}

/// The rows of a block, by the layers alone.
fn rows_of_block(layers: &Layers) -> usize {
    let units: usize = layers.sizes().iter().sum();
    (MOST_NUMBERS / units).clamp(LANES, ROWS) / LANES * LANES
}

/// Calls `f` with every block of the rows from `start` to `end`, packed.
pub(super) fn each_block(
    (rows, standard): (&Rows<'_>, Option<&Standardisation>),
    (start, end): (usize, usize),
    layers: &Layers,
    mut f: impl FnMut(&mut Work),
) {
    let size = rows_of_block(layers);
    WORK.with_borrow_mut(|work| {
        for first in (start..end).step_by(size) {
            let block = match rows.len() <= size {
                true => Cow::Borrowed(rows),
                false => Cow::Owned(rows.slice(first..end.min(first + size))),
            };
            work.panel.pack(&block, standard);
            block.passed(&(0..block.len()));
            f(work);
        }
    });
}

/// The logits of every row, one output after another.
pub(super) fn logits(layers: &Layers, parameters: &[f64], rows: &Rows<'_>) -> Vec<Vec<f64>> {
    let n_outputs = layers.n_outputs();
    let parts = rows.chunks(n_outputs, |range| {
        let mut outputs = vec![Vec::with_capacity(range.len()); n_outputs];
        each_block((rows, None), (range.start, range.end), layers, |work| {
            let n = work.panel.n_rows();
            let (z, _) = work.forward(layers, parameters);
            let len = z.len() / n_outputs;
            outputs.iter_mut().zip(z.chunks_exact(len)).for_each(|(output, z)| output.extend_from_slice(&z[..n]));
        });
        outputs
    });
    let mut all = vec![Vec::with_capacity(rows.len()); n_outputs];
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
    }
    all
}

/// Units of a layer as columns.
fn columns(units: &[f64], count: usize) -> Columns<'_> {
    let len = units.len() / count;
    Columns { values: units, stride: len, len, count }
}

impl Work {
    /// Sends the block through the layers, and gives its logits, (outputs, rows with those that pad the block), and its
    /// outcomes and weights.
    pub(super) fn forward(&mut self, layers: &Layers, parameters: &[f64]) -> (&mut [f64], (&[f64], &[f64])) {
        let x = self.panel.columns(false);
        let (y, weight, offset) = self.panel.padded();
        let last = layers.sizes().len() - 2;
        self.units.resize_with(last + 1, Vec::new);
        for (at, layer) in layers.each.iter().enumerate() {
            let (before, own) = self.units.split_at_mut(at);
            let input = before.last().map_or(x, |units| columns(units, layer.inputs));
            let own = &mut own[0];
            own.resize(layer.outputs * x.len, 0.0);
            let biases = &parameters[layer.biases()];
            own.chunks_exact_mut(x.len).zip(biases).for_each(|(unit, bias)| unit.fill(*bias));
            combine(input, &parameters[layer.weights()], own);
            match layers.activation() {
                _ if at == last => {}
                Activation::Relu => relu(own),
                Activation::Tanh => tanh(own),
            }
        }
        let z = &mut self.units[last][..];
        for z in z.chunks_exact_mut(x.len) {
            z.iter_mut().zip(offset).for_each(|(z, offset)| *z += offset);
        }
        (z, (y, weight))
    }

    /// Turns the weights, for [`Work::backward`] of blocks at these parameters.
    pub(super) fn turn(&mut self, layers: &Layers, parameters: &[f64]) {
        self.turned.resize_with(layers.sizes().len() - 1, Vec::new);
        for (layer, turned) in layers.each.iter().zip(&mut self.turned).skip(1) {
            let weights = &parameters[layer.weights()];
            turned.clear();
            turned.extend((0..layer.inputs).flat_map(|j| weights[j..].iter().step_by(layer.inputs)));
        }
    }

    /// Adds the block's gradient, by the chain rule from the last layer to the first (Rumelhart, Hinton & Williams,
    /// Nature 323, 1986). After [`Work::forward`] at the same parameters, with residuals in place of logits.
    pub(super) fn backward(&mut self, layers: &Layers, gradient: &mut [f64]) {
        let x = self.panel.columns(false);
        let last = layers.sizes().len() - 2;
        std::mem::swap(&mut self.slope, &mut self.units[last]);
        for (at, layer) in layers.each.iter().enumerate().rev() {
            let slope = columns(&self.slope, layer.outputs);
            let input = if at == 0 { x } else { columns(&self.units[at - 1], layer.inputs) };
            inner(input, slope, &mut gradient[layer.weights()]);
            let biases = gradient[layer.biases()].iter_mut().enumerate();
            biases.for_each(|(k, bias)| *bias += total(slope.get(k)));
            if at > 0 {
                self.before.clear();
                self.before.resize(layer.inputs * x.len, 0.0);
                combine(slope, &self.turned[at], &mut self.before);
                match layers.activation() {
                    Activation::Relu => through_relu(&self.units[at - 1], &mut self.before),
                    Activation::Tanh => through_tanh(&self.units[at - 1], &mut self.before),
                }
                std::mem::swap(&mut self.slope, &mut self.before);
            }
        }
    }
}
