//! The advisories of a data directory: generations of the index, and the raw feeds that they were built from.
//!
//! A new generation is built beside the one in use and published by renaming one small file, `state.json`; readers keep the
//! index they have. If anything fails on the way, the generation in use stays, and the failure is written down for
//! [`Library::status`]. Raw feeds are kept packed, so that an incremental update can rebuild the index without fetching
//! everything again. One process at a time may change the directory; any number may read.
//!
//! ```text
//! state.json            which generation is in use, its feeds, the last failures
//! lock                  held while the directory is changed
//! index/<n>.index       the generation in use and the one before
//! raw/<feed>-<n>.<end>  zips, KEV and EPSS files
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::feed::{self, Part, PartKind};
use crate::index::{BuildReport, Builder, IndexInfo, Origin};
use crate::{AdvisoryError, Index};

mod raw;
mod state;
mod update;

pub use update::{ECOSYSTEMS, Fetch, FetchError, UpdateOptions};

use state::{State, StoredFeed};

/// A feed that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Name of the feed, or the inputs of the import.
    pub feed: String,
    /// Stable word.
    pub code: String,
    /// The error and its causes, as one sentence.
    pub message: String,
}

impl Failure {
    fn new(feed: &str, error: &AdvisoryError) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self { feed: feed.to_owned(), code: error.code().to_owned(), message }
    }
}

/// What an import or update did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Number of the generation that is now in use.
    pub generation: u64,
    /// A new generation was made; false where an update found nothing new.
    pub changed: bool,
    /// What became of the records.
    pub build: BuildReport,
    /// Feeds that could not be used; their last good data, if any, is still in.
    pub failures: Vec<Failure>,
}

/// A feed of the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedStatus {
    /// Its name.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// Latest change in it, where the feed says.
    pub modified: Option<String>,
    /// Raw files: the whole feed and the updates since.
    pub files: usize,
}

/// The state of a data directory's advisories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Number of the generation in use; 0 where there is none.
    pub generation: u64,
    /// What is in it.
    pub current: Option<IndexInfo>,
    /// Its feeds, sorted by name.
    pub feeds: Vec<FeedStatus>,
    /// What failed in the last import or update; empty when all of it succeeded.
    pub failures: Vec<Failure>,
}

/// The advisories of a data directory.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    open: Mutex<Option<(u64, Arc<Index>)>>,
}

