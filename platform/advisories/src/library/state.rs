//! The small file that says which generation is in use. Replaced by renaming, so that a reader sees the old or the new one.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::AdvisoryError;

/// A feed whose raw files are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredFeed {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) sample: bool,
    /// Latest change, as the feed's list of changes writes it.
    pub(super) modified: Option<String>,
    /// Names in `raw/`, oldest first.
    pub(super) files: Vec<String>,
}

/// The state of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) generation: u64,
    pub(super) feeds: Vec<StoredFeed>,
    pub(super) failures: Vec<Failure>,
}

impl State {
    pub(super) fn read(dir: &Path) -> Result<Self, AdvisoryError> {
        let path = dir.join("state.json");
        match std::fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|error| AdvisoryError::State { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(AdvisoryError::Read { path, source }),
        }
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), AdvisoryError> {
        let path = dir.join("state.json");
        let temporary = dir.join("state.json.partial");
        let write = |source| AdvisoryError::Write { path: path.clone(), source };
        let json = serde_json::to_vec_pretty(self).map_err(|error| write(error.into()))?;
        let mut file = File::create(&temporary).map_err(write)?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(write)?;
        std::fs::rename(&temporary, &path).map_err(write)?;
        // The names are on disk only once their folders are: the index, the raw feeds and this file.
        for folder in [dir.join("raw"), dir.join("index"), dir.to_owned()] {
            File::open(&folder).and_then(|folder| folder.sync_all()).map_err(write)?;
        }
        Ok(())
    }
}
