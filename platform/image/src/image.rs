//! An opened image: its identity, and its layers to be read one by one, from as many threads as wanted.

use std::io::Read;
use std::path::PathBuf;

use model::{Digest, Gap};

use crate::budget::Budget;
use crate::directory;
use crate::error::ImageError;
use crate::exclude::Exclude;
use crate::index::LayerIndex;
use crate::limits::Limits;
use crate::open::OpenOptions;
use crate::overlay::LinkedFile;
use crate::scan::Scan;
use crate::select::Selector;
use crate::sink::Sink;
use crate::store::Store;
use crate::tar_layer::{Proof, TarLayer};

/// An image or directory, ready to be read.
pub struct Image {
    store: Option<Store>,
    digest: Option<Digest>,
    config_digest: Option<Digest>,
    platform: Option<String>,
    diff_ids: Vec<Digest>,
    layers: Vec<Layer>,
    gaps: Vec<Gap>,
    limits: Limits,
    budget: Budget,
}

/// One layer, lowest first in its image.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(crate) key: Option<Digest>,
    pub(crate) proof: Option<Proof>,
    /// Subject of gaps about the layer as a whole.
    pub(crate) label: String,
    pub(crate) content: Content,
}

/// Where the bytes of a layer are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Blob {
        digest: Digest,
        size: Option<u64>,
    },
    Member {
        name: String,
        size: u64,
    },
    Root(PathBuf, Exclude),
    /// A media type nobody reads; the image has a gap for it.
    Unknown,
}

impl Layer {
    /// The digest that the bytes of this layer are checked against while they stream: of the blob as stored, or for a
    /// docker archive of the unpacked layer. What was learnt from the layer may be kept under it. `None`: not to be
    /// kept, because the content can change (a directory) or was not read.
    #[must_use]
    pub fn key(&self) -> Option<&Digest> {
        self.key.as_ref()
    }

    /// Bytes of the layer as stored, where they are known beforehand: whoever reads several at once does well to start
    /// with the largest.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.content {
            Content::Blob { size, .. } => *size,
            Content::Member { size, .. } => Some(*size),
            Content::Root(..) | Content::Unknown => None,
        }
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image")
            .field("digest", &self.digest)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl Image {
    #[expect(clippy::too_many_arguments, reason = "the one constructor of a struct with these parts")]
    pub(crate) fn new(
        store: Store,
        digest: Option<Digest>,
        config_digest: Option<Digest>,
        platform: Option<String>,
        diff_ids: Vec<Digest>,
        layers: Vec<Layer>,
        gaps: Vec<Gap>,
        options: &OpenOptions,
    ) -> Self {
        let (limits, budget) = (options.limits.clone(), options.budget.clone());
        Self { store: Some(store), digest, config_digest, platform, diff_ids, layers, gaps, limits, budget }
    }

    pub(crate) fn directory(root: PathBuf, options: &OpenOptions) -> Self {
        let layer = Layer {
            key: None,
            proof: None,
            label: "root directory".to_owned(),
            content: Content::Root(root, options.exclude.clone()),
        };
        Self {
            store: None,
            digest: None,
            config_digest: None,
            platform: None,
            diff_ids: Vec::new(),
            layers: vec![layer],
            gaps: Vec::new(),
            limits: options.limits.clone(),
            budget: options.budget.clone(),
        }
    }

    /// Whether this is a directory, and not an image.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer.content, Content::Root(..)))
    }

    /// Digest of the manifest of the chosen platform. A docker archive has no manifest, a directory neither.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Digest of the configuration, which Docker calls the image id: the same for the same image in a registry, a
    /// layout and a docker archive.
    #[must_use]
    pub fn config_digest(&self) -> Option<&Digest> {
        self.config_digest.as_ref()
    }

    /// `os/architecture[/variant]` as the configuration has it.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// Digests of the unpacked layers as the configuration has them, lowest first.
    #[must_use]
    pub fn diff_ids(&self) -> &[Digest] {
        &self.diff_ids
    }

    /// The layers, lowest first. A directory is one layer.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What is known to be unreadable before any layer is read.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Reads one layer as a stream, hands every selected file to `sink` and returns what the layer adds and hides.
    /// May be called for different layers from several threads at once.
    ///
    /// # Errors
    /// When the source fails, or the content does not match its digest: then nothing handed to the sink may be
    /// believed. A cap that bites, or damage that the digest vouches for, is a gap in the index.
    pub fn read_layer(
        &self,
        index: usize,
        selector: &Selector,
        sink: &mut dyn Sink,
    ) -> Result<LayerIndex, ImageError> {
        let layer = self.layers.get(index).ok_or(ImageError::Layer { index })?;
        let scan = Scan::new(selector, &self.limits, &self.budget, &layer.label, sink);
        let (size, proof) = match (&layer.content, &layer.proof) {
            (Content::Root(root, exclude), _) => return directory::read(root, exclude, scan, &self.limits),
            (Content::Unknown, _) | (_, None) => return Ok(scan.finish(Vec::new())),
            (Content::Blob { size, .. }, Some(proof)) => (*size, proof),
            (Content::Member { size, .. }, Some(proof)) => (Some(*size), proof),
        };
        let open = || self.bytes(&layer.content);
        TarLayer { what: &layer.label, open: &open, size, proof, limits: &self.limits }.read(scan)
    }

    /// Reads a file that [`Overlay::linked`](crate::Overlay::linked) found behind a link of another layer, under the
    /// path that was asked for. Returns what could not be seen of it.
    ///
    /// # Errors
    /// As [`read_layer`](Self::read_layer).
    pub fn read_linked(
        &self,
        linked: &LinkedFile,
        selector: &Selector,
        sink: &mut dyn Sink,
    ) -> Result<Vec<Gap>, ImageError> {
        let layer = self.layers.get(linked.layer).ok_or(ImageError::Layer { index: linked.layer })?;
        let scan = Scan::new(selector, &self.limits, &self.budget, &layer.label, sink);
        let (size, proof) = match (&layer.content, &layer.proof) {
            (Content::Blob { size, .. }, Some(proof)) => (*size, proof),
            (Content::Member { size, .. }, Some(proof)) => (Some(*size), proof),
            _ => return Err(ImageError::Layer { index: linked.layer }),
        };
        let open = || self.bytes(&layer.content);
        TarLayer { what: &layer.label, open: &open, size, proof, limits: &self.limits }
            .read_linked(scan, linked)
    }

    fn bytes(&self, content: &Content) -> Result<Box<dyn Read + Send>, ImageError> {
        match (content, &self.store) {
            (Content::Blob { digest, .. }, Some(store)) => store.blob(digest),
            (Content::Member { name, .. }, Some(Store::Archive(archive))) => archive.member(name),
            _ => Ok(Box::new(std::io::empty())),
        }
    }
}
