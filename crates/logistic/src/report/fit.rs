//! What was fitted, how near the optimum it is, and how it got there.

use maud::{Markup, html};

use super::chart::{Axis, Chart};
use super::numbers::{count, fixed, p_value, precise, rounded, share};
use super::scored::Measures;
use super::{cell, layers, name, table, words};
use crate::error::Warning;
use crate::model::{Facts, Model, Rule, Toward};
use crate::solver::Termination;

/// So many iterations are listed.
const MOST_STEPS: usize = 20;
/// So many terms that run off are listed.
const MOST_RUNAWAYS: usize = 20;

pub(super) fn title(model: &Model) -> String {
    let target = &model.encoder.target;
    match target.classes.as_slice() {
        [_, positive] => format!("Probability that {} is {positive}", target.column),
        classes => format!("Probability of each of {} classes of {}", classes.len(), target.column),
    }
}

/// What the probability is of, and against what.
pub(super) fn against(model: &Model) -> String {
    let target = &model.encoder.target;
    match target.classes.as_slice() {
        [negative, _] => format!("Against {negative}."),
        classes => format!("{}.", classes.join(", ")),
    }
}

/// What to look at first.
pub(super) fn figures(model: &Model, measures: Option<&Measures>) -> Vec<(&'static str, String)> {
    let facts = &model.facts;
    let mut figures = Vec::new();
    match measures {
        Some(Measures::Two(two)) => {
            figures.push(("ROC AUC", share(two.evaluation.roc_auc())));
            figures.push(("Log loss", fixed(two.evaluation.log_loss, 3)));
            figures.push(("Accuracy", share(two.evaluation.confusion.accuracy())));
        }
        Some(Measures::More(more)) => {
            figures.push(("Accuracy", fixed(more.confusion.accuracy(), 3)));
            figures.push(("Balanced accuracy", fixed(more.confusion.balanced_accuracy(), 3)));
            figures.push(("Log loss", fixed(more.log_loss, 3)));
        }
        None => figures.push(("AIC", facts.aic().map_or("–".to_string(), rounded))),
    }
    if !facts.is_imported() {
        figures.push(("McFadden R²", fixed(facts.pseudo_r2_mcfadden(), 3)));
    }
    let ended = match &model.training {
        Some(training) => format!("{} of {} epochs", count(facts.iterations), count(training.epochs)),
        None if facts.converged() => "at the optimum".to_string(),
        None => facts.termination.replace('_', " "),
    };
    figures.push(("Fit", ended));
    figures
}

pub(super) fn section(model: &Model, data: Option<&str>) -> Markup {
    let facts = &model.facts;
    html! {
        (warnings(model))
        dl.facts {
            @if let Some(data) = data { div { dt { "Data" } dd { (data) } } }
            @for (name, value) in setting(model) { div { dt { (name) } dd { (value) } } }
        }
        h3 { "How near the optimum" }
        p { @if model.is_network() { (layers::certificate()) } @else { (certificate(facts)) } }
        h3 { "How well it fits the rows of the fit" }
        (table("Likelihood and what comes of it", &["Measure", "Value"], &likelihoods(model)))
    }
}

/// What the fit was of.
fn setting(model: &Model) -> Vec<(&'static str, String)> {
    let (facts, target) = (&model.facts, &model.encoder.target);
    let mut setting = vec![("Target", target.column.clone()), ("Classes", target.classes.join(", "))];
    if !facts.is_imported() {
        setting.push(("Rows", count(facts.n_rows)));
        setting.push(("Method", if model.is_network() { layers::method(model) } else { method(facts) }));
        setting.push(("Solver", solver(model)));
    }
    if facts.total_weight != facts.n_rows as f64 {
        setting.insert(3, ("Weight of the rows", rounded(facts.total_weight)));
    }
    if let [_, positive] = target.classes.as_slice() {
        setting.push(("Threshold", format!("{positive} from a probability of {} on", rounded(model.threshold))));
    }
    if !facts.class_weight.is_empty() {
        let weights: Vec<String> = facts.class_weight.iter().map(|&weight| rounded(weight)).collect();
        let taken = if facts.calibrated { "; taken back out of the probabilities" } else { "" };
        setting.push(("Weights of the classes", format!("{}{taken}", weights.join(", "))));
    }
    if let Some(found) = &model.cross_validation {
        let rule = match found.rule {
            Rule::Minimum => "the least log loss of rows held out",
            Rule::OneStandardError => "the largest within one standard error of the least log loss",
        };
        let chosen = found.chosen();
        setting.push((
            "Penalty chosen",
            format!(
                "of {} by {} folds: {rule}; it has {} ± {}",
                found.values.len(),
                found.folds,
                rounded(chosen.mean_log_loss),
                rounded(chosen.std_error)
            ),
        ));
    }
    setting
}

