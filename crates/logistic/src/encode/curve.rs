//! What is done with a number before it enters the design matrix.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::numbers::{Store, Values};

/// The shape in which a numeric column enters the logit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// As it is.
    #[default]
    Linear,
    /// Its natural logarithm.
    Log,
    /// A natural cubic spline with these rising knots: linear beyond the outer ones.
    Spline {
        /// At least three.
        knots: Vec<f64>,
    },
}

impl Curve {
    pub(super) fn is_linear(&self) -> bool {
        *self == Curve::Linear
    }

    /// Whether knots are three or more, and rise.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Curve::Linear | Curve::Log => true,
            Curve::Spline { knots } => knots.len() >= 3 && knots.windows(2).all(|pair| pair[0] < pair[1]),
        }
    }

    /// The names of the design columns.
    pub(super) fn labels(&self, name: &str) -> Vec<String> {
        match self {
            Curve::Linear => vec![name.to_string()],
            Curve::Log => vec![format!("log({name})")],
            Curve::Spline { knots } => {
                let bends = (1..knots.len() - 1).map(|bend| format!("{name}[bend {bend}]"));
                std::iter::once(name.to_string()).chain(bends).collect()
            }
        }
    }

    /// Calls `f` with the design columns of one number, the arithmetic of [`Curve::columns`].
    pub(super) fn each(&self, x: f64, mut f: impl FnMut(f64)) {
        match self {
            Curve::Linear => f(x),
            Curve::Log => f(x.ln()),
            Curve::Spline { knots } => {
                f(x);
                (0..knots.len() - 2).for_each(|j| f(bend(x, knots, j)));
            }
        }
    }

    /// The number of design columns.
    pub(super) fn n_columns(&self) -> usize {
        match self {
            Curve::Linear | Curve::Log => 1,
            Curve::Spline { knots } => knots.len() - 1,
        }
    }

    /// The design columns of `values`.
    pub(super) fn columns(&self, values: Values, store: &Store) -> Result<Vec<Values>> {
        match self {
            Curve::Linear => Ok(vec![values]),
            Curve::Log => Ok(vec![store.keep_values(values.iter().map(f64::ln))?]),
            Curve::Spline { knots } => {
                let bend = |j: usize| store.keep_values(values.iter().map(|x| bend(x, knots, j)));
                let bends = (0..knots.len() - 2).map(bend).collect::<Result<Vec<_>>>()?;
                Ok(std::iter::once(values).chain(bends).collect())
            }
        }
    }
}

impl Curve {
    /// The slope of design column `k` in the numeric column, where the first design column has the value `first`
    /// (which is the number itself, or its logarithm).
    pub(crate) fn slope(&self, k: usize, first: f64) -> f64 {
        match self {
            Curve::Linear => 1.0,
            Curve::Log => (-first).exp(),
            Curve::Spline { .. } if k == 0 => 1.0,
            Curve::Spline { knots } => bend_slope(first, knots, k - 1),
        }
    }
}

/// Basis function j of the natural cubic spline with knots t₀ < … < t_{k−1}, in the units of x:
///
/// ((x−tⱼ)₊³ − (x−t_{k−2})₊³·(t_{k−1}−tⱼ)/(t_{k−1}−t_{k−2}) + (x−t_{k−1})₊³·(t_{k−2}−tⱼ)/(t_{k−1}−t_{k−2})) / (t_{k−1}−t₀)²
///
/// (F. E. Harrell, Regression Modeling Strategies, 2nd ed. 2015, equation 2.25, with his division by the squared
/// range of the knots.)
fn bend(x: f64, knots: &[f64], j: usize) -> f64 {
    let (first, before, last) = (knots[0], knots[knots.len() - 2], knots[knots.len() - 1]);
    let cube = |knot: f64| (x - knot).max(0.0).powi(3);
    let (range, end) = (last - first, last - before);
    (cube(knots[j]) - cube(before) * (last - knots[j]) / end + cube(last) * (before - knots[j]) / end) / (range * range)
}

/// The derivative of [`bend`] in x.
fn bend_slope(x: f64, knots: &[f64], j: usize) -> f64 {
    let (first, before, last) = (knots[0], knots[knots.len() - 2], knots[knots.len() - 1]);
    let square = |knot: f64| 3.0 * (x - knot).max(0.0).powi(2);
    let (range, end) = (last - first, last - before);
    (square(knots[j]) - square(before) * (last - knots[j]) / end + square(last) * (before - knots[j]) / end)
        / (range * range)
}

/// Quantiles that spread `n` knots over the data without leaning on its extremes: Harrell's table 2.3 for 3 to 7
/// knots, evenly between 0.025 and 0.975 beyond.
pub(super) fn knot_quantiles(n: usize) -> Vec<f64> {
    match n {
        3 => vec![0.10, 0.50, 0.90],
        4 => vec![0.05, 0.35, 0.65, 0.95],
        5 => vec![0.05, 0.275, 0.50, 0.725, 0.95],
        6 => vec![0.05, 0.23, 0.41, 0.59, 0.77, 0.95],
        n => (0..n).map(|at| 0.025 + 0.95 * at as f64 / (n - 1) as f64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_natural_spline_is_linear_beyond_its_knots_and_smooth_at_them() {
        let knots = [1.0, 2.0, 4.0, 7.0];
        for j in 0..2 {
            let second = |x: f64| {
                let h = 1e-3;
                (bend(x + h, &knots, j) - 2.0 * bend(x, &knots, j) + bend(x - h, &knots, j)) / (h * h)
            };
            for outside in [-3.0, 0.5, 7.5, 20.0] {
                assert!(second(outside).abs() < 1e-5, "basis {j} bends at {outside}");
            }
            for knot in knots {
                // The second derivative is continuous: its jump is the step's size times the third derivative.
                assert!((second(knot + 2e-3) - second(knot - 2e-3)).abs() < 0.02, "basis {j} at {knot}");
            }
        }
        assert!(bend(5.0, &knots, 0) > 0.0);
    }

    #[test]
    fn slopes_agree_with_differences() {
        let knots = vec![1.0, 2.0, 4.0, 7.0];
        for curve in [Curve::Linear, Curve::Log, Curve::Spline { knots }] {
            for x in [0.3, 1.5, 3.0, 6.0, 11.0] {
                let h = 1e-5;
                let columns = curve.columns(vec![x - h, x, x + h].into(), &Store::Memory).unwrap();
                let columns: Vec<Vec<f64>> = columns.iter().map(|column| column.iter().collect()).collect();
                for (k, column) in columns.iter().enumerate() {
                    let difference = (column[2] - column[0]) / (2.0 * h);
                    // Of step 1e-5, on values below 100.
                    assert!((curve.slope(k, columns[0][1]) - difference).abs() < 1e-8, "{curve:?} {k} at {x}");
                }
            }
        }
    }
}
