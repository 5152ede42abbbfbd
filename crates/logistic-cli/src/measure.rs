//! What a model is worth on rows whose outcome is known, be its classes two or more.

use std::fmt::Write;
use std::path::Path;

use comfy_table::CellAlignment;
use logistic::Error;
use logistic::encode::Encoded;
use logistic::evaluate::{Averages, Evaluation, MultiConfusionMatrix, MultiEvaluation};
use logistic::model::Model;
use logistic::plot;
use serde_json::{Value, json};

use crate::output::table;
use crate::{Outcome, evaluate, train};

/// An evaluation.
pub(crate) enum Measured {
    Two(Box<Evaluation>),
    More(Box<MultiEvaluation>),
}

impl Measured {
    /// The evaluation of the rows of `encoded` at the positions `rows`.
    pub(crate) fn of(model: &Model, encoded: &Encoded, rows: &[usize]) -> Result<Self, Error> {
        let data = &encoded.dataset;
        let y: Vec<f64> = rows.iter().map(|&row| data.y()[row]).collect();
        let weight: Option<Vec<f64>> = data.weight().map(|weight| rows.iter().map(|&row| weight[row]).collect());
        let n = data.n_classes();
        if n == 2 {
            let all = model.probabilities(encoded);
            let probability: Vec<f64> = rows.iter().map(|&row| all[row]).collect();
            let evaluation = Evaluation::new(&probability, &y, weight.as_deref(), model.threshold)?;
            return Ok(Measured::Two(Box::new(evaluation)));
        }
        let all = model.class_probabilities(encoded);
        let probability: Vec<f64> = rows.iter().flat_map(|&row| all[row * n..(row + 1) * n].iter().copied()).collect();
        let mut evaluation = MultiEvaluation::new(&probability, n, &y, weight.as_deref())?;
        let called: Vec<f64> = probability.chunks_exact(n).map(|row| model.called(row) as f64).collect();
        evaluation.confusion = MultiConfusionMatrix::of_calls(&called, &y, n, weight.as_deref())?;
        Ok(Measured::More(Box::new(evaluation)))
    }

    /// Under its `--json` keys.
    pub(crate) fn keys(&self, model: &Model) -> Value {
        match self {
            Measured::Two(evaluation) => evaluate::keys(evaluation),
            Measured::More(evaluation) => several_keys(evaluation, &model.encoder.target.classes),
        }
    }

    /// For people.
    pub(crate) fn words(&self, model: &Model) -> String {
        match self {
            Measured::Two(evaluation) => evaluate::words(evaluation, &model.encoder.target, None),
            Measured::More(evaluation) => several_words(evaluation, &model.encoder.target.classes),
        }
    }

    /// As pictures.
    pub(crate) fn pictures(&self, dir: &Path, model: &Model) -> Outcome {
        match self {
            Measured::Two(evaluation) => train::evaluation_pictures(dir, evaluation, &model.encoder.target),
            Measured::More(evaluation) => {
                let classes: Vec<&str> = model.encoder.target.classes.iter().map(String::as_str).collect();
                let picture = plot::multi_confusion_matrix(&evaluation.confusion, &classes)?;
                picture.save(dir, "confusion-matrix").map(|_| ())
            }
        }
    }
}

fn several_keys(evaluation: &MultiEvaluation, classes: &[String]) -> Value {
    let matrix = &evaluation.confusion;
    let number = |count: &f64| if count.fract() == 0.0 { json!(*count as u64) } else { json!(count) };
    let rows = matrix.counts().chunks_exact(classes.len());
    let confusion: Vec<Vec<Value>> = rows.map(|row| row.iter().map(number).collect()).collect();
    let averages = |average: Averages| {
        json!({
            "precision": average.precision,
            "recall": average.recall,
            "f1": average.f1,
            "roc_auc": average.roc_auc,
        })
    };
    let of_class = |(k, class): (usize, &String)| {
        let own = matrix.one_vs_rest(k);
        json!({
            "class": class,
            "precision": own.and_then(|own| own.precision()),
            "recall": own.and_then(|own| own.recall()),
            "f1": own.and_then(|own| own.f1()),
            "roc_auc": evaluation.roc_auc[k],
        })
    };
    json!({
        "n_rows": evaluation.n_rows,
        "classes": classes,
        "confusion_matrix": confusion,
        "accuracy": matrix.accuracy(),
        "balanced_accuracy": matrix.balanced_accuracy(),
        "kappa": matrix.kappa(),
        "log_loss": evaluation.log_loss,
        "brier": evaluation.brier,
        "by_class": classes.iter().enumerate().map(of_class).collect::<Vec<Value>>(),
        "macro_average": averages(evaluation.macro_average()),
        "weighted_average": averages(evaluation.weighted_average()),
    })
}

fn several_words(evaluation: &MultiEvaluation, classes: &[String]) -> String {
    let matrix = &evaluation.confusion;
    let called = classes.iter().map(|class| format!("called {class}"));
    let mut counts = table(std::iter::once("actual".to_string()).chain(called).collect());
    for (class, row) in classes.iter().zip(matrix.counts().chunks_exact(classes.len())) {
        counts.add_row(std::iter::once(class.clone()).chain(row.iter().map(f64::to_string)));
    }
    counts.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let cell = |value: Option<f64>| value.map_or("–".to_string(), |value| format!("{value:.4}"));
    let mut rates = table(["class", "precision", "recall", "F1", "ROC AUC"].map(String::from).to_vec());
    for (k, class) in classes.iter().enumerate() {
        let own = matrix.one_vs_rest(k);
        let of = |f: fn(&logistic::evaluate::ConfusionMatrix) -> Option<f64>| cell(own.as_ref().and_then(f));
        let auc = cell(evaluation.roc_auc[k]);
        rates.add_row(vec![class.clone(), of(|m| m.precision()), of(|m| m.recall()), of(|m| m.f1()), auc]);
    }
    for (name, average) in [("mean", evaluation.macro_average()), ("weighted mean", evaluation.weighted_average())] {
        let cells = [average.precision, average.recall, average.f1, average.roc_auc].map(cell);
        rates.add_row(std::iter::once(name.to_string()).chain(cells));
    }
    rates.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let mut text = format!("{}\n\n{}\n\n{} rows\n", counts.trim_fmt(), rates.trim_fmt(), evaluation.n_rows);
    for (name, value) in [
        ("accuracy", Some(matrix.accuracy())),
        ("balanced accuracy", Some(matrix.balanced_accuracy())),
        ("Cohen's kappa", matrix.kappa()),
        ("log loss", Some(evaluation.log_loss)),
        ("Brier score", Some(evaluation.brier)),
    ] {
        let _ = writeln!(text, "  {name:<22} {}", cell(value));
    }
    text
}
