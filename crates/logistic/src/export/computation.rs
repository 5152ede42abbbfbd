//! What a model computes, as plain data: the form from which every format is written.
//!
//! A row's cells become *variables* (a number, filled and checked; the number of a level), variables become *factors* of
//! *terms*, and terms are summed into one logit for each output. A variable that the model would refuse refuses the row:
//! it has no probability.

use std::collections::HashMap;

use crate::encode::{Anatomy, Curve, Encoder, Kind, LARGEST, Missing, OTHER, Part, Source, Unseen};
use crate::error::{Error, Place, Result};
use crate::model::Model;
use crate::objective::{Activation, Network};
use crate::table::date_parts;

/// A model as sums of terms, which are its logits or, of a network, enter its first hidden layer.
pub(super) struct Computation<'m> {
    pub(super) model: &'m Model,
    /// The columns that a row must have.
    pub(super) inputs: Vec<Input<'m>>,
    pub(super) variables: Vec<Variable>,
    pub(super) terms: Vec<Term>,
    /// One of two classes; of more, one of each class, 0 for the base; of a network one of each unit of the first layer.
    pub(super) intercepts: Vec<f64>,
    /// What becomes of the sums in a network.
    pub(super) deeper: Option<Deeper<'m>>,
    /// The input that is added to the logit.
    pub(super) offset: Option<usize>,
}

/// The layers of a network behind the first.
pub(super) struct Deeper<'m> {
    pub(super) activation: Activation,
    /// Weights, row-major (outputs, inputs), and biases (outputs).
    pub(super) layers: Vec<(&'m [f64], &'m [f64])>,
}

/// A column of the table.
pub(super) struct Input<'m> {
    pub(super) name: &'m str,
    pub(super) holds: Holds,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Number,
    /// Days since 1970-01-01.
    Date,
    Text,
}

/// What becomes of a cell.
pub(super) enum Variable {
    Number(Number),
    Category(Category),
}

/// A number that is filled where it is missing, and refused beyond ±[`LARGEST`].
pub(super) struct Number {
    pub(super) input: usize,
    /// Whether the number is the year of a date.
    pub(super) year: bool,
    /// What stands for a missing value; none where it is refused.
    pub(super) fill: Option<f64>,
    pub(super) log: bool,
    pub(super) bends: Vec<Bend>,
}

/// A column of a natural cubic spline: (c(t₀) − c(t₁)·r₁ + c(t₂)·r₂) / s with c(t) = max(x − t, 0)³.
pub(super) struct Bend {
    pub(super) knots: [f64; 3],
    pub(super) ratios: [f64; 2],
    pub(super) scale: f64,
}

/// The number of a level.
pub(super) struct Category {
    pub(super) input: usize,
    /// The part of a date that is the category.
    pub(super) part: Option<Part>,
    pub(super) n_levels: usize,
    /// Every word with a level of its own, with that level.
    pub(super) known: Vec<(String, usize)>,
    /// The level that stands for a missing value; none where it is refused.
    pub(super) missing: Option<usize>,
    /// The level that stands for any other word; none where it is refused.
    pub(super) unseen: Option<usize>,
}

/// What is multiplied with a coefficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    /// The number of a variable, or its logarithm.
    Value(usize),
    /// A bend of a variable.
    Bend(usize, usize),
    /// Whether an input is missing.
    Missing(usize),
    /// The level of a variable chooses the coefficient.
    Level(usize),
}

/// A summand of the logit: the product of one or two factors and a coefficient.
pub(super) struct Term {
    pub(super) factors: Vec<Factor>,
    /// For each output one coefficient; where a level chooses, one for each level; where two do, one for each pair, the
    /// levels of the second beside each other.
    pub(super) coefficients: Vec<Vec<f64>>,
}

/// A cell of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Missing,
    Number(f64),
    Text(String),
}

/// A logit, and the sum of the magnitudes of what was summed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) logit: f64,
    pub(super) magnitude: f64,
}

