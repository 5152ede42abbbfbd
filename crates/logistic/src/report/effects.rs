//! The probability against one column, the others at their mean or their most frequent level.

use maud::{Markup, html};

use super::chart::{Axis, Chart};
use super::columns::{Columns, Content, Described, day};
use super::numbers::{counted, cut, fixed, rounded};
use super::strip::Strip;
use super::{Sample, name, table};
use crate::encode::{Encoder, Kind};
use crate::error::Result;
use crate::loss::logit;
use crate::model::{Delta, Model, around};
use crate::table::{Cells, Table};

/// Points of a curve.
const POINTS: usize = 41;
/// So many columns are drawn.
const MOST_COLUMNS: usize = 24;
/// So many levels are drawn.
const MOST_LEVELS: usize = 20;
/// So many classes are drawn.
const MOST_CLASSES: usize = 6;

/// A probability with the ends of its interval, where it has one.
#[derive(Clone, Copy)]
struct Point {
    value: f64,
    interval: Option<(f64, f64)>,
}

/// A column's effect: where it was moved to, and the probability of every class there.
struct Effect<'a> {
    column: &'a Described<'a>,
    at: At,
    /// One for each place of every drawn class.
    classes: Vec<Vec<Point>>,
}

enum At {
    Numbers(Vec<f64>),
    Levels(Vec<String>),
}

pub(super) fn section(model: &Model, sample: &Sample<'_>, columns: &Columns<'_>) -> Result<Markup> {
    let typical = Typical::of(model, sample, columns);
    let movable: Vec<&Described<'_>> = columns.sources.iter().filter(|column| typical.moves(column)).collect();
    let effects = movable.iter().map(|column| typical.effect(column)).collect::<Result<Vec<_>>>()?;
    // Those that move the probability most, in the order of the columns.
    let mut spans: Vec<f64> = effects.iter().map(Effect::span).collect();
    spans.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = spans.get(MOST_COLUMNS).copied().unwrap_or(f64::NEG_INFINITY);
    let drawn: Vec<&Effect<'_>> = effects.iter().filter(|effect| effect.span() > least).take(MOST_COLUMNS).collect();
    let highest = drawn
        .iter()
        .flat_map(|effect| effect.classes.iter().flatten())
        .fold(0.0, |most, point| f64::max(most, point.interval.map_or(point.value, |(_, high)| high)));
    let top = if highest > 0.5 { 1.0 } else { (highest * 1.05).max(1e-6) };
    let left = columns.sources.len() - drawn.len();
    Ok(html! {
        p { (words(model)) }
        @if drawn.is_empty() { p { "There is no column whose effect can be drawn." } }
        div.effects { @for effect in &drawn { (effect.draw(model, top)) } }
        @if left > 0 {
            p.note { "Not drawn: " (counted(left, "column")) ", for not varying, being dates taken apart, or moving the probability less." }
        }
    })
}

fn words(model: &Model) -> String {
    let classes = &model.encoder.target.classes;
    let what = match classes.as_slice() {
        [_, positive] => format!("the probability of {positive}"),
        classes if classes.len() > MOST_CLASSES => format!("the probability of the first {MOST_CLASSES} classes"),
        _ => "the probability of every class".to_string(),
    };
    let band = match model.covariance.is_empty() {
        _ if model.is_network() => {
            "There are no bands: nothing is known of how far the weights of hidden layers are from what other rows would give."
        }
        false => {
            "Bands and whiskers are intervals of 95 % for it, from the covariance of the coefficients (delta method, on the \
                  scale of the logit)."
        }
        true => {
            "There are no bands: the model has no covariance of its coefficients, as where there is a penalty, the classes \
                 are separated, or there are more than a hundred coefficients."
        }
    };
    format!(
        "How {what} moves with one column, all others held at their mean or their most frequent level. All pictures have the \
         same scale. {band}"
    )
}

/// A row in the middle of all, and the model that scores what is moved from there.
struct Typical<'m> {
    model: &'m Model,
    /// Each column of the encoder, with its value.
    row: Vec<(&'m str, Value)>,
    delta: Option<Delta>,
}

#[derive(Clone)]
enum Value {
    Number(f64),
    Date(f64),
    Level(String),
}

impl<'m> Typical<'m> {
    fn of(model: &'m Model, sample: &Sample<'_>, columns: &Columns<'_>) -> Self {
        let encoder = &model.encoder;
        let described = |name: &str| columns.sources.iter().find(|column| column.name == name);
        let mut row: Vec<(&str, Value)> = Vec::new();
        for source in &encoder.sources {
            if !row.iter().any(|(name, _)| *name == source.name) {
                row.push((&source.name, middle(source.part.is_some(), &source.kind, described(&source.name))));
            }
        }
        if let Some(name) = &encoder.offset {
            let offsets = sample.encoded.dataset.offset().unwrap_or(&[]);
            row.push((name, Value::Number(offsets.iter().sum::<f64>() / offsets.len().max(1) as f64)));
        }
        Typical { model, row, delta: Delta::of(model) }
    }

