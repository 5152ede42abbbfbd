//! Pictures of how a penalty works and how it was chosen.

use plotters::prelude::*;

use super::chart::{Chart, Line, picture};
use super::{BLUE_CLASS, GREEN, INK, ORANGE_CLASS, Picture, finite, shortened};
use crate::error::{Error, Result};
use crate::model::{CrossValidation, CvPoint, Path};

/// The colours of Okabe & Ito (2008) that show on white.
const PALETTE: [RGBColor; 7] = [
    BLUE_CLASS,
    ORANGE_CLASS,
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 90, 90),
];
/// The coefficients that have a name in the picture of a path.
const NAMED: usize = 6;
const PALE: RGBColor = RGBColor(190, 190, 190);

/// The coefficients of columns scaled to a standard deviation of 1 over the logarithm of the penalty; the largest at
/// the penalty chosen, or at the smallest, have names.
///
/// # Shapes
/// `names` (n_outputs · n_columns), as [`crate::model::PathPoint::standardised`].
///
/// # Errors
/// [`Error::Setting`] for a path of fewer than two points; [`Error::Shape`] for another number of names.
pub fn path(path: &Path, names: &[String], chosen: Option<f64>) -> Result<Picture> {
    let (Some(first), Some(last)) = (path.points.first(), path.points.last()) else { return Err(too_short()) };
    let (expected, found) = (first.standardised.len(), names.len());
    if expected != found {
        return Err(Error::Shape { what: "number of names".to_string(), expected, found });
    }
    let x = span(path.points.iter().map(|point| point.total()))?;
    let all = || path.points.iter().flat_map(|point| point.standardised.iter().copied());
    finite("coefficient", all())?;
    let highest = all().fold(0.0, f64::max);
    let lowest = all().fold(0.0, f64::min);
    let room = 0.06 * (highest - lowest).max(f64::MIN_POSITIVE);
    let y = (lowest - room, highest + room);
    let apart = |total: f64| chosen.map_or(total, |chosen| (total / chosen).ln().abs());
    let at = path.points.iter().min_by(|a, b| apart(a.total()).total_cmp(&apart(b.total()))).unwrap_or(last);
    let mut order: Vec<usize> = (0..names.len()).collect();
    let size = |j: usize| (at.standardised[j].abs(), last.standardised[j].abs());
    order.sort_by(|&a, &b| size(b).0.total_cmp(&size(a).0).then(size(b).1.total_cmp(&size(a).1)));
    let longest = order.iter().take(NAMED).map(|&j| shortened(&names[j]).chars().count()).max().unwrap_or(0);
    let line = |name: String, j: usize, colour| {
        let points = path.points.iter().map(|point| (point.total().log10(), point.standardised[j])).collect();
        Line { thin: name.is_empty(), ..Line::new(name, points, colour) }
    };
    let (named, others) = order.split_at(NAMED.min(order.len()));
    let mut lines: Vec<Line> = others.iter().map(|&j| line(String::new(), j, PALE)).collect();
    lines.extend(named.iter().zip(PALETTE).map(|(&j, colour)| line(shortened(&names[j]), j, colour)));
    lines.extend(chosen.map(|total| upright("chosen", total, y)));
    Ok(picture(Chart {
        title: "Regularisation path",
        axes: [axis().to_string(), "coefficient per standard deviation".to_string()],
        x: (x.0, x.1 + room_for_names(longest) * (x.1 - x.0)),
        y,
        lines,
        legend: SeriesLabelPosition::UpperRight,
    }))
}

