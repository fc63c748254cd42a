//! The data directory: what lies where. Nothing is ever written outside it, but for files a user names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A data directory that exists and that only its owner can read.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Opens a data directory, making it where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        make_private(path).with_context(|| {
            format!("cannot use the data directory {}; name another with --data-dir", path.display())
        })?;
        Ok(Self(path.to_owned()))
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// Advisory index generations and the feeds they were built from.
    pub(crate) fn advisories(&self) -> PathBuf {
        self.0.join("advisories")
    }

    /// What is known of layers when they are read within these limits: under other limits something else would be
    /// known, so each set has a folder of its own.
    pub(crate) fn layer_facts(&self, limits: &image::Limits) -> PathBuf {
        let image::Limits { entries, layer_bytes, ratio, layer_time, .. } = limits;
        self.0.join(format!("cache/layers/{entries}-{layer_bytes}-{ratio}-{}", layer_time.as_secs()))
    }

    /// Compiled plugins.
    pub(crate) fn compiled_plugins(&self) -> PathBuf {
        self.0.join("cache/plugins")
    }

    /// The embedded store.
    pub(crate) fn store(&self) -> Result<PathBuf> {
        let directory = self.0.join("store");
        make_private(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        Ok(directory.join("palisade.db"))
    }

    /// The embedded bus.
    pub(crate) fn bus(&self) -> PathBuf {
        self.0.join("bus")
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
