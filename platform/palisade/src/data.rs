//! The data directory: what lies where. Nothing is ever written outside it, but for files a user names.

use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use uuid::Uuid;

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

    /// Whether there is an embedded store already.
    pub(crate) fn has_store(&self) -> bool {
        self.0.join("store/palisade.db").exists()
    }

    /// Which instance of the service this is: the same after every start over this directory, and another one as long as a process runs
    /// over it. It is held until the value is dropped.
    pub(crate) fn instance(&self) -> Result<Instance> {
        let path = self.0.join("instance");
        let what = || format!("cannot use {}", path.display());
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&path).with_context(what)?;
        if file.try_lock().is_err() {
            return Ok(Instance { name: Uuid::now_v7(), _held: None });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(what)?;
        if let Ok(name) = text.trim().parse() {
            return Ok(Instance { name, _held: Some(file) });
        }
        let name = Uuid::now_v7();
        file.set_len(0).and_then(|()| file.rewind()).with_context(what)?;
        writeln!(file, "{name}").and_then(|()| file.sync_all()).with_context(what)?;
        Ok(Instance { name, _held: Some(file) })
    }

    /// The embedded bus.
    pub(crate) fn bus(&self) -> PathBuf {
        self.0.join("bus")
    }
}

/// An instance of the service, and the lock that nobody else is it.
#[derive(Debug)]
pub(crate) struct Instance {
    /// What it is called.
    pub(crate) name: Uuid,
    _held: Option<std::fs::File>,
}

/// A file that a user names, whole, if it is no larger than this.
pub(crate) fn read_capped(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let what = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(what)?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).with_context(what)?;
    ensure!(bytes.len() as u64 <= bytes_max, "{} is larger than {bytes_max} bytes", path.display());
    Ok(bytes)
}

/// Writes a file beside its place and then moves it there, so that nobody ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, |file| Ok(file.write_all(bytes)?))
}

/// The same for what is written piece by piece.
pub(crate) fn write_whole_with(
    path: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> Result<()>,
) -> Result<()> {
    let mut file = WholeFile::begin(path)?;
    write(&mut file).with_context(|| format!("cannot write {}", path.display()))?;
    file.finish()
}

/// A file that is there when all of it is written, and not before.
pub(crate) struct WholeFile {
    beside: tempfile::NamedTempFile,
    path: std::path::PathBuf,
}

impl WholeFile {
    /// Begins beside its place; what is not finished is removed.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.permissions(std::fs::Permissions::from_mode(0o644));
        let beside = builder.tempfile_in(folder);
        let beside = beside.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { beside, path: path.to_owned() })
    }

    /// Moves it to its place.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { beside, path } = self;
        beside.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }
}

impl std::io::Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.beside.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.beside.flush()
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A key that is there already is never written over: what it has signed would have no key any more.
pub(crate) fn create(path: &Path, mode: u32, text: &str) -> Result<()> {
    let what = || format!("cannot make {}; a key is never written over", path.display());
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path).with_context(what)?;
    file.write_all(text.as_bytes()).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::DataDir;

    #[test]
    fn an_instance_is_the_same_after_a_restart_and_never_two_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let first = data.instance().unwrap();
        let beside = data.instance().unwrap();
        assert_ne!(first.name, beside.name);
        let name = first.name;
        drop(first);
        assert_eq!(data.instance().unwrap().name, name);
    }
}
