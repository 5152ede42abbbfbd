//! Executors under a limit that their rows do not fit under, one of which is killed in the middle of a pass.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, Float32Array, Int8Array, RecordBatch};
use datafusion::parquet::arrow::ArrowWriter;

use crate::processes::{answered, assert_agree, estimates, executor, scheduler, train, uniform};

const COLUMNS: usize = 28;
const ROWS: usize = 800_000;
/// What each of two executors may take. Some 32 MB of it are for rows, of which it would like to keep half of 180 MB.
const LIMIT: u64 = 300_000_000;

/// Rows in two files of eight row groups each.
fn wide(dir: &Path) -> String {
    let mut uniform = uniform(7);
    for file in 0..2 {
        let mut writer = None;
        for _ in 0..8 {
            let n = ROWS / 16;
            let columns: Vec<Vec<f32>> = (0..COLUMNS).map(|_| (0..n).map(|_| uniform() as f32).collect()).collect();
            let logit = |row: usize| 2.0 * columns[0][row] + columns[1][row] - 1.5;
            let y = (0..n).map(|row| i8::from(uniform() < 1.0 / (1.0 + f64::from(-logit(row)).exp()))).collect();
            let arrays = columns.iter().enumerate().map(|(column, values)| {
                (format!("x{column}"), Arc::new(Float32Array::from(values.clone())) as ArrayRef)
            });
            let y: ArrayRef = Arc::new(Int8Array::from_iter_values::<Vec<i8>>(y));
            let batch = RecordBatch::try_from_iter(arrays.chain([("y".to_string(), y)])).unwrap();
            let writer = writer.get_or_insert_with(|| {
                let file = File::create(dir.join(format!("part{file}.parquet"))).unwrap();
                ArrowWriter::try_new(file, batch.schema(), None).unwrap()
            });
            writer.write(&batch).unwrap();
            writer.flush().unwrap();
        }
        writer.unwrap().close().unwrap();
    }
    dir.join("*.parquet").display().to_string()
}

#[test]
fn executors_stay_below_their_limit_and_may_be_killed_in_the_middle_of_a_pass() {
    let dir = tempfile::tempdir().unwrap();
    let (data, model) = (wide(dir.path()), dir.path().join("model.json"));
    let expected = estimates(train(&[&data, "--target", "y"], &model), &model);
    let (_head, address) = scheduler(&["--port", "0"]);
    let limit = LIMIT.to_string();
    let mut executors = vec![executor(&address, &limit), executor(&address, &limit)];
    let engine = format!("df://{address}");
    let args = [&data, "--target", "y", "--engine", &engine, "--partitions", "8"];
    assert_agree(&estimates(train(&args, &model), &model), &expected);
    for executor in &executors {
        let most = executor.most_memory().unwrap_or(0);
        assert!(most < LIMIT, "{most} bytes of {LIMIT}");
    }
    let seconds = answered(train(&args, &model))["engine"]["pass_seconds"].clone();
    let whole: f64 = seconds.as_array().unwrap().iter().map(|pass| pass.as_f64().unwrap()).sum();
    for part in [0.3, 0.5, 0.8] {
        let fit = train(&args, &model);
        sleep(Duration::from_secs_f64(part * whole));
        drop(executors.remove(0));
        executors.push(executor(&address, &limit));
        assert_agree(&estimates(fit, &model), &expected);
    }
}
