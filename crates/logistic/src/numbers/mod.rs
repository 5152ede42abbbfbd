//! Numbers in a row: the library's own, lent by somebody else, or on disk.

mod held;
mod spool;

pub(crate) use held::Slice;
pub use held::{Numbers, Values};
pub use spool::{Spool, Store};
pub(crate) use spool::{ValueWriter, Writer};
