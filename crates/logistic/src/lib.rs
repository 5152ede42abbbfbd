//! Logistic regression, start to finish.
pub mod error;
pub mod evaluate;
#[cfg(feature = "plot")]
pub mod plot;
pub mod random;
pub mod table;
pub use error::{Error, Result};
