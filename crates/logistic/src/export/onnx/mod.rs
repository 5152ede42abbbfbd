//! ONNX: operators of set 13, and of set 2 on strings, in 64 bits throughout.
//!
//! Inputs are the table's columns by name, each of shape (N, 1): numbers and days since 1970-01-01 as double, NaN where they
//! are missing; everything else as string, empty where it is missing. Outputs are `probability`, double, (N, 1) for the
//! positive class of two and (N, classes) for more, and `label`, (N,): int64 where all classes are whole numbers,
//! otherwise string. A row that the model refuses has the probability NaN and the label of none: the least int64, or the
//! empty string.
//!
//! onnxruntime's `Sigmoid` of a negative number takes a probability from 1 and loses all digits at −37, so that it is
//! asked for σ(|z|) alone: σ(z) = exp(min(z, 0))·σ(|z|).

mod dates;
mod graph;
mod messages;

use prost::Message;

use super::computation::{Category, Computation, Deeper, Factor, Holds, Input, Number, Term, Variable};
use super::document::Document;
use crate::encode::LARGEST;
use crate::error::{Error, Place, Result};
use crate::objective::Activation;
use graph::{Graph, int, ints, strings};
use messages::{DataType, ModelProto, OperatorSetIdProto, StringStringEntryProto};

/// The label of a row without one, where labels are whole numbers.
const NO_LABEL: i64 = i64::MIN;

/// The bytes of the ONNX file.
///
/// # Errors
/// [`Error::Export`] for a column that is called as an output is, or has no name, and for a model without columns.
pub(super) fn write(document: &Document<'_, '_>) -> Result<Vec<u8>> {
    let computation = document.computation;
    computation.inputs.iter().try_for_each(refuse_name)?;
    if computation.inputs.is_empty() {
        return Err(Error::Export {
            place: Place::default(),
            problem: "a model without columns has no input that says how many rows there are".to_string(),
            help: "its probability is the same for every row; `--to csv` has the intercept".to_string(),
        });
    }
    let mut writer = Writer { computation, graph: Graph::default(), values: Vec::new() };
    for input in &computation.inputs {
        writer.graph.input(input.name, if input.holds == Holds::Text { DataType::String } else { DataType::Double });
    }
    for variable in &computation.variables {
        let value = writer.variable(variable);
        writer.values.push(value);
    }
    let logits = writer.logits();
    let probability = writer.probability(&logits);
    writer.label(&probability);
    let width = if computation.is_softmax() { computation.classes().len() } else { 1 };
    writer.graph.output(&probability, "probability", DataType::Double, Some(width as i64));
    let entry = |(key, value): (&str, String)| StringStringEntryProto { key: key.to_string(), value };
    let domain = |domain: &str, version| OperatorSetIdProto { domain: domain.to_string(), version };
    let model = ModelProto {
        ir_version: 7,
        producer_name: "logistic".to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        doc_string: document.title(),
        graph: Some(writer.graph.finish("logistic_regression")),
        opset_import: vec![domain("", 13), domain(graph::ML, 2)],
        metadata_props: document.metadata().into_iter().map(entry).collect(),
    };
    Ok(model.encode_to_vec())
}

fn refuse_name(input: &Input<'_>) -> Result<()> {
    let problem = match input.name {
        "" => "an input of ONNX must have a name",
        "label" | "probability" => "an output of the ONNX file has this name",
        _ => return Ok(()),
    };
    Err(Error::Export {
        place: Place::default().column(input.name),
        problem: problem.to_string(),
        help: "rename the column, and train again".to_string(),
    })
}

/// What a variable is in the graph.
enum Value {
    /// A number of shape (N, 1), NaN where the row is refused; and its logarithm, if that is what enters.
    Number(String),
    /// The number of a level, (N, 1): behind the levels one that refuses, and one for a missing value.
    Level(String),
}

struct Writer<'c, 'm> {
    computation: &'c Computation<'m>,
    graph: Graph,
    values: Vec<Value>,
}

impl Writer<'_, '_> {
    fn variable(&mut self, variable: &Variable) -> Value {
        match variable {
            Variable::Number(number) => Value::Number(self.number(number)),
            Variable::Category(category) => Value::Level(self.level(category)),
        }
    }

