//! Which way the infinite parameters run.

use super::constraints::{Block, Constraints};
use super::scan::{Candidate, thin};
use super::working::{Strict, WorkingSet};
use super::{Infinite, ZERO, join};

/// Constraint generation for signs ends after so many turns; one is the rule.
const MOST_TURNS: usize = 4;

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

/// A parameter, and a direction of the working set's cone in which it runs against its sign in the inner point.
struct Witness {
    /// Its place among the infinite parameters.
    place: usize,
    /// Of unit length, in all parameters.
    direction: Vec<f64>,
    /// The parameter's values in the direction and in the inner point, with the sign that makes the latter positive.
    values: (f64, f64),
}

/// An infinite parameter: its place among them, its coordinates in the working set with the sign that makes its value
/// in the inner point positive, and that sign.
type Functional = (usize, Vec<f64>, f64);

/// The signs of the infinite parameters.
///
/// A parameter has one sign if no direction of the cone gives it the other; the working set's proof of that holds for
/// all rows. A direction that does is tried on them, mixed with as much of `inner` as makes it fit.
pub(super) fn signs(
    constraints: &Constraints<'_>,
    mut set: WorkingSet,
    inner: &[f64],
    infinite: &[Infinite],
) -> Vec<Sign> {
    let mut signs = vec![Sign::Undetermined; infinite.len()];
    let mut left: Vec<Functional> = Vec::new();
    for (place, parameter) in infinite.iter().enumerate() {
        // One that is zero at an inner point, and not everywhere, has either sign nearby.
        let value = parameter.value(inner);
        if value != 0.0 {
            signs[place] = if value > 0.0 { Sign::Plus } else { Sign::Minus };
            left.push((place, parameter.coordinates.iter().map(|c| c * value.signum()).collect(), value.signum()));
        }
    }
    if infinite.iter().any(|parameter| parameter.coordinates.len() == 1) {
        return signs;
    }
    for _ in 0..MOST_TURNS {
        let mut witnesses = Vec::new();
        left.retain(|(place, functional, sign)| match set.against(functional) {
            Strict::Nothing => false,
            Strict::Unclear => {
                signs[*place] = Sign::Undetermined;
                false
            }
            Strict::Direction(direction) => {
                let of = |point: &[f64]| sign * infinite[*place].value(point);
                let values = (of(&direction), of(inner));
                witnesses.push(Witness { place: *place, direction, values });
                true
            }
        });
        let (shown, violated) = attempt(constraints, &witnesses, inner);
        shown.iter().for_each(|&place| signs[place] = Sign::Undetermined);
        left.retain(|(place, ..)| !shown.contains(place));
        let new = violated.iter().map(|candidate| &candidate.constraint);
        if left.is_empty() || !join(constraints, &mut set, new) {
            break;
        }
    }
    left.iter().for_each(|(place, ..)| signs[*place] = Sign::Undetermined);
    signs
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
        (1.0 - **share) * against + **share * at_inner < 0.0
    };
    let shown = witnesses.iter().zip(&shares).filter(opposite).map(|(witness, _)| witness.place).collect();
    thin(&mut candidates, limit);
    (shown, candidates)
}
