//! What C and JavaScript have in common: the statements of the function, whose operators both languages share.

use super::computation::{Computation, Factor, Holds, Number, Variable};
use crate::encode::{LARGEST, Part};

/// Where the languages differ.
pub(super) struct Language {
    /// How a number, a whole number and a list of numbers are declared.
    pub(super) number: &'static str,
    pub(super) whole: &'static str,
    pub(super) list: fn(name: &str, numbers: &str) -> String,
    pub(super) is_nan: &'static str,
    pub(super) abs: &'static str,
    pub(super) log: &'static str,
    pub(super) max: &'static str,
    pub(super) exp: &'static str,
    /// The statement that refuses a row.
    pub(super) refuse: &'static str,
}

/// The number of a part in `logistic_part`.
fn number_of(part: Part) -> usize {
    match part {
        Part::Year => 0,
        Part::Month => 1,
        Part::Weekday => 2,
        Part::Hour => 3,
    }
}

/// A number as both languages read it.
pub(super) fn literal(number: f64) -> String {
    format!("{number:e}")
}

impl Language {
    /// The coefficients of every term whose coefficient a level chooses, as lists.
    pub(super) fn tables(&self, computation: &Computation<'_>) -> Vec<String> {
        let chosen = computation.terms.iter().enumerate().filter(|(_, term)| term.coefficients[0].len() > 1);
        let lists = chosen.flat_map(|(at, term)| {
            let used = term.coefficients.iter().enumerate().filter(|(_, own)| own.iter().any(|number| *number != 0.0));
            used.map(move |(k, own)| {
                let numbers = own.iter().map(|number| literal(*number)).collect::<Vec<_>>().join(", ");
                (self.list)(&format!("t{at}_{k}"), &numbers)
            })
        });
        lists.collect()
    }

    /// The statements that make variables of the inputs `x0`, `x1`, …: numbers NaN where they are missing, words with
    /// `m0`, … of whether they are missing.
    pub(super) fn variables(&self, computation: &Computation<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        for (at, variable) in computation.variables.iter().enumerate() {
            match variable {
                Variable::Number(number) => lines.extend(self.number_lines(at, number)),
                Variable::Category(category) => {
                    let (input, unseen) = (category.input, category.unseen.map_or(-1, |level| level as i64));
                    let found = match category.part {
                        None => format!("logistic_level(w{at}, x{input}, {unseen})"),
                        Some(part) => format!("logistic_date_level(w{at}, x{input}, {})", number_of(part)),
                    };
                    let missing = category.missing.map_or(-1, |level| level as i64);
                    lines.push(format!("{} l{at} = m{input} ? {missing} : {found};", self.whole));
                    lines.push(format!("if (l{at} < 0) {}", self.refuse));
                }
            }
        }
        if let Some(offset) = computation.offset {
            lines.push(format!("if (!({}(x{offset}) <= {})) {}", self.abs, literal(LARGEST), self.refuse));
        }
        lines
    }

    fn number_lines(&self, at: usize, number: &Number) -> Vec<String> {
        let input = number.input;
        let value = if number.year { format!("logistic_part(x{input}, 0)") } else { format!("x{input}") };
        let value = match number.fill {
            None => value,
            Some(fill) => format!("m{input} ? {} : {value}", literal(fill)),
        };
        let mut lines = vec![
            format!("{} v{at} = {value};", self.number),
            format!("if (!({}(v{at}) <= {})) {}", self.abs, literal(LARGEST), self.refuse),
        ];
        if number.log {
            lines.push(format!("if (!(v{at} > 0)) {}", self.refuse));
        }
        lines
    }

    /// The statements that sum the logits `z0`, `z1`, ….
    pub(super) fn logits(&self, computation: &Computation<'_>) -> Vec<String> {
        let outputs = computation.intercepts.iter().enumerate();
        let mut lines: Vec<String> =
            outputs.map(|(k, intercept)| format!("{} z{k} = {};", self.number, literal(*intercept))).collect();
        for (at, term) in computation.terms.iter().enumerate() {
            let numbers: Vec<String> =
                term.factors.iter().filter_map(|factor| self.factor(computation, *factor)).collect();
            let place = term.factors.iter().fold(String::new(), |place, factor| match *factor {
                Factor::Level(variable) if place.is_empty() => format!("l{variable}"),
                Factor::Level(variable) => format!("{place} * {} + l{variable}", computation.width(*factor)),
                _ => place,
            });
            for (k, own) in term.coefficients.iter().enumerate().filter(|(_, own)| own.iter().any(|c| *c != 0.0)) {
                let coefficient = match own.as_slice() {
                    [one] => literal(*one),
                    _ => format!("t{at}_{k}[{place}]"),
                };
                let product = match numbers.as_slice() {
                    [] => coefficient,
                    [number] => format!("{coefficient} * {number}"),
                    numbers => format!("{coefficient} * ({})", numbers.join(" * ")),
                };
                lines.push(format!("z{k} += {product};"));
            }
        }
        lines.extend(computation.offset.map(|offset| format!("z0 += x{offset};")));
        lines
    }

