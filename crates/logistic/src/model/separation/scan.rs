//! What a direction does to all rows.

use super::ZERO;
use super::constraints::{Block, Constraint, Constraints};

/// A constraint that may join the working set; the smallest key first.
pub(super) struct Candidate {
    pub(super) key: f64,
    pub(super) constraint: Constraint,
}

/// What a direction does to all constraints. Margins are relative to the lengths of the constraint and the direction;
/// of an equality, −|margin|.
#[derive(Default)]
pub(super) struct Scan {
    /// Those with the smallest margins that are not zero, with their margins. Those that are not negative are here
    /// because the next direction is likely to violate them.
    pub(super) nearest: Vec<Candidate>,
    /// Those with a margin of zero that some free direction does not leave there: the most open first.
    pub(super) open: Vec<Candidate>,
    /// Whether all constraints of the row are strict, by position; never of a row of weight 0.
    pub(super) separated: Vec<bool>,
    /// Whether any constraint is strict.
    pub(super) some: bool,
    /// Whether any is not.
    pub(super) some_not: bool,
}

impl Constraints<'_> {
    /// Judges every constraint by `direction`, of unit length, and those at zero by whether `free`, directions
    /// of unit length that leave at zero what is known to be tight, leave them there. Keeps at most `limit` candidates of a kind.
    pub(super) fn scan(&self, direction: &[f64], free: &[Vec<f64>], limit: usize) -> Scan {
        let work = |block: &mut Block, scan: &mut Scan| {
            let zero = block.judge(self, direction, scan);
            thin(&mut scan.nearest, limit);
            if zero.is_empty() {
                return;
            }
            let mut squares = vec![0.0; zero.len()];
            for direction in free {
                let margins = block.margins(self, direction);
                zero.iter().zip(&mut squares).for_each(|(&at, square)| *square += margins[at] * margins[at]);
            }
            for (&at, square) in zero.iter().zip(&squares) {
                let distance = square.sqrt() / block.lengths[at];
                if distance > ZERO {
                    scan.open.push(Candidate { key: -distance, constraint: block.constraints[at] });
                }
            }
            thin(&mut scan.open, limit);
        };
        let mut all = Scan::default();
        for part in self.in_blocks(work) {
            all.nearest.extend(part.nearest);
            all.open.extend(part.open);
            all.separated.extend(part.separated);
            all.some |= part.some;
            all.some_not |= part.some_not;
        }
        thin(&mut all.nearest, limit);
        thin(&mut all.open, limit);
        all
    }
}

impl Block {
    /// Enters into `scan` which constraints `direction`, of unit length, makes strict and which it violates. Returns
    /// the places of those it leaves at zero.
    fn judge(&mut self, of: &Constraints<'_>, direction: &[f64], scan: &mut Scan) -> Vec<usize> {
        let margins = self.margins(of, direction);
        let first = scan.separated.len();
        scan.separated.extend(self.panel.weight().iter().map(|&weight| weight > 0.0));
        let enough = scan.nearest.last().map_or(f64::INFINITY, |last| last.key);
        let mut zero = Vec::new();
        for (at, (margin, length)) in margins.iter().zip(&self.lengths).enumerate() {
            let constraint = self.constraints[at];
            let key = if constraint.equality { -margin.abs() } else { *margin } / length;
            if key > ZERO {
                scan.some = true;
            } else {
                scan.some_not = true;
                scan.separated[first + constraint.position - self.start] = false;
            }
            if key.abs() <= ZERO {
                zero.push(at);
            } else if key < enough {
                scan.nearest.push(Candidate { key, constraint });
            }
        }
        zero
    }
}

impl Scan {
    /// The candidates that must join the working set: those violated, and those open.
    pub(super) fn needed(&self) -> impl Iterator<Item = &Constraint> {
        let violated = self.nearest.iter().take_while(|candidate| candidate.key < 0.0);
        violated.chain(&self.open).map(|candidate| &candidate.constraint)
    }
}

/// Leaves the first `limit` candidates. Rows that repeat each other have the same key, so one of each key is enough;
/// should different rows share it, the next scan finds the others.
pub(super) fn thin(candidates: &mut Vec<Candidate>, limit: usize) {
    let place = |c: &Candidate| (c.constraint.class, c.constraint.against, c.constraint.equality);
    candidates.sort_by(|a, b| a.key.total_cmp(&b.key));
    candidates.dedup_by(|b, a| a.key == b.key && place(a) == place(b));
    candidates.truncate(limit);
}
