//! Charts of lines.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{BLUE_CLASS, Drawn, GREEN, GRID, Kind, ORANGE_CLASS, Picture, Scale, finite, legend, mesh, thinned};
use crate::error::{Error, Result};
use crate::evaluate::{Calibration, Gains, Interval, PrCurve, RocCurve};

/// Lines over two axes.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) axes: [String; 2],
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) lines: Vec<Line>,
    pub(super) legend: SeriesLabelPosition,
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) colour: RGBColor,
    pub(super) dashed: bool,
    /// Drawn with half the width.
    pub(super) thin: bool,
    /// The radius of a marker at each point, in pixels; none without markers.
    pub(super) markers: Vec<f64>,
    /// Whether the markers stand alone.
    pub(super) points_only: bool,
}

/// Curves of more points look the same with so many.
const MOST_POINTS: usize = 2000;

impl Line {
    pub(super) fn new(name: impl Into<String>, points: Vec<(f64, f64)>, colour: RGBColor) -> Self {
        let points = thinned(&points, MOST_POINTS);
        Line { name: name.into(), points, colour, dashed: false, thin: false, markers: Vec::new(), points_only: false }
    }

    pub(super) fn reference(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Line { dashed: true, ..Line::new(name, points, RGBColor(130, 130, 130)) }
    }
}

impl Chart {
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, scale.text(17.0))
            .margin(scale.px(16.0))
            .set_label_area_size(LabelAreaPosition::Left, scale.px(64.0))
            .set_label_area_size(LabelAreaPosition::Bottom, scale.px(48.0))
            .build_cartesian_2d(self.x.0..self.x.1, self.y.0..self.y.1)?;
        mesh(&mut chart, &self.axes, GRID.to_rgba(), scale)?;
        for line in &self.lines {
            let style = line.colour.stroke_width(scale.wide(if line.dashed || line.thin { 1.0 } else { 2.0 }));
            let points = line.points.iter().copied().filter(|_| !line.points_only);
            let drawn = if line.dashed {
                let (dash, gap) = (scale.px(6.0), scale.px(5.0));
                chart.draw_series(DashedLineSeries::new(points, dash, gap, style))?
            } else {
                chart.draw_series(LineSeries::new(points, style))?
            };
            if !line.name.is_empty() {
                let width = scale.px(22.0);
                drawn.label(&line.name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + width, y)], style));
            }
            let marked = line.points.iter().zip(&line.markers);
            chart.draw_series(marked.map(|(&at, &radius)| Circle::new(at, scale.px(radius), line.colour.filled())))?;
        }
        if self.lines.iter().all(|line| line.name.is_empty()) {
            return Ok(());
        }
        legend(&mut chart, self.legend.clone(), scale)
    }
}

pub(super) fn picture(chart: Chart) -> Picture {
    Picture { kind: Kind::Chart(chart) }
}

/// log p and −log p over the probability p: why the logarithm of the right class's probability makes a loss.
pub fn log_probability() -> Picture {
    let at = |f: fn(f64) -> f64| (1..=400).map(|i| f64::from(i) / 400.0).map(|p| (p, f(p))).collect();
    picture(Chart {
        title: "Logarithm of a probability",
        axes: ["probability p".to_string(), "value".to_string()],
        x: (0.0, 1.0),
        y: (-6.0, 6.0),
        lines: vec![
            Line::new("log p", at(f64::ln), BLUE_CLASS),
            Line::new("−log p (the loss)", at(|p| -p.ln()), ORANGE_CLASS),
        ],
        legend: SeriesLabelPosition::UpperRight,
    })
}

/// The loss after every epoch, or before every iteration; drawn up to the first value that is not finite.
///
/// # Errors
/// [`Error::Setting`] when there is no finite loss to draw.
pub fn training_loss(losses: &[f64], unit: &str) -> Result<Picture> {
    let points: Vec<(f64, f64)> =
        losses.iter().take_while(|loss| loss.is_finite()).zip(1..).map(|(&loss, i)| (f64::from(i), loss)).collect();
    if points.is_empty() {
        let found = "none".to_string();
        return Err(Error::Setting { name: "losses", expected: "at least one finite loss".to_string(), found });
    }
    let highest = points.iter().fold(0.0, |max, p| f64::max(max, p.1));
    let lowest = points.iter().fold(f64::INFINITY, |min, p| f64::min(min, p.1));
    let room = (0.06 * (highest - lowest)).max(1e-3 * highest.abs()).max(f64::MIN_POSITIVE);
    let mut line = Line::new("", points, BLUE_CLASS);
    if line.points.len() <= 60 {
        line.markers = vec![3.0; line.points.len()];
    }
    Ok(picture(Chart {
        title: "Training loss",
        axes: [unit.to_string(), "mean loss (nats per row)".to_string()],
        x: (0.0, losses.len().max(2) as f64),
        y: ((lowest - room).max(if lowest >= 0.0 { 0.0 } else { f64::MIN }), highest + room),
        lines: vec![line],
        legend: SeriesLabelPosition::UpperRight,
    }))
}

