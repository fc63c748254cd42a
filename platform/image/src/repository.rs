//! Artifacts that are no images: manifests and blobs by name and digest, in a registry or in an OCI layout.
//!
//! What comes out is whole, bounded by its caller and verified. What it means is its caller's business.

use std::path::Path;

use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::archive::Archive;
use crate::error::ImageError;
use crate::open::OpenOptions;
use crate::reference::{Reference, is_tag};
use crate::registry::{Registry, read_capped};
use crate::store::Store;

/// A manifest as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its bytes. They have the digest.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: Digest,
}

/// One repository of one registry.
pub struct Repository(Registry);

impl Repository {
    /// The repository of a reference; tag and digest are not looked at. Asks nobody yet.
    #[must_use]
    pub fn new(reference: &Reference, options: &OpenOptions) -> Self {
        Self(Registry::new(reference, &options.client, &options.retry, &options.credentials))
    }

    /// A manifest by tag or digest, verified against the digest that was asked for or announced.
    ///
    /// # Errors
    /// When it is not there, is larger than `bytes_max`, or is not what was asked for.
    pub fn manifest(&self, name: &str, bytes_max: u64) -> Result<StoredManifest, ImageError> {
        check_name(name)?;
        let (bytes, _, digest) = self.0.manifest(name, bytes_max)?;
        Ok(StoredManifest { bytes, digest })
    }

    /// A blob, verified.
    ///
    /// # Errors
    /// When it is not there, is larger than `bytes_max`, or is not what was asked for.
    pub fn blob(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        let what = format!("blob {digest}");
        let bytes = read_capped(self.0.blob(digest)?, bytes_max, &what)?;
        verify(what, digest, bytes)
    }

    /// Uploads a blob, unless the registry has it already.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, ImageError> {
        let digest = digest_of(bytes);
        if !self.0.has_blob(&digest)? {
            self.0.put_blob(&digest, bytes)?;
        }
        Ok(digest)
    }

    /// Writes a manifest under a tag or its digest. The blobs that it names must be there already.
    ///
    /// # Errors
    /// When the registry does not take it, or says that it has kept something else.
    pub fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<Digest, ImageError> {
        check_name(name)?;
        self.0.put_manifest(name, media_type, bytes)
    }
}

/// An OCI image layout in one tar file.
pub struct Layout(Store);

impl Layout {
    /// Opens a tar. Its members are listed; none is read.
    ///
    /// # Errors
    /// When it cannot be read, or is no uncompressed tar.
    pub fn open_archive(path: &Path) -> Result<Self, ImageError> {
        Ok(Self(Store::Archive(Archive::open(path)?)))
    }

    /// A file by its name, such as `index.json`. Nothing vouches for it.
    ///
    /// # Errors
    /// When it is not there or is larger than `bytes_max`.
    pub fn file(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        self.0.file(name, bytes_max)
    }

    /// A blob or manifest, verified.
    ///
    /// # Errors
    /// When it is not there, is larger than `bytes_max`, or is not what was asked for.
    pub fn blob(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, ImageError> {
        self.0.small_blob(digest, bytes_max)
    }
}

/// A name becomes part of a URL.
fn check_name(name: &str) -> Result<(), ImageError> {
    if is_tag(name) || Digest::parse(name).is_ok() {
        return Ok(());
    }
    Err(ImageError::Reference {
        text: name.chars().take(300).collect(),
        why: "a manifest is named by a tag or a digest".to_owned(),
    })
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_sha256(Sha256::digest(bytes).into())
}

fn verify(what: String, digest: &Digest, bytes: Vec<u8>) -> Result<Vec<u8>, ImageError> {
    let actual = digest_of(&bytes);
    if actual == *digest {
        return Ok(bytes);
    }
    Err(ImageError::Digest { what, expected: digest.as_str().to_owned(), actual: actual.as_str().to_owned() })
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
