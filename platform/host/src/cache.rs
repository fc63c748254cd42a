//! Compiled code on disk, never trusted for being there.
//!
//! An entry is named by what went into it (component, wasmtime and its settings, processor features) and sealed with a
//! keyed MAC under a random key that only this user can read. What is not ours, is writable by others, is cut, changed
//! or moved from another name is ignored and written anew. The bytes that were checked are the bytes that are used: the
//! file is read once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use model::Digest;
use wasmtime::Engine;

use crate::error::HostError;

const KEY_FILE: &str = "cache.key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// Largest entry that is read. Machine code of the largest component is about three times its size.
const ENTRY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most entries that are kept; the oldest go first.
const ENTRIES_MAX: usize = 1_024;
const SUFFIX: &str = "cwasm";

/// Makes names of temporary files differ within this process.
static TURN: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Name of an entry, a hash of all that decides about its content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryName([u8; 32]);

/// Bytes that this host wrote, by their MAC.
pub(crate) struct Verified<'a>(&'a [u8]);

impl Verified<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0
    }
}

impl EntryName {
    pub(crate) fn new(component: &Digest, engine: &Engine) -> Self {
        struct Feed(blake3::Hasher);
        impl std::hash::Hasher for Feed {
            fn finish(&self) -> u64 {
                0
            }
            fn write(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }
        }
        // The engine's hash covers wasmtime's version, the target, its processor features and all settings.
        let mut feed = Feed(blake3::Hasher::new_derive_key("palisade 2026 compiled component name v1"));
        feed.0.update(component.as_str().as_bytes());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut feed);
        Self(*feed.0.finalize().as_bytes())
    }

    fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl Cache {
    /// Opens or creates the directory and its key.
    pub(crate) fn open(dir: &Path) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::CacheDirectory { path: dir.to_owned(), reason };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| refuse(format!("{e}; name a directory that can be written")))?;
        let meta = fs::symlink_metadata(dir).map_err(|e| refuse(e.to_string()))?;
        if !meta.is_dir() || !is_private(&meta) {
            return Err(refuse(
                "others can write to it; make it a directory of your own with mode 700".to_owned(),
            ));
        }
        let key = key(dir).map_err(|e| refuse(format!("its key cannot be written: {e}")))?;
        Ok(Self { dir: dir.to_owned(), key })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.dir
    }

    /// Reads an entry and hands its checked bytes to `load`; nothing if there is none that can be trusted.
    pub(crate) fn get<T>(&self, name: EntryName, load: impl FnOnce(&Verified<'_>) -> Option<T>) -> Option<T> {
        let sealed = read_private(&self.path(name), ENTRY_BYTES_MAX).ok()?;
        let (mac, code) = sealed.split_at_checked(MAC_BYTES)?;
        let mac: [u8; MAC_BYTES] = mac.try_into().ok()?;
        // Comparison of blake3 hashes takes the same time wherever they differ.
        if self.mac(name, code) != blake3::Hash::from_bytes(mac) {
            return None;
        }
        load(&Verified(code))
    }

    /// Writes an entry. A failure costs time at the next start and nothing else, so the caller may ignore it.
    pub(crate) fn put(&self, name: EntryName, code: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join(temporary_name(&name.hex()));
        let written = create_private(&temporary).and_then(|mut file| {
            file.write_all(self.mac(name, code).as_bytes())?;
            file.write_all(code)?;
            fs::rename(&temporary, self.path(name))
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.sweep()
    }

    fn mac(&self, name: EntryName, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&name.0);
        hasher.update(code);
        hasher.finalize()
    }

    fn path(&self, name: EntryName) -> PathBuf {
        self.dir.join(format!("{}.{SUFFIX}", name.hex()))
    }

    /// Removes the oldest entries beyond the bound.
    fn sweep(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|suffix| suffix == SUFFIX) {
                entries.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        entries.sort_unstable();
        let surplus = entries.len().saturating_sub(ENTRIES_MAX);
        for (_, path) in entries.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// Reads the key, or makes one. A key that others could have read or written is replaced: all entries become strangers'.
fn key(dir: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = dir.join(KEY_FILE);
    for _ in 0..2 {
        match read_private(&path, KEY_BYTES as u64) {
            Ok(bytes) => {
                if let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes) {
                    return Ok(key);
                }
                fs::remove_file(&path)?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(_) => fs::remove_file(&path)?,
        }
        let mut fresh = [0; KEY_BYTES];
        fill_random(&mut fresh)?;
        let temporary = dir.join(temporary_name(KEY_FILE));
        let _ = fs::remove_file(&temporary);
        create_private(&temporary)?.write_all(&fresh)?;
        // A link fails where a rename would replace: of two processes that start at once, both use the first key.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary)?;
        match linked {
            Ok(()) => return Ok(fresh),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("another process keeps changing it"))
}

fn temporary_name(name: &str) -> String {
    format!("{name}.{}.{}.tmp", std::process::id(), TURN.fetch_add(1, Ordering::Relaxed))
}

fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    let filled = rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty())?;
    if filled == bytes.len() { Ok(()) } else { Err(io::Error::other("the system gave too few random bytes")) }
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Reads a regular file that belongs to us and that nobody else may write.
fn read_private(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || !is_private(&meta) {
        return refuse("it is not a file of ours alone");
    }
    if meta.len() > bytes_max {
        return refuse("it is too large");
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
    io::Read::by_ref(&mut file).take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_private(meta: &fs::Metadata) -> bool {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & WRITABLE_BY_OTHERS == 0
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
