//! `logistic train`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use logistic::Error;
use logistic::dataset::{Feature, Rows, fractions, random_split};
use logistic::encode::{Encoded, Target};
use logistic::evaluate::{Evaluation, Threshold};
use logistic::file::{Journal, OutputFile};
use logistic::model::{Bootstrap, ColumnTest, CrossValidation, Fit, LogisticRegression, Method, Model};
use logistic::plot::{self, Boundary};
use logistic::random::torch::Generator;
use logistic::solver::Go;
use serde_json::{Value, json};

use crate::args::{SolverName, TrainArgs};
use crate::data::{Data, data};
use crate::host::{Host, Reader};
use crate::measure::Measured;
use crate::output::{print, print_json, refuse_itself, warn};
use crate::report::{self, Apart};
use crate::{Outcome, checkpoint, classes, diagnostics, network, penalty, summary};

/// The step length of mini-batches without hidden layers.
pub(crate) const LEARNING_RATE: f64 = 0.1;

pub(crate) fn run(args: &TrainArgs, typed: &str) -> Outcome {
    tell(args, &train(args, Host::TERMINAL, typed)?)
}

/// Results to standard output, as words or JSON.
pub(crate) fn tell(args: &TrainArgs, trained: &Trained) -> Outcome {
    if args.json {
        return print_json(&trained.keys());
    }
    warn(&trained.model.warnings);
    print(&trained.words(args))
}

/// A model, and what else `train` tells of it.
pub struct Trained {
    /// The model, as it was fitted.
    pub model: Model,
    test: Option<Measured>,
    read_seconds: f64,
    fit_seconds: f64,
}

impl Trained {
    /// The answer under its `--json` keys.
    pub fn keys(&self) -> Value {
        let mut keys = summary::keys(&self.model);
        keys["read_seconds"] = json!(self.read_seconds);
        keys["fit_seconds"] = json!(self.fit_seconds);
        if let Some(test) = &self.test {
            keys["test"] = test.keys(&self.model);
        }
        keys
    }

    /// The answer for people, warnings aside.
    fn words(&self, args: &TrainArgs) -> String {
        let mut text = summary::words(&self.model);
        if !matches!(args.threshold, Threshold::Fixed(_)) {
            text.push_str(&format!("threshold {}: {} on the training rows\n", self.model.threshold, args.threshold));
        }
        text.push_str(&diagnostics::absent(args, &self.model));
        if let Some(test) = &self.test {
            text.push_str("\non the test rows\n");
            text.push_str(&test.words(&self.model));
        }
        text
    }
}

/// Fits the model, and writes the files that were asked for; `typed` is what does so again.
pub(crate) fn train(args: &TrainArgs, host: Host<'_>, typed: &str) -> Result<Trained, Error> {
    train_on(args, host, typed, &|| {
        let mut data = data(args, host.read)?;
        let journal = checkpoint::of(args, &mut data)?;
        Ok((data, journal))
    })
}

/// What there is to fit, and the journal of its passes.
type Found = (Data, Option<Arc<Journal>>);

/// The same, of what `find` gives.
pub(crate) fn train_on(
    args: &TrainArgs,
    host: Host<'_>,
    typed: &str,
    find: &dyn Fn() -> Result<Found, Error>,
) -> Result<Trained, Error> {
    check(args)?;
    let new_folder = args.plots.as_deref().map(NewFolder::make).transpose()?;
    let output = args.output.as_deref().map(OutputFile::create).transpose()?;
    let page = args.report.as_deref().map(OutputFile::create).transpose()?;
    let read = Instant::now();
    let (data, journal) = find()?;
    host.go_on(args)?;
    let encoded = &data.encoded;
    let read_seconds = read.elapsed().as_secs_f64();
    let parts = split(args, encoded)?;
    let [rows, held_out] = &parts;
    let fit = if args.network.is_some() { network::fitted } else { fitted };
    let Fitted { model, path, fit_seconds } = fit(args, &data, rows, host)?;
    let model = settled(args, model, rows, encoded)?;
    let apart = apart(args, host.read, &model)?;
    let test = tested(&model, encoded, held_out, apart.as_ref())?;
    host.go_on(args)?;
    if let Some(dir) = &args.plots {
        pictures(dir, args, &model, encoded, test.as_ref())?;
        penalty::pictures(dir, &model, path.as_ref())?;
    }
    if let (Some(page), Some(path)) = (page, &args.report) {
        let html = report::of_training(args, typed, &model, &data, &parts, apart.as_ref())?;
        report::write(page, path, &html)?;
    }
    keep(args, output, &model)?;
    drop(new_folder);
    journal.map_or(Ok(()), |journal| journal.finish())?;
    Ok(Trained { model, test, read_seconds, fit_seconds })
}

