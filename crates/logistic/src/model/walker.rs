//! One fit on its way down a path, beside others: proximal Newton with a metric that every step improves.

use super::settings::LogisticRegression;
use crate::dataset::Standardisation;
use crate::objective::{ParameterPenalty, Pass};
use crate::solver::rough_minimum;

/// Below this gap over all rows, differences of gradients tell more of rounding than of curvature.
const TELLING: f64 = 1e-9;
/// Steps are halved at most this often; beyond it nothing but rounding is left to gain.
const MOST_HALVINGS: usize = 40;

/// A fit in columns that are standardised by the rows that it trains on. Parameters stand column by column, the intercept
/// last; at *places*, the intercept stands first.
pub(super) struct Walker {
    /// In the user's units.
    pub(super) standard: Standardisation,
    /// Mean and standard deviation of every shared column.
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Columns that do not vary in these rows.
    constant: Vec<bool>,
    /// The weight of the rows.
    total: f64,
    /// The gap, over all rows, that the last step is to end with.
    end: f64,
    pub(super) penalty: ParameterPenalty,
    pub(super) at: Vec<f64>,
    /// The mean loss of the rows that it trains on, and the summed loss of those that it holds out.
    pub(super) loss: f64,
    pub(super) held_out: f64,
    /// Of the first fit, how far any logit has moved since the metric was made, by the last pass.
    pub(super) drift: f64,
    /// The gradient of the mean loss; up to date for columns that take part, and after a whole pass for all.
    pub(super) gradient: Vec<f64>,
    /// About the Hessian of the mean loss, at places; both triangles.
    metric: Vec<f64>,
    /// What the last step was promised to gain.
    decrease: f64,
    trial: Option<Trial>,
    halvings: usize,
    pub(super) done: bool,
    /// Whether no step, however short, led down.
    pub(super) stuck: bool,
}

/// A step before it is known to serve.
struct Trial {
    target: Vec<f64>,
    slope: f64,
    decrease: f64,
    /// The gap that it is expected to leave.
    leaves: f64,
    length: f64,
}

/// A spread of so little is rounding, and one below the second cannot be told well enough in shared columns.
const CONSTANT: f64 = 64.0 * f64::EPSILON;
const LEAST_SPREAD: f64 = 1e-4;

impl Walker {
    /// A fit in which nothing but the intercept, `bias`, is not 0, of rows of weight `total`; none where mean and spread of
    /// its columns are too far from those of the shared columns.
    pub(super) fn new(
        shared: &Standardisation,
        (centre, mut scale): (Vec<f64>, Vec<f64>),
        (total, bias): (f64, f64),
        end: f64,
    ) -> Option<Self> {
        let p = shared.columns.len();
        let constant: Vec<bool> =
            centre.iter().zip(&scale).map(|(mean, spread)| *spread <= CONSTANT * mean.abs().max(1.0)).collect();
        let far = |j: usize| !(scale[j] > LEAST_SPREAD && centre[j].abs() < scale[j] / LEAST_SPREAD);
        if (0..p).any(|j| !constant[j] && far(j)) {
            return None;
        }
        scale.iter_mut().zip(&constant).filter(|(_, constant)| **constant).for_each(|(scale, _)| *scale = 1.0);
        let standard = Standardisation {
            centre: (0..p).map(|j| shared.centre[j] + shared.scale[j] * centre[j]).collect(),
            scale: (0..p).map(|j| shared.scale[j] * scale[j]).collect(),
            ..shared.clone()
        };
        let mut at = vec![0.0; p + 1];
        at[p] = bias;
        let (penalty, gradient) = (ParameterPenalty::none(p + 1), vec![0.0; p + 1]);
        Some(Walker {
            standard,
            centre,
            scale,
            constant,
            total,
            end,
            penalty,
            at,
            loss: 0.0,
            held_out: 0.0,
            drift: 0.0,
            gradient,
            metric: Vec::new(),
            decrease: f64::INFINITY,
            trial: None,
            halvings: 0,
            done: true,
            stuck: false,
        })
    }

