//! Models from coefficients that another program estimated.

use std::collections::HashSet;

use super::{Coefficient, Diagnostics, Facts, Model};
use crate::encode::{Curve, Encoder, Kind, Missing, Source, Target, Unseen};
use crate::error::{Error, Place, Result};

/// Coefficients of columns of numbers, as another program estimated them.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The columns' names, in the order of the coefficients.
    pub columns: Vec<String>,
    /// What the target's column is called, its classes in the order of the outputs, and whether they are numbers. Of two
    /// classes the negative one comes first.
    pub target: Target,
    /// The coefficients, row-major (n_outputs, n_columns): one output of two classes, that of the second, or one of each class.
    pub weight: Vec<f64>,
    /// The intercept of every output; empty for a model without.
    pub bias: Vec<f64>,
}

impl Model {
    /// The model of coefficients that another program estimated. Nothing is known of its fit: there are no standard errors, no
    /// certificate and no likelihood. A missing value is refused.
    ///
    /// # Errors
    /// [`Error::Target`] for fewer than two classes, one that stands twice, or one that is called a number and is none;
    /// [`Error::Malformed`] for a column that stands twice or is the target, and for coefficients that are not finite;
    /// [`Error::Shape`] for coefficients that are not those of the columns and classes.
    pub fn imported(imported: Imported) -> Result<Model> {
        check_target(&imported.target)?;
        check_columns(&imported)?;
        let outputs = outputs(&imported)?;
        let Imported { columns, target, .. } = imported;
        let named: Vec<Option<String>> = match outputs.len() {
            1 => vec![None],
            _ => target.classes.iter().cloned().map(Some).collect(),
        };
        let mut coefficients = Vec::with_capacity(outputs.len() * (columns.len() + 1));
        for ((bias, weight), class) in outputs.into_iter().zip(named) {
            let of = |term: &str, column: Option<&String>, estimate: f64| Coefficient {
                term: term.to_string(),
                column: column.cloned(),
                level: None,
                class: class.clone(),
                estimate: Some(estimate),
                inference: None,
                bootstrap: None,
            };
            coefficients.extend(bias.map(|bias| of("(intercept)", None, bias)));
            coefficients.extend(columns.iter().zip(weight).map(|(name, weight)| of(name, Some(name), weight)));
        }
        let kind = Kind::Numeric { fill: None, curve: Curve::Linear };
        let source = |name| Source { name, part: None, kind: kind.clone(), indicator: false, seen: None };
        let facts = Facts::imported(coefficients.len());
        Ok(Model {
            encoder: Encoder {
                sources: columns.into_iter().map(source).collect(),
                interactions: Vec::new(),
                offset: None,
                target,
                missing: Missing::Error,
                unseen: Unseen::Error,
            },
            coefficients,
            threshold: 0.5,
            class_weight: Vec::new(),
            facts,
            warnings: Vec::new(),
            trace: Vec::new(),
            covariance: Vec::new(),
            separation: None,
            diagnostics: Diagnostics::default(),
            tests: Vec::new(),
            cross_validation: None,
            network: None,
            training: None,
        })
    }
}

fn check_target(target: &Target) -> Result<()> {
    let refused = |problem: &str, help: &str| {
        let place = Place::default().column(&target.column);
        Err(Error::Target { place, problem: problem.to_string(), help: help.to_string() })
    };
    let classes: HashSet<&String> = target.classes.iter().collect();
    let number = |class: &String| class.parse::<f64>().is_ok_and(f64::is_finite);
    match () {
        () if target.classes.len() < 2 => refused("a model needs two classes at least", "name every class"),
        () if classes.len() < target.classes.len() => refused("a class is named twice", "name every class once"),
        () if target.numeric && !target.classes.iter().all(number) => {
            refused("a class that is called a number is none", "name the classes as text")
        }
        () => Ok(()),
    }
}

fn check_columns(imported: &Imported) -> Result<()> {
    let mut known = HashSet::from([&imported.target.column]);
    match imported.columns.iter().find(|name| !known.insert(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::Malformed {
            place: Place::default().column(name),
            expected: "names that differ, from each other and from the target's".to_string(),
            found: "one that stands twice".to_string(),
            help: None,
        }),
    }
}

/// The intercept and the coefficients of every output that the model has.
fn outputs(imported: &Imported) -> Result<Vec<(Option<f64>, Vec<f64>)>> {
    let Imported { columns, target, weight, bias } = imported;
    let n_classes = target.classes.len();
    let n_outputs = match (bias.len(), columns.len()) {
        (0, 0) => 0,
        (0, n_columns) => weight.len() / n_columns,
        (outputs, _) => outputs,
    };
    let shape = |what: &str, expected, found| Err(Error::Shape { what: what.to_string(), expected, found });
    match (n_outputs, n_classes) {
        (1, 2) => {}
        (n_outputs, n_classes) if n_outputs == n_classes => {}
        (_, 2) => return shape("outputs for two classes", 1, n_outputs),
        _ => return shape("outputs, one for each class", n_classes, n_outputs),
    }
    if weight.len() != n_outputs * columns.len() {
        return shape("coefficients, one for each output and column", n_outputs * columns.len(), weight.len());
    }
    if let Some(at) = weight.iter().chain(bias).position(|number| !number.is_finite()) {
        let column = (at < weight.len()).then(|| columns[at % columns.len()].clone());
        return Err(Error::Malformed {
            place: Place { column, ..Place::default() },
            expected: "a finite coefficient".to_string(),
            found: weight.iter().chain(bias).nth(at).map_or(String::new(), f64::to_string),
            help: None,
        });
    }
    let own = |k: usize| (bias.get(k).copied(), weight[k * columns.len()..(k + 1) * columns.len()].to_vec());
    let mut outputs: Vec<(Option<f64>, Vec<f64>)> = (0..n_outputs).map(own).collect();
    // The softmax of two outputs is the logistic function of their difference.
    if n_classes == 2 && outputs.len() == 2 {
        let (positive, negative) = (outputs.remove(1), outputs.remove(0));
        let bias = positive.0.zip(negative.0).map(|(positive, negative)| positive - negative);
        outputs
            .push((bias, positive.1.iter().zip(negative.1).map(|(positive, negative)| positive - negative).collect()));
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_fit_is_so_of_imported_models_alone() {
        let classes = ["0", "1"].map(String::from).to_vec();
        let target = Target { column: "y".to_string(), classes, rest: false, numeric: true };
        let imported = Imported { columns: vec!["x".to_string()], target, weight: vec![2.0], bias: vec![-1.0] };
        let mut model = Model::imported(imported).unwrap();
        let again = Model::from_json(&model.to_json().unwrap(), "model.json").unwrap();
        assert!(again.facts.is_imported() && again.facts.gap.is_nan());
        model.facts.termination = "gradient".to_string();
        let refused = Model::from_json(&model.to_json().unwrap(), "model.json");
        assert!(matches!(refused, Err(Error::ModelFile { .. })));
    }
}
