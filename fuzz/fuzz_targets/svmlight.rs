//! svmlight text: no panic, and a consistent table.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logistic::table::ReadOptions;
use logistic_fuzz::table_of;

fuzz_target!(|data: &[u8]| {
    let [choice, bytes @ ..] = data else { return };
    let only = (choice & 1 != 0).then(|| vec!["label".to_string(), "1".to_string(), "3".to_string()]);
    let options = ReadOptions { only, ..ReadOptions::default() };
    // A first line that the format is told by.
    let mut text = b"1 1:2\n".to_vec();
    text.extend_from_slice(bytes);
    table_of(&text, &options);
});
