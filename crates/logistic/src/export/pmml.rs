//! PMML 4.4: a `RegressionModel` over derived fields, which hold the encoder.
//!
//! Fields of the data are the table's columns by name: numbers and days since 1970-01-01 as double, everything else as
//! string, where the empty one is missing. A field that refuses a row is missing, and with it every sum that it is part of,
//! so that the row has no probability. Of two classes the coefficients stand in the regression table. Of more the logits
//! are derived fields, and the tables have their differences to the largest, since not every evaluator's softmax
//! takes logits beyond 700.
//!
//! Parts of dates are not written: evaluators do not agree on functions of dates.

use std::collections::HashSet;

use super::computation::{Category, Computation, Factor, Holds, Number, Term, Variable};
use super::document::Document;
use super::golden::Golden;
use super::xml::{block, element, text, unsayable};
use crate::encode::LARGEST;
use crate::error::{Error, Place, Result, quoted};

const CONTINUOUS: [(&str, &str); 2] = [("optype", "continuous"), ("dataType", "double")];
const CATEGORICAL: [(&str, &str); 2] = [("optype", "categorical"), ("dataType", "string")];

/// The text of the PMML file.
///
/// # Errors
/// [`Error::Export`] for parts of dates, for a column that is called as an output is, and for words that XML cannot hold.
pub(super) fn write(document: &Document<'_, '_>) -> Result<String> {
    let writer = Writer::new(document.computation);
    writer.refuse()?;
    let header = block(
        "Header",
        &[("description", &document.title())],
        &document
            .metadata()
            .iter()
            .map(|(key, value)| element("Extension", &[("extender", "logistic"), ("name", key), ("value", value)], &[]))
            .chain([element("Application", &[("name", "logistic"), ("version", env!("CARGO_PKG_VERSION"))], &[])])
            .collect::<Vec<_>>(),
    );
    let (derived, tables) = writer.regression();
    let sections = [
        header,
        writer.dictionary(),
        block("TransformationDictionary", &[], &derived),
        writer.model(document, &tables),
    ];
    let root = block("PMML", &[("xmlns", "http://www.dmg.org/PMML-4_4"), ("version", "4.4")], &sections);
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}\n"))
}

fn field(name: &str) -> String {
    element("FieldRef", &[("field", name)], &[])
}

fn number(value: f64) -> String {
    text("Constant", &[("dataType", "double")], &format!("{value:e}"))
}

fn apply(function: &str, arguments: &[String]) -> String {
    element("Apply", &[("function", function)], arguments)
}

fn derived(name: &str, kind: [(&str, &str); 2], expression: String) -> String {
    element("DerivedField", &[("name", name), kind[0], kind[1]], &[expression])
}

/// A sum or product whose depth grows with the logarithm of its length; evaluators go down by recursion.
fn folded(function: &str, mut parts: Vec<String>) -> String {
    while parts.len() > 1 {
        parts =
            parts.chunks(2).map(|pair| if pair.len() == 2 { apply(function, pair) } else { pair[0].clone() }).collect();
    }
    parts.pop().unwrap_or_else(|| number(0.0))
}

/// A field, and its coefficient for every output.
type Predictor = (String, Vec<f64>);

struct Writer<'c, 'm> {
    computation: &'c Computation<'m>,
    /// What begins the name of every derived field, and of no column.
    prefix: String,
}

impl<'c, 'm> Writer<'c, 'm> {
    fn new(computation: &'c Computation<'m>) -> Self {
        let mut prefix = "derived.".to_string();
        let target = computation.model.encoder.target.column.as_str();
        while computation.inputs.iter().map(|input| input.name).chain([target]).any(|name| name.starts_with(&prefix)) {
            prefix.insert(0, '_');
        }
        Writer { computation, prefix }
    }

