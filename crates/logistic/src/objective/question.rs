//! What can be asked of rows that are elsewhere. Every answer is a list of numbers, of which the first is the number of
//! rows, and the answers of two sets of rows make the answer of both.

use serde::{Deserialize, Serialize};

use super::{EmpiricalRisk, Objective, Order, Scores, StandsFor};
use crate::cholesky::Cholesky;
use crate::dataset::{Elsewhere, Rows, Spreads, Standardisation, check_length};
use crate::error::{Error, Result};
use crate::loss::{BceWithLogits, CrossEntropy, Loss};

/// A question, as it goes over a wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Question {
    /// The first row.
    First,
    /// The weight of every class.
    Totals { n_classes: usize },
    /// Centre and spread of the columns, from `origin`.
    Spreads { origin: Vec<f64>, centred: bool },
    /// Value and derivatives of the loss.
    Sums { of: Predictor, parameters: Vec<f64>, order: u8 },
    /// The sums of sandwich covariances.
    Scores { of: Predictor, parameters: Vec<f64>, stands_for: StandsFor },
    /// The largest row in the metric of a factor's inverse.
    LargestNorm { of: Predictor, lower: Vec<f64>, n: usize },
    /// At least the largest sum of weighted squares of a row.
    LargestSquare { of: Predictor, largest: Vec<f64>, q: Vec<f64> },
    /// Another, of rows that weigh by their class.
    Weighted { of_class: Vec<f64>, question: Box<Question> },
}

/// A linear predictor of standardised columns, and its loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Predictor {
    n_classes: usize,
    outputs: usize,
    intercept: bool,
    columns: Vec<usize>,
    centre: Vec<f64>,
    scale: Vec<f64>,
}

impl Predictor {
    fn of<L: Loss>(risk: &EmpiricalRisk<'_, L>) -> Self {
        let (outputs, dataset) = (risk.loss.n_outputs(), risk.rows.dataset());
        let standard = risk.standard.clone().unwrap_or_else(|| Standardisation::none(dataset.n_columns()));
        let (n_classes, intercept) = (dataset.n_classes(), risk.intercept);
        let Standardisation { columns, centre, scale, .. } = standard;
        Predictor { n_classes, outputs, intercept, columns, centre, scale }
    }

    fn standard(&self) -> Standardisation {
        let largest = vec![f64::INFINITY; self.columns.len()];
        let Predictor { columns, centre, scale, .. } = self.clone();
        Standardisation { columns, centre, scale, largest }
    }

    fn risk<'a, L: Loss>(&self, rows: &Rows<'a>, loss: L) -> EmpiricalRisk<'a, L> {
        let risk = EmpiricalRisk::new(rows.clone(), loss).standardised(self.standard());
        if self.intercept { risk } else { risk.without_intercept() }
    }
}

