//! What one cell means.

use std::borrow::Cow;

use super::date;
use super::options::ReadOptions;

/// The largest whole number up to which f64 holds every one, 2⁵³.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A cell of a row that stands in no table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing, as in an empty cell.
    Missing,
    /// A number; NaN is a missing cell.
    Number(f64),
    /// A date or a time, as days since 1970-01-01 in UTC; NaN is a missing cell.
    Date(f64),
    /// A word: what it is, a number, a date or a level, the column says.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// A cell of text, as a table has it: the blanks around it are not part of it, and a missing marker is a missing cell.
    pub fn read(text: &'a str, options: &ReadOptions) -> Self {
        let text = text.trim_ascii();
        if options.is_missing(text) { Cell::Missing } else { Cell::Text(text) }
    }

    /// Whether there is nothing.
    pub fn is_missing(self) -> bool {
        match self {
            Cell::Missing => true,
            Cell::Number(value) | Cell::Date(value) => value.is_nan(),
            Cell::Text(_) => false,
        }
    }

    /// The number, where it is one.
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Cell::Number(value) => Some(value),
            Cell::Text(word) => number(word, false),
            Cell::Date(_) | Cell::Missing => None,
        }
    }

    /// The days since 1970-01-01, where it is a date.
    pub(crate) fn days(self) -> Option<f64> {
        match self {
            Cell::Date(days) => Some(days),
            Cell::Text(word) => date::days(word),
            Cell::Number(_) | Cell::Missing => None,
        }
    }

    /// The cell as text; none where it is missing.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            _ if self.is_missing() => None,
            Cell::Missing => None,
            Cell::Number(value) => Some(number_text(value).into()),
            Cell::Date(days) => Some(date::date_text(days).into()),
            Cell::Text(word) => Some(word.into()),
        }
    }
}

/// The number that a cell holds, infinite when it is beyond f64. Words such as `inf` are no numbers.
pub(super) fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    if !starts_number(cell.as_bytes()) {
        return None;
    }
    if !decimal_comma {
        return fast_float2::parse(cell).ok();
    }
    // With a decimal comma a point can only separate thousands, and who means that is not known.
    if cell.contains('.') {
        return None;
    }
    fast_float2::parse(cell.replacen(',', ".", 1)).ok()
}

/// The number at the start of `bytes` and its length, where it is an ordinary one; anything that needs a second look
/// (words, overflow, whole numbers beyond 2⁵³) is none.
pub(super) fn plain_number(bytes: &[u8]) -> Option<(f64, usize)> {
    if !starts_number(bytes) {
        return None;
    }
    fast_float2::parse_partial::<f64, _>(bytes).ok().filter(|(value, _)| value.abs() <= LARGEST_EXACT)
}

/// Whether a cell is a whole number that f64 may not hold.
pub(super) fn is_large(cell: &str, value: f64) -> bool {
    value.abs() > LARGEST_EXACT && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'+')
}

fn starts_number(bytes: &[u8]) -> bool {
    let after_sign = match bytes {
        [b'-' | b'+', rest @ ..] => rest,
        _ => bytes,
    };
    match after_sign {
        [b'.', rest @ ..] => rest.first().is_some_and(u8::is_ascii_digit),
        _ => after_sign.first().is_some_and(u8::is_ascii_digit),
    }
}

/// A number as text: the shortest decimal that reads back as the same number.
pub(super) fn number_text(value: f64) -> String {
    // Minus zero is zero to everyone who reads a table.
    (value + 0.0).to_string()
}

/// `true` and `false` for these words in any case.
pub(super) fn truth(word: &str) -> Option<&'static str> {
    ["false", "true"].into_iter().find(|truth| word.eq_ignore_ascii_case(truth))
}

/// `yes` and `no` for these words in any case.
pub(super) fn assent(word: &str) -> Option<&'static str> {
    ["no", "yes"].into_iter().find(|assent| word.eq_ignore_ascii_case(assent))
}
