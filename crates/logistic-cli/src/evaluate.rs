//! `logistic evaluate`, and the words and keys for an evaluation that `train` and `tutorial` share.

use std::fmt::Write;

use logistic::Error;
use logistic::encode::{Encoded, Target};
use logistic::error::Warning;
use logistic::evaluate::{ConfusionMatrix, Evaluation, Gains, Interval, Intervals, Threshold};
use logistic::model::Model;
use logistic::plot;
use serde_json::{Value, json};

use crate::args::EvaluateArgs;
use crate::compare::Compared;
use crate::host::{Host, Reader};
use crate::measure::Measured;
use crate::output::{print, print_json, short, table, warn};
use crate::{Outcome, classes, gains, train};

pub(crate) fn run(args: &EvaluateArgs) -> Outcome {
    let model = Model::load(&args.model)?;
    let evaluated = evaluate(args, &model, Host::TERMINAL.read)?;
    if args.json {
        return print_json(&evaluated.keys);
    }
    warn(&evaluated.warnings);
    print(&evaluated.words)
}

/// What `evaluate` tells of a model.
pub(crate) struct Evaluated {
    /// Under its `--json` keys.
    pub(crate) keys: Value,
    /// For people.
    words: String,
    /// What was odd about the rows.
    pub(crate) warnings: Vec<Warning>,
}

/// Measures the model on the rows of a table, and draws the pictures that were asked for.
pub(crate) fn evaluate(args: &EvaluateArgs, model: &Model, read: &Reader<'_>) -> Result<Evaluated, Error> {
    let rule = args.threshold.unwrap_or(Threshold::Fixed(model.threshold));
    rule.check()?;
    if args.compare.is_some() {
        classes::two(model, "compare")?;
    }
    let other = args.compare.as_deref().map(|path| Compared::load(path, model, &args.data)).transpose()?;
    let data = read(&args.data, &args.memory.limit(args.format.labelled(model, args.weights.as_ref())))?;
    let encoded = model.encoder.labelled(&data, args.weights.as_deref())?;
    drop(data);
    if model.encoder.target.classes.len() > 2 {
        return several(args, model, encoded);
    }
    let probabilities = model.probabilities(&encoded);
    let (y, weight) = (encoded.dataset.y(), encoded.dataset.weight());
    let in_file = |error: Error| error.in_file(&args.data[0]);
    let threshold = rule.choose(&probabilities, y, weight).map_err(in_file)?;
    let evaluation = Evaluation::new(&probabilities, y, weight, threshold)?;
    let resamples = args.bootstrap.unwrap_or_else(|| Intervals::resamples_for(y.len()));
    let intervals = Intervals::new(&probabilities, y, weight, threshold, resamples, args.seed)?;
    let some_positive = evaluation.confusion.positives() > 0.0;
    let gains = some_positive.then(|| Gains::new(&probabilities, y, weight)).transpose()?;
    let compared = other.map(|other| other.with(args, read, &encoded, &probabilities)).transpose()?;
    if let Some(dir) = &args.plots {
        train::evaluation_pictures(dir, &evaluation, &model.encoder.target)?;
        gains.as_ref().map(|gains| plot::gains(gains)?.save(dir, "gains")).transpose()?;
    }
    let mut keys = keys(&evaluation);
    add_intervals(&mut keys, &intervals);
    keys["gains"] = json!(gains.as_ref().map(gains::keys));
    let mut words = words(&evaluation, &model.encoder.target, Some(&intervals));
    if !matches!(rule, Threshold::Fixed(_)) {
        keys["threshold_rule"] = json!(rule.to_string());
        let _ = writeln!(words, "\nThe threshold was chosen on these rows, by {rule}: they flatter it.");
    }
    words.push_str(&gains.as_ref().map_or(String::new(), gains::words));
    if let Some(compared) = &compared {
        keys["compare"] = compared.keys();
        words.push_str(&compared.words());
    }
    Ok(Evaluated { keys, words, warnings: encoded.warnings })
}

/// The evaluation of a model of more than two classes.
fn several(args: &EvaluateArgs, model: &Model, encoded: Encoded) -> Result<Evaluated, Error> {
    let asked = [("threshold", args.threshold.is_some()), ("bootstrap", args.bootstrap.is_some_and(|n| n > 0))];
    for (name, _) in asked.iter().filter(|(_, given)| *given) {
        classes::two(model, name)?;
    }
    let all: Vec<usize> = (0..encoded.dataset.len()).collect();
    let measured = Measured::of(model, &encoded, &all)?;
    if let Some(dir) = &args.plots {
        measured.pictures(dir, model)?;
    }
    Ok(Evaluated { keys: measured.keys(model), words: measured.words(model), warnings: encoded.warnings })
}

