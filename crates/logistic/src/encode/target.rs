//! The target column and its classes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::error::{Error, Place, Result, listed};
use crate::table::{Cells, Table};

/// The target column and its classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Target {
    /// The column's name.
    pub column: String,
    /// The classes; outcomes are their numbers. Of two, the negative class, then the positive one, whose probability
    /// the model gives; where there were more and one was asked for, `not ` and that class, then that class. Of more,
    /// the base class, then the others sorted by code point.
    pub classes: Vec<String>,
    /// Whether the negative class is every class but the positive one.
    pub rest: bool,
    /// Whether the classes are numbers, so that `1` and `1.0` are the same.
    pub numeric: bool,
}

/// A target as model files hold it; up to format 2 they named two classes.
#[derive(Deserialize)]
struct Written {
    column: String,
    #[serde(default)]
    classes: Vec<String>,
    negative: Option<String>,
    positive: Option<String>,
    rest: bool,
    #[serde(default)]
    numeric: bool,
}

impl From<Written> for Target {
    fn from(written: Written) -> Self {
        let Written { column, mut classes, negative, positive, rest, numeric } = written;
        classes.extend(negative.into_iter().chain(positive));
        Target { column, classes, rest, numeric }
    }
}

/// Names of positive classes that need no asking, lower case.
const POSITIVE_WORDS: [&str; 3] = ["1", "true", "yes"];

impl Target {
    /// Finds the classes of the target column, and which of them is the positive one.
    pub(super) fn learn(table: &Table, encoding: &Encoding) -> Result<Self> {
        let column = table.column(&encoding.target)?;
        let numeric = matches!(column.cells, Cells::Number(_) | Cells::Sparse { .. });
        let classes: Vec<String> = match &column.cells {
            Cells::Text { levels, .. } => levels.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            _ => numbered_classes(table, encoding)?,
        };
        let place = || Place::file(table.path()).column(&column.name);
        let wrong = |problem: String, help: String| Err(Error::Target { place: place(), problem, help });
        let names = listed(&classes, 8);
        let of = |classes: &[&str], rest: bool| Target {
            column: column.name.clone(),
            classes: classes.iter().map(|class| (*class).to_string()).collect(),
            rest,
            numeric,
        };
        if classes.len() < 2 {
            let found = if classes.is_empty() { "no value".to_string() } else { format!("only the value {names}") };
            return wrong(
                format!("a target needs two classes, found {found}"),
                "choose another `--target`".to_string(),
            );
        }
        if let Some(positive) = &encoding.positive {
            let Some(positive) = classes.iter().find(|class| means(class, positive, numeric)) else {
                return wrong(format!("there is no class `{positive}`"), format!("the classes are {names}"));
            };
            return match &classes[..] {
                [a, b] => Ok(of(&[if a == positive { b } else { a }, positive], false)),
                _ => Ok(of(&[&format!("not {positive}"), positive], true)),
            };
        }
        let base = encoding.reference.iter().find(|(name, _)| *name == encoding.target).map(|(_, base)| base);
        let base = match base {
            None => None,
            Some(base) => match classes.iter().find(|class| means(class, base, numeric)) {
                Some(class) => Some(class),
                None => return wrong(format!("there is no class `{base}`"), format!("the classes are {names}")),
            },
        };
        let [a, b] = &classes[..] else {
            let whole = |class: &String| class.parse::<f64>().is_ok_and(|number| number.fract() == 0.0);
            let many = classes.len() > MOST_NUMBERED || 2 * classes.len() > table.n_rows();
            if numeric && (many || !classes.iter().all(whole)) {
                let problem = format!("the target holds {} different numbers, as a quantity does", classes.len());
                let help = format!(
                    "`--categorical {0}` takes them as classes, `--positive` models one against all others",
                    encoding.target
                );
                return wrong(problem, help);
            }
            let base = base.unwrap_or(&classes[0]);
            let others = classes.iter().filter(|class| *class != base);
            let ordered: Vec<&str> = std::iter::once(base).chain(others).map(String::as_str).collect();
            return Ok(of(&ordered, false));
        };
        if let Some(base) = base {
            return Ok(of(&[base, if base == a { b } else { a }], false));
        }
        let is_positive = |class: &String| POSITIVE_WORDS.contains(&class.to_lowercase().as_str());
        match (is_positive(a), is_positive(b)) {
            (false, true) => Ok(of(&[a, b], false)),
            (true, false) => Ok(of(&[b, a], false)),
            _ => wrong(
                format!("which of the classes {names} is the positive one?"),
                format!("`--positive {b}` models the probability of `{b}`"),
            ),
        }
    }

