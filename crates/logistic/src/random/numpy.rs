//! The stream of NumPy's legacy generator `numpy.random.RandomState`.
//!
//! NumPy has frozen this stream (NEP 19), so a seed means the same numbers in every version. scikit-learn still
//! draws from it wherever it takes a `random_state`.

use super::Mt19937;
use crate::error::{Error, Result};

/// `numpy.random.RandomState`: the Mersenne Twister and NumPy's ways of drawing from it.
///
/// ```
/// use logistic::random::numpy::RandomState;
///
/// let mut random = RandomState::new(42);
/// assert_eq!(random.random_sample(), 0.3745401188473625);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomState {
    engine: Mt19937,
    /// The polar method yields two normal values at a time; this is the second.
    spare_normal: Option<f64>,
}

impl RandomState {
    /// `RandomState(seed)` with an integer seed.
    pub fn new(seed: u32) -> Self {
        RandomState { engine: Mt19937::new(seed), spare_normal: None }
    }

    /// `RandomState([k0, k1, …])`, seeded with an array.
    ///
    /// # Errors
    /// [`Error::Setting`] if the key is empty.
    pub fn from_key(key: &[u32]) -> Result<Self> {
        Ok(RandomState { engine: Mt19937::from_key(key)?, spare_normal: None })
    }

    /// `random_sample()`: uniform on the multiples of 2⁻⁵³ in [0, 1).
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.engine.next_u32() >> 5);
        let low = f64::from(self.engine.next_u32() >> 6);
        (high * (1_u64 << 26) as f64 + low) / (1_u64 << 53) as f64
    }

    /// `uniform(low, high)`: low + (high − low)·u with u from [`random_sample`](Self::random_sample).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random_sample()
    }

    /// `standard_normal()`: mean 0, standard deviation 1.
    ///
    /// The polar method: for a point (a, b) uniform in the unit disc and s = a² + b², both a·√(−2 ln s / s) and
    /// b·√(−2 ln s / s) are normal and independent. G. Marsaglia, T. A. Bray, *A convenient method for generating
    /// normal variables*, SIAM Review 6(3), 1964, pages 260–264, doi:10.1137/1006063. NumPy hands out b's value
    /// first and keeps a's for the next call.
    ///
    /// The logarithm is the platform's, as it is in NumPy. Where the two were built on different mathematical
    /// libraries, a value may differ in its last bit.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let a = 2.0 * self.random_sample() - 1.0;
            let b = 2.0 * self.random_sample() - 1.0;
            let square = a * a + b * b;
            if square < 1.0 && square != 0.0 {
                let stretch = (-2.0 * square.ln() / square).sqrt();
                self.spare_normal = Some(stretch * a);
                return stretch * b;
            }
        }
    }

    /// `normal(loc, scale)`: mean `loc`, standard deviation `scale`, as loc + scale·z.
    pub fn normal(&mut self, loc: f64, scale: f64) -> f64 {
        loc + scale * self.standard_normal()
    }

    /// An integer uniform on 0, 1, …, `max`, both ends included.
    ///
    /// Draws as many low bits as `max` has, again and again until the number is not above `max`: one word a draw
    /// if `max` fits in 32 bits, else two.
    pub fn interval(&mut self, max: u64) -> u64 {
        if max == 0 {
            return 0;
        }
        let mask = u64::MAX >> max.leading_zeros();
        loop {
            let word = if u32::try_from(max).is_ok() { self.engine.next_u32().into() } else { self.engine.next_u64() };
            if word & mask <= max {
                return word & mask;
            }
        }
    }

    /// `randint(low, high)`: an integer uniform on low, …, high − 1, drawn as NumPy draws its default integers of
    /// 64 bits.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `low < high`.
    pub fn randint(&mut self, low: i64, high: i64) -> Result<i64> {
        if low >= high {
            return Err(Error::Setting { name: "high", expected: format!("above {low}"), found: high.to_string() });
        }
        // Both steps wrap, so that a range wider than 2⁶³ comes out right too.
        let max = high.wrapping_sub(low) as u64 - 1;
        Ok(low.wrapping_add(self.interval(max) as i64))
    }

    /// `shuffle(items)`: brings `items` into a random order, every order being equally likely.
    ///
    /// R. Durstenfeld, *Algorithm 235: random permutation*, Communications of the ACM 7(7), 1964, page 420,
    /// doi:10.1145/364520.364540: from the last place down, each place swaps with one not behind it.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.interval(i as u64) as usize;
            items.swap(i, j);
        }
    }

    /// `permutation(n)`: 0, …, n − 1 in a random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}