fn keep(args: &TrainArgs, output: Option<OutputFile>, model: &Model) -> Outcome {
    let Some(mut output) = output else { return Ok(()) };
    let path = args.output.clone().unwrap_or_default();
    let text = model.clone().without_unused_columns().to_json()?;
    let io = |source| Error::Io { path, action: "write", source };
    output.writer().write_all(text.as_bytes()).map_err(io)?;
    output.keep()
}

/// The rows to train on, and those held out.
fn split<'e>(args: &TrainArgs, encoded: &'e Encoded) -> Result<[Rows<'e>; 2], Error> {
    match args.test_fraction {
        None => Ok([encoded.dataset.rows(), Rows::select(&encoded.dataset, [])?]),
        Some(fraction) => {
            let lengths = fractions(encoded.dataset.len(), &[1.0 - fraction, fraction])?;
            random_split(&encoded.dataset, &lengths, &mut Generator::manual_seed(args.seed))
        }
    }
}

/// A folder that is made before long work and, if nothing came to be in it, taken away again.
struct NewFolder<'a>(Option<&'a Path>);

impl<'a> NewFolder<'a> {
    fn make(dir: &'a Path) -> Result<Self, Error> {
        let new = !dir.exists();
        let io = |source| Error::Io { path: dir.to_path_buf(), action: "write", source };
        std::fs::create_dir_all(dir).map_err(io)?;
        Ok(NewFolder(new.then_some(dir)))
    }
}

impl Drop for NewFolder<'_> {
    fn drop(&mut self) {
        if let NewFolder(Some(dir)) = self {
            // Fails, as it should, where the pictures are.
            let _ = std::fs::remove_dir(dir);
        }
    }
}

fn check(args: &TrainArgs) -> Outcome {
    let share = |name, found: f64| match found {
        found if found > 0.0 && found < 1.0 => Ok(()),
        found => Err(Error::Setting { name, expected: "between 0 and 1".to_string(), found: found.to_string() }),
    };
    match args.threshold {
        Threshold::Fixed(threshold) => share("threshold", threshold)?,
        rule => rule.check()?,
    }
    network::check(args)?;
    args.penalty.check(args.solver)?;
    if let Some(report) = &args.report {
        let inputs = args.data.iter().chain(&args.test_data).map(Path::new);
        refuse_itself("report", report, inputs)?;
        if args.output.as_ref() == Some(report) {
            let expected = "another file than the model's".to_string();
            return Err(Error::Setting { name: "report", expected, found: format!("`{}`", report.display()) });
        }
    }
    if let Some(checkpoint) = &args.checkpoint {
        // It is removed in the end.
        refuse_itself("checkpoint", checkpoint, args.data.iter().chain(&args.test_data).map(Path::new))?;
        if [&args.output, &args.report].contains(&&Some(checkpoint.clone())) {
            let expected = "another file than the model's and the report's".to_string();
            return Err(Error::Setting { name: "checkpoint", expected, found: format!("`{}`", checkpoint.display()) });
        }
    }
    args.inference.check(args.penalty.is_some())?;
    args.test_fraction.map_or(Ok(()), |fraction| share("test-fraction", fraction))
}

