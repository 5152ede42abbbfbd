//! Is there a finite optimum? Not if some direction of the coefficients never makes any row less likely and makes
//! some row ever more likely (Albert & Anderson, Biometrika 71(1), 1984, theorems 1–3).
//!
//! Every row of class c puts K − 1 constraints on a direction: that class c's logit fall below that of no other class.
//! Which constraints some direction can make strict while violating none is a linear programme (Konis, *Linear
//! programming algorithms for detecting separated data in binary logistic regression models*, DPhil thesis, Oxford,
//! 2007, ch. 4). It is solved here by constraint generation: a working set of constraints is settled in memory
//! ([`working`]), its direction is tried on all rows, and those that it violates, or leaves undecided, join the set.
//!
//! Both answers are proofs, up to rounding. Overlap is proved by a working set alone: combinations of its constraints
//! with positive multipliers that vanish, and that leave no direction free. Separation is proved by the direction,
//! whose margins are computed on every row.
//!
//! A linear-programming library would answer within a feasibility tolerance that it applies to scaled rows of its own,
//! prove nothing, and cost a dozen crates; what is needed is the 120 lines of [`nnls`].

mod complement;
mod constraints;
mod metric;
mod nnls;
mod scan;
mod signs;
#[cfg(test)]
mod tests;
mod working;

use crate::dataset::{Rows, Standardisation};
use crate::error::{Error, Result};
use crate::kernel::dot;
use constraints::{Constraint, Constraints};
use metric::Metric;
use scan::Scan;
pub(super) use signs::Sign;
use working::{Strict, WorkingSet};

/// What counts as zero, as the cosine between a direction and a constraint in standardised columns: the verdict is
/// that of rows within this relative distance of the rows given. Rounding in a margin of hundreds of terms is a
/// hundred times smaller; the classes of real data that do not touch are farther apart than a million times this.
const ZERO: f64 = 1e-11;
/// What counts as zero, of unit vectors in the working set's metric, where the columns' near collinearity has been
/// traded for rounding: a design as collinear as a fit takes (a pivot of 1e-12) brings that to some 1e-10. A
/// constraint that is taken for tight though it is not leaves [`ZERO`] on a scan of the rows, which then do not decide.
const TIGHT: f64 = 1e-9;
/// Rows that begin the working set, beyond two per class and parameter: random rows of two classes are as likely as not
/// to be separable at two per parameter (Cover, IEEE Transactions on Electronic Computers 14(3), 1965).
const FIRST: usize = 64;
/// The least number of constraints that may join the working set at a time.
const JOIN: usize = 256;

/// Whether there is a finite optimum.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// No direction separates any row: the maximum-likelihood estimate exists.
    Overlap,
    /// The likelihood rises for ever in some direction.
    Separated(Separation),
    /// The classes are so close to touching that rounding decides.
    Undecided,
}

/// The directions in which the likelihood never falls, and somewhere rises: the recession cone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Separation {
    /// Whether every row of positive weight is separated.
    pub(super) complete: bool,
    /// A direction of unit length in the cone's relative interior, laid out as the parameters, in standardised columns.
    pub(super) direction: Vec<f64>,
    /// The parameters that run off to infinity, rising. An intercept counts as that of the user's columns.
    pub(super) infinite: Vec<usize>,
    /// Which way each of `infinite` runs.
    pub(super) signs: Vec<Sign>,
    /// Whether a row's own class is, in the direction, ahead of every other: its probability goes to 1. Never a row of
    /// weight 0.
    pub(super) separated: Vec<bool>,
}

/// Decides whether the rows of positive weight can be separated. Parameters: for K classes K − 1 outputs against class
/// 0, the weights output by output ((K − 1) × p, p the columns of `standard`), then K − 1 intercepts if `intercept`.
/// An outcome strictly between 0 and 1, of two classes, counts as both and is never separated. `hints` are directions
/// that may separate, such as the solver's last step and last parameters.
///
/// # Errors
/// [`Error::Setting`] for an outcome that is no class.
pub(super) fn decide(
    rows: &Rows<'_>,
    standard: &Standardisation,
    intercept: bool,
    n_classes: usize,
    hints: &[&[f64]],
) -> Result<Verdict> {
    let y = rows.y();
    let known = |y: f64| (n_classes == 2 && (0.0..=1.0).contains(&y)) || (y.fract() == 0.0 && y < n_classes as f64);
    if let Some(y) = y.iter().find(|&&y| !(y >= 0.0 && known(y))) {
        return Err(Error::Setting {
            name: "y",
            expected: format!("a class, from 0 to {}", n_classes.saturating_sub(1)),
            found: y.to_string(),
        });
    }
    if n_classes < 2 {
        return Ok(Verdict::Overlap);
    }
    Ok(settle(&Constraints::new(rows, standard, intercept, n_classes, y), hints))
}