/// The parts of a date as numbers from 0, or none for the year.
pub(super) fn part_of(part: Part, days: f64) -> Option<usize> {
    let parts = date_parts(days)?;
    Some(match part {
        Part::Year => return None,
        Part::Month => parts.month as usize,
        Part::Weekday => parts.weekday as usize,
        Part::Hour => parts.hour as usize,
    })
}

/// The words of a part of a date, as the encoder writes them.
pub(super) fn words_of(part: Part) -> Vec<String> {
    match part {
        Part::Year => Vec::new(),
        Part::Month => (1..=12).map(|month| format!("{month:02}")).collect(),
        Part::Weekday => (1..)
            .zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
            .map(|(at, day)| format!("{at} {day}"))
            .collect(),
        Part::Hour => (0..24).map(|hour| format!("{hour:02}")).collect(),
    }
}

impl<'m> Computation<'m> {
    /// What a model computes.
    pub(super) fn of(model: &'m Model) -> Self {
        let encoder = &model.encoder;
        let n_classes = encoder.target.classes.len();
        let inputs = inputs(encoder);
        let at = |name: &str| inputs.iter().position(|input| input.name == name).unwrap_or(0);
        let variables = encoder.sources.iter().map(|source| variable(encoder, source, at(&source.name))).collect();
        let deeper = model.network.as_ref().map(Deeper::of);
        let mut outputs = model.network.as_ref().map_or_else(|| model.outputs(), first_layer);
        if deeper.is_none() && outputs.len() < if n_classes == 2 { 1 } else { n_classes } {
            outputs.insert(0, (0.0, vec![0.0; encoder.terms().len()]));
        }
        let offset = encoder.offset.as_deref().map(at);
        let mut computation =
            Computation { model, inputs, variables, terms: Vec::new(), intercepts: Vec::new(), deeper, offset };
        computation.terms = computation.terms_of(&encoder.anatomy(), &outputs);
        computation.intercepts = outputs.into_iter().map(|(intercept, _)| intercept).collect();
        computation
    }

    /// Refuses an offset beside more than two classes, which no fit has.
    ///
    /// # Errors
    /// [`Error::Export`] with the column.
    pub(super) fn refuse_offset(&self) -> Result<()> {
        match self.offset.filter(|_| self.is_softmax()) {
            None => Ok(()),
            Some(offset) => Err(Error::Export {
                place: Place::default().column(self.inputs[offset].name),
                problem: "an offset of more than two classes is not exported".to_string(),
                help: "train with `--positive`, or without `--offset`".to_string(),
            }),
        }
    }

