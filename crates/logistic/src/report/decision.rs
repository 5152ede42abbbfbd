//! The confusion matrix of two classes, its rates and its cost, for any threshold.

use maud::{Markup, PreEscaped, html};

use super::numbers::{range, rounded, share, weight};
use super::scored::Two;
use super::table;
use crate::evaluate::{ConfusionMatrix, Evaluation, Interval, RocCurve};
use crate::model::Model;

/// Thresholds close to the ends, for outcomes that are rare or all but sure.
const TAIL: [f64; 7] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004];

pub(super) fn section(model: &Model, two: &Two) -> Markup {
    let classes = [model.encoder.target.negative(), model.encoder.target.positive()];
    html! {
        @match &two.evaluation.roc {
            Some(roc) => {
                p {
                    "Rows with a probability of at least the threshold are called " strong { (classes[1]) } ". Move it, and the \
                     matrix, the rates and the cost follow. The model’s own threshold is " (rounded(model.threshold)) "."
                }
                (live(&two.evaluation, roc, classes))
            }
            None => {
                p { "All rows are of one class, so there is nothing to weigh against each other." }
                (matrix(&two.evaluation.confusion, classes))
            }
        }
        h3 { "At the model’s threshold, with intervals" }
        (rates(two))
        p.note {
            "Intervals of 95 %: Wilson’s for shares"
            @if two.evaluation.delong.is_some() { ", DeLong’s for the ROC area" }
            @match two.intervals.resamples {
                0 => { "; the others were not asked for." }
                resamples => { ", and " (resamples) " bootstrap resamples for the others." }
            }
            " The threshold is taken as given: chosen on the same rows it looks better than it is."
        }
    }
}