    /// Whether a column can be moved: over numbers that differ, or between levels that the model knows.
    fn moves(&self, column: &Described<'_>) -> bool {
        let own = || self.model.encoder.sources.iter().filter(|source| source.name == column.name);
        let whole = own().count() == 1 && own().all(|source| source.part.is_none());
        whole
            && match &column.content {
                Content::Numbers(found) => found.low < found.high,
                Content::Levels(_) => known(&self.model.encoder, column).len() > 1,
                Content::Nothing => false,
            }
    }

    fn effect<'a>(&self, column: &'a Described<'a>) -> Result<Effect<'a>> {
        let at = match &column.content {
            Content::Numbers(found) => {
                let step = (found.high - found.low) / (POINTS - 1) as f64;
                let place = |k: usize| (found.low + step * k as f64).min(found.high);
                At::Numbers((0..POINTS).map(place).collect())
            }
            _ => At::Levels(known(&self.model.encoder, column).into_iter().take(MOST_LEVELS).collect()),
        };
        let classes = self.scored(column, &at)?;
        Ok(Effect { column, at, classes })
    }

    /// The probabilities of the drawn classes where the column is moved to these places.
    fn scored(&self, column: &Described<'_>, at: &At) -> Result<Vec<Vec<Point>>> {
        let n = match at {
            At::Numbers(values) => values.len(),
            At::Levels(levels) => levels.len(),
        };
        let cells = |(name, value): &(&str, Value)| {
            let own = *name == column.name;
            let cells = match (value, at) {
                (Value::Number(_), At::Numbers(values)) if own => Cells::Number(values.clone().into()),
                (Value::Date(_), At::Numbers(values)) if own => Cells::Date(values.clone().into()),
                (Value::Level(_), At::Levels(levels)) if own => {
                    Cells::Text { codes: (0..n as u32).collect::<Vec<u32>>().into(), levels: levels.clone() }
                }
                (Value::Number(value), _) => Cells::Number(vec![*value; n].into()),
                (Value::Date(value), _) => Cells::Date(vec![*value; n].into()),
                (Value::Level(level), _) => Cells::Text { codes: vec![0; n].into(), levels: vec![level.clone()] },
            };
            ((*name).to_string(), cells)
        };
        let moved = Table::from_columns("effects", n, self.row.iter().map(cells).collect())?;
        let encoded = self.model.encoder.features(&moved)?;
        let n_classes = self.model.encoder.target.classes.len();
        let probabilities = self.model.class_probabilities(&encoded);
        let drawn = if n_classes == 2 { 1..2 } else { 0..n_classes.min(MOST_CLASSES) };
        let mut classes = vec![Vec::with_capacity(n); drawn.len()];
        for (row, probabilities) in probabilities.chunks_exact(n_classes).enumerate() {
            let (design, _) = encoded.dataset.get(row)?;
            for (points, class) in classes.iter_mut().zip(drawn.clone()) {
                points.push(self.point(&design, probabilities, class));
            }
        }
        Ok(classes)
    }

    /// A probability with its interval.
    fn point(&self, design: &[f64], probabilities: &[f64], class: usize) -> Point {
        let value = probabilities[class];
        let half = self.delta.as_ref().map(|delta| delta.half(design, probabilities, class, &mut Vec::new()));
        Point { value, interval: half.and_then(|half| around(logit(value), half)) }
    }
}

