//! `train`, of rows that an engine holds.

use std::sync::Arc;

use logistic::Error;
use logistic::dataset::{Dataset, Engine};
use logistic::encode::{Encoded, Encoder, Learnt, Survey};
use logistic::error::Warning;
use logistic::objective::question_of_totals;
use logistic::table::Selected;

use crate::args::TrainArgs;
use crate::data::{Data, encoding};
use crate::host::Host;
use crate::penalty::SplitBy;
use crate::train::{Trained, train_on};

/// Makes the engine that asks the rows, once it is known how they are encoded.
pub type Asking<'a> = dyn Fn(&Encoder, Option<&str>) -> Arc<dyn Engine> + 'a;

/// Fits the rows that `survey` is of.
pub(crate) fn train(args: &TrainArgs, host: Host<'_>, survey: &Survey, engine: &Asking<'_>) -> Result<Trained, Error> {
    check(args)?;
    train_on(args, host, "", &|| Ok((found(args, survey, engine)?, None)))
}

fn found(args: &TrainArgs, survey: &Survey, engine: &Asking<'_>) -> Result<Data, Error> {
    let encoding = encoding(args, &|name| survey.names().iter().any(|own| own == name));
    let (Learnt { encoder, mut warnings }, features) = survey.learn(&args.data[0], &encoding)?;
    let engine = engine(&encoder, args.weights.as_deref());
    let totals = engine.ask(&question_of_totals(encoder.target.classes.len()))?;
    let (&n_rows, class_totals) = totals.split_first().ok_or_else(|| Error::Engine {
        engine: args.data[0].clone(),
        problem: "no partition has a row with an outcome".to_string(),
        help: "look at the target column".to_string(),
    })?;
    let dropped = (survey.n_rows() as usize).checked_sub(n_rows as usize).ok_or_else(|| Error::Engine {
        engine: args.data[0].clone(),
        problem: format!("it has {n_rows} rows now, and had {} when its columns were looked at", survey.n_rows()),
        help: "rows that come, go or change while a fit lasts cannot be fitted: write them down first".to_string(),
    })?;
    if dropped > 0 {
        let columns = survey.incomplete(&encoder);
        warnings.push(Warning::RowsDropped { rows: dropped, columns });
    }
    let dataset = Dataset::elsewhere(engine, features, n_rows as usize, class_totals.to_vec())?;
    let encoded = Encoded { dataset, rows: Selected::All(n_rows as usize), warnings };
    Ok(Data { encoder, encoded, clusters: None, split: SplitBy::Chance, table: None })
}

/// Refuses what looks at rows one by one, which an engine is not asked to do.
fn check(args: &TrainArgs) -> Result<(), Error> {
    let asked = [
        ("hidden", args.network.is_some()),
        ("test-fraction", args.test_fraction.is_some()),
        ("threshold", !matches!(args.threshold, logistic::evaluate::Threshold::Fixed(_))),
        ("plots", args.plots.is_some()),
        ("report", args.report.is_some()),
        ("diagnostics", args.diagnostics),
        ("effects", args.effects),
        ("checkpoint", args.checkpoint.is_some()),
        ("memory", args.memory.memory.is_some()),
        ("cluster", args.inference.cluster.is_some()),
        ("bootstrap", args.inference.bootstrap.is_some()),
        ("relaxed", args.inference.relaxed),
        ("l2", args.penalty.is_auto()),
        ("raw-probabilities", args.raw_probabilities),
    ];
    match asked.into_iter().find(|(_, asked)| *asked) {
        Some((name, _)) => Err(Error::Setting {
            name,
            expected: "left out, for rows that an engine holds".to_string(),
            found: "asked for".to_string(),
        }),
        None => Ok(()),
    }
}
