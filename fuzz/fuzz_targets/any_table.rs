//! Bytes of any format, told by their content: no panic, and a consistent table.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logistic::table::ReadOptions;
use logistic_fuzz::table_of;

fuzz_target!(|data: &[u8]| {
    table_of(data, &ReadOptions::default());
});
