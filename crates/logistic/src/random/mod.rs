//! Random streams that repeat those of NumPy and PyTorch, bit for bit.
//!
//! Both are built on the Mersenne Twister; they differ in how they turn its words into numbers.

mod mt19937;
pub mod numpy;
pub mod torch;

pub use mt19937::Mt19937;