fn solver(model: &Model) -> String {
    let facts = &model.facts;
    match &model.training {
        Some(training) => format!(
            "{}, steps of length {} over batches of {}, seed {}",
            facts.solver,
            rounded(training.learning_rate),
            count(training.batch_size),
            training.seed
        ),
        None => format!("{}, {} iterations", facts.solver, count(facts.iterations)),
    }
}

/// What was maximised.
fn method(facts: &Facts) -> String {
    let mut words = match (facts.l1 > 0.0, facts.l2 > 0.0) {
        _ if facts.relaxed => {
            return format!("maximum likelihood on the columns selected by l1 = {}", rounded(facts.l1));
        }
        _ if facts.firth => return "Firth’s bias-reduced likelihood".to_string(),
        (false, false) => "maximum likelihood".to_string(),
        (false, true) => format!("ridge penalty, l2 = {}", rounded(facts.l2)),
        (true, false) => format!("lasso penalty, l1 = {}", rounded(facts.l1)),
        (true, true) => format!("elastic net, l1 = {}, l2 = {}", rounded(facts.l1), rounded(facts.l2)),
    };
    if facts.standardised_penalty {
        words.push_str(", on standardised columns");
    }
    if facts.bounded {
        words.push_str(", within bounds");
    }
    words
}

/// The certificate in words.
fn certificate(facts: &Facts) -> String {
    if facts.is_imported() {
        return "Another program estimated the coefficients: nothing is known of the fit.".to_string();
    }
    let (gap, gradient) = (rounded(facts.gap), rounded(facts.gradient_max_norm));
    match (facts.firth, facts.converged()) {
        (true, true) => format!(
            "The fit reached a maximum of Firth’s likelihood. It is estimated to lie {gap} nats per row from the top; this is \
             an estimate and no bound, because the maximum need not be the only one. No entry of the modified score exceeds \
             {gradient}."
        ),
        (false, true) => format!(
            "The fit reached the optimum, and that is proved: no coefficients whatever have an objective more than {gap} nats \
             per row below that of these. No entry of the gradient exceeds {gradient}."
        ),
        _ if facts.termination == Termination::NoFiniteOptimum.name() => format!(
            "Maximum likelihood has no optimum here. The ridge fit that is shown in its place is at its own: no coefficients \
             whatever have a penalised objective more than {gap} nats per row below that of these. No entry of the gradient \
             exceeds {gradient}."
        ),
        _ => format!(
            "The fit ended before an optimum of what was asked for ({}): the objective of these coefficients is within {gap} \
             nats per row of its minimum, as far as could be shown, and the largest entry of the gradient is {gradient}.",
            facts.termination.replace('_', " ")
        ),
    }
}