/// Generates constraints until the working set's answer is that of all rows.
///
/// It ends: every turn but the last adds a constraint that was not in the working set, and there are finitely many.
/// What it ends with is right. If the working set has no direction left, neither have all rows. Otherwise, when
/// nothing is violated and nothing is open, each constraint is either strict, or zero in all directions that the
/// working set leaves free: the direction is in the cone, no constraint outside the working set can be made strict
/// that is not, and those in it are settled by [`WorkingSet::close`].
fn settle(constraints: &Constraints<'_>, hints: &[&[f64]]) -> Verdict {
    let n = constraints.n_parameters();
    let limit = JOIN.max(2 * n);
    let mut set = WorkingSet::new(Metric::of(constraints), n);
    for hint in hints.iter().filter_map(|hint| unit(hint, n)) {
        let scan = constraints.scan(&hint, &[], limit);
        let nearest = scan.nearest.iter().map(|candidate| &candidate.constraint);
        join(constraints, &mut set, nearest);
        if !scan.some_not {
            return separated(constraints, set, hint, scan);
        }
    }
    for constraint in constraints.spread(FIRST + 2 * n) {
        set.add(&constraints.vector(&constraint), constraint.equality);
    }
    loop {
        let direction = match set.close() {
            Strict::Unclear => return Verdict::Undecided,
            Strict::Nothing => vec![0.0; n],
            Strict::Direction(direction) => direction,
        };
        let free = set.free();
        if free.is_empty() {
            return Verdict::Overlap;
        }
        let scan = constraints.scan(&direction, &free, limit);
        if scan.needed().next().is_none() {
            return if scan.some { separated(constraints, set, direction, scan) } else { Verdict::Overlap };
        }
        if !join(constraints, &mut set, scan.needed()) {
            return Verdict::Undecided;
        }
        join(constraints, &mut set, scan.nearest.iter().map(|candidate| &candidate.constraint));
    }
}

/// Adds constraints to the working set; whether any is new to it.
fn join<'c>(constraints: &Constraints<'_>, set: &mut WorkingSet, new: impl Iterator<Item = &'c Constraint>) -> bool {
    new.fold(false, |any, constraint| any | set.add(&constraints.vector(constraint), constraint.equality))
}

/// A hint scaled to unit length, if it can be one.
fn unit(hint: &[f64], n_parameters: usize) -> Option<Vec<f64>> {
    let length = dot(hint, hint).sqrt();
    let sound = hint.len() == n_parameters && length > 0.0 && length.is_finite();
    sound.then(|| hint.iter().map(|h| h / length).collect())
}

/// Describes the cone of which `direction` is an inner point.
///
/// Its linear hull is what the set leaves free: the directions that leave every constraint at zero that is not strict.
/// A parameter is finite if it is zero in all of them (the likelihood of the rows that are not separated then decides
/// on it; Geyer, Electronic Journal of Statistics 3, 2009, §3.4): if its coordinates in the set are zero.
fn separated(constraints: &Constraints<'_>, set: WorkingSet, mut direction: Vec<f64>, scan: Scan) -> Verdict {
    let (infinite, finite) = infinite(constraints, &set);
    finite.iter().for_each(|&k| direction[k] = 0.0);
    let signs = signs::signs(constraints, set, &direction, &infinite);
    let infinite = infinite.into_iter().map(|infinite| infinite.parameter).collect();
    Verdict::Separated(Separation { complete: !scan.some_not, direction, infinite, signs, separated: scan.separated })
}

/// A parameter, in the user's units, that runs off to infinity.
struct Infinite {
    parameter: usize,
    /// The standardised parameters of which it is a combination, those that are finite left out.
    terms: Vec<(usize, f64)>,
    /// Its coordinates in the working set.
    coordinates: Vec<f64>,
}

impl Infinite {
    /// The parameter's value in a direction, but for a positive factor; 0 where it is rounding.
    fn value(&self, direction: &[f64]) -> f64 {
        let sum: f64 = self.terms.iter().map(|&(k, multiplier)| multiplier * direction[k]).sum();
        let size: f64 = self.terms.iter().map(|&(k, multiplier)| multiplier.abs() * direction[k].abs()).sum();
        if sum.abs() > ZERO * size && sum.abs() > f64::EPSILON { sum } else { 0.0 }
    }
}

/// The infinite parameters in the user's units, and the finite ones in standardised columns. Of an intercept's terms
/// those that are finite are left out before its coordinates are looked at, so that a column far from zero, with a
/// large multiplier, does not drown the others.
fn infinite(constraints: &Constraints<'_>, set: &WorkingSet) -> (Vec<Infinite>, Vec<usize>) {
    let n = constraints.n_parameters();
    let coordinates = |terms: &[(usize, f64)]| {
        let mut vector = vec![0.0; n];
        terms.iter().for_each(|&(k, multiplier)| vector[k] = multiplier);
        set.coordinates(&vector).filter(|coordinates| dot(coordinates, coordinates).sqrt() > TIGHT)
    };
    let runs: Vec<bool> = (0..n).map(|k| coordinates(&[(k, 1.0)]).is_some()).collect();
    let of = |parameter: usize| {
        let terms: Vec<_> = terms(constraints, parameter).into_iter().filter(|&(k, _)| runs[k]).collect();
        Some(Infinite { parameter, coordinates: coordinates(&terms)?, terms })
    };
    ((0..n).filter_map(of).collect(), (0..n).filter(|&k| !runs[k]).collect())
}

/// A parameter in the user's units as a combination of the standardised ones, but for a positive factor: weights are
/// alone, an intercept is b′ − Σ w′·c/s, for centres c and scales s.
fn terms(constraints: &Constraints<'_>, parameter: usize) -> Vec<(usize, f64)> {
    let standard = constraints.standard();
    let p = standard.columns.len();
    let mut terms = vec![(parameter, 1.0)];
    if let Some(output) = parameter.checked_sub(constraints.n_outputs() * p) {
        let multiplier = |j: usize| -standard.centre[j] / standard.scale[j];
        terms.extend((0..p).map(|j| (output * p + j, multiplier(j))).filter(|(_, multiplier)| *multiplier != 0.0));
    }
    terms
}
