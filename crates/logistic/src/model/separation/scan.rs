//! What a direction does to all rows.

use super::ZERO;
use super::constraints::{Block, Constraint, Constraints};

/// A constraint worth adding to the working set; the smallest key first.
pub(super) struct Candidate {
    pub(super) key: f64,
    pub(super) constraint: Constraint,
}

/// What a direction does to all constraints. Margins are relative to the lengths of the constraint and the direction.
#[derive(Default)]
pub(super) struct Scan {
    /// Those with a margin below −[`ZERO`], and equalities above [`ZERO`]: the worst first.
    pub(super) violated: Vec<Candidate>,
    /// Those with a margin of zero that not all directions of the complement leave at zero: the most open first.
    pub(super) open: Vec<Candidate>,
    /// Whether all constraints of the row are strict, by position; never of a row of weight 0.
    pub(super) separated: Vec<bool>,
    /// Whether any constraint is strict.
    pub(super) some: bool,
    /// Whether any is not.
    pub(super) some_not: bool,
}

impl Constraints<'_> {
    /// Judges every constraint by `direction`, of unit length, and those at zero by whether `complement` (columns
    /// orthogonal to the constraints known to be tight) leaves them there. Keeps at most `limit` candidates of a kind.
    pub(super) fn scan(&self, direction: &[f64], complement: &[Vec<f64>], limit: usize) -> Scan {
        let work = |block: &mut Block, scan: &mut Scan| {
            let pending = block.judge(self, direction, scan);
            let mut squares = vec![0.0; pending.len()];
            for column in complement.iter().take_while(|_| !pending.is_empty()) {
                let margins = block.margins(self, column);
                pending.iter().zip(&mut squares).for_each(|(&at, square)| *square += margins[at] * margins[at]);
            }
            for (&at, square) in pending.iter().zip(&squares) {
                let distance = square.sqrt() / block.lengths[at];
                if distance > ZERO {
                    scan.open.push(Candidate { key: -distance, constraint: block.constraints[at] });
                }
            }
            thin(&mut scan.violated, limit);
            thin(&mut scan.open, limit);
        };
        Scan::join(self.in_blocks(work), limit)
    }

    /// The constraints with the smallest margins along `direction`, of unit length, as if they were violated; and
    /// whether any constraint is not strict.
    pub(super) fn nearest(&self, direction: &[f64], limit: usize) -> Scan {
        let work = |block: &mut Block, scan: &mut Scan| {
            let margins = block.margins(self, direction);
            for ((margin, length), constraint) in margins.iter().zip(&block.lengths).zip(&block.constraints) {
                let key = if constraint.equality { -margin.abs() } else { *margin } / length;
                scan.some_not |= key <= ZERO;
                scan.violated.push(Candidate { key, constraint: *constraint });
            }
            thin(&mut scan.violated, limit);
            thin(&mut scan.open, limit);
        };
        Scan::join(self.in_blocks(work), limit)
    }
}

impl Block {
    /// Enters into `scan` which constraints `direction`, of unit length, makes strict and which it violates. Returns
    /// the places of those it leaves at zero.
    fn judge(&mut self, of: &Constraints<'_>, direction: &[f64], scan: &mut Scan) -> Vec<usize> {
        let margins = self.margins(of, direction);
        let first = scan.separated.len();
        scan.separated.extend(self.panel.weight().iter().map(|&weight| weight > 0.0));
        let mut zero = Vec::new();
        for (at, (margin, length)) in margins.iter().zip(&self.lengths).enumerate() {
            let constraint = self.constraints[at];
            let margin = if constraint.equality { -margin.abs() } else { *margin } / length;
            if margin > ZERO {
                scan.some = true;
                continue;
            }
            scan.some_not = true;
            scan.separated[first + constraint.position - self.start] = false;
            if margin < -ZERO {
                scan.violated.push(Candidate { key: margin, constraint });
            } else {
                zero.push(at);
            }
        }
        zero
    }
}

impl Scan {
    fn join(parts: Vec<Scan>, limit: usize) -> Scan {
        let mut all = Scan::default();
        for part in parts {
            all.violated.extend(part.violated);
            all.open.extend(part.open);
            all.separated.extend(part.separated);
            all.some |= part.some;
            all.some_not |= part.some_not;
        }
        thin(&mut all.violated, limit);
        thin(&mut all.open, limit);
        all
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
