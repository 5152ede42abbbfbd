//! The minimum of a quadratic with kinks, by cyclic coordinate descent (Friedman, Hastie & Tibshirani, Journal of
//! Statistical Software 33(1), 2010) and, once it shows which parameters are held, by one Cholesky factorisation over
//! the others, which is exact where coordinate descent would crawl.

use crate::cholesky::Cholesky;
use crate::objective::ParameterPenalty;

/// Sweeps before the parameters that are not held are solved for together.
const SWEEPS: usize = 8;
/// Rounds of sweeps; a well-conditioned problem needs two or three.
const MOST_ROUNDS: usize = 200;
/// Sweeps stop when no parameter moves by more than this share of the largest.
const STILL: f64 = 1e-14;
/// A rough minimum is one where no parameter moves by more than this share of what one moved at first: the quadratic itself
/// is off by more. Where that takes more sweeps than these, the minimum is looked for in earnest.
const ROUGH: f64 = 1e-4;
const MOST_ROUGH_SWEEPS: usize = 12;

/// As [`quadratic_minimum`], of a Hessian with both triangles, and as near as a quadratic deserves that is itself an
/// approximation.
pub(crate) fn rough_minimum(
    hessian: &[f64],
    gradient: &[f64],
    penalty: &ParameterPenalty,
    start: &[f64],
) -> (Vec<f64>, f64) {
    let mut search = Search::new(hessian, gradient, penalty, start);
    let first = search.sweep(false).furthest;
    for _ in 0..MOST_ROUGH_SWEEPS {
        // Those that are held are looked at again only when the others are where they belong.
        if search.sweep(true).furthest <= ROUGH * first && search.sweep(false).furthest <= ROUGH * first {
            return search.end();
        }
    }
    search.in_earnest()
}

/// Minimises `g·d + ½·d·H·d + Σ l1ⱼ·|startⱼ + dⱼ|` within the bounds. Gives the point `start + d`, and `d·H·d` there.
///
/// # Shapes
/// `hessian` row-major (n, n), lower triangle in, both triangles out.
pub(super) fn quadratic_minimum(
    hessian: &mut [f64],
    gradient: &[f64],
    penalty: &ParameterPenalty,
    start: &[f64],
) -> (Vec<f64>, f64) {
    let n = gradient.len();
    for i in 0..n {
        (0..i).for_each(|j| hessian[j * n + i] = hessian[i * n + j]);
    }
    Search::new(hessian, gradient, penalty, start).in_earnest()
}

/// What holds a parameter, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Free,
    AtZero,
    AtBound,
}

struct Search<'a> {
    hessian: &'a [f64],
    gradient: &'a [f64],
    penalty: &'a ParameterPenalty,
    start: &'a [f64],
    point: Vec<f64>,
    /// The gradient of the quadratic at `point`.
    slope: Vec<f64>,
}

/// How a pass over the parameters went, in units in which curvatures are alike.
struct Sweep {
    /// The largest parameter, and the furthest that one moved.
    largest: f64,
    furthest: f64,
}

impl Sweep {
    fn still(&self) -> bool {
        self.furthest <= STILL * self.largest
    }
}

impl<'a> Search<'a> {
    fn new(hessian: &'a [f64], gradient: &'a [f64], penalty: &'a ParameterPenalty, start: &'a [f64]) -> Self {
        Search { hessian, gradient, penalty, start, point: start.to_vec(), slope: gradient.to_vec() }
    }

    /// The minimum, to rounding.
    fn in_earnest(mut self) -> (Vec<f64>, f64) {
        let mut tried: Option<Vec<Held>> = None;
        for _ in 0..MOST_ROUNDS {
            self.sweep(false);
            let still = (0..SWEEPS).any(|_| self.sweep(true).still()) && self.sweep(false).still();
            let held = self.held();
            if tried.as_ref() != Some(&held) {
                if self.solve(&held) {
                    break;
                }
                tried = Some(held);
            }
            if still {
                break;
            }
        }
        self.end()
    }

