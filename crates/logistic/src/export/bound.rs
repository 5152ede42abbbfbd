//! How far the probabilities of an export may lie from the model's.

use super::computation::{Cell, Computation, Holds, Sum};
use crate::table::{Column, Table};

/// Half the distance from 1 to the next number of 64 bits.
const ROUNDOFF: f64 = f64::EPSILON / 2.0;
/// What one factor and its product with others and a coefficient take, each of them rounded: twelve operations for a bend
/// of a spline, one for each product, and a logarithm or a count of days that may be off by two units in the last place.
const OF_A_TERM: f64 = 18.0;
/// The relative error of an exponential function, in units of roundoff: more than any of the programs' has.
const OF_AN_EXPONENTIAL: f64 = 32.0;
/// Probabilities below this have fewer digits, or are 0.
pub(super) const SMALLEST: f64 = 1e-300;

/// A bound on the distance of an export's probability p′ to the model's p.
///
/// Let S be the sum of the magnitudes of what the logit adds up: |intercept| + |offset| + Σ|coefficient × factor|, for a bend of
/// a spline the magnitudes of its parts. A sum of n terms, however it is ordered or fused, is within γ·S of the exact one, with
/// γ = (n + 18)·u/(1 − (n + 18)·u) and u = 2⁻⁵³, if no term is the result of more than 18 rounded operations (N. J.
/// Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, §3.1 and §4.2). The model's logit is such a sum and
/// so is the export's: they differ by no more than Δ = 2γS. Since σ(z + δ)/σ(z) lies between exp(−|δ|) and exp(|δ|),
///
/// |p′ − p| ≤ p·(exp(Δ) − 1 + R) + 10⁻³⁰⁰,
///
/// where R is what the exponentials and the division add. Of several classes the ratio is that of two exponentials, of differences
/// of logits, each rounded: Δ is 4γS + 4uS, with the largest S of all classes.
///
/// Behind a hidden layer a summand is w·a, of a unit a = f(z) whose sum z has a magnitude S′ of its own. The slope of f is
/// 1 at most, so that a is off by γS′ and by what f itself adds, which for a hyperbolic tangent is no more than 36u|a| ≤ 2γ|a|;
/// so the summand counts as |w|·(S′ + 3|a|), and n is the largest number of summands of a unit.
pub(super) struct Bound {
    /// Δ is this times S.
    pub(super) of_magnitude: f64,
    /// R.
    pub(super) of_functions: f64,
}

impl Bound {
    pub(super) fn of(computation: &Computation<'_>) -> Self {
        // Intercept and offset are summands as well.
        let deeper = computation.deeper.iter().flat_map(|deeper| &deeper.layers);
        let widths = deeper.map(|(weight, bias)| weight.len() / bias.len().max(1));
        let n = widths.fold(computation.terms.len(), usize::max) as f64 + 2.0;
        let gamma = (n + OF_A_TERM) * ROUNDOFF / (1.0 - (n + OF_A_TERM) * ROUNDOFF);
        let n_classes = computation.classes().len() as f64;
        match computation.is_softmax() {
            false => Bound { of_magnitude: 2.0 * gamma, of_functions: 4.0 * OF_AN_EXPONENTIAL * ROUNDOFF },
            true => Bound {
                of_magnitude: 4.0 * gamma + 4.0 * ROUNDOFF,
                of_functions: 4.0 * (OF_AN_EXPONENTIAL + n_classes) * ROUNDOFF,
            },
        }
    }

    /// How far the export's probability of a row may lie from the model's, `probability`.
    pub(super) fn at(&self, sums: &[Sum], probability: f64) -> f64 {
        let magnitude = sums.iter().map(|sum| sum.magnitude).fold(0.0, f64::max);
        let relative = (self.of_magnitude * magnitude).exp_m1() + self.of_functions;
        // Two probabilities are no further apart than 1.
        (probability * relative + SMALLEST).min(1.0)
    }

    /// The bound in words.
    pub(super) fn words(&self, computation: &Computation<'_>) -> String {
        let summed = match computation.deeper {
            None => "of every coefficient times its column",
            Some(_) => {
                "of every weight times its column, behind a hidden layer of every weight times the S of its unit and three \
                 times its value"
            }
        };
        format!(
            "A probability differs from the model's p by at most p*(expm1({:e}*S) + {:e}) + {SMALLEST:e}, where S is the \
             sum of the magnitudes of the intercept and {summed}.",
            self.of_magnitude, self.of_functions
        )
    }
}

/// A row of a table, as the model's inputs.
pub(super) fn cells(computation: &Computation<'_>, columns: &[&Column], row: usize) -> Vec<Cell> {
    let of = |(input, column): (&super::computation::Input<'_>, &&Column)| match (input.holds, column.text(row)) {
        (_, None) => Cell::Missing,
        (Holds::Text, Some(text)) => Cell::Text(text),
        (Holds::Number | Holds::Date, Some(text)) => number(column, row).map_or(Cell::Text(text), Cell::Number),
    };
    computation.inputs.iter().zip(columns).map(of).collect()
}

fn number(column: &Column, row: usize) -> Option<f64> {
    use crate::table::Cells;
    match &column.cells {
        Cells::Number(values) | Cells::Date(values) => values.get(row),
        Cells::Sparse { rows, values } => Some(rows.binary_search(&(row as u32)).map_or(0.0, |at| values[at])),
        Cells::Text { .. } => None,
    }
}

/// The columns of a table that the model asks for.
pub(super) fn columns<'t>(computation: &Computation<'_>, table: &'t Table) -> crate::Result<Vec<&'t Column>> {
    computation.inputs.iter().map(|input| table.column(input.name)).collect()
}
