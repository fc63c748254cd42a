//! The one place that maps a file into memory.
#![expect(
    unsafe_code,
    reason = "mapping a file is unsafe by nature: another process could change it under us"
)]

use std::fs::File;
use std::path::Path;

use crate::AdvisoryError;

/// The bytes of an index file.
#[derive(Debug)]
pub(crate) struct Mapping(memmap2::Mmap);

impl Mapping {
    pub(crate) fn open(path: &Path) -> Result<Self, AdvisoryError> {
        let read = |source| AdvisoryError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        // SAFETY: index files are written under another name, synced, renamed into place and never written again; they are
        // removed only by unlinking, which keeps the mapped pages. Whoever else may write to the data directory owns this
        // process anyway. Changed bytes can at worst give wrong or refused data: every read is bounds-checked, and text is
        // checked to be UTF-8 each time it is read.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(read)?;
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
