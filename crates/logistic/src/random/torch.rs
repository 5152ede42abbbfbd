//! The stream of PyTorch's generator on the CPU, behind `torch.manual_seed`.
//!
//! PyTorch does not promise this stream across its versions; the one repeated here is that of PyTorch 2.11. Normal
//! values (`torch.randn`) are left out: their last bits depend on the processor PyTorch runs on.

use super::Mt19937;
use crate::error::{Error, Result};

/// `randperm` of this many elements and more draws in another way: a 32-bit word modulo n would favour small
/// numbers by about one part in twenty.
const LARGE_PERMUTATION: usize = (u32::MAX / 20) as usize;

/// `randint` over this many integers and more takes 64 bits, for the same reason.
const LARGE_RANGE: u64 = 1 << 28;

/// `torch.Generator()` on the CPU: the Mersenne Twister and PyTorch's ways of drawing from it.
///
/// ```
/// use logistic::random::torch::Generator;
///
/// let mut rng = Generator::manual_seed(0);
/// assert_eq!(rng.randperm(10), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    engine: Mt19937,
}

impl Generator {
    /// `torch.manual_seed(seed)`. Only the low 32 bits of the seed count. PyTorch takes a negative seed as
    /// 2⁶⁴ + seed, which is `seed as u64` here.
    pub fn manual_seed(seed: u64) -> Self {
        Generator { engine: Mt19937::new(seed as u32) }
    }

    /// `torch.empty((), dtype=torch.int64).random_()`: uniform on 0, …, 2⁶³ − 1.
    ///
    /// This is how a `RandomSampler` seeds each epoch.
    pub fn random_i64(&mut self) -> i64 {
        (self.engine.next_u64() & i64::MAX as u64) as i64
    }

    /// `torch.rand` of one `float32`: uniform on the multiples of 2⁻²⁴ in [0, 1).
    pub fn rand_f32(&mut self) -> f32 {
        (self.engine.next_u32() & ((1 << 24) - 1)) as f32 / (1 << 24) as f32
    }