/// The evaluation under its `--json` keys.
pub(crate) fn keys(evaluation: &Evaluation) -> Value {
    let matrix = &evaluation.confusion;
    json!({
        "n_rows": evaluation.n_rows,
        "threshold": evaluation.threshold,
        "confusion_matrix": matrix_keys(matrix),
        "accuracy": matrix.accuracy(),
        "precision": matrix.precision(),
        "recall": matrix.recall(),
        "false_positive_rate": matrix.false_positive_rate(),
        "f1": matrix.f1(),
        "mcc": matrix.mcc(),
        "roc_auc": evaluation.roc_auc(),
        "average_precision": evaluation.average_precision(),
        "log_loss": evaluation.log_loss,
        "brier": evaluation.brier,
        "calibration": {
            "intercept": evaluation.calibration.intercept,
            "slope": evaluation.calibration.slope,
        },
    })
}

/// The intervals beside what they are of, as `[low, high]`.
fn add_intervals(keys: &mut Value, intervals: &Intervals) {
    for (name, interval) in [
        ("accuracy", intervals.accuracy),
        ("precision", intervals.precision),
        ("recall", intervals.recall),
        ("false_positive_rate", intervals.false_positive_rate),
        ("f1", intervals.f1),
        ("mcc", intervals.mcc),
        ("roc_auc", intervals.roc_auc),
        ("average_precision", intervals.average_precision),
        ("log_loss", intervals.log_loss),
        ("brier", intervals.brier),
    ] {
        keys[format!("{name}_ci")] = interval_keys(interval);
    }
    keys["calibration"]["intercept_ci"] = interval_keys(intervals.calibration_intercept);
    keys["calibration"]["slope_ci"] = interval_keys(intervals.calibration_slope);
    keys["bootstrap"] = json!(intervals.resamples);
}

/// `[low, high]`, or null.
pub(crate) fn interval_keys(interval: Option<Interval>) -> Value {
    json!(interval.map(|Interval { low, high }| [low, high]))
}

/// [[tn, fp], [fn, tp]], as whole numbers where they are.
pub(crate) fn matrix_keys(matrix: &ConfusionMatrix) -> Value {
    let number = |count: f64| if count.fract() == 0.0 { json!(count as u64) } else { json!(count) };
    json!(matrix.as_rows().map(|row| row.map(number)))
}

/// The evaluation for people.
pub(crate) fn words(evaluation: &Evaluation, target: &Target, intervals: Option<&Intervals>) -> String {
    let mut text = confusion_words(&evaluation.confusion, [target.negative(), target.positive()]);
    let matrix = &evaluation.confusion;
    let calibration = &evaluation.calibration;
    let of = |interval: fn(&Intervals) -> Option<Interval>| intervals.and_then(interval);
    let rates = [
        ("accuracy", matrix.accuracy(), of(|i| i.accuracy)),
        ("precision", matrix.precision(), of(|i| i.precision)),
        ("recall", matrix.recall(), of(|i| i.recall)),
        ("false positive rate", matrix.false_positive_rate(), of(|i| i.false_positive_rate)),
        ("F1", matrix.f1(), of(|i| i.f1)),
        ("MCC", matrix.mcc(), of(|i| i.mcc)),
        ("ROC AUC", evaluation.roc_auc(), of(|i| i.roc_auc)),
        ("average precision", evaluation.average_precision(), of(|i| i.average_precision)),
        ("log loss", Some(evaluation.log_loss), of(|i| i.log_loss)),
        ("Brier score", Some(evaluation.brier), of(|i| i.brier)),
        ("calibration intercept", calibration.intercept, of(|i| i.calibration_intercept)),
        ("calibration slope", calibration.slope, of(|i| i.calibration_slope)),
    ];
    let _ = writeln!(text, "\n{} rows, threshold {}", evaluation.n_rows, short(evaluation.threshold));
    for (name, value, interval) in rates {
        let value = value.map_or("does not exist".to_string(), four);
        let line = format!("  {name:<22} {value:<9} {}", interval.map_or(String::new(), interval_words));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if let Some(intervals) = intervals {
        text.push_str(&method_words(evaluation, intervals));
    }
    text
}

/// `0.1234 to 0.2345`.
pub(crate) fn interval_words(Interval { low, high }: Interval) -> String {
    format!("{} to {}", four(low), four(high))
}

/// Four decimals; what rounds to zero has no sign.
pub(crate) fn four(value: f64) -> String {
    let text = format!("{value:.4}");
    if text == "-0.0000" { "0.0000".to_string() } else { text }
}

/// Where the intervals come from.
fn method_words(evaluation: &Evaluation, intervals: &Intervals) -> String {
    let area = if evaluation.delong.is_some() { "DeLong (ROC AUC), " } else { "" };
    let resampled = match intervals.resamples {
        0 => "no bootstrap (the others)".to_string(),
        resamples => format!("{resamples} bootstrap resamples (the others)"),
    };
    format!("95 % intervals: Wilson (rates), {area}{resampled}\n")
}

/// The confusion matrix with its classes.
pub(crate) fn confusion_words(matrix: &ConfusionMatrix, classes: [&str; 2]) -> String {
    let called = classes.map(|class| format!("called {class}"));
    let mut table = table(std::iter::once("actual".to_string()).chain(called).collect());
    for (class, row) in classes.iter().zip(matrix.as_rows()) {
        table.add_row(vec![(*class).to_string(), row[0].to_string(), row[1].to_string()]);
    }
    format!("{}\n", table.trim_fmt())
}
