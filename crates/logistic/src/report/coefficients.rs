//! The coefficients, as `logistic summary` has them, and their odds ratios as a picture.

use maud::{Markup, html};

use super::numbers::{aligned, count, counted, fixed, odds, p_value};
use super::strip::Strip;
use super::{cell, fit, name, table};
use crate::model::{Coefficient, Model};

/// So many coefficients have a row.
const MOST_ROWS: usize = 200;
/// So many have a picture.
const MOST_STRIPS: usize = 40;

pub(super) fn section(model: &Model) -> Markup {
    let known = model.coefficients.iter().any(|coefficient| interval(coefficient).is_some());
    let outputs: Vec<&[Coefficient]> = model.coefficients.chunk_by(|a, b| a.class == b.class).collect();
    let room = outputs.len().max(1);
    html! {
        p { (words(model, known)) }
        @for own in outputs {
            @if let Some(class) = &own[0].class { h3 { "Class " (class) } }
            (coefficient_table(own, known, MOST_ROWS.div_ceil(room)))
            (forest(own, known, MOST_STRIPS.div_ceil(room).max(8)))
        }
        (fit::diagnostics(model))
    }
}

/// What the numbers are, and why some do not exist.
fn words(model: &Model, known: bool) -> String {
    let facts = &model.facts;
    let mut words =
        "An estimate is the change of the logit for one unit of its column, or from the reference level to its \
                     level; its exponential is the odds ratio."
            .to_string();
    let bootstrapped = model.coefficients.iter().any(|coefficient| coefficient.bootstrap.is_some());
    let errors = match (facts.covariance.as_str(), facts.n_clusters) {
        _ if bootstrapped => " Standard errors and intervals come from resampling the rows.".to_string(),
        _ if !known => String::new(),
        ("hc0", _) => " Standard errors are the sandwich’s (HC0).".to_string(),
        ("hc1", _) => " Standard errors are the sandwich’s (HC1).".to_string(),
        ("cluster", Some(clusters)) => format!(" Standard errors are robust for {clusters} clusters."),
        ("sampling", _) => " Standard errors are linearised for weights.".to_string(),
        _ => String::new(),
    };
    words.push_str(&errors);
    let profiled = |coefficient: &Coefficient| coefficient.inference.is_some_and(|i| i.profile.is_some());
    if !bootstrapped && model.coefficients.iter().any(profiled) {
        words.push_str(" Intervals are by profile likelihood; z and p are Wald’s.");
    }
    if facts.relaxed {
        words.push_str(" The columns were selected on the same rows, which standard errors take no account of.");
    }
    if !known {
        words.push_str(match () {
            () if model.separation.is_some() => {
                " There are no standard errors and no intervals: the classes are separated, and what is shown is a ridge fit."
            }
            () if facts.is_imported() => {
                " There are no standard errors and no intervals: the coefficients are those of another program, and nothing is \
                 known of their fit."
            }
            () if !facts.converged() => {
                " There are no standard errors and no intervals: the fit did not reach the optimum that they belong to."
            }
            () if facts.bounded => {
                " There are no standard errors and no intervals: they hold for maximum likelihood, not within bounds."
            }
            () => {
                " There are no standard errors and no intervals: they hold for maximum likelihood, not for coefficients that a \
                 penalty draws towards 0."
            }
        });
    }
    words
}

/// The ends of the interval that `logistic summary` shows, and its standard error.
fn interval(coefficient: &Coefficient) -> Option<(f64, Option<f64>, Option<f64>)> {
    if let Some(spread) = coefficient.bootstrap {
        return Some((spread.std_error, Some(spread.ci_low), Some(spread.ci_high)));
    }
    let inference = coefficient.inference.as_ref()?;
    Some(match inference.profile {
        Some(profile) => (inference.std_error, profile.low, profile.high),
        None => (inference.std_error, Some(inference.ci_low), Some(inference.ci_high)),
    })
}

