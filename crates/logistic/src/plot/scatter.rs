//! Points of two classes, with the decision boundary and the probability behind them.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{
    Axes, BLUE_CLASS, Drawn, GRID, INK, Kind, ORANGE_CLASS, Picture, Scale, finite, legend, mesh, shortened, thinned,
    tick,
};
use crate::error::{Error, Result};
use crate::loss::{logit, sigmoid};

/// A linear classifier of two columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boundary {
    /// The coefficients of the two columns.
    pub weight: [f64; 2],
    /// The intercept.
    pub bias: f64,
    /// Probabilities of at least this are called positive.
    pub threshold: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Scatter {
    points: Vec<([f64; 2], bool)>,
    axes: [String; 2],
    classes: [String; 2],
    boundary: Option<Boundary>,
    x: (f64, f64),
    y: (f64, f64),
}

/// More points would cover each other.
const MOST_POINTS: usize = 5000;
/// Tiles of the shading along each axis.
const TILES: usize = 48;

/// Tiles of one shade beside each other, which are drawn as one: far from the boundary most are.
struct Run {
    row: usize,
    start: usize,
    end: usize,
    colour: RGBColor,
}

/// Points by class, `positive` true for the second of `classes`; with a boundary also its line, and the probability
/// of the second class as shading.
///
/// # Errors
/// [`Error::Shape`] when `points` and `positive` differ in length; [`Error::Setting`] when there are none, or for a
/// number that is not finite.
pub fn scatter(
    points: &[[f64; 2]],
    positive: &[bool],
    axes: [&str; 2],
    classes: [&str; 2],
    boundary: Option<Boundary>,
) -> Result<Picture> {
    if points.len() != positive.len() {
        let what = "length of positive".to_string();
        return Err(Error::Shape { what, expected: points.len(), found: positive.len() });
    }
    if points.is_empty() {
        let expected = "at least one point".to_string();
        return Err(Error::Setting { name: "points", expected, found: "none".to_string() });
    }
    finite("points", points.iter().flatten().copied())?;
    // Beyond this the drawing library's search for ticks does not end.
    if let Some(far) = points.iter().flatten().find(|value| value.abs() > 1e100) {
        let expected = "within 1e100 of zero".to_string();
        return Err(Error::Setting { name: "points", expected, found: far.to_string() });
    }
    if let Some(Boundary { weight, bias, threshold }) = boundary {
        finite("boundary", [weight[0], weight[1], bias, logit(threshold)])?;
    }
    let both = || points.iter().copied().zip(positive.iter().copied());
    // Each class by itself: every second row of a file may be of one class.
    let of_class = |class: bool| -> Vec<([f64; 2], bool)> { both().filter(|point| point.1 == class).collect() };
    let thinned = [false, true].map(|class| thinned(&of_class(class), MOST_POINTS / 2)).concat();
    Ok(Picture {
        kind: Kind::Scatter(Scatter {
            points: thinned,
            axes: axes.map(shortened),
            classes: classes.map(shortened),
            boundary,
            x: range(points.iter().map(|p| p[0])),
            y: range(points.iter().map(|p| p[1])),
        }),
    })
}

/// The range of the values, and a little room.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let span = high - low;
    let alone = if span > 0.0 { 1e-9 * high.abs() } else { (1e-3 * high.abs()).max(1e-6) };
    let room = (0.05 * span).max(alone);
    (low - room, high + room)
}

/// Blue for 0, white for ½, orange for 1.
fn shade(probability: f64) -> RGBColor {
    let (towards, strength) =
        if probability < 0.5 { (BLUE_CLASS, 1.0 - 2.0 * probability) } else { (ORANGE_CLASS, 2.0 * probability - 1.0) };
    let channel = |c: u8| (255.0 + 0.5 * strength * (f64::from(c) - 255.0)).round() as u8;
    RGBColor(channel(towards.0), channel(towards.1), channel(towards.2))
}

