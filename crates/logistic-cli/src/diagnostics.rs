//! Effects and diagnostics: asked of a fit by `train`, and put in words and keys from any model.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table};
use logistic::Error;
use logistic::dataset::Rows;
use logistic::model::{Diagnostics, Fit, Inference, Inflation, MarginalEffect, Model, RowInfluence};
use serde_json::{Value, json};

use crate::args::TrainArgs;
use crate::data::Data;
use crate::inference::p_value;
use crate::output::{short, table};

/// So many rows are shown.
const WORST_ROWS: usize = 10;

/// What was asked of the fit, and what is always known.
pub(crate) fn of(args: &TrainArgs, fit: &Fit, data: &Data, rows: &Rows<'_>) -> Result<Diagnostics, Error> {
    let encoder = &data.encoder;
    // All of them look at rows one by one.
    if rows.dataset().is_held_elsewhere() {
        return Ok(Diagnostics::default());
    }
    let mut found = Diagnostics { pseudo_r2_tjur: fit.pseudo_r2_tjur(rows)?, ..Diagnostics::default() };
    if fit.facts.l2 > 0.0 || args.diagnostics {
        found.approximate_loo_log_loss = fit.approximate_loo_log_loss(rows)?;
    }
    if args.effects {
        found.marginal_effects = fit.marginal_effects(encoder, rows, fit.covariance())?.unwrap_or_default();
    }
    if args.diagnostics {
        let collinearity = fit.collinearity(&encoder.terms(), rows)?;
        (found.vif, found.condition_number) = (collinearity.columns, collinearity.condition_number);
        found.influence = fit.influence(rows)?.map_or(Vec::new(), |influence| influence.worst(WORST_ROWS));
        for worst in &mut found.influence {
            worst.row = data.encoded.rows.get(worst.row).unwrap_or(worst.row);
            worst.line = data.table.as_ref().and_then(|table| table.place(worst.row, &encoder.target.column).line);
        }
    }
    Ok(found)
}

/// What was asked for but does not exist.
pub(crate) fn absent(args: &TrainArgs, model: &Model) -> String {
    let found = &model.diagnostics;
    let mut text = String::new();
    if args.effects && found.marginal_effects.is_empty() {
        text.push_str("\nNo marginal effects: they need maximum-likelihood coefficients at their optimum.\n");
    }
    if args.diagnostics && found.influence.is_empty() {
        text.push_str("\nNo leverages: they need two classes and a fit that reached its optimum.\n");
    }
    if args.diagnostics && found.vif.is_empty() {
        text.push_str("\nNo variance inflation: no columns, or some are linear combinations of others.\n");
    }
    text
}

/// Adds the diagnostics to a model's `--json` keys.
pub(crate) fn add_keys(model: &Model, keys: &mut Value) {
    let found = &model.diagnostics;
    keys["pseudo_r2_nagelkerke"] = json!(model.facts.pseudo_r2_nagelkerke());
    keys["pseudo_r2_cox_snell"] = json!(model.facts.pseudo_r2_cox_snell());
    keys["pseudo_r2_tjur"] = json!(found.pseudo_r2_tjur);
    if let Some(loss) = found.approximate_loo_log_loss {
        keys["approximate_loo_log_loss"] = json!(loss);
    }
    if !found.marginal_effects.is_empty() {
        keys["marginal_effects"] =
            found.marginal_effects.iter().map(|effect| effect_keys(effect, &model.encoder.target.classes)).collect();
    }
    if !found.vif.is_empty() {
        keys["vif"] = found.vif.iter().map(inflation_keys).collect();
    }
    if let Some(number) = found.condition_number {
        keys["condition_number"] = json!(number);
    }
    if !found.influence.is_empty() {
        keys["influence"] = found.influence.iter().map(row_keys).collect();
    }
}

fn effect_keys(effect: &MarginalEffect, classes: &[String]) -> Value {
    let of = |f: fn(&Inference) -> f64| effect.inference.as_ref().map(f);
    let mut keys = json!({
        "term": effect.term,
        "column": effect.column,
        "effect": effect.effect,
        "std_error": of(|i| i.std_error),
        "z": of(|i| i.z),
        "p_value": of(|i| i.p_value),
        "ci_low": of(|i| i.ci_low),
        "ci_high": of(|i| i.ci_high),
    });
    if let Some(level) = &effect.level {
        keys["level"] = json!(level);
    }
    if let Some(class) = effect.class {
        keys["class"] = json!(classes[class]);
    }
    keys
}

