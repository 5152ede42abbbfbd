//! Mini-batches, in the order in which PyTorch's `DataLoader` would deal them.

use super::Rows;
use crate::random::torch::Generator;

/// Deals rows in mini-batches.
///
/// Each epoch draws from the generator what PyTorch's loader draws, in its order: one 64-bit base seed for its
/// workers, and, when shuffling, one 64-bit seed for a generator of its own from which the permutation comes.
#[derive(Clone, Debug)]
pub struct DataLoader<'a> {
    rows: Rows<'a>,
    batch_size: usize,
    shuffle: bool,
    drop_last: bool,
}

impl<'a> DataLoader<'a> {
    /// Deals `rows` one by one, in order.
    pub fn new(rows: &Rows<'a>) -> Self {
        DataLoader { rows: rows.clone(), batch_size: 1, shuffle: false, drop_last: false }
    }

    /// Sets the number of rows in a batch; 0 is taken as 1.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size.max(1);
        self
    }

    /// Deals the rows in a new random order each epoch.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Leaves out a last batch that is not full.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// The number of batches in an epoch.
    pub fn n_batches(&self) -> usize {
        if self.drop_last { self.rows.len() / self.batch_size } else { self.rows.len().div_ceil(self.batch_size) }
    }

    /// One pass over the rows.
    pub fn epoch(&self, rng: &mut Generator) -> Epoch<'a> {
        rng.random_i64();
        if self.shuffle {
            let mut own = Generator::manual_seed(rng.random_i64() as u64);
            self.deal(Some(&mut own))
        } else {
            self.deal(None)
        }
    }

    /// One pass over the rows, as of a PyTorch loader that was given `generator`: the permutation comes from it
    /// directly, after the base seed; PyTorch's sampler then draws a second one, which it does not use.
    pub fn epoch_from(&self, generator: &mut Generator) -> Epoch<'a> {
        generator.random_i64();
        if !self.shuffle {
            return self.deal(None);
        }
        let epoch = self.deal(Some(generator));
        generator.randperm(self.rows.len());
        epoch
    }

    fn deal(&self, shuffler: Option<&mut Generator>) -> Epoch<'a> {
        let rows = match shuffler {
            Some(rng) => self.rows.shuffled(rng),
            None => self.rows.clone(),
        };
        Epoch { rows, batch_size: self.batch_size, left: self.n_batches(), start: 0 }
    }
}

/// The batches of one epoch.
#[derive(Clone, Debug)]
pub struct Epoch<'a> {
    rows: Rows<'a>,
    batch_size: usize,
    left: usize,
    start: usize,
}

impl<'a> Iterator for Epoch<'a> {
    type Item = Rows<'a>;

    fn next(&mut self) -> Option<Rows<'a>> {
        self.left = self.left.checked_sub(1)?;
        let range = self.start..self.rows.len().min(self.start + self.batch_size);
        self.start = range.end;
        Some(self.rows.slice(range))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Epoch<'_> {}
