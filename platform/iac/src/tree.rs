//! The files of a root, sorted, without following links.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use model::{Gap, GapCode};

use crate::text::{gap, shown};
use crate::{IacError, Limits, Options};

/// Folders whose files are others' or generated: version control, installed packages, downloaded providers.
const SKIPPED: [&str; 5] = [".git", ".hg", ".svn", ".terraform", "node_modules"];

/// Files of a root by relative path.
pub(crate) struct Tree {
    root: PathBuf,
    pub(crate) limits: Limits,
    /// Size of each file.
    files: BTreeMap<String, u64>,
    /// Symbolic links, which are not followed.
    pub(crate) links: BTreeSet<String>,
}

impl Tree {
    pub(crate) fn walk(
        root: &Path,
        options: &Options<'_>,
        gaps: &mut BTreeSet<Gap>,
    ) -> Result<Self, IacError> {
        let entries = std::fs::read_dir(root);
        let entries = entries.map_err(|source| IacError::Unreadable { path: root.to_owned(), source })?;
        let tree = Self {
            root: root.to_owned(),
            limits: options.limits,
            files: BTreeMap::new(),
            links: BTreeSet::new(),
        };
        let mut walk = Walk { tree, options, entries: 0, gaps };
        walk.folder(entries, "", 1);
        Ok(walk.tree)
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub(crate) fn size(&self, path: &str) -> u64 {
        self.files.get(path).copied().unwrap_or_default()
    }

    /// Path for the operating system.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    /// The bytes of a file, of which there are at most so many.
    pub(crate) fn bytes(&self, path: &str, most: usize) -> Result<Vec<u8>, Gap> {
        let (bytes, whole) = self.head(path, most)?;
        if whole {
            return Ok(bytes);
        }
        Err(gap(GapCode::SizeLimit, path, format!("the file has more than {most} bytes")))
    }

    /// The first bytes of a file, and whether they are all.
    pub(crate) fn head(&self, path: &str, most: usize) -> Result<(Vec<u8>, bool), Gap> {
        let unreadable =
            |error: std::io::Error| gap(GapCode::Unreadable, path, format!("cannot be read: {error}"));
        let file = std::fs::File::open(self.path(path)).map_err(unreadable)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        let whole = bytes.len() <= most;
        bytes.truncate(most);
        Ok((bytes, whole))
    }
}

struct Walk<'a> {
    tree: Tree,
    options: &'a Options<'a>,
    entries: usize,
    gaps: &'a mut BTreeSet<Gap>,
}

impl Walk<'_> {
    fn folder(&mut self, entries: std::fs::ReadDir, path: &str, depth: usize) {
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.gap(GapCode::Unreadable, path, format!("cannot be listed: {error}"));
                    return;
                }
            };
            if self.entries >= self.tree.limits.entries {
                let reason = format!("there are more than {} files and folders", self.tree.limits.entries);
                self.gap(GapCode::EntryLimit, "directory", reason);
                return;
            }
            self.entries += 1;
            self.entry(&entry, path, depth);
        }
    }

    fn entry(&mut self, entry: &std::fs::DirEntry, folder: &str, depth: usize) {
        let Ok(name) = entry.file_name().into_string() else {
            let name = entry.file_name().to_string_lossy().into_owned();
            self.gap(GapCode::UnsafePath, folder, format!("the name {} is not UTF-8", shown(&name)));
            return;
        };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if (self.options.exclude)(&path) {
            return;
        }
        let Ok(kind) = entry.file_type() else {
            self.gap(GapCode::Unreadable, &path, "the operating system does not say what it is");
            return;
        };
        if kind.is_symlink() {
            self.tree.links.insert(path);
        } else if kind.is_file() {
            let size = entry.metadata().map(|metadata| metadata.len()).unwrap_or_default();
            self.tree.files.insert(path, size);
        } else if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            if depth >= self.tree.limits.depth {
                self.gap(
                    GapCode::DepthLimit,
                    &path,
                    format!("folders are read {} deep", self.tree.limits.depth),
                );
                return;
            }
            match std::fs::read_dir(entry.path()) {
                Ok(entries) => self.folder(entries, &path, depth + 1),
                Err(error) => self.gap(GapCode::Unreadable, &path, format!("cannot be listed: {error}")),
            }
        }
    }

    fn gap(&mut self, code: GapCode, subject: &str, reason: impl Into<String>) {
        self.gaps.insert(gap(code, subject, reason));
    }
}
