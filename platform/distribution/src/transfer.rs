//! To and from registries.

use image::{OpenOptions, Reference, Repository};
use model::Digest;

use crate::artifact::{
    Artifact, COMPONENT_BYTES_MAX, CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX, MANIFEST_TYPE, Parts,
};
use crate::error::DistributionError;
use crate::payload::PAYLOAD_BYTES_MAX;
use crate::signature::{SIGNATURES_MAX, Signature, Stored, tag};

/// What a registry had: an artifact whose parts belong together, and signatures that nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The artifact.
    pub artifact: Artifact,
    /// What lies beside it. None when there is nothing.
    pub signatures: Vec<Signature>,
}

/// Fetches an artifact and its signatures. Whether the registry may be asked at all is decided before, with
/// [`registry_refusal`](crate::registry_refusal); whether the artifact may be used, after, with
/// [`decide`](crate::decide).
///
/// # Errors
/// When the registry does not give it, it is no plugin, or signatures are there that cannot be read.
pub fn pull(reference: &Reference, options: &OpenOptions) -> Result<Pulled, DistributionError> {
    let repository = Repository::new(reference, options);
    let manifest = repository.manifest(&name(reference), MANIFEST_BYTES_MAX)?;
    let parts = Parts::read(&manifest.bytes)?;
    let config = repository.blob(&parts.config, CONFIG_BYTES_MAX)?;
    let component = repository.blob(&parts.component, COMPONENT_BYTES_MAX)?;
    let artifact = Artifact::from_parts(manifest.bytes, config, component)?;
    let signatures = signatures(&repository, artifact.digest())?;
    Ok(Pulled { artifact, signatures })
}

/// Uploads an artifact under the tag of a reference and gives the digest of its manifest.
///
/// # Errors
/// When the registry does not take it, or the reference names another digest.
pub fn push(
    artifact: &Artifact,
    reference: &Reference,
    options: &OpenOptions,
) -> Result<Digest, DistributionError> {
    if reference.digest.as_ref().is_some_and(|wanted| wanted != artifact.digest()) {
        let why = format!("its digest is {}, and the reference names another", artifact.digest());
        return Err(DistributionError::artifact("the component", why));
    }
    let repository = Repository::new(reference, options);
    repository.put_blob(artifact.config())?;
    repository.put_blob(artifact.component())?;
    // With a digest in the reference too, the tag is still what is wanted: the digest it has anyway.
    let name = reference.tag.as_deref().unwrap_or(artifact.digest().as_str());
    Ok(repository.put_manifest(name, MANIFEST_TYPE, artifact.manifest())?)
}

/// Adds signatures to those that the registry has for a manifest. As with cosign, of two that add at the same moment one
/// may lose.
///
/// # Errors
/// When the registry does not take them, what is there cannot be read, or there would be too many.
pub fn push_signatures(
    digest: &Digest,
    new: &[Signature],
    reference: &Reference,
    options: &OpenOptions,
) -> Result<(), DistributionError> {
    let repository = Repository::new(reference, options);
    let mut all = signatures(&repository, digest)?;
    for signature in new {
        if !all.contains(signature) {
            all.push(signature.clone());
        }
    }
    if all.len() > SIGNATURES_MAX {
        let why = format!("there would be more than {SIGNATURES_MAX}");
        return Err(DistributionError::Signatures { what: digest.to_string(), why });
    }
    for signature in &all {
        repository.put_blob(&signature.payload)?;
    }
    let stored = Stored::of(&all)?;
    repository.put_blob(&stored.config)?;
    repository.put_manifest(&tag(digest), MANIFEST_TYPE, &stored.manifest)?;
    Ok(())
}

fn signatures(repository: &Repository, digest: &Digest) -> Result<Vec<Signature>, DistributionError> {
    let manifest = match repository.manifest(&tag(digest), MANIFEST_BYTES_MAX) {
        Ok(manifest) => manifest,
        Err(image::ImageError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let pointers = Stored::pointers(&manifest.bytes, digest.as_str())?;
    let fetch = |pointer: crate::signature::Pointer| -> Result<Signature, DistributionError> {
        let payload = repository.blob(&pointer.payload, PAYLOAD_BYTES_MAX)?;
        Ok(pointer.with(payload))
    };
    pointers.into_iter().map(fetch).collect()
}

/// A digest wins over a tag, as everywhere.
fn name(reference: &Reference) -> String {
    let digest = reference.digest.as_ref().map(Digest::as_str);
    digest.or(reference.tag.as_deref()).unwrap_or("latest").to_owned()
}