fn coefficient_table(own: &[Coefficient], known: bool, most: usize) -> Markup {
    let header: &[&str] = match known {
        true => &["Term", "Estimate", "Std. error", "z", "p", "95 % low", "95 % high", "Odds ratio"],
        false => &["Term", "Estimate", "Odds ratio"],
    };
    let row = |coefficient: &Coefficient| {
        let estimate = match coefficient.estimate {
            Some(estimate) => html! { (aligned(estimate)) },
            None => html! { "left out" },
        };
        let mut cells = vec![name(&coefficient.term), estimate];
        if known {
            let shown = interval(coefficient);
            // A test goes with the standard error that it was made with.
            let tested = coefficient.inference.as_ref().filter(|_| coefficient.bootstrap.is_none());
            cells.push(cell(shown.map(|shown| shown.0)));
            cells.push(html! { (tested.map_or("–".to_string(), |i| fixed(i.z, 2))) });
            cells.push(html! { (tested.map_or("–".to_string(), |i| p_value(i.p_value))) });
            cells.push(cell(shown.and_then(|shown| shown.1)));
            cells.push(cell(shown.and_then(|shown| shown.2)));
        }
        cells.push(odds_cell(coefficient));
        cells
    };
    let rows: Vec<Vec<Markup>> = own.iter().take(most).map(row).collect();
    let more = own.len().saturating_sub(most);
    let caption = match &own[0].class {
        Some(class) => format!("Coefficients of the logit of {class}"),
        None => "Coefficients".to_string(),
    };
    html! {
        (table(&caption, header, &rows))
        @if more > 0 { p.note { "Left out of this table: " (counted(more, "coefficient")) ", which " code { "logistic summary" } " shows." } }
    }
}

fn odds_cell(coefficient: &Coefficient) -> Markup {
    html! { (coefficient.estimate.map_or("–".to_string(), odds)) }
}

/// Odds ratios with their intervals, on a logarithmic scale.
fn forest(own: &[Coefficient], known: bool, most: usize) -> Markup {
    let estimated = || own.iter().filter(|coefficient| coefficient.column.is_some() && coefficient.estimate.is_some());
    let pull = |coefficient: &Coefficient| match coefficient.inference {
        Some(inference) => inference.z.abs(),
        None => coefficient.estimate.map_or(0.0, f64::abs),
    };
    let mut pulls: Vec<f64> = estimated().map(pull).collect();
    if pulls.is_empty() {
        return html! {};
    }
    pulls.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = pulls.get(most).copied().unwrap_or(f64::NEG_INFINITY);
    let chosen: Vec<&Coefficient> = estimated().filter(|coefficient| pull(coefficient) > least).take(most).collect();
    let ends = |coefficient: &Coefficient| {
        interval(coefficient).map(|(_, low, high)| (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
    };
    let of = |coefficient: &&Coefficient| {
        let (low, high) = ends(coefficient).unwrap_or_default();
        [coefficient.estimate.unwrap_or(0.0), low, high]
    };
    let strip = Strip::odds(&chosen.iter().flat_map(of).collect::<Vec<f64>>());
    let more = pulls.len() - chosen.len();
    let caption = match &own[0].class {
        Some(class) => format!("Odds ratios of {class}"),
        None => "Odds ratios".to_string(),
    };
    html! {
        div.wide role="region" aria-label=(caption) tabindex="0" {
            table.strips.solo role="table" {
                caption { (caption) @if known { " with 95 % intervals" } ", on a logarithmic scale" }
                thead { tr role="row" { th scope="col" { "Term" } td {} th scope="col" { "Odds ratio" } } }
                tbody {
                    @for coefficient in &chosen {
                        tr role="row" {
                            th scope="row" role="rowheader" { (name(&coefficient.term)) }
                            td.picture role="cell" { (strip.row(coefficient.estimate, ends(coefficient))) }
                            td role="cell" {
                                (odds_cell(coefficient))
                                @if let Some((low, high)) = ends(coefficient) {
                                    " " span.interval { "(" (odds(low)) " to " (odds(high)) ")" }
                                }
                            }
                        }
                    }
                }
                tfoot { tr { td {} td.picture { (strip.scale()) } td {} } }
            }
        }
        @if more > 0 {
            p.note { "Of " (count(pulls.len())) " terms those are drawn whose " (if known { "test statistic" } else { "estimate" }) " is largest." }
        }
    }
}
