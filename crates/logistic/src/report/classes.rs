//! What measures rows of more than two classes.

use maud::{Markup, html};

use super::numbers::{count, counted, cut, fixed, share, weight};
use super::scored::Scored;
use super::{curves, table};
use crate::evaluate::{Averages, ConfusionMatrix, MultiEvaluation, RocCurve, calibration_bins};
use crate::model::Model;

/// So many classes have a row and a column.
const MOST_CLASSES: usize = 30;
/// So many classes have curves.
const MOST_CURVES: usize = 9;
/// Bins of a calibration curve.
const BINS: usize = 10;

pub(super) fn matrix(model: &Model, more: &MultiEvaluation) -> Markup {
    let classes = &model.encoder.target.classes;
    html! {
        p {
            "A row is called the class that is most probable for it"
            @if !model.class_weight.is_empty() { ", each probability times the weight of its class" }
            ". There is no single threshold to move with more than two classes."
        }
        (counts(classes, more))
        (by_class(classes, more))
        (overall(more))
    }
}

fn counts(classes: &[String], more: &MultiEvaluation) -> Markup {
    let n = classes.len();
    if n > MOST_CLASSES {
        return html! { p { "The matrix of " (count(n)) " classes is too large for a page; `logistic evaluate --json` has it." } };
    }
    html! {
        div.wide role="region" aria-label="Confusion matrix" tabindex="0" {
            table.matrix {
                caption { "Confusion matrix: a row for each class, a column for what it is called" }
                thead { tr { td {} @for class in classes { th scope="col" { "called " (cut(class, 24)) } } } }
                tbody {
                    @for (k, class) in classes.iter().enumerate() {
                        tr {
                            th scope="row" { "is " (cut(class, 24)) }
                            @for (j, of) in more.confusion.counts()[k * n..(k + 1) * n].iter().enumerate() {
                                td class=(if j == k { "right" } else if *of > 0.0 { "wrong" } else { "none" }) { (weight(*of)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn by_class(classes: &[String], more: &MultiEvaluation) -> Markup {
    let of_class = |(k, class): (usize, &String)| {
        let own = more.confusion.one_vs_rest(k);
        let of = |f: fn(&ConfusionMatrix) -> Option<f64>| html! { (share(own.as_ref().and_then(f))) };
        vec![
            html! { (class) },
            of(ConfusionMatrix::precision),
            of(ConfusionMatrix::recall),
            of(ConfusionMatrix::f1),
            html! { (share(more.roc_auc[k])) },
        ]
    };
    let mut rows: Vec<Vec<Markup>> = classes.iter().enumerate().take(MOST_CLASSES).map(of_class).collect();
    let mean = |name: &str, of: Averages| {
        let cells = [of.precision, of.recall, of.f1, of.roc_auc].map(|value| html! { (share(value)) });
        std::iter::once(html! { (name) }).chain(cells).collect::<Vec<Markup>>()
    };
    rows.push(mean("Mean", more.macro_average()));
    rows.push(mean("Mean by weight", more.weighted_average()));
    let left = classes.len().saturating_sub(MOST_CLASSES);
    html! {
        (table("Each class against the others", &["Class", "Precision", "Recall", "F1", "ROC area"], &rows))
        @if left > 0 { p.note { "Left out of this table: " (counted(left, "class")) "; the means are over all." } }
    }
}

fn overall(more: &MultiEvaluation) -> Markup {
    let matrix = &more.confusion;
    let rows: Vec<Vec<Markup>> = [
        ("Accuracy", Some(matrix.accuracy())),
        ("Balanced accuracy", Some(matrix.balanced_accuracy())),
        ("Cohen’s kappa", matrix.kappa()),
        ("Log loss", Some(more.log_loss)),
        ("Brier score", Some(more.brier)),
    ]
    .into_iter()
    .map(|(name, value)| vec![html! { (name) }, html! { (share(value)) }])
    .collect();
    html! {
        (table("What the predictions are worth", &["Measure", "Value"], &rows))
        p.note { "There are no intervals for more than two classes." }
    }
}

/// One class against all others, for a few classes.
pub(super) fn curves(model: &Model, scored: &Scored<'_>, more: &MultiEvaluation) -> Markup {
    let classes = &model.encoder.target.classes;
    let left = classes.len().saturating_sub(MOST_CURVES);
    html! {
        p { "For each class its ROC curve, its calibration, and the probabilities that rows were given." }
        @for (k, class) in classes.iter().enumerate().take(MOST_CURVES) {
            h3 { (class) }
            (of_class(scored, more, k, class))
        }
        @if left > 0 { p.note { "Left out: the curves of " (counted(left, "class")) "." } }
    }
}

fn of_class(scored: &Scored<'_>, more: &MultiEvaluation, class: usize, name: &str) -> Markup {
    let (probability, y, rows) = (scored.of_class(class), scored.is_class(class), scored.weight.as_deref());
    let name = cut(name, 30);
    let bins = calibration_bins(&probability, &y, rows, BINS).unwrap_or_default();
    html! {
        div.trio {
            @match RocCurve::new(&probability, &y, rows) {
                Ok(curve) => {
                    figure {
                        (curves::roc(&curve, &format!("ROC curve of {name}"), None))
                        figcaption { "ROC curve; area " strong { (more.roc_auc[class].map_or("–".to_string(), |area| fixed(area, 3))) } }
                    }
                }
                Err(_) => p { "There is no ROC curve: rows are all of this class, or none is." }
            }
            figure {
                (curves::bins(&bins, &format!("Calibration of {name}"), rows.is_none()))
                figcaption { "Calibration" }
            }
            figure {
                (curves::histogram(scored, class, &format!("Probabilities of {name}")))
                figcaption { span.key { span.swatch.first {} (name) " " span.swatch.second {} "others" } }
            }
        }
    }
}