    /// `torch.rand` of one `float64`: uniform on the multiples of 2⁻⁵³ in [0, 1).
    pub fn rand_f64(&mut self) -> f64 {
        (self.engine.next_u64() & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
    }

    /// `Tensor.uniform_(low, high)` of one `float32`: u·(high − low) + low with u from
    /// [`rand_f32`](Self::rand_f32), product and sum rounded once together.
    ///
    /// PyTorch rounds like this on processors with a fused multiply-add, which since about 2013 are nearly all.
    pub fn uniform_f32(&mut self, low: f32, high: f32) -> f32 {
        self.rand_f32().mul_add(high - low, low)
    }

    /// `torch.randint(low, high, ())`: low + (word mod (high − low)), an integer in low, …, high − 1.
    ///
    /// Not quite uniform: for ranges of k < 2²⁸ integers, where the word has 32 bits, small ones are more likely
    /// by up to k/2³²; from there on the word has 64 bits.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `low < high`.
    pub fn randint(&mut self, low: i64, high: i64) -> Result<i64> {
        if low >= high {
            return Err(Error::Setting { name: "high", expected: format!("above {low}"), found: high.to_string() });
        }
        // Both steps wrap, so that a range wider than 2⁶³ comes out right too.
        let range = high.wrapping_sub(low) as u64;
        let word = if range < LARGE_RANGE { self.engine.next_u32().into() } else { self.engine.next_u64() };
        Ok(low.wrapping_add((word % range) as i64))
    }

    /// `torch.randperm(n)`: 0, …, n − 1 in a random order.
    ///
    /// R. Durstenfeld, *Algorithm 235: random permutation*, Communications of the ACM 7(7), 1964, page 420,
    /// doi:10.1145/364520.364540: from the first place up, each place swaps with one not before it, chosen by a
    /// 32-bit word modulo the number of those places. From n = 214 748 364 (2³² / 20) on, PyTorch instead builds
    /// the order from the inside out with 64-bit words, and so does this.
    pub fn randperm(&mut self, n: usize) -> Vec<usize> {
        if n >= LARGE_PERMUTATION {
            return self.inside_out(n);
        }
        let mut order: Vec<usize> = (0..n).collect();
        self.swap_onwards(&mut order);
        order
    }

    /// Puts `items` in the order that [`Generator::randperm`] of their number would have.
    pub(crate) fn permute(&mut self, items: &mut [usize]) {
        if items.len() >= LARGE_PERMUTATION {
            let order = self.inside_out(items.len());
            let before = items.to_vec();
            items.iter_mut().zip(order).for_each(|(item, place)| *item = before[place]);
        } else {
            self.swap_onwards(items);
        }
    }

    /// Each place, from the first up, swaps with one not before it.
    fn swap_onwards(&mut self, items: &mut [usize]) {
        let mut words = [0; 256];
        let swaps = items.len().saturating_sub(1);
        for start in (0..swaps).step_by(words.len()) {
            let drawn = &mut words[..(swaps - start).min(256)];
            self.engine.fill(drawn);
            for (&mut word, first) in drawn.iter_mut().zip(start..) {
                let rest = &mut items[first..];
                rest.swap(0, (word % rest.len() as u32) as usize);
            }
        }
    }

    /// Each new number takes the place of an earlier one (or its own), which moves to the end.
    fn inside_out(&mut self, n: usize) -> Vec<usize> {
        let mut order = Vec::with_capacity(n);
        for i in 0..n {
            let place = (self.engine.next_u64() % (i as u64 + 1)) as usize;
            order.push(i);
            order.swap(place, i);
        }
        order
    }

    /// The initial weight and bias of `torch.nn.Linear(in_features, out_features)`, in the order PyTorch draws them.
    ///
    /// Both are uniform on ±1/√in_features. For the weight PyTorch reaches that bound by way of the rule of He
    /// et al. for leaky rectifiers of slope a = √5: √3 · √(2 / (1 + a²)) / √in_features (K. He, X. Zhang, S. Ren,
    /// J. Sun, *Delving deep into rectifiers*, ICCV 2015, equation 15, doi:10.1109/ICCV.2015.123).
    ///
    /// # Shapes
    /// Weight (out_features, in_features), row by row; bias (out_features).
    pub fn linear_init(&mut self, in_features: usize, out_features: usize) -> (Vec<f32>, Vec<f32>) {
        let fan_in = in_features as f64;
        let slope = 5_f64.sqrt();
        let gain = (2.0 / (1.0 + slope * slope)).sqrt();
        let weight_bound = 3_f64.sqrt() * (gain / fan_in.sqrt());
        // Without inputs there is no weight, and PyTorch then sets the bias to zero.
        let bias_bound = if in_features == 0 { 0.0 } else { 1.0 / fan_in.sqrt() };
        let mut draw = |count: usize, bound: f64| {
            (0..count).map(|_| self.uniform_f32(-bound as f32, bound as f32)).collect::<Vec<f32>>()
        };
        let weight = draw(in_features * out_features, weight_bound);
        let bias = draw(out_features, bias_bound);
        (weight, bias)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_permutation(mut order: Vec<usize>) -> bool {
        order.sort_unstable();
        order.into_iter().enumerate().all(|(i, place)| i == place)
    }

    proptest! {
        /// The large case would need gigabytes, so its method is tried on small ones.
        #[test]
        fn both_ways_permute(seed: u64, n in 0_usize..500) {
            prop_assert!(is_permutation(Generator::manual_seed(seed).randperm(n)));
            prop_assert!(is_permutation(Generator::manual_seed(seed).inside_out(n)));
        }

        #[test]
        fn items_are_permuted_as_their_numbers_are(seed: u64, n in 0_usize..1000) {
            let mut items: Vec<usize> = (0..n).map(|i| 3 * i + 5).collect();
            Generator::manual_seed(seed).permute(&mut items);
            let order = Generator::manual_seed(seed).randperm(n);
            prop_assert!(items.iter().zip(order).all(|(&item, place)| item == 3 * place + 5));
        }
    }
}
