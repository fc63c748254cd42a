//! Where tests find the reference data that stands beside the checkout, and is not part of it.

use std::path::PathBuf;

/// A folder or file of the reference data, or nothing (with a visible line) where it is absent.
pub(crate) fn folder(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PALISADE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {part} (no ../shared)");
    None
}
