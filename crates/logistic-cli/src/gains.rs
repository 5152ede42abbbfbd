//! The words and keys for gains and lift.

use comfy_table::CellAlignment;
use logistic::evaluate::Gains;
use serde_json::{Value, json};

use crate::output::table;

/// The tenths under their `--json` keys.
pub(crate) fn keys(gains: &Gains) -> Value {
    let tenths = gains.deciles.iter().map(|decile| {
        json!({
            "share": decile.share,
            "positive_rate": decile.positive_rate,
            "lift": decile.lift,
            "gain": decile.gain,
            "cumulative_lift": decile.cumulative_lift,
        })
    });
    tenths.collect()
}

/// The tenths for people.
pub(crate) fn words(gains: &Gains) -> String {
    let header = ["rows", "positive", "lift", "found so far", "lift so far"];
    let mut table = table(header.map(String::from).to_vec());
    for decile in &gains.deciles {
        table.add_row(vec![
            format!("{:.0} %", 100.0 * decile.share),
            format!("{:.1} %", 100.0 * decile.positive_rate),
            format!("{:.2}", decile.lift),
            format!("{:.1} %", 100.0 * decile.gain),
            format!("{:.2}", decile.cumulative_lift),
        ]);
    }
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("\nby tenths of the rows, the most probable first\n{}\n", table.trim_fmt())
}