/// The levels that the model knows, the most frequent first.
fn known(encoder: &Encoder, column: &Described<'_>) -> Vec<String> {
    let own = encoder.sources.iter().find(|source| source.name == column.name);
    match (own.map(|source| &source.kind), &column.content) {
        (Some(Kind::Categorical { levels, .. }), Content::Levels(found)) => {
            found.iter().map(|(level, _)| level).filter(|level| levels.contains(level)).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// The middle of a column: the mean, or the most frequent level.
fn middle(apart: bool, kind: &Kind, described: Option<&Described<'_>>) -> Value {
    let mean = described.and_then(|column| match &column.content {
        Content::Numbers(found) => Some(found.mean),
        _ => None,
    });
    match kind {
        _ if apart => Value::Date(mean.unwrap_or(0.0).round()),
        Kind::Date { fill } => Value::Date(mean.or(*fill).unwrap_or(0.0)),
        Kind::Numeric { fill, .. } => Value::Number(mean.or(*fill).unwrap_or(0.0)),
        Kind::Categorical { levels, fill, .. } => {
            let found = described.and_then(|column| match &column.content {
                Content::Levels(found) => found.iter().map(|(level, _)| level).find(|level| levels.contains(level)),
                _ => None,
            });
            Value::Level(found.or(fill.as_ref()).or(levels.first()).cloned().unwrap_or_default())
        }
    }
}

impl Effect<'_> {
    /// How far the probability moves.
    fn span(&self) -> f64 {
        let of = |points: &Vec<Point>| {
            let ends =
                points.iter().fold((1.0, 0.0), |(low, high), p| (f64::min(low, p.value), f64::max(high, p.value)));
            ends.1 - ends.0
        };
        self.classes.iter().map(of).fold(0.0, f64::max)
    }

    fn draw(&self, model: &Model, top: f64) -> Markup {
        let classes = &model.encoder.target.classes;
        let names: Vec<&str> = match classes.len() {
            2 => vec!["Probability"],
            _ => classes.iter().take(MOST_CLASSES).map(String::as_str).collect(),
        };
        html! {
            figure.effect {
                h3 { (name(&cut(self.column.name, 60))) }
                @match &self.at {
                    At::Numbers(values) => (self.curve(values, &names, top)),
                    At::Levels(levels) => (self.levels(levels, &names, top)),
                }
            }
        }
    }

    fn curve(&self, values: &[f64], names: &[&str], top: f64) -> Markup {
        let date = matches!(self.column.cells, Cells::Date(_));
        let (low, high) = (values[0], values[values.len() - 1]);
        let mut x = Axis::over(low, high, &cut(self.column.name, 40));
        if date {
            x.ticks = [low, (low + high) / 2.0, high].map(|at| (at, day(at))).to_vec();
        }
        let text = |value: f64| if date { day(value) } else { rounded(value) };
        let ends = |points: &Vec<Point>| {
            format!("from {} to {}", fixed(points[0].value, 3), fixed(points[points.len() - 1].value, 3))
        };
        let told: Vec<String> = names
            .iter()
            .zip(&self.classes)
            .map(|(name, points)| format!("{} {}", name.to_lowercase(), ends(points)))
            .collect();
        let words = format!("Between {} and {}, {}.", text(low), text(high), told.join("; "));
        let chart = Chart::low(
            &format!("Probability against {}", self.column.name),
            words,
            x,
            Axis::over(0.0, top, "Probability"),
        );
        let band = |points: &Vec<Point>| -> Vec<(f64, f64, f64)> {
            values
                .iter()
                .zip(points)
                .filter_map(|(&x, point)| point.interval.map(|(low, high)| (x, low, high)))
                .collect()
        };
        let shown: Vec<usize> = (0..=4).map(|part| part * (values.len() - 1) / 4).collect();
        let rows: Vec<Vec<Markup>> = shown
            .into_iter()
            .map(|k| {
                std::iter::once(html! { (text(values[k])) })
                    .chain(self.classes.iter().map(|p| point_cell(p[k])))
                    .collect()
            })
            .collect();
        let header: Vec<&str> = std::iter::once(self.column.name).chain(names.iter().copied()).collect();
        html! {
            (chart.draw(&html! {
                @for (k, points) in self.classes.iter().enumerate() {
                    @let band = band(points);
                    @if !band.is_empty() { (chart.band(&band, &format!("band c{k}"))) }
                }
                @for (k, points) in self.classes.iter().enumerate() {
                    (chart.line(values.iter().copied().zip(points.iter().map(|p| p.value)), &format!("line c{k}")))
                }
            }))
            @if names.len() > 1 {
                figcaption { span.key { @for (k, name) in names.iter().enumerate() { span class={ "swatch c" (k) } {} (cut(name, 24)) " " } } }
            }
            details { summary { "The values" } (table(&format!("Probability by {}", self.column.name), &header, &rows)) }
        }
    }

    fn levels(&self, levels: &[String], names: &[&str], top: f64) -> Markup {
        let strip = Strip::probabilities(top);
        let more = match &self.column.content {
            Content::Levels(all) => all.len().saturating_sub(levels.len()),
            _ => 0,
        };
        let caption = format!("Probability by {}", self.column.name);
        html! {
            div.wide role="region" aria-label=(caption) tabindex="0" {
                table.strips.solo[names.len() == 1] role="table" {
                    caption { (caption) }
                    thead {
                        tr role="row" {
                            th scope="col" { "Level" }
                            @for name in names { th scope="col" colspan="2" { (cut(name, 24)) } }
                        }
                    }
                    tbody {
                        @for (k, level) in levels.iter().enumerate() {
                            tr role="row" {
                                th scope="row" role="rowheader" { (cut(level, 30)) }
                                @for points in &self.classes {
                                    td.picture role="cell" { (strip.row(Some(points[k].value), points[k].interval)) }
                                    td role="cell" { (point_cell(points[k])) }
                                }
                            }
                        }
                    }
                    tfoot { tr { td {} @for _ in names { td.picture { (strip.scale()) } td {} } } }
                }
            }
            @if more > 0 { p.note { "Left out: " (counted(more, "level")) ", rarer or not known to the model." } }
        }
    }
}

fn point_cell(point: Point) -> Markup {
    html! {
        (fixed(point.value, 3))
        @if let Some((low, high)) = point.interval {
            " " span.interval { "(" (fixed(low, 3)) " to " (fixed(high, 3)) ")" }
        }
    }
}