    /// Goes on to another penalty.
    pub(super) fn head_for(&mut self, settings: &LogisticRegression) {
        self.penalty = settings.parameter_penalty(&self.standard, 1);
        // What does not vary has no coefficient.
        let held = self.penalty.l1.iter_mut().zip(&self.constant);
        held.filter(|(_, constant)| **constant).for_each(|(l1, _)| *l1 = f64::MAX);
    }

    pub(super) fn set_off(&mut self) {
        (self.decrease, self.trial, self.halvings, self.done) = (f64::INFINITY, None, 0, false);
    }

    /// By how much of its penalty a column presses against 0, from a gradient that is known to `slack`.
    pub(super) fn pressure(&self, j: usize, slack: f64) -> f64 {
        (self.gradient[j].abs() + slack) / self.penalty.l1[j]
    }

    /// The objective here.
    pub(super) fn objective(&self) -> f64 {
        self.loss + self.penalty.value(&self.at)
    }

    /// Whether the step at hand is expected to be the last.
    pub(super) fn ends(&self) -> bool {
        self.trial.as_ref().is_none_or(|trial| trial.length == 1.0 && trial.leaves * self.weight() <= self.end)
    }

    /// What a gap per row is multiplied by.
    fn weight(&self) -> f64 {
        self.total.clamp(1.0, 1e20)
    }

    /// A gap that is left with confidence, per row.
    pub(super) fn left(&self) -> f64 {
        self.end / self.weight()
    }

    /// Looks for a step, where there is none at hand. Where there is none to be found, the fit is done.
    pub(super) fn aim(&mut self, places: &[usize]) {
        if self.done || self.trial.is_some() {
            return;
        }
        let take = |values: &[f64]| places.iter().map(|&j| values[j]).collect::<Vec<f64>>();
        let n = places.len();
        let penalty =
            ParameterPenalty { l1: take(&self.penalty.l1), l2: take(&self.penalty.l2), ..ParameterPenalty::none(n) };
        let start = take(&self.at);
        let mut gradient = take(&self.gradient);
        (0..n).for_each(|i| gradient[i] += penalty.l2[i] * start[i]);
        let squares = |metric: &mut [f64], sign: f64| (0..n).for_each(|i| metric[i * n + i] += sign * penalty.l2[i]);
        squares(&mut self.metric, 1.0);
        let (target, curvature) = rough_minimum(&self.metric, &gradient, &penalty, &start);
        squares(&mut self.metric, -1.0);
        let falls =
            |i: usize| gradient[i] * (target[i] - start[i]) + penalty.l1[i] * (target[i].abs() - start[i].abs());
        let slope = (0..n).map(falls).sum::<f64>();
        let decrease = -(slope + 0.5 * curvature).min(0.0);
        let contraction = if self.decrease.is_finite() { (decrease / self.decrease).min(1.0) } else { 1.0 };
        self.done = target == start;
        if !self.done {
            let leaves = decrease * contraction;
            self.decrease = decrease;
            self.trial = Some(Trial { target, slope: slope.min(0.0), decrease, leaves, length: 1.0 });
        }
    }

    /// The parameters where the step at hand leads; those here where there is none.
    fn ahead(&self, places: &[usize]) -> Vec<f64> {
        let mut ahead = self.at.clone();
        if let Some(Trial { target, length, .. }) = &self.trial {
            for (&j, t) in places.iter().zip(target) {
                // All the way is the target itself, so that a coefficient that a kink holds at 0 is 0.
                ahead[j] = if *length == 1.0 { *t } else { ahead[j] + length * (t - ahead[j]) };
            }
        }
        ahead
    }

    /// The same in shared columns, at `seen`.
    pub(super) fn ahead_in_shared(&self, places: &[usize], seen: &[usize]) -> Vec<f64> {
        self.in_shared(&self.ahead(places), seen)
    }

    /// Parameters in shared columns, at places.
    pub(super) fn in_shared(&self, parameters: &[f64], places: &[usize]) -> Vec<f64> {
        let mut out: Vec<f64> = places.iter().map(|&j| parameters[j]).collect();
        for (w, &j) in out.iter_mut().zip(places).skip(1) {
            *w /= self.scale[j];
        }
        let shift: f64 = out.iter().zip(places).skip(1).map(|(w, &j)| w * self.centre[j]).sum();
        out[0] -= shift;
        out
    }

