//! Tables that are written and read again: every cell comes back, whatever the format and however it is cut.

#[cfg(feature = "arrow")]
#[path = "tables/columnar.rs"]
mod columnar;
#[path = "tables/large.rs"]
mod large;
#[path = "tables/made.rs"]
mod made;
#[path = "tables/ways.rs"]
mod ways;

use csv::Terminator;
use made::{check, csv_text, file, json_text, made, n_rows, table, with_delimiter};
use proptest::prelude::*;
use tempfile::tempdir;

/// Enough to meet every kind of cell in every dialect many times, in about a second.
const CASES: u32 = 256;

fn dialect() -> impl Strategy<Value = (u8, Terminator)> {
    let ends = vec![Terminator::CRLF, Terminator::Any(b'\n'), Terminator::Any(b'\r')];
    (prop::sample::select(b",;\t|".to_vec()), prop::sample::select(ends))
}

/// The line that text ends in; a line ends with `\n`, `\r\n` or `\r`.
fn line_behind(text: &str) -> u64 {
    text.replace("\r\n", "\n").matches(['\n', '\r']).count() as u64 + 1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_comes_back_from_csv((delimiter, end) in dialect(), made in made()) {
        let folder = tempdir().unwrap();
        let path = file(folder.path(), "a.csv", csv_text(&made, 0..n_rows(&made), delimiter, end));
        let table = table(std::slice::from_ref(&path), &with_delimiter(delimiter));
        check(&table, &made);
        for row in 0..n_rows(&made) {
            let place = table.place(row, "x");
            prop_assert_eq!(place.path.as_ref(), Some(&path));
            prop_assert_eq!(place.line, Some(line_behind(&csv_text(&made, 0..row, delimiter, end))));
        }
    }

    #[test]
    fn a_table_comes_back_from_json_lines(made in made()) {
        let folder = tempdir().unwrap();
        let path = file(folder.path(), "a.jsonl", json_text(&made));
        let table = table(&[path], &with_delimiter(b','));
        check(&table, &made);
        for row in 0..n_rows(&made) {
            prop_assert_eq!(table.place(row, "x").line, Some(row as u64 + 1));
        }
    }

    #[test]
    fn a_table_comes_back_from_several_files(
        (delimiter, end) in dialect(), made in made(), cuts in (0..13usize, 0..13usize), turned in any::<bool>(),
    ) {
        let folder = tempdir().unwrap();
        let n = n_rows(&made);
        let (low, high) = (cuts.0.min(cuts.1).min(n), cuts.0.max(cuts.1).min(n));
        let mut last = made.clone();
        if turned {
            // Columns are joined by their names.
            last.reverse();
        }
        let paths = [
            file(folder.path(), "a.csv", csv_text(&made, 0..low, delimiter, end)),
            file(folder.path(), "b.csv", csv_text(&made, low..high, delimiter, end)),
            file(folder.path(), "c.csv", csv_text(&last, high..n, delimiter, end)),
        ];
        let options = with_delimiter(delimiter);
        let whole = table(&[file(folder.path(), "d.csv", csv_text(&made, 0..n, delimiter, end))], &options);
        let table = table(&paths, &options);
        check(&table, &made);
        made::same(&table, &whole);
        for row in 0..n {
            let (file, first) = if row < low { (0, 0) } else if row < high { (1, low) } else { (2, high) };
            let before = csv_text(if file == 2 { &last } else { &made }, first..row, delimiter, end);
            let place = table.place(row, "x");
            prop_assert_eq!(place.path.as_ref(), Some(&paths[file]));
            prop_assert_eq!(place.line, Some(line_behind(&before)));
        }
    }
}
