//! Keys that sign plugins: ECDSA over P-256 with SHA-256, as cosign makes them, and Ed25519.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::DistributionError;
use crate::pem;

/// Labels of RFC 7468.
const PRIVATE_LABEL: &str = "PRIVATE KEY";
const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// A key file is a few hundred bytes.
const PEM_BYTES_MAX: usize = 16 * 1024;

/// `SubjectPublicKeyInfo` (RFC 5480) of a P-256 key up to the uncompressed point, which has 65 bytes.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P256_POINT_BYTES: usize = 65;

/// `SubjectPublicKeyInfo` (RFC 8410) of an Ed25519 key up to the key, which has 32 bytes.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const ED25519_KEY_BYTES: usize = 32;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256, signatures in ASN.1: what cosign makes by default.
    EcdsaP256,
    /// Ed25519.
    Ed25519,
}

/// A key that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// The point or key, without its envelope.
    raw: Vec<u8>,
}

impl PublicKey {
    /// Reads a PEM file with a `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`DistributionError::Key`] when it is anything else, or a key of another kind than those of [`Algorithm`].
    pub fn from_pem(text: &str) -> Result<Self, DistributionError> {
        let der = Some(text)
            .filter(|text| text.len() <= PEM_BYTES_MAX)
            .and_then(|text| pem::read(PUBLIC_LABEL, text))
            .ok_or_else(|| DistributionError::key("it is not a PEM file with one PUBLIC KEY"))?;
        Self::from_der(&der)
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, DistributionError> {
        let p256 = der.strip_prefix(&P256_PREFIX).filter(|raw| raw.len() == P256_POINT_BYTES);
        let ed25519 = der.strip_prefix(&ED25519_PREFIX).filter(|raw| raw.len() == ED25519_KEY_BYTES);
        let (algorithm, raw) = p256
            .map(|raw| (Algorithm::EcdsaP256, raw))
            .or(ed25519.map(|raw| (Algorithm::Ed25519, raw)))
            .ok_or_else(|| DistributionError::key("it is neither an ECDSA key over P-256 nor Ed25519"))?;
        Ok(Self { algorithm, raw: raw.to_vec() })
    }

    fn der(&self) -> Vec<u8> {
        let prefix: &[u8] = match self.algorithm {
            Algorithm::EcdsaP256 => &P256_PREFIX,
            Algorithm::Ed25519 => &ED25519_PREFIX,
        };
        [prefix, &self.raw].concat()
    }

    /// The key as a PEM file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write(PUBLIC_LABEL, &self.der())
    }

    /// What the key is called where it must be named exactly: the SHA-256 of its `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::from_sha256(Sha256::digest(self.der()).into())
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the signature is of this message, by this key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::EcdsaP256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.raw).verify(message, signature).is_ok()
            }
            Algorithm::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, &self.raw).verify(message, signature).is_ok()
            }
        }
    }
}

/// A key that signs.
pub struct PrivateKey {
    pair: Pair,
    pkcs8: Vec<u8>,
}

enum Pair {
    EcdsaP256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The key stays out of logs.
impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`DistributionError::Key`] when the system has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, DistributionError> {
        let failed = |_| DistributionError::key("the system gives no randomness to make one from");
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::EcdsaP256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(failed)?
            }
            Algorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failed)?,
        };
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Reads a PEM file with a `PRIVATE KEY` (PKCS #8, not encrypted).
    ///
    /// # Errors
    /// [`DistributionError::Key`] when it is anything else, or a key of another kind than those of [`Algorithm`].
    pub fn from_pem(text: &str) -> Result<Self, DistributionError> {
        let der = Some(text)
            .filter(|text| text.len() <= PEM_BYTES_MAX)
            .and_then(|text| pem::read(PRIVATE_LABEL, text))
            .ok_or_else(|| {
                DistributionError::key("it is not a PEM file with one PRIVATE KEY (PKCS #8, not encrypted)")
            })?;
        Self::from_pkcs8(&der)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, DistributionError> {
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Pair::EcdsaP256);
        let pair = ecdsa
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519))
            .map_err(|_| DistributionError::key("it is neither an ECDSA key over P-256 nor Ed25519"))?;
        Ok(Self { pair, pkcs8: der.to_vec() })
    }

    /// The key as a PEM file. It is the secret itself.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write(PRIVATE_LABEL, &self.pkcs8)
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let (algorithm, raw) = match &self.pair {
            Pair::EcdsaP256(pair) => (Algorithm::EcdsaP256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => (Algorithm::Ed25519, pair.public_key().as_ref()),
        };
        PublicKey { algorithm, raw: raw.to_vec() }
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`DistributionError::Key`] when the system has no randomness to give.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DistributionError> {
        let failed = |_| DistributionError::key("it does not sign");
        let signature = match &self.pair {
            Pair::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), message).map_err(failed)?,
            Pair::Ed25519(pair) => pair.try_sign(message).map_err(failed)?,
        };
        Ok(signature.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::EcdsaP256, Algorithm::Ed25519];

    #[test]
    fn a_key_survives_its_files_and_verifies_its_own_alone() {
        for algorithm in BOTH {
            let key = PrivateKey::generate(algorithm).unwrap();
            let read = PrivateKey::from_pem(&key.to_pem()).unwrap();
            let public = PublicKey::from_pem(&read.public().to_pem()).unwrap();
            assert_eq!((public.algorithm(), public.id()), (algorithm, key.public().id()));
            let signature = read.sign(b"message").unwrap();
            assert!(public.verifies(b"message", &signature));
            assert!(!public.verifies(b"massage", &signature));
            assert!(!public.verifies(b"message", b""));
            for other in BOTH {
                assert!(!PrivateKey::generate(other).unwrap().public().verifies(b"message", &signature));
            }
            assert!(!format!("{key:?}").contains("pkcs8"));
        }
    }

    /// Made with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` and `openssl dgst -sha256 -sign`.
    #[test]
    fn what_openssl_signed_is_verified() {
        use base64::Engine as _;
        let public = PublicKey::from_pem(include_str!("testdata/openssl.pub")).unwrap();
        let signature = include_str!("testdata/openssl.sig.base64");
        let signature = base64::engine::general_purpose::STANDARD.decode(signature).unwrap();
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"message", &signature[1..]));
    }

    #[test]
    fn other_keys_are_refused() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let long = " ".repeat(PEM_BYTES_MAX) + &key.public().to_pem();
        for bad in ["", "text", &key.to_pem(), &pem::write(PUBLIC_LABEL, b"0"), &long] {
            assert_eq!(PublicKey::from_pem(bad).unwrap_err().code(), "plugin-key-invalid");
        }
        for bad in ["", &key.public().to_pem(), &pem::write(PRIVATE_LABEL, &[0x30; 60])] {
            assert_eq!(PrivateKey::from_pem(bad).unwrap_err().code(), "plugin-key-invalid");
        }
    }
}
