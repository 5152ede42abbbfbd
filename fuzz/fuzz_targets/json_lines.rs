//! JSON lines: no panic, and a consistent table.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logistic::table::ReadOptions;
use logistic_fuzz::table_of;

fuzz_target!(|data: &[u8]| {
    let [choice, bytes @ ..] = data else { return };
    let mut options = ReadOptions { decimal_comma: choice & 1 != 0, ..ReadOptions::default() };
    if choice & 2 != 0 {
        options.text.push("a".to_string());
    }
    if choice & 4 != 0 {
        options.only = Some(vec!["a".to_string(), "b".to_string()]);
    }
    // The brace that the format is told by.
    let mut text = b"{".to_vec();
    text.extend_from_slice(bytes);
    table_of(&text, &options);
});
