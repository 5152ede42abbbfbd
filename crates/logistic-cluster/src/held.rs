//! The rows that an executor keeps from one pass to the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::asked::Block;

/// What rows are kept under: a hash of where they are and of how they were encoded.
pub(crate) type Key = [u8; 32];

/// Rows that no question was asked of for so many questions make room for others.
const IDLE_QUESTIONS: u64 = 2;

/// Encoded rows of partitions, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct Held {
    limit: usize,
    kept: Mutex<Kept>,
    /// Room to read, for as many partitions at once as there are cores.
    pub(crate) readers: Semaphore,
}

#[derive(Debug, Default)]
struct Kept {
    partitions: HashMap<Key, Partition>,
    bytes: usize,
    /// The question that was asked last, and how many there were.
    question: Key,
    questions: u64,
}

#[derive(Debug)]
struct Partition {
    blocks: Arc<[Block]>,
    bytes: usize,
    asked: u64,
}

impl Held {
    /// At most `limit` bytes, read by so many cores.
    pub(crate) fn new(limit: usize, cores: usize) -> Self {
        Held { limit, kept: Mutex::default(), readers: Semaphore::new(cores) }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The rows under a key, for a question.
    pub(crate) fn get(&self, key: &Key, question: Key) -> Option<Arc<[Block]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.question != question {
            kept.question = question;
            kept.questions += 1;
        }
        let asked = kept.questions;
        let partition = kept.partitions.get_mut(key)?;
        partition.asked = asked;
        Some(Arc::clone(&partition.blocks))
    }

    /// Keeps rows, if there is room for them. What the same fit still asks makes no room: all passes go through all
    /// partitions, so that to keep the latest in the place of others would be to read every one of them again.
    pub(crate) fn keep(&self, key: Key, blocks: Vec<Block>) {
        let bytes = blocks.iter().map(Block::n_bytes).sum();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = kept.questions;
        if kept.bytes + bytes > self.limit {
            kept.partitions.retain(|_, partition| partition.asked + IDLE_QUESTIONS >= now);
            kept.bytes = kept.partitions.values().map(|partition| partition.bytes).sum();
        }
        if kept.bytes + bytes <= self.limit {
            let before = kept.partitions.insert(key, Partition { blocks: blocks.into(), bytes, asked: now });
            kept.bytes += bytes;
            kept.bytes -= before.map_or(0, |before| before.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use logistic::dataset::{Dataset, Feature};

    use super::*;

    fn rows(n: usize) -> Vec<Block> {
        let feature = Feature::Number(vec![1.0; n].into());
        let y: Vec<f64> = (0..n).map(|row| f64::from(row % 2 == 0)).collect();
        vec![Block::Encoded(Box::new(Dataset::new(vec![feature], y, None).unwrap()))]
    }

    #[test]
    fn what_is_still_asked_stays_and_what_is_not_makes_room() {
        let size = Block::n_bytes(&rows(100)[0]);
        let held = Held::new(2 * size, 1);
        let key = |k: u8| [k; 32];
        for partition in 0..3 {
            assert!(held.get(&key(partition), key(100)).is_none());
            held.keep(key(partition), rows(100));
        }
        // Two have room; the third is read again in every pass.
        for question in 101..110 {
            let found: Vec<bool> = (0..3).map(|k| held.get(&key(k), key(question)).is_some()).collect();
            assert_eq!(found, [true, true, false]);
            held.keep(key(2), rows(100));
        }
        // Another fit begins, and after some questions it has the room.
        for question in 110..114 {
            if held.get(&key(9), key(question)).is_none() {
                held.keep(key(9), rows(150));
            }
        }
        assert!(held.get(&key(9), key(114)).is_some());
        assert!(held.get(&key(0), key(114)).is_none());
    }
}
