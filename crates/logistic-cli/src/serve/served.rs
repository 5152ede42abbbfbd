//! The model that is served, and what is said of it; another takes its place when its file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use logistic::Error;
use logistic::model::{Model, Scorer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::metrics::Metrics;
use super::{describe, openapi};

/// A model that is ready to score.
pub(super) struct Served {
    pub(super) scorer: Scorer,
    /// The first digits of the SHA-256 of its file.
    pub(super) version: String,
    pub(super) loaded: SystemTime,
    pub(super) described: String,
    pub(super) openapi: String,
}

/// Of a file: what changes when it does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        Ok(Stamp {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

/// The model of a file, as it was when it last was one.
pub(super) struct Current {
    path: PathBuf,
    served: RwLock<Arc<Served>>,
    /// Why the file as it is now is not served.
    problem: RwLock<Option<String>>,
}

/// How often a look is taken at the file.
const LOOK: Duration = Duration::from_millis(500);

impl Served {
    fn load(path: &Path, most_rows: usize) -> Result<Self, Error> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), action: "read", source })?;
        let name = path.display().to_string();
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::ModelFile {
            path: name.clone(),
            problem: "not a model file: not text".to_string(),
            help: "give the file that `logistic train -o` wrote".to_string(),
        })?;
        let model = Model::from_json(text, &name)?;
        let version: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let scorer = Scorer::new(model).map_err(|error| match error {
            Error::ModelFile { problem, help, .. } => Error::ModelFile { path: name, problem, help },
            error => error,
        })?;
        let described = describe::model(&scorer, &version, most_rows);
        let openapi = openapi::document(&scorer, &described).to_string();
        Ok(Served { scorer, version, loaded: SystemTime::now(), described: described.to_string(), openapi })
    }
}

impl Current {
    /// Loads the model.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub(super) fn load(path: &Path, most_rows: usize) -> Result<(Self, Watch), Error> {
        let stamp = Stamp::of(path).ok();
        let served = Served::load(path, most_rows)?;
        let current =
            Current { path: path.to_path_buf(), served: RwLock::new(Arc::new(served)), problem: RwLock::new(None) };
        Ok((current, Watch { stamp, most_rows }))
    }

    /// The model to score with: a request keeps the one that it began with.
    pub(super) fn get(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the file as it is now is not served.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, served: Result<Served, Error>) {
        let problem = match served {
            Ok(served) => {
                *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        *self.problem.write().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// Looks at the model file again and again.
pub(super) struct Watch {
    stamp: Option<Stamp>,
    most_rows: usize,
}

impl Watch {
    /// Puts each new model into `current`; one that is bad leaves the old one where it is. `tell` hears of both.
    pub(super) async fn run(mut self, current: Arc<Current>, metrics: Arc<Metrics>, tell: fn(&str)) {
        loop {
            tokio::time::sleep(LOOK).await;
            let (own, most_rows) = (Arc::clone(&current), self.most_rows);
            let known = self.stamp.clone();
            let look = move || {
                // Taken before the file is read: what is written while it is read will be read again.
                let stamp = Stamp::of(&own.path).ok();
                (stamp != known).then(|| (stamp, Served::load(&own.path, most_rows)))
            };
            // What panics in there is a defect, and no reason to stop looking.
            let Ok(Some((stamp, served))) = tokio::task::spawn_blocking(look).await else { continue };
            // A file that cannot be read may be read a moment later, without having changed.
            let unread = matches!(served, Err(Error::Io { .. }));
            self.stamp = stamp.filter(|_| !unread);
            let is_news = match &served {
                // The same bytes, written again, are news after bad ones.
                Ok(new) => new.version != current.get().version || current.problem().is_some(),
                Err(error) => !unread || current.problem().as_ref() != Some(&error.to_string()),
            };
            if !is_news {
                continue;
            }
            match &served {
                Ok(new) => tell(&format!("{}: now serving model {}", current.path.display(), new.version)),
                Err(error) => tell(&format!("{error}; still serving model {}", current.get().version)),
            }
            let good = served.is_ok();
            current.put(served);
            metrics.reloaded(good, &current.get().version);
        }
    }
}

/// What is said of the server's health; of the model nothing to those who do not know the token.
pub(super) fn health(status: &str, current: Option<&Current>) -> Value {
    let Some(current) = current else { return serde_json::json!({"status": status}) };
    let served = current.get();
    let since = served.loaded.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    serde_json::json!({
        "status": status,
        "model": served.version,
        "loaded": since,
        "problem": current.problem(),
    })
}