/// The mean loss of the rows held out over the logarithm of the penalty, with one standard error to either side at the
/// l1 ratio chosen.
///
/// # Errors
/// [`Error::Setting`] for fewer than two penalties, or a loss that is not finite.
pub fn cross_validation(found: &CrossValidation) -> Result<Picture> {
    let x = span(found.values.iter().map(total))?;
    finite("loss", found.values.iter().flat_map(|value| [value.mean_log_loss, value.std_error]))?;
    let ratio = share(found.chosen());
    let alike = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let chosen: Vec<&CvPoint> = found.values.iter().filter(|value| alike(share(value), ratio)).collect();
    let highest = chosen.iter().map(|value| value.mean_log_loss + value.std_error).fold(f64::MIN, f64::max);
    let lowest = chosen.iter().map(|value| value.mean_log_loss - value.std_error).fold(f64::MAX, f64::min);
    let room = 0.05 * (highest - lowest).max(f64::MIN_POSITIVE);
    let mut ratios: Vec<f64> = found.values.iter().map(share).collect();
    ratios.dedup_by(|a, b| alike(*a, *b));
    let bottom = (lowest - room).max(0.0);
    let curves = (bottom, highest + room);
    let y = (bottom, curves.1 + room_for_lines(ratios.len() + 2) * (curves.1 - bottom));
    let mut lines: Vec<Line> = Vec::new();
    for value in &chosen {
        let (at, mean, error) = (total(value).log10(), value.mean_log_loss, value.std_error);
        lines.push(Line { thin: true, ..Line::new("", vec![(at, mean - error), (at, mean + error)], PALE) });
    }
    for (&of, colour) in ratios.iter().zip(PALETTE.iter().copied().cycle()) {
        let own = found.values.iter().filter(|value| alike(share(value), of));
        let points = own.map(|value| (total(value).log10(), value.mean_log_loss)).collect();
        let name =
            if ratios.len() == 1 { "mean ± one standard error".to_string() } else { format!("l1 ratio {of:.2}") };
        let mut line = Line::new(name, points, colour);
        line.thin = !alike(of, ratio);
        lines.push(line);
    }
    let best = total(found.best());
    if found.best == found.chosen {
        lines.push(upright("least loss, chosen", best, curves));
    } else {
        let least = upright("least loss", best, curves);
        lines.push(Line { colour: ORANGE_CLASS, ..least });
        lines.push(upright("chosen: one standard error", total(found.chosen()), curves));
    }
    Ok(picture(Chart {
        title: "Cross-validation",
        axes: [axis().to_string(), "log loss of rows held out (nats per row)".to_string()],
        x,
        y,
        lines,
        legend: SeriesLabelPosition::UpperLeft,
    }))
}

fn axis() -> &'static str {
    "log10 of the penalty l1 + l2"
}

fn total(value: &CvPoint) -> f64 {
    value.l1 + value.l2
}

fn share(value: &CvPoint) -> f64 {
    value.l1 / total(value)
}

/// A dashed line from bottom to top.
fn upright(name: &str, total: f64, y: (f64, f64)) -> Line {
    Line { colour: INK, ..Line::reference(name, vec![(total.log10(), y.0), (total.log10(), y.1)]) }
}

/// The room that a legend of names of so many characters needs beside the lines, as a share of their width.
fn room_for_names(characters: usize) -> f64 {
    let share = ((70.0 + 7.5 * characters as f64) / 550.0).min(0.4);
    share / (1.0 - share)
}

/// The room that a legend of so many lines needs above the curves, as a share of their height.
fn room_for_lines(lines: usize) -> f64 {
    let share = ((30.0 + 16.5 * lines as f64) / 440.0).min(0.4);
    share / (1.0 - share)
}

/// The range of the logarithms, and a little more, so that a line at its end shows.
fn span(totals: impl Iterator<Item = f64> + Clone) -> Result<(f64, f64)> {
    finite("penalty", totals.clone().map(f64::log10))?;
    let low = totals.clone().fold(f64::INFINITY, f64::min).log10();
    let high = totals.fold(0.0, f64::max).log10();
    let room = 0.02 * (high - low);
    if low < high { Ok((low - room, high + room)) } else { Err(too_short()) }
}

fn too_short() -> Error {
    let (expected, found) = ("at least two penalties".to_string(), "fewer".to_string());
    Error::Setting { name: "path", expected, found }
}
