//! Numbers on disk: written once to a temporary file without a name, then mapped into memory, where the system brings
//! and takes away what is used, page by page. To all that reads them they are numbers like others.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytemuck::Pod;
use memmap2::Mmap;

use super::{Numbers, Values};
use crate::error::{Error, Result};

/// Less is not worth letting go of.
const LEAST_WINDOW: u64 = 1 << 20;
/// A writer gathers so many bytes.
const GATHERED: usize = 1 << 15;

/// Where numbers are kept that are made of others.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Store {
    /// In memory.
    #[default]
    Memory,
    /// On disk.
    Disk(Spool),
}

impl Store {
    /// Keeps numbers.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no room for a temporary file; what `numbers` says.
    pub(crate) fn keep<T: Pod + Send + Sync>(&self, numbers: impl Iterator<Item = Result<T>>) -> Result<Numbers<T>> {
        match self {
            Store::Memory => numbers.collect(),
            Store::Disk(spool) => {
                let mut writer = spool.writer()?;
                gathered(numbers, |part| writer.push(part))?;
                writer.finish()
            }
        }
    }

    /// Keeps numbers in the width that they need; in memory in 64 bits.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no room for a temporary file.
    pub(crate) fn keep_values(&self, numbers: impl Iterator<Item = f64>) -> Result<Values> {
        match self {
            Store::Memory => {
                let mut values = Vec::with_capacity(numbers.size_hint().0);
                numbers.for_each(|number| values.push(number));
                Ok(values.into())
            }
            Store::Disk(spool) => {
                let mut writer = ValueWriter::new(spool)?;
                gathered(numbers.map(Ok), |part| writer.push(part))?;
                writer.finish()
            }
        }
    }

    /// The spool, where numbers are kept on disk.
    pub(crate) fn spool(&self) -> Option<&Spool> {
        match self {
            Store::Memory => None,
            Store::Disk(spool) => Some(spool),
        }
    }

    /// Tells that so many bytes of what is kept were read and are not needed for a while.
    pub(crate) fn passed(&self, bytes: usize) {
        if let Store::Disk(spool) = self {
            spool.passed(bytes);
        }
    }
}

fn gathered<T>(numbers: impl Iterator<Item = Result<T>>, mut push: impl FnMut(&[T]) -> Result<()>) -> Result<()> {
    let most = GATHERED / size_of::<T>();
    let mut part = Vec::with_capacity(most);
    for number in numbers {
        part.push(number?);
        if part.len() == most {
            push(&part)?;
            part.clear();
        }
    }
    push(&part)
}

/// Temporary files, and how much of them may stand in memory while they are worked on. A clone is the same spool.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    window: u64,
    passed: AtomicU64,
    maps: Mutex<Vec<Weak<Mmap>>>,
}

/// Where numbers are kept is no part of what they are.
impl PartialEq for Spool {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Spool {
    /// Files in the folder for temporary files (`TMPDIR`), of which some `window` bytes stay in memory, or a few more: to
    /// let go of what is mapped has its price.
    pub fn new(window: u64) -> Self {
        Spool(Arc::new(Inner {
            folder: std::env::temp_dir(),
            window: window.max(LEAST_WINDOW),
            passed: AtomicU64::new(0),
            maps: Mutex::default(),
        }))
    }

    fn io(&self, source: std::io::Error) -> Error {
        Error::Io { path: self.0.folder.clone(), action: "keep temporary files here, where `TMPDIR` leads", source }
    }

    pub(crate) fn writer<T: Pod>(&self) -> Result<Writer<T>> {
        let file = tempfile::tempfile_in(&self.0.folder).map_err(|error| self.io(error))?;
        let out = BufWriter::with_capacity(GATHERED, file);
        Ok(Writer { spool: self.clone(), out, len: 0, of: PhantomData })
    }

    fn map<T: Pod>(&self, file: &File) -> Result<Numbers<T>> {
        // SAFETY: the file has no name and was never given to anybody, so that nothing else can change or shorten it;
        // it was written before, so that there is room on disk for every page of it.
        #[expect(unsafe_code, reason = "to map a file is unsafe where others may write to it, which here nobody can")]
        let map = Arc::new(unsafe { Mmap::map(file) }.map_err(|error| self.io(error))?);
        self.0.maps.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&map));
        Ok(Numbers::lent(Mapped { map, of: PhantomData }))
    }

    /// The bytes that were read and are not needed for a while, all in all.
    pub(crate) fn passed_bytes(&self) -> u64 {
        self.0.passed.load(Ordering::Relaxed)
    }

    fn passed(&self, bytes: usize) {
        let bytes = bytes as u64;
        let before = self.0.passed.fetch_add(bytes, Ordering::Relaxed);
        if before / self.0.window != (before + bytes) / self.0.window {
            self.release();
        }
    }

    /// Takes what is mapped out of this process. The system keeps it for as long as it has room, and brings back what is
    /// touched again.
    fn release(&self) {
        let mut maps = self.0.maps.lock().unwrap_or_else(PoisonError::into_inner);
        maps.retain(|map| map.strong_count() > 0);
        #[cfg(unix)]
        for map in maps.iter().filter_map(Weak::upgrade) {
            // SAFETY: only of private maps that were written to does this lose anything; these are read only.
            #[expect(unsafe_code, reason = "what is dropped is read from the file again when it is touched")]
            let released = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            // Memory that is not given back costs memory, and nothing else.
            drop(released);
        }
    }
}

