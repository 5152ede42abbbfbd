//! Fits down one path, side by side: all folds of a cross-validation, or one fit of all rows. Their rows are packed once;
//! a pass over them serves all fits, and the last pass at one penalty tells which columns enter at the next.

use rayon::prelude::*;

use super::certificate::{rough_bound, rough_norm, round_up};
use super::settings::{LogisticRegression, Penalty, class_totals};
use super::walker::Walker;
use crate::cholesky::Cholesky;
use crate::dataset::{Rows, Standardisation};
use crate::objective::{Group, Logits, SharedRows};
use crate::solver::Certificate;

/// Numbers packed at most; they fill 256 MB.
const MOST_NUMBERS: usize = 1 << 25;
/// A column takes part when it presses with so much of its penalty, as the strong rule has it
/// (Tibshirani et al., Journal of the Royal Statistical Society B 74(2), 2012).
const NEAR: f64 = 0.9;
/// When some have to, so do all that press with so much: they will soon, and a metric is made for all at once.
const SOON: f64 = 0.5;
/// The gap, over all rows, that the last step of the first fit is to end with, and that of a fold, of which no more than losses
/// are wanted: with the second, coefficients are within 5e-9 of their standard errors.
const FIRST_END: f64 = 1e-19;
const FOLDS_END: f64 = 1e-17;
/// Passes at one penalty; where so many do not do, another way is taken.
const MOST_PASSES: usize = 100;

/// Fits that go side by side.
pub(super) struct Lockstep {
    shared: SharedRows,
    pub(super) fits: Vec<Walker>,
    /// So many columns take part: those in front.
    front: usize,
    /// Of the first fit, the Hessian that the metric was made of.
    exact: Option<Exact>,
    worn: Worn,
}

/// A Hessian, and the logits where it is from.
struct Exact {
    logits: Logits,
    factor: Cholesky,
    rough_norm: f64,
}

/// How many passes more were needed since the metric was made than right after.
#[derive(Default)]
struct Worn {
    first: Option<usize>,
    more: usize,
}

impl LogisticRegression {
    /// Whether fits of these rows under an l1 penalty can go side by side.
    pub(super) fn goes_in_lockstep(&self, rows: &Rows<'_>, l1_ratio: f64) -> bool {
        let data = rows.dataset();
        let plain = self.method.is_newton() && self.intercept && self.bounds.is_empty() && !self.firth;
        let penalised = l1_ratio > 0.0 && self.penalty.factors.iter().all(|factor| *factor > 0.0);
        let numbers = rows.len().saturating_mul(data.n_columns() + 1);
        plain
            && penalised
            && data.n_classes() == 2
            && data.offset().is_none()
            && rows.len() > 2 * data.n_columns()
            && numbers <= MOST_NUMBERS
    }
}

