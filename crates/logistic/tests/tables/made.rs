//! Made tables: what their cells are, how they are written, and what must come back.

use std::path::Path;

use logistic::table::{Cells, ReadOptions, Table, read};
use proptest::prelude::*;

/// A cell before it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Number(f64),
    Whole(i64),
    Word(String),
    Truth(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

/// A column: a name and its cells, all of one kind where they are not missing.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

impl Cell {
    pub(crate) fn text(&self) -> String {
        match self {
            Cell::Missing => String::new(),
            // Both ways to write a number, the one without an exponent for the common ones.
            Cell::Number(value) if value.abs() < 1e6 => value.to_string(),
            Cell::Number(value) => format!("{value:e}"),
            Cell::Whole(value) => value.to_string(),
            Cell::Word(word) => word.clone(),
            Cell::Truth(truth) => ["FALSE", "True"][usize::from(*truth)].to_string(),
            Cell::Date(days) => date_text(*days),
        }
    }

    fn json(&self) -> String {
        match self {
            Cell::Missing => "null".to_string(),
            Cell::Number(value) => serde_json::to_string(value).unwrap(),
            Cell::Whole(value) => value.to_string(),
            Cell::Truth(truth) => truth.to_string(),
            Cell::Word(_) | Cell::Date(_) => serde_json::to_string(&self.text()).unwrap(),
        }
    }
}

fn date_text(days: i32) -> String {
    chrono::NaiveDate::from_epoch_days(days).unwrap().format("%Y-%m-%d").to_string()
}

/// Words that no reader may take for anything else, with all that CSV must quote.
fn word() -> impl Strategy<Value = String> {
    let char =
        || prop::sample::select(vec!['"', ',', ';', '\t', '|', '\n', '\r', ' ', '\'', '\\', 'é', '漢', '1', 'b']);
    let edge = prop::sample::select(vec!['"', ',', ';', '|', '{', '#', '-', '0', 'é', '漢', 'a']);
    (edge, prop::collection::vec(char(), 0..6)).prop_map(|(edge, rest)| format!("{edge}{}w", String::from_iter(rest)))
}

/// Words that would be something else in another column.
fn disguised() -> impl Strategy<Value = String> {
    let words = ["007", "1.50", "1e5", "-0", "+1", "1e999", "2024-01-31", "TRUE", "yes", "inf", "9007199254740993"];
    prop::sample::select(words.map(String::from).to_vec())
}

fn column(n: usize) -> impl Strategy<Value = Vec<Cell>> {
    fn of<S: Strategy<Value = Cell>>(cell: S, n: usize) -> impl Strategy<Value = Vec<Cell>> {
        prop::collection::vec(prop_oneof![1 => Just(Cell::Missing), 5 => cell], n)
    }
    let number = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    let small = (-1000..1000i32).prop_map(|value| Cell::Number(f64::from(value) / 8.0));
    let whole = prop_oneof![-100..100i64, any::<i64>()].prop_map(Cell::Whole);
    let words = (of(prop_oneof![word(), disguised()].prop_map(Cell::Word), n), 0..n, word());
    prop_oneof![
        of(number.prop_map(Cell::Number), n),
        of(small, n),
        of(whole, n),
        of(any::<bool>().prop_map(Cell::Truth), n),
        of((-60_000..60_000i32).prop_map(Cell::Date), n),
        // One word that is a word and nothing else makes all of them words.
        words.prop_map(|(mut cells, at, word)| {
            cells[at] = Cell::Word(word);
            cells
        }),
    ]
}

/// Tables of 1 to 12 rows and 1 to 5 columns.
pub(crate) fn made() -> impl Strategy<Value = Vec<Made>> {
    let columns = |n: usize| prop::collection::vec((column(n), word()), 1..6);
    (1..13usize).prop_flat_map(columns).prop_map(|columns| {
        let named = |(at, (cells, name)): (usize, (Vec<Cell>, String))| Made { name: format!("c{at} {name}"), cells };
        columns.into_iter().enumerate().map(named).collect()
    })
}

pub(crate) fn n_rows(made: &[Made]) -> usize {
    made[0].cells.len()
}

/// The rows in `range` as CSV, behind a header.
pub(crate) fn csv_text(made: &[Made], range: std::ops::Range<usize>, delimiter: u8, end: csv::Terminator) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(end).from_writer(Vec::new());
    writer.write_record(made.iter().map(|column| &column.name)).unwrap();
    for row in range {
        writer.write_record(made.iter().map(|column| column.cells[row].text())).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The rows as JSON lines. A missing cell is `null` in the first row, which so names all columns, and no key below.
pub(crate) fn json_text(made: &[Made]) -> String {
    let mut text = String::new();
    for row in 0..n_rows(made) {
        let there = made.iter().filter(|column| row == 0 || column.cells[row] != Cell::Missing);
        let entry =
            |column: &Made| format!("{}: {}", serde_json::to_string(&column.name).unwrap(), column.cells[row].json());
        text.push_str(&format!("{{{}}}\n", there.map(entry).collect::<Vec<_>>().join(", ")));
    }
    text
}

/// Writes a file into a folder and returns its path.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

pub(crate) fn with_delimiter(delimiter: u8) -> ReadOptions {
    ReadOptions { delimiter: Some(delimiter), ..ReadOptions::default() }
}

pub(crate) fn table(paths: &[String], options: &ReadOptions) -> Table {
    read(paths, options, &|_| ()).unwrap()
}

/// Whether every cell came back, and every column is of its kind. A column without a cell may be of any.
pub(crate) fn check(table: &Table, made: &[Made]) {
    assert_eq!(table.n_rows(), n_rows(made));
    assert_eq!(table.names(), made.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
    for column in made {
        let found = &table.column(&column.name).unwrap().cells;
        for (row, cell) in column.cells.iter().enumerate() {
            let at = |numbers: &logistic::table::Chunks<f64>| numbers.get(row).unwrap();
            match (cell, found) {
                (Cell::Missing, Cells::Number(found) | Cells::Date(found)) => assert!(at(found).is_nan()),
                (Cell::Missing, Cells::Text { codes, .. }) => assert_eq!(codes.get(row), Some(Cells::MISSING)),
                // The bits, for minus zero is a number of its own.
                (Cell::Number(value), Cells::Number(found)) => assert_eq!(at(found).to_bits(), value.to_bits()),
                (Cell::Whole(value), Cells::Number(found)) => assert_eq!(at(found), *value as f64),
                (Cell::Date(days), Cells::Date(found)) => assert_eq!(at(found), f64::from(*days)),
                (Cell::Word(word), Cells::Text { codes, levels }) => {
                    assert_eq!(&levels[codes.get(row).unwrap() as usize], word);
                }
                (Cell::Truth(truth), Cells::Text { codes, levels }) => {
                    assert_eq!(levels[codes.get(row).unwrap() as usize], truth.to_string());
                }
                other => panic!("row {row} of {}: {other:?}", column.name),
            }
        }
    }
}

/// Whether two tables have the same names and the same cells.
pub(crate) fn same(a: &Table, b: &Table) {
    assert_eq!((a.n_rows(), a.names()), (b.n_rows(), b.names()));
    for (one, two) in a.columns().iter().zip(b.columns()) {
        let bits = |numbers: &logistic::table::Chunks<f64>| numbers.iter().map(f64::to_bits).collect::<Vec<_>>();
        match (&one.cells, &two.cells) {
            (Cells::Number(one), Cells::Number(two)) | (Cells::Date(one), Cells::Date(two)) => {
                assert!(bits(one) == bits(two));
            }
            (Cells::Text { codes, levels }, Cells::Text { codes: other_codes, levels: other_levels }) => {
                assert!(codes.iter().eq(other_codes.iter()));
                assert_eq!(levels, other_levels);
            }
            (one, two) => panic!("{one:?} is not {two:?}"),
        }
        assert_eq!(one.oddities, two.oddities, "{}", one.name);
    }
}
