//! Stochastic gradient descent, as `torch.optim.SGD` defines it.

use super::{Solver, Step, check, check_smooth};
use crate::error::Result;
use crate::objective::{Module, Objective, Order};

/// Gradient steps of a fixed length, with PyTorch's momentum:
/// `v ← momentum·v + (1 − dampening)·g` (`v ← g` at first), then `w ← w − lr·v`, or with Nesterov
/// `w ← w − lr·(g + momentum·v)`; `g` includes `weight_decay·w`, of the bias too.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    velocity: Vec<f64>,
}

impl Sgd {
    /// Plain steps of `learning_rate` times the gradient.
    pub fn new(learning_rate: f64) -> Self {
        Sgd { learning_rate, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0, velocity: Vec::new() }
    }

    /// Keeps this share of the last step's direction.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Takes this share off the new gradient when it joins the momentum.
    #[must_use]
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.dampening = dampening;
        self
    }

    /// Looks ahead along the momentum.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// Adds this many times the parameters, biases included, to the gradient.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Solver for Sgd {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        check_smooth(objective, "sgd")?;
        let mut sums = objective.sums(model.parameters(), Order::Gradient);
        let gradient_max_norm = sums.gradient_max_norm();
        let gradient = &mut sums.gradient;
        if self.weight_decay != 0.0 {
            gradient.iter_mut().zip(model.parameters()).for_each(|(g, w)| *g += self.weight_decay * w);
        }
        if self.momentum != 0.0 {
            if self.velocity.len() == gradient.len() {
                let fresh = 1.0 - self.dampening;
                self.velocity.iter_mut().zip(&*gradient).for_each(|(v, g)| *v = self.momentum * *v + fresh * g);
            } else {
                self.velocity.clone_from(gradient);
            }
            for (g, v) in gradient.iter_mut().zip(&self.velocity) {
                *g = if self.nesterov { *g + self.momentum * v } else { *v };
            }
        }
        model.parameters_mut().iter_mut().zip(&*gradient).for_each(|(w, g)| *w -= self.learning_rate * g);
        Ok(Step { value: sums.value, gradient_max_norm, gap_estimate: None, moved: true })
    }
}
