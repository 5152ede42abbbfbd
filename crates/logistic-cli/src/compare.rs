//! `logistic evaluate --compare`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use logistic::Error;
use logistic::encode::{Encoded, Target};
use logistic::evaluate::{Comparison, Difference};
use logistic::model::Model;
use serde_json::{Value, json};

use crate::args::EvaluateArgs;
use crate::evaluate::{four, interval_keys, interval_words};
use crate::host::Reader;
use crate::inference;

/// The model to compare with.
pub(crate) struct Other {
    path: PathBuf,
    model: Model,
}

/// The comparison of two models on the rows that both can score.
pub(crate) struct Compared {
    path: PathBuf,
    n_rows: usize,
    comparison: Comparison,
}

impl Compared {
    /// Loads the other model, if it is one of the same target.
    pub(crate) fn load(path: &Path, model: &Model, data: &[String]) -> Result<Other, Error> {
        let wrong = |expected: String, found: String| Err(Error::Setting { name: "compare", expected, found });
        if data.iter().any(|path| path == "-") {
            let expected = "used with a file, which either model reads for itself".to_string();
            return wrong(expected, "standard input".to_string());
        }
        let other = Model::load(path)?;
        let (own, others) = (&model.encoder.target, &other.encoder.target);
        if (&own.column, &own.classes) == (&others.column, &others.classes) {
            return Ok(Other { path: path.to_path_buf(), model: other });
        }
        let words = |target: &Target| match target.classes.as_slice() {
            [negative, positive] => format!("`{}` being `{positive}` against `{negative}`", target.column),
            classes => format!("{} classes of `{}`", classes.len(), target.column),
        };
        wrong(format!("a model of {}", words(own)), format!("one of {}", words(others)))
    }
}

impl Other {
    /// Scores the rows with the other model too, and compares.
    pub(crate) fn with(
        self,
        args: &EvaluateArgs,
        read: &Reader<'_>,
        own: &Encoded,
        probabilities: &[f64],
    ) -> Result<Compared, Error> {
        let table = read(&args.data, &args.memory.limit(args.format.labelled(&self.model, args.weights.as_ref())))?;
        let encoded = self.model.encoder.labelled(&table, args.weights.as_deref())?;
        let others = self.model.probabilities(&encoded);
        // Either model leaves out rows that lack what it needs.
        let both = own.rows.iter().enumerate().filter_map(|(here, row)| Some((here, encoded.rows.position(row)?)));
        let common: Vec<(usize, usize)> = both.collect();
        let taken = |values: &[f64]| common.iter().map(|&(here, _)| values[here]).collect::<Vec<f64>>();
        let others: Vec<f64> = common.iter().map(|&(_, there)| others[there]).collect();
        let (y, weight) = (taken(own.dataset.y()), own.dataset.weight().map(taken));
        let comparison = Comparison::new([&taken(probabilities), &others], &y, weight.as_deref());
        let comparison = comparison.map_err(|error| error.in_file(&args.data[0]))?;
        Ok(Compared { path: self.path, n_rows: common.len(), comparison })
    }
}

impl Compared {
    pub(crate) fn keys(&self) -> Value {
        let Comparison { roc_auc, roc_auc_difference, log_loss, log_loss_difference } = self.comparison;
        let keys = |values: Option<[f64; 2]>, difference: Option<Difference>| {
            json!({
                "own": values.map(|values| values[0]),
                "other": values.map(|values| values[1]),
                "difference": values.map(|values| values[0] - values[1]),
                "difference_ci": interval_keys(difference.map(|difference| difference.interval)),
                "std_error": difference.map(|difference| difference.std_error),
                "z": difference.map(|difference| difference.z),
                "p_value": difference.map(|difference| difference.p_value),
            })
        };
        json!({
            "model": self.path.display().to_string(),
            "n_rows": self.n_rows,
            "roc_auc": keys(roc_auc, roc_auc_difference),
            "log_loss": keys(Some(log_loss), log_loss_difference),
        })
    }

    pub(crate) fn words(&self) -> String {
        let Comparison { roc_auc, roc_auc_difference, log_loss, log_loss_difference } = self.comparison;
        let mut text = format!("\nagainst {} on {} rows\n", self.path.display(), self.n_rows);
        let pairs = [
            ("ROC AUC", roc_auc, roc_auc_difference, "DeLong"),
            ("log loss", Some(log_loss), log_loss_difference, "paired"),
        ];
        for (name, values, difference, test) in pairs {
            let Some([own, other]) = values else {
                let _ = writeln!(text, "  {name:<9} does not exist");
                continue;
            };
            let _ = write!(text, "  {name:<9} {own:.4} against {other:.4}, difference {}", four(own - other));
            let _ = match difference {
                Some(Difference { interval, z, p_value, .. }) => {
                    writeln!(
                        text,
                        " ({}), {test} z {z:.2}, p {}",
                        interval_words(interval),
                        inference::p_value(p_value)
                    )
                }
                None => writeln!(text, ", no test"),
            };
        }
        text
    }
}