/// What the script moves.
fn live(evaluation: &Evaluation, roc: &RocCurve, classes: [&str; 2]) -> Markup {
    let (thresholds, at) = thresholds(evaluation.threshold);
    let value = |threshold: f64| format!("threshold {}", rounded(threshold));
    html! {
        div.decision {
            div.controls {
                label for="threshold" { "Threshold " output #threshold-value for="threshold" { (rounded(evaluation.threshold)) } }
                input #threshold type="range" min="0" max=(thresholds.len() - 1) step="1" value=(at)
                    aria-valuetext=(value(evaluation.threshold));
                div.costs {
                    label { "Cost of a false positive " input #cost-fp type="number" min="0" step="any" value="1" inputmode="decimal"; }
                    label { "Cost of a false negative " input #cost-fn type="number" min="0" step="any" value="1" inputmode="decimal"; }
                    button #cheapest type="button" { "Cheapest threshold" }
                    button #own type="button" { "The model’s threshold" }
                }
            }
            div.outcome {
                (matrix(&evaluation.confusion, classes))
                (live_rates(&evaluation.confusion))
            }
            p #told.told aria-live="polite" { (told(evaluation, classes)) }
            noscript { p.note { "Without JavaScript the numbers are those of the model’s threshold." } }
            (data(roc, &evaluation.confusion, &thresholds, at, classes))
        }
    }
}

/// The matrix in a sentence.
fn told(evaluation: &Evaluation, classes: [&str; 2]) -> String {
    let matrix = &evaluation.confusion;
    format!(
        "At {}: {} of the {} rows that are {} are found; {} of the {} called {} are false alarms.",
        rounded(evaluation.threshold),
        weight(matrix.true_positive),
        weight(matrix.positives()),
        classes[1],
        weight(matrix.false_positive),
        weight(matrix.true_positive + matrix.false_positive),
        classes[1],
    )
}

fn matrix(matrix: &ConfusionMatrix, [negative, positive]: [&str; 2]) -> Markup {
    let [[tn, fp], [r#fn, tp]] = matrix.as_rows();
    html! {
        table.matrix {
            caption { "Confusion matrix" }
            thead {
                tr { td {} th scope="col" { "called " (negative) } th scope="col" { "called " (positive) } }
            }
            tbody {
                tr { th scope="row" { "is " (negative) } td.right #tn { (weight(tn)) } td.wrong #fp { (weight(fp)) } }
                tr { th scope="row" { "is " (positive) } td.wrong #fn { (weight(r#fn)) } td.right #tp { (weight(tp)) } }
            }
        }
    }
}

fn live_rates(matrix: &ConfusionMatrix) -> Markup {
    let rows = [
        ("Accuracy", "accuracy", matrix.accuracy()),
        ("Precision", "precision", matrix.precision()),
        ("Recall", "recall", matrix.recall()),
        ("Specificity", "specificity", matrix.specificity()),
        ("False positive rate", "fpr", matrix.false_positive_rate()),
        ("F1", "f1", matrix.f1()),
    ];
    let cost = matrix.false_positive + matrix.false_negative;
    html! {
        table.rates {
            caption { "Rates and cost at this threshold" }
            tbody {
                @for (name, id, value) in rows { tr { th scope="row" { (name) } td id=(id) { (share(value)) } } }
                tr { th scope="row" { "Cost" } td #cost { (rounded(cost)) } }
                tr { th scope="row" { "Cost per row" } td #cost-per-row { (rounded(cost / matrix.total())) } }
            }
        }
    }
}

/// The thresholds of the slider: round ones, and the model's own, whose place comes with them.
fn thresholds(own: f64) -> (Vec<f64>, usize) {
    let round = (0..=200).map(|step| f64::from(step) / 200.0);
    let tails = TAIL.iter().flat_map(|&tail| [tail, 1.0 - tail]);
    let mut all: Vec<f64> = round.chain(tails).chain([own]).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    let at = all.partition_point(|&threshold| threshold < own);
    (all, at)
}

/// What the script counts with. A curve has what is called positive at every threshold that matters.
fn data(roc: &RocCurve, matrix: &ConfusionMatrix, thresholds: &[f64], at: usize, classes: [&str; 2]) -> Markup {
    let (positives, negatives) = (matrix.positives(), matrix.negatives());
    let whole = [matrix.true_positive, matrix.false_positive, positives, negatives].iter().all(|n| n.fract() == 0.0);
    let counts = |rate: &[f64], total: f64| -> Vec<f64> {
        let at = |threshold: &f64| roc.threshold.partition_point(|own| own >= threshold) - 1;
        let count = |threshold: &f64| rate[at(threshold)] * total;
        thresholds.iter().map(|threshold| if whole { count(threshold).round() } else { count(threshold) }).collect()
    };
    let value = serde_json::json!({
        "threshold": thresholds,
        "tp": counts(&roc.true_positive_rate, positives),
        "fp": counts(&roc.false_positive_rate, negatives),
        "positives": positives,
        "negatives": negatives,
        "own": at,
        "classes": classes,
    });
    // In a script no character is escaped but the one that could end it.
    let text = value.to_string().replace('<', "\\u003c");
    html! { script #counts type="application/json" { (PreEscaped(text)) } }
}

fn rates(two: &Two) -> Markup {
    let (evaluation, intervals) = (&two.evaluation, &two.intervals);
    let (matrix, calibration) = (&evaluation.confusion, &evaluation.calibration);
    let rows: [(&str, Option<f64>, Option<Interval>); 14] = [
        ("Accuracy", matrix.accuracy(), intervals.accuracy),
        ("Precision", matrix.precision(), intervals.precision),
        ("Recall", matrix.recall(), intervals.recall),
        ("Specificity", matrix.specificity(), intervals.specificity),
        ("False positive rate", matrix.false_positive_rate(), intervals.false_positive_rate),
        ("Negative predictive value", matrix.negative_predictive_value(), intervals.negative_predictive_value),
        ("F1", matrix.f1(), intervals.f1),
        ("MCC", matrix.mcc(), intervals.mcc),
        ("ROC area", evaluation.roc_auc(), intervals.roc_auc),
        ("Average precision", evaluation.average_precision(), intervals.average_precision),
        ("Log loss", Some(evaluation.log_loss), intervals.log_loss),
        ("Brier score", Some(evaluation.brier), intervals.brier),
        ("Calibration intercept", calibration.intercept, intervals.calibration_intercept),
        ("Calibration slope", calibration.slope, intervals.calibration_slope),
    ];
    let row = |(name, value, interval): (&str, Option<f64>, Option<Interval>)| {
        let interval = if interval.is_some() { range(interval) } else { "–".to_string() };
        vec![html! { (name) }, html! { (share(value)) }, html! { (interval) }]
    };
    let rows: Vec<Vec<Markup>> = rows.into_iter().map(row).collect();
    table("What the predictions are worth", &["Measure", "Value", "95 % interval"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slider_has_the_models_threshold_and_no_threshold_twice() {
        for own in [0.5, 0.366_666_666_666_666_64, 0.00005, 0.9999999] {
            let (all, at) = thresholds(own);
            assert_eq!(all[at], own);
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn counts_are_those_of_the_matrix_at_every_threshold() {
        let p: Vec<f64> = (0..500).map(|i| f64::from(i * 37 % 101) / 100.0).collect();
        let y: Vec<f64> = (0..500).map(|i| f64::from(u8::from(i * 53 % 97 < 40))).collect();
        let evaluation = Evaluation::new(&p, &y, None, 0.37).unwrap();
        let (thresholds, at) = thresholds(0.37);
        let text = data(evaluation.roc.as_ref().unwrap(), &evaluation.confusion, &thresholds, at, ["</script>", "b"]);
        let text = text.into_string();
        assert_eq!(text.matches("</script>").count(), 1, "a class cannot end the script");
        let json = &text[text.find('{').unwrap()..=text.rfind('}').unwrap()];
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        for (k, &threshold) in thresholds.iter().enumerate() {
            let matrix = ConfusionMatrix::at(threshold, &p, &y, None);
            let Ok(matrix) = matrix else { continue };
            assert_eq!(value["tp"][k].as_f64(), Some(matrix.true_positive), "at {threshold}");
            assert_eq!(value["fp"][k].as_f64(), Some(matrix.false_positive), "at {threshold}");
        }
    }
}
