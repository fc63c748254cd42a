//! Where the blobs of an image are: a layout directory, an archive, or a registry.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::archive::Archive;
use crate::error::ImageError;
use crate::registry::{Registry, read_capped};

/// Content by digest.
pub(crate) enum Store {
    Layout(PathBuf),
    Archive(Archive),
    Registry(Registry),
}

impl Store {
    /// A blob as a stream, not yet verified.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, ImageError> {
        match self {
            Self::Layout(path) => open(path.join("blobs").join("sha256").join(digest.hex())),
            Self::Archive(archive) => archive.member(&format!("blobs/sha256/{}", digest.hex())),
            Self::Registry(registry) => registry.blob(digest),
        }
    }

    /// A manifest or index, whole and verified. Registries keep these apart from blobs.
    pub(crate) fn manifest(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        match self {
            Self::Registry(registry) => {
                registry.manifest(digest.as_str(), bytes_max).map(|(bytes, _, _)| bytes)
            }
            Self::Layout(_) | Self::Archive(_) => self.small_blob(digest, bytes_max),
        }
    }

    /// A blob that is small, whole and verified.
    pub(crate) fn small_blob(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        let what = format!("blob {digest}");
        let bytes = read_capped(self.blob(digest)?, bytes_max, &what)?;
        let actual = Digest::from_sha256(Sha256::digest(&bytes).into());
        if actual == *digest {
            return Ok(bytes);
        }
        Err(ImageError::Digest {
            what,
            expected: digest.as_str().to_owned(),
            actual: actual.as_str().to_owned(),
        })
    }

    /// A file of a layout by name, such as `index.json`.
    pub(crate) fn file(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        let reader = match self {
            Self::Layout(path) => open(path.join(name))?,
            Self::Archive(archive) => archive.member(name)?,
            Self::Registry(_) => return Err(ImageError::format(name, "a registry has no files")),
        };
        read_capped(reader, bytes_max, name)
    }
}

fn open(path: PathBuf) -> Result<Box<dyn Read + Send>, ImageError> {
    match File::open(&path) {
        Ok(file) => Ok(Box::new(file)),
        Err(source) => Err(ImageError::Open { path, source }),
    }
}