    fn number(&mut self, number: &Number) -> String {
        let mut value = self.computation.inputs[number.input].name.to_string();
        if number.year {
            value = self.year(&value);
        }
        if let Some(fill) = number.fill {
            let (missing, fill) = (self.graph.node("IsNaN", &[&value]), self.graph.number(fill));
            value = self.graph.node("Where", &[&missing, &fill, &value]);
        }
        value = self.within_range(&value);
        if number.log {
            let (zero, none) = (self.graph.number(0.0), self.graph.number(f64::NAN));
            let positive = self.graph.node("Greater", &[&value, &zero]);
            let argument = self.graph.node("Where", &[&positive, &value, &none]);
            value = self.graph.node("Log", &[&argument]);
        }
        value
    }

    /// NaN beyond the range of numbers that the model takes.
    fn within_range(&mut self, value: &str) -> String {
        let (largest, none) = (self.graph.number(LARGEST), self.graph.number(f64::NAN));
        let size = self.graph.node("Abs", &[value]);
        let beyond = self.graph.node("Greater", &[&size, &largest]);
        self.graph.node("Where", &[&beyond, &none, value])
    }

    fn level(&mut self, category: &Category) -> String {
        let name = self.computation.inputs[category.input].name;
        let refused = category.n_levels as i64;
        let missing = if category.missing.is_some() { refused + 1 } else { refused };
        let number = |level: Option<usize>| level.map_or(refused, |level| level as i64);
        if let Some(part) = category.part {
            let calendar = category.calendar(part).into_iter().map(number).collect();
            return self.part_level(name, part, calendar, missing);
        }
        let (mut keys, mut values): (Vec<String>, Vec<i64>) =
            category.known.iter().map(|(word, level)| (word.clone(), *level as i64)).unzip();
        keys.push(String::new());
        values.push(missing);
        let default = number(category.unseen);
        let attributes =
            vec![strings("keys_strings", keys), ints("values_int64s", values), int("default_int64", default)];
        self.graph.node_with("LabelEncoder", &[name], attributes)
    }

