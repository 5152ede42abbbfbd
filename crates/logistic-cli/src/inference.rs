//! Standard errors, tests and intervals: what can be asked of `train`, and how `train` and `summary` show it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use logistic::Error;
use logistic::dataset::Rows;
use logistic::encode::Encoder;
use logistic::model::{
    Coefficient, ColumnTest, Covariance, Fit, Inference, LikelihoodRatio, LogisticRegression, Model,
};
use logistic::table::{Selected, Table};
use serde_json::{Value, json};

use crate::Outcome;
use crate::output::{short, table};

/// Rows times the cube of the coefficients: up to this the bounds of all infinite coefficients take about a second.
const CHEAP: f64 = 1e8;

#[derive(Args, Debug)]
#[command(next_help_heading = "Inference")]
pub(crate) struct InferenceArgs {
    /// How standard errors are estimated
    #[arg(long, value_enum, default_value_t)]
    pub(crate) covariance: CovarianceName,
    /// Rows with the same value of this column may depend on each other: cluster-robust standard errors. The column is
    /// no feature unless --features names it
    #[arg(long, value_name = "COLUMN", conflicts_with = "covariance")]
    pub(crate) cluster: Option<String>,
    /// Test every column by fitting the model without it
    #[arg(long)]
    pub(crate) lr_tests: bool,
    /// How 95 % intervals are found [default: wald; with --firth profile]
    #[arg(long, value_enum)]
    pub(crate) intervals: Option<IntervalName>,
    /// Firth's bias-reduced fit, which is finite where the classes are separated
    #[arg(long)]
    pub(crate) firth: bool,
    /// After --l1 or --elastic-net, fit the selected columns again without penalty. Its standard errors take no account
    /// of the selection
    #[arg(long, conflicts_with = "firth")]
    pub(crate) relaxed: bool,
    /// Fit N resamples of the rows as well, for standard errors and intervals of any fit, penalised ones included; a
    /// penalty that is `auto` stays as chosen
    #[arg(long, value_name = "N", conflicts_with = "relaxed")]
    pub(crate) bootstrap: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CovarianceName {
    /// The inverse of the information: the model's own
    #[default]
    Information,
    /// The sandwich, which holds where the model's variance does not
    Hc0,
    /// The sandwich times n/(n − k)
    Hc1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntervalName {
    /// Estimate ± 1.96 standard errors
    Wald,
    /// Where the likelihood, maximised over the other coefficients, falls too far; also for infinite coefficients, which
    /// on small tables have it anyway
    Profile,
}

impl InferenceArgs {
    fn profile(&self) -> bool {
        match self.intervals {
            Some(name) => name == IntervalName::Profile,
            None => self.firth,
        }
    }

    /// Refuses tests and intervals by likelihood where there is no likelihood to go by.
    pub(crate) fn check(&self, penalised: bool) -> Outcome {
        let asked = match () {
            () if self.lr_tests => "lr-tests",
            () if self.profile() => "intervals",
            () => return Ok(()),
        };
        let refuse =
            |expected: &str, found: String| Err(Error::Setting { name: asked, expected: expected.to_string(), found });
        match &self.cluster {
            _ if penalised => refuse("maximum likelihood, without a penalty", "a penalty".to_string()),
            Some(column) => refuse("rows that do not depend on each other", format!("clusters of `{column}`")),
            None => Ok(()),
        }
    }

    /// The settings with what is asked for here; `clusters` as [`InferenceArgs::clusters`] gives them.
    pub(crate) fn settings(&self, settings: LogisticRegression, clusters: Option<Arc<[u32]>>) -> LogisticRegression {
        let covariance = match (clusters, self.covariance) {
            (Some(ids), _) => Covariance::Cluster(ids),
            (None, CovarianceName::Information) => Covariance::Information,
            (None, CovarianceName::Hc0) => Covariance::Hc0,
            (None, CovarianceName::Hc1) => Covariance::Hc1,
        };
        LogisticRegression { covariance, firth: self.firth, ..settings }
    }

    /// The number of the cluster of each of these rows of the table.
    pub(crate) fn clusters(&self, table: &Table, rows: &Selected) -> Result<Option<Arc<[u32]>>, Error> {
        let Some(name) = &self.cluster else { return Ok(None) };
        let column = table.column(name)?;
        let mut known = HashMap::new();
        let id = |row: usize| {
            let label = column.text(row).ok_or_else(|| Error::Setting {
                name: "cluster",
                expected: "a column without missing values".to_string(),
                found: format!("a missing value in `{name}`"),
            })?;
            let next = known.len() as u32;
            Ok(*known.entry(label).or_insert(next))
        };
        rows.iter().map(id).collect::<Result<_, Error>>().map(Some)
    }

    /// Profiles and tests, where they were asked for.
    pub(crate) fn add(
        &self,
        settings: &LogisticRegression,
        rows: &Rows<'_>,
        encoder: &Encoder,
        fit: &mut Fit,
    ) -> Result<Vec<ColumnTest>, Error> {
        if self.profile() {
            settings.profile(rows, fit)?;
        }
        let cheap = (rows.len() as f64) * (fit.weight.len() as f64).powi(3) < CHEAP;
        if cheap || self.profile() {
            settings.bound_runaways(rows, fit)?;
        }
        if self.lr_tests { settings.tests_by_column(rows, fit, encoder) } else { Ok(Vec::new()) }
    }
}

/// Adds the keys of a model's tests.
pub(crate) fn add_keys(model: &Model, keys: &mut Value) {
    let facts = &model.facts;
    keys["covariance"] = json!(facts.covariance);
    if let Some(clusters) = facts.n_clusters {
        keys["n_clusters"] = json!(clusters);
    }
    keys["lr_test"] = json!(facts.lr_test);
    keys["firth"] = json!(facts.firth);
    if let Some(penalised) = facts.penalized_log_likelihood {
        keys["penalized_log_likelihood"] = json!(penalised);
    }
    let column = |ColumnTest { column, test }: &ColumnTest| {
        json!({
            "column": column,
            "chi2": test.map(|test| test.chi2),
            "df": test.map(|test| test.df),
            "p_value": test.map(|test| test.p_value),
        })
    };
    if !model.tests.is_empty() {
        keys["column_tests"] = model.tests.iter().map(column).collect();
    }
}

/// Adds a coefficient's keys: its interval, how that was found, and its own test where there is one.
pub(crate) fn add_coefficient_keys(coefficient: &Coefficient, keys: &mut Value) {
    let inference = coefficient.inference.as_ref();
    if let Some(spread) = coefficient.bootstrap {
        keys["bootstrap"] = json!(spread);
    }
    let (low, high) = interval(inference);
    keys["ci_low"] = json!(low);
    keys["ci_high"] = json!(high);
    keys["interval"] = json!(inference.map(|i| if i.profile.is_some() { "profile" } else { "wald" }));
    if let Some(test) = inference.and_then(|i| i.lr_test) {
        keys["lr_test"] = json!(test);
    }
}

/// Standard error and interval, of the kind that was asked for.
pub(crate) fn shown(coefficient: &Coefficient) -> (Option<f64>, (Option<f64>, Option<f64>)) {
    let inference = coefficient.inference.as_ref();
    match coefficient.bootstrap {
        Some(spread) => (Some(spread.std_error), (Some(spread.ci_low), Some(spread.ci_high))),
        None => (inference.map(|i| i.std_error), interval(inference)),
    }
}

/// The ends of the interval that was asked for.
fn interval(inference: Option<&Inference>) -> (Option<f64>, Option<f64>) {
    match inference {
        None => (None, None),
        Some(Inference { profile: Some(profile), .. }) => (profile.low, profile.high),
        Some(wald) => (Some(wald.ci_low), Some(wald.ci_high)),
    }
}

/// What a model's standard errors, intervals and tests are, for people.
pub(crate) fn words(model: &Model) -> String {
    let facts = &model.facts;
    let mut text = String::new();
    if let Some(penalised) = facts.penalized_log_likelihood {
        let _ = writeln!(text, "penalised log-likelihood {}", short(penalised));
    }
    if let Some(test) = facts.lr_test {
        let _ = writeln!(text, "likelihood-ratio test of all columns: {}", test_words(test));
    }
    let inferences = || model.coefficients.iter().filter_map(|coefficient| coefficient.inference.as_ref());
    let errors = match (facts.covariance.as_str(), facts.n_clusters) {
        ("hc0", _) => "sandwich (HC0)".to_string(),
        ("hc1", _) => "sandwich times n/(n − k) (HC1)".to_string(),
        ("cluster", Some(clusters)) => format!("cluster-robust, G/(G − 1) for G = {clusters} clusters"),
        ("sampling", _) => "linearised for weights, the sandwich times n/(n − 1)".to_string(),
        _ => String::new(),
    };
    if !errors.is_empty() && inferences().next().is_some() {
        let _ = writeln!(text, "Standard errors: {errors}.");
    }
    if model.coefficients.iter().any(|coefficient| coefficient.bootstrap.is_some()) {
        text.push_str("Standard errors and intervals by resampling the rows.");
        if facts.l1 > 0.0 || facts.l2 > 0.0 {
            text.push_str(" They are of the penalised estimates, which are drawn towards 0.");
        }
        text.push('\n');
    } else if inferences().any(|inference| inference.profile.is_some()) {
        text.push_str("Intervals by profile likelihood; z and p are Wald's.\n");
    }
    text.push_str(&tests_table(model));
    text
}

fn test_words(test: LikelihoodRatio) -> String {
    format!("χ² {} on {} degrees of freedom, p {}", short(test.chi2), test.df, p_value(test.p_value))
}

/// The tests of single columns: of the table's where they were asked for, else of Firth's coefficients, whose Wald tests
/// are the worse guide (Heinze & Schemper 2002).
fn tests_table(model: &Model) -> String {
    let of_coefficients = || {
        let tested = model.coefficients.iter().filter(|_| model.facts.firth);
        tested.filter_map(|c| Some((c.term.clone(), c.inference.and_then(|i| i.lr_test)?))).map(|(n, t)| (n, Some(t)))
    };
    let of_columns = || model.tests.iter().map(|ColumnTest { column, test }| (column.clone(), *test));
    let (first, tests): (_, Vec<_>) = match model.tests.is_empty() {
        true => ("without term", of_coefficients().collect()),
        false => ("without column", of_columns().collect()),
    };
    if tests.is_empty() {
        return String::new();
    }
    let mut table = table([first, "χ²", "df", "p"].map(String::from).to_vec());
    for (name, test) in tests {
        let cell = |f: fn(LikelihoodRatio) -> String| test.map_or("–".to_string(), f);
        table.add_row(vec![name, cell(|t| short(t.chi2)), cell(|t| t.df.to_string()), cell(|t| p_value(t.p_value))]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("\nlikelihood-ratio tests\n{}\n", table.trim_fmt())
}

pub(crate) fn p_value(p: f64) -> String {
    if p < 1e-4 { format!("{p:.1e}") } else { format!("{p:.4}") }
}