    /// The classes.
    pub(super) fn classes(&self) -> &'m [String] {
        &self.model.encoder.target.classes
    }

    /// Whether there are more than two classes.
    pub(super) fn is_softmax(&self) -> bool {
        self.classes().len() > 2
    }

    /// The number of coefficients that a factor chooses from.
    pub(super) fn width(&self, factor: Factor) -> usize {
        match factor {
            Factor::Level(variable) => match &self.variables[variable] {
                Variable::Category(category) => category.n_levels,
                Variable::Number(_) => 1,
            },
            _ => 1,
        }
    }

    /// The terms, first those of single factors, in the order of the sources, then the products.
    fn terms_of(&self, anatomy: &Anatomy<'_>, outputs: &[(f64, Vec<f64>)]) -> Vec<Term> {
        // What every design column is: its factor, and its place among the coefficients of that factor.
        let mut columns: Vec<(Factor, usize)> = Vec::with_capacity(anatomy.n_columns);
        let mut singles: Vec<(Factor, Vec<(usize, usize)>)> = Vec::new();
        for (variable, (group, source)) in anatomy.sources.iter().zip(&self.model.encoder.sources).enumerate() {
            let start = columns.len();
            columns.extend(group.columns.clone().enumerate().map(|(k, _)| match (&source.kind, k) {
                (Kind::Categorical { .. }, k) => (Factor::Level(variable), k + 1),
                (_, 0) => (Factor::Value(variable), 0),
                (_, k) => (Factor::Bend(variable, k - 1), 0),
            }));
            if let Kind::Categorical { .. } = source.kind {
                let cells = (start..columns.len()).map(|column| (column, columns[column].1)).collect();
                singles.push((Factor::Level(variable), cells));
            } else {
                singles.extend((start..columns.len()).map(|column| (columns[column].0, vec![(column, 0)])));
            }
            if source.indicator {
                let factor = Factor::Missing(self.input_of(variable));
                singles.push((factor, vec![(columns.len(), 0)]));
                columns.push((factor, 0));
            }
        }
        let mut terms: Vec<Term> =
            singles.into_iter().map(|(factor, cells)| self.term(vec![factor], &cells, outputs)).collect();
        let factors = |product: &crate::encode::Product| (columns[product.left].0, columns[product.right].0);
        for products in anatomy.products.chunk_by(|a, b| factors(a) == factors(b)) {
            let (left, right) = factors(&products[0]);
            let place = |product: &crate::encode::Product| {
                (product.column, columns[product.left].1 * self.width(right) + columns[product.right].1)
            };
            let cells: Vec<(usize, usize)> = products.iter().map(place).collect();
            terms.push(self.term(vec![left, right], &cells, outputs));
        }
        terms
    }

    /// A term whose coefficients stand at `cells`: design columns, each with its place in the term.
    fn term(&self, factors: Vec<Factor>, cells: &[(usize, usize)], outputs: &[(f64, Vec<f64>)]) -> Term {
        let width = factors.iter().map(|factor| self.width(*factor)).product();
        let coefficients = outputs.iter().map(|(_, weight)| {
            let mut own = vec![0.0; width];
            cells.iter().for_each(|(column, place)| own[*place] = weight[*column]);
            own
        });
        Term { coefficients: coefficients.collect(), factors }
    }

    pub(super) fn input_of(&self, variable: usize) -> usize {
        match &self.variables[variable] {
            Variable::Number(number) => number.input,
            Variable::Category(category) => category.input,
        }
    }

    /// The logits of a row, one for each output; none where the model has no probability for it.
    pub(super) fn evaluate(&self, row: &[Cell]) -> Option<Vec<Sum>> {
        let mut values = Vec::with_capacity(self.variables.len());
        for variable in &self.variables {
            values.push(match variable {
                Variable::Number(number) => Value::Number(number.value(&row[number.input])?),
                Variable::Category(category) => Value::Level(category.level(&row[category.input])?),
            });
        }
        let offset = match self.offset.map(|offset| &row[offset]) {
            None => 0.0,
            Some(Cell::Number(offset)) if offset.abs() <= LARGEST => *offset,
            Some(_) => return None,
        };
        let begin = |intercept: &f64| Sum { logit: *intercept, magnitude: intercept.abs() };
        let mut sums: Vec<Sum> = self.intercepts.iter().map(begin).collect();
        for term in &self.terms {
            let (mut product, mut size, mut place) = (1.0, 1.0, 0);
            for factor in &term.factors {
                let own = self.factor(*factor, &values, row);
                place = place * self.width(*factor) + own.level;
                product *= own.value;
                size *= own.magnitude;
            }
            for (sum, coefficients) in sums.iter_mut().zip(&term.coefficients) {
                sum.logit += coefficients[place] * product;
                sum.magnitude += (coefficients[place] * size).abs();
            }
        }
        if let Some(deeper) = &self.deeper {
            sums = deeper.sums(sums);
        }
        for sum in &mut sums {
            sum.logit += offset;
            sum.magnitude += offset.abs();
        }
        Some(sums)
    }

    fn factor(&self, factor: Factor, values: &[Value], row: &[Cell]) -> Evaluated {
        let number = |value: f64, magnitude: f64| Evaluated { value, magnitude, level: 0 };
        match factor {
            Factor::Missing(input) => {
                let mark = f64::from(u8::from(row[input] == Cell::Missing));
                number(mark, mark)
            }
            Factor::Value(variable) | Factor::Bend(variable, _) | Factor::Level(variable) => {
                match (values[variable], &self.variables[variable], factor) {
                    (Value::Level(level), ..) => Evaluated { value: 1.0, magnitude: 1.0, level },
                    (Value::Number(x), Variable::Number(own), Factor::Bend(_, bend)) => {
                        let (value, magnitude) = own.bends[bend].at(x);
                        number(value, magnitude)
                    }
                    (Value::Number(x), Variable::Number(own), _) if own.log => number(x.ln(), x.ln().abs()),
                    (Value::Number(x), ..) => number(x, x.abs()),
                }
            }
        }
    }
}

