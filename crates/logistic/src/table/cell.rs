//! What one cell of text means.

/// The largest whole number up to which f64 holds every one, 2⁵³.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

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
