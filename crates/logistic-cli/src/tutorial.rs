//! `logistic tutorial`: the PyTorch notebook, in its order, with its digits.

use std::fmt::Write;
use std::path::Path;

use logistic::Error;
use logistic::dataset::{Dataset, Rows};
use logistic::evaluate::Evaluation;
use logistic::file::OutputFile;
use logistic::objective::Linear;
use logistic::plot::{self, Boundary};
use logistic::tutorial;
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::TutorialArgs;
use crate::evaluate::{confusion_words, matrix_keys};
use crate::output::{print, print_json};

/// The row that the notebook looks at.
const ROW: usize = 5;

/// Everything the notebook prints.
struct Walk {
    initial: Linear,
    sample: (Vec<f64>, f64),
    train: (Vec<f64>, f64),
    test: (Vec<f64>, f64),
    losses: Vec<f64>,
    model: Linear,
    evaluation: Evaluation,
}

pub(crate) fn run(args: &TutorialArgs) -> Outcome {
    let data = tutorial::data()?;
    let [train, test] = tutorial::split(&data)?;
    let walk = walk(&data, &train, &test)?;
    if let Some(dir) = &args.out {
        pictures(dir, &data, &walk)?;
        OutputFile::replace(&dir.join("train.csv"), csv(&train)?.as_bytes())?;
        OutputFile::replace(&dir.join("test.csv"), csv(&test)?.as_bytes())?;
    }
    if args.json {
        return print_json(&keys(&walk));
    }
    print(&words(&walk, args.out.as_deref()))
}

fn walk(data: &Dataset, train: &Rows<'_>, test: &Rows<'_>) -> Result<Walk, Error> {
    let (mut rng, mut model) = tutorial::model();
    let initial = model.clone();
    let losses = tutorial::train(train, &mut model, &mut rng)?;
    let evaluation = tutorial::evaluate(test, &model)?;
    Ok(Walk {
        initial,
        sample: data.get(ROW)?,
        train: train.get(ROW)?,
        test: test.get(ROW)?,
        losses,
        model,
        evaluation,
    })
}

fn keys(walk: &Walk) -> Value {
    let row = |(x, y): &(Vec<f64>, f64)| json!({"x": x, "y": y});
    let layer = |linear: &Linear| json!({"weight": linear.weight(), "bias": linear.bias()[0]});
    let matrix = &walk.evaluation.confusion;
    json!({
        "initial": layer(&walk.initial),
        "sample_5": row(&walk.sample),
        "train_5": row(&walk.train),
        "test_5": row(&walk.test),
        "epoch_losses": walk.losses,
        "final": layer(&walk.model),
        "confusion_matrix": matrix_keys(matrix),
        "accuracy": matrix.accuracy(),
        "false_positive_rate": matrix.false_positive_rate(),
        "precision": matrix.precision(),
        "recall": matrix.recall(),
        "roc_auc": walk.evaluation.roc_auc(),
        "average_precision": walk.evaluation.average_precision(),
    })
}

/// Four decimals, as PyTorch prints.
fn four(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
    format!("[{}]", values.join(", "))
}

