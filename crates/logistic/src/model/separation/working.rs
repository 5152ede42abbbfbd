//! Separation of a few constraints, kept in memory: a strict direction, or a proof for each that has none.

use std::collections::HashSet;

use super::complement::Complement;
use super::metric::Metric;
use super::nnls::{Factor, Solution, nnls};
use super::{TIGHT, ZERO, dot};

/// A residual below this is rounding: that of a few hundred sums of numbers of about 1.
const ROUNDING: f64 = 1e-13;
/// Where the shortest convex combination is longer than this, the direction that it gives has margins to ten digits.
const COARSE: f64 = 1e-6;
/// Stretches are moderate, or what lies across the direction would be squeezed instead.
const STRETCH: f64 = 10.0;
/// So many stretches span the digits of f64.
const MOST_STRETCHES: usize = 16;
/// The margin of the shortest convex combination is found to within this share.
const SLACK: f64 = 1e-3;

/// Some constraints, and what is known of them.
pub(super) struct WorkingSet {
    metric: Metric,
    /// The constraints that may yet be strict: the coordinates in `complement` of their unit vectors in `metric`.
    open: Vec<Vec<f64>>,
    /// The directions, in `metric`, in which every constraint that is known to be tight stays at zero.
    complement: Complement,
    seen: HashSet<Vec<u64>>,
}

/// What a working set allows.
pub(super) enum Strict {
    /// This direction, of unit length, makes every open constraint strict, and leaves the others at zero.
    Direction(Vec<f64>),
    /// No constraint can be strict.
    Nothing,
    /// The constraints are too close to touching.
    Unclear,
}

impl WorkingSet {
    /// No constraints.
    pub(super) fn new(metric: Metric, n_parameters: usize) -> Self {
        WorkingSet { metric, open: Vec::new(), complement: Complement::whole(n_parameters), seen: HashSet::new() }
    }

    /// A basis, of parameters of unit length, of the directions in which every constraint that is known to be tight
    /// stays at zero.
    pub(super) fn free(&self) -> Vec<Vec<f64>> {
        self.complement.columns().iter().map(|column| unit(self.metric.to_parameters(column))).collect()
    }

    /// The coordinates in the complement of a vector (parameters), scaled to unit length in the metric: zeros where no
    /// free direction has a product with it. None for a vector of zeros.
    pub(super) fn coordinates(&self, vector: &[f64]) -> Option<Vec<f64>> {
        let vector = self.metric.of_vector(vector);
        let sound = dot(&vector, &vector) > 0.0;
        sound.then(|| self.complement.coordinates(&unit(vector)))
    }

    /// Adds a constraint by its unit vector; false when it is here already.
    pub(super) fn add(&mut self, vector: &[f64], equality: bool) -> bool {
        // Minus zero is zero.
        let mut bits: Vec<u64> = vector.iter().map(|v| (v + 0.0).to_bits()).collect();
        bits.push(u64::from(equality));
        if !self.seen.insert(bits) {
            return false;
        }
        let Some(coordinates) = self.coordinates(vector) else { return true };
        if dot(&coordinates, &coordinates).sqrt() > TIGHT {
            if equality {
                self.complement.take_out(&coordinates, self.open.iter_mut());
            } else {
                self.open.push(coordinates);
            }
        }
        true
    }

    /// Finds a direction that makes every constraint strict that any direction can.
    ///
    /// Of the open constraints u (scaled to unit length in the complement) the shortest convex combination is sought.
    /// If it is not zero, its direction has a positive product with all of them. If it is zero, Σ λᵤ·u = 0 with λ ≥ 0
    /// shows that no direction makes a u with λᵤ > 0 strict without violating another (Gordan's and Stiemke's
    /// theorems); those become tight, the complement loses their dimensions, and the others are looked at again. Each
    /// turn takes away a dimension, so there are at most as many turns as parameters.
    pub(super) fn close(&mut self) -> Strict {
        loop {
            self.open.retain(|u| dot(u, u).sqrt() > TIGHT);
            if self.open.is_empty() {
                return Strict::Nothing;
            }
            match convex(&self.open.iter().map(|u| affine(u)).collect::<Vec<_>>()) {
                Convex::Apart(direction) => return Strict::Direction(self.parameters(&direction)),
                Convex::Balanced(support) => self.tighten(&support),
                Convex::Unclear => return Strict::Unclear,
            }
        }
    }

    /// After [`WorkingSet::close`] has found a direction: one that also makes `functional` (coordinates) negative; `Nothing` if it is a combination of the open constraints with multipliers that are
    /// not negative, and so is nowhere negative (Farkas' lemma).
    pub(super) fn against(&self, functional: &[f64]) -> Strict {
        let opposite: Vec<f64> = functional.iter().map(|f| -f).collect();
        let open = self.open.iter().filter(|u| dot(u, u).sqrt() > TIGHT);
        match convex(&open.chain([&opposite]).map(|u| affine(u)).collect::<Vec<_>>()) {
            Convex::Apart(direction) => Strict::Direction(self.parameters(&direction)),
            Convex::Balanced(_) => Strict::Nothing,
            Convex::Unclear => Strict::Unclear,
        }
    }