fn likelihoods(model: &Model) -> Vec<Vec<Markup>> {
    let facts = &model.facts;
    let mut rows = vec![
        ("Log-likelihood", Some(facts.log_likelihood)),
        ("Log-likelihood without columns", Some(facts.null_log_likelihood)),
        ("Deviance", Some(facts.deviance())),
        ("AIC", facts.aic()),
        ("BIC", facts.bic()),
        ("McFadden R²", Some(facts.pseudo_r2_mcfadden())),
        ("Nagelkerke R²", Some(facts.pseudo_r2_nagelkerke())),
        ("Cox–Snell R²", Some(facts.pseudo_r2_cox_snell())),
    ];
    rows.extend(model.diagnostics.pseudo_r2_tjur.map(|tjur| ("Tjur R²", Some(tjur))));
    rows.extend(
        model.diagnostics.approximate_loo_log_loss.map(|loss| ("Log loss of rows left out, nearly", Some(loss))),
    );
    let mut rows: Vec<Vec<Markup>> = rows
        .into_iter()
        .map(|(name, value)| {
            vec![html! { (name) }, html! { (value.map_or("does not exist here".to_string(), precise)) }]
        })
        .collect();
    if let Some(test) = facts.lr_test {
        let words = html! { "χ² " (rounded(test.chi2)) " on " (test.df) ", p " (p_value(test.p_value)) };
        rows.push(vec![html! { "Likelihood-ratio test of all columns" }, words]);
    }
    rows
}

/// What is worth knowing.
fn warnings(model: &Model) -> Markup {
    if model.warnings.is_empty() {
        return html! {};
    }
    html! {
        div.warnings role="note" aria-label="Warnings" {
            h3 { (if model.warnings.len() == 1 { "A warning" } else { "Warnings" }) }
            ul { @for warning in &model.warnings { li { (words(&sentence(warning))) } } }
            (runaways(model))
        }
    }
}

