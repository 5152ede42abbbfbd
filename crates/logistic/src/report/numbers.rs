//! Numbers as people read them.

use crate::evaluate::Interval;

/// Four significant digits, with powers of ten where there would be many zeros.
pub(super) fn rounded(value: f64) -> String {
    digits(value, 4, shortened)
}

/// The same with the zeros at its end, for numbers that stand below each other.
pub(super) fn aligned(value: f64) -> String {
    digits(value, 4, |text| text)
}

/// An odds ratio by its logarithm: close to 1 with as many digits as tell it from 1.
pub(super) fn odds(log: f64) -> String {
    let off = log.exp_m1().abs();
    if off == 0.0 || off >= 0.01 {
        return aligned(log.exp());
    }
    let decimals = (2.0 - off.log10().floor()).clamp(4.0, 9.0);
    fixed(log.exp(), decimals as usize)
}

/// Six significant digits.
pub(super) fn precise(value: f64) -> String {
    digits(value, 6, shortened)
}

fn digits(value: f64, digits: i32, end: fn(&str) -> &str) -> String {
    if value == 0.0 {
        return "0".to_string();
    }
    if !value.is_finite() {
        return if value.is_nan() { "–".to_string() } else { signed(if value > 0.0 { "∞" } else { "-∞" }) };
    }
    // The magnitude of what it is rounded to: 0.99999 has that of 1.
    let written = format!("{value:.*e}", (digits - 1) as usize);
    let magnitude: i32 = written.rsplit('e').next().and_then(|e| e.parse().ok()).unwrap_or(0);
    if !(-4..9).contains(&magnitude) {
        let (mantissa, _) = written.split_once('e').unwrap_or((&written, ""));
        return signed(&format!("{}e{magnitude}", end(mantissa)));
    }
    signed(end(&format!("{value:.*}", (digits - 1 - magnitude).max(0) as usize)))
}

/// Without zeros at the end of a fraction.
fn shortened(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// With a true minus sign.
fn signed(text: &str) -> String {
    text.replace('-', "−")
}

/// So many decimals, with a true minus sign; what rounds to zero has none.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    if zero { text.trim_start_matches('-').to_string() } else { signed(&text) }
}

/// Three decimals, or a dash.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or("–".to_string(), |value| fixed(value, 3))
}

/// `0.123 to 0.234`, or nothing.
pub(super) fn range(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |Interval { low, high }| format!("{} to {}", fixed(low, 3), fixed(high, 3)))
}

/// `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", fixed(100.0 * share, 1))
}

/// A p-value.
pub(super) fn p_value(p: f64) -> String {
    if p < 1e-4 { format!("{p:.1e}").replace('-', "−") } else { fixed(p, 4) }
}

/// A whole number in groups of three digits.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        count(n),
        match (n, noun.ends_with('s')) {
            (1, _) => "",
            (_, true) => "es",
            _ => "s",
        }
    )
}

/// A weight of rows: whole numbers as counts.
pub(super) fn weight(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { count(value as usize) } else { rounded(value) }
}

/// A text cut to what a line holds.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_string(),
    }
}

/// Round numbers that divide a range into some five parts, with their texts.
pub(super) fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![(low, rounded(low))];
    }
    let raw = span / 5.0;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let decimals = (0..12).find(|&d| (step * 10_f64.powi(d)).fract().abs() < 1e-6).unwrap_or(12) as usize;
    let text = |value: f64| match value.abs() >= 1e6 || (value != 0.0 && step < 1e-4) {
        true => rounded(value),
        false if value.abs() >= 10_000.0 && decimals == 0 => match value < 0.0 {
            true => format!("−{}", count(value.abs() as usize)),
            false => count(value as usize),
        },
        false => fixed(value, decimals),
    };
    (first..=last).map(|at| at as f64 * step).map(|value| (value, text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_can_be_read() {
        let cases = [
            (0.0, "0"),
            (1234.5678, "1235"),
            (0.99999, "1"),
            (-0.012345, "−0.01235"),
            (1.5e-7, "1.5e−7"),
            (-2.25e12, "−2.25e12"),
            (100.0, "100"),
            (f64::INFINITY, "∞"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (value, text) in cases {
            assert_eq!(rounded(value), text);
        }
        assert_eq!([odds(1.146e-4), odds(-0.001), odds(0.5), odds(0.0)], ["1.000115", "0.999000", "1.649", "1.000"]);
        assert_eq!([aligned(0.9), aligned(1.076), aligned(-2.5e-9)], ["0.9000", "1.076", "−2.500e−9"]);
        assert_eq!([fixed(-0.0001, 3), fixed(-0.5, 1), percent(0.0725)], ["0.000", "−0.5", "7.2 %"]);
        assert_eq!([count(0), count(999), count(1000), count(1234567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([cut("abcdef", 6), cut("abcdef", 4), cut("äöüß", 3)], ["abcdef", "abc…", "äö…"]);
    }

    #[test]
    fn ticks_are_round_and_within_the_range() {
        let texts = |low, high| ticks(low, high).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(15.0, 64.0), ["20", "30", "40", "50", "60"]);
        assert_eq!(texts(-0.3, 0.25), ["−0.2", "0.0", "0.2"]);
        assert_eq!(texts(0.0, 60_000.0), ["0", "20,000", "40,000", "60,000"]);
        assert_eq!(texts(3.0, 3.0), ["3"]);
    }
}
