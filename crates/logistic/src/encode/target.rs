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
    /// Finds the classes of the target column, and which of them is the positive one, or the base.
    pub(super) fn learn(table: &Table, encoding: &Encoding) -> Result<Self> {
        let column = table.column(&encoding.target)?;
        let numeric = matches!(column.cells, Cells::Number(_) | Cells::Sparse { .. });
        let classes: Vec<String> = match &column.cells {
            Cells::Text { levels, .. } => levels.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            _ => numbered_classes(table, encoding)?,
        };
        let found = Found { table, encoding, classes: &classes, numeric };
        let (classes, rest) = match &encoding.positive {
            _ if classes.len() < 2 => return Err(found.too_few()),
            Some(positive) => found.one_against_the_rest(found.class(positive)?),
            None => (found.by_base()?, false),
        };
        Ok(Target { column: column.name.clone(), classes, rest, numeric })
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
    pub(super) fn outcomes<'t>(
        &'t self,
        table: &'t Table,
    ) -> Result<Box<dyn Iterator<Item = Result<Option<f64>>> + 't>> {
        let column = table.column(&self.column)?;
        let known = move |row: usize, known: Option<f64>| match known {
            Some(outcome) => Ok(Some(outcome)),
            None => Err(Error::UnseenLevel {
                place: table.place(row, &column.name),
                level: column.text(row).unwrap_or_default(),
                known: self.classes.clone(),
                of_target: true,
            }),
        };
        Ok(match &column.cells {
            Cells::Text { codes, levels } => {
                let outcomes: Vec<Option<f64>> = levels.iter().map(|level| self.outcome(level)).collect();
                let of = move |(row, code): (usize, u32)| match outcomes.get(code as usize) {
                    None => Ok(None),
                    Some(outcome) => known(row, *outcome),
                };
                Box::new(codes.iter().enumerate().map(of))
            }
            Cells::Number(values) if self.numeric => {
                let classes: Vec<Option<f64>> = self.classes.iter().map(|class| class.parse().ok()).collect();
                let outcome = move |value: f64| {
                    let found = classes.iter().position(|class| *class == Some(value));
                    found.map(|at| at as f64).or(self.rest.then_some(0.0))
                };
                let of = move |(row, value): (usize, f64)| match value.is_nan() {
                    true => Ok(None),
                    false => known(row, outcome(value)),
                };
                Box::new(values.iter().enumerate().map(of))
            }
            _ => {
                let of = move |row| match column.text(row) {
                    None => Ok(None),
                    Some(label) => known(row, self.outcome(&label)),
                };
                Box::new((0..table.n_rows()).map(of))
            }
        })
    }

    /// The number of the class that a label means; the rest has no name of its own.
    fn outcome(&self, label: &str) -> Option<f64> {
        let mut named = self.classes.iter().skip(usize::from(self.rest));
        let found = named.position(|class| means(class, label, self.numeric));
        found.map(|at| (at + usize::from(self.rest)) as f64).or(self.rest.then_some(0.0))
    }
}

/// The classes that a table's target holds, sorted.
struct Found<'a> {
    table: &'a Table,
    encoding: &'a Encoding,
    classes: &'a [String],
    numeric: bool,
}

impl Found<'_> {
    fn wrong(&self, problem: String, help: String) -> Error {
        Error::Target { place: Place::file(self.table.path()).column(&self.encoding.target), problem, help }
    }

    fn names(&self) -> String {
        listed(self.classes, 8)
    }

    fn too_few(&self) -> Error {
        let found = match self.classes {
            [] => "no value".to_string(),
            _ => format!("only the value {}", self.names()),
        };
        self.wrong(format!("a target needs two classes, found {found}"), "choose another `--target`".to_string())
    }

    fn class(&self, label: &str) -> Result<&String> {
        let found = self.classes.iter().find(|class| means(class, label, self.numeric));
        found.ok_or_else(|| {
            self.wrong(format!("there is no class `{label}`"), format!("the classes are {}", self.names()))
        })
    }

    fn one_against_the_rest(&self, positive: &String) -> (Vec<String>, bool) {
        match self.classes {
            [a, b] => (vec![if a == positive { b } else { a }.clone(), positive.clone()], false),
            _ => (vec![format!("not {positive}"), positive.clone()], true),
        }
    }

    /// All classes, the base first: of two, the one that is not called 1, true or yes.
    fn by_base(&self) -> Result<Vec<String>> {
        let asked = self.encoding.reference.iter().find(|(name, _)| *name == self.encoding.target);
        let base = match (asked, self.classes) {
            (Some((_, base)), _) => self.class(base)?,
            (None, [a, b]) => {
                let is_positive = |class: &String| POSITIVE_WORDS.contains(&class.to_lowercase().as_str());
                match (is_positive(a), is_positive(b)) {
                    (false, true) => a,
                    (true, false) => b,
                    _ => {
                        let problem = format!("which of the classes {} is the positive one?", self.names());
                        return Err(self.wrong(problem, format!("`--positive {b}` models the probability of `{b}`")));
                    }
                }
            }
            (None, classes) => &classes[0],
        };
        if self.classes.len() > 2 && self.is_quantity() {
            let problem = format!("the target holds {} different numbers, as a quantity does", self.classes.len());
            let help = format!(
                "`--categorical {}` takes them as classes, `--positive` models one against all others",
                self.encoding.target
            );
            return Err(self.wrong(problem, help));
        }
        let others = self.classes.iter().filter(|class| *class != base);
        Ok(std::iter::once(base).chain(others).cloned().collect())
    }

    fn is_quantity(&self) -> bool {
        let whole = |class: &String| class.parse::<f64>().is_ok_and(|number| number.fract() == 0.0);
        let many = self.classes.len() > MOST_NUMBERED || 2 * self.classes.len() > self.table.n_rows();
        self.numeric && (many || !self.classes.iter().all(whole))
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