fn sentence(warning: &Warning) -> String {
    let words = warning.to_string();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// What has no finite value.
fn runaways(model: &Model) -> Markup {
    let Some(separation) = &model.separation else { return html! {} };
    let kind = if separation.complete { "completely" } else { "quasi-completely" };
    let several = model.encoder.target.classes.len() > 2;
    // Absent everywhere: nobody looked for bounds, or there are none.
    let bounded = separation.terms.iter().any(|runaway| runaway.bound.is_some());
    let mut header = vec!["Term", "Maximum likelihood"];
    if bounded {
        header.push("95 % profile interval");
    }
    if several {
        header.insert(1, "Class");
    }
    let row = |runaway: &crate::model::Runaway| {
        let bound = match (runaway.toward, runaway.bound) {
            (Some(Toward::PlusInfinity), Some(bound)) => format!("above {}", rounded(bound)),
            (Some(Toward::MinusInfinity), Some(bound)) => format!("below {}", rounded(bound)),
            _ => "–".to_string(),
        };
        let mut cells = vec![html! { (runaway.term) }];
        if several {
            cells.push(html! { (runaway.class.as_deref().unwrap_or_default()) });
        }
        cells.push(html! { (runaway.toward.map_or("±∞", Toward::symbol)) });
        if bounded {
            cells.push(html! { (bound) });
        }
        cells
    };
    let rows: Vec<Vec<Markup>> = separation.terms.iter().take(MOST_RUNAWAYS).map(row).collect();
    let more = separation.terms.len().saturating_sub(MOST_RUNAWAYS);
    html! {
        p { "The classes are " (kind) " separated. Without a penalty some coefficients have no finite value." }
        details open[separation.terms.len() <= 5] {
            summary { "These coefficients" }
            (table("Coefficients without a finite value", &header, &rows))
            @if more > 0 { p.note { "… and " (count(more)) " more." } }
        }
    }
}

/// The objective on the way to the optimum.
pub(super) fn training(model: &Model) -> Markup {
    let trace: Vec<(usize, f64)> =
        model.trace.iter().copied().enumerate().filter(|(_, loss)| loss.is_finite()).collect();
    let (Some(&(_, first)), Some(&(end, last))) = (trace.first(), trace.last()) else {
        return html! { p { "The model keeps no record of its iterations." } };
    };
    let batches = matches!(model.facts.solver.as_str(), "sgd" | "adam");
    let (unit, what) = if batches { ("Epoch", "Mean loss of the epoch") } else { ("Iteration", "Objective") };
    let low = trace.iter().fold(f64::INFINITY, |low, step| low.min(step.1));
    let high = trace.iter().fold(f64::NEG_INFINITY, |high, step| high.max(step.1));
    let pad = 0.05 * (high - low);
    let mut x = Axis::over(0.0, end.max(1) as f64, unit);
    x.ticks.retain(|(value, _)| value.fract() == 0.0);
    let y =
        Axis::over(low - pad, high + pad, if batches { "Mean loss, nats per row" } else { "Objective, nats per row" });
    let words = format!("From {} to {} over {} {}s.", precise(first), precise(last), trace.len(), unit.to_lowercase());
    let chart = Chart::low("Training curve", words.clone(), x, y);
    let marks = html! {
        (chart.line(trace.iter().map(|&(at, loss)| (at as f64, loss)), "line"))
        @if trace.len() <= 30 { @for &(at, loss) in &trace { (chart.dot((at as f64, loss), "dot")) } }
    };
    let every = trace.len().div_ceil(MOST_STEPS);
    let listed = trace.iter().enumerate().filter(|(at, _)| at % every == 0 || at + 1 == trace.len());
    let rows: Vec<Vec<Markup>> = listed.map(|(_, &(at, loss))| vec![html! { (at) }, cell_of(loss)]).collect();
    html! {
        p {
            (words) " "
            @if !batches {
                "Each value is the objective before its iteration. The first come from a part of the rows where there are many."
            }
        }
        figure { (chart.draw(&marks)) }
        details { summary { "The values" } (table(&format!("{what} by {}", unit.to_lowercase()), &[unit, what], &rows)) }
    }
}

fn cell_of(value: f64) -> Markup {
    html! { (precise(value)) }
}

/// What the model keeps of its diagnostics.
pub(super) fn diagnostics(model: &Model) -> Markup {
    let found = &model.diagnostics;
    let several = model.encoder.target.classes.len() > 2;
    let effects: Vec<Vec<Markup>> = found
        .marginal_effects
        .iter()
        .take(MOST_STEPS * 5)
        .map(|effect| {
            let class = effect.class.filter(|_| several).map(|class| model.encoder.target.classes[class].as_str());
            let name = html! { (name(&effect.term)) @if let Some(class) = class { " → " (class) } };
            let of = |f: fn(&crate::model::Inference) -> f64| cell(effect.inference.as_ref().map(f));
            let p = html! { (effect.inference.as_ref().map_or("–".to_string(), |i| p_value(i.p_value))) };
            vec![name, cell(Some(effect.effect)), of(|i| i.std_error), of(|i| i.ci_low), of(|i| i.ci_high), p]
        })
        .collect();
    let inflation: Vec<Vec<Markup>> = found
        .vif
        .iter()
        .take(MOST_STEPS * 5)
        .map(|of| vec![name(&of.column), cell(Some(of.gvif)), html! { (of.df) }, cell(Some(of.per_degree()))])
        .collect();
    let tests: Vec<Vec<Markup>> = model
        .tests
        .iter()
        .map(|of| {
            let test = of.test;
            let p = html! { (test.map_or("–".to_string(), |test| p_value(test.p_value))) };
            let df = html! { (test.map_or("–".to_string(), |test| test.df.to_string())) };
            vec![name(&of.column), cell(test.map(|test| test.chi2)), df, p]
        })
        .collect();
    html! {
        @if !effects.is_empty() {
            h3 { "Average marginal effects" }
            p { "How far the probability moves: per unit of a number, and from the reference to a level." }
            (table("Average marginal effects", &["Term", "Effect", "Std. error", "95 % low", "95 % high", "p"], &effects))
        }
        @if !tests.is_empty() {
            h3 { "Likelihood-ratio tests" }
            (table("The model without each column", &["Column", "χ²", "df", "p"], &tests))
        }
        @if !inflation.is_empty() {
            h3 { "Variance inflation" }
            (table("Variance inflation of each column", &["Column", "VIF or GVIF", "df", "^(1/(2·df))"], &inflation))
            @if let Some(number) = found.condition_number {
                p { "The scaled condition number of the design is " (rounded(number)) "; above 30 is high." }
            }
        }
    }
}
