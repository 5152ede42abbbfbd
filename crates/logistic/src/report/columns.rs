//! What the columns hold, from one pass over each.

use maud::{Markup, html};

use super::numbers::{count, counted, cut, percent, rounded};
use super::{Sample, name, table};
use crate::encode::{Encoder, Kind};
use crate::model::Model;
use crate::table::{Cells, Column};

/// So many columns have a row.
const MOST_COLUMNS: usize = 100;
/// So many levels are named.
const MOST_LEVELS: usize = 5;

/// The columns of a model in a sample, and the target's.
pub(super) struct Columns<'a> {
    name: &'a str,
    n_rows: usize,
    /// Rows that lack the outcome, or a value that the model cannot do without.
    unusable: usize,
    pub(super) sources: Vec<Described<'a>>,
    target: Option<Described<'a>>,
}

/// A column, and what it holds.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) cells: &'a Cells,
    pub(super) missing: usize,
    pub(super) content: Content,
}

/// What a column holds.
pub(super) enum Content {
    /// Numbers, or days since 1970.
    Numbers(Moments),
    /// Levels with their counts, the most frequent first.
    Levels(Vec<(String, usize)>),
    /// Nothing but missing cells.
    Nothing,
}

/// The moments and ends of numbers.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    sd: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    n: usize,
    squares: f64,
}

impl Moments {
    /// Welford's recurrence: one pass, and no difference of large numbers (Technometrics 4(3), 1962).
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let none = Moments { mean: 0.0, sd: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY, n: 0, squares: 0.0 };
        let mut found = values.fold(none, |mut so_far, value| {
            so_far.n += 1;
            let off = value - so_far.mean;
            so_far.mean += off / so_far.n as f64;
            so_far.squares += off * (value - so_far.mean);
            (so_far.low, so_far.high) = (so_far.low.min(value), so_far.high.max(value));
            so_far
        });
        if found.n == 0 {
            return None;
        }
        // Rounding may have left the mean of equal numbers a little beside them.
        found.mean = found.mean.clamp(found.low, found.high);
        found.sd = (found.squares / (found.n.max(2) - 1) as f64).sqrt();
        Some(found)
    }
}

impl<'a> Columns<'a> {
    pub(super) fn of(model: &'a Model, sample: &Sample<'a>) -> Self {
        let encoder = &model.encoder;
        let rows = &sample.encoded.rows;
        let column = |name: &'a str| sample.table.column(name).ok();
        let mut names: Vec<&str> = encoder.sources.iter().map(|source| source.name.as_str()).collect();
        names.dedup();
        let described = |name: &'a str| Some(Described::of(name, column(name)?, rows, is_category(encoder, name)));
        Columns {
            name: sample.name,
            n_rows: rows.len(),
            unusable: sample.table.n_rows() - rows.len(),
            sources: names.into_iter().filter_map(described).collect(),
            target: column(&encoder.target.column).map(|own| Described::of(&encoder.target.column, own, rows, true)),
        }
    }

    pub(super) fn section(&self, model: &Model) -> Markup {
        let all = self.target.iter().chain(&self.sources);
        let header = ["Column", "Kind", "Missing", "Mean", "Std. dev.", "Min", "Max", "Levels and their rows"];
        let rows: Vec<Vec<Markup>> = all.take(MOST_COLUMNS + 1).map(|column| column.row(self.n_rows)).collect();
        let more = self.sources.len().saturating_sub(MOST_COLUMNS);
        html! {
            p {
                "Of " (self.name) ", " (count(self.n_rows)) " rows can be used; they are described here. The first line is \
                 the target, " code { (model.encoder.target.column) } "."
            }
            @if self.unusable > 0 {
                p { "Left out: " (counted(self.unusable, "row")) ", without the outcome or a value that the model needs." }
            }
            (table("The target and the columns of the model", &header, &rows))
            @if more > 0 { p.note { "Left out of this table: " (counted(more, "column")) "." } }
        }
    }
}

fn is_category(encoder: &Encoder, name: &str) -> bool {
    let own = encoder.sources.iter().find(|source| source.name == name);
    own.is_some_and(|source| source.part.is_none() && matches!(source.kind, Kind::Categorical { .. }))
}