impl Lockstep {
    /// Packs the rows. `trains` are the rows that each fit trains on, which `groups` have in parts, those of the first being
    /// the rows that `standard` is of. None where fits are too
    /// unlike.
    pub(super) fn new(groups: &[Group<'_>], standard: &Standardisation, trains: &[&Rows<'_>]) -> Option<Self> {
        let shared = SharedRows::new(groups, standard);
        let p = standard.columns.len();
        let mut moments = if trains.len() == 1 { vec![Default::default()] } else { shared.mean_and_spread() };
        // The standardisation is of these very rows.
        moments[0] = (vec![0.0; p], vec![1.0; p]);
        let walker = |(k, (rows, moments)): (usize, (&&Rows<'_>, _))| {
            let totals = class_totals(rows);
            // Without columns the share of class 1 is the probability.
            let bias = (totals[1] / totals[0]).ln();
            let end = if k == 0 { FIRST_END } else { FOLDS_END };
            Walker::new(standard, moments, (totals[0] + totals[1], bias), end)
        };
        let fits = trains.iter().zip(moments).enumerate().map(walker).collect::<Option<Vec<Walker>>>()?;
        let mut lockstep = Lockstep { shared, fits, front: 0, exact: None, worn: Worn::default() };
        lockstep.pass(true);
        Some(lockstep)
    }

    fn n_columns(&self) -> usize {
        self.shared.order().len()
    }

    /// The parameters of the intercept and of the first `columns` columns.
    fn places(&self, columns: usize) -> Vec<usize> {
        std::iter::once(self.n_columns()).chain(self.shared.order()[..columns].iter().copied()).collect()
    }

    /// Takes all fits to the minimum under another penalty. False where that is not the way.
    pub(super) fn go_on(&mut self, settings: &LogisticRegression, penalty: Penalty) -> bool {
        let settings = LogisticRegression { penalty, ..settings.clone() };
        self.fits.iter_mut().for_each(|fit| fit.head_for(&settings));
        if self.worn.more > self.price() || self.front == 0 {
            self.renew();
        }
        self.take_in(NEAR, 0.0);
        let mut passes = 0;
        loop {
            match self.descend() {
                Some(more) => passes += more,
                None => return false,
            }
            let slack = self.fits.iter().map(|fit| (0.5 * fit.left()).sqrt() + f64::EPSILON * fit.objective());
            if !self.take_in(1.0, slack.fold(0.0, f64::max)) {
                self.worn.add(passes);
                return true;
            }
        }
    }

    /// Lets columns take part, if others press with at least `share` of their penalty. Whether there were any.
    fn take_in(&mut self, share: f64, slack: f64) -> bool {
        let others = &self.shared.order()[self.front..];
        let pressure = |&&j: &&usize| self.fits.iter().map(|fit| fit.pressure(j, slack)).fold(0.0, f64::max);
        if !others.iter().any(|j| pressure(&j) > share) {
            return false;
        }
        let soon: Vec<usize> = others.iter().filter(|j| pressure(j) > SOON).copied().collect();
        self.shared.bring_forward(self.front, &soon);
        self.front += soon.len();
        self.renew();
        true
    }

    /// What a new metric costs, in passes: it takes as many operations on each number as there are columns, a pass two for
    /// every fit, with less to do for every number read.
    fn price(&self) -> usize {
        self.front / (4 * self.fits.len() + 12)
    }

    /// Makes the metric anew, with the probabilities of the mean of all fits' parameters.
    fn renew(&mut self) {
        let places = self.places(self.front);
        let mut mean = vec![0.0; places.len()];
        for fit in &self.fits {
            let own = fit.in_shared(&fit.at, &places);
            mean.iter_mut().zip(own).for_each(|(sum, w)| *sum += w / self.fits.len() as f64);
        }
        let hessians = self.shared.hessians(self.front, &mean);
        self.fits.par_iter_mut().zip(&hessians).for_each(|(fit, hessian)| fit.take_metric(&places, hessian));
        self.worn = Worn::default();
        self.exact = match self.fits.first_mut() {
            Some(fit) => Cholesky::new(fit.metric(), places.len()).ok().map(|factor| {
                let largest: Vec<f64> = places[1..].iter().map(|&j| fit.standard.largest[j]).collect();
                Exact {
                    logits: self.shared.logits(self.front, &mean),
                    rough_norm: rough_norm(&factor, largest.iter().map(|x| x * x).sum()),
                    factor,
                }
            }),
            None => None,
        };
    }

    /// Steps until all fits are at the minimum over the columns that take part, and the gradient of all columns is known
    /// there. The number of passes; none where there were too many, or no way down.
    fn descend(&mut self) -> Option<usize> {
        self.fits.iter_mut().for_each(Walker::set_off);
        let places = self.places(self.front);
        let mut whole = false;
        for passes in 0..MOST_PASSES {
            self.fits.par_iter_mut().for_each(|fit| fit.aim(&places));
            if self.fits.iter().all(|fit| fit.done) {
                if !whole {
                    self.pass(true);
                }
                return Some(passes + usize::from(!whole));
            }
            whole = self.fits.iter().all(Walker::ends);
            self.pass(whole);
            if self.fits.iter().any(|fit| fit.stuck) {
                return None;
            }
            if self.fits.iter().all(|fit| fit.done) && whole {
                return Some(passes + 1);
            }
        }
        None
    }

    /// One pass over the rows: of all columns for all fits, or of those that take part for the fits that are not done.
    fn pass(&mut self, whole: bool) {
        let places = self.places(self.front);
        let columns = if whole { self.n_columns() } else { self.front };
        let seen = self.places(columns);
        let running: Vec<usize> = (0..self.fits.len()).filter(|&k| whole || !self.fits[k].done).collect();
        let parameters: Vec<f64> = running.iter().flat_map(|&k| self.fits[k].ahead_in_shared(&places, &seen)).collect();
        let passes = self.shared.pass(columns, &running, &parameters, self.exact.as_ref().map(|exact| &exact.logits));
        let mut found = passes.into_iter();
        for (k, fit) in self.fits.iter_mut().enumerate() {
            if running.contains(&k) {
                found.next().iter().for_each(|pass| fit.settle(&places, &seen, pass));
            }
        }
    }

    /// The certificate of the first fit, by the Hessian at hand or a new one; none where another bound has to be looked for.
    pub(super) fn certificate(&mut self) -> Option<Certificate> {
        self.bound().or_else(|| {
            self.renew();
            self.pass(true);
            self.bound()
        })
    }

    fn bound(&self) -> Option<Certificate> {
        let (exact, fit) = (self.exact.as_ref()?, self.fits.first()?);
        let places = self.places(self.front);
        let (penalty, objective) = (&fit.penalty, fit.objective());
        let mut gradient = fit.gradient.clone();
        (0..gradient.len()).for_each(|j| gradient[j] += penalty.l2[j] * fit.at[j]);
        let least = penalty.least_subgradient(&fit.at, &gradient);
        let gradient_max_norm = least.iter().fold(0.0, |max, g| f64::max(max, g.abs()));
        let mut least: Vec<f64> = places.iter().map(|&j| least[j]).collect();
        round_up(&mut least, f64::EPSILON * objective);
        let gap = rough_bound((&exact.factor, exact.rough_norm), &least, fit.drift).filter(|gap| *gap < objective)?;
        // The minimum over the columns that take part is that over all only where no other can press.
        let slack = (0.5 * gap).sqrt() + f64::EPSILON * objective;
        let others = &self.shared.order()[self.front..];
        let alone = others.iter().all(|&j| fit.pressure(j, slack) <= 1.0);
        alone.then_some(Certificate { gradient_max_norm, gap, bounded: true })
    }
}

impl Worn {
    fn add(&mut self, passes: usize) {
        self.more += passes.saturating_sub(*self.first.get_or_insert(passes));
    }
}
