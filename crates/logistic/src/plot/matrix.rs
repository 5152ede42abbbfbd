//! The confusion matrix as a heat map.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{BLUE_CLASS, Drawn, INK, Kind, Picture, Scale, finite, shortened};
use crate::error::Result;
use crate::evaluate::ConfusionMatrix;

#[derive(Clone, Debug)]
pub(super) struct Matrix {
    cells: [[f64; 2]; 2],
    classes: [String; 2],
}

/// The heat map, `[[tn, fp], [fn, tp]]`: a row for each actual class, with counts and their share of the row.
///
/// # Errors
/// [`crate::Error::Setting`] for a count that is not finite.
pub fn confusion_matrix(matrix: &ConfusionMatrix, classes: [&str; 2]) -> Result<Picture> {
    let cells = matrix.as_rows();
    finite("count", cells.into_iter().flatten())?;
    Ok(Picture { kind: Kind::Matrix(Matrix { cells, classes: classes.map(shortened) }) })
}

impl Matrix {
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: Scale) -> Drawn<DB> {
        let middle = Pos::new(HPos::Center, VPos::Center);
        let side = 180.0;
        let (left, top) = (160.0, 60.0);
        let at = |x: f64, y: f64| (scale.px(x), scale.px(y));
        let write = |text: &str, size: f64, colour: RGBColor, place: (i32, i32)| {
            area.draw(&Text::new(text.to_string(), place, scale.text(size).color(&colour).pos(middle)))
        };
        write("Confusion matrix", 17.0, INK, at(left + side, 30.0))?;
        for (i, row) in self.cells.iter().enumerate() {
            let total = row[0] + row[1];
            for (j, &count) in row.iter().enumerate() {
                let share = if total > 0.0 { count / total } else { 0.0 };
                let (x, y) = (left + side * j as f64, top + side * i as f64);
                let corners = [at(x, y), at(x + side, y + side)];
                area.draw(&Rectangle::new(corners, WHITE.filled()))?;
                area.draw(&Rectangle::new(corners, BLUE_CLASS.mix(0.06 + 0.88 * share).filled()))?;
                area.draw(&Rectangle::new(corners, WHITE.stroke_width(scale.wide(3.0))))?;
                let colour = if share > 0.5 { WHITE } else { INK };
                write(&count_text(count), 30.0, colour, at(x + side / 2.0, y + side / 2.0 - 10.0))?;
                let percent = format!("{:.1} %", 100.0 * share);
                write(&percent, 13.0, colour, at(x + side / 2.0, y + side / 2.0 + 24.0))?;
            }
        }
        for (k, class) in self.classes.iter().enumerate() {
            let along = side * (k as f64 + 0.5);
            write(class, 13.0, INK, at(left + along, top + 2.0 * side + 18.0))?;
            let style = scale.text(13.0).transform(FontTransform::Rotate270).pos(middle);
            area.draw(&Text::new(class.clone(), at(left - 20.0, top + along), style))?;
        }
        write("predicted", 14.0, INK, at(left + side, top + 2.0 * side + 46.0))?;
        let style = scale.text(14.0).transform(FontTransform::Rotate270).pos(middle);
        area.draw(&Text::new("actual", at(left - 52.0, top + side), style))
    }
}

/// A count; weighted ones with up to two decimals.
fn count_text(count: f64) -> String {
    if count.fract() == 0.0 { format!("{count}") } else { format!("{count:.2}") }
}
