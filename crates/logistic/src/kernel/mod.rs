//! Arithmetic on vectors of numbers, with the widest instructions that the processor has.
//!
//! Everything is written for eight lanes, whatever the width of a register: a sum over rows is eight sums, of every
//! eighth row each, which are then added in one order. With fused multiplication and addition on all of AVX2, AVX-512
//! and NEON, the same bits come out on all of them. (Older x86 processors round twice where those round once.)
//!
//! Loops count, and there are no closures over vectors: `array::map`, `Zip::next` and their like are compiled apart, for the
//! least of processors, wherever they are not inlined, which costs several times the arithmetic.
#![allow(clippy::needless_range_loop)]

mod activation;
mod combine;
mod cross;
mod exponential;
mod inner;
mod moments;
mod outputs;
mod overlap;
mod rows;
mod several;
mod slices;
mod tile;
mod transpose;
mod turn;

pub(crate) use activation::{relu, tanh, through_relu, through_tanh};
pub(crate) use combine::{combine, shift_and_scale};
pub(crate) use cross::{Matrix, add_cross};
pub(crate) use exponential::{exp_of_negative, log1p_of_unit};
pub(crate) use inner::{gram, inner};
pub(crate) use moments::sum_and_squares;
pub(crate) use outputs::add_outputs;
pub(crate) use overlap::Listed;
pub(crate) use rows::{Blocks, RowMajor};
pub(crate) use several::{combine_several, inner_lanes, sum_lanes};
pub(crate) use slices::{combine_slices, inner_slices};
pub(crate) use tile::{Lanes, SHORT, TALL, eight, is_wide, put_eight, tile};
pub(crate) use transpose::{Taken, take_columns};
pub(crate) use turn::{Spread, centre_rows, turn_columns};

use fearless_simd::{Level, Simd, SimdBase, f64x8};

/// Numbers that are worked on at once. Arrays for the kernels are padded to a multiple of it.
pub(crate) const LANES: usize = 8;

/// What the processor can do.
pub(crate) fn level() -> Level {
    Level::new()
}

/// The lanes `at` to `at + 8` of `values`.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, values: &[f64], at: usize) -> f64x8<S> {
    f64x8::from_slice(simd, &values[at..at + LANES])
}

/// The sum of eight lanes, in the order that [`inner`] has: neighbours first.
#[inline(always)]
pub(crate) fn sum<S: Simd>(v: f64x8<S>) -> f64 {
    let v: [f64; 8] = v.into();
    ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))
}

/// Equally long arrays of numbers, at the same distance from each other: the columns of a panel.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) values: &'a [f64],
    /// From the start of one to that of the next.
    pub(crate) stride: usize,
    /// The length of each, a multiple of [`LANES`].
    pub(crate) len: usize,
    /// How many there are.
    pub(crate) count: usize,
}

impl<'a> Columns<'a> {
    #[inline(always)]
    pub(crate) fn get(self, j: usize) -> &'a [f64] {
        &self.values[j * self.stride..][..self.len]
    }
}

/// The sum of numbers.
pub(crate) fn total(values: &[f64]) -> f64 {
    let blocks = values.chunks_exact(LANES);
    let rest: f64 = blocks.remainder().iter().sum();
    let mut partial = [0.0; LANES];
    for block in blocks {
        (0..LANES).for_each(|lane| partial[lane] += block[lane]);
    }
    partial.iter().sum::<f64>() + rest
}

/// The inner product of two slices, of any length.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    let mut partial = [0.0; LANES];
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            partial[lane] += a[lane] * b[lane];
        }
    }
    partial.iter().sum::<f64>() + rest
}
