//! The coefficients that run off to infinity where the classes are separated.

use serde::{Deserialize, Serialize};

use super::fit::Fit;
use super::separation::{Separation, Sign};
use super::settings::LogisticRegression;
use crate::dataset::{Rows, Standardisation};
use crate::error::Result;

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
    /// The other end of its 95 % interval by profile likelihood, in the user's units; absent where it was not asked for
    /// or there is none, because the rows are as likely at every value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
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
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq)]
struct Parameter {
    /// Against the base class.
    output: usize,
    /// The design column; none for the intercept.
    column: Option<usize>,
    toward: Option<Toward>,
    bound: Option<f64>,
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
            let (output, column) = match at.checked_sub(outputs * p) {
                Some(output) => (output, None),
                None => (at / p, Some(standard.columns[at % p])),
            };
            Parameter { output, column, toward, bound: None }
        };
        let parameters = separation.infinite.iter().zip(&separation.signs).map(one).collect();
        Runaways { complete: separation.complete, parameters }
    }

    /// The design columns, each once.
    pub(super) fn columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.parameters.iter().filter_map(|parameter| parameter.column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// With the names of the design columns and of the classes, the base first.
    pub(super) fn named(&self, terms: &[String], classes: &[String]) -> Separated {
        let one = |parameter: &Parameter| Runaway {
            term: parameter.column.map_or("(intercept)".to_string(), |column| terms[column].clone()),
            class: (classes.len() > 2).then(|| classes[parameter.output + 1].clone()),
            toward: parameter.toward,
            bound: parameter.bound,
        };
        Separated { complete: self.complete, terms: self.parameters.iter().map(one).collect() }
    }
}

impl LogisticRegression {
    /// Finds, for the coefficients of two classes that run off in this fit of these settings, the other end of their
    /// profile-likelihood intervals. Each takes about as long as a fit. Intercepts have none here.
    ///
    /// # Errors
    /// Those of [`LogisticRegression::profile_bound`].
    pub fn bound_runaways(&self, rows: &Rows<'_>, fit: &mut Fit) -> Result<()> {
        let Some(runaways) = &mut fit.runaways else { return Ok(()) };
        for parameter in &mut runaways.parameters {
            if let (Some(column), Some(toward)) = (parameter.column, parameter.toward) {
                parameter.bound = self.profile_bound(rows, column, toward == Toward::PlusInfinity)?;
            }
        }
        Ok(())
    }
}
