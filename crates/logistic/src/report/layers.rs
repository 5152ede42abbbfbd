//! Hidden layers: what they are, how they were trained, and what they add to a line.

use maud::{Markup, html};

use super::chart::{Axis, Chart};
use super::columns::{Columns, Content};
use super::numbers::{count, counted, cut, fixed, precise, rounded, share};
use super::scored::Scored;
use super::spread::EqualSpread;
use super::{Sample, cell, table};
use crate::encode::{Kind, Source};
use crate::error::Result;
use crate::model::{Model, Training};
use crate::objective::Network;
use crate::table::{Cells, Table};

/// So many epochs are listed.
const MOST_EPOCHS: usize = 20;
/// Places of the map along either axis.
const ACROSS: usize = 72;
const UP: usize = 48;
/// Shades of the map on either side of one half.
const SHADES: f64 = 8.0;
/// So many rows are drawn.
const MOST_POINTS: usize = 600;

/// The layers one by one.
pub(super) fn section(network: &Network) -> Markup {
    let layers = network.layers();
    let last = layers.sizes().len() - 2;
    let row = |(at, sizes): (usize, &[usize])| {
        let (name, activation) = match at == last {
            true => ("Output".to_string(), "–"),
            false => (format!("Hidden {}", at + 1), layers.activation().name()),
        };
        let numbers = [sizes[0], sizes[1], (sizes[0] + 1) * sizes[1]];
        let mut cells = vec![html! { (name) }];
        cells.extend(numbers.map(|number| html! { (count(number)) }));
        cells.push(html! { (activation) });
        cells
    };
    let rows: Vec<Vec<Markup>> = layers.sizes().windows(2).enumerate().map(row).collect();
    html! {
        p {
            "There are no coefficients: a hidden unit sums weights times columns, bends the sum, and hands it on. No weight has a \
             meaning by itself, so that there are no odds ratios, no standard errors and no tests. The effects below show what the \
             probability does."
        }
        (table("Layers", &["Layer", "Inputs", "Units", "Weights and biases", "Activation"], &rows))
    }
}

/// What was trained, in a line.
pub(super) fn method(model: &Model) -> String {
    let hidden = model.network.as_ref().map_or(&[][..], |network| network.layers().hidden());
    let units: Vec<String> = hidden.iter().map(|&units| count(units)).collect();
    let penalty = match model.facts.l2 > 0.0 {
        true => format!(", ridge penalty, l2 = {}, on standardised columns", rounded(model.facts.l2)),
        false => String::new(),
    };
    format!("mean log loss through hidden layers of {} units{penalty}", units.join(" and "))
}

/// Why nothing proves that there is no better network.
pub(super) fn certificate() -> &'static str {
    "There is no certificate. The objective of hidden layers has many valleys, and the training ends in one of them: another \
     seed ends in another. What it is worth is told by rows that it was not trained on."
}

