//! Which way the infinite parameters run.

use super::constraints::{Block, Constraints};
use super::nnls::nnls;
use super::scan::{Candidate, thin};
use super::working::WorkingSet;
use super::{ZERO, join};
use crate::cholesky::dot;

/// A functional whose distance from the cone of the constraints is below this share of its length is in it.
const IN_CONE: f64 = 1e-8;
/// Constraint generation for signs gives up after so many turns; one is the rule.
const MOST_TURNS: usize = 8;

/// Which way a parameter runs to infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Sign {
    /// To +∞: no direction of the recession cone lowers it.
    Plus,
    /// To −∞.
    Minus,
    /// Either way, as the direction; or neither could be shown.
    Undetermined,
}

/// A direction of the working set's cone in which a parameter runs against the sign that it has in the inner point.
struct Witness {
    /// Its place among the infinite parameters.
    place: usize,
    /// Of unit length, in all parameters.
    direction: Vec<f64>,
    /// The parameter's values (those in the inner point made positive) in the witness, negative, and the inner point.
    values: (f64, f64),
}

/// The signs of the parameters given as functionals: their values on the columns of the set's complement.
///
/// A parameter has one sign if its functional is a combination of constraints with multipliers that are not negative
/// (Farkas' lemma); non-negative least squares finds the combination, or a direction of the opposite sign. The
/// combination holds for all rows. The direction is tried on them, mixed with as much of `inner` as makes it fit.
pub(super) fn signs(
    constraints: &Constraints<'_>,
    mut set: WorkingSet,
    inner: &[f64],
    functionals: Vec<(usize, Vec<f64>)>,
) -> Vec<Sign> {
    let point = set.complement().coordinates(inner);
    let mut signs = vec![Sign::Undetermined; functionals.len()];
    let mut left: Vec<(usize, Vec<f64>, f64)> = Vec::new();
    for (place, (_, functional)) in functionals.into_iter().enumerate() {
        let length = dot(&functional, &functional).sqrt();
        let value = dot(&functional, &point) / length;
        // One that is zero at an inner point, and not everywhere, has either sign nearby.
        if value.abs() > ZERO {
            signs[place] = if value > 0.0 { Sign::Plus } else { Sign::Minus };
            let oriented = functional.iter().map(|f| f / length * value.signum()).collect();
            left.push((place, oriented, value.abs()));
        }
    }
    if set.complement().dimension() == 1 {
        return signs;
    }
    for turn in 0..=MOST_TURNS {
        let witnesses: Vec<Witness> = left.iter().filter_map(|functional| witness(&set, functional)).collect();
        if turn == MOST_TURNS {
            witnesses.iter().for_each(|witness| signs[witness.place] = Sign::Undetermined);
        }
        let (shown, candidates) = attempt(constraints, &witnesses, inner);
        shown.iter().for_each(|&place| signs[place] = Sign::Undetermined);
        left.retain(|(place, ..)| witnesses.iter().any(|w| w.place == *place) && !shown.contains(place));
        if left.is_empty() {
            return signs;
        }
        if !join(constraints, &mut set, &candidates) {
            left.iter().for_each(|(place, ..)| signs[*place] = Sign::Undetermined);
            return signs;
        }
    }
    signs
}

/// A witness against the parameter's having one sign, if the working set leaves one.
fn witness(set: &WorkingSet, (place, functional, value): &(usize, Vec<f64>, f64)) -> Option<Witness> {
    let lift = |u: &Vec<f64>| {
        let length = dot(u, u).sqrt();
        u.iter().map(|u| u / length).collect()
    };
    let columns: Vec<Vec<f64>> = set.open().iter().filter(|u| dot(u, u).sqrt() > ZERO).map(lift).collect();
    let residual = nnls(&columns, functional, 0.0).residual;
    let length = dot(&residual, &residual).sqrt();
    (length > IN_CONE).then(|| {
        let opposite: Vec<f64> = residual.iter().map(|r| -r / length).collect();
        Witness {
            place: *place,
            values: (dot(&opposite, functional), *value),
            direction: set.complement().lift(&opposite),
        }
    })
}

/// What all rows say of the witnesses: for each the share of the inner point that must be mixed in, and candidates.
#[derive(Default)]
struct Mixtures {
    shares: Vec<f64>,
    candidates: Vec<Candidate>,
}

/// Tries the witnesses on all rows. Returns the places of the parameters that are shown to have either sign, and
/// constraints that the other witnesses violate.
fn attempt(constraints: &Constraints<'_>, witnesses: &[Witness], inner: &[f64]) -> (Vec<usize>, Vec<Candidate>) {
    if witnesses.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let limit = 4 * inner.len();
    let work = |block: &mut Block, mixtures: &mut Mixtures| {
        mixtures.shares.resize(witnesses.len(), 0.0);
        let of_inner = block.margins(constraints, inner);
        for (witness, share) in witnesses.iter().zip(&mut mixtures.shares) {
            let margins = block.margins(constraints, &witness.direction);
            let mut worst = None;
            for (at, (margin, of_inner)) in margins.iter().zip(&of_inner).enumerate() {
                if *margin < 0.0 && *of_inner > ZERO * block.lengths[at] {
                    let needed = margin / (margin - of_inner);
                    if needed > *share {
                        *share = needed;
                        worst = Some(at);
                    }
                }
            }
            if let Some(at) = worst {
                let key = margins[at] / block.lengths[at];
                mixtures.candidates.push(Candidate { key, constraint: block.constraints[at] });
            }
        }
        thin(&mut mixtures.candidates, limit);
    };
    let mut shares = vec![0.0; witnesses.len()];
    let mut candidates = Vec::new();
    for part in constraints.in_blocks(work) {
        shares.iter_mut().zip(&part.shares).for_each(|(all, share)| *all = f64::max(*all, *share));
        candidates.extend(part.candidates);
    }
    let opposite = |(witness, share): &(&Witness, &f64)| {
        let (against, at_inner) = witness.values;
        (1.0 - **share) * against + **share * at_inner < -ZERO
    };
    let shown = witnesses.iter().zip(&shares).filter(opposite).map(|(witness, _)| witness.place).collect();
    thin(&mut candidates, limit);
    (shown, candidates)
}
