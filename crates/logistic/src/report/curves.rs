//! Curves of two classes: how they rank, whether they are to be believed, and what a part of the rows holds.

use maud::{Markup, html};

use super::chart::{Axis, Chart};
use super::numbers::{fixed, percent, range, share, weight};
use super::scored::{Scored, Two};
use super::table;
use crate::evaluate::{CalibrationBin, Interval, PrCurve, RocCurve, calibration_bins};

/// Bars of the histogram.
const BARS: usize = 20;

/// The ROC and the precision-recall curve.
pub(super) fn ranking(two: &Two) -> Markup {
    let evaluation = &two.evaluation;
    let matrix = &evaluation.confusion;
    let here = matrix.false_positive_rate().zip(matrix.recall());
    html! {
        div.pair {
            @match &evaluation.roc {
                Some(curve) => {
                    figure {
                        (roc(curve, "ROC curve", here))
                        figcaption {
                            "Area " strong { (fixed(curve.area, 3)) } (of_interval(two.intervals.roc_auc)) ": the chance that a \
                             positive row gets a higher probability than a negative one. The dot is the threshold."
                        }
                        (values("ROC curve", ["False positive rate", "Recall"], &curve.false_positive_rate, &curve.true_positive_rate))
                    }
                }
                None => p { "There is no ROC curve: it needs rows of both classes." }
            }
            @match &evaluation.pr {
                Some(curve) => {
                    figure {
                        (precision_recall(curve, "Precision-recall curve", matrix.positives() / matrix.total(), matrix.recall().zip(matrix.precision())))
                        figcaption {
                            "Average precision " strong { (fixed(curve.average_precision, 3)) }
                            (of_interval(two.intervals.average_precision)) "; calling rows at random has "
                            (share(Some(matrix.positives() / matrix.total()))) " (dashed)."
                        }
                        (values("Precision-recall curve", ["Recall", "Precision"], &curve.recall, &curve.precision))
                    }
                }
                None => p { "There is no precision-recall curve: no row is positive." }
            }
        }
    }
}

fn of_interval(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |_| format!(" (95 % interval {})", range(interval)))
}

/// A few points of a curve, for those who do not see it.
fn values(caption: &str, names: [&str; 2], x: &[f64], y: &[f64]) -> Markup {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]).then(y[a].total_cmp(&y[b])));
    let at =
        |level: f64| order.iter().copied().filter(|&k| x[k] <= level + 1e-12).max_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut chosen: Vec<usize> = (0..=10).filter_map(|part| at(f64::from(part) / 10.0)).collect();
    chosen.dedup();
    let row = |k: usize| vec![html! { (fixed(x[k], 3)) }, html! { (fixed(y[k], 3)) }];
    let rows: Vec<Vec<Markup>> = chosen.into_iter().map(row).collect();
    html! { details { summary { "The values" } (table(&format!("{caption}, by tenths"), &names, &rows)) } }
}

/// A ROC curve, with the place of the threshold that was chosen.
pub(super) fn roc(curve: &RocCurve, title: &str, here: Option<(f64, f64)>) -> Markup {
    let words = format!("From (0, 0) to (1, 1); the area below is {}.", fixed(curve.area, 3));
    let chart = Chart::square(title, words, Axis::unit("False positive rate"), Axis::unit("Recall"));
    let points = || curve.false_positive_rate.iter().copied().zip(curve.true_positive_rate.iter().copied());
    chart.draw(&html! {
        (chart.line([(0.0, 0.0), (1.0, 1.0)], "reference"))
        (chart.line(points(), "line"))
        @if let Some(here) = here { (marker(&chart, "roc", here)) }
    })
}

fn precision_recall(curve: &PrCurve, title: &str, base: f64, here: Option<(f64, f64)>) -> Markup {
    let words = format!("The average precision is {}.", fixed(curve.average_precision, 3));
    let chart = Chart::square(title, words, Axis::unit("Recall"), Axis::unit("Precision"));
    // The precision of a threshold holds down to the recall of the next: the area is that of steps.
    let steps = curve.recall.windows(2).zip(&curve.precision).flat_map(|(recall, &p)| [(recall[0], p), (recall[1], p)]);
    chart.draw(&html! {
        (chart.line([(0.0, base), (1.0, base)], "reference"))
        (chart.line(steps, "line"))
        @if let Some(here) = here { (marker(&chart, "pr", here)) }
    })
}

/// A dot that the script moves with the threshold.
fn marker(chart: &Chart, name: &str, here: (f64, f64)) -> Markup {
    let scale = chart.scale().map(|part| format!("{part:.2}")).join(" ");
    html! { g.marker data-curve=(name) data-scale=(scale) { (chart.dot(here, "dot here")) } }
}

/// Whether probabilities are to be believed, and which there are.
pub(super) fn calibration(scored: &Scored<'_>, two: &Two) -> Markup {
    let found = &two.evaluation.calibration;
    let intervals = &two.intervals;
    html! {
        p {
            "Of rows given a probability of 0.3, three in ten should turn out positive. "
            @match (found.intercept, found.slope) {
                (Some(intercept), Some(slope)) => {
                    "A regression of the outcome on the logit has an intercept of " (fixed(intercept, 3))
                    (of_interval(intervals.calibration_intercept)) " and a slope of " (fixed(slope, 3))
                    (of_interval(intervals.calibration_slope))
                    "; calibrated are 0 and 1, and a slope below 1 means probabilities that are too extreme."
                }
                _ => "The regression of the outcome on the logit has no optimum here, so there is no intercept and no slope."
            }
        }
        div.pair {
            figure { (bins(&found.bins, "Calibration", scored.weight.is_none())) (bin_table(&found.bins)) }
            figure { (histogram(scored, 1, "Histogram of the probabilities")) figcaption { (key(["positive", "negative"])) } }
        }
    }
}