/// The losses of all epochs.
pub(super) fn training(model: &Model, training: &Training) -> Markup {
    let none = Vec::new();
    let validation = training.validation.as_ref();
    let (fitted, apart) = (&model.trace, validation.map_or(&none, |validation| &validation.losses));
    let all = || fitted.iter().chain(apart);
    let (low, high) =
        all().fold((f64::INFINITY, 0.0), |(low, high), &loss| (f64::min(low, loss), f64::max(high, loss)));
    let pad = 0.05 * (high - low);
    let mut x = Axis::over(1.0, fitted.len().max(2) as f64, "Epoch");
    x.ticks.retain(|(value, _)| value.fract() == 0.0);
    let words = format!(
        "{}.{}",
        span("Mini-batches", fitted),
        if apart.is_empty() { String::new() } else { format!(" {}.", span("Rows kept apart", apart)) }
    );
    let y = Axis::over(low - pad, high + pad, "Mean loss, nats per row");
    let chart = Chart::low("Training curve", words.clone(), x, y);
    let points =
        |losses: &[f64]| losses.iter().zip(1..).map(|(&loss, epoch)| (f64::from(epoch), loss)).collect::<Vec<_>>();
    let marks = html! {
        @if let Some(validation) = validation {
            (chart.whisker(validation.best_epoch as f64, (low - pad, high + pad), "reference"))
        }
        (chart.line(points(fitted), "line c0"))
        (chart.line(points(apart), "line c1"))
        @if let Some(validation) = validation {
            (chart.dot((validation.best_epoch as f64, validation.best_loss()), "dot here"))
        }
    };
    let every = fitted.len().div_ceil(MOST_EPOCHS);
    let best = validation.map(|validation| validation.best_epoch);
    let listed =
        (1..=fitted.len()).filter(|epoch| (epoch - 1) % every == 0 || *epoch == fitted.len() || Some(*epoch) == best);
    let row = |epoch: usize| {
        let kept = if Some(epoch) == best { " (kept)" } else { "" };
        vec![html! { (epoch) (kept) }, html! { (precise(fitted[epoch - 1])) }, cell(apart.get(epoch - 1).copied())]
    };
    let rows: Vec<Vec<Markup>> = listed.map(row).collect();
    html! {
        p { (words) " " (stopped(model, training)) }
        figure {
            (chart.draw(&marks))
            figcaption.key {
                span.swatch.c0 {} "Mini-batches" @if model.facts.l2 > 0.0 { ", penalty included" }
                @if validation.is_some() { span.swatch.c1 {} "Rows kept apart; the dot is the epoch that was kept" }
            }
        }
        details { summary { "The values" } (table("Mean loss by epoch", &["Epoch", "Mini-batches", "Rows kept apart"], &rows)) }
    }
}

/// `Mini-batches: from 0.61 to 0.03`.
fn span(name: &str, losses: &[f64]) -> String {
    let of = |loss: Option<&f64>| loss.map_or("–".to_string(), |&loss| fixed(loss, 4));
    format!("{name}: from {} to {}", of(losses.first()), of(losses.last()))
}

/// Why the training ended where it did.
fn stopped(model: &Model, training: &Training) -> String {
    let run = count(model.trace.len());
    let Some(validation) = &training.validation else {
        return format!("All {run} epochs were run, and the last is kept: no rows were kept apart to stop by.");
    };
    let why = match model.trace.len() < training.epochs {
        true => format!(
            "the {} after it brought none lower, and the training stopped",
            counted(validation.patience, "epoch")
        ),
        false => "all epochs that were allowed have been run".to_string(),
    };
    format!(
        "The loss of {} rows kept apart was least after epoch {}, whose parameters were kept; {why}.",
        count(validation.n_rows),
        validation.best_epoch
    )
}

