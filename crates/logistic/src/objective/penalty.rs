//! What is added to the mean loss: squares, absolute values, and bounds, parameter by parameter.

use super::{Order, Sums};
use crate::error::{Error, Result};

/// `Σⱼ ½·l2ⱼ·θⱼ² + l1ⱼ·|θⱼ|`, where `lowerⱼ ≤ θⱼ ≤ upperⱼ`, over the parameters an objective works in.
///
/// # Shapes
/// `l2`, `l1`, `lower` and `upper` (n_parameters).
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterPenalty {
    /// Factors of ½·θ².
    pub l2: Vec<f64>,
    /// Factors of |θ|.
    pub l1: Vec<f64>,
    /// Lower bounds; at most 0.
    pub lower: Vec<f64>,
    /// Upper bounds; at least 0.
    pub upper: Vec<f64>,
    /// Groups of parameters to all of which the same number can be added without changing the loss, such as the
    /// biases of a softmax. `½·(Σ θⱼ)²` over each group singles out the one solution whose sum is 0, and leaves the
    /// minimum as it is.
    pub gauges: Vec<Vec<usize>>,
}

impl ParameterPenalty {
    /// No penalty on `n` parameters.
    pub fn none(n: usize) -> Self {
        ParameterPenalty {
            l2: vec![0.0; n],
            l1: vec![0.0; n],
            lower: vec![f64::NEG_INFINITY; n],
            upper: vec![f64::INFINITY; n],
            gauges: Vec::new(),
        }
    }

    /// Refuses a penalty that is not for `expected` parameters.
    pub(super) fn check_length(&self, expected: usize) -> Result<()> {
        for part in [&self.l2, &self.l1, &self.lower, &self.upper] {
            if part.len() != expected {
                return Err(Error::Shape { what: "length of a penalty".to_string(), expected, found: part.len() });
            }
        }
        Ok(())
    }

    /// Whether some parameter has a kink: an absolute value, or a bound.
    pub fn has_kinks(&self) -> bool {
        let bounded = self.lower.iter().chain(&self.upper).any(|bound| bound.is_finite());
        bounded || self.l1.iter().any(|&l1| l1 > 0.0)
    }

    /// Whether parameter `j` has none of it.
    pub(crate) fn is_free(&self, j: usize) -> bool {
        self.l1[j] == 0.0 && self.l2[j] == 0.0 && self.lower[j].is_infinite() && self.upper[j].is_infinite()
    }

    /// Adds the squares with their derivatives.
    pub(super) fn add_smooth(&self, parameters: &[f64], order: Order, sums: &mut Sums) {
        let width = parameters.len();
        for (j, (&w, &l2)) in parameters.iter().zip(&self.l2).enumerate().filter(|(_, (_, l2))| **l2 > 0.0) {
            sums.value += 0.5 * l2 * w * w;
            if order >= Order::Gradient {
                sums.gradient[j] += l2 * w;
            }
            if order >= Order::Hessian {
                sums.hessian[j * width + j] += l2;
            }
        }
        for gauge in &self.gauges {
            let sum: f64 = gauge.iter().map(|&j| parameters[j]).sum();
            sums.value += 0.5 * sum * sum;
            if order >= Order::Gradient {
                gauge.iter().for_each(|&j| sums.gradient[j] += sum);
            }
            if order >= Order::Hessian {
                let pairs = gauge.iter().flat_map(|&j| gauge.iter().map(move |&k| (j, k)));
                pairs.filter(|(j, k)| k <= j).for_each(|(j, k)| sums.hessian[j * width + k] += 1.0);
            }
        }
    }

    /// Adds the Hessian of the squares times `v`.
    pub(super) fn add_product(&self, v: &[f64], product: &mut [f64]) {
        product.iter_mut().zip(&self.l2).zip(v).for_each(|((to, l2), v)| *to += l2 * v);
        for gauge in &self.gauges {
            let sum: f64 = gauge.iter().map(|&j| v[j]).sum();
            gauge.iter().for_each(|&j| product[j] += sum);
        }
    }

    /// Adds the diagonal of the Hessian of the squares.
    pub(super) fn add_diagonal(&self, diagonal: &mut [f64]) {
        diagonal.iter_mut().zip(&self.l2).for_each(|(to, l2)| *to += l2);
        self.gauges.iter().flatten().for_each(|&j| diagonal[j] += 1.0);
    }

    /// The whole penalty at `parameters`.
    pub fn value(&self, parameters: &[f64]) -> f64 {
        let mut sums = Sums::default();
        self.add_smooth(parameters, Order::Value, &mut sums);
        sums.value + self.absolute(parameters)
    }

    /// Σ l1ⱼ·|θⱼ|.
    pub fn absolute(&self, parameters: &[f64]) -> f64 {
        self.l1.iter().zip(parameters).map(|(l1, w)| l1 * w.abs()).sum()
    }

    /// The subgradient of least size of the whole objective, given the gradient of its smooth part: 0 everywhere at
    /// a minimum (Hastie, Tibshirani & Wainwright, *Statistical Learning with Sparsity*, 2015, §5.2).
    pub fn least_subgradient(&self, parameters: &[f64], gradient: &[f64]) -> Vec<f64> {
        let one = |(j, (&w, &g)): (usize, (&f64, &f64))| {
            let slope = match w {
                0.0 => g - g.clamp(-self.l1[j], self.l1[j]),
                w => g + self.l1[j].copysign(w),
            };
            // At a bound, a slope that pushes against it is held.
            let held = (w <= self.lower[j] && slope > 0.0) || (w >= self.upper[j] && slope < 0.0);
            if held { 0.0 } else { slope }
        };
        parameters.iter().zip(gradient).enumerate().map(one).collect()
    }
}