    /// Refuses what PMML cannot say.
    fn refuse(&self) -> Result<()> {
        let (computation, target) = (self.computation, &self.computation.model.encoder.target);
        let outputs: HashSet<String> = self.outputs().into_iter().chain(["predicted".to_string()]).collect();
        for input in &computation.inputs {
            if outputs.contains(input.name) || input.name.is_empty() || input.name == target.column {
                let problem = "a field of PMML needs a name that no output and no target has";
                return Err(refused(input.name, problem, "rename the column, and train again"));
            }
            refuse_words(input.name, [input.name].into_iter())?;
        }
        refuse_words(&target.column, target.classes.iter().map(String::as_str).chain([target.column.as_str()]))?;
        for (at, variable) in computation.variables.iter().enumerate() {
            let name = computation.inputs[computation.input_of(at)].name;
            let parted = match variable {
                Variable::Number(number) => number.year,
                Variable::Category(category) => category.part.is_some(),
            };
            if parted {
                let help = "train without `--date-parts`, or export to `onnx`, `sql`, `c` or `javascript`";
                return Err(refused(name, "PMML has no parts of dates that evaluators agree on", help));
            }
            if let Variable::Category(category) = variable {
                refuse_words(name, category.known.iter().map(|(word, _)| word.as_str()))?;
            }
        }
        Ok(())
    }

    /// The names of the outputs that are probabilities.
    fn outputs(&self) -> Vec<String> {
        match self.computation.is_softmax() {
            false => vec!["probability".to_string()],
            true => self.computation.classes().iter().map(|class| format!("probability[{class}]")).collect(),
        }
    }

    fn dictionary(&self) -> String {
        let missing = element("Value", &[("value", ""), ("property", "missing")], &[]);
        let mut fields: Vec<String> = Vec::new();
        for input in &self.computation.inputs {
            fields.push(match input.holds {
                Holds::Text => element(
                    "DataField",
                    &[("name", input.name), CATEGORICAL[0], CATEGORICAL[1]],
                    std::slice::from_ref(&missing),
                ),
                _ => element("DataField", &[("name", input.name), CONTINUOUS[0], CONTINUOUS[1]], &[]),
            });
        }
        let target = &self.computation.model.encoder.target;
        let values: Vec<String> =
            target.classes.iter().map(|class| element("Value", &[("value", class)], &[])).collect();
        fields.push(element("DataField", &[("name", &target.column), CATEGORICAL[0], CATEGORICAL[1]], &values));
        block("DataDictionary", &[("numberOfFields", &fields.len().to_string())], &fields)
    }

    /// The derived fields and the regression tables.
    fn regression(&self) -> (Vec<String>, Vec<String>) {
        let computation = self.computation;
        let mut fields: Vec<String> =
            computation.variables.iter().enumerate().map(|(at, variable)| self.variable(at, variable)).collect();
        let mut predictors: Vec<Predictor> = Vec::new();
        for (at, term) in computation.terms.iter().enumerate() {
            self.term(at, term, &mut fields, &mut predictors);
        }
        if let Some(offset) = computation.offset {
            let name = format!("{}offset", self.prefix);
            fields.push(derived(&name, CONTINUOUS, self.checked(offset, false)));
            predictors.push((name, vec![1.0]));
        }
        let tables = match computation.is_softmax() {
            false => self.table_of_two(&predictors),
            true => self.tables_of_differences(&predictors, &mut fields),
        };
        (fields, tables)
    }

    fn variable(&self, at: usize, variable: &Variable) -> String {
        let name = self.of_variable(at);
        match variable {
            Variable::Number(number) => derived(&name, CONTINUOUS, self.number(number)),
            Variable::Category(category) => derived(&name, CATEGORICAL, self.level(category)),
        }
    }

    fn of_variable(&self, at: usize) -> String {
        format!("{}{at}.{}", self.prefix, self.computation.inputs[self.computation.input_of(at)].name)
    }

    /// A number, filled; missing where the model refuses it.
    fn number(&self, own: &Number) -> String {
        let checked = self.checked(own.input, own.log);
        match own.fill {
            None => checked,
            Some(fill) => {
                let missing = apply("isMissing", &[field(self.computation.inputs[own.input].name)]);
                apply("if", &[missing, number(fill), checked])
            }
        }
    }

    /// A column's number where the model takes it; `if` without an alternative is missing.
    fn checked(&self, input: usize, above_zero: bool) -> String {
        let name = self.computation.inputs[input].name;
        let low = match above_zero {
            true => apply("greaterThan", &[field(name), number(0.0)]),
            false => apply("greaterOrEqual", &[field(name), number(-LARGEST)]),
        };
        let high = apply("lessOrEqual", &[field(name), number(LARGEST)]);
        apply("if", &[apply("and", &[low, high]), field(name)])
    }

