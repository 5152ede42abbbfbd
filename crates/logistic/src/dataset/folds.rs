//! Cross-validation: rows taken apart several times into rows to train on and rows held out.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Rows, check_length};
use crate::error::{Error, Result};
use crate::random::numpy::RandomState;

/// Rows to train on and rows held out.
#[derive(Clone, Debug)]
pub struct Fold<'a> {
    /// The rows to train on.
    pub train: Rows<'a>,
    /// The rows held out.
    pub held_out: Rows<'a>,
}

impl Fold<'_> {
    /// The same fold of other rows' dataset, which must have as many rows.
    pub(crate) fn of<'b>(&self, rows: &Rows<'b>) -> Fold<'b> {
        Fold { train: self.train.of(rows.dataset()), held_out: self.held_out.of(rows.dataset()) }
    }
}

/// How rows were taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// At random, classes in equal parts.
    Stratified,
    /// Groups of rows stay together.
    Grouped,
    /// Trained on the past, tested on what comes next.
    TimeOrdered,
}

/// All folds of a cross-validation.
#[derive(Clone, Debug)]
pub struct Folds<'a> {
    /// How they came to be.
    pub split: Split,
    /// The folds.
    pub folds: Vec<Fold<'a>>,
}

impl<'a> Folds<'a> {
    /// `k` folds at random in which every class is held out in equal parts, to within one row (Kohavi, IJCAI 1995): each
    /// class's rows are shuffled and dealt out one by one, the next class from where the one before ended. Outcomes that
    /// lie between two classes are dealt as classes of their own.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] for fewer than two folds, or more than rows.
    pub fn stratified(rows: &Rows<'a>, k: usize, seed: u32) -> Result<Self> {
        check_folds(k, rows.len(), "rows")?;
        let mut order = RandomState::new(seed).permutation(rows.len());
        let y = rows.y();
        order.sort_by(|&a, &b| y[a].total_cmp(&y[b]));
        let mut part = vec![0; rows.len()];
        order.iter().enumerate().for_each(|(at, &position)| part[position] = at % k);
        Ok(Folds { split: Split::Stratified, folds: held_out_in_turn(rows, &part, k) })
    }

    /// `k` folds in which all rows of a group are held out together. Groups, the largest first, go one by one to the fold
    /// with the fewest rows so far (the first of several).
    ///
    /// # Shapes
    /// `group` (n_rows of the dataset that `rows` are of): the number of each row's group.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when there are not as many numbers as rows in the dataset; [`crate::Error::Setting`] for
    /// fewer than two folds, or more than groups.
    pub fn grouped(rows: &Rows<'a>, group: &[usize], k: usize) -> Result<Self> {
        check_length("length of group".to_string(), rows.dataset().len(), group.len())?;
        let of_row: Vec<usize> = rows.indices().map(|index| group[index]).collect();
        let mut distinct = of_row.clone();
        distinct.sort_unstable();
        distinct.dedup();
        check_folds(k, distinct.len(), "groups")?;
        let number = |group: &usize| distinct.binary_search(group).unwrap_or(0);
        let mut sizes: Vec<(usize, usize)> = (0..distinct.len()).map(|group| (0, group)).collect();
        of_row.iter().for_each(|group| sizes[number(group)].0 += 1);
        sizes.sort_by_key(|&(size, group)| (Reverse(size), group));
        let mut filled = vec![0; k];
        let mut part_of = vec![0; distinct.len()];
        for (size, group) in sizes {
            let least = (1..k).fold(0, |least, part| if filled[part] < filled[least] { part } else { least });
            part_of[group] = least;
            filled[least] += size;
        }
        let part: Vec<usize> = of_row.iter().map(|group| part_of[number(group)]).collect();
        Ok(Folds { split: Split::Grouped, folds: held_out_in_turn(rows, &part, k) })
    }

    /// `k` folds that never look ahead: sorted by time, the rows fall into k + 1 blocks of about the same size; each block
    /// but the first is held out once, of a model trained on all blocks before it (an expanding window: Hyndman &
    /// Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed. 2021, §5.10). Rows of one time stay in one block.
    ///
    /// # Shapes
    /// `time` (n_rows of the dataset that `rows` are of).
    ///
    /// # Errors
    /// [`crate::Error::Shape`] when there are not as many times as rows in the dataset; [`crate::Error::Setting`] for
    /// fewer than two folds, for a time that is not finite, or for too few different times.
    pub fn time_ordered(rows: &Rows<'a>, time: &[f64], k: usize) -> Result<Self> {
        check_length("length of time".to_string(), rows.dataset().len(), time.len())?;
        let at = |position: usize| time[rows.at(position)];
        if let Some(position) = (0..rows.len()).find(|&position| !at(position).is_finite()) {
            return Err(Error::setting("time", "finite", &at(position)));
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| at(a).total_cmp(&at(b)));
        let n = order.len();
        let later = |cut: usize| (cut..n).find(|&i| i == 0 || at(order[i]) > at(order[i - 1])).unwrap_or(n);
        let mut cuts: Vec<usize> = (1..=k).map(|block| later(block * n / (k + 1))).collect();
        cuts.push(n);
        cuts.dedup();
        check_folds(k, cuts.len() - 1, "later blocks of rows of different times")?;
        let select = |positions: &[usize]| {
            let mut positions = positions.to_vec();
            positions.sort_unstable();
            Rows::from_list(rows.dataset(), positions.into_iter().map(|position| rows.at(position)).collect())
        };
        let fold = |cut: &[usize]| Fold { train: select(&order[..cut[0]]), held_out: select(&order[cut[0]..cut[1]]) };
        Ok(Folds { split: Split::TimeOrdered, folds: cuts.windows(2).map(fold).collect() })
    }
}

/// Every part held out once, of the rows of all others; all in their own order.
fn held_out_in_turn<'a>(rows: &Rows<'a>, part: &[usize], k: usize) -> Vec<Fold<'a>> {
    let select = |wanted: &dyn Fn(usize) -> bool| {
        let positions = (0..rows.len()).filter(|&position| wanted(part[position]));
        Rows::from_list(rows.dataset(), positions.map(|position| rows.at(position)).collect())
    };
    let fold = |held_out| Fold { train: select(&|part| part != held_out), held_out: select(&|part| part == held_out) };
    (0..k).map(fold).collect()
}

fn check_folds(k: usize, most: usize, of: &str) -> Result<()> {
    if (2..=most).contains(&k) {
        return Ok(());
    }
    let expected = format!("at least 2, and at most the number of {of}, {most}");
    Err(Error::setting("cv-folds", &expected, &k))
}
