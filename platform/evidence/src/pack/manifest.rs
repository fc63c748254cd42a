//! The manifest of a pack, and the signatures over it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distribution::{PrivateKey, PublicKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tar::name_allowed;
use super::{INPUTS, MANIFEST, MEMBER_BYTES_MAX, MEMBERS_MAX, RECORDS, RECORDS_BYTES_MAX, SIGNATURES};
use crate::assessment::Collector;
use crate::canonical::{self, INTEGER_MAX, is_digest, sha256};
use crate::error::{EvidenceError, shown};

/// Signatures of one pack.
const SIGNERS_MAX: usize = 16;

const SCHEMA: &str = "palisade-evidence-pack/1";

/// What a pack is. Its fields stand in canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The chain of its records.
    pub chain: ChainEnds,
    /// Every member but manifest and signatures, by name.
    pub members: Vec<Member>,
    /// What its assessments span.
    pub period: Period,
    /// What wrote it.
    pub producer: Collector,
    /// `palisade-evidence-pack/1`.
    pub schema: String,
    /// Canonical id of what was assessed.
    pub scope: String,
    /// Ids of the keys that sign it, sorted: the SHA-256 of their `SubjectPublicKeyInfo`.
    pub signers: Vec<String>,
}

/// Where the chain of a pack begins and ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainEnds {
    /// Bytes of all records with their line feeds, not compressed.
    pub bytes: u64,
    /// Hash of the last record.
    pub head: String,
    /// What the first record goes on from.
    pub previous: String,
    /// How many records there are.
    pub records: u64,
    /// Place of the first record.
    pub sequence: u64,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its size.
    pub bytes: u64,
    /// Its name.
    pub name: String,
    /// `sha256:` of it.
    pub sha256: String,
}

/// From the first assessment to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Time of the first assessment.
    pub from: Timestamp,
    /// Time of the last one.
    pub to: Timestamp,
}

impl Manifest {
    pub(super) fn new(
        chain: ChainEnds,
        members: Vec<Member>,
        period: Period,
        producer: Collector,
        scope: String,
        keys: &[&PrivateKey],
    ) -> Self {
        let signers: BTreeSet<String> = keys.iter().map(|key| key.public().id().to_string()).collect();
        let signers = signers.into_iter().collect();
        Self { chain, members, period, producer, schema: SCHEMA.to_owned(), scope, signers }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, EvidenceError> {
        self.check()?;
        canonical::bytes(self).map_err(EvidenceError::manifest)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let manifest: Self = canonical::read(bytes).map_err(EvidenceError::manifest)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), EvidenceError> {
        if self.schema != SCHEMA {
            let why = format!("its schema is {:?}; this version reads {SCHEMA:?}", shown(&self.schema));
            return Err(EvidenceError::manifest(why));
        }
        if self.signers.is_empty() {
            return Err(EvidenceError::Unsigned { why: "its manifest names no key".to_owned() });
        }
        let sorted = self.signers.iter().zip(self.signers.iter().skip(1)).all(|(a, b)| a < b);
        if self.signers.len() > SIGNERS_MAX || !sorted || !self.signers.iter().all(|id| is_digest(id)) {
            return Err(EvidenceError::manifest(format!(
                "its signers are not up to {SIGNERS_MAX} ids in order"
            )));
        }
        let chain = &self.chain;
        if !is_digest(&chain.head) || !is_digest(&chain.previous) || chain.sequence > INTEGER_MAX {
            return Err(EvidenceError::manifest("its chain has no ends"));
        }
        if chain.bytes > RECORDS_BYTES_MAX || chain.records > chain.bytes {
            let why = format!("its records have {} bytes; {RECORDS_BYTES_MAX} are allowed", chain.bytes);
            return Err(EvidenceError::TooLarge { why });
        }
        if self.period.from > self.period.to {
            return Err(EvidenceError::manifest("its period ends before it begins"));
        }
        self.check_members()
    }

    fn check_members(&self) -> Result<(), EvidenceError> {
        if self.members.len() > MEMBERS_MAX {
            return Err(EvidenceError::TooLarge { why: format!("it has more than {MEMBERS_MAX} members") });
        }
        let mut last: Option<&str> = None;
        for member in &self.members {
            let name = member.name.as_str();
            if !name_allowed(name) || name == MANIFEST || name == SIGNATURES {
                return Err(EvidenceError::Path { name: shown(name) });
            }
            if last == Some(name) {
                return Err(EvidenceError::Duplicate { name: shown(name) });
            }
            if last.is_some_and(|last| last > name) || !is_digest(&member.sha256) {
                return Err(EvidenceError::manifest(format!(
                    "the member {name} is out of order or has no hash"
                )));
            }
            if member.bytes > MEMBER_BYTES_MAX {
                let why = format!("{name} has {} bytes; {MEMBER_BYTES_MAX} are allowed", member.bytes);
                return Err(EvidenceError::TooLarge { why });
            }
            last = Some(name);
        }
        for wanted in [INPUTS, RECORDS] {
            if !self.members.iter().any(|member| member.name == wanted) {
                return Err(EvidenceError::manifest(format!("it has no member {wanted}")));
            }
        }
        Ok(())
    }
}

/// A signature in `signatures.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    /// The key, PEM.
    key: String,
    /// Base64.
    signature: String,
}

