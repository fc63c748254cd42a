//! Bundles for machines without a network: one tar that is an OCI image layout, with artifacts, their signatures, and if
//! wanted a revocation list.
//!
//! Nothing in it is believed because it is in it: every blob is checked against its digest, and the artifacts are
//! decided about like any others.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use image::Layout;
use serde::{Deserialize, Serialize};

use crate::artifact::{
    Artifact, COMPONENT_BYTES_MAX, CONFIG_BYTES_MAX, Descriptor, MANIFEST_BYTES_MAX, MANIFEST_TYPE, Manifest,
    Parts, json,
};
use crate::error::{DistributionError, shown};
use crate::payload::PAYLOAD_BYTES_MAX;
use crate::revocation::Revocations;
use crate::signature::{Signature, Stored, tag};
use crate::tar;

/// Artifacts of one bundle. With components of the largest size it is 8 GiB, which still has to be read one by one.
const ENTRIES_MAX: usize = 256;

/// Largest `index.json`: some hundred bytes for each artifact.
const INDEX_BYTES_MAX: u64 = 4 << 20;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const REVOCATIONS_TYPE: &str = "application/vnd.palisade.revocations.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";
const NAME: &str = "org.opencontainers.image.ref.name";
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// One artifact of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleEntry {
    /// The artifact.
    pub artifact: Artifact,
    /// Its signatures; none of them is verified.
    pub signatures: Vec<Signature>,
}

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// Artifacts, sorted by digest.
    pub entries: Vec<BundleEntry>,
    /// The list that came with it. It may be added to others, and replaces none: nobody has signed it.
    pub revocations: Option<Revocations>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: String,
    manifests: Vec<Descriptor>,
}

/// Writes a bundle. The same content gives the same bytes, whatever order it comes in.
///
/// # Errors
/// When it cannot be written, or holds one artifact twice or too many.
pub fn write_bundle(bundle: &Bundle, out: &mut impl Write) -> Result<(), DistributionError> {
    let mut entries: Vec<_> = bundle.entries.iter().collect();
    entries.sort_by_key(|entry| entry.artifact.digest());
    if entries.len() > ENTRIES_MAX {
        return Err(DistributionError::bundle(format!("it would have more than {ENTRIES_MAX} artifacts")));
    }
    let distinct: BTreeSet<_> = entries.iter().map(|entry| entry.artifact.digest()).collect();
    if distinct.len() != entries.len() {
        return Err(DistributionError::bundle("an artifact would be in it twice"));
    }
    let mut writer = Writer::new(out);
    writer.member("oci-layout", LAYOUT)?;
    let mut manifests = Vec::new();
    for entry in entries {
        writer.entry(entry, &mut manifests)?;
    }
    if let Some(revocations) = &bundle.revocations {
        let list = revocations.write()?;
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: Some(REVOCATIONS_TYPE.to_owned()),
            config: Descriptor::of(EMPTY_TYPE, EMPTY),
            layers: vec![Descriptor::of(REVOCATIONS_TYPE, &list)],
            annotations: BTreeMap::new(),
        })?;
        for blob in [EMPTY, &list, &manifest] {
            writer.blob(blob)?;
        }
        let mut descriptor = Descriptor::of(MANIFEST_TYPE, &manifest).annotated(NAME, "revocations");
        descriptor.artifact_type = Some(REVOCATIONS_TYPE.to_owned());
        manifests.push(descriptor);
    }
    let index = Index { schema_version: 2, media_type: INDEX_TYPE.to_owned(), manifests };
    writer.member("index.json", &json(&index)?)?;
    writer.end()
}

struct Writer<'a, W> {
    out: &'a mut W,
    written: BTreeSet<String>,
}

impl<'a, W: Write> Writer<'a, W> {
    fn new(out: &'a mut W) -> Self {
        Self { out, written: BTreeSet::new() }
    }

