#![doc = include_str!("../../../README.md")]

pub mod cholesky;
pub mod dataset;
pub mod distribution;
pub mod encode;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod file;
mod kernel;
pub mod loss;
pub mod model;
pub mod numbers;
pub mod objective;
#[cfg(feature = "plot")]
pub mod plot;
pub mod random;
#[cfg(feature = "report")]
pub mod report;
pub mod solver;
pub mod table;
pub mod tutorial;

pub use error::{Error, Result};

/// Its code is tested with this library's.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/serving.md")]
struct Serving;

/// Its code is tested with this library's, where there are the pictures and the report that it makes.
#[cfg(all(doctest, feature = "plot", feature = "report"))]
#[doc = include_str!("../../../docs/tutorial.md")]
struct Tutorial;