fn inflation_keys(inflation: &Inflation) -> Value {
    let name = if inflation.df == 1 { "vif" } else { "gvif" };
    json!({ "column": inflation.column, name: inflation.gvif, "df": inflation.df })
}

fn row_keys(row: &RowInfluence) -> Value {
    json!({
        "row": row.row,
        "line": row.line,
        "leverage": row.leverage,
        "cook": row.cook,
        "deviance_residual": row.deviance_residual,
        "probability": row.probability,
        "outcome": row.outcome,
    })
}

/// The diagnostics for people.
pub(crate) fn words(model: &Model) -> String {
    let found = &model.diagnostics;
    let mut text = String::new();
    if let Some(loss) = found.approximate_loo_log_loss {
        let _ = writeln!(text, "log loss of rows left out one by one, nearly: {loss:.4}");
    }
    if !found.marginal_effects.is_empty() {
        text.push_str(&effect_words(model));
    }
    if !found.vif.is_empty() {
        text.push_str("\nvariance inflation\n");
        text.push_str(&inflation_table(&found.vif));
    }
    if let Some(number) = found.condition_number {
        let _ = writeln!(text, "scaled condition number {}; above 30 is high", short(number));
    }
    if !found.influence.is_empty() {
        text.push_str("\nrows that pull most\n");
        text.push_str(&row_table(&found.influence));
    }
    text
}

fn effect_words(model: &Model) -> String {
    let effects = &model.diagnostics.marginal_effects;
    let classes = effects.iter().any(|effect| effect.class.is_some());
    let mut header = vec!["term", "effect", "std. error", "z", "p", "95 % low", "95 % high"];
    if classes {
        header.insert(1, "class");
    }
    let mut table = table(header.into_iter().map(String::from).collect());
    for effect in effects {
        let inference = effect.inference.as_ref();
        let cell = |f: fn(&Inference) -> f64| inference.map_or("–".to_string(), |i| short(f(i)));
        let mut row = vec![
            effect.term.clone(),
            short(effect.effect),
            cell(|i| i.std_error),
            inference.map_or("–".to_string(), |i| format!("{:.2}", i.z)),
            inference.map_or("–".to_string(), |i| p_value(i.p_value)),
            cell(|i| i.ci_low),
            cell(|i| i.ci_high),
        ];
        if classes {
            row.insert(1, effect.class.map_or(String::new(), |class| model.encoder.target.classes[class].clone()));
        }
        table.add_row(row);
    }
    format!(
        "\naverage marginal effects on the probability: per unit of a number, and from the reference to a level\n{}",
        aligned(table)
    )
}

fn inflation_table(inflations: &[Inflation]) -> String {
    let mut table = table(["column", "VIF or GVIF", "df", "^(1/(2·df))"].map(String::from).to_vec());
    for inflation in inflations {
        table.add_row(vec![
            inflation.column.clone(),
            short(inflation.gvif),
            inflation.df.to_string(),
            short(inflation.per_degree()),
        ]);
    }
    aligned(table)
}

fn row_table(rows: &[RowInfluence]) -> String {
    let lines = rows.iter().all(|row| row.line.is_some());
    let place = if lines { "line" } else { "row (from 0)" };
    let header = [place, "Cook's distance", "leverage", "deviance residual", "probability", "outcome"];
    let mut table = table(header.map(String::from).to_vec());
    for row in rows {
        table.add_row(vec![
            row.line.filter(|_| lines).map_or(row.row.to_string(), |line| line.to_string()),
            row.cook.map_or("–".to_string(), short),
            short(row.leverage),
            short(row.deviance_residual),
            short(row.probability),
            short(row.outcome),
        ]);
    }
    aligned(table)
}

/// The table with numbers to the right.
fn aligned(mut table: Table) -> String {
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{}\n", table.trim_fmt())
}
