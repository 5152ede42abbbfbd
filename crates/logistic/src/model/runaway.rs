//! The coefficients that run off to infinity where the classes are separated.

use serde::{Deserialize, Serialize};

use super::separation::{Separation, Sign};
use crate::dataset::Standardisation;

/// Where the classes can be separated: maximum likelihood has no finite optimum, and what of it is infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Separated {
    /// Whether every row is separated; otherwise some are not.
    pub complete: bool,
    /// The coefficients that run off, intercepts included.
    pub terms: Vec<Runaway>,
}

/// A coefficient that maximum likelihood makes infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runaway {
    /// `(intercept)`, `age`, `sex[male]`.
    pub term: String,
    /// The class whose logit it is part of, against the base, where there are more than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Where it runs to; absent where the likelihood rises either way.
    pub toward: Option<Toward>,
}

/// An infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Toward {
    /// +∞.
    PlusInfinity,
    /// −∞.
    MinusInfinity,
}

impl Toward {
    /// As tables write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Toward::PlusInfinity => "+∞",
            Toward::MinusInfinity => "−∞",
        }
    }
}

/// The same, by the numbers of outputs and columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Runaways {
    pub(super) complete: bool,
    /// Output (against the base class), design column or none for the intercept, and where it runs to.
    pub(super) parameters: Vec<(usize, Option<usize>, Option<Toward>)>,
}

impl Runaways {
    pub(super) fn of(separation: &Separation, standard: &Standardisation, outputs: usize) -> Self {
        let p = standard.columns.len();
        let one = |(&at, sign): (&usize, &Sign)| {
            let toward = match sign {
                Sign::Plus => Some(Toward::PlusInfinity),
                Sign::Minus => Some(Toward::MinusInfinity),
                Sign::Undetermined => None,
            };
            match at.checked_sub(outputs * p) {
                Some(output) => (output, None, toward),
                None => (at / p, Some(standard.columns[at % p]), toward),
            }
        };
        let parameters = separation.infinite.iter().zip(&separation.signs).map(one).collect();
        Runaways { complete: separation.complete, parameters }
    }

    /// The design columns, each once.
    pub(super) fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.parameters.iter().filter_map(|(_, column, _)| *column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// With the names of the design columns and of the classes, the base first.
    pub(super) fn named(&self, terms: &[String], classes: &[String]) -> Separated {
        let one = |&(output, column, toward): &(usize, Option<usize>, Option<Toward>)| Runaway {
            term: column.map_or("(intercept)".to_string(), |column| terms[column].clone()),
            class: (classes.len() > 2).then(|| classes[output + 1].clone()),
            toward,
        };
        Separated { complete: self.complete, terms: self.parameters.iter().map(one).collect() }
    }
}
