//! What is already known of a layer, on disk, so that a known layer is never read again.
//!
//! Two kinds of entry: the layer's index (which paths it has and hides), keyed by the layer's verified digest, and one plugin's
//! facts, keyed by that and the plugin's digest and configuration. A new plugin version therefore costs only its own facts.
//! Entries are immutable and written by rename, so any number of processes may share a directory without locks. An entry that fails
//! its checksum, or was written by another format, is as good as absent. Only a cache: deleting it loses time, never results.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use image::LayerIndex;
use model::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::facts::PluginFacts;

/// Changes whenever the meaning or form of any entry does.
const FORMAT: &[u8; 16] = b"palisade facts 1";
const CHECKSUM_LEN: usize = 32;

/// A directory of facts about layers.
#[derive(Debug, Clone)]
pub struct FactCache {
    root: Option<PathBuf>,
}

impl FactCache {
    /// A cache in `root`, which is made when the first entry is written.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: Some(root.to_owned()) }
    }

    /// Remembers nothing.
    #[must_use]
    pub fn disabled() -> Self {
        Self { root: None }
    }

    /// The index of a layer.
    #[must_use]
    pub fn index(&self, layer: &Digest) -> Option<LayerIndex> {
        self.read(&self.path(layer, "index")?)
    }

    /// One plugin's facts about a layer.
    #[must_use]
    pub fn facts(&self, layer: &Digest, facts_key: &str) -> Option<PluginFacts> {
        self.read(&self.path(layer, facts_key)?)
    }

    /// Keeps the index of a layer.
    pub fn keep_index(&self, layer: &Digest, index: &LayerIndex) {
        self.keep(layer, "index", index);
    }

    /// Keeps one plugin's facts, unless a failed call left them incomplete.
    pub fn keep_facts(&self, layer: &Digest, facts_key: &str, facts: &PluginFacts) {
        if !facts.faulted {
            self.keep(layer, facts_key, facts);
        }
    }

    fn path(&self, layer: &Digest, entry: &str) -> Option<PathBuf> {
        let hex = layer.hex();
        Some(self.root.as_ref()?.join(hex.get(..2)?).join(hex).join(entry))
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Option<T> {
        let bytes = fs::read(path).ok()?;
        let rest = bytes.strip_prefix(FORMAT.as_slice())?;
        let (checksum, body) = rest.split_at_checked(CHECKSUM_LEN)?;
        if blake3::hash(body).as_bytes().as_slice() != checksum {
            tracing::warn!(file = %path.display(), "a cached layer entry is damaged and will be made again");
            return None;
        }
        postcard::from_bytes(body).ok()
    }

    fn keep<T: Serialize>(&self, layer: &Digest, entry: &str, value: &T) {
        let Some(path) = self.path(layer, entry) else { return };
        if let Err(error) = write_entry(&path, value) {
            // The scan has its result either way; the next one only takes longer.
            tracing::warn!(file = %path.display(), %error, "cannot keep what was learned of a layer");
        }
    }
}

fn write_entry<T: Serialize>(path: &Path, value: &T) -> std::io::Result<()> {
    let body = postcard::to_stdvec(value).map_err(std::io::Error::other)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    // Unique per process and thread, so that two writers of the same entry never share a temporary file.
    let unique = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let temporary =
        directory.join(format!(".{}.{unique}.tmp", path.file_name().unwrap_or_default().display()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(FORMAT)?;
    file.write_all(blake3::hash(&body).as_bytes())?;
    file.write_all(&body)?;
    file.flush()?;
    drop(file);
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::{Digest, GapCode};

    use super::FactCache;
    use crate::facts::{GapFact, Place, PluginFacts};

    fn some_facts() -> PluginFacts {
        let place = Place { path: "a".into(), ordinal: 0 };
        let gap = GapFact { place, code: GapCode::ParseError, reason: "b".into() };
        PluginFacts { gaps: vec![gap], ..PluginFacts::default() }
    }

    #[test]
    fn kept_facts_come_back_and_damaged_ones_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let cache = FactCache::at(directory.path());
        let layer = Digest::from_sha256([7; 32]);
        assert_eq!(cache.facts(&layer, "k"), None);
        cache.keep_facts(&layer, "k", &some_facts());
        assert_eq!(cache.facts(&layer, "k"), Some(some_facts()));
        assert_eq!(cache.facts(&layer, "other plugin"), None);

        let path = cache.path(&layer, "k").unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(cache.facts(&layer, "k"), None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert_eq!(cache.facts(&layer, "k"), None, "flipped at {at}");
        }
    }

    #[test]
    fn facts_of_a_failed_call_are_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let cache = FactCache::at(directory.path());
        let layer = Digest::from_sha256([7; 32]);
        cache.keep_facts(&layer, "k", &PluginFacts { faulted: true, ..some_facts() });
        assert_eq!(cache.facts(&layer, "k"), None);
    }
}
