//! What an export says about itself beside the formulas: the same words and keys in every format.

use serde_json::{Value, json};

use super::bound::Bound;
use super::computation::{Computation, Holds, Variable};
use super::golden::{Golden, as_json, golden_rows};
use crate::error::{Result, shown};

/// A computation with what proves it.
pub(super) struct Document<'d, 'm> {
    pub(super) computation: &'d Computation<'m>,
    golden: Vec<Golden>,
    bound: Bound,
}

impl<'d, 'm> Document<'d, 'm> {
    pub(super) fn of(computation: &'d Computation<'m>) -> Result<Self> {
        computation.refuse_offset()?;
        Ok(Document { computation, golden: golden_rows(computation)?, bound: Bound::of(computation) })
    }

    /// What the file computes, in a line.
    pub(super) fn title(&self) -> String {
        let target = &self.computation.model.encoder.target;
        let column = shown(&target.column);
        let kind = if self.computation.deeper.is_some() { "Network" } else { "Logistic regression" };
        match target.classes.as_slice() {
            [negative, positive] => {
                format!("{kind}: the probability that {column} is {} (against {})", shown(positive), shown(negative))
            }
            classes => {
                format!("{kind}: the probability of each of the {} classes of {column}", classes.len())
            }
        }
    }

    /// The golden rows, one JSON text each.
    pub(super) fn golden(&self) -> Vec<Value> {
        as_json(self.computation, &self.golden)
    }

    /// The golden rows as they are.
    pub(super) fn golden_rows(&self) -> &[Golden] {
        &self.golden
    }

    /// What is known of the file, by key.
    pub(super) fn metadata(&self) -> Vec<(&'static str, String)> {
        let (model, computation) = (self.computation.model, self.computation);
        let classes = computation.classes();
        let bound = json!({
            "of_magnitude": self.bound.of_magnitude,
            "of_functions": self.bound.of_functions,
            "smallest": super::bound::SMALLEST,
            "words": self.bound.words(self.computation),
        });
        let decision = match computation.is_softmax() {
            false => ("logistic.threshold", json!(model.threshold).to_string()),
            true => ("logistic.class_weight", json!(model.class_weight).to_string()),
        };
        vec![
            ("logistic.version", env!("CARGO_PKG_VERSION").to_string()),
            ("logistic.target", model.encoder.target.column.clone()),
            ("logistic.classes", json!(classes).to_string()),
            decision,
            ("logistic.columns", self.columns().to_string()),
            ("logistic.golden_rows", Value::Array(self.golden()).to_string()),
            ("logistic.error_bound", bound.to_string()),
        ]
    }

    /// What every column holds, and what becomes of a missing value and of an unseen level.
    fn columns(&self) -> Value {
        let computation = self.computation;
        let of = |(at, input): (usize, &super::computation::Input<'_>)| {
            let holds = match input.holds {
                Holds::Number => "number",
                Holds::Date => "days since 1970-01-01",
                Holds::Text => "text",
            };
            let own = |variable: &usize| computation.input_of(*variable) == at;
            let variables: Vec<&Variable> =
                (0..computation.variables.len()).filter(own).map(|variable| &computation.variables[variable]).collect();
            let filled = variables.iter().all(|variable| match variable {
                Variable::Number(number) => number.fill.is_some(),
                Variable::Category(category) => category.missing.is_some(),
            });
            let mut told = json!({
                "name": input.name,
                "holds": holds,
                "missing": if filled && !variables.is_empty() { "filled" } else { "refused" },
            });
            if let Some(Variable::Category(category)) = variables.first() {
                told["unseen"] = json!(if category.unseen.is_some() { "taken for another level" } else { "refused" });
            }
            told
        };
        Value::Array(computation.inputs.iter().enumerate().map(of).collect())
    }

    /// The head of a file of text, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}. Written by logistic {}.", self.title(), env!("CARGO_PKG_VERSION"))];
        for (input, column) in self.computation.inputs.iter().zip(self.columns().as_array().into_iter().flatten()) {
            let word = |key: &str| column.get(key).and_then(Value::as_str);
            let unseen =
                word("unseen").map_or(String::new(), |unseen| format!("; a level not seen in training is {unseen}"));
            lines.push(format!(
                "{}: {}; a missing value is {}{unseen}",
                shown(input.name),
                word("holds").unwrap_or_default(),
                word("missing").unwrap_or_default()
            ));
        }
        lines.push("A row that is refused has no probability.".to_string());
        lines.push(self.bound.words(self.computation));
        lines.push("Golden rows, with the model's own probabilities and the bound for each:".to_string());
        lines.extend(self.golden().iter().map(Value::to_string));
        lines
    }
}