/// A model as it was fitted, before its threshold is chosen.
pub(crate) struct Fitted {
    pub(crate) model: Model,
    /// The path of penalties that one was chosen of.
    pub(crate) path: Option<penalty::Path>,
    /// Of the fit alone.
    pub(crate) fit_seconds: f64,
}

fn fitted(args: &TrainArgs, data: &Data, rows: &Rows<'_>, host: Host<'_>) -> Result<Fitted, Error> {
    let started = Instant::now();
    let Estimated { fit, tests, chosen, bootstrap } = estimated(args, data, rows, host)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let (cross_validation, path) = chosen.unzip();
    let diagnostics = diagnostics::of(args, &fit, data, rows)?;
    let mut model = Model::new(data.encoder.clone(), fit, 0.5, data.encoded.warnings.clone());
    if let Some(bootstrap) = &bootstrap {
        model = model.bootstrapped(bootstrap);
    }
    Ok(Fitted { model: Model { diagnostics, tests, cross_validation, ..model }, path, fit_seconds })
}

/// A fit, and what came with it.
struct Estimated {
    fit: Fit,
    tests: Vec<ColumnTest>,
    chosen: Option<(CrossValidation, penalty::Path)>,
    bootstrap: Option<Bootstrap>,
}

fn estimated(args: &TrainArgs, data: &Data, rows: &Rows<'_>, host: Host<'_>) -> Result<Estimated, Error> {
    let TrainArgs { epochs, batch_size, seed, .. } = *args;
    let learning_rate = args.learning_rate.unwrap_or(LEARNING_RATE);
    let method = match args.solver {
        SolverName::Auto => Method::Auto,
        SolverName::Newton => Method::Newton,
        SolverName::NewtonCg => Method::NewtonCg,
        SolverName::Lbfgs => Method::Lbfgs,
        SolverName::Sgd => Method::Sgd { learning_rate, epochs, batch_size, seed },
        SolverName::Adam => Method::Adam { learning_rate, epochs, batch_size, seed },
    };
    let in_file = |error: Error| error.in_file(&args.data[0]);
    let terms = data.encoder.terms();
    let settings = LogisticRegression {
        penalty: args.penalty.penalty(&terms)?,
        bounds: args.penalty.bounds(&terms)?,
        intercept: !args.no_intercept,
        method,
        class_weight: classes::weights(args, &data.encoder.target)?,
        weight_kind: args.weight_kind.into(),
        ..LogisticRegression::default()
    };
    let mut settings = args.inference.settings(settings, data.clusters.clone());
    let chosen = args.penalty.choose(&mut settings, rows, &data.split, seed as u32).map_err(in_file)?;
    let mut hear = host.hear(args, rows.dataset());
    let mut fit = settings.fit(rows, &mut *hear).map_err(in_file)?;
    drop(hear);
    host.go_on(args)?;
    if args.inference.relaxed {
        fit = settings.relax(rows, &fit, &mut |_, _| Go::On)?;
    }
    let tests = args.inference.add(&settings, rows, &data.encoder, &mut fit)?;
    host.go_on(args)?;
    let resamples = args.inference.bootstrap;
    let bootstrap = resamples.map(|resamples| settings.bootstrap(rows, resamples, seed as u32)).transpose()?;
    Ok(Estimated { fit, tests, chosen, bootstrap })
}

/// The model as it will be used: its probabilities freed of the weights of classes, its threshold chosen.
fn settled(args: &TrainArgs, mut model: Model, rows: &Rows<'_>, encoded: &Encoded) -> Result<Model, Error> {
    if let Threshold::Fixed(threshold) = args.threshold {
        model.threshold = threshold;
    }
    if !args.raw_probabilities {
        model = model.calibrated()?;
    }
    if !matches!(args.threshold, Threshold::Fixed(_)) {
        model.threshold = chosen(args.threshold, &model, rows, encoded)?;
    }
    Ok(model)
}

