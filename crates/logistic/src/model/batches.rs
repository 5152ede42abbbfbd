//! Mini-batch training: epoch after epoch over shuffled batches.

use super::fit::Progress;
use crate::dataset::{DataLoader, Rows};
use crate::error::Result;
use crate::loss::Loss;
use crate::objective::{EmpiricalRisk, Linear};
use crate::random::torch::Generator;
use crate::solver::{Go, Solver, Termination};

/// A mini-batch run.
pub(super) struct Batches<'a, 'f> {
    pub(super) rows: &'f Rows<'a>,
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) seed: u64,
}

impl<'a> Batches<'a, '_> {
    /// All epochs; the mean loss of each goes into `trace`.
    pub(super) fn run<L: Loss>(
        &self,
        risk_of: &dyn Fn(&Rows<'a>) -> Result<EmpiricalRisk<'a, L>>,
        solver: &mut dyn Solver,
        model: &mut Linear,
        trace: &mut Vec<f64>,
        progress: Progress<'_>,
    ) -> Result<Termination> {
        let loader = DataLoader::new(self.rows).batch_size(self.batch_size).shuffle(true);
        let mut rng = Generator::manual_seed(self.seed);
        for epoch in 0..self.epochs {
            let mut sum = 0.0;
            let mut last = None;
            for batch in loader.epoch(&mut rng).filter(|batch| batch.total_weight() > 0.0) {
                let step = solver.step(&risk_of(&batch)?, model)?;
                sum += step.value;
                last = Some(step);
            }
            trace.push(sum / loader.n_batches() as f64);
            if let Some(step) = last
                && progress(epoch, &step) == Go::Stop
            {
                return Ok(Termination::Interrupted);
            }
        }
        Ok(Termination::MaxIterations)
    }
}
