//! PyTorch's stream on the processor, `torch.Generator`.

use super::Mt19937;

/// PyTorch's CPU generator: the same seed gives the same numbers in the same order.
#[derive(Clone, Debug)]
pub struct Generator {
    words: Mt19937,
}

impl Generator {
    /// `torch.manual_seed(seed)`; like PyTorch's, the Mersenne Twister takes the low 32 bits.
    pub fn manual_seed(seed: u64) -> Self {
        Generator { words: Mt19937::new(seed as u32) }
    }

    fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.words.next_u32());
        high << 32 | u64::from(self.words.next_u32())
    }

    /// `random_()` of an int64 tensor: the low 63 of 64 random bits.
    pub fn random_i64(&mut self) -> i64 {
        (self.next_u64() & i64::MAX as u64) as i64
    }

    /// `uniform_(low, high)` of a float32 tensor: 24 random bits, in float32 arithmetic.
    pub fn uniform_f32(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.words.next_u32() & 0x00ff_ffff) as f32 * (1.0 / 16_777_216.0);
        // PyTorch's vector code fuses the product and the sum; so the last bit depends on it.
        unit.mul_add(high - low, low)
    }

    /// `torch.randperm(n)`: 0..n in random order. Equal to PyTorch's up to n = 70,000, which is as far as it was
    /// compared; longer ones are permutations by the same rule.
    pub fn randperm(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in 0..n.saturating_sub(1) {
            let ahead = self.words.next_u32() as usize % (n - i);
            order.swap(i, i + ahead);
        }
        order
    }

    /// The initial weights (n_outputs, n_inputs) and biases (n_outputs) of `nn.Linear`: uniform in ±1/√n_inputs
    /// (`kaiming_uniform_` with a = √5, He et al. 2015, is the same bound), weights drawn first.
    pub fn linear_init(&mut self, n_inputs: usize, n_outputs: usize) -> (Vec<f32>, Vec<f32>) {
        // PyTorch computes √3·(gain/√n_inputs) for the weights and 1/√n_inputs for the biases, in double precision.
        let root = (n_inputs as f64).sqrt();
        let weight_bound = (3f64.sqrt() * ((2.0f64 / 6.0).sqrt() / root)) as f32;
        let bias_bound = if n_inputs == 0 { 0.0 } else { (1.0 / root) as f32 };
        let weight = (0..n_inputs * n_outputs).map(|_| self.uniform_f32(-weight_bound, weight_bound)).collect();
        let bias = (0..n_outputs).map(|_| self.uniform_f32(-bias_bound, bias_bound)).collect();
        (weight, bias)
    }
}
