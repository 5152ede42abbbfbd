//! The linear constraints that the rows put on a direction, made from the rows block by block and never all at once.

use rayon::prelude::*;

use super::dot;
use crate::dataset::{Panel, Rows, Standardisation};

/// Partial results are merged in order and their number is fixed, so that no number of threads changes a bit.
const MOST_CHUNKS: usize = 64;

/// For every row i of positive weight and every class k other than its own: `z(i, yᵢ) − z(i, k) ≥ 0`, where `z(i, k)`
/// is the logit of class k that a direction gives row i, and class 0's logit is 0.
///
/// A direction has the layout of the parameters: for K classes K − 1 outputs, the weights output by output
/// ((K − 1) × p), then K − 1 intercepts if there are any.
pub(super) struct Constraints<'a> {
    rows: &'a Rows<'a>,
    standard: &'a Standardisation,
    intercept: bool,
    n_classes: usize,
    /// Each row's class. Between 0 and 1, of two classes, it counts as both.
    y: Vec<f64>,
}

/// One constraint; its vector a is such that the margin of a direction δ is a·δ.
#[derive(Clone, Copy)]
pub(super) struct Constraint {
    /// The row's position.
    pub(super) position: usize,
    pub(super) class: usize,
    pub(super) against: usize,
    /// Whether the margin must be zero, as of a row that counts as both classes.
    pub(super) equality: bool,
}

/// A block of rows with its constraints and their lengths.
#[derive(Default)]
pub(super) struct Block {
    pub(super) panel: Panel,
    /// The position of the first row.
    pub(super) start: usize,
    /// Those of the rows of positive weight, row by row.
    pub(super) constraints: Vec<Constraint>,
    /// The length of each constraint's vector; positive, as 1 stands for a vector of zeros.
    pub(super) lengths: Vec<f64>,
    /// (K − 1) × rows.
    logits: Vec<f64>,
}

impl<'a> Constraints<'a> {
    /// The constraints of `rows`, whose classes are `y`.
    pub(super) fn new(
        rows: &'a Rows<'a>,
        standard: &'a Standardisation,
        intercept: bool,
        n_classes: usize,
        y: Vec<f64>,
    ) -> Self {
        Constraints { rows, standard, intercept, n_classes, y }
    }

    /// Outputs of the model, K − 1.
    pub(super) fn n_outputs(&self) -> usize {
        self.n_classes - 1
    }

    /// The number of rows.
    pub(super) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are intercepts.
    pub(super) fn intercept(&self) -> bool {
        self.intercept
    }

    /// The columns.
    pub(super) fn standard(&self) -> &Standardisation {
        self.standard
    }

    /// The length of a direction.
    pub(super) fn n_parameters(&self) -> usize {
        self.n_outputs() * (self.standard.columns.len() + usize::from(self.intercept))
    }