    /// The level of a column, by its name.
    fn level(&self, category: &Category) -> String {
        let name = |level: usize| category.known[level].0.as_str();
        let mut attributes = vec![("outputColumn", "level"), ("dataType", "string")];
        attributes.extend(category.unseen.map(|level| ("defaultValue", name(level))));
        attributes.extend(category.missing.map(|level| ("mapMissingTo", name(level))));
        let row = |(word, level): &(String, usize)| {
            element("row", &[], &[text("word", &[], word), text("level", &[], name(*level))])
        };
        let column = self.computation.inputs[category.input].name;
        let pair = element("FieldColumnPair", &[("field", column), ("column", "word")], &[]);
        let rows: Vec<String> = category.known.iter().map(row).collect();
        element("MapValues", &attributes, &[pair, block("InlineTable", &[], &rows)])
    }

    /// Adds the fields of a term and the predictors that they are.
    fn term(&self, at: usize, term: &Term, fields: &mut Vec<String>, predictors: &mut Vec<Predictor>) {
        let numbers: Vec<String> = term.factors.iter().filter_map(|factor| self.factor(*factor)).collect();
        let levels: Vec<usize> = term
            .factors
            .iter()
            .filter_map(|factor| match factor {
                Factor::Level(variable) => Some(*variable),
                _ => None,
            })
            .collect();
        let name = format!("{}term{at}", self.prefix);
        if levels.is_empty() {
            predictors.push(match term.factors[..] {
                // The number itself needs no other field.
                [Factor::Value(variable)] if !self.is_log(variable) => {
                    (self.of_variable(variable), term.coefficients.iter().map(|own| own[0]).collect())
                }
                _ => {
                    fields.push(derived(&name, CONTINUOUS, folded("*", numbers)));
                    (name, term.coefficients.iter().map(|own| own[0]).collect())
                }
            });
            return;
        }
        let outputs = term.coefficients.len();
        for (output, own) in term.coefficients.iter().enumerate() {
            let name = if outputs == 1 { name.clone() } else { format!("{name}.{output}") };
            let chosen = self.chosen(&levels, own);
            fields.push(derived(&name, CONTINUOUS, folded("*", numbers.iter().cloned().chain([chosen]).collect())));
            predictors.push((name, (0..outputs).map(|other| if other == output { 1.0 } else { 0.0 }).collect()));
        }
    }

    fn is_log(&self, variable: usize) -> bool {
        matches!(&self.computation.variables[variable], Variable::Number(number) if number.log)
    }

    /// The coefficient that levels choose.
    fn chosen(&self, levels: &[usize], coefficients: &[f64]) -> String {
        let columns: Vec<String> = (0..levels.len()).map(|at| format!("level{at}")).collect();
        let pairs = levels.iter().zip(&columns).map(|(variable, column)| {
            element("FieldColumnPair", &[("field", &self.of_variable(*variable)), ("column", column)], &[])
        });
        let mut words: Vec<Vec<&str>> = vec![Vec::new()];
        for variable in levels {
            let Variable::Category(category) = &self.computation.variables[*variable] else { continue };
            let own = category.known[..category.n_levels].iter().map(|(word, _)| word.as_str());
            let own: Vec<&str> = own.collect();
            words = words.into_iter().flat_map(|w| own.iter().map(move |word| [&w[..], &[*word]].concat())).collect();
        }
        let row = |(words, coefficient): (&Vec<&str>, &f64)| {
            let mut cells: Vec<String> =
                columns.iter().zip(words).map(|(column, word)| text(column, &[], word)).collect();
            cells.push(text("coefficient", &[], &format!("{coefficient:e}")));
            element("row", &[], &cells)
        };
        let rows: Vec<String> = words.iter().zip(coefficients).map(row).collect();
        let inside: Vec<String> = pairs.chain([block("InlineTable", &[], &rows)]).collect();
        element("MapValues", &[("outputColumn", "coefficient"), ("dataType", "double")], &inside)
    }

