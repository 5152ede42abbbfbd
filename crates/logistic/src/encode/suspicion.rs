//! Columns that are probably not what they seem, and the way out for each.

use super::Encoding;
use crate::error::{Error, Result, quoted, shown};
use crate::table::{Cells, Column, Table};

/// Beyond as many levels a column of words is taken for an identifier, or free text, unless it is declared.
const MOST_LEVELS: usize = 1000;
/// Fewer levels are harmless however few the rows are.
const FEW_LEVELS: usize = 20;
/// Fewer rows may be numbered by chance.
const FEW_ROWS: usize = 10;

/// Refuses a column of text that holds slips: words among numbers, numbers that are written as no number is read,
/// days that do not exist.
pub(super) fn refuse_slips(table: &Table, column: &Column) -> Result<()> {
    let Cells::Text { levels, .. } = &column.cells else { return Ok(()) };
    let oddities = &column.oddities;
    if let Some((row, word)) = &oddities.no_date {
        return Err(Error::Malformed {
            place: table.place(*row, &column.name),
            expected: "a date such as 2024-01-31, as in its column".to_string(),
            found: quoted(word),
            help: Some(word_advice(word, &column.name)),
        });
    }
    let slip = match (&oddities.stray, &oddities.mixed) {
        (Some(slip), _) => Some(slip),
        (None, Some(slip)) if is_written_number(&slip.1) => Some(slip),
        _ => None,
    };
    if let Some((row, word)) = slip {
        return Err(Error::Malformed {
            place: table.place(*row, &column.name),
            expected: "a number, as in most of its column".to_string(),
            found: quoted(word),
            help: Some(word_advice(word, &column.name)),
        });
    }
    if !levels.is_empty() && levels.iter().all(|level| is_written_number(level)) {
        let row = (0..table.n_rows()).find(|&row| !column.is_missing(row)).unwrap_or(0);
        return Err(Error::Malformed {
            place: table.place(row, &column.name),
            expected: "a number written with digits and a point".to_string(),
            found: quoted(&levels[0]),
            help: Some(word_advice(&levels[0], &column.name)),
        });
    }
    Ok(())
}

fn word_advice(word: &str, column: &str) -> String {
    let (word, written) = (shown(word), is_written_number(word));
    let column = shown(column);
    let as_is = format!("`--categorical {column}` takes the column as categories");
    match &word {
        _ if written && word.matches(',').count() == 1 && !word.contains('.') => {
            format!("`--decimal-comma` reads `{word}` as a number; {as_is}")
        }
        _ if written => format!("write plain numbers; {as_is}"),
        _ => format!("`--missing-marker {word}` reads it as missing; {as_is}"),
    }
}

/// Whether people read a number here that the reader does not: `1,5`, `1,234.5`, `12%`, `$5`, `inf`.
fn is_written_number(word: &str) -> bool {
    let word = word.trim_start_matches(['+', '-']);
    if ["inf", "infinity"].iter().any(|infinite| word.eq_ignore_ascii_case(infinite)) {
        return true;
    }
    let currency = ['$', '€', '£', '¥'];
    let inner = word.trim_start_matches(currency).trim_end_matches('%').trim_end_matches(currency).trim();
    let decorated = inner.len() < word.len();
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let groups: Vec<&str> = inner.split([',', '.', ' ', '\'']).collect();
    if !groups.iter().all(|group| digits(group)) || !(decorated || inner.contains([',', '\'']) || groups.len() > 2) {
        return false;
    }
    // Between separators stand thousands.
    groups.len() < 3 || groups[1..groups.len() - 1].iter().all(|group| group.len() == 3)
}

/// Refuses categories that hardly repeat: they explain nothing and cost a coefficient each.
pub(super) fn refuse_many_levels(table: &Table, column: &Column, n_levels: usize) -> Result<()> {
    let mostly_different = n_levels > FEW_LEVELS && n_levels * 2 > table.n_rows();
    if !mostly_different && n_levels <= MOST_LEVELS {
        return Ok(());
    }
    Err(Error::Malformed {
        place: crate::error::Place::file(table.path()).column(&column.name),
        expected: "categories that repeat".to_string(),
        found: format!("{n_levels} different values in {} rows", table.n_rows()),
        help: Some(format!(
            "`--exclude {0}` leaves the column out, `--min-level-count 20` pools its rare levels, `--categorical {0}` \
             takes it as it is",
            shown(&column.name)
        )),
    })
}

/// Refuses numbers that only count the rows, unless the column was asked for.
pub(super) fn refuse_row_numbers(table: &Table, column: &Column, encoding: &Encoding) -> Result<()> {
    let Cells::Number(values) = &column.cells else { return Ok(()) };
    let n = values.len();
    if encoding.features.contains(&column.name) || n < FEW_ROWS {
        return Ok(());
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.iter() {
        // A missing value compares with nothing.
        if value.fract() != 0.0 || value.is_nan() {
            return Ok(());
        }
        (low, high) = (low.min(value), high.max(value));
    }
    if high - low != (n - 1) as f64 {
        return Ok(());
    }
    let mut seen = vec![false; n];
    values.iter().for_each(|value| seen[(value - low) as usize] = true);
    if !seen.iter().all(|seen| *seen) {
        return Ok(());
    }
    Err(Error::Malformed {
        place: crate::error::Place::file(table.path()).column(&column.name),
        expected: "a quantity".to_string(),
        found: format!("every whole number from {low} to {high} once, as in a row number"),
        help: Some(format!(
            "`--exclude {0}` leaves the column out; named in `--features` it is taken as it is",
            shown(&column.name)
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::is_written_number;

    #[test]
    fn numbers_in_other_dress_are_known() {
        for word in ["1,5", "-1,5", "1,234.5", "1.234,5", "1'000", "12%", "12.5%", "$5", "5 €", "-inf", "Infinity"] {
            assert!(is_written_number(word), "{word}");
        }
        for word in ["twelve", "18-24", "a1", "1.2.3", "10.0.0.1", "", "-", "1,2,3", "%", "n/a"] {
            assert!(!is_written_number(word), "{word}");
        }
    }
}
