//! Adam (Kingma & Ba 2015, algorithm 1), as `torch.optim.Adam` defines it.

use super::{Solver, Step, check, check_smooth};
use crate::error::Result;
use crate::objective::{Module, Objective, Order};

/// Gradient steps scaled by running means of the gradient and of its square, with PyTorch's defaults
/// β = (0.9, 0.999), ε = 1e-8.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    learning_rate: f64,
    steps: i32,
    mean: Vec<f64>,
    square: Vec<f64>,
}

const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

impl Adam {
    /// Steps of about `learning_rate` in every parameter.
    pub fn new(learning_rate: f64) -> Self {
        Adam { learning_rate, steps: 0, mean: Vec::new(), square: Vec::new() }
    }
}

impl Solver for Adam {
    fn step(&mut self, objective: &dyn Objective, model: &mut dyn Module) -> Result<Step> {
        check(objective, model)?;
        check_smooth(objective, "adam")?;
        let sums = objective.sums(model.parameters(), Order::Gradient);
        self.mean.resize(sums.gradient.len(), 0.0);
        self.square.resize(sums.gradient.len(), 0.0);
        self.steps += 1;
        let correction = (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps));
        for (j, (w, g)) in model.parameters_mut().iter_mut().zip(&sums.gradient).enumerate() {
            self.mean[j] += (1.0 - BETA.0) * (g - self.mean[j]);
            self.square[j] = BETA.1 * self.square[j] + (1.0 - BETA.1) * g * g;
            let spread = (self.square[j] / correction.1).sqrt() + EPSILON;
            *w -= self.learning_rate / correction.0 * self.mean[j] / spread;
        }
        let gradient_max_norm = sums.gradient_max_norm();
        Ok(Step { value: sums.value, gradient_max_norm, gap_estimate: None, moved: true })
    }
}