    /// Learns what is where the step at hand leads, and takes it if it serves. `seen` are the places that the pass saw.
    pub(super) fn settle(&mut self, places: &[usize], seen: &[usize], pass: &Pass) {
        let ahead = self.ahead(places);
        let loss = pass.loss / self.total;
        if let Some(mut trial) = self.trial.take() {
            let (here, there) = (self.objective(), loss + self.penalty.value(&ahead));
            let rounding = 8.0 * f64::EPSILON * here.abs();
            // A number that is none is no descent either.
            let falls = there <= here + 1e-4 * trial.length * trial.slope + rounding;
            if !falls {
                self.halvings += 1;
                self.stuck = self.halvings > MOST_HALVINGS;
                trial.length *= 0.5;
                self.trial = Some(trial);
                return;
            }
            self.done = trial.length == 1.0 && trial.leaves * self.weight() <= self.end;
            let telling = trial.decrease * self.weight() > TELLING;
            let moved: Vec<f64> = places.iter().map(|&j| ahead[j] - self.at[j]).collect();
            let before: Vec<f64> = places.iter().map(|&j| self.gradient[j]).collect();
            self.look(seen, pass);
            if telling {
                let turned: Vec<f64> = places.iter().zip(&before).map(|(&j, g)| self.gradient[j] - g).collect();
                improve(&mut self.metric, &moved, &turned);
            }
        } else {
            self.look(seen, pass);
        }
        (self.at, self.loss) = (ahead, loss);
        (self.held_out, self.drift) = (pass.held_out, pass.drift);
    }

    /// Takes the gradient over into own columns.
    fn look(&mut self, seen: &[usize], pass: &Pass) {
        let of_bias = pass.gradient[0] / self.total;
        for (i, &j) in seen.iter().enumerate() {
            let g = pass.gradient[i] / self.total;
            self.gradient[j] = if i == 0 { g } else { (g - self.centre[j] * of_bias) / self.scale[j] };
        }
    }

    /// Takes a Hessian of summed losses in shared columns (lower triangle) over into own columns; both triangles.
    pub(super) fn take_metric(&mut self, places: &[usize], hessian: &[f64]) {
        let n = places.len();
        let centre = |i: usize| if i == 0 { 0.0 } else { self.centre[places[i]] };
        let scale = |i: usize| if i == 0 { 1.0 } else { self.scale[places[i]] };
        self.metric.clear();
        self.metric.resize(n * n, 0.0);
        for i in 0..n {
            let (c, own) = (centre(i), 1.0 / (self.total * scale(i)));
            for j in 0..=i {
                let d = centre(j);
                let shifted = hessian[i * n + j] - c * hessian[j * n] - d * hessian[i * n] + c * d * hessian[0];
                let entry = shifted * own / scale(j);
                self.metric[i * n + j] = entry;
                self.metric[j * n + i] = entry;
            }
        }
    }

    /// What [`Walker::take_metric`] took, until a step has improved it.
    pub(super) fn metric(&self) -> &[f64] {
        &self.metric
    }
}

/// The update of Broyden, Fletcher, Goldfarb and Shanno (Nocedal & Wright, *Numerical Optimization*, 2nd ed. 2006, formula
/// 6.19): the least change by which the metric explains how far the gradient turned.
fn improve(metric: &mut [f64], moved: &[f64], turned: &[f64]) {
    let n = moved.len();
    let product: f64 = moved.iter().zip(turned).map(|(s, y)| s * y).sum();
    let mut image = vec![0.0; n];
    for (s, row) in moved.iter().zip(metric.chunks_exact(n)).filter(|(s, _)| **s != 0.0) {
        image.iter_mut().zip(row).for_each(|(sum, h)| *sum += s * h);
    }
    let curvature: f64 = moved.iter().zip(&image).map(|(s, b)| s * b).sum();
    if !(product > f64::EPSILON.sqrt() * curvature && curvature > 0.0) {
        return;
    }
    for (i, row) in metric.chunks_exact_mut(n).enumerate() {
        let (y, b) = (turned[i] / product, image[i] / curvature);
        row.iter_mut().zip(turned.iter().zip(&image)).for_each(|(h, (turned, image))| *h += y * turned - b * image);
    }
}
