//! A scorecard: points for every level of a category and for every unit of a number, as CSV.
//!
//! 20 points double the odds of the negative class, so that more points are better where the positive class is the
//! event to be feared, and 600 points are odds of 50 to 1 (N. Siddiqi, Intelligent Credit Scoring, 2nd ed. 2017, ch. 6).
//! The row `(base)` has the constant: score = base + Σ points × value, and the probability of the positive class is
//! 1/(1 + 50·2^((score − 600)/20)). Points have all their digits, so that nothing is lost; who prints them may round.

use super::coefficients::csv_of;
use super::computation::{Computation, Factor, Term, Variable};
use crate::error::{Error, Place, Result};

const POINTS_TO_DOUBLE: f64 = 20.0;
const BASE_POINTS: f64 = 600.0;
const BASE_ODDS: f64 = 50.0;

/// The CSV text.
///
/// # Errors
/// [`Error::Export`] for more than two classes, and for curves, products and offsets, which have no points per level or unit.
pub(super) fn write(computation: &Computation<'_>) -> Result<Vec<u8>> {
    if computation.is_softmax() {
        return Err(refused(
            &computation.model.encoder.target.column,
            "a scorecard has one score, and the target more than two classes",
            "train with `--positive`",
        ));
    }
    if let Some(offset) = computation.offset {
        return Err(refused(computation.inputs[offset].name, "a scorecard has no offset", "train without `--offset`"));
    }
    let factor = POINTS_TO_DOUBLE / std::f64::consts::LN_2;
    let base = BASE_POINTS - factor * BASE_ODDS.ln() - factor * computation.intercepts[0];
    let mut rows = vec![vec!["(base)".to_string(), String::new(), base.to_string()]];
    for term in &computation.terms {
        rows.extend(points(computation, term, -factor)?);
    }
    csv_of(&["column", "level", "points"].map(String::from), rows.into_iter())
}

fn refused(column: &str, problem: &str, help: &str) -> Error {
    Error::Export { place: Place::default().column(column), problem: problem.to_string(), help: help.to_string() }
}

fn points(computation: &Computation<'_>, term: &Term, factor: f64) -> Result<Vec<Vec<String>>> {
    let name = |variable: usize| computation.inputs[computation.input_of(variable)].name;
    let row = |column: &str, level: &str, coefficient: f64| {
        vec![column.to_string(), level.to_string(), (factor * coefficient + 0.0).to_string()]
    };
    let own = &term.coefficients[0];
    match term.factors[..] {
        [Factor::Missing(input)] => Ok(vec![row(computation.inputs[input].name, "(missing)", own[0])]),
        [Factor::Value(variable)] => match &computation.variables[variable] {
            Variable::Number(number) if number.bends.is_empty() && !number.log && !number.year => {
                Ok(vec![row(name(variable), "per unit", own[0])])
            }
            _ => Err(refused(
                name(variable),
                "a scorecard has no curves",
                "train without `--spline`, `--log` and `--date-parts`",
            )),
        },
        [Factor::Level(variable)] => match &computation.variables[variable] {
            Variable::Category(category) if category.part.is_none() => {
                let mut rows: Vec<Vec<String>> =
                    category.known.iter().map(|(word, level)| row(name(variable), word, own[*level])).collect();
                rows.extend(category.unseen.map(|level| row(name(variable), "(any other)", own[level])));
                rows.extend(category.missing.map(|level| row(name(variable), "(missing, as)", own[level])));
                Ok(rows)
            }
            _ => Err(refused(name(variable), "a scorecard has no parts of dates", "train without `--date-parts`")),
        },
        [Factor::Bend(variable, _)] => {
            Err(refused(name(variable), "a scorecard has no curves", "train without `--spline`"))
        }
        ref factors => {
            let variable = factors.iter().find_map(|factor| match *factor {
                Factor::Value(variable) | Factor::Bend(variable, _) | Factor::Level(variable) => Some(variable),
                Factor::Missing(_) => None,
            });
            let column = variable.map_or("", name);
            Err(refused(column, "a scorecard has no products of columns", "train without `--interaction`"))
        }
    }
}
