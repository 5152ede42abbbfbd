//! The parts of a date, from the days since 1970-01-01, by whole-number arithmetic in doubles.
//!
//! Year and month are by H. Hinnant, "chrono-compatible low-level date algorithms" (2013), `civil_from_days`, for days
//! within 400 years × 2000 of 1970, which is further than the calendar of the model goes.

use super::Writer;
use super::graph::int;
use super::messages::DataType;
use crate::encode::Part;

/// Microseconds of a day, to which moments are rounded.
const MICROSECONDS: f64 = 86_400e6;
/// Days beyond this are in no calendar.
const MOST_DAYS: f64 = 9e7;

impl Writer<'_, '_> {
    fn with(&mut self, op: &str, left: &str, right: f64) -> String {
        let right = self.graph.number(right);
        self.graph.node(op, &[left, &right])
    }

    fn floor_of(&mut self, left: &str, divisor: f64) -> String {
        let quotient = self.with("Div", left, divisor);
        self.graph.node("Floor", &[&quotient])
    }

    /// `left` − `factor`·⌊`left`/`factor`⌋.
    fn modulo(&mut self, left: &str, factor: f64) -> String {
        let whole = self.floor_of(left, factor);
        let whole = self.with("Mul", &whole, factor);
        self.graph.node("Sub", &[left, &whole])
    }

    /// The moment in microseconds; NaN beyond the calendar.
    fn microseconds(&mut self, days: &str) -> String {
        let size = self.graph.node("Abs", &[days]);
        let beyond = self.with("Greater", &size, MOST_DAYS);
        let none = self.graph.number(f64::NAN);
        let days = self.graph.node("Where", &[&beyond, &none, days]);
        let moment = self.with("Mul", &days, MICROSECONDS);
        let half = self.with("Add", &moment, 0.5);
        self.graph.node("Floor", &[&half])
    }

    /// The year that begins in March, and the month of it from 0.
    fn year_and_month(&mut self, days: &str) -> (String, String) {
        let moment = self.microseconds(days);
        let day = self.floor_of(&moment, MICROSECONDS);
        let day = self.with("Add", &day, 719_468.0);
        let era = self.floor_of(&day, 146_097.0);
        let day_of_era = self.modulo(&day, 146_097.0);
        let leap = self.floor_of(&day_of_era, 1460.0);
        let century = self.floor_of(&day_of_era, 36_524.0);
        let last = self.floor_of(&day_of_era, 146_096.0);
        let even = self.graph.node("Sub", &[&day_of_era, &leap]);
        let even = self.graph.node("Add", &[&even, &century]);
        let even = self.graph.node("Sub", &[&even, &last]);
        let year_of_era = self.floor_of(&even, 365.0);
        let (years, leaps) = (self.with("Mul", &year_of_era, 365.0), self.floor_of(&year_of_era, 4.0));
        let centuries = self.floor_of(&year_of_era, 100.0);
        let before = self.graph.node("Add", &[&years, &leaps]);
        let before = self.graph.node("Sub", &[&before, &centuries]);
        let day_of_year = self.graph.node("Sub", &[&day_of_era, &before]);
        let month = self.with("Mul", &day_of_year, 5.0);
        let month = self.with("Add", &month, 2.0);
        let month = self.floor_of(&month, 153.0);
        let eras = self.with("Mul", &era, 400.0);
        (self.graph.node("Add", &[&year_of_era, &eras]), month)
    }

    /// The year of a date; NaN where the date is.
    pub(super) fn year(&mut self, days: &str) -> String {
        let (year, month) = self.year_and_month(days);
        // January and February, months 10 and 11, are of the next year.
        let next = self.with("GreaterOrEqual", &month, 10.0);
        let next = self.graph.node_with("Cast", &[&next], vec![int("to", DataType::Double as i64)]);
        self.graph.node("Add", &[&year, &next])
    }

    /// The level of a part of a date; `calendar` has that of every value.
    pub(super) fn part_level(&mut self, days: &str, part: Part, mut calendar: Vec<i64>, missing: i64) -> String {
        let value = match part {
            Part::Month | Part::Year => {
                let (_, month) = self.year_and_month(days);
                let january = self.with("Add", &month, 2.0);
                self.modulo(&january, 12.0)
            }
            Part::Weekday => {
                let moment = self.microseconds(days);
                let day = self.floor_of(&moment, MICROSECONDS);
                // 1970-01-01 was a Thursday.
                let day = self.with("Add", &day, 3.0);
                self.modulo(&day, 7.0)
            }
            Part::Hour => {
                let moment = self.microseconds(days);
                let time = self.modulo(&moment, MICROSECONDS);
                self.floor_of(&time, 3600e6)
            }
        };
        let absent = self.graph.node("IsNaN", &[&value]);
        let none = self.graph.number(calendar.len() as f64);
        let value = self.graph.node("Where", &[&absent, &none, &value]);
        let place = self.graph.node_with("Cast", &[&value], vec![int("to", DataType::Int64 as i64)]);
        calendar.push(missing);
        let calendar = self.graph.whole(&[calendar.len()], calendar);
        self.graph.node_with("Gather", &[&calendar, &place], vec![int("axis", 0)])
    }
}
