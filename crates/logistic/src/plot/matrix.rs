//! The confusion matrix as a heat map.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{BLUE_CLASS, Drawn, INK, Kind, Picture, Scale, finite, shortened};
use crate::error::{Error, Result};
use crate::evaluate::{ConfusionMatrix, MultiConfusionMatrix};

#[derive(Clone, Debug)]
pub(super) struct Matrix {
    cells: Vec<Vec<f64>>,
    classes: Vec<String>,
}

/// The heat map, `[[tn, fp], [fn, tp]]`: a row for each actual class, with counts and their share of the row.
///
/// # Errors
/// [`crate::Error::Setting`] for a count that is not finite.
pub fn confusion_matrix(matrix: &ConfusionMatrix, classes: [&str; 2]) -> Result<Picture> {
    heat_map(matrix.as_rows().iter().map(|row| row.to_vec()).collect(), &classes)
}

/// The heat map of several classes: a row for each actual class, a column for each that rows were called.
///
/// # Errors
/// [`crate::Error::Setting`] for a count that is not finite; [`crate::Error::Shape`] when there are not as many names
/// as classes.
pub fn multi_confusion_matrix(matrix: &MultiConfusionMatrix, classes: &[&str]) -> Result<Picture> {
    let (expected, found) = (matrix.n_classes(), classes.len());
    if expected != found {
        return Err(Error::Shape { what: "number of class names".to_string(), expected, found });
    }
    heat_map(matrix.counts().chunks_exact(expected).map(<[f64]>::to_vec).collect(), classes)
}

fn heat_map(cells: Vec<Vec<f64>>, classes: &[&str]) -> Result<Picture> {
    finite("count", cells.iter().flatten().copied())?;
    let classes = classes.iter().map(|class| shortened(class)).collect();
    Ok(Picture { kind: Kind::Matrix(Matrix { cells, classes }) })
}

/// Cells of a smaller side hold no text that could be read.
const LEGIBLE: f64 = 26.0;

impl Matrix {
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        let middle = Pos::new(HPos::Center, VPos::Center);
        let n = self.classes.len() as f64;
        // The whole is as large for many classes as for two.
        let (whole, left, top) = (360.0, 160.0, 60.0);
        let side = whole / n;
        // Two classes have letters of 30, 13 and 13.
        let letters = |size: f64| (size * (side / 180.0).powf(0.6)).max(7.0);
        let at = |x: f64, y: f64| (scale.px(x), scale.px(y));
        let write = |text: &str, size: f64, colour: RGBColor, place: (i32, i32)| {
            area.draw(&Text::new(text.to_string(), place, scale.text(size).color(&colour).pos(middle)))
        };
        write("Confusion matrix", 17.0, INK, at(left + whole / 2.0, 30.0))?;
        for (i, row) in self.cells.iter().enumerate() {
            let total: f64 = row.iter().sum();
            for (j, &count) in row.iter().enumerate() {
                let share = if total > 0.0 { count / total } else { 0.0 };
                let (x, y) = (left + side * j as f64, top + side * i as f64);
                let corners = [at(x, y), at(x + side, y + side)];
                area.draw(&Rectangle::new(corners, WHITE.filled()))?;
                area.draw(&Rectangle::new(corners, BLUE_CLASS.mix(0.06 + 0.88 * share).filled()))?;
                area.draw(&Rectangle::new(corners, WHITE.stroke_width(scale.wide(3.0))))?;
                let colour = if share > 0.5 { WHITE } else { INK };
                if side < LEGIBLE {
                    continue;
                }
                let with_share = side >= 2.5 * LEGIBLE;
                let middle = y + side * if with_share { 0.44 } else { 0.5 };
                write(&count_text(count), letters(30.0), colour, at(x + side / 2.0, middle))?;
                if with_share {
                    let percent = format!("{:.1} %", 100.0 * share);
                    write(&percent, letters(13.0), colour, at(x + side / 2.0, y + side * 0.63))?;
                }
            }
        }
        for (k, class) in self.classes.iter().enumerate() {
            let along = side * (k as f64 + 0.5);
            write(class, letters(13.0).max(10.0), INK, at(left + along, top + whole + 18.0))?;
            let style = scale.text(letters(13.0).max(10.0)).transform(FontTransform::Rotate270).pos(middle);
            area.draw(&Text::new(class.clone(), at(left - 20.0, top + along), style))?;
        }
        write("predicted", 14.0, INK, at(left + whole / 2.0, top + whole + 46.0))?;
        let style = scale.text(14.0).transform(FontTransform::Rotate270).pos(middle);
        area.draw(&Text::new("actual", at(left - 52.0, top + whole / 2.0), style))
    }
}

/// A count; weighted ones with up to two decimals.
fn count_text(count: f64) -> String {
    if count.fract() == 0.0 { format!("{count}") } else { format!("{count:.2}") }
}
