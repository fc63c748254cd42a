//! Signatures by identity, as cosign makes them without a key: a certificate that is valid for minutes names who signed,
//! and the entry of a transparency log proves that the signature was made in these minutes.
//!
//! Everything is verified offline, against roots and a log key that the operator has named. In order: the certificate
//! leads to a root, at the time of the log entry, for signing code; the log's key has signed the entry; the entry is
//! about this very signature, payload and certificate; the certificate's key made the signature. Not verified: that the
//! entry is still in the log, and that the certificate is in a log of certificates.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Digest;
use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs as algorithms};

use crate::artifact::digest_of;
use crate::der::Owner;
use crate::error::{DistributionError, shown};
use crate::key::PublicKey;
use crate::pem;
use crate::signature::Signature;

pub(crate) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";

const CERTIFICATE_LABEL: &str = "CERTIFICATE";
/// Certificates between a signer's and a root. Sigstore has one.
const CHAIN_MAX: usize = 8;
/// Bytes of a chain or a bundle; real ones have a few thousand.
const NOTE_BYTES_MAX: usize = 256 * 1024;

/// `id-kp-codeSigning` of RFC 5280.
const CODE_SIGNING: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

/// What certificates may be signed with: the curves that Sigstore and private authorities of its kind use.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 5] = [
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ED25519,
];

/// Somebody who signs by a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The OpenID Connect provider that must have vouched, exactly.
    pub issuer: String,
    /// The e-mail address or URI, exactly; with `*` at its end, everything that begins so.
    pub subject: String,
}

impl Identity {
    fn is(&self, owner: &Owner) -> bool {
        let subject = match self.subject.strip_suffix('*') {
            Some(beginning) => owner.subject.starts_with(beginning),
            None => owner.subject == self.subject,
        };
        subject && owner.issuer == self.issuer
    }

    /// What is wrong with it, if anything: who accepts every subject has not said whom to believe.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let bare = self.subject.trim_end_matches('*');
        (self.issuer.is_empty() || bare.is_empty())
            .then_some("it names no issuer, or no beginning of a subject")
    }
}

/// Whom to believe about certificates and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    roots: Vec<Vec<u8>>,
    log: PublicKey,
}

impl Authority {
    /// Root certificates (one or more PEM blocks) and the key of the transparency log.
    ///
    /// # Errors
    /// [`DistributionError::Policy`] when there is no root, or one that cannot be read.
    pub fn new(roots_pem: &str, log: PublicKey) -> Result<Self, DistributionError> {
        let wrong = |why: &str| DistributionError::Policy { why: format!("the root certificates {why}") };
        let roots = pem::read_all(CERTIFICATE_LABEL, roots_pem)
            .filter(|roots| !roots.is_empty())
            .ok_or_else(|| wrong("are not PEM with CERTIFICATE blocks"))?;
        for root in &roots {
            let _ = anchor_from_trusted_cert(&CertificateDer::from(root.as_slice()))
                .map_err(|_| wrong("cannot all be read"))?;
        }
        Ok(Self { roots, log })
    }

    /// Who made a signature, and the id of the certificate's key.
    pub(crate) fn owner(&self, signature: &Signature) -> Option<(Owner, Digest)> {
        let note = |name| signature.notes.get(name).filter(|text| text.len() <= NOTE_BYTES_MAX);
        let certificate = pem::read(CERTIFICATE_LABEL, note(CERTIFICATE)?)?;
        let chain = match note(CHAIN) {
            Some(chain) => pem::read_all(CERTIFICATE_LABEL, chain)?,
            None => Vec::new(),
        };
        let entry = Entry::read(note(BUNDLE)?, &self.log)?;
        if chain.len() > CHAIN_MAX || !entry.is_about(signature, &certificate) {
            return None;
        }
        let key = self.verified_key(&certificate, &chain, entry.time)?;
        key.verifies(&signature.payload, &signature.signature)
            .then(|| Some((Owner::of(&certificate)?, key.id())))
            .flatten()
    }

    /// The key of a certificate that leads to a root at this time.
    fn verified_key(&self, certificate: &[u8], chain: &[Vec<u8>], time: UnixTime) -> Option<PublicKey> {
        let certificate = CertificateDer::from(certificate);
        let certificate = EndEntityCert::try_from(&certificate).ok()?;
        let roots: Vec<_> = self.roots.iter().map(|root| CertificateDer::from(root.as_slice())).collect();
        let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let usage = KeyUsage::required(&CODE_SIGNING);
        certificate.verify_for_usage(&ALGORITHMS, &anchors, &chain, time, usage, None, None).ok()?;
        PublicKey::from_der(certificate.subject_public_key_info().as_ref()).ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawBundle {
    signed_entry_timestamp: String,
    payload: RawEntry,
}

/// What the log signs: these four in this order, without spaces (RFC 8785).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    body: String,
    #[serde(rename = "integratedTime")]
    integrated_time: u64,
    #[serde(rename = "logID")]
    log_id: String,
    #[serde(rename = "logIndex")]
    log_index: u64,
}

#[derive(Deserialize)]
struct RawBody {
    kind: String,
    spec: RawSpec,
}

#[derive(Deserialize)]
struct RawSpec {
    data: RawData,
    signature: RawSignature,
}

#[derive(Deserialize)]
struct RawData {
    hash: RawHash,
}

#[derive(Deserialize)]
struct RawHash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSignature {
    content: String,
    public_key: RawPublicKey,
}

#[derive(Deserialize)]
struct RawPublicKey {
    content: String,
}

/// An entry that the log has signed.
struct Entry {
    time: UnixTime,
    body: RawBody,
}

impl Entry {
    fn read(bundle: &str, log: &PublicKey) -> Option<Self> {
        let bundle: RawBundle = serde_json::from_str(bundle).ok()?;
        let entry = bundle.payload;
        let signed = serde_json::to_vec(&entry).ok()?;
        let promise = STANDARD.decode(bundle.signed_entry_timestamp).ok()?;
        if entry.log_id != log.id().hex() || !log.verifies(&signed, &promise) {
            return None;
        }
        let body: RawBody = serde_json::from_slice(&STANDARD.decode(entry.body).ok()?).ok()?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(entry.integrated_time));
        Some(Self { time, body })
    }

    /// Whether the entry is one of this signature: else any old entry would prove any time.
    fn is_about(&self, signature: &Signature, certificate: &[u8]) -> bool {
        let RawSpec { data, signature: logged } = &self.body.spec;
        let same = |text: &str, bytes: &[u8]| STANDARD.decode(text).is_ok_and(|logged| logged == bytes);
        let logged_certificate = STANDARD.decode(&logged.public_key.content).ok();
        let logged_certificate = logged_certificate.and_then(|pem| String::from_utf8(pem).ok());
        self.body.kind == "hashedrekord"
            && data.hash.algorithm == "sha256"
            && data.hash.value == digest_of(&signature.payload).hex()
            && same(&logged.content, &signature.signature)
            && logged_certificate.and_then(|pem| pem::read(CERTIFICATE_LABEL, &pem)).as_deref()
                == Some(certificate)
    }
}

/// The names of the identities that an owner is, by the names that rules call them by.
pub(crate) fn names<'a>(
    owner: &Owner,
    identities: impl Iterator<Item = (&'a String, &'a Identity)>,
) -> Vec<String> {
    identities.filter(|(_, identity)| identity.is(owner)).map(|(name, _)| name.clone()).collect()
}

/// An owner for messages.
pub(crate) fn described(owner: &Owner) -> String {
    format!("{} ({})", shown(&owner.subject), shown(&owner.issuer))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
