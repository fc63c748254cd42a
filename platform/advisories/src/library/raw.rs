//! Raw feeds in the data directory.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::state::State;
use crate::AdvisoryError;
use crate::feed::{self, Part, PartKind};
use crate::osv::RECORD_BYTES_MAX;

/// Copies a part into `raw/` and gives its name there. Single records are packed into a zip.
pub(super) fn keep(dir: &Path, part: &Part, generation: u64, number: usize) -> Result<String, AdvisoryError> {
    let end = match part.kind {
        PartKind::Zip | PartKind::Records(_) => "zip",
        PartKind::Kev => "kev",
        PartKind::Epss => "epss",
    };
    let name = file_name(&part.feed, generation, number, end);
    let path = dir.join("raw").join(&name);
    match &part.kind {
        PartKind::Records(files) => feed::pack(&path, files.iter().map(|file| read_record(file)))?,
        _ => copy(&part.path, &path)?,
    }
    Ok(name)
}

/// A name that is safe whatever the feed is called, and never used twice.
pub(super) fn file_name(feed: &str, generation: u64, number: usize, end: &str) -> String {
    let safe: String =
        feed.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(60).collect();
    format!("{safe}-{generation}-{number}.{end}")
}

fn read_record(path: &Path) -> Result<(String, Cow<'static, [u8]>), AdvisoryError> {
    let read = |source| AdvisoryError::Read { path: path.to_owned(), source };
    let mut json = Vec::new();
    // One byte beyond the bound is kept, so that the builder refuses the record by its length.
    File::open(path).and_then(|file| file.take(RECORD_BYTES_MAX + 1).read_to_end(&mut json)).map_err(read)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("record.json").to_owned();
    Ok((name, Cow::Owned(json)))
}

fn copy(from: &Path, to: &Path) -> Result<(), AdvisoryError> {
    let mut source =
        File::open(from).map_err(|source| AdvisoryError::Read { path: from.to_owned(), source })?;
    let write = |source| AdvisoryError::Write { path: to.to_owned(), source };
    let mut file = File::create(to).map_err(write)?;
    std::io::copy(&mut source, &mut file).and_then(|_| file.sync_all()).map_err(write)
}

/// Removes raw files of no feed in use, and indexes older than the one before. A reader that holds an older one keeps its pages.
/// What cannot be removed now is removed by the next import.
pub(super) fn sweep(dir: &Path, state: &State) {
    let feeds: BTreeSet<&str> = state.feeds.iter().flat_map(|feed| &feed.files).map(String::as_str).collect();
    let keep = [state.generation, state.generation.saturating_sub(1)].map(|number| format!("{number}.index"));
    sweep_folder(&dir.join("raw"), |name| feeds.contains(name));
    sweep_folder(&dir.join("index"), |name| keep.iter().any(|kept| kept == name));
}

fn sweep_folder(folder: &Path, wanted: impl Fn(&str) -> bool) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_str().is_some_and(&wanted) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