/// The bias and the weights of every unit of the first hidden layer.
fn first_layer(network: &Network) -> Vec<(f64, Vec<f64>)> {
    let n_inputs = network.layers().n_inputs();
    let unit = |weight: &[f64], k: usize| weight[k * n_inputs..(k + 1) * n_inputs].to_vec();
    let first = network.weights_and_biases().next();
    first.map_or(Vec::new(), |(weight, bias)| bias.iter().enumerate().map(|(k, &b)| (b, unit(weight, k))).collect())
}

impl<'m> Deeper<'m> {
    fn of(network: &'m Network) -> Self {
        Deeper { activation: network.layers().activation(), layers: network.weights_and_biases().skip(1).collect() }
    }

    /// What the layers make of the sums of the first. The magnitude of a unit's sum has those of the units before it, and
    /// three times their values: once as a summand, twice for the activation, see [`Bound`](super::bound::Bound).
    fn sums(&self, mut sums: Vec<Sum>) -> Vec<Sum> {
        for (weight, bias) in &self.layers {
            let units: Vec<Sum> = sums.iter().map(|sum| self.unit(*sum)).collect();
            let of = |(weight, &bias): (&[f64], &f64)| {
                let begin = Sum { logit: bias, magnitude: bias.abs() };
                units.iter().zip(weight).fold(begin, |sum, (unit, weight)| Sum {
                    logit: sum.logit + weight * unit.logit,
                    magnitude: sum.magnitude + weight.abs() * unit.magnitude,
                })
            };
            sums = weight.chunks_exact(units.len()).zip(*bias).map(of).collect();
        }
        sums
    }

    fn unit(&self, Sum { logit, magnitude }: Sum) -> Sum {
        let value = match self.activation {
            Activation::Relu => logit.max(0.0),
            Activation::Tanh => logit.tanh(),
        };
        Sum { logit: value, magnitude: magnitude + 3.0 * value.abs() }
    }
}

#[derive(Clone, Copy)]
enum Value {
    Number(f64),
    Level(usize),
}

/// A factor of a row: its value, what rounding errors of it are relative to, and the level that it chooses.
struct Evaluated {
    value: f64,
    magnitude: f64,
    level: usize,
}

impl Bend {
    fn of(knots: &[f64], j: usize) -> Self {
        let (first, before, last) = (knots[0], knots[knots.len() - 2], knots[knots.len() - 1]);
        let end = last - before;
        Bend {
            knots: [knots[j], before, last],
            ratios: [(last - knots[j]) / end, (before - knots[j]) / end],
            scale: (last - first) * (last - first),
        }
    }

    /// The bend, and the sum of the magnitudes of its parts, which cancel beyond the last knot. The magnitude is that of
    /// the differences' operands, since each is rounded.
    fn at(&self, x: f64) -> (f64, f64) {
        let cube = |knot: f64| (x - knot).max(0.0).powi(3);
        let [a, b, c] = self.knots.map(cube);
        let value = (a - b * self.ratios[0] + c * self.ratios[1]) / self.scale;
        (value, (a + b * self.ratios[0].abs() + c * self.ratios[1].abs()) / self.scale)
    }
}

impl Number {
    fn value(&self, cell: &Cell) -> Option<f64> {
        let value = match cell {
            Cell::Missing => self.fill?,
            Cell::Number(days) if self.year => f64::from(date_parts(*days)?.year),
            Cell::Number(number) => *number,
            Cell::Text(_) => return None,
        };
        (value.abs() <= LARGEST && !(self.log && value <= 0.0)).then_some(value)
    }
}

