//! Pictures of a model and its evaluation, as SVG and PNG, with a font of their own.
//!
//! Drawn with plotters in DejaVu Sans, of which the Latin, Greek and mathematical signs stand in `assets/`; nothing
//! of the system is needed.

mod chart;
mod matrix;
mod penalty;
mod scatter;

pub use chart::{calibration, gains, log_probability, precision_recall, roc, training_loss};
pub use matrix::{confusion_matrix, multi_confusion_matrix};
pub use penalty::{cross_validation, path};
pub use scatter::{Boundary, scatter};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::error::{Error, Result};
use crate::file::OutputFile;

/// Something drawn.
#[derive(Clone, Debug)]
pub struct Picture {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Chart(chart::Chart),
    Matrix(matrix::Matrix),
    Scatter(scatter::Scatter),
}

/// Width and height in pixels of an SVG; a PNG has twice as many.
const SIZE: (u32, u32) = (640, 520);
const PNG_SCALE: u32 = 2;
/// The name the font is registered under is what an SVG asks for: a list, for where DejaVu Sans is not installed.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
/// The colours of Okabe & Ito (2008), told apart by colour-blind eyes.
const BLUE_CLASS: RGBColor = RGBColor(0, 114, 178);
const ORANGE_CLASS: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// Lengths in a picture, times the scale it is drawn at.
#[derive(Clone, Copy)]
struct Scale(f64);

impl Scale {
    fn px(self, length: f64) -> i32 {
        (length * self.0).round() as i32
    }

    fn wide(self, length: f64) -> u32 {
        (length * self.0).round() as u32
    }

    fn text(self, size: f64) -> TextStyle<'static> {
        (FONT, size * self.0).into_font().color(&INK)
    }
}

type Drawn<DB> = std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

type Axes<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Axes with their names and ticks, over grid lines of colour `grid`.
fn mesh<'a, DB: DrawingBackend + 'a>(
    axes: &mut Axes<'a, DB>,
    names: &[String; 2],
    grid: RGBAColor,
    scale: Scale,
) -> Drawn<DB> {
    axes.configure_mesh()
        .x_desc(&names[0])
        .y_desc(&names[1])
        .axis_desc_style(scale.text(14.0))
        .label_style(scale.text(12.0))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .bold_line_style(grid.stroke_width(scale.wide(1.0)))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(scale.wide(1.0)))
        .draw()
}

/// The names of what is drawn.
fn legend<'a, DB: DrawingBackend + 'a>(
    axes: &mut Axes<'a, DB>,
    position: SeriesLabelPosition,
    scale: Scale,
) -> Drawn<DB> {
    axes.configure_series_labels()
        .position(position)
        .label_font(scale.text(13.0))
        .legend_area_size(scale.px(28.0))
        .margin(scale.px(12.0))
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .draw()
}

impl Picture {
    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        area.fill(&WHITE)?;
        match &self.kind {
            Kind::Chart(chart) => chart.draw(area, scale)?,
            Kind::Matrix(matrix) => matrix.draw(area, scale)?,
            Kind::Scatter(scatter) => scatter.draw(area, scale)?,
        }
        area.present()
    }

    /// The picture as SVG, its words as text.
    ///
    /// # Errors
    /// [`Error::Io`] when drawing fails.
    pub fn svg(&self) -> Result<String> {
        register_font()?;
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            self.draw(&area, Scale(1.0)).map_err(failed)?;
        }
        Ok(text)
    }

    /// The picture as PNG, at twice the SVG's size.
    ///
    /// # Errors
    /// [`Error::Io`] when drawing fails.
    pub fn png(&self) -> Result<Vec<u8>> {
        register_font()?;
        let (width, height) = (SIZE.0 * PNG_SCALE, SIZE.1 * PNG_SCALE);
        let mut pixels = vec![255; (width * height * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            self.draw(&area, Scale(f64::from(PNG_SCALE))).map_err(failed)?;
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().and_then(|mut png| png.write_image_data(&pixels)).map_err(failed)?;
        Ok(bytes)
    }

    /// Writes `dir/stem.svg` and `dir/stem.png`, each in one move, and creates `dir` where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be written.
    pub fn save(&self, dir: &Path, stem: &str) -> Result<[PathBuf; 2]> {
        let io = |source| Error::Io { path: dir.to_path_buf(), action: "write", source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let paths = [dir.join(format!("{stem}.svg")), dir.join(format!("{stem}.png"))];
        OutputFile::replace(&paths[0], self.svg()?.as_bytes())?;
        OutputFile::replace(&paths[1], &self.png()?)?;
        Ok(paths)
    }
}

fn register_font() -> Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let font = include_bytes!("../../assets/DejaVuSans.ttf");
    let registered = REGISTERED.get_or_init(|| plotters::style::register_font(FONT, FontStyle::Normal, font).is_ok());
    if *registered { Ok(()) } else { Err(failed("the font was not taken")) }
}

fn failed(problem: impl ToString) -> Error {
    Error::Io { path: "picture".into(), action: "draw", source: std::io::Error::other(problem.to_string()) }
}

/// Refuses numbers that cannot be drawn.
fn finite(name: &'static str, values: impl IntoIterator<Item = f64>) -> Result<()> {
    match values.into_iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::Setting { name, expected: "finite".to_string(), found: value.to_string() }),
        None => Ok(()),
    }
}

/// Longer labels are written with a power of ten, if that makes them shorter.
const LONG_LABEL: usize = 8;

/// A tick's label: no more digits than it needs, and all of those, so that no two ticks look the same.
fn tick(value: f64) -> String {
    // Ten digits behind the point, or fifteen in all, leave the rounding of the ticks' places out.
    let rounded = if value.abs() < 1e4 { format!("{value:.10}") } else { format!("{value:.14e}") };
    let rounded: f64 = rounded.parse().unwrap_or(value);
    if rounded == 0.0 {
        return "0".to_string();
    }
    let (plain, scientific) = (format!("{rounded}"), format!("{rounded:e}"));
    let long = rounded.abs() < 1e-4 || plain.len() > LONG_LABEL;
    let label = if long && scientific.len() < plain.len() { scientific } else { plain };
    label.replace('-', "\u{2212}")
}

/// A name that leaves room for others.
fn shortened(name: &str) -> String {
    const MOST: usize = 24;
    if name.chars().count() <= MOST { name.to_string() } else { name.chars().take(MOST - 1).chain(['…']).collect() }
}

/// At most `most` items, evenly taken, the last included.
fn thinned<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    let step = items.len().div_ceil(most).max(1);
    let mut taken: Vec<T> = items.iter().step_by(step).copied().collect();
    if step > 1 {
        taken.extend(items.last());
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::tick;

    #[test]
    fn ticks_next_to_each_other_have_labels_of_their_own() {
        let labels = |values: [f64; 3]| values.map(tick);
        assert_eq!(labels([0.0, 0.1 + 0.2, -0.5]), ["0", "0.3", "\u{2212}0.5"]);
        assert_eq!(labels([1e6, 1.02e6, -1e6]), ["1000000", "1020000", "\u{2212}1000000"]);
        assert_eq!(labels([1.1e9, 1_100_000_001.0, -2.5e9]), ["1.1e9", "1100000001", "\u{2212}2.5e9"]);
        assert_eq!(labels([1e12 + 1.0, 1e12 + 2.0, 1e-5]), ["1000000000001", "1000000000002", "1e\u{2212}5"]);
        assert_eq!(labels([100_000.3, 100_000.1 + 0.3, 99.0]), ["100000.3", "100000.4", "99"]);
    }
}
