//! The model file: no panic, what loads is written and loads again as the same model, and a row has the score that it has
//! in a table.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logistic::model::{Model, Scored, Scorer};
use logistic::table::{ReadOptions, Table};
use logistic_fuzz::table_of;
use sha2::{Digest, Sha256};

const KEY: &str = "\"checksum\": \"";
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row for every kind of source in the seed.
const ROWS: &[u8] =
    b"a,b,d,e,f\n1,x,2024-01-31,2024-01-31,1\n5,y,2024-02-01,1970-01-01,0.5\n,,,,\n3,z,2024-02-29,2024-02-29,-1\n";
static TABLE: LazyLock<Option<Table>> = LazyLock::new(|| table_of(ROWS, &ReadOptions::default()));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Model::from_json(text, "model.json");
    // Past the checksum, which no mutation meets.
    let Some(model) = stamped(text).and_then(|text| Model::from_json(&text, "model.json").ok()) else { return };
    let again = model.to_json().expect("a model that was read can be written");
    assert_eq!(Model::from_json(&again, "again.json").expect("a model that was written can be read"), model);
    // What every use of a model begins with.
    assert!(model.is_network() || model.weight().len() == model.encoder.terms().len());
    let _ = (model.intercept(), model.encoder.columns(), model.encoder.text_columns());
    let table = TABLE.as_ref().expect("the rows below are a table");
    let scores = model.score_table(table);
    let _ = model.clone().without_unused_columns();
    let Ok(scorer) = Scorer::new(model) else { return };
    let (mut row, mut own) = (Scored::default(), Vec::new());
    let columns = scorer.columns().iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>();
    for at in 0..table.n_rows() {
        let Ok(columns) = &columns else { break };
        let cells: Vec<_> = columns.iter().map(|column| column.cell(at)).collect();
        let scored = scorer.score(&cells, &mut row);
        let Ok(scores) = &scores else { continue };
        let place = scores.rows.iter().position(|own| *own == at);
        assert_eq!(scored.expect("a row of a table that has scores"), place.is_some());
        let Some(place) = place else { continue };
        let n = row.probabilities.len();
        for (own, of_table) in row.probabilities.iter().zip(&scores.probabilities[place * n..(place + 1) * n]) {
            assert!(own.to_bits() == of_table.to_bits() || own.is_nan() && of_table.is_nan());
        }
        (0..scorer.n_outputs()).for_each(|output| scorer.contribute(&row, output, &mut own));
        let _ = scorer.interval(&mut row, 0);
    }
});

fn stamped(text: &str) -> Option<String> {
    let start = text.find(KEY)? + KEY.len();
    let (before, after) = (text.get(..start)?, text.get(start + BLANK.len()..)?);
    let sum = Sha256::digest(format!("{before}{BLANK}{after}"));
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{before}{sum}{after}"))
}