    /// The class that is not predicted, of two; the base, of more.
    pub fn negative(&self) -> &str {
        self.classes.first().map_or("", String::as_str)
    }

    /// The class whose probability the model gives, of two.
    pub fn positive(&self) -> &str {
        self.classes.get(1).map_or("", String::as_str)
    }

    /// The number of every row's class, none where it is missing.
    ///
    /// # Errors
    /// [`Error::UnseenLevel`] for another class.
    pub(super) fn outcomes(&self, table: &Table) -> Result<Vec<Option<f64>>> {
        let column = table.column(&self.column)?;
        let outcome = |label: &str| {
            // The rest has no name of its own.
            let named = self.classes.iter().skip(usize::from(self.rest));
            let found = named.clone().position(|class| means(class, label, self.numeric));
            found.map(|at| (at + usize::from(self.rest)) as f64).or(self.rest.then_some(0.0))
        };
        let refused = |row: usize| Error::UnseenLevel {
            place: table.place(row, &column.name),
            level: column.text(row).unwrap_or_default(),
            known: self.classes.clone(),
            of_target: true,
        };
        let known = |row: usize, known: Option<f64>| known.map(Some).ok_or_else(|| refused(row));
        match &column.cells {
            Cells::Text { codes, levels } => {
                let outcomes: Vec<Option<f64>> = levels.iter().map(|level| outcome(level)).collect();
                let of = |(row, code): (usize, u32)| match outcomes.get(code as usize) {
                    None => Ok(None),
                    Some(outcome) => known(row, *outcome),
                };
                codes.iter().enumerate().map(of).collect()
            }
            Cells::Number(values) if self.numeric => {
                let classes: Vec<Option<f64>> = self.classes.iter().map(|class| class.parse().ok()).collect();
                let outcome = |value: f64| {
                    let found = classes.iter().position(|class| *class == Some(value));
                    found.map(|at| at as f64).or(self.rest.then_some(0.0))
                };
                let of =
                    |(row, value): (usize, f64)| if value.is_nan() { Ok(None) } else { known(row, outcome(value)) };
                values.iter().enumerate().map(of).collect()
            }
            _ => (0..table.n_rows())
                .map(|row| column.text(row).map_or(Ok(None), |label| known(row, outcome(&label))))
                .collect(),
        }
    }
}

/// More different numbers than this are a quantity, unless they are declared to be classes; so are broken ones, and
/// numbers of which hardly one occurs twice.
const MOST_NUMBERED: usize = 20;
/// More classes than anyone tells apart: the column is a quantity.
const MOST_CLASSES: usize = 1000;

/// The different values of a column of numbers or dates, in their order.
fn numbered_classes(table: &Table, encoding: &Encoding) -> Result<Vec<String>> {
    let column = table.column(&encoding.target)?;
    let mut values: Vec<(f64, String)> = Vec::new();
    let cells: Box<dyn Iterator<Item = f64>> = match &column.cells {
        Cells::Number(cells) | Cells::Date(cells) => Box::new(cells.iter()),
        _ => Box::new((0..table.n_rows()).filter_map(|row| column.text(row)?.parse().ok())),
    };
    for (row, value) in cells.enumerate() {
        if value.is_nan() || values.iter().any(|(known, _)| *known == value) {
            continue;
        }
        values.push((value, column.text(row).unwrap_or_default()));
        if values.len() > MOST_CLASSES {
            return Err(Error::Target {
                place: table.place(row, &column.name),
                problem: format!("a target needs two classes, found more than {MOST_CLASSES} different numbers"),
                help: "choose another `--target`, or make two classes of this one".to_string(),
            });
        }
    }
    let mut classes: Vec<String> = values.into_iter().map(|(_, text)| text).collect();
    classes.sort_unstable();
    Ok(classes)
}

/// Whether a label means a class: the same word, the same number where classes are numbers, or the same boolean.
fn means(class: &str, label: &str, numeric: bool) -> bool {
    let same_number = || matches!((class.parse::<f64>(), label.parse::<f64>()), (Ok(a), Ok(b)) if a == b);
    let same_truth = || matches!(class, "true" | "false") && class.eq_ignore_ascii_case(label);
    class == label || (numeric && same_number()) || same_truth()
}