impl Category {
    fn level(&self, cell: &Cell) -> Option<usize> {
        let word = match (cell, self.part) {
            (Cell::Missing, _) => return self.missing,
            (Cell::Text(text), _) => text.clone(),
            (Cell::Number(days), Some(part)) => words_of(part)[part_of(part, *days)?].clone(),
            (Cell::Number(_), None) => return None,
        };
        self.known.iter().find(|(known, _)| *known == word).map_or(self.unseen, |(_, level)| Some(*level))
    }

    /// The level of every value of the part of a date, in the order of the calendar; none where it is refused.
    pub(super) fn calendar(&self, part: Part) -> Vec<Option<usize>> {
        words_of(part).into_iter().map(|word| self.level(&Cell::Text(word))).collect()
    }
}

/// The columns of an encoder, each once; parts of a date share one.
fn inputs(encoder: &Encoder) -> Vec<Input<'_>> {
    let mut inputs: Vec<Input<'_>> = Vec::new();
    for source in &encoder.sources {
        let holds = match (&source.kind, source.part) {
            (_, Some(_)) | (Kind::Date { .. }, _) => Holds::Date,
            (Kind::Numeric { .. }, None) => Holds::Number,
            (Kind::Categorical { .. }, None) => Holds::Text,
        };
        if inputs.iter().all(|input| input.name != source.name) {
            inputs.push(Input { name: &source.name, holds });
        }
    }
    if let Some(offset) = &encoder.offset
        && inputs.iter().all(|input| input.name != offset)
    {
        inputs.push(Input { name: offset, holds: Holds::Number });
    }
    inputs
}

fn variable(encoder: &Encoder, source: &Source, input: usize) -> Variable {
    let imputes = encoder.missing == Missing::Impute;
    match &source.kind {
        Kind::Numeric { fill, curve } => Variable::Number(Number {
            input,
            year: source.part.is_some(),
            fill: fill.filter(|_| imputes),
            log: *curve == Curve::Log,
            bends: match curve {
                Curve::Spline { knots } => (0..knots.len() - 2).map(|j| Bend::of(knots, j)).collect(),
                _ => Vec::new(),
            },
        }),
        Kind::Date { fill } => Variable::Number(Number {
            input,
            year: false,
            fill: fill.filter(|_| imputes),
            log: false,
            bends: Vec::new(),
        }),
        Kind::Categorical { levels, pooled, fill } => {
            let fill = fill.as_ref().filter(|_| imputes);
            Variable::Category(Category {
                input,
                part: source.part,
                n_levels: levels.len(),
                known: known(levels, pooled),
                missing: fill.and_then(|fill| levels.iter().position(|level| level == fill)),
                unseen: match encoder.unseen {
                    Unseen::Error => None,
                    Unseen::Baseline => Some(0),
                    Unseen::Other => levels.iter().position(|level| level == OTHER),
                },
            })
        }
    }
}

/// Every word that has a level, the encoder's own first: then the pooled ones, and the other spellings of booleans.
fn known(levels: &[String], pooled: &[String]) -> Vec<(String, usize)> {
    let mut known: Vec<(String, usize)> = levels.iter().cloned().zip(0..).collect();
    let other = levels.iter().position(|level| level == OTHER);
    known.extend(other.into_iter().flat_map(|other| pooled.iter().map(move |word| (word.clone(), other))));
    let mut spelt: HashMap<String, usize> = known.iter().cloned().collect();
    // The first level of several that differ in case alone is the one that counts.
    for (at, level) in levels.iter().enumerate() {
        if ["yes", "no", "true", "false"].contains(&level.to_ascii_lowercase().as_str()) {
            for spelling in spellings(level) {
                if !spelt.contains_key(&spelling) {
                    spelt.insert(spelling.clone(), at);
                    known.push((spelling, at));
                }
            }
        }
    }
    known
}

/// A word in every mixture of upper and lower case.
fn spellings(word: &str) -> Vec<String> {
    word.chars().fold(vec![String::new()], |begun, c| {
        let both = [c.to_ascii_lowercase(), c.to_ascii_uppercase()];
        begun.iter().flat_map(|start| both.map(|c| format!("{start}{c}"))).collect()
    })
}
