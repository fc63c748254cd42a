//! Artifacts of registries; needs the capability `blob`.

use crate::{Body, HostError, host};

/// Opens a blob by its digest (`sha256:…`) in a granted repository. It is read in parts: see [`Body::reader`].
///
/// # Errors
/// [`HostError::Denied`] for a repository that is not granted, [`HostError::NotFound`] where it has no such blob,
/// [`HostError::Unavailable`] where the registry does not answer, or with other bytes than the digest's.
pub fn open(repository: &str, digest: &str) -> Result<Body, HostError> {
    host::blob_open(repository, digest)
}
