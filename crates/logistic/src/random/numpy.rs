//! NumPy's legacy stream, `numpy.random.RandomState`, which scikit-learn draws from.

use super::Mt19937;

/// NumPy's legacy generator: the same seed gives the same numbers in the same order.
///
/// Normal draws use the polar method (Marsaglia & Bray, SIAM Review 6(3), 1964), whose second value is kept for
/// the next call; they equal NumPy's in every bit where the platform's logarithm does.
#[derive(Clone, Debug)]
pub struct RandomState {
    words: Mt19937,
    spare: Option<f64>,
}

impl RandomState {
    /// `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        RandomState { words: Mt19937::new(seed), spare: None }
    }

    /// Uniform in [0, 1), from 53 bits.
    pub fn random_sample(&mut self) -> f64 {
        let (a, b) = (self.words.next_u32() >> 5, self.words.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random_sample()
    }

    /// Normal with mean 0 and standard deviation 1.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x1 = 2.0 * self.random_sample() - 1.0;
            let x2 = 2.0 * self.random_sample() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.spare = Some(f * x1);
                return f * x2;
            }
        }
    }

    /// Normal with mean `loc` and standard deviation `scale`.
    pub fn normal(&mut self, loc: f64, scale: f64) -> f64 {
        loc + scale * self.standard_normal()
    }

    /// Uniform on 0..=max, by drawing masked words until one is small enough.
    pub fn interval(&mut self, max: u32) -> u32 {
        let mask = u32::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        if max == 0 {
            return 0;
        }
        loop {
            let value = self.words.next_u32() & mask;
            if value <= max {
                return value;
            }
        }
    }

    /// Puts the items in random order, from the last down (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.interval(i as u32) as usize);
        }
    }

    /// 0..n in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}