    /// The vector of a constraint (parameters), scaled to unit length, from the same standardised numbers as in a
    /// scan; zeros for a row of zeros.
    pub(super) fn vector(&self, constraint: &Constraint) -> Vec<f64> {
        let mut panel = Panel::new();
        panel.pack(&self.rows.slice(constraint.position..constraint.position + 1), Some(self.standard));
        let p = self.standard.columns.len();
        let mut vector = vec![0.0; self.n_parameters()];
        for (class, sign) in [(constraint.class, 1.0), (constraint.against, -1.0)] {
            let Some(output) = class.checked_sub(1) else { continue };
            (0..p).for_each(|j| vector[output * p + j] = sign * panel.column(j)[0]);
            if self.intercept {
                vector[self.n_outputs() * p + output] = sign;
            }
        }
        let length = dot(&vector, &vector).sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|v| *v /= length);
        }
        vector
    }

    /// Constraints of about `count` rows of each class and of those that count as both, spread over the rows.
    pub(super) fn spread(&self, count: usize) -> Vec<Constraint> {
        let counted = self.counted();
        let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); self.n_classes + 1];
        for (position, &y) in self.y.iter().enumerate() {
            if counted[position] {
                of_class[if y.fract() == 0.0 { y as usize } else { self.n_classes }].push(position);
            }
        }
        let few = |all: &Vec<usize>| all.iter().copied().step_by((all.len() / count).max(1)).collect::<Vec<_>>();
        of_class.iter().flat_map(few).flat_map(|position| self.of_row(position)).collect()
    }

    /// Whether each row has a positive weight.
    pub(super) fn counted(&self) -> Vec<bool> {
        self.rows
            .weight()
            .map_or_else(|| vec![true; self.rows.len()], |weight| weight.iter().map(|&s| s > 0.0).collect())
    }

    fn of_row(&self, position: usize) -> impl Iterator<Item = Constraint> {
        let y = self.y[position];
        let equality = y.fract() != 0.0;
        let class = if equality { 1 } else { y as usize };
        let others = (0..self.n_classes).filter(move |&against| against != class);
        others.map(move |against| Constraint { position, class, against, equality })
    }

    /// Calls `work` with every block of rows, from the first to the last within a chunk, and the chunk's own result;
    /// returns the chunks' results in order.
    pub(super) fn in_blocks<T: Default + Send>(&self, work: impl Fn(&mut Block, &mut T) + Sync) -> Vec<T> {
        let n = self.rows.len();
        let size = n.div_ceil(MOST_CHUNKS).next_multiple_of(Panel::ROWS);
        let chunk = |&first: &usize| {
            let (mut block, mut result) = (Block::default(), T::default());
            let end = n.min(first + size);
            for start in (first..end).step_by(Panel::ROWS) {
                block.load(self, start, end.min(start + Panel::ROWS));
                work(&mut block, &mut result);
            }
            result
        };
        let firsts: Vec<usize> = (0..n).step_by(size.max(1)).collect();
        firsts.par_iter().map(chunk).collect()
    }
}

impl Block {
    /// Fills the block with the rows at the positions from `start` to `end`.
    fn load(&mut self, of: &Constraints<'_>, start: usize, end: usize) {
        self.panel.pack(&of.rows.slice(start..end), Some(of.standard));
        self.start = start;
        self.constraints.clear();
        self.lengths.clear();
        let mut squares = vec![f64::from(of.intercept); end - start];
        for j in 0..self.panel.n_columns() {
            squares.iter_mut().zip(self.panel.column(j)).for_each(|(square, x)| *square += x * x);
        }
        for (i, square) in squares.iter().enumerate().filter(|(i, _)| self.panel.weight()[*i] > 0.0) {
            for constraint in of.of_row(start + i) {
                let blocks = f64::from(u8::from(constraint.class > 0) + u8::from(constraint.against > 0));
                self.lengths.push(if *square > 0.0 { (blocks * square).sqrt() } else { 1.0 });
                self.constraints.push(constraint);
            }
        }
    }

    /// The margins of `direction`, by constraint; not relative to anything.
    pub(super) fn margins(&mut self, of: &Constraints<'_>, direction: &[f64]) -> Vec<f64> {
        let (n, p, outputs) = (self.panel.n_rows(), self.panel.n_columns(), of.n_outputs());
        self.logits.clear();
        for output in 0..outputs {
            let start = self.logits.len();
            self.logits.resize(start + n, if of.intercept { direction[outputs * p + output] } else { 0.0 });
            for (j, &w) in direction[output * p..(output + 1) * p].iter().enumerate().filter(|(_, w)| **w != 0.0) {
                self.logits[start..].iter_mut().zip(self.panel.column(j)).for_each(|(z, x)| *z += w * x);
            }
        }
        let logit = |class: usize, i: usize| if class == 0 { 0.0 } else { self.logits[(class - 1) * n + i] };
        let margin =
            |c: &Constraint| logit(c.class, c.position - self.start) - logit(c.against, c.position - self.start);
        self.constraints.iter().map(margin).collect()
    }
}