fn words(walk: &Walk, out: Option<&Path>) -> String {
    let mut text = String::from("Classification with logistic regression: the PyTorch tutorial, replayed\n\n");
    let layer = |linear: &Linear| format!("weight {}, bias {:.4}", four(linear.weight()), linear.bias()[0]);
    let row = |(x, y): &(Vec<f64>, f64)| format!("{} label {y}", four(x));
    let _ = writeln!(text, "1. data        make_blobs: 1000 points, 2 features, 2 centres, random state 261");
    let _ = writeln!(text, "   row 5       {}", row(&walk.sample));
    let _ = writeln!(text, "2. split       random_split into 800 and 200, seed 420");
    let _ = writeln!(text, "   train row 5 {}", row(&walk.train));
    let _ = writeln!(text, "   test row 5  {}", row(&walk.test));
    let _ = writeln!(text, "3. model       Linear(2, 1), seed 420");
    let _ = writeln!(text, "   initial     {}", layer(&walk.initial));
    let _ = writeln!(text, "4. loss        BCEWithLogitsLoss: −1/N Σ [y·log p + (1 − y)·log(1 − p)]");
    text.push_str("               (the notebook writes it without the labels y, which would be another function)\n");
    let _ = writeln!(text, "5. training    SGD, learning rate 0.1, batches of 16, 100 epochs");
    for epoch in [1, 2, 5, 10, 20, 50, 100] {
        let _ = writeln!(text, "   epoch {epoch:>3}   mean loss {:.6}", walk.losses[epoch - 1]);
    }
    let _ = writeln!(text, "   final       {}", layer(&walk.model));
    let _ = writeln!(text, "6. test        200 rows, threshold 0.5\n");
    let matrix = &walk.evaluation.confusion;
    text.push_str(&confusion_words(matrix, ["0", "1"]));
    let [[tn, fp], [fneg, tp]] = matrix.as_rows();
    let _ = writeln!(text, "\n   confusion matrix    [[{tn}, {fp}], [{fneg}, {tp}]]");
    let number = |value: Option<f64>| value.map_or("does not exist".to_string(), |value| value.to_string());
    let _ = writeln!(text, "   accuracy            {}", number(matrix.accuracy()));
    let _ = writeln!(text, "   false positive rate {} = {fp}/{}", number(matrix.false_positive_rate()), fp + tn);
    let precise = |value: Option<f64>| value.map_or("does not exist".to_string(), |value| format!("{value:.4}"));
    let _ = writeln!(text, "   precision           {} = {tp}/{}", precise(matrix.precision()), tp + fp);
    let _ = writeln!(text, "   recall              {} = {tp}/{}", precise(matrix.recall()), tp + fneg);
    text.push_str("   (the notebook prints precision 0.25 and recall 0.0673, from the wrong cells of the matrix)\n");
    let _ = writeln!(text, "   ROC AUC             {}", precise(walk.evaluation.roc_auc()));
    let _ = writeln!(text, "   average precision   {}", precise(walk.evaluation.average_precision()));
    match out {
        Some(dir) => {
            let _ =
                writeln!(text, "\nThe pictures stand in {}, and the rows as train.csv and test.csv.", dir.display());
        }
        None => text.push_str("\n`--out DIR` writes the pictures and the rows.\n"),
    }
    text
}

/// The rows as `logistic train` takes them, for what comes after the tutorial.
fn csv(rows: &Rows<'_>) -> Result<String, Error> {
    let mut text = String::from("x0,x1,label\n");
    for position in 0..rows.len() {
        let (x, y) = rows.get(position)?;
        let _ = writeln!(text, "{},{},{y}", x[0], x[1]);
    }
    Ok(text)
}

fn pictures(dir: &Path, data: &Dataset, walk: &Walk) -> Outcome {
    let rows = (0..data.len()).map(|row| data.get(row)).collect::<Result<Vec<_>, _>>()?;
    let points: Vec<[f64; 2]> = rows.iter().map(|(x, _)| [x[0], x[1]]).collect();
    let positive: Vec<bool> = rows.iter().map(|(_, y)| *y == 1.0).collect();
    let (axes, classes) = (["x0", "x1"], ["class 0", "class 1"]);
    let weight = [walk.model.weight()[0], walk.model.weight()[1]];
    let boundary = Boundary { weight, bias: walk.model.bias()[0], threshold: tutorial::THRESHOLD };
    plot::scatter(&points, &positive, axes, classes, None)?.save(dir, "1-data")?;
    plot::log_probability().save(dir, "2-log-probability")?;
    plot::training_loss(&walk.losses, "epoch")?.save(dir, "3-training-loss")?;
    plot::scatter(&points, &positive, axes, classes, Some(boundary))?.save(dir, "4-decision-boundary")?;
    plot::confusion_matrix(&walk.evaluation.confusion, ["0", "1"])?.save(dir, "5-confusion-matrix")?;
    if let (Some(roc), Some(pr)) = (&walk.evaluation.roc, &walk.evaluation.pr) {
        let matrix = &walk.evaluation.confusion;
        let interval = walk.evaluation.delong.map(|delong| delong.interval);
        plot::roc(roc, interval)?.save(dir, "6-roc")?;
        plot::precision_recall(pr, matrix.positives() / matrix.total())?.save(dir, "7-precision-recall")?;
        plot::calibration(&walk.evaluation.calibration)?.save(dir, "8-calibration")?;
    }
    Ok(())
}
