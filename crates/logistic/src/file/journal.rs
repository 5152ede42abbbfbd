//! What a long run has computed so far, on disk, so that the same run need not compute it again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::error::{Error, Place, Result};

const MAGIC: &[u8; 24] = b"logistic checkpoint v1.\n";
/// The bytes of a key, and of the run's own mark.
const KEY: usize = 32;
/// The bytes of a record's check sum.
const CHECK: usize = 8;

/// Numbers by key, in a file that only grows. Records are whole or do not count: one that a kill cut short is written
/// again. A key says all that its numbers depend on.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    known: HashMap<[u8; KEY], Vec<f64>>,
    used: usize,
    failure: Option<std::io::Error>,
}

impl Journal {
    /// Opens the journal of a run, or begins one. `run` says all that the run depends on: its data and its settings.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be written, or that another process writes to; [`Error::Malformed`] for one
    /// that is no journal, or that of another run.
    pub fn open(path: &Path, run: &[u8]) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_path_buf(), action: "write", source };
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        if file.try_lock().is_err() {
            let source = std::io::Error::new(std::io::ErrorKind::WouldBlock, "another process writes to it");
            return Err(io(source));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let mark: [u8; KEY] = Sha256::digest(run).into();
        let head = [&MAGIC[..], &mark].concat();
        let known = match bytes.strip_prefix(&head[..]) {
            Some(records) => {
                let (known, whole) = records_of(records);
                file.set_len((head.len() + whole) as u64).map_err(io)?;
                known
            }
            // Nothing was computed yet.
            None if head.starts_with(&bytes) => {
                file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&head)).map_err(io)?;
                HashMap::new()
            }
            None => return Err(refused(path, bytes.starts_with(MAGIC))),
        };
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Journal { path: path.to_path_buf(), state: Mutex::new(State { file, known, used: 0, failure: None }) })
    }

    /// The numbers of a key, computed now unless they were before.
    pub(crate) fn numbers(&self, key: &[u8; KEY], compute: impl FnOnce() -> Vec<f64>) -> Vec<f64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(numbers) = state.known.get(key).cloned() {
            state.used += 1;
            return numbers;
        }
        drop(state);
        let numbers = compute();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_none() {
            let written = state.file.write_all(&record(key, &numbers)).and_then(|()| state.file.sync_data());
            state.failure = written.err();
        }
        numbers
    }

    /// How many records were there and served.
    pub fn used(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).used
    }

    /// Ends a run that is done: nobody needs its journal any more.
    ///
    /// # Errors
    /// [`Error::Io`] when the journal could not be written on the way, or cannot be removed.
    pub fn finish(&self) -> Result<()> {
        let failure = self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.take();
        let removed = failure.map_or_else(|| std::fs::remove_file(&self.path), Err);
        removed.map_err(|source| Error::Io { path: self.path.clone(), action: "write", source })
    }
}

fn refused(path: &Path, other_run: bool) -> Error {
    let (found, help) = match other_run {
        true => (
            "that of another run, or a damaged one",
            "remove it to begin anew, or repeat the command that wrote it, on the same data",
        ),
        false => ("another file", "name a file that does not exist yet"),
    };
    Error::Malformed {
        place: Place::file(path.display().to_string()),
        expected: "the checkpoint of this run".to_string(),
        found: found.to_string(),
        help: Some(help.to_string()),
    }
}

fn record(key: &[u8; KEY], numbers: &[f64]) -> Vec<u8> {
    let mut bytes = key.to_vec();
    bytes.extend_from_slice(&(numbers.len() as u64).to_le_bytes());
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    let check = Sha256::digest(&bytes);
    bytes.extend_from_slice(&check[..CHECK]);
    bytes
}

/// The records at the start of `bytes`, as far as they are whole, and their length.
fn records_of(bytes: &[u8]) -> (HashMap<[u8; KEY], Vec<f64>>, usize) {
    let mut known = HashMap::new();
    let mut whole = 0;
    while let Some((key, numbers, length)) = first_record(&bytes[whole..]) {
        known.insert(key, numbers);
        whole += length;
    }
    (known, whole)
}

fn first_record(bytes: &[u8]) -> Option<([u8; KEY], Vec<f64>, usize)> {
    let (key, rest) = bytes.split_first_chunk::<KEY>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?.checked_mul(8)?;
    let (numbers, rest) = rest.split_at_checked(length)?;
    let whole = KEY + 8 + length;
    if rest.first_chunk::<CHECK>()? != &Sha256::digest(&bytes[..whole])[..CHECK] {
        return None;
    }
    let numbers = numbers.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect();
    Some((*key, numbers, whole + CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_computed_is_not_computed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.checkpoint");
        let numbers = |journal: &Journal, key: u8, value: f64| journal.numbers(&[key; KEY], || vec![value, -value]);
        let journal = Journal::open(&path, b"run").unwrap();
        assert_eq!(numbers(&journal, 1, 1.5), [1.5, -1.5]);
        assert_eq!(numbers(&journal, 2, 2.5), [2.5, -2.5]);
        assert!(Journal::open(&path, b"run").is_err(), "two processes write to one journal");
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        // A kill may cut the last record anywhere, and the head as well.
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let journal = Journal::open(&path, b"run").unwrap();
            assert!([1.5, 7.0].contains(&numbers(&journal, 1, 7.0)[0]));
            assert_eq!(numbers(&journal, 3, 3.5), [3.5, -3.5]);
            drop(journal);
            let journal = Journal::open(&path, b"run").unwrap();
            assert_eq!((numbers(&journal, 3, 9.0)[0], journal.used()), (3.5, 1));
        }
        std::fs::write(&path, &whole).unwrap();
        assert!(matches!(Journal::open(&path, b"another"), Err(Error::Malformed { .. })));
        let journal = Journal::open(&path, b"run").unwrap();
        assert_eq!((numbers(&journal, 2, 9.0)[0], journal.used()), (2.5, 1));
        journal.finish().unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "x,y\n1,2\n").unwrap();
        assert!(matches!(Journal::open(&path, b"run"), Err(Error::Malformed { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"x,y\n1,2\n");
    }
}
