//! Times the scoring of single rows, for `bench/serve.py`: `time_rows MODEL DATA SECONDS` prints one JSON line with the
//! nanoseconds a row takes in each way, and the sum of the probabilities by which the ways are known to agree.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use logistic::model::{Model, Scored, Scorer};
use logistic::table::{Cell, Column, ReadOptions, read};

fn main() -> logistic::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, seconds] = arguments.as_slice() else { return Ok(()) };
    let model = Model::load(Path::new(model))?;
    let table = read(std::slice::from_ref(data), &model.scoring(ReadOptions::default()), &|_| ())?;
    let scorer = Scorer::new(model)?;
    let columns = scorer.columns().iter().map(|name| table.column(name)).collect::<logistic::Result<Vec<&Column>>>()?;
    // Cells as a table has them, and as they come in a request: every one of them a text.
    let texts: Vec<Vec<String>> =
        (0..table.n_rows()).map(|row| columns.iter().map(|own| own.text(row).unwrap_or_default()).collect()).collect();
    let options = ReadOptions::default();
    let typed: Vec<Vec<Cell<'_>>> =
        (0..table.n_rows()).map(|row| columns.iter().map(|own| own.cell(row)).collect()).collect();
    let words: Vec<Vec<Cell<'_>>> =
        texts.iter().map(|row| row.iter().map(|text| Cell::read(text, &options)).collect()).collect();
    let seconds = seconds.parse().unwrap_or(1.0);
    let (score, sum) = timed(&scorer, &typed, seconds, |_, _, _| ())?;
    let (text, again) = timed(&scorer, &words, seconds, |_, _, _| ())?;
    let (contributions, _) = timed(&scorer, &typed, seconds, |scorer, row, own| scorer.contribute(row, 0, own))?;
    let (interval, _) = timed(&scorer, &typed, seconds, |scorer, row, own| {
        scorer.contribute(row, 0, own);
        std::hint::black_box(scorer.interval(row, 1));
    })?;
    println!(
        r#"{{"score": {score:?}, "texts": {text:?}, "contributions": {contributions:?}, "interval": {interval:?}, "sums": [{sum:?}, {again:?}]}}"#
    );
    Ok(())
}

/// The nanoseconds of a row, over passes that take so many seconds, and the sum of the probabilities of a pass.
fn timed(
    scorer: &Scorer,
    rows: &[Vec<Cell<'_>>],
    seconds: f64,
    besides: impl Fn(&Scorer, &mut Scored, &mut Vec<f64>),
) -> logistic::Result<(f64, f64)> {
    let (mut row, mut own, mut passes, mut sum) = (Scored::default(), Vec::new(), 0, 0.0);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        sum = 0.0;
        for cells in rows {
            if scorer.score(cells, &mut row)? {
                besides(scorer, &mut row, &mut own);
                sum += row.probabilities[1];
            }
        }
        passes += 1;
    }
    Ok((start.elapsed().as_secs_f64() * 1e9 / (passes * rows.len()) as f64, sum))
}
