//! A table that is larger than the memory it may take.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int8Array, RecordBatch};
use assert_cmd::cargo::cargo_bin;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

const BATCH: usize = 100_000;
const NUMBERS: usize = 26;

/// What Marsaglia's xorshift draws (Journal of Statistical Software 8(14), 2003), in [−½, ½).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }
}

/// Rows of 26 numbers, 4 categories of up to 30 levels, and an outcome of all of them.
fn batch(random: &mut Random) -> RecordBatch {
    let mut score = vec![0.0; BATCH];
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for j in 0..NUMBERS {
        let values: Vec<f64> = (0..BATCH).map(|_| random.next() * (j + 1) as f64).collect();
        let effect = 0.5 * (j as f64 - 12.0) / (j + 1) as f64 / 6.0;
        score.iter_mut().zip(&values).for_each(|(score, value)| *score += effect * value);
        // Some columns need no more than 32 bits, and are kept so.
        let values = values.into_iter().map(|value| if j % 2 == 0 { f64::from(value as f32) } else { value });
        columns.push((format!("x{j}"), Arc::new(Float64Array::from_iter_values(values))));
    }
    for levels in [3, 7, 16, 30] {
        let codes: Vec<i8> = (0..BATCH).map(|_| ((random.next() + 0.5) * f64::from(levels)) as i8).collect();
        score.iter_mut().zip(&codes).for_each(|(score, code)| *score += 0.1 * f64::from(code % 3));
        let words: Vec<String> = (0..levels).map(|level| format!("level {level}")).collect();
        let words: ArrayRef = Arc::new(words.iter().map(Some).collect::<arrow_array::StringArray>());
        let dictionary = DictionaryArray::<Int8Type>::try_new(Int8Array::from(codes), words).unwrap();
        columns.push((format!("of {levels}"), Arc::new(dictionary)));
    }
    let outcome = score.iter().map(|score| i8::from(score + 6.0 * random.next() > 0.4));
    columns.push(("y".to_string(), Arc::new(Int8Array::from_iter_values(outcome))));
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(path: &Path, rows: usize) {
    let mut random = Random(88_172_645_463_325_252);
    let mut writer: Option<ArrowWriter<File>> = None;
    for _ in 0..rows / BATCH {
        let batch = batch(&mut random);
        let writer = writer
            .get_or_insert_with(|| ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap());
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
}

fn train(data: &Path, model: &Path, memory: &str) -> Child {
    let mut train = Command::new(cargo_bin!("logistic"));
    train.arg("train").arg(data).args(["--target", "y", "--memory", memory, "-o"]).arg(model);
    train.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The most memory of a process, in MB, as the system tells it until the process ends.
fn peak(mut process: Child) -> u64 {
    let mut most = 0;
    let status = format!("/proc/{}/status", process.id());
    while process.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(process.wait().unwrap().success());
    most / 1000
}

#[test]
fn three_million_rows_in_a_hundred_megabytes() {
    let folder = TempDir::new().unwrap();
    let (data, held, on_disk) =
        (folder.path().join("rows.parquet"), folder.path().join("held.json"), folder.path().join("on-disk.json"));
    write(&data, 3_000_000);
    let in_memory = peak(train(&data, &held, "8GB"));
    let small = peak(train(&data, &on_disk, "100MB"));
    assert!(small < 200 && in_memory > 500, "{small} MB, and {in_memory} MB in memory");
    assert!(std::fs::read(held).unwrap() == std::fs::read(on_disk).unwrap());
}
