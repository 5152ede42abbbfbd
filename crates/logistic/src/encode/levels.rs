//! The levels of a category.

use super::{Encoding, OTHER};
use crate::error::{Error, Place, Result, listed, quoted};
use crate::table::{Chunks, Column, Selected, Table};

/// Levels in design order, and the rare ones that are pooled.
pub(super) struct Levels {
    pub(super) levels: Vec<String>,
    pub(super) pooled: Vec<String>,
    pub(super) most_frequent: Option<String>,
    /// The rows of the pooled levels.
    pub(super) pooled_rows: usize,
}

/// Sorts the levels of a column by code point, pools the rare ones, and puts the reference first.
pub(super) fn learn(
    table: &Table,
    column: &Column,
    codes: &Chunks<u32>,
    names: &[String],
    rows: &Selected,
    encoding: &Encoding,
) -> Result<Levels> {
    let mut counts = vec![0_usize; names.len()];
    for code in codes.at(rows) {
        // A missing cell's code is beyond every level.
        if let Some(count) = counts.get_mut(code as usize) {
            *count += 1;
        }
    }
    let mut met: Vec<(&String, usize)> = names.iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    met.sort_unstable();
    let reference = encoding.reference.iter().find(|(name, _)| *name == column.name).map(|(_, level)| level);
    if let Some(reference) = reference
        && !met.iter().any(|(level, _)| *level == reference)
    {
        let levels: Vec<String> = met.iter().map(|(level, _)| (*level).clone()).collect();
        return Err(Error::Malformed {
            place: Place::file(table.path()).column(&column.name),
            expected: format!("one of its levels {} as the reference", listed(&levels, 8)),
            found: quoted(reference),
            help: None,
        });
    }
    let is_rare = |(level, count): &(&String, usize)| *count < encoding.min_level_count && Some(*level) != reference;
    let (rare, kept): (Vec<_>, Vec<_>) = met.iter().copied().partition(is_rare);
    // The first by code point among equals.
    let most_frequent = met.iter().rev().max_by_key(|(_, count)| *count).map(|(level, _)| *level);
    let most_frequent = most_frequent.map(|level| match rare.iter().any(|(name, _)| *name == level) {
        true => OTHER.to_string(),
        false => level.clone(),
    });
    let mut levels: Vec<String> = kept.into_iter().map(|(level, _)| level.clone()).collect();
    if let Some(at) = reference.and_then(|reference| levels.iter().position(|level| level == reference)) {
        levels[..=at].rotate_right(1);
    }
    if !rare.is_empty() && !levels.iter().any(|level| level == OTHER) {
        levels.push(OTHER.to_string());
    }
    let pooled_rows = rare.iter().map(|(_, count)| count).sum();
    let pooled = rare.into_iter().map(|(level, _)| level.clone()).collect();
    Ok(Levels { levels, pooled, most_frequent, pooled_rows })
}
