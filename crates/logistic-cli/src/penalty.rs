//! What can be asked of penalties and bounds, how it becomes settings, and how it is told.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Args, ValueEnum};
use logistic::Error;
use logistic::dataset::{Folds, Rows, Split};
use logistic::encode::Term;
pub(crate) use logistic::model::Path;
use logistic::model::{CrossValidation, ELASTIC_NET_RATIOS, Facts, LogisticRegression, Model, Penalty, Rule};
use logistic::plot;
use logistic::table::{Cells, Selected, Table};

use crate::Outcome;
use crate::args::SolverName;
use crate::output::short;

/// Folds of a cross-validation, as in glmnet.
const FOLDS: usize = 10;

#[derive(Args, Debug)]
#[command(next_help_heading = "Penalties and bounds")]
pub(crate) struct PenaltyArgs {
    /// The lasso penalty X·Σ|w| on coefficients in the data's own units, added to the mean log loss; `auto` chooses it
    /// by cross-validation
    #[arg(long, allow_negative_numbers = true, value_name = "X|auto", value_parser = strength)]
    l1: Option<Strength>,
    /// The ridge penalty X/2·Σw², likewise [default: 0, maximum likelihood]
    #[arg(long, allow_negative_numbers = true, value_name = "X|auto", value_parser = strength)]
    l2: Option<Strength>,
    /// Both: `TOTAL:RATIO` is --l1 TOTAL·RATIO with --l2 TOTAL·(1 − RATIO); `auto:RATIO` chooses TOTAL by
    /// cross-validation, `auto` RATIO as well, of 0.1, 0.5, 0.9 and 1
    #[arg(long, value_name = "TOTAL:RATIO|auto[:RATIO]", value_parser = elastic_net, conflicts_with_all = ["l1", "l2"])]
    elastic_net: Option<ElasticNet>,
    /// Penalise coefficients of columns scaled to a standard deviation of 1, so that units do not matter; `auto` does
    #[arg(long, alias = "standardize")]
    standardise: bool,
    /// Multiply the penalty of a column's coefficients, all levels of a category; 0 leaves them unpenalised. May be
    /// given more than once
    #[arg(long, value_name = "COLUMN=X", value_parser = factor)]
    penalty_factor: Vec<(String, f64)>,
    /// Keep a column's coefficients at least, or at most, at a number, in the data's own units: 'age>=0', 'price<=2'.
    /// May be given more than once
    #[arg(long, value_name = "BOUND", value_parser = bound)]
    bound: Vec<(String, f64, f64)>,
    /// Folds of the cross-validation of `auto` [default: 10]
    #[arg(long, value_name = "K")]
    cv_folds: Option<usize>,
    /// Which penalty `auto` takes [default: min]
    #[arg(long, value_enum, value_name = "RULE")]
    cv_rule: Option<RuleName>,
    /// Rows that agree in this column, which is no feature, are held out together
    #[arg(long, value_name = "COLUMN", conflicts_with = "time")]
    group: Option<String>,
    /// Train on the past and hold out what comes next, by this column of numbers or dates, which is no feature
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
}

