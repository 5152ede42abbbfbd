//! What the encoder knows of the words of a category.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use super::{OTHER, Unseen};
use crate::error::{Error, Place};

/// The words that have a level, and what becomes of others. `S` is a word, lent or owned.
#[derive(Clone, Debug)]
pub(super) struct Known<S> {
    /// The code of every level, and of every word that is pooled.
    codes: HashMap<S, u32>,
    levels: Vec<S>,
    /// What stands for a missing value.
    pub(super) fill: Option<u32>,
    unseen: Unseen,
}

/// What becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Code(u32),
    /// Unseen, but the policy has a code for it.
    Replaced(u32),
    Refused,
}

impl<'k> Known<&'k str> {
    pub(super) fn new(levels: &'k [String], pooled: &'k [String], fill: Option<&str>, unseen: Unseen) -> Self {
        let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
        let mut codes: HashMap<&str, u32> = levels.iter().copied().zip(0..).collect();
        if let Some(&other) = codes.get(OTHER) {
            // A level is itself, though it may be called as one that was pooled.
            pooled.iter().for_each(|word| {
                codes.entry(word).or_insert(other);
            });
        }
        Known { fill: fill.and_then(|fill| codes.get(fill).copied()), codes, levels, unseen }
    }

    /// The same, its words its own.
    pub(super) fn owned(self) -> Known<String> {
        Known {
            codes: self.codes.into_iter().map(|(word, code)| (word.to_string(), code)).collect(),
            levels: self.levels.into_iter().map(String::from).collect(),
            fill: self.fill,
            unseen: self.unseen,
        }
    }
}

impl<S: Borrow<str> + Eq + Hash> Known<S> {
    /// The number of levels.
    pub(super) fn n_levels(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn fate(&self, word: &str) -> Fate {
        if let Some(&code) = self.codes.get(word) {
            return Fate::Code(code);
        }
        // A boolean or a yes and no may come in another case.
        if ["yes", "no", "true", "false"].iter().any(|known| word.eq_ignore_ascii_case(known))
            && let Some(at) = self.levels.iter().position(|level| level.borrow().eq_ignore_ascii_case(word))
        {
            return Fate::Code(at as u32);
        }
        match self.unseen {
            Unseen::Baseline => Fate::Replaced(0),
            Unseen::Other => self.codes.get(OTHER).map_or(Fate::Refused, |&other| Fate::Replaced(other)),
            Unseen::Error => Fate::Refused,
        }
    }

    /// The level that the policy puts in the place of an unseen one.
    pub(super) fn stand_in(&self) -> String {
        match self.unseen {
            Unseen::Baseline => self.levels.first().map_or(String::new(), |level| level.borrow().to_string()),
            _ => OTHER.to_string(),
        }
    }

    /// The refusal of a word.
    pub(super) fn unseen_level(&self, place: Place, word: &str) -> Error {
        let known = self.levels.iter().map(|level| level.borrow().to_string()).collect();
        Error::UnseenLevel { place, level: word.to_string(), known, of_target: false }
    }
}