/// The ROC curve with its area, the interval of the area where there is one, and the line of chance.
///
/// # Errors
/// [`Error::Setting`] for a rate, an area or an end of the interval that is not finite.
pub fn roc(curve: &RocCurve, interval: Option<Interval>) -> Result<Picture> {
    let ends = interval.iter().flat_map(|interval| [interval.low, interval.high]);
    finite("ROC area", [curve.area].into_iter().chain(ends))?;
    finite("ROC rate", curve.false_positive_rate.iter().chain(&curve.true_positive_rate).copied())?;
    let points = curve.false_positive_rate.iter().copied().zip(curve.true_positive_rate.iter().copied()).collect();
    let between = |Interval { low, high }| format!(" (95 %: {low:.3} to {high:.3})");
    let name = format!("area {:.3}{}", curve.area, interval.map_or(String::new(), between));
    Ok(picture(Chart {
        title: "Receiver operating characteristic",
        axes: ["false positive rate".to_string(), "true positive rate (recall)".to_string()],
        x: (0.0, 1.0),
        y: (0.0, 1.02),
        lines: vec![Line::reference("chance", vec![(0.0, 0.0), (1.0, 1.0)]), Line::new(name, points, BLUE_CLASS)],
        legend: SeriesLabelPosition::LowerRight,
    }))
}

/// The share of the positive rows that is found among a share of all rows, the most probable first, with a marker at
/// each tenth; the line of chance, and that of a model that puts every positive row first.
///
/// # Errors
/// [`Error::Setting`] for a share that is not finite.
pub fn gains(gains: &Gains) -> Result<Picture> {
    finite("gain", gains.share.iter().chain(&gains.gain).copied().chain([gains.base_rate]))?;
    finite("lift", gains.deciles.iter().flat_map(|decile| [decile.share, decile.gain, decile.cumulative_lift]))?;
    let curve = gains.share.iter().copied().zip(gains.gain.iter().copied()).collect();
    let tenths: Vec<(f64, f64)> = gains.deciles.iter().map(|decile| (decile.share, decile.gain)).collect();
    let lift =
        gains.deciles.first().map_or(String::new(), |first| format!(", lift {:.2} in the top tenth", first.lift));
    // The markers stand at the tenths, of which the thinned curve need not have a point.
    let mut markers = Line::new("", tenths, BLUE_CLASS);
    markers.markers = vec![3.5; markers.points.len()];
    markers.points_only = true;
    Ok(picture(Chart {
        title: "Cumulative gains",
        axes: ["share of rows, most probable first".to_string(), "share of positives found".to_string()],
        x: (0.0, 1.0),
        y: (0.0, 1.02),
        lines: vec![
            Line::reference("chance", vec![(0.0, 0.0), (1.0, 1.0)]),
            Line { colour: GREEN, ..Line::reference("perfect", vec![(0.0, 0.0), (gains.base_rate, 1.0), (1.0, 1.0)]) },
            Line::new(format!("model{lift}"), curve, BLUE_CLASS),
            markers,
        ],
        legend: SeriesLabelPosition::LowerRight,
    }))
}

/// Precision against recall with the average precision, and the share of positives as the line of chance.
///
/// # Errors
/// [`Error::Setting`] for a base rate, a rate or an average precision that is not finite.
pub fn precision_recall(curve: &PrCurve, base_rate: f64) -> Result<Picture> {
    finite("base rate", [base_rate])?;
    finite("average precision", [curve.average_precision])?;
    finite("precision or recall", curve.precision.iter().chain(&curve.recall).copied())?;
    // Steps: between two thresholds the precision of the lower one holds.
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(2 * curve.recall.len());
    for (&recall, &precision) in curve.recall.iter().zip(&curve.precision) {
        if let Some(&(_, before)) = points.last() {
            points.push((recall, before));
        }
        points.push((recall, precision));
    }
    Ok(picture(Chart {
        title: "Precision and recall",
        axes: ["recall".to_string(), "precision".to_string()],
        x: (0.0, 1.0),
        y: (0.0, 1.02),
        lines: vec![
            Line::reference(format!("base rate {base_rate:.3}"), vec![(0.0, base_rate), (1.0, base_rate)]),
            Line::new(format!("average precision {:.3}", curve.average_precision), points, BLUE_CLASS),
        ],
        legend: SeriesLabelPosition::LowerLeft,
    }))
}

/// The observed share of positives against the predicted probability, by bins; a marker's area is its bin's weight.
///
/// # Errors
/// [`Error::Setting`] for a bin, an intercept or a slope that is not finite.
pub fn calibration(calibration: &Calibration) -> Result<Picture> {
    finite("bin", calibration.bins.iter().flat_map(|bin| [bin.predicted, bin.observed, bin.weight]))?;
    finite("calibration", calibration.intercept.into_iter().chain(calibration.slope))?;
    let heaviest = calibration.bins.iter().fold(f64::MIN_POSITIVE, |max, bin| f64::max(max, bin.weight));
    let points = calibration.bins.iter().map(|bin| (bin.predicted, bin.observed)).collect();
    let name = match (calibration.intercept, calibration.slope) {
        (Some(intercept), Some(slope)) => format!("intercept {intercept:.2}, slope {slope:.2}").replace('-', "−"),
        _ => "model".to_string(),
    };
    let mut line = Line::new(name, points, GREEN);
    line.markers = calibration.bins.iter().map(|bin| 2.5 + 7.0 * (bin.weight / heaviest).sqrt()).collect();
    Ok(picture(Chart {
        title: "Calibration",
        axes: ["predicted probability".to_string(), "observed share of positives".to_string()],
        x: (0.0, 1.0),
        y: (0.0, 1.02),
        lines: vec![Line::reference("perfect", vec![(0.0, 0.0), (1.0, 1.0)]), line],
        legend: SeriesLabelPosition::UpperLeft,
    }))
}
