//! A certificate authority and a transparency log in the manner of Sigstore, for signatures by identity.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PublicKeyData as _, SanType, date_time_ymd,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// 2 January 2026, a day on which the certificates are valid.
const TIME: u64 = 1_767_312_000;

/// The authority and the log.
pub(crate) struct Sigstore {
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
    log: KeyPair,
}

fn sign(key: &KeyPair, message: &[u8]) -> String {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
    STANDARD.encode(pair.sign(&SystemRandom::new(), message).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sigstore {
    /// A new one.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Self { root, issuer: Issuer::new(params, key), log: KeyPair::generate().unwrap() }
    }

    /// The root certificate as PEM.
    pub(crate) fn root(&self) -> String {
        self.root.pem()
    }

    /// The log's public key as PEM.
    pub(crate) fn log_key(&self) -> String {
        self.log.public_key_pem()
    }

    /// A signature of a payload by somebody, as `FILE.sig.json` has it.
    pub(crate) fn sign(&self, payload: &[u8], issuer: &str, subject: &str) -> Value {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::Rfc822Name(subject.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let oid = [1, 3, 6, 1, 4, 1, 57264, 1, 1];
        params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, issuer.as_bytes().to_vec())];
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 1, 3));
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let signature = sign(&key, payload);
        json!({
            "payload": STANDARD.encode(payload),
            "signature": signature,
            "notes": {
                "dev.sigstore.cosign/bundle": self.entry(payload, &signature, &certificate).to_string(),
                "dev.sigstore.cosign/certificate": certificate,
            },
        })
    }

    fn entry(&self, payload: &[u8], signature: &str, certificate: &str) -> Value {
        let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": hex(payload) } },
            "signature": { "content": signature, "publicKey": { "content": STANDARD.encode(certificate) } },
        }});
        let body = STANDARD.encode(body.to_string());
        let log_id = hex(&self.log.subject_public_key_info());
        let signed = format!(
            "{{\"body\":\"{body}\",\"integratedTime\":{TIME},\"logID\":\"{log_id}\",\"logIndex\":1}}"
        );
        json!({
            "SignedEntryTimestamp": sign(&self.log, signed.as_bytes()),
            "Payload": { "body": body, "integratedTime": TIME, "logID": log_id, "logIndex": 1 },
        })
    }
}
