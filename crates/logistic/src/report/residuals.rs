//! The rows that the model is most wrong about.

use maud::{Markup, html};

use super::numbers::{count, counted, cut, fixed, rounded};
use super::scored::Scored;
use super::table;
use crate::model::Model;

/// So many rows are shown.
const MOST_ROWS: usize = 15;
/// So many of their cells.
const MOST_CELLS: usize = 8;

pub(super) fn section(model: &Model, scored: &Scored<'_>) -> Markup {
    let target = &model.encoder.target;
    let weight = |row: usize| scored.weight.as_ref().map_or(1.0, |weight| weight[row]);
    let residual = |row: usize| (2.0 * weight(row) * scored.loss[row]).sqrt();
    let mut order: Vec<usize> = (0..scored.y.len()).filter(|&row| weight(row) > 0.0).collect();
    // Of equal ones the first, so that the page is the same for any order of sorting.
    order.sort_by(|&a, &b| residual(b).total_cmp(&residual(a)).then(a.cmp(&b)));
    let mut names: Vec<&str> = model.encoder.sources.iter().map(|source| source.name.as_str()).collect();
    names.dedup();
    let left = names.len().saturating_sub(MOST_CELLS);
    names.truncate(MOST_CELLS);
    let place = |row: usize| scored.table.place(scored.rows[row], &target.column).line;
    let lines = order.first().is_some_and(|&row| place(row).is_some());
    let mut header =
        vec![if lines { "Line" } else { "Row (from 0)" }, target.column.as_str(), "Its probability", "Residual"];
    header.extend(&names);
    let rows: Vec<Vec<Markup>> = order
        .iter()
        .take(MOST_ROWS)
        .map(|&row| {
            let class = scored.y[row] as usize;
            let at = place(row).map_or(scored.rows[row], |line| line as usize);
            let probability = scored.probability[row * scored.n_classes + class];
            let mut cells = vec![
                html! { (at) },
                html! { (cut(&target.classes[class], 30)) },
                html! { (rounded(probability)) },
                html! { (fixed(residual(row), 2)) },
            ];
            let text = |name: &&str| scored.table.column(name).ok().and_then(|own| own.text(scored.rows[row]));
            cells.extend(names.iter().map(|name| html! { (cut(&text(name).unwrap_or("–".to_string()), 24)) }));
            cells
        })
        .collect();
    html! {
        p.about { "On " (scored.name) "." }
        p {
            "The rows whose outcome the model held least likely: a wrong label, an unusual case, or something that the columns \
             do not tell. The residual is that of the deviance, √(−2 ln p)"
            @if scored.weight.is_some() { " times the root of the row’s weight" }
            "; beyond 2 it is large."
        }
        (table(&format!("The {} rows of {} with the largest residuals", rows.len(), count(order.len())), &header, &rows))
        @if left > 0 { p.note { "Left out of this table: " (counted(left, "column")) "." } }
    }
}