    fn entry(
        &mut self,
        entry: &BundleEntry,
        manifests: &mut Vec<Descriptor>,
    ) -> Result<(), DistributionError> {
        let artifact = &entry.artifact;
        for blob in [artifact.manifest(), artifact.config(), artifact.component()] {
            self.blob(blob)?;
        }
        manifests.push(Descriptor::of(MANIFEST_TYPE, artifact.manifest()));
        if entry.signatures.is_empty() {
            return Ok(());
        }
        let stored = Stored::of(&entry.signatures)?;
        for signature in &entry.signatures {
            self.blob(&signature.payload)?;
        }
        self.blob(&stored.config)?;
        self.blob(&stored.manifest)?;
        let name = tag(artifact.digest());
        manifests.push(Descriptor::of(MANIFEST_TYPE, &stored.manifest).annotated(NAME, &name));
        Ok(())
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<(), DistributionError> {
        let name = format!("blobs/sha256/{}", crate::artifact::digest_of(bytes).hex());
        if self.written.insert(name.clone()) { self.member(&name, bytes) } else { Ok(()) }
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<(), DistributionError> {
        let member = tar::member(name, bytes)
            .ok_or_else(|| DistributionError::bundle(format!("{name} does not fit into a tar")))?;
        self.write(&member)
    }

    fn end(mut self) -> Result<(), DistributionError> {
        self.write(&tar::END)?;
        self.out.flush().map_err(|error| unwritten(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DistributionError> {
        self.out.write_all(bytes).map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &std::io::Error) -> DistributionError {
    DistributionError::bundle(format!("it cannot be written: {error}"))
}

/// Reads a bundle, artifact by artifact, into `each`, and gives the revocation list that came with it. Only one
/// artifact is in memory at a time. `each` gets an artifact whose parts belong together; it decides about it, and may
/// stop the reading with an error of its own.
///
/// # Errors
/// When it is no bundle, anything in it does not match its digest, or `each` says so.
pub fn read_bundle<E: From<DistributionError>>(
    path: &Path,
    mut each: impl FnMut(BundleEntry, Option<&Revocations>) -> Result<(), E>,
) -> Result<Option<Revocations>, E> {
    let layout = Layout::open_archive(path).map_err(DistributionError::from)?;
    let index = layout.file("index.json", INDEX_BYTES_MAX).map_err(DistributionError::from)?;
    let index: Index = serde_json::from_slice(&index)
        .map_err(|error| DistributionError::bundle(format!("index.json: {}", shown(&error.to_string()))))?;
    let contents = Contents::sort(index)?;
    // The list counts for every artifact of the bundle, wherever in the file it is.
    let revocations = contents.revocations.map(|at| read_revocations(&layout, &at)).transpose()?;
    for plugin in &contents.plugins {
        let signed = contents.named.get(&tag(&plugin.digest));
        each(read_entry(&layout, plugin, signed)?, revocations.as_ref())?;
    }
    Ok(revocations)
}

/// What an index lists, by its kind.
struct Contents {
    plugins: Vec<Descriptor>,
    named: BTreeMap<String, Descriptor>,
    revocations: Option<Descriptor>,
}

impl Contents {
    fn sort(index: Index) -> Result<Self, DistributionError> {
        let mut contents = Self { plugins: Vec::new(), named: BTreeMap::new(), revocations: None };
        if index.schema_version != 2 || index.manifests.len() > 2 * ENTRIES_MAX + 1 {
            let why = format!("index.json is of another version, or lists more than {ENTRIES_MAX} artifacts");
            return Err(DistributionError::bundle(why));
        }
        for descriptor in index.manifests {
            let name = descriptor.annotations.get(NAME).filter(|name| name.ends_with(".sig")).cloned();
            let earlier = match (name, descriptor.artifact_type.as_deref()) {
                (_, Some(REVOCATIONS_TYPE)) => contents.revocations.replace(descriptor).is_some(),
                (Some(name), _) => contents.named.insert(name, descriptor).is_some(),
                (None, _) => {
                    let twice = contents.plugins.iter().any(|known| known.digest == descriptor.digest);
                    contents.plugins.push(descriptor);
                    twice
                }
            };
            if earlier {
                return Err(DistributionError::bundle("index.json lists one thing twice"));
            }
        }
        Ok(contents)
    }
}

fn read_entry(
    layout: &Layout,
    plugin: &Descriptor,
    signed: Option<&Descriptor>,
) -> Result<BundleEntry, DistributionError> {
    let manifest = layout.blob(&plugin.digest, MANIFEST_BYTES_MAX)?;
    let parts = Parts::read(&manifest)?;
    let config = layout.blob(&parts.config, CONFIG_BYTES_MAX)?;
    let component = layout.blob(&parts.component, COMPONENT_BYTES_MAX)?;
    let artifact = Artifact::from_parts(manifest, config, component)?;
    let mut signatures = Vec::new();
    if let Some(descriptor) = signed {
        let manifest = layout.blob(&descriptor.digest, MANIFEST_BYTES_MAX)?;
        for pointer in Stored::pointers(&manifest, plugin.digest.as_str())? {
            let payload = layout.blob(&pointer.payload, PAYLOAD_BYTES_MAX)?;
            signatures.push(pointer.with(payload));
        }
    }
    Ok(BundleEntry { artifact, signatures })
}

fn read_revocations(layout: &Layout, at: &Descriptor) -> Result<Revocations, DistributionError> {
    let manifest = layout.blob(&at.digest, MANIFEST_BYTES_MAX)?;
    let manifest = Manifest::parse(&manifest).map_err(DistributionError::bundle)?;
    match manifest.layers.as_slice() {
        [layer] if layer.media_type == REVOCATIONS_TYPE => {
            Revocations::read(&layout.blob(&layer.digest, Revocations::BYTES_MAX)?)
        }
        _ => Err(DistributionError::bundle("its revocation list is of another form")),
    }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
