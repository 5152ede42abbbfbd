//! Times the reading of one file, for `bench/tables.py`: `time_read FILE READS` prints one JSON line with the seconds
//! of every read and the sum of the first column, by which readers are known to agree.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use logistic::Error;
use logistic::table::{Cells, ReadOptions, Table, read};

fn main() -> logistic::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_default();
    let reads = arguments.next().and_then(|typed| typed.parse().ok()).unwrap_or(1);
    let mut seconds = Vec::new();
    let mut sum = 0.0;
    for _ in 0..reads {
        let start = Instant::now();
        let table = read(std::slice::from_ref(&path), &ReadOptions::default(), &|_| ())?;
        seconds.push(start.elapsed().as_secs_f64());
        // The table is dropped here, so that every read finds the same memory.
        sum = first_column(&table)?;
    }
    println!(r#"{{"seconds": {seconds:?}, "sum": {sum:?}}}"#);
    Ok(())
}

fn first_column(table: &Table) -> logistic::Result<f64> {
    match table.columns().first().map(|column| &column.cells) {
        Some(Cells::Number(values)) => Ok(values.iter().sum()),
        _ => Err(Error::UnknownColumn { place: logistic::error::Place::file(table.path()), available: table.names() }),
    }
}
