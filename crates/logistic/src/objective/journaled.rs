//! Passes over the rows that a journal knows already.

use std::any::type_name;

use sha2::{Digest, Sha256};

use super::{EmpiricalRisk, Order, Sums};
use crate::dataset::Rows;
use crate::kernel::LANES;
use crate::loss::{Block, Loss};

/// A pass over fewer rows is computed again sooner than it is written.
const WORTH: usize = 1 << 14;

impl<L: Loss> EmpiricalRisk<'_, L> {
    /// Value and derivatives, without penalty, as sums over rows: from the journal of the run, where there is one.
    pub(super) fn plain_sums(&self, parameters: &[f64], order: Order) -> Sums {
        let journal = self.rows.dataset().journal().filter(|_| self.rows.len() >= WORTH * self.every);
        let Some(journal) = journal else { return self.pass(parameters, order) };
        let mut zero = Sums::zero(parameters.len(), order);
        let (gradient, hessian) = (zero.gradient.len(), zero.hessian.len());
        let numbers = journal.numbers(&self.key(parameters, order), || {
            let sums = self.pass(parameters, order);
            [&[sums.value][..], &sums.gradient, &sums.hessian].concat()
        });
        if numbers.len() != 1 + gradient + hessian {
            return self.pass(parameters, order);
        }
        zero.value = numbers[0];
        zero.gradient.copy_from_slice(&numbers[1..=gradient]);
        zero.hessian.copy_from_slice(&numbers[1 + gradient..]);
        zero
    }

    /// All that a pass depends on.
    fn key(&self, parameters: &[f64], order: Order) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut numbers = |numbers: &[f64]| {
            hash.update((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| hash.update(number.to_bits().to_le_bytes()));
        };
        numbers(parameters);
        if let Some(standard) = &self.standard {
            numbers(&standard.centre);
            numbers(&standard.scale);
            standard.columns.iter().for_each(|column| hash.update((*column as u64).to_le_bytes()));
        }
        let whole = [order as usize, usize::from(self.intercept), self.every, self.loss.n_outputs()];
        whole.iter().for_each(|number| hash.update((*number as u64).to_le_bytes()));
        hash_rows(&self.rows, &mut hash);
        hash.update(type_name::<L>());
        hash.update(sample(&self.loss).to_bits().to_le_bytes());
        hash.finalize().into()
    }
}

fn hash_rows(rows: &Rows<'_>, hash: &mut Sha256) {
    hash.update(rows.dataset().version());
    match rows.range() {
        Some(range) => [range.start, range.end].iter().for_each(|end| hash.update((*end as u64).to_le_bytes())),
        None => rows.indices().for_each(|row| hash.update((row as u64).to_le_bytes())),
    }
}

/// What a loss says of a few rows: where it has settings, that depends on them.
fn sample(loss: &impl Loss) -> f64 {
    let outputs = loss.n_outputs();
    let mut z: Vec<f64> = (0..outputs * LANES).map(|at| 0.3 + 0.1 * (at % 7) as f64).collect();
    let (y, weight) = ([1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], [1.0; LANES]);
    loss.add(&mut Block { z: &mut z, y: &y, weight: &weight, curvature: &mut [] })
}