/// How strong a penalty is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Strength {
    Auto,
    Given(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct ElasticNet {
    total: Strength,
    /// None for `auto`.
    ratio: Option<f64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RuleName {
    /// That of the least mean loss of rows held out
    Min,
    /// The largest whose mean loss is within one standard error of the least
    #[value(name = "1se")]
    OneStandardError,
}

/// What decides which rows are held out together.
pub(crate) enum SplitBy {
    Chance,
    Group(Vec<usize>),
    Time(Vec<f64>),
}

fn strength(typed: &str) -> Result<Strength, String> {
    match typed {
        "auto" => Ok(Strength::Auto),
        _ => typed.parse().map(Strength::Given).map_err(|_| "expected a number or `auto`".to_string()),
    }
}

fn elastic_net(typed: &str) -> Result<ElasticNet, String> {
    let wrong = || "expected TOTAL:RATIO, auto or auto:RATIO, with a ratio between 0 and 1".to_string();
    let Some((total, ratio)) = typed.split_once(':') else {
        return if typed == "auto" { Ok(ElasticNet { total: Strength::Auto, ratio: None }) } else { Err(wrong()) };
    };
    let ratio: f64 = ratio.parse().map_err(|_| wrong())?;
    match (0.0..=1.0).contains(&ratio) {
        true => Ok(ElasticNet { total: strength(total).map_err(|_| wrong())?, ratio: Some(ratio) }),
        false => Err(wrong()),
    }
}

fn factor(typed: &str) -> Result<(String, f64), String> {
    let cut = typed.rsplit_once('=').and_then(|(column, factor)| Some((column.to_string(), factor.parse().ok()?)));
    cut.filter(|(_, factor): &(String, f64)| factor.is_finite() && *factor >= 0.0)
        .ok_or_else(|| "expected COLUMN=X, X a number of at least 0".to_string())
}

fn bound(typed: &str) -> Result<(String, f64, f64), String> {
    let side =
        |sign| typed.rsplit_once(sign).and_then(|(column, x)| Some((column.to_string(), x.trim().parse().ok()?)));
    let cut = match (side(">="), side("<=")) {
        (Some((column, low)), _) => Some((column, low, f64::INFINITY)),
        (None, Some((column, high))) => Some((column, f64::NEG_INFINITY, high)),
        (None, None) => None,
    };
    cut.map(|(column, low, high)| (column.trim().to_string(), low, high))
        .filter(|(_, low, high)| !low.is_nan() && !high.is_nan())
        .ok_or_else(|| "expected COLUMN>=X or COLUMN<=X".to_string())
}

impl PenaltyArgs {
    /// Refuses what does not go together.
    pub(crate) fn check(&self, solver: SolverName) -> Outcome {
        let given = |strength: Option<Strength>| strength.is_some_and(|strength| strength != Strength::Given(0.0));
        if self.is_auto() {
            let both = given(self.l1) && given(self.l2);
            let expected = "one of `--l1` and `--l2`; `--elastic-net auto` chooses both";
            refuse(both, "auto", expected, "both")?;
            let slow = matches!(solver, SolverName::Sgd | SolverName::Adam);
            return refuse(slow, "solver", "`newton` or `lbfgs` for a penalty that is `auto`", "one of mini-batches");
        }
        let net = self.elastic_net.is_some_and(|net| net.total != Strength::Given(0.0));
        let none = !(given(self.l1) || given(self.l2) || net);
        refuse(none && self.standardise, "standardise", "given with a penalty", "none")?;
        refuse(none && !self.penalty_factor.is_empty(), "penalty-factor", "given with a penalty", "none")?;
        for (name, there) in [
            ("cv-folds", self.cv_folds.is_some()),
            ("cv-rule", self.cv_rule.is_some()),
            ("group", self.group.is_some()),
            ("time", self.time.is_some()),
        ] {
            refuse(there, name, "given with a penalty that is `auto`, such as `--l1 auto`", "none")?;
        }
        Ok(())
    }

    /// What is asked for besides a ridge penalty of a given strength.
    pub(crate) fn beyond_ridge(&self) -> Option<&'static str> {
        let given = |strength: Option<Strength>| strength.is_some_and(|strength| strength != Strength::Given(0.0));
        let asked = [
            ("l1", given(self.l1)),
            ("elastic-net", self.elastic_net.is_some()),
            ("l2 auto", self.is_auto()),
            ("penalty-factor", !self.penalty_factor.is_empty()),
            ("bound", !self.bound.is_empty()),
        ];
        asked.into_iter().find_map(|(name, asked)| asked.then_some(name))
    }

    /// Whether a penalty or a bound is asked for.
    pub(crate) fn is_some(&self) -> bool {
        let given = |strength: Option<Strength>| strength.is_some_and(|strength| strength != Strength::Given(0.0));
        given(self.l1) || given(self.l2) || given(self.elastic_net.map(|net| net.total)) || !self.bound.is_empty()
    }

    pub(crate) fn is_auto(&self) -> bool {
        let net = self.elastic_net.map(|net| net.total);
        [self.l1, self.l2, net].contains(&Some(Strength::Auto))
    }

    /// The column by which rows are split, which is no feature.
    pub(crate) fn split_by(&self) -> Option<&String> {
        self.group.as_ref().or(self.time.as_ref())
    }

    /// The groups or times of the rows of a table.
    pub(crate) fn split(&self, table: &Table, rows: &Selected) -> Result<SplitBy, Error> {
        let Some(name) = self.split_by() else { return Ok(SplitBy::Chance) };
        let column = table.column(name)?;
        if let Some(row) = rows.iter().find(|&row| column.is_missing(row)) {
            return Err(Error::Malformed {
                place: table.place(row, name),
                expected: "a value by which rows can be split".to_string(),
                found: "none".to_string(),
                help: Some("fill it in, or leave the row out".to_string()),
            });
        }
        if self.group.is_some() {
            let mut known = BTreeMap::new();
            let group = rows.iter().filter_map(|row| column.text(row)).map(|text| {
                let next = known.len();
                *known.entry(text).or_insert(next)
            });
            return Ok(SplitBy::Group(group.collect()));
        }
        match &column.cells {
            Cells::Number(values) | Cells::Date(values) => {
                let all: Vec<f64> = values.iter().collect();
                Ok(SplitBy::Time(rows.iter().map(|row| all[row]).collect()))
            }
            _ => Err(Error::Malformed {
                place: table.place(0, name),
                expected: "numbers or dates for `--time`".to_string(),
                found: "words".to_string(),
                help: Some("dates are written as 2024-12-31".to_string()),
            }),
        }
    }

    /// The penalty as far as it is given.
    pub(crate) fn penalty(&self, terms: &[Term]) -> Result<Penalty, Error> {
        let value = |strength: Option<Strength>| match strength {
            Some(Strength::Given(value)) => value,
            _ => 0.0,
        };
        let (l1, l2) = match self.elastic_net {
            Some(ElasticNet { total, ratio: Some(ratio) }) => {
                (value(Some(total)) * ratio, value(Some(total)) * (1.0 - ratio))
            }
            Some(_) => (0.0, 0.0),
            None => (value(self.l1), value(self.l2)),
        };
        let mut factors = Vec::new();
        for (column, factor) in &self.penalty_factor {
            factors.resize(terms.len(), 1.0);
            each_term(terms, column, "penalty-factor", |j| factors[j] = *factor)?;
        }
        Ok(Penalty { l1, l2, factors, standardised: self.standardise || self.is_auto() })
    }

    /// The bounds of every design column; none where none are asked for.
    pub(crate) fn bounds(&self, terms: &[Term]) -> Result<Vec<(f64, f64)>, Error> {
        let mut bounds = Vec::new();
        for (column, low, high) in &self.bound {
            bounds.resize(terms.len(), (f64::NEG_INFINITY, f64::INFINITY));
            each_term(terms, column, "bound", |j| {
                let (lower, upper): (f64, f64) = bounds[j];
                bounds[j] = (lower.max(*low), upper.min(*high));
            })?;
        }
        Ok(bounds)
    }

    /// Chooses the penalty, where it is `auto`, and puts it into the settings.
    pub(crate) fn choose(
        &self,
        settings: &mut LogisticRegression,
        rows: &Rows<'_>,
        split: &SplitBy,
        seed: u32,
    ) -> Result<Option<(CrossValidation, Path)>, Error> {
        if !self.is_auto() {
            return Ok(None);
        }
        let ratios = match self.elastic_net {
            Some(ElasticNet { ratio: Some(ratio), .. }) => vec![ratio],
            Some(_) => ELASTIC_NET_RATIOS.to_vec(),
            None => vec![f64::from(self.l1 == Some(Strength::Auto))],
        };
        let k = self.cv_folds.unwrap_or(FOLDS);
        let folds = match split {
            SplitBy::Chance => Folds::stratified(rows, k, seed)?,
            SplitBy::Group(group) => Folds::grouped(rows, group, k)?,
            SplitBy::Time(time) => Folds::time_ordered(rows, time, k)?,
        };
        let rule = match self.cv_rule {
            Some(RuleName::OneStandardError) => Rule::OneStandardError,
            Some(RuleName::Min) | None => Rule::Minimum,
        };
        let (found, path) = settings.cross_validate(rows, &folds, &ratios, rule)?;
        (settings.penalty.l1, settings.penalty.l2) = (found.chosen().l1, found.chosen().l2);
        Ok(Some((found, path)))
    }
}

fn refuse(wrong: bool, name: &'static str, expected: &str, found: &str) -> Outcome {
    let error = || Error::Setting { name, expected: expected.to_string(), found: found.to_string() };
    if wrong { Err(error()) } else { Ok(()) }
}

/// Calls `f` with the place of every design column of a table's column.
fn each_term(terms: &[Term], column: &str, name: &'static str, mut f: impl FnMut(usize)) -> Outcome {
    let places: Vec<usize> = (0..terms.len()).filter(|&j| terms[j].column == column).collect();
    refuse(places.is_empty(), name, "of a feature column", &format!("`{column}`"))?;
    places.into_iter().for_each(&mut f);
    Ok(())
}

/// The pictures of the path and of the choice, where there was one.
pub(crate) fn pictures(dir: &std::path::Path, model: &Model, path: Option<&Path>) -> Outcome {
    let (Some(found), Some(path)) = (&model.cross_validation, path) else { return Ok(()) };
    let chosen = found.chosen();
    let names: Vec<String> = model.encoder.terms().into_iter().map(|term| term.term).collect();
    plot::path(path, &names, Some(chosen.l1 + chosen.l2))?.save(dir, "path")?;
    plot::cross_validation(found)?.save(dir, "cross-validation").map(|_| ())
}

/// The coefficients that are not 0, the intercept aside.
pub(crate) fn n_nonzero(model: &Model) -> usize {
    let slopes = model.coefficients.iter().filter(|coefficient| coefficient.column.is_some());
    slopes.filter(|coefficient| coefficient.estimate.is_some_and(|estimate| estimate != 0.0)).count()
}

/// `lasso penalty l1 = 0.01 on standardised columns`.
pub(crate) fn words(facts: &Facts) -> String {
    if facts.relaxed {
        return format!("maximum likelihood on the columns selected by l1 = {}", short(facts.l1));
    }
    if facts.firth {
        return "Firth's bias-reduced likelihood".to_string();
    }
    let mut words = match (facts.l1 > 0.0, facts.l2 > 0.0) {
        (false, false) => return if facts.bounded { "within bounds" } else { "maximum likelihood" }.to_string(),
        (false, true) => format!("ridge penalty l2 = {}", short(facts.l2)),
        (true, false) => format!("lasso penalty l1 = {}", short(facts.l1)),
        (true, true) => format!("elastic net l1 = {}, l2 = {}", short(facts.l1), short(facts.l2)),
    };
    if facts.standardised_penalty {
        words.push_str(" on standardised columns");
    }
    if facts.bounded {
        words.push_str(" within bounds");
    }
    words
}

/// How the penalty was chosen, and how many coefficients it left.
pub(crate) fn choice(model: &Model) -> String {
    let mut text = String::new();
    if let Some(found) = &model.cross_validation {
        let split = match found.split {
            Split::Stratified => "folds at random, classes in equal parts",
            Split::Grouped => "folds of whole groups",
            Split::TimeOrdered => "folds, each later than what it was predicted from",
        };
        let (best, chosen) = (found.best(), found.chosen());
        let rule = match found.rule {
            Rule::Minimum => "the least log loss of rows held out".to_string(),
            Rule::OneStandardError => {
                format!("the largest within one standard error of the least log loss, {}", short(best.mean_log_loss))
            }
        };
        let _ = writeln!(
            text,
            "penalty chosen of {} by {} {split}: {rule}; it has {} ± {}",
            found.values.len(),
            found.folds,
            short(chosen.mean_log_loss),
            short(chosen.std_error),
        );
        if found.is_open() {
            text.push_str("the loss still fell at the smallest penalty tried: there may be no need of one\n");
        }
    }
    if model.facts.l1 > 0.0 {
        let all = model.coefficients.iter().filter(|coefficient| coefficient.column.is_some()).count();
        let _ = writeln!(text, "{} of {all} coefficients are not 0", n_nonzero(model));
    }
    text
}

/// Why there are no standard errors, where the penalty or bounds are the reason.
pub(crate) fn no_inference(model: &Model) -> &'static str {
    let facts = &model.facts;
    if model.coefficients.iter().any(|coefficient| coefficient.bootstrap.is_some()) {
        return "";
    }
    if facts.relaxed {
        return "Standard errors are those of a fit to the selected columns: they take no account of the selection.\n";
    }
    match (facts.l1 > 0.0 || facts.l2 > 0.0, facts.bounded) {
        (true, _) => "No standard errors: they hold for maximum likelihood, not for penalised coefficients.\n",
        (false, true) => "No standard errors: they hold for maximum likelihood, not for coefficients within bounds.\n",
        (false, false) => "",
    }
}
