//! A folder for what the product insists on reading from files. In memory where there is such a place, since a fuzzer
//! writes more than a disk should have to bear.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::must::must;

const MEMORY: &str = "/dev/shm";

thread_local! {
    static FOLDER: TempDir = make();
}

fn make() -> TempDir {
    let memory = Path::new(MEMORY);
    let made = if memory.is_dir() {
        TempDir::with_prefix_in("fuzz-", memory)
    } else {
        TempDir::with_prefix("fuzz-")
    };
    must(made, "a temporary folder")
}

/// The folder of this thread; it is removed with the thread.
pub(crate) fn folder() -> PathBuf {
    FOLDER.with(|folder| folder.path().to_owned())
}

/// Writes a file below the folder, and says where.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    if let Some(parent) = path.parent() {
        must(std::fs::create_dir_all(parent), "a folder");
    }
    must(std::fs::write(&path, bytes), "a file");
    path
}
