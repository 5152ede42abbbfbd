//! The model file: no panic, and what loads is written and loads again as the same model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logistic::model::Model;
use sha2::{Digest, Sha256};

const KEY: &str = "\"checksum\": \"";
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Model::from_json(text, "model.json");
    // Past the checksum, which no mutation meets.
    let Some(model) = stamped(text).and_then(|text| Model::from_json(&text, "model.json").ok()) else { return };
    let again = model.to_json().expect("a model that was read can be written");
    assert_eq!(Model::from_json(&again, "again.json").expect("a model that was written can be read"), model);
    // What every use of a model begins with.
    assert_eq!(model.weight().len(), model.encoder.terms().len());
    let _ = (model.intercept(), model.encoder.columns(), model.encoder.text_columns(), model.class(0.5));
    let _ = model.without_unused_columns();
});

fn stamped(text: &str) -> Option<String> {
    let start = text.find(KEY)? + KEY.len();
    let (before, after) = (text.get(..start)?, text.get(start + BLANK.len()..)?);
    let sum = Sha256::digest(format!("{before}{BLANK}{after}"));
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{before}{sum}{after}"))
}