    /// Where the search is, and the curvature on the way there.
    fn end(self) -> (Vec<f64>, f64) {
        let way = self.point.iter().zip(self.start).zip(self.slope.iter().zip(self.gradient));
        let curvature = way.map(|((p, s), (slope, g))| (p - s) * (slope - g)).sum();
        (self.point, curvature)
    }

    /// One pass over all parameters, or over those that are not held.
    fn sweep(&mut self, free_only: bool) -> Sweep {
        let n = self.point.len();
        let (mut largest, mut furthest): (f64, f64) = (0.0, 0.0);
        for j in 0..n {
            let row = &self.hessian[j * n..(j + 1) * n];
            let (diagonal, old) = (row[j], self.point[j]);
            if diagonal <= 0.0 || (free_only && self.holds(j) != Held::Free) {
                continue;
            }
            let centre = old - self.slope[j] / diagonal;
            let threshold = self.penalty.l1[j] / diagonal;
            let shrunk = centre - centre.clamp(-threshold, threshold);
            let new = shrunk.clamp(self.penalty.lower[j], self.penalty.upper[j]);
            let moved = new - old;
            if moved != 0.0 {
                self.slope.iter_mut().zip(row).for_each(|(slope, h)| *slope += moved * h);
                self.point[j] = new;
            }
            largest = largest.max(new.abs() * diagonal.sqrt());
            furthest = furthest.max(moved.abs() * diagonal.sqrt());
        }
        Sweep { largest, furthest }
    }

    fn holds(&self, j: usize) -> Held {
        let (penalty, point) = (self.penalty, self.point[j]);
        if point <= penalty.lower[j] || point >= penalty.upper[j] {
            Held::AtBound
        } else if point == 0.0 && penalty.l1[j] > 0.0 {
            Held::AtZero
        } else {
            Held::Free
        }
    }

    fn held(&self) -> Vec<Held> {
        (0..self.point.len()).map(|j| self.holds(j)).collect()
    }

    /// Solves for all free parameters at once, the others where they are. Kept, and true, if signs and bounds allow it
    /// and nothing wants to leave where it is held; otherwise all stays as it was.
    fn solve(&mut self, held: &[Held]) -> bool {
        let n = self.point.len();
        let free: Vec<usize> = (0..n).filter(|&j| held[j] == Held::Free).collect();
        let m = free.len();
        let block: Vec<f64> = free
            .iter()
            .flat_map(|&i| free.iter().map(move |&j| (i, j)))
            .map(|(i, j)| self.hessian[i * n + j])
            .collect();
        let Ok(factor) = Cholesky::new(&block, m) else { return false };
        let signed = |j: usize| if self.point[j] == 0.0 { 0.0 } else { self.penalty.l1[j].copysign(self.point[j]) };
        let mut step: Vec<f64> = free.iter().map(|&j| -(self.slope[j] + signed(j))).collect();
        factor.solve(&mut step);
        let mut point = self.point.clone();
        for (&j, step) in free.iter().zip(&step) {
            point[j] += step;
            let flipped = self.penalty.l1[j] > 0.0 && point[j] * self.point[j] <= 0.0;
            if flipped || !(self.penalty.lower[j]..=self.penalty.upper[j]).contains(&point[j]) {
                return false;
            }
        }
        let d: Vec<f64> = point.iter().zip(self.start).map(|(p, s)| p - s).collect();
        let row = |i: usize| self.hessian[i * n..(i + 1) * n].iter().zip(&d).map(|(h, d)| h * d).sum::<f64>();
        let slope: Vec<f64> = (0..n).map(|i| self.gradient[i] + row(i)).collect();
        let least = self.penalty.least_subgradient(&point, &slope);
        if (0..n).any(|j| held[j] != Held::Free && least[j] != 0.0) {
            return false;
        }
        (self.point, self.slope) = (point, slope);
        true
    }
}
