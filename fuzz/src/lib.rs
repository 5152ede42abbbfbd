//! What the fuzz targets share: a file to read from, and what must hold of every table.

use std::path::PathBuf;
use std::sync::LazyLock;

use logistic::table::{Cells, ReadOptions, Scan, Table, read};

/// The library reads files, so the bytes go through one. A path per process, since fuzzers may run side by side.
static INPUT: LazyLock<PathBuf> = LazyLock::new(|| file("input"));
/// For what is made of the first file.
static OTHER: LazyLock<PathBuf> = LazyLock::new(|| file("other"));

/// One thread, the fuzzer's own: to wake another for every few bytes would take most of the time.
static ALONE: LazyLock<()> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("nobody has made a thread pool before");
});

fn file(name: &str) -> PathBuf {
    // Memory, where there is a file system in it, spares a disk millions of writes.
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("logistic-fuzz-{}-{name}", std::process::id()))
}

fn written(path: &PathBuf, bytes: &[u8]) -> Vec<String> {
    std::fs::write(path, bytes).expect("a temporary file can be written");
    vec![path.display().to_string()]
}

/// The fuzzer calls every panic a crash. Those inside the Parquet and Arrow readers are caught by the library.
static CAUGHT: LazyLock<()> = LazyLock::new(|| {
    let crash = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !["parquet-", "arrow-", "flatbuffers-"].iter().any(|reader| file.contains(reader)) {
            crash(panic);
        }
    }));
});

/// Reads bytes as a table, whole and in a stream, and checks all that must hold of it.
pub fn table_of(bytes: &[u8], options: &ReadOptions) -> Option<Table> {
    LazyLock::force(&ALONE);
    LazyLock::force(&CAUGHT);
    let paths = written(&INPUT, bytes);
    let table = read(&paths, options, &|_| ()).ok()?;
    check(&table);
    lines(&table);
    stream(&paths, options, &table);
    twice(&paths, options, &table);
    Some(table)
}

/// The same for bytes that are made of a first input.
pub fn other_table_of(bytes: &[u8], options: &ReadOptions) -> Option<Table> {
    read(&written(&OTHER, bytes), options, &|_| ()).ok()
}

/// Every column is as long as the table, and every code has its level.
pub fn check(table: &Table) {
    let n = table.n_rows();
    assert!(n > 0, "a table has rows");
    for column in table.columns() {
        match &column.cells {
            Cells::Number(values) | Cells::Date(values) => {
                assert_eq!(values.len(), n);
                assert!(values.iter().all(|value| !value.is_infinite()));
            }
            Cells::Sparse { rows, values } => {
                assert_eq!(rows.len(), values.len());
                assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(rows.last().is_none_or(|row| (*row as usize) < n));
            }
            Cells::Text { codes, levels } => {
                assert_eq!(codes.len(), n);
                assert!(codes.iter().all(|code| code == Cells::MISSING || (code as usize) < levels.len()));
            }
        }
        let missing = column.missing_rows();
        for row in [0, n - 1] {
            assert_eq!(column.text(row).is_none(), column.is_missing(row));
            assert_eq!(missing.binary_search(&row).is_ok(), column.is_missing(row));
        }
    }
}

/// Every row of a file has its line, and lines rise.
fn lines(table: &Table) {
    let mut last = 0;
    for row in 0..table.n_rows() {
        let line = table.place(row, "").line.expect("a row of a file has a line");
        assert!(line >= last, "lines rise");
        last = line;
    }
}

/// An input of one block must be the same table in a stream, and its rows must be there when it is written again.
fn stream(paths: &[String], options: &ReadOptions, table: &Table) {
    let Ok(mut scan) = Scan::open(paths, options.clone(), Vec::new(), &|_| ()) else { return };
    let mut out = Vec::new();
    scan.write_header(&mut out).expect("memory takes a header");
    let mut n_rows = 0;
    loop {
        let Ok(blocks) = scan.next_blocks() else { return };
        if blocks.is_empty() {
            break;
        }
        for block in blocks {
            n_rows += block.table.n_rows();
            if block.table.n_rows() == table.n_rows() {
                assert!(same(&block.table, table), "a stream of one block is the table");
            }
            block.write(&[], &[], &mut out).expect("rows can be written");
        }
    }
    assert_eq!(n_rows, table.n_rows(), "a stream has all rows");
}

/// A file twice is its rows twice, in columns of the same kinds.
fn twice(paths: &[String], options: &ReadOptions, table: &Table) {
    let both = read(&[paths, paths].concat(), options, &|_| ()).expect("what can be read once can be read twice");
    check(&both);
    assert_eq!(both.n_rows(), 2 * table.n_rows());
    assert_eq!(both.names(), table.names());
    for (one, two) in table.columns().iter().zip(both.columns()) {
        for row in 0..table.n_rows() {
            assert_eq!(one.text(row), two.text(row));
            assert_eq!(one.text(row), two.text(row + table.n_rows()));
        }
    }
}

/// Whether two tables have the same names and cells; the places they came from may differ.
pub fn same(a: &Table, b: &Table) -> bool {
    let kind = |cells: &Cells| std::mem::discriminant(cells);
    a.n_rows() == b.n_rows()
        && a.columns().len() == b.columns().len()
        && a.columns().iter().all(|one| {
            b.column(&one.name).is_ok_and(|two| {
                kind(&one.cells) == kind(&two.cells) && (0..a.n_rows()).all(|row| one.text(row) == two.text(row))
            })
        })
}
