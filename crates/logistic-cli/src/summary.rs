//! `logistic summary`, and the words and keys for a model that `train` shares.

use std::fmt::Write;

use comfy_table::CellAlignment;
use logistic::model::{Coefficient, Inference, Model};
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::SummaryArgs;
use crate::output::{print, print_json, short, table};
use crate::penalty;

pub(crate) fn run(args: &SummaryArgs) -> Outcome {
    let model = Model::load(&args.model)?;
    if args.json {
        return print_json(&keys(&model));
    }
    let mut text = words(&model);
    for warning in &model.warnings {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    print(&text)
}

/// The model under its `--json` keys.
pub(crate) fn keys(model: &Model) -> Value {
    let facts = &model.facts;
    let target = &model.encoder.target;
    let warnings: Vec<Value> = model
        .warnings
        .iter()
        .map(|warning| json!({"kind": warning.kind(), "columns": warning.columns(), "message": warning.to_string()}))
        .collect();
    let mut classes = [&target.negative, &target.positive];
    classes.sort_unstable();
    json!({
        "n_rows": facts.n_rows,
        "target": target.column,
        "classes": classes,
        "positive": target.positive,
        "threshold": model.threshold,
        "solver": facts.solver,
        "l1": facts.l1,
        "l2": facts.l2,
        "standardised_penalty": facts.standardised_penalty,
        "cross_validation": model.cross_validation,
        "n_nonzero": penalty::n_nonzero(model),
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
    })
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
        "ci_low": of(|i| i.ci_low),
        "ci_high": of(|i| i.ci_high),
        "odds_ratio": coefficient.estimate.map(f64::exp),
    });
    if let Some(level) = &coefficient.level {
        keys["level"] = json!(level);
    }
    keys
}

/// The model for people, its warnings aside.
pub(crate) fn words(model: &Model) -> String {
    let facts = &model.facts;
    let target = &model.encoder.target;
    let mut text = format!(
        "logistic regression: probability that `{}` is `{}` (against `{}`)\n",
        target.column, target.positive, target.negative
    );
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
    let _ = writeln!(
        text,
        "certificate: gradient at most {:.1e}, objective within {:.1e} nats per row of its minimum\n",
        facts.gradient_max_norm, facts.gap
    );
    text.push_str(&coefficient_table(model));
    let _ = writeln!(
        text,
        "\nlog-likelihood {}   null {}   deviance {}\nAIC {}   BIC {}   McFadden R² {:.4}",
        short(facts.log_likelihood),
        short(facts.null_log_likelihood),
        short(facts.deviance()),
        short(facts.aic()),
        short(facts.bic()),
        facts.pseudo_r2_mcfadden(),
    );
    text.push_str(penalty::no_inference(facts));
    text
}

fn coefficient_table(model: &Model) -> String {
    let header = ["term", "estimate", "std. error", "z", "p", "95 % low", "95 % high", "odds ratio"];
    let mut table = table(header.map(String::from).to_vec());
    for coefficient in &model.coefficients {
        let inference = coefficient.inference.as_ref();
        let cell = |value: Option<f64>| value.map_or("–".to_string(), short);
        table.add_row(vec![
            coefficient.term.clone(),
            coefficient.estimate.map_or("left out".to_string(), short),
            cell(inference.map(|i| i.std_error)),
            inference.map_or("–".to_string(), |i| format!("{:.2}", i.z)),
            inference.map_or("–".to_string(), |i| p_value(i.p_value)),
            cell(inference.map(|i| i.ci_low)),
            cell(inference.map(|i| i.ci_high)),
            cell(coefficient.estimate.map(f64::exp)),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{}\n", table.trim_fmt())
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { format!("{p:.1e}") } else { format!("{p:.4}") }
}
