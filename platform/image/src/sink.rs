//! Where selected files go.

use std::ops::Deref;
use std::sync::Arc;

use crate::budget::Permit;

/// Takes the selected files of a layer, in the order of the layer.
///
/// Any `FnMut(SelectedFile)` that does not gather files is a sink.
pub trait Sink {
    /// One more file.
    fn file(&mut self, file: SelectedFile);

    /// The reader is about to wait for memory: process or drop every gathered file *before returning*, or else the
    /// memory waited for is never freed.
    fn release(&mut self) {}
}

impl<F: FnMut(SelectedFile)> Sink for F {
    fn file(&mut self, file: SelectedFile) {
        self(file);
    }
}

/// A file somebody wants.
#[derive(Debug, Clone)]
pub struct SelectedFile {
    /// Path from the root, without leading slash. Hostile text: any UTF-8 but NUL, also control characters.
    pub path: String,
    /// Size in bytes; the length of the body.
    pub size: u64,
    /// Who wants it: owner and name of each interest, sorted.
    pub matches: Vec<(u32, String)>,
    /// Number of the entry in its layer. If [`LayerIndex::superseded`](crate::LayerIndex::superseded) has it when the
    /// layer is done, the layer itself replaced the file later, and what was found in it must be dropped.
    pub ordinal: u64,
    /// The content.
    pub body: Body,
}

/// The content of a file, counted against the [`Budget`](crate::Budget) until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Body(Arc<Held>);

#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    _permit: Permit,
}

impl Body {
    pub(crate) fn new(bytes: Vec<u8>, permit: Permit) -> Self {
        Self(Arc::new(Held { bytes, _permit: permit }))
    }

    /// The bytes as a vector, no longer counted. Copies if there are other clones.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match Arc::try_unwrap(self.0) {
            Ok(held) => held.bytes,
            Err(shared) => shared.bytes.clone(),
        }
    }
}

impl Deref for Body {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
