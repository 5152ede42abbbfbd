//! `logistic evaluate`, and the words and keys for an evaluation that `train` and `tutorial` share.

use std::fmt::Write;

use logistic::encode::Target;
use logistic::evaluate::{ConfusionMatrix, Evaluation};
use logistic::model::Model;
use serde_json::{Value, json};

use crate::args::EvaluateArgs;
use crate::output::{print, print_json, table, warn};
use crate::{Outcome, train};

pub(crate) fn run(args: &EvaluateArgs) -> Outcome {
    let model = Model::load(&args.model)?;
    let threshold = args.threshold.unwrap_or(model.threshold);
    let data = train::load(&args.data, &args.format.labelled(&model, args.weights.as_ref()))?;
    let encoded = model.encoder.labelled(&data, args.weights.as_deref())?;
    let probabilities = model.probabilities(&encoded);
    let evaluation = Evaluation::new(&probabilities, encoded.dataset.y(), encoded.dataset.weight(), threshold)?;
    if let Some(dir) = &args.plots {
        train::evaluation_pictures(dir, &evaluation, &model.encoder.target)?;
    }
    if args.json {
        return print_json(&keys(&evaluation));
    }
    warn(&encoded.warnings);
    print(&words(&evaluation, &model.encoder.target))
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

/// [[tn, fp], [fn, tp]], as whole numbers where they are.
pub(crate) fn matrix_keys(matrix: &ConfusionMatrix) -> Value {
    let number = |count: f64| if count.fract() == 0.0 { json!(count as u64) } else { json!(count) };
    json!(matrix.as_rows().map(|row| row.map(number)))
}

/// The evaluation for people.
pub(crate) fn words(evaluation: &Evaluation, target: &Target) -> String {
    let mut text = confusion_words(&evaluation.confusion, [target.negative(), target.positive()]);
    let matrix = &evaluation.confusion;
    let calibration = &evaluation.calibration;
    let rates = [
        ("accuracy", matrix.accuracy()),
        ("precision", matrix.precision()),
        ("recall", matrix.recall()),
        ("false positive rate", matrix.false_positive_rate()),
        ("F1", matrix.f1()),
        ("MCC", matrix.mcc()),
        ("ROC AUC", evaluation.roc_auc()),
        ("average precision", evaluation.average_precision()),
        ("log loss", Some(evaluation.log_loss)),
        ("Brier score", Some(evaluation.brier)),
        ("calibration intercept", calibration.intercept),
        ("calibration slope", calibration.slope),
    ];
    let _ = writeln!(text, "\n{} rows, threshold {}", evaluation.n_rows, evaluation.threshold);
    for (name, value) in rates {
        let value = value.map_or("does not exist".to_string(), |value| format!("{value:.4}"));
        let _ = writeln!(text, "  {name:<22} {value}");
    }
    text
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