impl Question {
    fn bytes(&self) -> Vec<u8> {
        // Numbers, lists and names: there is nothing in a question that JSON has no word for.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its answer, of `len` numbers.
    fn ask(self, elsewhere: &Elsewhere, len: usize) -> Vec<f64> {
        let question = match &elsewhere.class_weight[..] {
            [] => self,
            of_class => Question::Weighted { of_class: of_class.to_vec(), question: Box::new(self) },
        };
        elsewhere.ask(&question.bytes(), len)
    }

    fn read(question: &[u8]) -> Result<Self> {
        serde_json::from_slice(question).map_err(|error| Error::setting("question", "one of this version", &error))
    }

    fn answer(&self, rows: &Rows<'_>) -> Result<Vec<f64>> {
        Ok(match self {
            Question::First => rows.get(0).map_or(Vec::new(), |(x, _)| x),
            Question::Totals { n_classes } => totals(rows, *n_classes),
            Question::Spreads { origin, centred } => Spreads::of(rows, origin, *centred).numbers(),
            Question::Weighted { of_class, question } => {
                let data = rows.dataset().class_weighted(of_class)?;
                question.answer(&rows.of(&data))?
            }
            Question::Sums { of, .. }
            | Question::Scores { of, .. }
            | Question::LargestNorm { of, .. }
            | Question::LargestSquare { of, .. } => {
                let &Predictor { n_classes, outputs, .. } = of;
                match outputs {
                    1 => self.of_risk(&of.risk(rows, BceWithLogits::default()))?,
                    _ => self.of_risk(&of.risk(rows, CrossEntropy { n_classes, base: outputs < n_classes }))?,
                }
            }
        })
    }

    fn of_risk<L: Loss>(&self, risk: &EmpiricalRisk<'_, L>) -> Result<Vec<f64>> {
        Ok(match self {
            Question::Sums { parameters, order, .. } => {
                let order = [Order::Value, Order::Gradient, Order::Hessian][usize::from(*order).min(2)];
                check_length("length of parameters".to_string(), risk.n_parameters(), parameters.len())?;
                let sums = risk.plain_sums(parameters, order);
                [&[sums.value][..], &sums.gradient, &sums.hessian].concat()
            }
            Question::Scores { parameters, stands_for, .. } => {
                check_length("length of parameters".to_string(), risk.n_parameters(), parameters.len())?;
                let Scores { size, products } = risk.scores(parameters, stands_for);
                [&[size][..], &products].concat()
            }
            Question::LargestNorm { lower, n, .. } => {
                vec![risk.largest_norm(&Cholesky::from_lower(lower.clone(), *n)?)]
            }
            Question::LargestSquare { largest, q, .. } => vec![risk.largest_square(largest, q)],
            _ => Vec::new(),
        })
    }

    fn merge(&self, into: &mut Vec<f64>, other: &[f64]) -> Result<()> {
        match self {
            Question::First => {}
            Question::Spreads { .. } => {
                let (Some(mut all), Some(part)) = (Spreads::of_numbers(into), Spreads::of_numbers(other)) else {
                    let what = "length of an answer".to_string();
                    return Err(Error::Shape { what, expected: 4, found: other.len() });
                };
                all.merge(&part);
                *into = all.numbers();
            }
            Question::Weighted { question, .. } => return question.merge(into, other),
            Question::Totals { .. } | Question::Sums { .. } | Question::Scores { .. } => {
                into.iter_mut().zip(other).for_each(|(a, b)| *a += b)
            }
            Question::LargestNorm { .. } | Question::LargestSquare { .. } => {
                into.iter_mut().zip(other).for_each(|(a, b)| *a = a.max(*b));
            }
        }
        Ok(())
    }
}

/// The weight of every class.
fn totals(rows: &Rows<'_>, n_classes: usize) -> Vec<f64> {
    let (y, weight) = (rows.dataset().y(), rows.dataset().weight());
    let mut totals = vec![0.0; n_classes];
    for row in rows.indices() {
        totals[(y[row] as usize).min(n_classes - 1)] += weight.map_or(1.0, |weight| weight[row]);
    }
    totals
}

/// The answer of some rows to a question of [`Engine::ask`](crate::dataset::Engine::ask), where they are; it begins with
/// the number of them. No rows have the answer of no numbers.
///
/// # Errors
/// [`Error::Setting`] for a question of another version; [`Error::Shape`] for one about other columns.
pub fn answer(question: &[u8], rows: &Rows<'_>) -> Result<Vec<f64>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut numbers = Question::read(question)?.answer(rows)?;
    numbers.insert(0, rows.len() as f64);
    Ok(numbers)
}

/// Adds the answer of other rows to `into`.
///
/// # Errors
/// As [`answer`].
pub fn merge(question: &[u8], into: &mut Vec<f64>, other: &[f64]) -> Result<()> {
    let question = Question::read(question)?;
    let (Some(count), Some((other_count, other))) = (into.first().copied(), other.split_first()) else {
        into.extend_from_slice(other);
        return Ok(());
    };
    let mut numbers = into.split_off(1);
    question.merge(&mut numbers, other)?;
    into[0] = count + other_count;
    into.append(&mut numbers);
    Ok(())
}

/// The question for the number of rows and the weight of every class, which come one after the other: what
/// [`Dataset::elsewhere`](crate::dataset::Dataset::elsewhere) wants to know.
pub fn question_of_totals(n_classes: usize) -> Vec<u8> {
    Question::Totals { n_classes }.bytes()
}

/// Every column that varies, by its mean and standard deviation, wherever the rows are.
pub(crate) fn standardisation(rows: &Rows<'_>, centred: bool) -> Standardisation {
    let dataset = rows.dataset();
    let Some(elsewhere) = dataset.is_elsewhere() else { return Standardisation::of(rows, centred) };
    let width = dataset.n_columns();
    let origin = if centred { Question::First.ask(elsewhere, width) } else { vec![0.0; width] };
    let question = Question::Spreads { origin: origin.clone(), centred };
    let answer = question.ask(elsewhere, Spreads::n_numbers(dataset));
    let spreads = Spreads::of_numbers(&answer).filter(|_| origin.iter().all(|x| x.is_finite()));
    spreads.map_or_else(|| Standardisation::none(0), |spreads| spreads.standardisation(dataset, &origin, centred))
}

impl<L: Loss> EmpiricalRisk<'_, L> {
    /// Whether an engine holds the rows.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.elsewhere().is_some()
    }

    pub(super) fn elsewhere(&self) -> Option<&Elsewhere> {
        self.rows.dataset().is_elsewhere()
    }

    pub(super) fn ask_sums(&self, elsewhere: &Elsewhere, parameters: &[f64], order: Order) -> super::Sums {
        let mut sums = super::Sums::zero(parameters.len(), order);
        let (gradient, hessian) = (sums.gradient.len(), sums.hessian.len());
        let question = Question::Sums { of: Predictor::of(self), parameters: parameters.to_vec(), order: order as u8 };
        let numbers = question.ask(elsewhere, 1 + gradient + hessian);
        sums.value = numbers[0];
        sums.gradient.copy_from_slice(&numbers[1..=gradient]);
        sums.hessian.copy_from_slice(&numbers[1 + gradient..]);
        sums
    }

    pub(super) fn ask_scores(&self, elsewhere: &Elsewhere, parameters: &[f64], stands_for: &StandsFor) -> Scores {
        let (parameters, stands_for) = (parameters.to_vec(), stands_for.clone());
        let n = parameters.len();
        let question = Question::Scores { of: Predictor::of(self), parameters, stands_for };
        let mut products = question.ask(elsewhere, 1 + n * n);
        Scores { size: products.remove(0), products }
    }

    pub(super) fn ask_largest_norm(&self, elsewhere: &Elsewhere, factor: &Cholesky) -> f64 {
        let n = self.n_parameters();
        let question = Question::LargestNorm { of: Predictor::of(self), lower: factor.lower().to_vec(), n };
        question.ask(elsewhere, 1)[0]
    }

    pub(super) fn ask_largest_square(&self, elsewhere: &Elsewhere, largest: &[f64], q: &[f64]) -> f64 {
        let (largest, q) = (largest.to_vec(), q.to_vec());
        let question = Question::LargestSquare { of: Predictor::of(self), largest, q };
        question.ask(elsewhere, 1)[0]
    }
}
