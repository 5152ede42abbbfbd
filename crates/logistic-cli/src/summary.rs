//! `logistic summary`, and the words and keys for a model that `train` shares.

use std::fmt::Write;

use comfy_table::CellAlignment;
use logistic::model::{Coefficient, Inference, Model};
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::SummaryArgs;
use crate::inference::{self, p_value};
use crate::output::{print, print_json, short, table};
use crate::{diagnostics, network, penalty, separation};

pub(crate) fn run(args: &SummaryArgs) -> Outcome {
    let model = Model::load(&args.model)?;
    if args.json {
        return print_json(&keys(&model));
    }
    print(&text(&model))
}

/// The model for people, and what it warns of.
pub(crate) fn text(model: &Model) -> String {
    let mut text = words(model);
    for warning in &model.warnings {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    text
}

/// The model under its `--json` keys.
pub(crate) fn keys(model: &Model) -> Value {
    let facts = &model.facts;
    let target = &model.encoder.target;
    let binary = target.classes.len() == 2;
    let warnings: Vec<Value> = model
        .warnings
        .iter()
        .map(|warning| json!({"kind": warning.kind(), "columns": warning.columns(), "message": warning.to_string()}))
        .collect();
    let mut classes = target.classes.clone();
    classes.sort_unstable();
    let mut keys = json!({
        "n_rows": (!facts.is_imported()).then_some(facts.n_rows),
        "target": target.column,
        "classes": classes,
        "positive": binary.then_some(target.positive()),
        "base": (!binary).then_some(target.negative()),
        "threshold": binary.then_some(model.threshold),
        "solver": facts.solver,
        "l1": facts.l1,
        "l2": facts.l2,
        "standardised_penalty": facts.standardised_penalty,
        "cross_validation": model.cross_validation,
        "n_nonzero": (!model.is_network()).then(|| penalty::n_nonzero(model)),
        "coefficients": model.coefficients.iter().map(coefficient_keys).collect::<Vec<_>>(),
        "log_likelihood": facts.log_likelihood,
        "null_log_likelihood": facts.null_log_likelihood,
        "deviance": facts.deviance(),
        "aic": facts.aic(),
        "bic": facts.bic(),
        "pseudo_r2_mcfadden": facts.pseudo_r2_mcfadden(),
        "objective": facts.objective,
        "converged": facts.converged(),
        "termination": facts.termination,
        "iterations": facts.iterations,
        "gradient_max_norm": facts.gradient_max_norm,
        "gap": facts.gap,
        "warnings": warnings,
    });
    inference::add_keys(model, &mut keys);
    diagnostics::add_keys(model, &mut keys);
    separation::add_keys(model, &mut keys);
    network::add_keys(model, &mut keys);
    keys
}

fn coefficient_keys(coefficient: &Coefficient) -> Value {
    let inference = coefficient.inference.as_ref();
    let of = |f: fn(&Inference) -> f64| inference.map(f);
    let mut keys = json!({
        "term": coefficient.term,
        "column": coefficient.column,
        "estimate": coefficient.estimate,
        "std_error": of(|i| i.std_error),
        "z": of(|i| i.z),
        "p_value": of(|i| i.p_value),
        "odds_ratio": coefficient.estimate.map(f64::exp),
    });
    inference::add_coefficient_keys(coefficient, &mut keys);
    if let Some(level) = &coefficient.level {
        keys["level"] = json!(level);
    }
    if let Some(class) = &coefficient.class {
        keys["class"] = json!(class);
    }
    keys
}

/// The model for people, its warnings aside.
pub(crate) fn words(model: &Model) -> String {
    let mut text = heading(model);
    for own in model.coefficients.chunk_by(|a, b| a.class == b.class) {
        if let Some(class) = &own[0].class {
            let _ = writeln!(text, "class `{class}`");
        }
        let _ = writeln!(text, "{}\n", coefficient_table(own));
    }
    if !model.facts.is_imported() {
        text.push_str(&fit_words(model));
    }
    text.push_str(&inference::words(model));
    if !model.is_network() {
        text.push_str(penalty::no_inference(model));
    }
    text.push_str(&separation::words(model));
    text.push_str(&diagnostics::words(model));
    text
}

/// What was fitted, how, and how near the optimum it is.
fn heading(model: &Model) -> String {
    let (facts, target) = (&model.facts, &model.encoder.target);
    let kind = if model.is_network() { "network" } else { "logistic regression" };
    let mut text = match target.classes.as_slice() {
        [negative, positive] => {
            format!("{kind}: probability that `{}` is `{positive}` (against `{negative}`)\n", target.column)
        }
        classes if model.is_network() => {
            format!("{kind}: probability of each of the {} classes of `{}`\n", classes.len(), target.column)
        }
        classes => format!(
            "multinomial logistic regression: probability of each of the {} classes of `{}`{}\n",
            classes.len(),
            target.column,
            match model.coefficients.iter().any(|c| c.class.as_deref() == Some(target.negative())) {
                true => String::new(),
                false => format!(", coefficients against `{}`", target.negative()),
            }
        ),
    };
    if let (Some(network), Some(training)) = (&model.network, &model.training) {
        text.push_str(&network::words(model, network, training));
        return text;
    }
    if facts.is_imported() {
        text.push_str(
            "imported: nothing is known of the fit, so that there are no certificate and no standard errors\n\n",
        );
        return text;
    }
    let _ = writeln!(
        text,
        "{} rows, {}, {} in {} iterations: {}",
        facts.n_rows,
        penalty::words(facts),
        facts.solver,
        facts.iterations,
        facts.termination.replace('_', " ")
    );
    text.push_str(&penalty::choice(model));
    let (gradient, gap) = (facts.gradient_max_norm, facts.gap);
    let _ = match facts.firth {
        true => {
            writeln!(text, "modified score at most {gradient:.1e}, maximum estimated {gap:.1e} nats per row away\n")
        }
        false => writeln!(
            text,
            "certificate: gradient at most {gradient:.1e}, objective within {gap:.1e} nats per row of its minimum\n"
        ),
    };
    text
}

/// How well the model fits the rows it was fitted to.
fn fit_words(model: &Model) -> String {
    let facts = &model.facts;
    let share = |value: f64| format!("{value:.4}");
    let tjur = model.diagnostics.pseudo_r2_tjur.map_or(String::new(), |tjur| format!("   Tjur {}", share(tjur)));
    format!(
        "log-likelihood {}   null {}   deviance {}   AIC {}   BIC {}\nR²: McFadden {}   Nagelkerke {}   Cox-Snell {}{tjur}\n",
        short(facts.log_likelihood),
        short(facts.null_log_likelihood),
        short(facts.deviance()),
        cell(facts.aic()),
        cell(facts.bic()),
        share(facts.pseudo_r2_mcfadden()),
        share(facts.pseudo_r2_nagelkerke()),
        share(facts.pseudo_r2_cox_snell()),
    )
}

fn coefficient_table(coefficients: &[Coefficient]) -> String {
    let known = coefficients.iter().any(|c| c.inference.is_some() || c.bootstrap.is_some());
    let header: &[&str] = match known {
        true => &["term", "estimate", "std. error", "z", "p", "95 % low", "95 % high", "odds ratio"],
        false => &["term", "estimate", "odds ratio"],
    };
    let mut table = table(header.iter().map(ToString::to_string).collect());
    for coefficient in coefficients {
        // A test goes with the standard error that it was made with.
        let tested = coefficient.inference.as_ref().filter(|_| coefficient.bootstrap.is_none());
        let (std_error, (low, high)) = inference::shown(coefficient);
        let mut row = vec![coefficient.term.clone(), coefficient.estimate.map_or("left out".to_string(), short)];
        if known {
            row.push(cell(std_error));
            row.push(tested.map_or("–".to_string(), |i| format!("{:.2}", i.z)));
            row.push(tested.map_or("–".to_string(), |i| p_value(i.p_value)));
            row.push(cell(low));
            row.push(cell(high));
        }
        row.push(cell(coefficient.estimate.map(f64::exp)));
        table.add_row(row);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.trim_fmt()
}

fn cell(value: Option<f64>) -> String {
    value.map_or("–".to_string(), short)
}
