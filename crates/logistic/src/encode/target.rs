//! The target column and its classes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::error::{Error, Place, Result, listed};
use crate::table::{Cells, Table};

/// The target column and its classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The column's name.
    pub column: String,
    /// The class that is not predicted. Where there were more than two: `not `, and the positive class.
    pub negative: String,
    /// The class whose probability the model gives.
    pub positive: String,
    /// Whether the negative class is every class but the positive one.
    pub rest: bool,
    /// Whether the classes are numbers, so that `1` and `1.0` are the same.
    #[serde(default)]
    pub numeric: bool,
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
        let of = |negative: &str, positive: &str, rest: bool| Target {
            column: column.name.clone(),
            negative: negative.to_string(),
            positive: positive.to_string(),
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
                [a, b] => Ok(of(if a == positive { b } else { a }, positive, false)),
                _ => Ok(of(&format!("not {positive}"), positive, true)),
            };
        }
        let [a, b] = &classes[..] else {
            let problem = format!("the target has {} classes: {names}", classes.len());
            return wrong(problem, "`--positive CLASS` models one class against all others".to_string());
        };
        let is_positive = |class: &String| POSITIVE_WORDS.contains(&class.to_lowercase().as_str());
        match (is_positive(a), is_positive(b)) {
            (false, true) => Ok(of(a, b, false)),
            (true, false) => Ok(of(b, a, false)),
            _ => wrong(
                format!("which of the classes {names} is the positive one?"),
                format!("`--positive {b}` models the probability of `{b}`"),
            ),
        }
    }

    /// The outcome of every row: 1 for the positive class, 0 for the negative, none where it is missing.
    ///
    /// # Errors
    /// [`Error::UnseenLevel`] for another class.
    pub(super) fn outcomes(&self, table: &Table) -> Result<Vec<Option<f64>>> {
        let column = table.column(&self.column)?;
        let outcome = |label: &str| {
            if means(&self.positive, label, self.numeric) {
                Some(1.0)
            } else if self.rest || means(&self.negative, label, self.numeric) {
                Some(0.0)
            } else {
                None
            }
        };
        let by_level: Option<Vec<Option<f64>>> = match &column.cells {
            Cells::Text { levels, .. } => Some(levels.iter().map(|level| outcome(level)).collect()),
            _ => None,
        };
        let refused = |row: usize| Error::UnseenLevel {
            place: table.place(row, &column.name),
            level: column.text(row).unwrap_or_default(),
            known: vec![self.negative.clone(), self.positive.clone()],
            of_target: true,
        };
        let known = |row: usize, known: Option<f64>| known.map(Some).ok_or_else(|| refused(row));
        match (&column.cells, by_level) {
            (Cells::Text { codes, .. }, Some(outcomes)) => codes
                .iter()
                .enumerate()
                .map(|(row, code)| match outcomes.get(code as usize) {
                    None => Ok(None),
                    Some(outcome) => known(row, *outcome),
                })
                .collect(),
            (Cells::Number(values), _) if self.numeric => {
                let (positive, negative) = (self.positive.parse::<f64>(), self.negative.parse::<f64>());
                let outcome = |value: f64| match (&positive, &negative) {
                    (Ok(positive), _) if value == *positive => Some(1.0),
                    (_, Ok(negative)) if value == *negative => Some(0.0),
                    _ => self.rest.then_some(0.0),
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
