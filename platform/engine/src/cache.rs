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
use model::{Digest, GapCode};

use crate::facts::PluginFacts;

/// Changes whenever the meaning or form of any entry does.
const FORMAT: &[u8; 16] = b"palisade facts 2";
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
        let body = read_entry(&self.path(layer, "index")?)?;
        LayerIndex::from_bytes(&body).ok()
    }

    /// One plugin's facts about a layer.
    #[must_use]
    pub fn facts(&self, layer: &Digest, facts_key: &str) -> Option<PluginFacts> {
        let body = read_entry(&self.path(layer, facts_key)?)?;
        serde_json::from_slice(&body).ok()
    }

    /// Keeps the index of a layer, unless time ran out while it was read: the next scan may have more.
    pub fn keep_index(&self, layer: &Digest, index: &LayerIndex) {
        if index.gaps().iter().any(|gap| gap.code == GapCode::TimeLimit) {
            return;
        }
        self.keep(layer, "index", &index.to_bytes());
    }

    /// Keeps one plugin's facts, unless a failed call left them incomplete.
    pub fn keep_facts(&self, layer: &Digest, facts_key: &str, facts: &PluginFacts) {
        if facts.faulted {
            return;
        }
        match serde_json::to_vec(facts) {
            Ok(body) => self.keep(layer, facts_key, &body),
            Err(error) => tracing::warn!(%error, "facts about a layer cannot be written down"),
        }
    }

    fn path(&self, layer: &Digest, entry: &str) -> Option<PathBuf> {
        let hex = layer.hex();
        Some(self.root.as_ref()?.join(hex.get(..2)?).join(hex).join(entry))
    }

    fn keep(&self, layer: &Digest, entry: &str, body: &[u8]) {
        let Some(path) = self.path(layer, entry) else { return };
        if let Err(error) = write_entry(&path, body) {
            // The scan has its result either way; the next one only takes longer.
            tracing::warn!(file = %path.display(), %error, "cannot keep what was learned of a layer");
        }
    }
}

/// The body of an entry whose checksum holds.
fn read_entry(path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    let rest = bytes.strip_prefix(FORMAT.as_slice())?;
    let (checksum, body) = rest.split_at_checked(CHECKSUM_LEN)?;
    if blake3::hash(body).as_bytes().as_slice() != checksum {
        tracing::warn!(file = %path.display(), "a cached layer entry is damaged and will be made again");
        return None;
    }
    Some(body.to_vec())
}

fn write_entry(path: &Path, body: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    // Unique per process and thread, so that two writers of the same entry never share a temporary file.
    let unique = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let temporary =
        directory.join(format!(".{}.{unique}.tmp", path.file_name().unwrap_or_default().display()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(FORMAT)?;
    file.write_all(blake3::hash(body).as_bytes())?;
    file.write_all(body)?;
    file.flush()?;
    drop(file);
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::{Confidence, Digest, GapCode, OperatingSystem, PackageType, SourcePackage};

    use super::FactCache;
    use crate::facts::{GapFact, PackageFact, Place, PluginFacts, SystemFact};

    /// With absent members in every optional place: a form that leaves them out must still read them back.
    fn some_facts() -> PluginFacts {
        let place = Place { path: "a".into(), ordinal: 0 };
        let os = OperatingSystem {
            id: "wolfi".into(),
            version: None,
            codename: None,
            like: vec![],
            pretty_name: None,
        };
        let package = PackageFact {
            place: place.clone(),
            plugin: "palisade.a".into(),
            kind: PackageType::Apk,
            name: "b".into(),
            version: "1".into(),
            arch: None,
            source: Some(SourcePackage { name: "c".into(), version: None }),
            licenses: vec![],
            inner: None,
            method: "apk-installed".into(),
            confidence: Confidence::High,
        };
        let gap = GapFact { place: place.clone(), code: GapCode::ParseError, reason: "b".into() };
        PluginFacts {
            systems: vec![SystemFact { place, os }],
            packages: vec![package],
            gaps: vec![gap],
            ..PluginFacts::default()
        }
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