    /// A factor that is a number.
    fn factor(&self, factor: Factor) -> Option<String> {
        match factor {
            Factor::Level(_) => None,
            Factor::Missing(input) => {
                let missing = apply("isMissing", &[field(self.computation.inputs[input].name)]);
                Some(apply("if", &[missing, number(1.0), number(0.0)]))
            }
            Factor::Value(variable) if self.is_log(variable) => {
                Some(apply("ln", &[field(&self.of_variable(variable))]))
            }
            Factor::Value(variable) => Some(field(&self.of_variable(variable))),
            Factor::Bend(variable, bend) => {
                let Variable::Number(own) = &self.computation.variables[variable] else { return None };
                let bend = &own.bends[bend];
                let value = field(&self.of_variable(variable));
                let [a, b, c] = bend.knots.map(|knot| {
                    let beyond = apply("-", &[value.clone(), number(knot)]);
                    apply("pow", &[apply("max", &[beyond, number(0.0)]), number(3.0)])
                });
                let [before, last] = bend.ratios.map(number);
                let rest = apply("-", &[a, apply("*", &[b, before])]);
                Some(apply("/", &[apply("+", &[rest, apply("*", &[c, last])]), number(bend.scale)]))
            }
        }
    }

    fn table_of_two(&self, predictors: &[Predictor]) -> Vec<String> {
        let classes = self.computation.classes();
        let predictors: Vec<String> = predictors.iter().map(|(name, own)| predictor(name, own[0])).collect();
        let intercept = format!("{:e}", self.computation.intercepts[0]);
        vec![
            block("RegressionTable", &[("intercept", &intercept), ("targetCategory", &classes[1])], &predictors),
            element("RegressionTable", &[("intercept", "0"), ("targetCategory", &classes[0])], &[]),
        ]
    }

    fn tables_of_differences(&self, predictors: &[Predictor], fields: &mut Vec<String>) -> Vec<String> {
        let of = |k: usize| format!("{}logit{k}", self.prefix);
        let classes = self.computation.classes();
        for (k, intercept) in self.computation.intercepts.iter().enumerate() {
            let weighted = predictors.iter().filter_map(|(name, own)| match own[k] {
                1.0 => Some(field(name)),
                // Another output's; a coefficient of 0 stays, since its field may refuse the row.
                0.0 if own.contains(&1.0) => None,
                own => Some(apply("*", &[number(own), field(name)])),
            });
            let parts = [number(*intercept)].into_iter().chain(weighted).collect();
            fields.push(derived(&of(k), CONTINUOUS, folded("+", parts)));
        }
        let largest = format!("{}largest", self.prefix);
        let logits: Vec<String> = (0..classes.len()).map(|k| field(&of(k))).collect();
        fields.push(derived(&largest, CONTINUOUS, folded("max", logits)));
        let table = |(k, class): (usize, &String)| {
            let predictors = [predictor(&of(k), 1.0), predictor(&largest, -1.0)];
            element("RegressionTable", &[("intercept", "0"), ("targetCategory", class)], &predictors)
        };
        classes.iter().enumerate().map(table).collect()
    }

    fn model(&self, document: &Document<'_, '_>, tables: &[String]) -> String {
        let target = &self.computation.model.encoder.target;
        let mut mined: Vec<String> =
            self.computation.inputs.iter().map(|input| element("MiningField", &[("name", input.name)], &[])).collect();
        mined.push(element("MiningField", &[("name", &target.column), ("usageType", "target")], &[]));
        let mut inside = vec![block("MiningSchema", &[], &mined), block("Output", &[], &self.output())];
        inside.extend_from_slice(tables);
        inside.extend(self.verification(document.golden_rows()));
        let normalisation = if self.computation.is_softmax() { "softmax" } else { "logit" };
        let attributes = [
            ("modelName", "logistic regression"),
            ("functionName", "classification"),
            ("algorithmName", "logistic regression"),
            ("normalizationMethod", normalisation),
        ];
        block("RegressionModel", &attributes, &inside)
    }

    fn output(&self) -> Vec<String> {
        let computation = self.computation;
        let classes = computation.classes();
        let shown = if computation.is_softmax() { classes } else { &classes[1..] };
        let names = self.outputs();
        let mut outputs: Vec<String> = Vec::new();
        for (name, class) in names.iter().zip(shown) {
            let attributes =
                [("name", name.as_str()), CONTINUOUS[0], CONTINUOUS[1], ("feature", "probability"), ("value", class)];
            outputs.push(element("OutputField", &attributes, &[]));
        }
        let attributes = [("name", "predicted"), CATEGORICAL[0], CATEGORICAL[1], ("feature", "transformedValue")];
        outputs.push(element("OutputField", &attributes, &[self.called(&names)]));
        outputs
    }