/// What the layers add to a line, and where they cannot.
pub(super) fn added(
    model: &Model,
    training: &Training,
    [data, measured]: [Option<&Sample<'_>>; 2],
    columns: Option<&Columns<'_>>,
    scored: Option<&Scored<'_>>,
) -> Result<Markup> {
    let spread = data.zip(measured).and_then(|(data, measured)| EqualSpread::of(data, measured));
    Ok(html! {
        p {
            "A logistic regression parts the classes by a line (with more columns, a plane). Hidden layers bend it. That helps \
             where the classes are not parted by a line, and nowhere else. Two Gaussians of equal spread are the textbook case: \
             their log odds are linear in the columns exactly, so that the best rule there is, Bayes’s, is a line. Layers cannot \
             be right more often than it is; all that they can find beyond is the noise of the training rows."
        }
        (losses(model, training))
        @match (spread, scored, measured) {
            (Some(spread), Some(scored), Some(measured)) => { (against_line(&spread, scored, measured)) }
            _ => {
                p.note {
                    "The comparison with the best rule for two Gaussians of equal spread needs rows of two classes whose columns \
                     are all numbers; there is none here."
                }
            }
        }
        @if let (Some(columns), Some(measured)) = (columns, measured) { (map(model, columns, measured)?) }
    })
}

/// Mean losses with layers and without.
fn losses(model: &Model, training: &Training) -> Markup {
    let facts = &model.facts;
    let without = training.without_layers;
    let fitted = -facts.log_likelihood / facts.total_weight;
    let mut pairs = vec![("Rows of the fit".to_string(), fitted, without.map(|without| without.fitted))];
    if let Some(validation) = &training.validation {
        let name = format!("{} rows kept apart", count(validation.n_rows));
        pairs.push((name, validation.best_loss(), without.and_then(|without| without.apart)));
    }
    let row = |(name, loss, linear): &(String, f64, Option<f64>)| {
        let gain = linear.map(|linear| linear - loss);
        vec![html! { (name) }, cell(Some(*loss)), cell(*linear), cell(gain)]
    };
    let rows: Vec<Vec<Markup>> = pairs.iter().map(row).collect();
    html! {
        h3 { "With layers and without" }
        (table("Mean log loss, nats per row", &["Rows", "With layers", "Without", "Lower by"], &rows))
        p.note {
            "Without: a logistic regression of the same columns on the same rows, under the same penalty."
            @if training.validation.is_some() {
                " The epoch was chosen by the rows kept apart, so that their loss with layers is a little too good."
            }
            @if without.is_none() { " It was not fitted: the columns are too many for a comparison alone." }
        }
    }
}

/// The network beside the best line for two Gaussians of equal spread.
fn against_line(spread: &EqualSpread, scored: &Scored<'_>, measured: &Sample<'_>) -> Markup {
    let found = spread.beside(scored, measured);
    let rows = vec![
        vec![html! { "These layers, on " (scored.name) }, html! { (share(Some(found.network))) }],
        vec![html! { "The line, on the same rows" }, html! { (share(Some(found.line))) }],
        vec![
            html! { "The Bayes rate: that line in the long run, if the classes were such Gaussians" },
            html! { (share(Some(spread.rate))) },
        ],
    ];
    html! {
        h3 { "Against the best rule for two Gaussians of equal spread" }
        p {
            "Suppose that each class were a Gaussian, both with the covariance that the rows have within the classes. Then the \
             best rule would be the line of Fisher’s discriminant, and the share that it gets right would follow from the \
             distance of the means, " (fixed(spread.distance, 3)) " standard deviations."
        }
        (table("Share of rows on the right side of one half", &["Rule", "Right"], &rows))
        p { (verdict(found.network - found.line, found.std_error)) }
    }
}

/// What a difference between layers and line says.
fn verdict(more: f64, std_error: f64) -> String {
    let (size, chance) = (format!("{:.1} %", 100.0 * more.abs()), format!("{:.1} %", 196.0 * std_error));
    match more.abs() <= 1.96 * std_error {
        _ if std_error == 0.0 => {
            "The layers are right on the same rows as the line: nothing here says that layers help.".to_string()
        }
        true => format!(
            "The layers and the line differ on {size} of the rows, which chance alone explains (± {chance}): nothing here says that \
             layers help."
        ),
        false if more > 0.0 => format!(
            "The layers are right on {size} more of the rows than the line (± {chance}), more than chance explains: the classes are \
             not two such Gaussians, and the bend is worth having."
        ),
        false => format!(
            "The layers are right on {size} fewer of the rows than the line (± {chance}), more than chance explains: a logistic \
             regression is the better model here."
        ),
    }
}

/// The probability over the plane, where there are two columns of numbers and two classes.
fn map(model: &Model, columns: &Columns<'_>, measured: &Sample<'_>) -> Result<Markup> {
    let encoder = &model.encoder;
    let plain = |source: &Source| source.part.is_none() && matches!(source.kind, Kind::Numeric { .. });
    let (2, None, [first, second]) = (encoder.target.classes.len(), &encoder.offset, encoder.sources.as_slice()) else {
        return Ok(html! {});
    };
    let range = |source: &Source| {
        let found = columns.sources.iter().find(|column| column.name == source.name).map(|column| &column.content);
        if let Some(Content::Numbers(found)) = found { Some((found.low, found.high)) } else { None }
    };
    let (Some(x), Some(y), true) = (range(first), range(second), plain(first) && plain(second)) else {
        return Ok(html! {});
    };
    let steps = |(low, high): (f64, f64), n: usize| -> Vec<f64> {
        (0..=n).map(|k| low + (high - low) * k as f64 / n as f64).collect()
    };
    let (xs, ys) = (steps(x, ACROSS), steps(y, UP));
    let middles = |ends: &[f64]| ends.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect::<Vec<f64>>();
    let places = middles(&ys).into_iter().flat_map(|y| middles(&xs).into_iter().map(move |x| (x, y)));
    let (across, up): (Vec<f64>, Vec<f64>) = places.unzip();
    let cells =
        vec![(first.name.clone(), Cells::Number(across.into())), (second.name.clone(), Cells::Number(up.into()))];
    let plane = Table::from_columns("map", ACROSS * UP, cells)?;
    let probability = model.probabilities(&encoder.features(&plane)?);
    if probability.len() != ACROSS * UP {
        return Ok(html! {});
    }
    let positive = encoder.target.positive();
    let description = format!("The probability of {positive} over the plane of {} and {}.", first.name, second.name);
    let chart = Chart::square(
        "The probability over both columns",
        description,
        Axis::over(x.0, x.1, &cut(&first.name, 40)),
        Axis::over(y.0, y.1, &cut(&second.name, 40)),
    );
    let marks = html! {
        @for (row, ends) in probability.chunks_exact(ACROSS).zip(ys.windows(2)) {
            @for (shade, from, to) in runs(row) {
                (chart.tile((xs[from], xs[to]), (ends[0], ends[1]), if shade > 0.0 { "tile c0" } else { "tile c1" }, 0.7 * shade.abs() / SHADES))
            }
        }
        (points(&chart, measured, [first, second]))
    };
    Ok(html! {
        h3 { "What the layers draw" }
        figure {
            (chart.draw(&marks))
            figcaption.key {
                span.swatch.c0 {} (positive) span.swatch.c1 {} (encoder.target.negative())
                ". The fuller the colour, the surer; the plane is bare where the probability is one half. Dots are rows."
            }
        }
    })
}

/// Neighbours of one shade, from −[`SHADES`] to [`SHADES`]: the shade, and where they begin and end. Those of none are left
/// out.
fn runs(probabilities: &[f64]) -> Vec<(f64, usize, usize)> {
    let shades: Vec<f64> = probabilities.iter().map(|p| (SHADES * (2.0 * p - 1.0)).round()).collect();
    let mut runs = Vec::new();
    let mut from = 0;
    for run in shades.chunk_by(|a, b| a == b) {
        runs.push((run[0], from, from + run.len()));
        from += run.len();
    }
    runs.retain(|(shade, ..)| *shade != 0.0);
    runs
}

/// Some of the rows, evenly chosen.
fn points(chart: &Chart, measured: &Sample<'_>, sources: [&Source; 2]) -> Markup {
    let encoded = measured.encoded;
    let all: Vec<usize> = measured.rows.map_or_else(|| (0..encoded.dataset.len()).collect(), <[usize]>::to_vec);
    let column = |source: &Source| match measured.table.column(&source.name).map(|column| &column.cells) {
        Ok(Cells::Number(values)) => Some(values),
        _ => None,
    };
    let [Some(x), Some(y)] = sources.map(column) else { return html! {} };
    let every = all.len().div_ceil(MOST_POINTS).max(1);
    let placed = all.iter().step_by(every).filter_map(|&place| {
        let row = encoded.rows.get(place)?;
        Some(((x.get(row)?, y.get(row)?), encoded.dataset.y()[place]))
    });
    html! {
        @for (at, outcome) in placed.filter(|((x, y), _)| x.is_finite() && y.is_finite()) {
            (chart.dot(at, if outcome == 1.0 { "dot small c0" } else { "dot small c1" }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_shade_are_one_tile() {
        let probabilities = [1.0, 0.999, 0.5, 0.51, 0.0, 0.25];
        assert_eq!(runs(&probabilities), [(8.0, 0, 2), (-8.0, 4, 5), (-4.0, 5, 6)]);
    }

    /// 20 of 200 rows more, give or take 2·√(25)/200; 1 of 200, give or take 2·√3/200.
    #[test]
    fn a_difference_is_told_from_chance() {
        assert!(verdict(0.1, 0.025).contains("10.0 % more"));
        assert!(verdict(-0.1, 0.025).contains("10.0 % fewer"));
        assert!(verdict(0.0, 0.0).contains("right on the same rows"));
        assert!(verdict(0.005, 0.0087).contains("nothing here says that layers help"));
    }
}
