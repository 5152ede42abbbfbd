//! Columns of numbers beside each other.

use std::ops::Range;

use super::{Feature, Values};

/// The same rows of columns beside each other that are of one width.
pub(super) enum Slices<'a> {
    F64(Vec<&'a [f64]>),
    F32(Vec<&'a [f32]>),
}

impl<'a> Slices<'a> {
    /// Those of the columns of numbers at the start of `features`, as far as they have the width of the first.
    pub(super) fn of(features: impl Iterator<Item = &'a Feature>, rows: &Range<usize>) -> Self {
        let mut features = features.peekable();
        let most = features.size_hint().1.unwrap_or(0);
        if let Some(Feature::Number(Values::F32(_))) = features.peek() {
            let mut narrow = Vec::with_capacity(most);
            while let Some(Feature::Number(Values::F32(values))) = features.next() {
                narrow.push(&values[rows.start..rows.end]);
            }
            return Slices::F32(narrow);
        }
        let mut wide = Vec::with_capacity(most);
        while let Some(Feature::Number(Values::F64(values))) = features.next() {
            wide.push(&values[rows.start..rows.end]);
        }
        Slices::F64(wide)
    }
}
