//! A column's values while more of them come, in memory or on disk.

use super::Chunks;
use crate::error::Result;
use crate::numbers::{Store, ValueWriter, Writer};

/// Values of which more are to come.
pub(super) enum Gathering<T: Kept> {
    Held(Chunks<T>),
    Written(T::Writer),
}

/// What columns are made of, and how it goes to disk.
pub(super) trait Kept: Copy + Send + Sync + 'static {
    type Writer;
    fn writer(store: &Store) -> Result<Option<Self::Writer>>;
    fn write(writer: &mut Self::Writer, values: &[Self]) -> Result<()>;
    fn finish(writer: Self::Writer, store: &Store) -> Result<Chunks<Self>>;
}

impl Kept for f64 {
    type Writer = ValueWriter;

    fn writer(store: &Store) -> Result<Option<ValueWriter>> {
        store.spool().map(ValueWriter::new).transpose()
    }

    fn write(writer: &mut ValueWriter, values: &[f64]) -> Result<()> {
        writer.push(values)
    }

    fn finish(writer: ValueWriter, store: &Store) -> Result<Chunks<f64>> {
        Ok(Chunks::kept_values(writer.finish()?, store))
    }
}

impl Kept for u32 {
    type Writer = Writer<u32>;

    fn writer(store: &Store) -> Result<Option<Writer<u32>>> {
        store.spool().map(|spool| spool.writer()).transpose()
    }

    fn write(writer: &mut Writer<u32>, values: &[u32]) -> Result<()> {
        writer.push(values)
    }

    fn finish(writer: Writer<u32>, store: &Store) -> Result<Chunks<u32>> {
        Ok(Chunks::kept(writer.finish()?, store))
    }
}

impl<T: Kept> Gathering<T> {
    pub(super) fn new(store: &Store) -> Result<Self> {
        Ok(match T::writer(store)? {
            Some(writer) => Gathering::Written(writer),
            None => Gathering::Held(Chunks::default()),
        })
    }

    pub(super) fn push(&mut self, values: Vec<T>) -> Result<()> {
        match self {
            Gathering::Held(chunks) => {
                chunks.push(values);
                Ok(())
            }
            Gathering::Written(writer) => T::write(writer, &values),
        }
    }

    pub(super) fn finish(self, store: &Store) -> Result<Chunks<T>> {
        match self {
            Gathering::Held(chunks) => Ok(chunks),
            Gathering::Written(writer) => T::finish(writer, store),
        }
    }
}
