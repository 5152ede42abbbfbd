//! The ways through the reader: with and without quotes, whole and in a stream.

use logistic::table::{ReadOptions, Scan, Table, read};
use proptest::prelude::*;
use tempfile::tempdir;

use super::made::{Made, csv_text, file, made, n_rows, same, table, with_delimiter};

/// Cells that need no quotes, among them all that is nearly a number.
fn unquoted() -> impl Strategy<Value = String> {
    let cells = [
        "",
        "NA",
        "0",
        "-1",
        "2.5",
        "2,5",
        "1.000,5",
        "-99",
        "-99.0",
        "007",
        "+7",
        ".5",
        "5.",
        "-.5e3",
        "1e",
        "--1",
        "1e400",
        "inf",
        "nan",
        "0x1F",
        "1_000",
        "9007199254740993",
        "1e-320",
        " 3 ",
        "3 4",
        "\u{a0}1",
        "12a",
        "true",
        "No",
        "YES",
        "2024-02-29",
        "2024-02-30",
        "29.02.2024",
        "2024-02-29 12:30",
        "é",
    ];
    prop::sample::select(cells.to_vec()).prop_map(String::from)
}

fn read_text(text: &str, options: &ReadOptions) -> logistic::Result<Table> {
    let folder = tempdir().unwrap();
    read(&[file(folder.path(), "a.csv", text)], options, &|_| ())
}

#[test]
fn a_marker_of_missing_cells_may_be_a_number() {
    let mut options = with_delimiter(b',');
    options.missing_markers.push("-99".to_string());
    for text in ["a,b\n-99,1\n2,3\n", "a,b\n-99,\"1\"\n2,3\n"] {
        let table = read_text(text, &options).unwrap();
        assert!(table.columns()[0].is_missing(0), "{text}");
        assert_eq!(table.columns()[0].text(1).as_deref(), Some("2"));
    }
}

#[test]
fn a_delimiter_is_no_part_of_a_word() {
    for delimiter in [0xc3, b'1', b'e', b'"', b'\n', 0] {
        let error = read_text("a\n\u{e9}\n", &with_delimiter(delimiter)).unwrap_err();
        assert!(matches!(error, logistic::Error::Setting { .. }), "{error}");
    }
}

#[test]
fn a_delimiter_may_be_a_part_of_a_number() {
    for (delimiter, text) in [(b'.', "a.b\n1.5\n2.6\n"), (b'-', "a-b\n1-5\n2-6\n"), (b'+', "a+b\n1+5\n2+6\n")] {
        let table = read_text(text, &with_delimiter(delimiter)).unwrap();
        let cells: Vec<_> = table.columns().iter().map(|column| (column.text(0), column.text(1))).collect();
        let pair = |a: &str, b: &str| (Some(a.to_string()), Some(b.to_string()));
        assert_eq!(cells, [pair("1", "2"), pair("5", "6")], "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quotes_change_nothing(
        rows in (1..4usize).prop_flat_map(|n| prop::collection::vec(prop::collection::vec(unquoted(), n), 1..8)),
        decimal_comma in any::<bool>(),
        marker in any::<bool>(),
        delimiter in prop::sample::select(b";\t|".to_vec()),
    ) {
        let written = |style| {
            let mut writer =
                csv::WriterBuilder::new().delimiter(delimiter).quote_style(style).from_writer(Vec::new());
            writer.write_record(["a", "b", "c"][..rows[0].len()].iter()).unwrap();
            // A row of one empty cell cannot stand without quotes.
            rows.iter().filter(|row| *row != &[""]).for_each(|row| writer.write_record(row).unwrap());
            String::from_utf8(writer.into_inner().unwrap()).unwrap()
        };
        let mut options = ReadOptions { decimal_comma, ..with_delimiter(delimiter) };
        options.missing_markers.extend(marker.then(|| "-99".to_string()));
        let plain = read_text(&written(csv::QuoteStyle::Never), &options);
        let quoted = read_text(&written(csv::QuoteStyle::Always), &options);
        match (plain, quoted) {
            (Ok(plain), Ok(quoted)) => same(&plain, &quoted),
            (Err(_), Err(_)) => {}
            (plain, quoted) => panic!("{plain:?} is not {quoted:?}"),
        }
    }

    #[test]
    fn a_stream_has_the_rows_of_the_table(made in made(), delimiter in prop::sample::select(b",;\t|".to_vec())) {
        let folder = tempdir().unwrap();
        let text = csv_text(&made, 0..n_rows(&made), delimiter, csv::Terminator::CRLF);
        let path = file(folder.path(), "a.csv", text);
        in_stream(&[path.clone(), path], &with_delimiter(delimiter), &made);
    }
}

fn in_stream(paths: &[String], options: &ReadOptions, made: &[Made]) {
    let whole = table(paths, options);
    assert_eq!(scanned(paths, options, &whole), whole.n_rows());
    assert_eq!(whole.n_rows(), paths.len() * n_rows(made));
}

/// Reads a stream, compares its rows with those of a table, and counts them.
pub(crate) fn scanned(paths: &[String], options: &ReadOptions, whole: &Table) -> usize {
    // What a column is, is known from training when rows are streamed.
    let is_text = |name: &String| matches!(whole.column(name).unwrap().cells, logistic::table::Cells::Text { .. });
    let text: Vec<String> = whole.names().into_iter().filter(is_text).collect();
    let mut scan =
        Scan::open(paths, ReadOptions { text, ..options.clone() }, vec!["predicted".to_string()], &|_| ()).unwrap();
    let mut row = 0;
    loop {
        let blocks = scan.next_blocks().unwrap();
        if blocks.is_empty() {
            return row;
        }
        for block in blocks {
            for column in whole.columns() {
                let found = block.table.column(&column.name).unwrap();
                for at in 0..block.table.n_rows() {
                    assert_eq!(found.text(at), column.text(row + at), "row {} of {}", row + at, column.name);
                    assert_eq!(block.table.place(at, "x").line, whole.place(row + at, "x").line);
                }
            }
            row += block.table.n_rows();
        }
    }
}