    /// A factor that is a number.
    fn factor(&self, computation: &Computation<'_>, factor: Factor) -> Option<String> {
        let numbers = |variable: usize| match &computation.variables[variable] {
            Variable::Number(number) => Some(number),
            Variable::Category(_) => None,
        };
        match factor {
            Factor::Level(_) => None,
            Factor::Missing(input) => Some(format!("(m{input} ? 1 : 0)")),
            Factor::Value(variable) => Some(match numbers(variable)?.log {
                true => format!("{}(v{variable})", self.log),
                false => format!("v{variable}"),
            }),
            Factor::Bend(variable, bend) => {
                let bend = &numbers(variable)?.bends[bend];
                let [a, b, c] = bend.knots.map(|knot| format!("logistic_cube(v{variable} - {})", parenthesised(knot)));
                let [before, last] = bend.ratios.map(parenthesised);
                Some(format!("(({a} - {b} * {before} + {c} * {last}) / {})", literal(bend.scale)))
            }
        }
    }

    /// The expressions of the probabilities, once `top` is the largest logit and `total` the sum of the exponentials of
    /// all logits less the largest; of two classes the one of the positive class, from `z0`.
    pub(super) fn probabilities(&self, computation: &Computation<'_>) -> Vec<String> {
        let exp = self.exp;
        if !computation.is_softmax() {
            return vec![format!("z0 >= 0 ? 1 / (1 + {exp}(-z0)) : {exp}(z0) / (1 + {exp}(z0))")];
        }
        (0..computation.intercepts.len()).map(|k| format!("{exp}(z{k} - top) / total")).collect()
    }

    /// The statements that make `top` and `total`, of several classes.
    pub(super) fn softmax(&self, computation: &Computation<'_>) -> Vec<String> {
        if !computation.is_softmax() {
            return Vec::new();
        }
        let outputs = 0..computation.intercepts.len();
        let top = outputs.clone().skip(1).fold("z0".to_string(), |top, k| format!("{}({top}, z{k})", self.max));
        let total: Vec<String> = outputs.map(|k| format!("{}(z{k} - top)", self.exp)).collect();
        vec![format!("{} top = {top};", self.number), format!("{} total = {};", self.number, total.join(" + "))]
    }

    /// The test of whether an input of numbers is missing.
    pub(super) fn is_missing(&self, computation: &Computation<'_>, input: usize) -> Option<String> {
        (computation.inputs[input].holds != Holds::Text).then(|| format!("{}(x{input})", self.is_nan))
    }
}

fn parenthesised(number: f64) -> String {
    if number < 0.0 { format!("({number:e})") } else { literal(number) }
}

/// The functions of dates, with the marks `NUMBER` (a declaration), `WHOLE` (the same, of a whole number) and `FLOOR`. Year and month
/// are by H. Hinnant's `civil_from_days`, as in the ONNX file.
pub(super) const DATES: &str = "  if (!(ABS(days) <= 9e7)) return NAN;
  NUMBER moment = FLOOR(days * 86400e6 + 0.5);
  NUMBER day = FLOOR(moment / 86400e6);
  if (part === 2) return day + 3 - 7 * FLOOR((day + 3) / 7);
  if (part === 3) return FLOOR((moment - 86400e6 * day) / 3600e6);
  NUMBER era = FLOOR((day + 719468) / 146097);
  NUMBER dayOfEra = day + 719468 - 146097 * era;
  NUMBER even = dayOfEra - FLOOR(dayOfEra / 1460) + FLOOR(dayOfEra / 36524) - FLOOR(dayOfEra / 146096);
  NUMBER year = FLOOR(even / 365);
  NUMBER dayOfYear = dayOfEra - (365 * year + FLOOR(year / 4) - FLOOR(year / 100));
  NUMBER month = FLOOR((5 * dayOfYear + 2) / 153);
  if (part === 1) return month < 10 ? month + 2 : month - 10;
  return year + 400 * era + (month < 10 ? 0 : 1);";