/// What the two colours of a histogram mean.
fn key([first, second]: [&str; 2]) -> Markup {
    html! { span.key { span.swatch.first {} (first) " " span.swatch.second {} (second) } " rows, stacked" }
}

/// Shares observed against probabilities predicted.
pub(super) fn bins(bins: &[CalibrationBin], title: &str, unweighted: bool) -> Markup {
    let words =
        "Bins of equal width: the mean probability of the rows in each, and the share of them that is positive.";
    let chart = Chart::square(title, words.to_string(), Axis::unit("Mean probability"), Axis::unit("Share positive"));
    // Wilson's interval counts rows, which weights do not.
    let whisker = |bin: &CalibrationBin| {
        let interval = Interval::wilson((bin.observed * bin.weight).min(bin.weight), bin.weight).filter(|_| unweighted);
        interval.map(|Interval { low, high }| chart.whisker(bin.predicted, (low, high), "whisker"))
    };
    chart.draw(&html! {
        (chart.line([(0.0, 0.0), (1.0, 1.0)], "reference"))
        @for bin in bins { @if let Some(whisker) = whisker(bin) { (whisker) } }
        (chart.line(bins.iter().map(|bin| (bin.predicted, bin.observed)), "line"))
        @for bin in bins { (chart.dot((bin.predicted, bin.observed), "dot")) }
    })
}

fn bin_table(bins: &[CalibrationBin]) -> Markup {
    let row = |bin: &CalibrationBin| {
        vec![html! { (fixed(bin.predicted, 3)) }, html! { (fixed(bin.observed, 3)) }, html! { (weight(bin.weight)) }]
    };
    let rows: Vec<Vec<Markup>> = bins.iter().map(row).collect();
    html! {
        details {
            summary { "The values" }
            (table("Calibration by bins", &["Mean probability", "Share positive", "Rows"], &rows))
        }
    }
}

/// How many rows have which probability of a class, those of the class below the others.
pub(super) fn histogram(scored: &Scored<'_>, class: usize, title: &str) -> Markup {
    let (probability, y) = (scored.of_class(class), scored.is_class(class));
    let bins = calibration_bins(&probability, &y, scored.weight.as_deref(), BARS).unwrap_or_default();
    let highest = bins.iter().fold(0.0, |most, bin| f64::max(most, bin.weight));
    let words = "Bars of equal width over the probabilities; each is divided into rows of the class and others.";
    let y_axis = Axis::over(0.0, highest.max(1.0), "Rows");
    let chart = Chart::square(title, words.to_string(), Axis::unit("Probability"), y_axis);
    let bars = BARS as f64;
    // A bin holds what is above its lower edge and up to its upper one.
    let place = |bin: &CalibrationBin| ((bin.predicted * bars - 1e-9).ceil() - 1.0).clamp(0.0, bars - 1.0);
    chart.draw(&html! {
        @for bin in &bins {
            @let (left, of_class) = (place(bin) / bars, bin.observed * bin.weight);
            (chart.bar((left, left + 1.0 / bars), (0.0, of_class), "bar first"))
            (chart.bar((left, left + 1.0 / bars), (of_class, bin.weight), "bar second"))
        }
    })
}

/// What a part of the rows holds, the most probable first.
pub(super) fn lift(two: &Two) -> Markup {
    let Some(gains) = &two.gains else { return html! { p { "There is no lift: no row is positive." } } };
    let words = "The share of positive rows found among the most probable rows, against the share of rows looked at.";
    let x = Axis::unit("Share of the rows, most probable first");
    let chart = Chart::square("Cumulative gains", words.to_string(), x, Axis::unit("Share of the positive rows"));
    let points = gains.share.iter().copied().zip(gains.gain.iter().copied());
    let best = [(0.0, 0.0), (gains.base_rate, 1.0), (1.0, 1.0)];
    let first = gains.deciles.first();
    let row = |decile: &crate::evaluate::Decile| {
        vec![
            html! { (format!("{:.0} %", 100.0 * decile.share)) },
            html! { (percent(decile.positive_rate)) },
            html! { (fixed(decile.lift, 2)) },
            html! { (percent(decile.gain)) },
            html! { (fixed(decile.cumulative_lift, 2)) },
        ]
    };
    let rows: Vec<Vec<Markup>> = gains.deciles.iter().map(row).collect();
    let header = ["Rows", "Positive", "Lift", "Found so far", "Lift so far"];
    html! {
        @if let Some(first) = first {
            p {
                "The most probable tenth of the rows holds " (percent(first.gain)) " of the positive ones: "
                (fixed(first.lift, 2)) " times as many as a tenth at random."
            }
        }
        div.pair {
            figure {
                (chart.draw(&html! {
                    (chart.line([(0.0, 0.0), (1.0, 1.0)], "reference"))
                    (chart.line(best, "reference faint"))
                    (chart.line(points, "line"))
                }))
                figcaption { "Dashed: rows in a random order; dotted: all positive rows first." }
            }
            (table("By tenths of the rows, the most probable first", &header, &rows))
        }
    }
}
