//! What the builder leaves out of the context of a Dockerfile.

use crate::text::{folder, joined};
use crate::tree::Tree;

/// Bytes of a list of patterns, and patterns of it.
const BYTES_MAX: usize = 256 * 1024;
const PATTERNS_MAX: usize = 5_000;

/// The patterns that count for a Dockerfile: those of its own file (`NAME.dockerignore`), or of its folder, or of a folder above it, as the
/// context may be one of those. Nothing where there is no list.
pub(crate) fn of(tree: &Tree, path: &str) -> Option<Vec<String>> {
    let own = format!("{path}.dockerignore");
    let mut places = vec![own];
    let mut here = folder(path);
    loop {
        places.extend([".dockerignore", ".containerignore"].iter().filter_map(|name| joined(here, name)));
        if here.is_empty() {
            break;
        }
        here = folder(here);
    }
    let list = places.iter().find(|place| tree.has(place))?;
    let bytes = tree.bytes(list, BYTES_MAX).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let patterns = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(patterns.take(PATTERNS_MAX).map(str::to_owned).collect())
}
