//! Tables of more than one block.

use logistic::table::{Cells, Table};
use tempfile::tempdir;

use super::made::{file, same, table, with_delimiter};
use super::ways::scanned;

/// The blocks that files are cut into end within their third MiB.
const SIZE: usize = 3 << 20;
const HEADER: &str = "id,amount,word,day,late\n";

/// Rows of which the last column is `007` until the very last row, which has `last` there.
fn text(last: &str, quotes: bool) -> (String, usize) {
    let mut text = HEADER.to_string();
    let mut n = 0;
    while text.len() < SIZE {
        let word = ["red", "green", "blue"][n % 3];
        let word = if quotes && n % 5 == 0 { format!("\"{word},\n\"\"dark\"\"\"") } else { word.to_string() };
        let amount = if n % 7 == 0 { String::new() } else { format!("{}.25", n % 1000) };
        text.push_str(&format!("{n},{amount},{word},2024-02-{:02},007\n", n % 29 + 1));
        n += 1;
    }
    text.push_str(&format!("{n},1,red,2024-02-01,{last}\n"));
    (text, n + 1)
}

fn on_threads(threads: usize, path: &str) -> Table {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| table(&[path.to_string()], &with_delimiter(b',')))
}

fn check(found: &Table, n: usize, last: &str) {
    assert_eq!(found.n_rows(), n);
    for row in [0, 1, n / 2, n - 2] {
        assert_eq!(found.column("id").unwrap().text(row), Some(row.to_string()));
        let amount = (row % 7 > 0).then(|| format!("{}.25", row % 1000));
        assert_eq!(found.column("amount").unwrap().text(row), amount);
        assert_eq!(found.column("day").unwrap().text(row), Some(format!("2024-02-{:02}", row % 29 + 1)));
    }
    let late = found.column("late").unwrap();
    assert_eq!(late.text(n - 1).as_deref(), Some(last));
    if let Cells::Text { levels, .. } = &late.cells {
        assert_eq!(*levels, ["007", last]);
    }
}

#[test]
fn a_word_in_the_last_block_makes_words_of_all_blocks() {
    let folder = tempdir().unwrap();
    for quotes in [false, true] {
        let (text, n) = text("none", quotes);
        let path = file(folder.path(), "large.csv", &text);
        let one = on_threads(1, &path);
        check(&one, n, "none");
        assert!(matches!(one.column("late").unwrap().cells, Cells::Text { .. }));
        assert!(matches!(one.column("day").unwrap().cells, Cells::Date(_)));
        same(&one, &on_threads(3, &path));
        assert_eq!(scanned(&[path], &with_delimiter(b','), &one), n);
        let last = text.trim_end().matches('\n').count() as u64 + 1;
        assert_eq!(one.place(n - 1, "late").line, Some(last));
    }
}

#[test]
fn without_a_word_it_stays_a_number() {
    let folder = tempdir().unwrap();
    let (text, n) = text("8", false);
    let found = on_threads(3, &file(folder.path(), "large.csv", text));
    check(&found, n, "8");
    assert!(matches!(found.column("late").unwrap().cells, Cells::Number(_)));
}

#[test]
fn a_large_file_is_the_same_as_its_small_parts() {
    let folder = tempdir().unwrap();
    let (text, n) = text("none", false);
    let large = on_threads(3, &file(folder.path(), "large.csv", &text));
    let rows: Vec<&str> = text[HEADER.len()..].lines().collect();
    let part = |(at, rows): (usize, &[&str])| {
        file(folder.path(), &format!("part{at:02}.csv"), format!("{HEADER}{}\n", rows.join("\n")))
    };
    let parts: Vec<String> = rows.chunks(n / 20).enumerate().map(part).collect();
    same(&large, &table(&parts, &with_delimiter(b',')));
}