impl Scatter {
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        let (width, _) = area.dim_in_pixel();
        let bar = if self.boundary.is_some() { scale.px(84.0) } else { 0 };
        let (main, side) = area.split_horizontally(width as i32 - bar);
        let title = if self.boundary.is_some() { "Decision boundary" } else { "Data by class" };
        let mut chart = ChartBuilder::on(&main)
            .caption(title, scale.text(17.0))
            .margin(scale.px(16.0))
            .set_label_area_size(LabelAreaPosition::Left, scale.px(58.0))
            .set_label_area_size(LabelAreaPosition::Bottom, scale.px(48.0))
            .build_cartesian_2d(self.x.0..self.x.1, self.y.0..self.y.1)?;
        if let Some(boundary) = &self.boundary {
            self.shading(&mut chart, boundary)?;
        }
        let grid = GRID.mix(if self.boundary.is_some() { 0.0 } else { 1.0 });
        mesh(&mut chart, &self.axes, grid, scale)?;
        self.classes(&mut chart, scale)?;
        if let Some(boundary) = &self.boundary {
            self.line(&mut chart, boundary, scale)?;
            colour_bar(&side, scale)?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft, scale)
    }

    fn shading<DB: DrawingBackend>(&self, chart: &mut Axes<'_, DB>, boundary: &Boundary) -> Drawn<DB> {
        let step = ((self.x.1 - self.x.0) / TILES as f64, (self.y.1 - self.y.0) / TILES as f64);
        let edge = |column: usize, row: usize| (self.x.0 + step.0 * column as f64, self.y.0 + step.1 * row as f64);
        let mut runs: Vec<Run> = Vec::new();
        for (row, column) in (0..TILES * TILES).map(|tile| (tile / TILES, tile % TILES)) {
            let (x, y) = edge(column, row);
            let (cx, cy) = (x + step.0 / 2.0, y + step.1 / 2.0);
            let colour = shade(sigmoid(boundary.weight[0] * cx + boundary.weight[1] * cy + boundary.bias));
            match runs.last_mut() {
                Some(run) if run.row == row && run.colour == colour => run.end = column + 1,
                _ => runs.push(Run { row, start: column, end: column + 1, colour }),
            }
        }
        let rectangle =
            |run: Run| Rectangle::new([edge(run.start, run.row), edge(run.end, run.row + 1)], run.colour.filled());
        chart.draw_series(runs.into_iter().map(rectangle)).map(|_| ())
    }

    fn classes<DB: DrawingBackend>(&self, chart: &mut Axes<'_, DB>, scale: Scale) -> Drawn<DB> {
        let radius = scale.px(if self.points.len() > 1500 { 2.0 } else { 2.8 });
        for (positive, colour) in [(false, BLUE_CLASS), (true, ORANGE_CLASS)] {
            let of_class = self.points.iter().filter(|(_, class)| *class == positive);
            let style = colour.mix(0.8).filled();
            chart
                .draw_series(of_class.map(|([x, y], _)| Circle::new((*x, *y), radius, style)))?
                .label(&self.classes[usize::from(positive)])
                .legend(move |(x, y)| Circle::new((x + scale.px(8.0), y), scale.px(4.0), colour.filled()));
        }
        Ok(())
    }

    /// The line where the probability is the threshold, inside the view; nothing where it passes outside.
    fn line<DB: DrawingBackend>(&self, chart: &mut Axes<'_, DB>, boundary: &Boundary, scale: Scale) -> Drawn<DB> {
        let Boundary { weight: [a, b], bias, threshold } = *boundary;
        let level = logit(threshold) - bias;
        // Each edge of the view gives at most one end.
        let mut ends: Vec<(f64, f64)> = Vec::new();
        for x in [self.x.0, self.x.1] {
            let y = (level - a * x) / b;
            if b != 0.0 && (self.y.0..=self.y.1).contains(&y) {
                ends.push((x, y));
            }
        }
        for y in [self.y.0, self.y.1] {
            let x = (level - b * y) / a;
            if a != 0.0 && (self.x.0..=self.x.1).contains(&x) {
                ends.push((x, y));
            }
        }
        // A line through a corner meets two edges there; the outermost two ends are the line.
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { return Ok(()) };
        if first == last {
            return Ok(());
        }
        let style = INK.stroke_width(scale.wide(2.0));
        let length = scale.px(16.0);
        chart
            .draw_series(LineSeries::new([first, last], style))?
            .label(format!("probability {threshold}"))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + length, y)], style));
        Ok(())
    }
}

/// The key of the shading.
fn colour_bar<DB: DrawingBackend>(area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
    let (_, height) = area.dim_in_pixel();
    let (top, bottom) = (scale.px(70.0), height as i32 - scale.px(90.0));
    let width = scale.px(16.0);
    let steps = 64;
    for step in 0..steps {
        let p = 1.0 - (f64::from(step) + 0.5) / f64::from(steps);
        let (from, to) = (top + (bottom - top) * step / steps, top + (bottom - top) * (step + 1) / steps);
        area.draw(&Rectangle::new([(0, from), (width, to)], shade(p).filled()))?;
    }
    area.draw(&Rectangle::new([(0, top), (width, bottom)], INK.stroke_width(scale.wide(1.0))))?;
    let style = scale.text(12.0).pos(Pos::new(HPos::Left, VPos::Center));
    for p in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = bottom - (f64::from(bottom - top) * p).round() as i32;
        area.draw(&Text::new(tick(p), (width + scale.px(6.0), y), style.clone()))?;
    }
    let heading = scale.text(12.0).pos(Pos::new(HPos::Left, VPos::Bottom));
    area.draw(&Text::new("probability", (scale.px(-8.0), top - scale.px(10.0)), heading))
}