impl<'a> Described<'a> {
    fn of(name: &'a str, column: &'a Column, rows: &[usize], category: bool) -> Self {
        let (content, missing) = match &column.cells {
            Cells::Number(values) | Cells::Date(values) if !category => {
                let present = |&row: &usize| values.get(row).filter(|value| !value.is_nan());
                let found = Moments::of(rows.iter().filter_map(present));
                let n = found.map_or(0, |found| found.n);
                (found.map(Content::Numbers), rows.len() - n)
            }
            Cells::Sparse { .. } if !category => {
                let value = |&row: &usize| column.text(row).and_then(|text| text.parse::<f64>().ok());
                (Moments::of(rows.iter().filter_map(value)).map(Content::Numbers), 0)
            }
            _ => levels(column, rows),
        };
        Described { name, cells: &column.cells, missing, content: content.unwrap_or(Content::Nothing) }
    }

    fn row(&self, n_rows: usize) -> Vec<Markup> {
        let missing = match self.missing {
            0 => html! { "0" },
            missing => html! { (count(missing)) " (" (percent(missing as f64 / n_rows.max(1) as f64)) ")" },
        };
        let date = matches!(self.cells, Cells::Date(_));
        let (kind, numbers, levels) = match &self.content {
            Content::Numbers(found) => {
                let text = |value: f64| if date { day(value) } else { rounded(value) };
                let sd = if date { format!("{} days", rounded(found.sd)) } else { rounded(found.sd) };
                let kind = if date { "date" } else { "number" };
                (kind, [text(found.mean), sd, text(found.low), text(found.high)], String::new())
            }
            Content::Levels(levels) => ("category", [const { String::new() }; 4], named(levels)),
            Content::Nothing => ("empty", [const { String::new() }; 4], String::new()),
        };
        let mut cells = vec![name(&cut(self.name, 60)), html! { (kind) }, missing];
        cells.extend(numbers.map(|number| html! { (number) }));
        cells.push(html! { span.words { (levels) } });
        cells
    }
}

/// The levels of the cells that are not missing, and how many are.
fn levels(column: &Column, rows: &[usize]) -> (Option<Content>, usize) {
    let mut found: Vec<(String, usize)> = match &column.cells {
        Cells::Text { codes, levels } => {
            let mut counts = vec![0_usize; levels.len()];
            for code in codes.at(rows) {
                // A missing cell's code is beyond every level.
                if let Some(count) = counts.get_mut(code as usize) {
                    *count += 1;
                }
            }
            levels.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect()
        }
        _ => {
            let mut counts = std::collections::BTreeMap::new();
            for text in rows.iter().filter_map(|&row| column.text(row)) {
                *counts.entry(text).or_insert(0_usize) += 1;
            }
            counts.into_iter().collect()
        }
    };
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let present: usize = found.iter().map(|(_, count)| count).sum();
    let content = (!found.is_empty()).then_some(Content::Levels(found));
    (content, rows.len() - present)
}

/// `yes (120), no (80), … 3 more`.
fn named(levels: &[(String, usize)]) -> String {
    let first = levels.iter().take(MOST_LEVELS).map(|(level, rows)| format!("{} ({})", cut(level, 30), count(*rows)));
    let mut words: Vec<String> = first.collect();
    if levels.len() > MOST_LEVELS {
        words.push(format!("… {} more", count(levels.len() - MOST_LEVELS)));
    }
    words.join(", ")
}

/// A day since 1970 as a date.
pub(super) fn day(days: f64) -> String {
    let cells = Cells::Date(vec![days.round()].into());
    let column = Column { name: String::new(), cells, oddities: crate::table::Oddities::default() };
    column.text(0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_two_passes() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i * i % 37)).collect();
        let found = Moments::of(values.iter().copied()).unwrap();
        let mean = values.iter().map(|value| value - 1e9).sum::<f64>() / 1000.0;
        let sd = (values.iter().map(|value| (value - 1e9 - mean).powi(2)).sum::<f64>() / 999.0).sqrt();
        // Of numbers near 1e9, whose last bit is 1e-7.
        assert!((found.mean - 1e9 - mean).abs() < 1e-6 && (found.sd - sd).abs() < 1e-6);
        assert_eq!((found.low, found.high, found.n), (1e9, 1e9 + 36.0, 1000));
        assert!(Moments::of(std::iter::empty()).is_none());
    }
}
