//! The Mersenne Twister MT19937.

use std::fmt;

use crate::error::{Error, Result};

/// Words of state: the `n` of the recurrence.
const WORDS: usize = 624;
/// Distance to the word that is mixed in: the `m` of the recurrence.
const MIDDLE: usize = 397;
/// The last row of the twist matrix.
const MATRIX: u32 = 0x9908_b0df;
/// The one bit taken from the older of two neighbouring words; the rest come from the younger.
const UPPER_BIT: u32 = 0x8000_0000;

/// The Mersenne Twister MT19937: 32-bit words with period 2¹⁹⁹³⁷ − 1.
///
/// M. Matsumoto, T. Nishimura, *Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random
/// number generator*, ACM Transactions on Modeling and Computer Simulation 8(1), 1998, pages 3–30,
/// doi:10.1145/272991.272995; seeded as in the authors' revision of 2002.
#[derive(Clone, PartialEq, Eq)]
pub struct Mt19937 {
    state: [u32; WORDS],
    /// The next word to hand out; [`WORDS`] when all are spent.
    next: usize,
}

impl Mt19937 {
    /// Starts from one number (`init_genrand` of the 2002 revision).
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for i in 1..WORDS {
            state[i] = scrambled(state[i - 1]).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Mt19937 { state, next: WORDS }
    }

    /// Starts from a key of several words (`init_by_array` of the 2002 revision).
    ///
    /// # Errors
    /// [`Error::Setting`] if the key is empty.
    pub fn from_key(key: &[u32]) -> Result<Self> {
        if key.is_empty() {
            return Err(Error::Setting { name: "key", expected: "at least one word".into(), found: "none".into() });
        }
        let Mt19937 { mut state, next } = Mt19937::new(19_650_218);
        let mut i = 1;
        for j in (0..key.len()).cycle().take(key.len().max(WORDS)) {
            let mixed = state[i] ^ scrambled(state[i - 1]).wrapping_mul(1_664_525);
            state[i] = mixed.wrapping_add(key[j]).wrapping_add(j as u32);
            i = next_place(&mut state, i);
        }
        for _ in 1..WORDS {
            let mixed = state[i] ^ scrambled(state[i - 1]).wrapping_mul(1_566_083_941);
            state[i] = mixed.wrapping_sub(i as u32);
            i = next_place(&mut state, i);
        }
        // The recurrence would stay at zero for ever if it started there.
        state[0] = UPPER_BIT;
        Ok(Mt19937 { state, next })
    }

    /// The next word, uniform over all 32-bit numbers.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.advance();
        }
        let word = self.state[self.next];
        self.next += 1;
        tempered(word)
    }

    /// Fills `words` with the next ones. Many at once are tempered several at a time.
    pub fn fill(&mut self, mut words: &mut [u32]) {
        while !words.is_empty() {
            if self.next == WORDS {
                self.advance();
            }
            let ready = &self.state[self.next..];
            let (now, later) = words.split_at_mut(ready.len().min(words.len()));
            self.next += now.len();
            now.iter_mut().zip(ready).for_each(|(word, &state)| *word = tempered(state));
            words = later;
        }
    }

    /// The next two words as one number, the first of them in the high half: the order of NumPy and of PyTorch.
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        let low = u64::from(self.next_u32());
        high << 32 | low
    }

    /// Replaces all words of the state by their successors. Apart, so that the way to a word that is there stays short.
    #[inline(never)]
    fn advance(&mut self) {
        let state = &mut self.state;
        for i in 0..WORDS - MIDDLE {
            state[i] = state[i + MIDDLE] ^ twisted(state[i], state[i + 1]);
        }
        for i in WORDS - MIDDLE..WORDS - 1 {
            state[i] = state[i + MIDDLE - WORDS] ^ twisted(state[i], state[i + 1]);
        }
        state[WORDS - 1] = state[MIDDLE - 1] ^ twisted(state[WORDS - 1], state[0]);
        self.next = 0;
    }
}

/// Names the type without its 624 words.
impl fmt::Debug for Mt19937 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mt19937").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The older word's top bit joined to the younger word's rest, times the twist matrix.
fn twisted(older: u32, younger: u32) -> u32 {
    let joined = (older & UPPER_BIT) | (younger & !UPPER_BIT);
    (joined >> 1) ^ ((joined & 1).wrapping_neg() & MATRIX)
}

/// A word of the state as it is handed out.
#[inline]
fn tempered(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^ (word >> 18)
}

/// Brings the high bits of a seeding word down to the low ones.
fn scrambled(word: u32) -> u32 {
    word ^ (word >> 30)
}

/// The place after `i` when a key is mixed in; past the end, the last word moves to the front.
fn next_place(state: &mut [u32; WORDS], i: usize) -> usize {
    if i + 1 < WORDS {
        return i + 1;
    }
    state[0] = state[WORDS - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ISO C++ [rand.predef]: the 10 000th word from the seed 5489 is 4123659995.
    #[test]
    fn ten_thousandth_word_is_that_of_the_cpp_standard() {
        let mut engine = Mt19937::new(5489);
        let last = (0..10_000).map(|_| engine.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn many_words_are_those_that_come_one_by_one() {
        let (mut many, mut single) = (Mt19937::new(7), Mt19937::new(7));
        for count in [0, 1, 623, 624, 625, 2000, 3] {
            let mut words = vec![0; count];
            many.fill(&mut words);
            assert!(words.iter().all(|&word| word == single.next_u32()), "{count}");
        }
    }

    /// The authors' published output `mt19937ar.out` for the key 0x123, 0x234, 0x345, 0x456.
    #[test]
    fn keyed_words_are_those_the_authors_published() {
        let mut engine = Mt19937::from_key(&[0x123, 0x234, 0x345, 0x456]).unwrap();
        let words: Vec<u32> = (0..5).map(|_| engine.next_u32()).collect();
        assert_eq!(words, [1_067_595_299, 955_945_823, 477_289_528, 4_107_218_783, 4_228_976_476]);
    }

    #[test]
    fn empty_key_is_refused() {
        assert_eq!(Mt19937::from_key(&[]).unwrap_err().to_string(), "`key` must be at least one word, found none");
    }

    #[test]
    fn wide_word_has_the_first_word_on_top() {
        let mut narrow = Mt19937::new(420);
        let mut wide = Mt19937::new(420);
        let (high, low) = (narrow.next_u32(), narrow.next_u32());
        assert_eq!(wide.next_u64(), u64::from(high) << 32 | u64::from(low));
    }
}