impl Library {
    /// The advisories in a directory, which need not exist yet.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: Mutex::new(None) }
    }

    /// The index in use. Opened once per generation; an import by another process is seen at the next call.
    ///
    /// # Errors
    /// The state or the index cannot be read.
    pub fn current(&self) -> Result<Option<Arc<Index>>, AdvisoryError> {
        let state = State::read(&self.dir)?;
        if state.generation == 0 {
            return Ok(None);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, index)) = open.as_ref()
            && *generation == state.generation
        {
            return Ok(Some(Arc::clone(index)));
        }
        let index = Arc::new(Index::open(&self.index_path(state.generation))?);
        *open = Some((state.generation, Arc::clone(&index)));
        Ok(Some(index))
    }

    /// What is in use, from where, and what failed last.
    ///
    /// # Errors
    /// The state or the index cannot be read.
    pub fn status(&self) -> Result<Status, AdvisoryError> {
        let state = State::read(&self.dir)?;
        let feeds = state.feeds.iter().map(|feed| FeedStatus {
            name: feed.name.clone(),
            source: feed.source.clone(),
            modified: feed.modified.clone(),
            files: feed.files.len(),
        });
        let current = self.current()?.map(|index| index.info().clone());
        Ok(Status { generation: state.generation, current, feeds: feeds.collect(), failures: state.failures })
    }

    /// Imports folders and files (see [`crate::build_index`] for their forms). A feed replaces the one of the same name and leaves
    /// the others; the first feeds that are no sample replace the whole sample.
    ///
    /// # Errors
    /// An input cannot be used at all: then nothing changes, and [`Library::status`] says so.
    pub fn import(&self, inputs: &[PathBuf], origin: &Origin) -> Result<ImportReport, AdvisoryError> {
        let _lock = self.lock()?;
        let mut state = State::read(&self.dir)?;
        let generation = state.generation + 1;
        let outcome = self.store(inputs, origin, generation).and_then(|feeds| {
            let merged = merge(&state, feeds);
            let report = self.build(&merged, generation)?;
            Ok((merged, report))
        });
        match outcome {
            Ok((feeds, build)) => {
                self.publish(&State { generation, feeds, failures: Vec::new() })?;
                Ok(ImportReport { generation, changed: true, build, failures: Vec::new() })
            }
            Err(error) => {
                let name =
                    inputs.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(", ");
                state.failures = vec![Failure::new(&name, &error)];
                self.publish(&state)?;
                Err(error)
            }
        }
    }

    fn lock(&self) -> Result<File, AdvisoryError> {
        let path = self.dir.join("lock");
        let write = |path: &Path, source| AdvisoryError::Write { path: path.to_owned(), source };
        for folder in [self.dir.clone(), self.dir.join("index"), self.dir.join("raw")] {
            std::fs::create_dir_all(&folder).map_err(|error| write(&folder, error))?;
        }
        let file =
            File::options().create(true).append(true).open(&path).map_err(|error| write(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(AdvisoryError::Busy { path: self.dir.clone() }),
            Err(std::fs::TryLockError::Error(error)) => Err(write(&path, error)),
        }
    }

    fn index_path(&self, generation: u64) -> PathBuf {
        self.dir.join("index").join(format!("{generation}.index"))
    }

    /// Copies the inputs into the data directory.
    fn store(
        &self,
        inputs: &[PathBuf],
        origin: &Origin,
        generation: u64,
    ) -> Result<Vec<StoredFeed>, AdvisoryError> {
        let mut feeds: Vec<StoredFeed> = Vec::new();
        for (number, part) in feed::discover(inputs)?.iter().enumerate() {
            let file = raw::keep(&self.dir, part, generation, number)?;
            // Two inputs of one name (two folders called `records`) are both wanted.
            match feeds.iter_mut().find(|feed| feed.name == part.feed) {
                Some(feed) => feed.files.push(file),
                None => feeds.push(StoredFeed {
                    name: part.feed.clone(),
                    source: origin.source.clone(),
                    sample: origin.sample,
                    modified: None,
                    files: vec![file],
                }),
            }
        }
        Ok(feeds)
    }

    /// Builds the index of a generation from raw feeds.
    fn build(&self, feeds: &[StoredFeed], generation: u64) -> Result<BuildReport, AdvisoryError> {
        let mut builder = Builder::new();
        for stored in feeds {
            self.load(stored, &mut builder)?;
        }
        feed::write_index(builder, &origin_of(feeds), &self.index_path(generation))
    }

    fn load(&self, stored: &StoredFeed, builder: &mut Builder) -> Result<(), AdvisoryError> {
        for file in &stored.files {
            let kind = match file.rsplit_once('.') {
                Some((_, "kev")) => PartKind::Kev,
                Some((_, "epss")) => PartKind::Epss,
                _ => PartKind::Zip,
            };
            let part = Part { feed: stored.name.clone(), path: self.dir.join("raw").join(file), kind };
            feed::load(&part, builder)?;
        }
        Ok(())
    }

    /// Makes a state the one in use and removes what no longer belongs to it.
    fn publish(&self, state: &State) -> Result<(), AdvisoryError> {
        state.write(&self.dir)?;
        raw::sweep(&self.dir, state);
        Ok(())
    }
}

/// New feeds over those in use.
fn merge(state: &State, new: Vec<StoredFeed>) -> Vec<StoredFeed> {
    let real = new.iter().any(|feed| !feed.sample);
    let mut feeds: Vec<StoredFeed> = state
        .feeds
        .iter()
        .filter(|old| !(real && old.sample) && !new.iter().any(|feed| feed.name == old.name))
        .cloned()
        .collect();
    feeds.extend(new);
    feeds.sort_by(|a, b| a.name.cmp(&b.name));
    feeds
}

/// Where the feeds of a generation came from, each source once.
fn origin_of(feeds: &[StoredFeed]) -> Origin {
    let mut sources: Vec<&str> = feeds.iter().map(|feed| feed.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    Origin { source: sources.join(", "), sample: feeds.iter().all(|feed| feed.sample) }
}

#[cfg(test)]
mod tests;
