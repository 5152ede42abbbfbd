//! From the files that `train` is given to rows that can be fitted.

use std::sync::Arc;

use logistic::Error;
use logistic::encode::{Encoded, Encoder, Encoding, Learnt};
use logistic::table::{ReadOptions, Table, read};

use crate::args::TrainArgs;
use crate::host::Reader;
use crate::penalty::SplitBy;
use crate::progress::Reading;

/// A table, ready for fits.
pub(crate) struct Data {
    pub(crate) encoder: Encoder,
    pub(crate) encoded: Encoded,
    pub(crate) clusters: Option<Arc<[u32]>>,
    pub(crate) split: SplitBy,
    /// Kept where diagnostics will ask for lines, or a page for cells.
    pub(crate) table: Option<Table>,
}

/// Reads the table, learns its columns and encodes its rows.
pub(crate) fn data(args: &TrainArgs, read: &Reader<'_>) -> Result<Data, Error> {
    let table = read(&args.data, &args.memory.limit(reading(args)))?;
    let encoding = encoding(args, &|name| table.require(name).is_ok());
    let Learnt { encoder, warnings } = Encoder::fit(&table, &encoding)?;
    let mut encoded = encoder.labelled(&table, args.weights.as_deref())?;
    encoded.warnings.splice(0..0, warnings);
    let clusters = args.inference.clusters(&table, &encoded.rows)?;
    let split = args.penalty.split(&table, &encoded.rows)?;
    Ok(Data { encoder, encoded, clusters, split, table: (args.diagnostics || args.report.is_some()).then_some(table) })
}

/// How the columns are to be read, and which.
pub(crate) fn reading(args: &TrainArgs) -> ReadOptions {
    let mut options = args.format.options(args.categorical.clone());
    let (cluster, split) = (args.inference.cluster.as_ref(), args.penalty.split_by());
    let roles = [Some(&args.target), args.weights.as_ref(), args.offset.as_ref(), cluster, split];
    let others: Vec<&String> = roles.into_iter().flatten().collect();
    options.exclude = args.exclude.iter().filter(|name| !others.contains(name)).cloned().collect();
    if !args.features.is_empty() {
        options.only = Some(args.features.iter().chain(others.iter().copied()).cloned().collect());
    }
    options
}

/// What is to be encoded, and how; `has` says whether there is a column of a name.
pub(crate) fn encoding(args: &TrainArgs, has: &dyn Fn(&str) -> bool) -> Encoding {
    let (cluster, split) = (args.inference.cluster.as_ref(), args.penalty.split_by());
    let apart = [cluster.filter(|name| !args.features.contains(name)), split];
    Encoding {
        target: args.target.clone(),
        positive: args.positive.clone(),
        features: args.features.clone(),
        exclude: args.exclude.iter().chain(apart.into_iter().flatten()).cloned().collect(),
        categorical: args.categorical.clone(),
        weights: args.weights.clone(),
        offset: args.offset.clone(),
        missing: args.missing.into(),
        reference: pairs(&args.reference, '=', |name, _| has(name)),
        min_level_count: args.min_level_count,
        unseen: args.unseen.into(),
        interactions: pairs(&args.interaction, ':', |a, b| has(a) && has(b)),
        splines: args.spline.clone(),
        logs: args.log.clone(),
        date_parts: args.date_parts,
    }
}

/// Two names around a separator, which names may contain as well: the first cut that `fits` the table counts, or else
/// the first of all, whose names the library will miss.
fn pairs(typed: &[String], separator: char, fits: impl Fn(&str, &str) -> bool) -> Vec<(String, String)> {
    let cut = |typed: &String| {
        let cuts = || typed.match_indices(separator).map(|(at, _)| (&typed[..at], &typed[at + 1..]));
        let (a, b) = cuts().find(|(a, b)| fits(a, b)).or_else(|| cuts().next()).unwrap_or((typed, ""));
        (a.to_string(), b.to_string())
    };
    typed.iter().map(cut).collect()
}

/// Reads a table, with a bar that shows how far it is.
pub(crate) fn load(paths: &[String], options: &ReadOptions) -> Result<Table, Error> {
    let bar = Reading::new(paths);
    read(paths, options, &|bytes| bar.hear(bytes))
}