    fn parameters(&self, coordinates: &[f64]) -> Vec<f64> {
        unit(self.metric.to_parameters(&self.complement.lift(coordinates)))
    }

    /// Makes the constraints of a balanced combination tight. Of k vectors that balance at most k − 1 are independent:
    /// once k − 1 have been taken out, what is left of the last is rounding.
    fn tighten(&mut self, support: &[(usize, f64)]) {
        let largest = support.iter().fold(0.0, |max, (_, multiplier)| f64::max(max, *multiplier));
        let balanced = support.iter().filter(|(_, multiplier)| *multiplier > ZERO * largest);
        let mut tight: Vec<usize> = balanced.map(|(at, _)| *at).collect();
        tight.sort_unstable();
        let mut vectors: Vec<Vec<f64>> = tight.iter().rev().map(|&at| self.open.swap_remove(at)).collect();
        for _ in 1..vectors.len() {
            let square = |at: &usize| dot(&vectors[*at], &vectors[*at]);
            let longest = (0..vectors.len()).max_by(|a, b| square(a).total_cmp(&square(b)));
            let Some(longest) = longest.filter(|at| square(at).sqrt() > TIGHT) else { return };
            let direction = vectors.swap_remove(longest);
            self.complement.take_out(&direction, self.open.iter_mut().chain(&mut vectors));
        }
    }
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

/// A vector scaled to unit length, with a 1 appended.
fn affine(u: &[f64]) -> Vec<f64> {
    let mut vector = unit(u.to_vec());
    vector.push(1.0);
    vector
}

enum Convex {
    /// A vector of unit length with a positive product with every column.
    Apart(Vec<f64>),
    /// Columns that combine to zero, with positive multipliers.
    Balanced(Vec<(usize, f64)>),
    Unclear,
}

/// The shortest convex combination of unit vectors, given with a 1 appended to each: with the target (0, …, 0, 1) the
/// non-negative least squares ‖Σ λᵤ·u‖² + (Σ λᵤ − 1)² have the residual (−δ, ‖residual‖²), with u·δ ≥ ‖residual‖²
/// (Lawson & Hanson 1974, ch. 23, problem LDP).
///
/// Where it is short, but not zero, the residual is a difference of nearly equal vectors, of few digits. Then the space
/// is stretched along its direction, which changes neither which vectors can be told apart nor which balance, until
/// the combination is long enough, or zero (as in the perceptron of Dunagan & Vempala, Mathematical Programming 114,
/// 2008).
fn convex(columns: &[Vec<f64>]) -> Convex {
    let dimension = columns[0].len() - 1;
    let mut target = vec![0.0; dimension + 1];
    target[dimension] = 1.0;
    let mut stretched = columns.to_vec();
    let mut stretches: Vec<(Vec<f64>, f64)> = Vec::new();
    for _ in 0..=MOST_STRETCHES {
        let found = nnls(&stretched, &target, SLACK);
        let length = dot(&found.residual, &found.residual).sqrt();
        if length <= ROUNDING {
            return Convex::Balanced(found.multipliers);
        }
        let own = along(&stretched, &found, length);
        let direction = stretches.iter().rev().fold(own.clone(), |vector, by| stretch(&vector, by));
        if let Some(direction) = apart(columns, direction) {
            return Convex::Apart(direction);
        }
        let by = (own, STRETCH.min(1.0 / length));
        stretched.iter_mut().for_each(|column| *column = affine(&stretch(&column[..dimension], &by)));
        stretches.push(by);
    }
    Convex::Unclear
}

/// The direction of a shortest convex combination, of unit length. That with equal products with the vectors it rests
/// on is the same, and has more digits where the combination is short.
fn along(columns: &[Vec<f64>], found: &Solution, length: f64) -> Vec<f64> {
    let dimension = found.residual.len() - 1;
    let mut factor = Factor::default();
    let independent = length <= COARSE
        && !found.multipliers.is_empty()
        && found.multipliers.iter().all(|&(at, _)| factor.append(&columns[at][..dimension]));
    unit(if independent { factor.equal_products() } else { found.residual[..dimension].iter().map(|r| -r).collect() })
}

/// The vector with its part along a direction of unit length multiplied.
fn stretch(vector: &[f64], (direction, factor): &(Vec<f64>, f64)) -> Vec<f64> {
    let more = (factor - 1.0) * dot(vector, direction);
    vector.iter().zip(direction).map(|(v, d)| v + more * d).collect()
}

/// `direction` scaled to unit length, where its product with every column is above [`ZERO`].
fn apart(columns: &[Vec<f64>], mut direction: Vec<f64>) -> Option<Vec<f64>> {
    let length = dot(&direction, &direction).sqrt();
    direction.iter_mut().for_each(|d| *d /= length);
    columns.iter().all(|column| dot(&column[..direction.len()], &direction) > ZERO).then_some(direction)
}