fn message(manifest: &[u8]) -> Vec<u8> {
    format!("palisade-evidence-pack-v1:{}", sha256(manifest)).into_bytes()
}

/// Signs a manifest with every key; the result is `signatures.json`.
pub(super) fn sign(manifest: &[u8], keys: &[&PrivateKey]) -> Result<Vec<u8>, EvidenceError> {
    let mut signatures = std::collections::BTreeMap::new();
    for key in keys {
        let signature = STANDARD.encode(key.sign(&message(manifest))?);
        let public = key.public();
        signatures.insert(public.id().to_string(), Signature { key: public.to_pem(), signature });
    }
    let sorted: Vec<Signature> = signatures.into_values().collect();
    canonical::bytes(&sorted).map_err(EvidenceError::manifest)
}

/// Ids of those signers that are trusted, where every signature that the manifest announces is there and right.
pub(super) fn signed_by(
    manifest: &Manifest,
    bytes: &[u8],
    signatures: &[u8],
    trusted: &[PublicKey],
) -> Result<Vec<String>, EvidenceError> {
    let wrong = |why: String| EvidenceError::Signature { why };
    let signatures: Vec<Signature> =
        canonical::read(signatures).map_err(|why| wrong(format!("they cannot be read: {why}")))?;
    if signatures.len() < manifest.signers.len() {
        let (there, all) = (signatures.len(), manifest.signers.len());
        return Err(EvidenceError::Unsigned { why: format!("{there} of {all} signatures are there") });
    }
    if signatures.len() > manifest.signers.len() {
        return Err(wrong("there are more than the manifest announces".to_owned()));
    }
    for (signature, id) in signatures.iter().zip(&manifest.signers) {
        let key = PublicKey::from_pem(&signature.key).map_err(|error| wrong(error.to_string()))?;
        if key.to_pem() != signature.key || key.id().to_string() != *id {
            return Err(wrong(format!("the key beside the signature of {id} is another")));
        }
        let raw =
            STANDARD.decode(&signature.signature).map_err(|_| wrong(format!("that of {id} is no base64")))?;
        if !key.verifies(&message(bytes), &raw) {
            return Err(wrong(format!("the key {id} did not sign this manifest")));
        }
    }
    let trusted: BTreeSet<String> = trusted.iter().map(|key| key.id().to_string()).collect();
    let known: Vec<String> = manifest.signers.iter().filter(|id| trusted.contains(*id)).cloned().collect();
    if known.is_empty() {
        return Err(EvidenceError::Signer { signers: manifest.signers.join(", ") });
    }
    Ok(known)
}
