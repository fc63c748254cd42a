//! Signatures beside a component file, for where there is no registry: `<file>.sig.json`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Digest;
use serde::{Deserialize, Serialize};

use crate::artifact::{Artifact, CONFIG_BYTES_MAX, MANIFEST_BYTES_MAX, digest_of};
use crate::error::DistributionError;
use crate::signature::{SIGNATURES_MAX, Signature};

const FORM: &str = "palisade-detached-signatures-1";

/// Manifest, configuration and signatures of one component. The manifest is there since it is what is signed: that of an
/// artifact that another tool has pushed does not follow from the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    manifest: Vec<u8>,
    config: Vec<u8>,
    /// The signatures; none of them is verified.
    pub signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    form: String,
    manifest: String,
    config: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    payload: String,
    signature: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<String, String>,
}

impl Detached {
    /// Largest file of this form, in bytes.
    pub const BYTES_MAX: u64 = 16 << 20;

    /// The file for an artifact.
    #[must_use]
    pub fn new(artifact: &Artifact, signatures: Vec<Signature>) -> Self {
        Self { manifest: artifact.manifest().to_vec(), config: artifact.config().to_vec(), signatures }
    }

    /// Digest of the manifest, which is what is signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(&self.manifest)
    }

    /// The artifact of the component that the file lies beside.
    ///
    /// # Errors
    /// [`DistributionError::Artifact`] when it is another component.
    pub fn artifact(&self, component: Vec<u8>) -> Result<Artifact, DistributionError> {
        Artifact::from_parts(self.manifest.clone(), self.config.clone(), component)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`DistributionError::Signatures`] when it is none of this form.
    pub fn read(bytes: &[u8]) -> Result<Self, DistributionError> {
        let wrong = |why: String| DistributionError::Signatures { what: "the component".to_owned(), why };
        if bytes.len() as u64 > Self::BYTES_MAX {
            return Err(wrong(format!("the file is larger than {} bytes", Self::BYTES_MAX)));
        }
        let raw: Raw = serde_json::from_slice(bytes)
            .map_err(|error| wrong(format!("the file is not of the form {FORM}, line {}", error.line())))?;
        if raw.form != FORM {
            return Err(wrong(format!("the file is not of the form {FORM}")));
        }
        if raw.signatures.len() > SIGNATURES_MAX {
            return Err(wrong(format!("there are more than {SIGNATURES_MAX}")));
        }
        let decoded = |text: &str, bytes_max: u64| {
            let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() as u64 <= bytes_max);
            bytes.ok_or_else(|| wrong("a part is too large or not base64".to_owned()))
        };
        let signature = |raw: RawSignature| -> Result<Signature, DistributionError> {
            Ok(Signature {
                payload: decoded(&raw.payload, crate::payload::PAYLOAD_BYTES_MAX)?,
                signature: decoded(&raw.signature, crate::signature::SIGNATURE_BYTES_MAX as u64)?,
                notes: raw.notes,
            })
        };
        Ok(Self {
            manifest: decoded(&raw.manifest, MANIFEST_BYTES_MAX)?,
            config: decoded(&raw.config, CONFIG_BYTES_MAX)?,
            signatures: raw.signatures.into_iter().map(signature).collect::<Result<_, _>>()?,
        })
    }

    /// The file's content.
    ///
    /// # Errors
    /// [`DistributionError::Artifact`] never in practice: everything in it can be written.
    pub fn write(&self) -> Result<Vec<u8>, DistributionError> {
        let signature = |signature: &Signature| RawSignature {
            payload: STANDARD.encode(&signature.payload),
            signature: STANDARD.encode(&signature.signature),
            notes: signature.notes.clone(),
        };
        let raw = Raw {
            form: FORM.to_owned(),
            manifest: STANDARD.encode(&self.manifest),
            config: STANDARD.encode(&self.config),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        let mut bytes = crate::artifact::json(&raw)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{artifact, key};

    #[test]
    fn a_file_is_read_as_it_was_written_and_belongs_to_its_component_alone() {
        let one = artifact(b"component");
        let signature = crate::sign(&one, "org.example.plugin", &key()).unwrap();
        let file = Detached::new(&one, vec![signature]);
        let read = Detached::read(&file.write().unwrap()).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.artifact(b"component".to_vec()).unwrap(), one);
        assert_eq!(read.artifact(b"another".to_vec()).unwrap_err().code(), "plugin-artifact-invalid");
    }

    #[test]
    fn damaged_files_are_refused_by_their_code() {
        let one = artifact(b"component");
        let signature = crate::sign(&one, "x", &key()).unwrap();
        let many = Detached::new(&one, vec![signature.clone(); SIGNATURES_MAX + 1]).write().unwrap();
        let good = String::from_utf8(Detached::new(&one, vec![signature]).write().unwrap()).unwrap();
        let bad = [
            "{}".to_owned(),
            good.replace(FORM, "other"),
            good.replace("\"form\"", "\"form\":\"x\",\"form\""),
            good.replace("\"payload\":\"", "\"payload\":\"!"),
            good[..good.len() / 2].to_owned(),
            String::from_utf8(many).unwrap(),
        ];
        for text in bad {
            assert_eq!(Detached::read(text.as_bytes()).unwrap_err().code(), "plugin-signatures-unreadable");
        }
    }
}