    /// The logits, (N, outputs).
    fn logits(&mut self) -> String {
        let (mut features, mut weights, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let computation = self.computation;
        for term in &computation.terms {
            match self.feature(term) {
                Some(feature) => {
                    features.push(feature);
                    weights.extend(term.coefficients.iter().map(|own| own[0]));
                }
                None => others.push(self.chosen(term)),
            }
        }
        let outputs = computation.intercepts.len();
        let mut logits = self.graph.numbers(&[1, outputs], computation.intercepts.clone());
        if !features.is_empty() {
            let names: Vec<&str> = features.iter().map(String::as_str).collect();
            let design = self.graph.node_with("Concat", &names, vec![int("axis", 1)]);
            let weights = self.graph.numbers(&[names.len(), outputs], weights);
            logits = self.graph.node("Gemm", &[&design, &weights, &logits]);
        }
        for other in others {
            logits = self.graph.node("Add", &[&logits, &other]);
        }
        if let Some(deeper) = &computation.deeper {
            logits = self.deeper(&logits, deeper);
        }
        if let Some(offset) = computation.offset {
            let offset = self.within_range(computation.inputs[offset].name);
            logits = self.graph.node("Add", &[&logits, &offset]);
        }
        logits
    }

    /// The logits, (N, outputs), from the sums of the first hidden layer, (N, units).
    fn deeper(&mut self, first: &str, deeper: &Deeper<'_>) -> String {
        let activation = match deeper.activation {
            Activation::Relu => "Relu",
            Activation::Tanh => "Tanh",
        };
        let mut sums = first.to_string();
        for (weight, bias) in &deeper.layers {
            let units = self.graph.node(activation, &[&sums]);
            let weights = self.graph.numbers(&[bias.len(), weight.len() / bias.len()], weight.to_vec());
            let biases = self.graph.numbers(&[1, bias.len()], bias.to_vec());
            sums = self.graph.node_with("Gemm", &[&units, &weights, &biases], vec![int("transB", 1)]);
        }
        // An activation need not keep the NaN of a row that is refused, which every unit of the first layer has.
        let place = self.graph.whole(&[1], vec![0]);
        let unit = self.graph.node_with("Gather", &[first, &place], vec![int("axis", 1)]);
        let (refused, none) = (self.graph.node("IsNaN", &[&unit]), self.graph.number(f64::NAN));
        self.graph.node("Where", &[&refused, &none, &sums])
    }

    /// The column of the design of a term without levels, (N, 1).
    fn feature(&mut self, term: &Term) -> Option<String> {
        let numbers: Option<Vec<String>> = term.factors.iter().map(|factor| self.number_of(*factor)).collect();
        match numbers?.as_slice() {
            [left, right] => Some(self.graph.node("Mul", &[left, right])),
            numbers => numbers.first().cloned(),
        }
    }

    /// What a term whose coefficient a level chooses adds to the logits, (N, outputs).
    fn chosen(&mut self, term: &Term) -> String {
        let numbers: Vec<String> = term.factors.iter().filter_map(|factor| self.number_of(*factor)).collect();
        let outputs = term.coefficients.len();
        let (places, height) = self.places(term);
        let table: Vec<f64> = places
            .iter()
            .flat_map(|place| term.coefficients.iter().map(move |own| place.map_or(f64::NAN, |at| own[at])))
            .collect();
        let table = self.graph.numbers(&[height, outputs], table);
        let code = self.code(term);
        let rows = self.graph.node_with("Gather", &[&table, &code], vec![int("axis", 0)]);
        let shape = self.graph.whole(&[2], vec![-1, outputs as i64]);
        let chosen = self.graph.node("Reshape", &[&rows, &shape]);
        numbers.iter().fold(chosen, |product, number| self.graph.node("Mul", &[number, &product]))
    }

    /// For every code of the levels of a term the place of its coefficient, none where the row is refused; and the
    /// number of codes.
    fn places(&self, term: &Term) -> (Vec<Option<usize>>, usize) {
        let places = term.factors.iter().fold(vec![Some(0)], |places: Vec<Option<usize>>, factor| {
            let Factor::Level(variable) = *factor else { return places };
            let Variable::Category(category) = &self.computation.variables[variable] else { return places };
            let levels = (0..category.n_levels).map(Some).chain([None, category.missing]);
            let levels: Vec<Option<usize>> = levels.collect();
            let below =
                |place: Option<usize>| levels.iter().map(move |level| Some(place? * category.n_levels + (*level)?));
            places.into_iter().flat_map(below).collect()
        });
        let height = places.len();
        (places, height)
    }

    /// The code of the levels of a term, (N, 1).
    fn code(&mut self, term: &Term) -> String {
        let levels: Vec<(String, usize)> = term
            .factors
            .iter()
            .filter_map(|factor| match *factor {
                Factor::Level(variable) => match &self.values[variable] {
                    Value::Level(name) => Some((name.clone(), self.computation.width(*factor) + 2)),
                    Value::Number(_) => None,
                },
                _ => None,
            })
            .collect();
        let mut levels = levels.into_iter();
        let first = levels.next().map_or(String::new(), |(name, _)| name);
        levels.fold(first, |code, (level, width)| {
            let width = self.graph.whole(&[1, 1], vec![width as i64]);
            let above = self.graph.node("Mul", &[&code, &width]);
            self.graph.node("Add", &[&above, &level])
        })
    }

    /// A factor that is a number, (N, 1).
    fn number_of(&mut self, factor: Factor) -> Option<String> {
        match factor {
            Factor::Level(_) => None,
            Factor::Missing(input) => Some(self.missing(input)),
            Factor::Value(variable) | Factor::Bend(variable, _) => {
                let Value::Number(value) = &self.values[variable] else { return None };
                let value = value.clone();
                match (factor, &self.computation.variables[variable]) {
                    (Factor::Bend(_, bend), Variable::Number(number)) => {
                        let bend = &number.bends[bend];
                        let [a, b, c] = bend.knots.map(|knot| self.cube(&value, knot));
                        let ratios = bend.ratios.map(|ratio| self.graph.number(ratio));
                        let scale = self.graph.number(bend.scale);
                        let b = self.graph.node("Mul", &[&b, &ratios[0]]);
                        let c = self.graph.node("Mul", &[&c, &ratios[1]]);
                        let rest = self.graph.node("Sub", &[&a, &b]);
                        let sum = self.graph.node("Add", &[&rest, &c]);
                        Some(self.graph.node("Div", &[&sum, &scale]))
                    }
                    _ => Some(value),
                }
            }
        }
    }

    /// max(x − knot, 0)³.
    fn cube(&mut self, value: &str, knot: f64) -> String {
        let (knot, zero) = (self.graph.number(knot), self.graph.number(0.0));
        let beyond = self.graph.node("Sub", &[value, &knot]);
        let beyond = self.graph.node("Max", &[&beyond, &zero]);
        let square = self.graph.node("Mul", &[&beyond, &beyond]);
        self.graph.node("Mul", &[&square, &beyond])
    }

    /// 1 where an input is missing, else 0.
    fn missing(&mut self, input: usize) -> String {
        let Input { name, holds } = self.computation.inputs[input];
        let missing = match holds {
            Holds::Number | Holds::Date => self.graph.node("IsNaN", &[name]),
            Holds::Text => {
                let attributes = vec![
                    strings("keys_strings", vec![String::new()]),
                    ints("values_int64s", vec![1]),
                    int("default_int64", 0),
                ];
                self.graph.node_with("LabelEncoder", &[name], attributes)
            }
        };
        self.graph.node_with("Cast", &[&missing], vec![int("to", DataType::Double as i64)])
    }

    fn probability(&mut self, logits: &str) -> String {
        if self.computation.is_softmax() {
            return self.graph.node_with("Softmax", &[logits], vec![int("axis", 1)]);
        }
        let zero = self.graph.number(0.0);
        let (size, below) = (self.graph.node("Abs", &[logits]), self.graph.node("Min", &[logits, &zero]));
        let (large, share) = (self.graph.node("Sigmoid", &[&size]), self.graph.node("Exp", &[&below]));
        self.graph.node("Mul", &[&share, &large])
    }

    /// What rows are called, by the model's threshold or weights.
    fn label(&mut self, probability: &str) {
        let (model, classes) = (self.computation.model, self.computation.classes());
        let called = if self.computation.is_softmax() {
            let weights = (0..classes.len()).map(|k| model.class_weight.get(k).copied().unwrap_or(1.0)).collect();
            let weights = self.graph.numbers(&[1, classes.len()], weights);
            let worth = self.graph.node("Mul", &[probability, &weights]);
            self.graph.node_with("ArgMax", &[&worth], vec![int("axis", 1), int("keepdims", 1)])
        } else {
            let threshold = self.graph.number(model.threshold);
            let positive = self.graph.node("GreaterOrEqual", &[probability, &threshold]);
            self.graph.node_with("Cast", &[&positive], vec![int("to", DataType::Int64 as i64)])
        };
        let first = self.graph.whole(&[1], vec![0]);
        let first = self.graph.node_with("Gather", &[probability, &first], vec![int("axis", 1)]);
        let (refused, none) =
            (self.graph.node("IsNaN", &[&first]), self.graph.whole(&[1, 1], vec![classes.len() as i64]));
        let called = self.graph.node("Where", &[&refused, &none, &called]);
        let shape = self.graph.whole(&[1], vec![-1]);
        let called = self.graph.node("Reshape", &[&called, &shape]);
        let whole: Option<Vec<i64>> = classes.iter().map(|class| class.parse().ok()).collect();
        let (labels, holds) = match whole.filter(|_| model.encoder.target.numeric) {
            Some(labels) => {
                let labels = labels.into_iter().chain([NO_LABEL]).collect();
                (self.graph.whole(&[classes.len() + 1], labels), DataType::Int64)
            }
            None => {
                let labels = classes.iter().cloned().chain([String::new()]).collect();
                (self.graph.words(&[classes.len() + 1], labels), DataType::String)
            }
        };
        let label = self.graph.node("Gather", &[&labels, &called]);
        self.graph.output(&label, "label", holds, None);
    }
}