    /// What a row is called. A comparison with no probability is true in neither direction.
    fn called(&self, names: &[String]) -> String {
        let (model, classes) = (self.computation.model, self.computation.classes());
        let class = |k: usize| text("Constant", &[("dataType", "string")], &classes[k]);
        if !self.computation.is_softmax() {
            let [at_least, below] =
                ["greaterOrEqual", "lessThan"].map(|of| apply(of, &[field(&names[0]), number(model.threshold)]));
            return apply("if", &[at_least, class(1), apply("if", &[below, class(0)])]);
        }
        let weights: Vec<f64> = match model.class_weight.is_empty() {
            true => vec![1.0; classes.len()],
            false => model.class_weight.clone(),
        };
        let worth: Vec<String> =
            names.iter().zip(weights).map(|(name, weight)| apply("*", &[number(weight), field(name)])).collect();
        // The first that no later one passes: those before it were passed.
        (0..classes.len())
            .rev()
            .fold(None, |later: Option<String>, k| {
                let rest = match k + 1 == classes.len() {
                    true => worth[k].clone(),
                    false => folded("max", worth[k + 1..].to_vec()),
                };
                let best = apply("greaterOrEqual", &[worth[k].clone(), rest]);
                Some(apply("if", &[best, class(k)].into_iter().chain(later).collect::<Vec<_>>()))
            })
            .unwrap_or_default()
    }

    /// The golden rows that have probabilities.
    fn verification(&self, rows: &[Golden]) -> Option<String> {
        let names = self.outputs();
        let inputs = &self.computation.inputs;
        let scored: Vec<(&Golden, Vec<(f64, f64)>)> = rows
            .iter()
            .filter_map(|row| {
                let of = row.scored.as_ref()?;
                Some((row, if self.computation.is_softmax() { of.clone() } else { of[1..].to_vec() }))
            })
            .collect();
        let precision = |k: usize| {
            let relative = scored.iter().map(|(_, of)| of[k].1 / of[k].0).filter(|of| of.is_finite());
            format!("{:e}", relative.fold(0.0, f64::max))
        };
        let mut fields: Vec<String> = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            fields.push(element("VerificationField", &[("field", input.name), ("column", &format!("x{at}"))], &[]));
        }
        for (k, name) in names.iter().enumerate() {
            let (column, precision) = (format!("p{k}"), precision(k));
            let zero = format!("{:e}", super::bound::SMALLEST);
            let attributes =
                [("field", name.as_str()), ("column", &column), ("precision", &precision), ("zeroThreshold", &zero)];
            fields.push(element("VerificationField", &attributes, &[]));
        }
        let rows: Vec<String> = scored.iter().map(|(row, of)| verified(row, of)).collect();
        let counts = [("recordCount", rows.len().to_string()), ("fieldCount", fields.len().to_string())];
        let counts = counts.each_ref().map(|(key, count)| (*key, count.as_str()));
        let inside = [block("VerificationFields", &[], &fields), block("InlineTable", &[], &rows)];
        (!rows.is_empty()).then(|| block("ModelVerification", &counts, &inside))
    }
}

/// A golden row; a cell that is missing is left out.
fn verified(row: &Golden, probabilities: &[(f64, f64)]) -> String {
    use super::computation::Cell;
    let cells = row.cells.iter().enumerate().filter_map(|(at, cell)| match cell {
        Cell::Missing => None,
        Cell::Number(number) => Some(text(&format!("x{at}"), &[], &format!("{number:e}"))),
        Cell::Text(word) => Some(text(&format!("x{at}"), &[], word)),
    });
    let of = probabilities.iter().enumerate().map(|(k, (p, _))| text(&format!("p{k}"), &[], &format!("{p:e}")));
    element("row", &[], &cells.chain(of).collect::<Vec<_>>())
}

fn predictor(name: &str, coefficient: f64) -> String {
    element("NumericPredictor", &[("name", name), ("coefficient", &format!("{coefficient:e}"))], &[])
}

fn refused(column: &str, problem: &str, help: &str) -> Error {
    Error::Export { place: Place::default().column(column), problem: problem.to_string(), help: help.to_string() }
}

/// Refuses a word with a character that XML has not.
fn refuse_words<'w>(column: &str, mut words: impl Iterator<Item = &'w str>) -> Result<()> {
    match words.find(|word| unsayable(word).is_some()) {
        None => Ok(()),
        Some(word) => {
            let problem = format!("{} has a character that XML cannot hold", quoted(word));
            Err(refused(column, &problem, "take it out of the data, and train again"))
        }
    }
}