/// The threshold by its rule, on the rows trained on.
fn chosen(rule: Threshold, model: &Model, rows: &Rows<'_>, encoded: &Encoded) -> Result<f64, Error> {
    classes::two(model, "threshold")?;
    let all = model.probabilities(encoded);
    let probabilities: Vec<f64> = rows.indices().map(|row| all[row]).collect();
    let threshold = rule.choose(&probabilities, &rows.y(), rows.weight().as_deref())?;
    // Strictly between 0 and 1, as where it is typed.
    Ok(threshold.clamp(f64::MIN_POSITIVE, 1.0_f64.next_down()))
}

/// The rows of the test files.
fn apart(args: &TrainArgs, read: &Reader<'_>, model: &Model) -> Result<Option<Apart>, Error> {
    if args.test_data.is_empty() {
        return Ok(None);
    }
    let table = read(&args.test_data, &args.memory.limit(args.format.labelled(model, args.weights.as_ref())))?;
    let encoded = model.encoder.labelled(&table, args.weights.as_deref())?;
    Ok(Some(Apart { table: args.report.is_some().then_some(table), encoded }))
}

/// The evaluation on the rows held out, or on those of the test files.
fn tested(
    model: &Model,
    encoded: &Encoded,
    held_out: &Rows<'_>,
    apart: Option<&Apart>,
) -> Result<Option<Measured>, Error> {
    if let Some(Apart { encoded, .. }) = apart {
        let all: Vec<usize> = (0..encoded.dataset.len()).collect();
        return Measured::of(model, encoded, &all).map(Some);
    }
    let rows: Vec<usize> = held_out.indices().collect();
    if rows.is_empty() { Ok(None) } else { Measured::of(model, encoded, &rows).map(Some) }
}

/// Pictures of the fit: of the test rows where there are some, else of the training rows.
fn pictures(dir: &Path, args: &TrainArgs, model: &Model, encoded: &Encoded, test: Option<&Measured>) -> Outcome {
    let unit = if args.in_epochs() { "epoch" } else { "iteration" };
    plot::training_loss(&model.trace, unit)?.save(dir, "training-loss")?;
    plot::log_probability().save(dir, "log-probability")?;
    // Where hidden layers bend the boundary, no line is one.
    if let ([Feature::Number(a), Feature::Number(b)], 2, false) =
        (encoded.dataset.features(), encoded.dataset.n_classes(), model.is_network())
    {
        let points: Vec<[f64; 2]> = a.iter().zip(b.iter()).map(|(a, b)| [a, b]).collect();
        let positive: Vec<bool> = encoded.dataset.y().iter().map(|&y| y == 1.0).collect();
        let target = &model.encoder.target;
        let names: Vec<&str> = model.encoder.sources.iter().map(|source| source.name.as_str()).collect();
        let weight = model.weight();
        let boundary = Boundary { weight: [weight[0], weight[1]], bias: model.intercept(), threshold: model.threshold };
        let classes = [target.negative(), target.positive()];
        let axes = [names[0], names[names.len() - 1]];
        plot::scatter(&points, &positive, axes, classes, Some(boundary))?.save(dir, "decision-boundary")?;
    }
    if let Some(test) = test {
        return test.pictures(dir, model);
    }
    let all: Vec<usize> = (0..encoded.dataset.len()).collect();
    Measured::of(model, encoded, &all)?.pictures(dir, model)
}

/// Pictures of an evaluation; curves that do not exist for rows of one class are left out.
pub(crate) fn evaluation_pictures(dir: &Path, evaluation: &Evaluation, target: &Target) -> Outcome {
    let matrix = &evaluation.confusion;
    plot::confusion_matrix(matrix, [target.negative(), target.positive()])?.save(dir, "confusion-matrix")?;
    if let Some(roc) = &evaluation.roc {
        plot::roc(roc, evaluation.delong.map(|delong| delong.interval))?.save(dir, "roc")?;
    }
    if let Some(pr) = &evaluation.pr {
        plot::precision_recall(pr, matrix.positives() / matrix.total())?.save(dir, "precision-recall")?;
    }
    plot::calibration(&evaluation.calibration)?.save(dir, "calibration").map(|_| ())
}
