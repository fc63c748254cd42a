//! Signatures, and how cosign stores them beside the artifact: an image manifest of its own under the tag
//! `sha256-<digest>.sig`, one layer for each signature.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Digest;
use serde::Serialize;

use crate::artifact::{Artifact, Descriptor, MANIFEST_TYPE, Manifest, json};
use crate::error::{DistributionError, shown};
use crate::key::PrivateKey;
use crate::payload::{PAYLOAD_BYTES_MAX, Payload};

/// Signatures of one artifact that are read. More are an attempt to keep somebody busy.
pub const SIGNATURES_MAX: usize = 64;

/// Bytes of one signature. Those of the algorithms here have up to 72.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 1024;

const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// A payload and what somebody's key made of it. Nothing about it is known to be true yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What was signed.
    pub payload: Vec<u8>,
    /// The signature of it.
    pub signature: Vec<u8>,
    /// What else cosign has noted beside it: a certificate with its chain, a log entry, and what only others read.
    pub notes: BTreeMap<String, String>,
}

/// Signs an artifact under a name: the repository that it will be in, or the plugin's id, which is good anywhere.
///
/// # Errors
/// [`DistributionError::Key`] when the key does not sign.
pub fn sign(artifact: &Artifact, name: &str, key: &PrivateKey) -> Result<Signature, DistributionError> {
    let payload = Payload::write(artifact.digest(), name)?;
    Ok(Signature { signature: key.sign(&payload)?, payload, notes: BTreeMap::new() })
}

/// The tag under which the signatures of a manifest are.
pub(crate) fn tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

/// Signatures as they are stored.
pub(crate) struct Stored {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
}

/// A layer of a stored manifest: where the payload is, and what is noted beside it.
pub(crate) struct Pointer {
    pub(crate) payload: Digest,
    signature: Vec<u8>,
    notes: BTreeMap<String, String>,
}

impl Pointer {
    pub(crate) fn with(self, payload: Vec<u8>) -> Signature {
        Signature { payload, signature: self.signature, notes: self.notes }
    }
}

#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    created: &'a str,
    history: [History<'a>; 1],
    os: &'a str,
    rootfs: RootFs<'a>,
    config: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    diff_ids: Vec<&'a Digest>,
}

impl Stored {
    /// The manifest of these signatures, in their order.
    pub(crate) fn of(signatures: &[Signature]) -> Result<Self, DistributionError> {
        /// The zero time of the language that cosign is written in.
        const CREATED: &str = "0001-01-01T00:00:00Z";
        let layers: Vec<Descriptor> = signatures
            .iter()
            .map(|signature| {
                let mut layer = Descriptor::of(PAYLOAD_TYPE, &signature.payload);
                layer.annotations = signature.notes.clone();
                layer.annotated(SIGNATURE, &STANDARD.encode(&signature.signature))
            })
            .collect();
        let diff_ids = layers.iter().map(|layer| &layer.digest).collect();
        let config = json(&Config {
            architecture: "",
            created: CREATED,
            history: [History { created: CREATED }],
            os: "",
            rootfs: RootFs { kind: "layers", diff_ids },
            config: BTreeMap::new(),
        })?;
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: None,
            config: Descriptor::of(CONFIG_TYPE, &config),
            layers,
            annotations: BTreeMap::new(),
        })?;
        Ok(Self { manifest, config })
    }

    /// Reads a stored manifest. Layers of other kinds are passed over: they are no signatures of this form.
    pub(crate) fn pointers(manifest: &[u8], what: &str) -> Result<Vec<Pointer>, DistributionError> {
        let wrong = |why: String| DistributionError::Signatures { what: what.to_owned(), why };
        let manifest = Manifest::parse(manifest).map_err(wrong)?;
        let layers = manifest.layers.into_iter().filter(|layer| layer.media_type == PAYLOAD_TYPE);
        let mut pointers = Vec::new();
        for mut layer in layers {
            if pointers.len() >= SIGNATURES_MAX {
                return Err(wrong(format!("there are more than {SIGNATURES_MAX}")));
            }
            if layer.size > PAYLOAD_BYTES_MAX {
                return Err(wrong(format!("a payload is larger than {PAYLOAD_BYTES_MAX} bytes")));
            }
            let text = layer.annotations.remove(SIGNATURE).unwrap_or_default();
            let signature = STANDARD
                .decode(&text)
                .ok()
                .filter(|bytes| bytes.len() <= SIGNATURE_BYTES_MAX)
                .ok_or_else(|| wrong(format!("{:?} is no signature", shown(&text))))?;
            pointers.push(Pointer { payload: layer.digest, signature, notes: layer.annotations });
        }
        Ok(pointers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{artifact, key};

    #[test]
    fn what_is_stored_is_read_back_with_what_others_have_noted() {
        let artifact = artifact(b"component");
        let mut noted = sign(&artifact, "org.example.plugin", &key()).unwrap();
        noted.notes.insert("dev.sigstore.cosign/certificate".to_owned(), "PEM".to_owned());
        let signatures = [noted, sign(&artifact, "other", &key()).unwrap()];
        let stored = Stored::of(&signatures).unwrap();
        let pointers = Stored::pointers(&stored.manifest, "x").unwrap();
        let read: Vec<_> = pointers
            .into_iter()
            .zip(&signatures)
            .map(|(pointer, signature)| {
                assert_eq!(pointer.payload, crate::artifact::digest_of(&signature.payload));
                pointer.with(signature.payload.clone())
            })
            .collect();
        assert_eq!(read, signatures);
        assert_eq!(tag(artifact.digest()), artifact.digest().as_str().replace(':', "-") + ".sig");
    }

    #[test]
    fn signatures_that_are_none_are_told() {
        let one = sign(&artifact(b"component"), "x", &key()).unwrap();
        let text =
            |signatures: &[Signature]| String::from_utf8(Stored::of(signatures).unwrap().manifest).unwrap();
        let good = text(std::slice::from_ref(&one));
        let many = text(&vec![one.clone(); SIGNATURES_MAX + 1]);
        let long = text(&[Signature { signature: vec![0; 2000], ..one }]);
        let garbage = good.replace("cosign/signature\":\"", "cosign/signature\":\"!");
        for bad in ["", "[]", &good[..good.len() / 2], &many, &long, &garbage] {
            let error = Stored::pointers(bad.as_bytes(), "x").err().unwrap();
            assert_eq!(error.code(), "plugin-signatures-unreadable", "{bad:.200}");
        }
        let other = good.replace("simplesigning.v1", "simplesigning.v9");
        assert!(Stored::pointers(other.as_bytes(), "x").unwrap().is_empty());
    }
}
