//! Random streams that repeat those of NumPy and PyTorch, bit for bit.
//!
//! A seed is a promise between programs: whoever knows the seed of a study run in Python wants the same rows in
//! the same split here. Both libraries draw from one engine, the Mersenne Twister ([`Mt19937`]), and differ in
//! how its 32-bit words become numbers. Each manner has its module:
//!
//! - [`numpy`]: `numpy.random.RandomState`, the stream behind `numpy.random.seed` and every `random_state=` of
//!   scikit-learn. Its newer sibling `numpy.random.Generator` is another engine and is not here.
//! - [`torch`]: PyTorch's generator on the CPU, behind `torch.manual_seed`.
//!
//! | drawn | NumPy | PyTorch |
//! |---|---|---|
//! | seed | 32 bits | 64 bits, of which the low 32 count |
//! | real in [0, 1), double | 27 + 26 high bits of two words | 53 low bits of two words |
//! | real in [0, 1), single | – | 24 low bits of one word |
//! | integer below k | masked, redrawn until it fits | remainder of the division by k |
//! | permutation | swaps from the last place down | swaps from the first place up |
//! | normal | polar method, in pairs | not here: its last bits depend on the processor |
//!
//! These streams are for reproducible statistics. They are predictable from their output and must not guard
//! secrets.
mod mt19937;
pub mod numpy;
pub mod torch;

pub use mt19937::Mt19937;
