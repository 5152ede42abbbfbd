//! Mini-batch training: epoch after epoch over shuffled batches.

use super::fit::Progress;
use crate::dataset::{DataLoader, Rows};
use crate::error::Result;
use crate::objective::{Module, Objective};
use crate::random::torch::Generator;
use crate::solver::{Go, Solver, Step, Termination};

/// A mini-batch run.
pub(super) struct Batches<'a, 'f> {
    pub(super) rows: &'f Rows<'a>,
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) seed: u64,
}

/// Hears of the last step of every epoch, and of where it led; may end the run.
pub(super) type AfterEpoch<'f> = &'f mut dyn FnMut(usize, &Step, &dyn Module) -> Option<Termination>;

impl<'a> Batches<'a, '_> {
    /// All epochs; `progress` may stop them.
    pub(super) fn run_through<R: Objective>(
        &self,
        risk_of: impl Fn(Rows<'a>) -> Result<R>,
        stepped: (&mut dyn Solver, &mut dyn Module),
        trace: &mut Vec<f64>,
        progress: Progress<'_>,
    ) -> Result<Termination> {
        let mut after = |epoch: usize, step: &Step, _: &dyn Module| {
            (progress(epoch, step) == Go::Stop).then_some(Termination::Interrupted)
        };
        self.run(Generator::manual_seed(self.seed), risk_of, stepped, trace, &mut after)
    }

    /// All epochs, drawn from `rng`, or as many as `after` lets pass; the mean loss of each goes into `trace`.
    pub(super) fn run<R: Objective>(
        &self,
        mut rng: Generator,
        risk_of: impl Fn(Rows<'a>) -> Result<R>,
        (solver, model): (&mut dyn Solver, &mut dyn Module),
        trace: &mut Vec<f64>,
        after: AfterEpoch<'_>,
    ) -> Result<Termination> {
        let loader = DataLoader::new(self.rows).batch_size(self.batch_size).shuffle(true);
        for epoch in 0..self.epochs {
            let mut sum = 0.0;
            let mut last = None;
            for batch in loader.epoch(&mut rng).filter(|batch| batch.total_weight() > 0.0) {
                let step = solver.step(&risk_of(batch)?, model)?;
                sum += step.value;
                last = Some(step);
            }
            trace.push(sum / loader.n_batches() as f64);
            if let Some(ended) = last.and_then(|step| after(epoch, &step, model)) {
                return Ok(ended);
            }
        }
        Ok(Termination::MaxIterations)
    }
}
