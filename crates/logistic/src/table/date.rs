//! Dates and times.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Weekday};

const SECONDS_A_DAY: f64 = 86_400.0;

/// The days since 1970-01-01 (UTC) of a date (`2024-01-31`, `2024/01/31`, `31.01.2024`) or of a date and a time
/// (`2024-01-31 12:30`, `2024-01-31T12:30:00.5Z`, `…+01:00`). A time without an offset is taken to be UTC.
///
/// Dates such as `01/02/2024` are left to their authors: nobody can tell which is the month.
pub(super) fn days(cell: &str) -> Option<f64> {
    let (date, time) = match cell.find(['T', ' ', 't']) {
        Some(at) => (&cell[..at], Some(&cell[at + 1..])),
        None => (cell, None),
    };
    let date = calendar_date(date)?;
    let day = f64::from(date.to_epoch_days());
    match time {
        None => Some(day),
        Some(time) => Some(day + seconds(time)? / SECONDS_A_DAY),
    }
}

/// Whether a cell looks like a date, though it may not exist, as the thirtieth of February.
pub(super) fn looks_like_date(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|b| b.iter().all(u8::is_ascii_digit));
    digits(0..4) && digits(5..7) && digits(8..10) && matches!((bytes[4], bytes[7]), (b'-', b'-') | (b'/', b'/'))
}

fn calendar_date(text: &str) -> Option<NaiveDate> {
    let separator = *text.as_bytes().get(if text.len() == 10 && text.as_bytes()[2] == b'.' { 2 } else { 4 })?;
    let mut parts = text.split(char::from(separator));
    let mut next = |width: usize| {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    let (year, month, day) = match separator {
        b'-' | b'/' => (next(4)?, next(2)?, next(2)?),
        b'.' => {
            let (day, month) = (next(2)?, next(2)?);
            (next(4)?, month, day)
        }
        _ => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(year as i32, month, day)
}

/// Seconds since midnight in UTC; negative, or beyond a day, where the offset moves the time there.
fn seconds(text: &str) -> Option<f64> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let clock = clock.trim_ascii_end();
    let time = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(clock, format).ok())?;
    let since_midnight = f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) * 1e-9;
    let shift = match offset {
        None | Some("Z" | "z") => 0.0,
        Some(offset) => offset_seconds(offset)?,
    };
    Some(since_midnight - shift)
}

/// `+01:00`, `-0530`, `+02`.
fn offset_seconds(text: &str) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: f64 = digits[..2].parse().ok()?;
    let minutes: f64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0.0 };
    Some(sign * (hours * 3600.0 + minutes * 60.0))
}

/// A date, or a date and a time, as text.
pub(super) fn date_text(days: f64) -> String {
    match moment(days) {
        Some(at) if days.fract() == 0.0 => at.format("%Y-%m-%d").to_string(),
        Some(at) => at.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string(),
        None => days.to_string(),
    }
}

/// The parts of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateParts {
    /// The year.
    pub year: i32,
    /// The month, from 0 (January) to 11.
    pub month: u32,
    /// The day of the week, from 0 (Monday) to 6.
    pub weekday: u32,
    /// The hour, from 0 to 23.
    pub hour: u32,
}

/// The parts of a moment in UTC, given in days since 1970-01-01; none for a moment out of the calendar's range.
pub fn date_parts(days: f64) -> Option<DateParts> {
    let at = moment(days)?;
    let weekday: Weekday = at.weekday();
    Some(DateParts { year: at.year(), month: at.month0(), weekday: weekday.num_days_from_monday(), hour: at.hour() })
}

fn moment(days: f64) -> Option<DateTime<chrono::Utc>> {
    // Microseconds: f64 holds a day of this century to about a microsecond.
    DateTime::from_timestamp_micros((days * SECONDS_A_DAY * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(days("1970-01-01"), Some(0.0));
        assert_eq!(days("2024-02-29"), Some(19782.0));
        assert_eq!(days("2024/02/29"), Some(19782.0));
        assert_eq!(days("29.02.2024"), Some(19782.0));
        assert_eq!(days("1969-12-31T12:00"), Some(-0.5));
        assert_eq!(days("2024-02-29T00:00:00+12:00"), Some(19781.5));
        assert_eq!(days("2024-02-29 06:00:00Z"), Some(19782.25));
        assert_eq!(days("2024-02-29 18:00:00.000-0600"), Some(19783.0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "2024", "2024-02-30", "2024-2-9", "01/02/2024", "2024-01-01x", "2024-01-01T25:00", "20240101"]
        {
            assert_eq!(days(text), None, "{text}");
        }
        assert!(looks_like_date("2024-02-30") && !looks_like_date("2024"));
    }

    #[test]
    fn a_date_comes_back_as_text_and_in_parts() {
        assert_eq!(date_text(19782.0), "2024-02-29");
        assert_eq!(date_text(19782.25), "2024-02-29T06:00:00Z");
        assert_eq!(date_parts(19782.25), Some(DateParts { year: 2024, month: 1, weekday: 3, hour: 6 }));
        assert_eq!(date_parts(-0.5), Some(DateParts { year: 1969, month: 11, weekday: 2, hour: 12 }));
    }
}
