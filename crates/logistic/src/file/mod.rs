//! Files that are written: whole or not at all, or so that a run that is killed can go on where it was.

mod journal;
mod output;

pub use journal::Journal;
pub use output::OutputFile;