struct Mapped<T> {
    map: Arc<Mmap>,
    of: PhantomData<fn() -> T>,
}

impl<T: Pod> AsRef<[T]> for Mapped<T> {
    fn as_ref(&self) -> &[T] {
        // A map begins with a page, and its file was written number by number.
        bytemuck::cast_slice(&self.map)
    }
}

/// Numbers on their way to disk.
#[derive(Debug)]
pub(crate) struct Writer<T> {
    spool: Spool,
    out: BufWriter<File>,
    len: usize,
    of: PhantomData<fn() -> T>,
}

impl<T: Pod> Writer<T> {
    pub(crate) fn push(&mut self, numbers: &[T]) -> Result<()> {
        self.len += numbers.len();
        self.out.write_all(bytemuck::cast_slice(numbers)).map_err(|error| self.spool.io(error))
    }

    fn file(mut self) -> Result<File> {
        self.out.flush().map_err(|error| self.spool.io(error))?;
        self.out.into_inner().map_err(|error| self.spool.io(error.into_error()))
    }

    pub(crate) fn finish(self) -> Result<Numbers<T>>
    where
        T: Send + Sync,
    {
        let (spool, empty) = (self.spool.clone(), self.len == 0);
        let file = self.file()?;
        if empty { Ok(Vec::new().into()) } else { spool.map(&file) }
    }
}

/// Numbers of 64 bits on their way to disk, in 32 for as long as those hold every one of them.
#[derive(Debug)]
pub(crate) enum ValueWriter {
    Narrow(Writer<f32>),
    Wide(Writer<f64>),
}

impl ValueWriter {
    pub(crate) fn new(spool: &Spool) -> Result<Self> {
        Ok(ValueWriter::Narrow(spool.writer()?))
    }

    pub(crate) fn push(&mut self, numbers: &[f64]) -> Result<()> {
        if let ValueWriter::Narrow(writer) = self {
            let narrow = |&number: &f64| f64::from(number as f32) == number || number.is_nan();
            if numbers.iter().all(narrow) {
                return writer.push(&numbers.iter().map(|&number| number as f32).collect::<Vec<f32>>());
            }
            self.widen()?;
        }
        if let ValueWriter::Wide(writer) = self { writer.push(numbers) } else { Ok(()) }
    }

    fn widen(&mut self) -> Result<()> {
        let ValueWriter::Narrow(narrow) = self else { return Ok(()) };
        let spool = narrow.spool.clone();
        let narrow = std::mem::replace(narrow, spool.writer()?);
        let mut left = narrow.len;
        let mut wide = spool.writer()?;
        let mut file = narrow.file()?;
        file.seek(SeekFrom::Start(0)).map_err(|error| spool.io(error))?;
        let mut part = vec![0.0_f32; GATHERED];
        while left > 0 {
            part.truncate(left);
            file.read_exact(bytemuck::cast_slice_mut(&mut part)).map_err(|error| spool.io(error))?;
            wide.push(&part.iter().map(|&number| f64::from(number)).collect::<Vec<f64>>())?;
            left -= part.len();
        }
        *self = ValueWriter::Wide(wide);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Values> {
        Ok(match self {
            ValueWriter::Narrow(writer) => Values::F32(writer.finish()?),
            ValueWriter::Wide(writer) => Values::F64(writer.finish()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spooled_is_what_was_given() {
        let spool = Spool::new(1 << 12);
        let store = Store::Disk(spool.clone());
        let narrow: Vec<f64> = (0..100_000).map(|i| f64::from(i) * 0.25).collect();
        let mut wide = narrow.clone();
        wide[70_000] = 0.1;
        for (numbers, is_narrow) in [(&narrow, true), (&wide, false)] {
            let kept = store.keep_values(numbers.iter().copied()).unwrap();
            assert_eq!(matches!(kept, Values::F32(_)), is_narrow);
            store.passed(1 << 13);
            assert!(kept.iter().eq(numbers.iter().copied()));
        }
        let codes = store.keep((0..100_000_u32).map(Ok)).unwrap();
        spool.release();
        assert!(codes.iter().copied().eq(0..100_000));
        assert!(store.keep(std::iter::empty::<Result<u32>>()).unwrap().is_empty());
    }

    #[test]
    fn no_room_is_an_error() {
        let missing = Spool(Arc::new(Inner {
            folder: PathBuf::from("no/such/folder"),
            window: 1,
            passed: AtomicU64::new(0),
            maps: Mutex::default(),
        }));
        assert!(matches!(missing.writer::<f64>(), Err(Error::Io { .. })));
    }
}
