//! Failed calls, written down below the data directory where the operator wants that.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use engine::KeepTranscript;
use host::Transcript;

/// Transcripts that are kept. An old one is as good as a new one, so nothing is removed for them.
const KEPT_MAX: usize = 200;

/// Writes transcripts into `transcripts` of a data directory.
pub(crate) fn keeper(data: &Path) -> KeepTranscript {
    let folder = data.join("transcripts");
    Arc::new(move |transcript| match keep(&folder, transcript) {
        Ok(Some(path)) => {
            tracing::info!(file = %path.display(), plugin.id = transcript.plugin, "a failed call was written down");
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(error = %crate::exit::one_line(&error), "a failed call could not be written down");
        }
    })
}

/// The file, or nothing where it is there already or there are enough.
fn keep(folder: &Path, transcript: &Transcript) -> Result<Option<PathBuf>> {
    let bytes = serde_json::to_vec_pretty(transcript)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The time of the call aside, the same call is the same file: a file that fails in each scan is kept once.
    let mut hasher = DefaultHasher::new();
    (transcript.digest.as_str(), serde_json::to_string(&transcript.input)?).hash(&mut hasher);
    let name = format!("{}-{:016x}.json", transcript.plugin, hasher.finish());
    let path = folder.join(name);
    if path.exists() || std::fs::read_dir(folder)?.count() >= KEPT_MAX {
        return Ok(None);
    }
    crate::data::write_whole(&path, &bytes)?;
    Ok(Some(path))
}
