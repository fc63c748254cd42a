//! Identifiers. Each is checked where it is made, so that no function needs to ask again.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A content digest, `sha256:` followed by 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Digest(String);

/// The text is not a digest this product can verify.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a digest of the form sha256:<64 lower-case hexadecimal digits>")]
pub struct DigestError(pub String);

impl Digest {
    /// Reads `sha256:<hex>`.
    ///
    /// # Errors
    /// Any other algorithm, length or letter case.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let ok = text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if ok { Ok(Self(text.to_owned())) } else { Err(DigestError(text.chars().take(100).collect())) }
    }

    /// From the 32 bytes of a SHA-256.
    #[must_use]
    pub fn from_sha256(bytes: [u8; 32]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The whole text, `sha256:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hexadecimal part alone.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// The isolation boundary: in every key, subject and query. 1–63 characters of `a-z 0-9 -`, starting with a letter,
/// so that it can stand in a bus subject, a file name and a URL without escaping.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct TenantId(String);

/// The text cannot name a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a tenant id: 1 to 63 of a-z, 0-9 and -, starting with a letter")]
pub struct TenantIdError(pub String);

impl TenantId {
    /// Checks and wraps a tenant id.
    ///
    /// # Errors
    /// See [`TenantIdError`].
    pub fn parse(text: &str) -> Result<Self, TenantIdError> {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if letters && starts && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(TenantIdError(text.chars().take(100).collect()))
        }
    }

    /// The tenant of a single-tenant installation and of the command line.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TenantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantIdError;
    fn try_from(text: String) -> Result<Self, TenantIdError> {
        Self::parse(&text)
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

/// The canonical, stable id of a thing at risk. An image is its manifest digest (tags are aliases); a directory is
/// `host:<machine-id or name>:<path>`. Display names never take part in matching.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct AssetId(pub String);

impl AssetId {
    /// The id of an image: its digest.
    #[must_use]
    pub fn image(digest: &Digest) -> Self {
        Self(digest.as_str().to_owned())
    }
}

impl std::fmt::Display for AssetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, TenantId};

    #[test]
    fn digests_are_exact() {
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(Digest::parse(&good).unwrap().as_str(), good);
        assert_eq!(Digest::from_sha256([0x0a; 32]).as_str(), good);
        for bad in ["", "sha256:", "sha512:00", &good.to_uppercase(), &good[..70], &format!("{good}0")] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tenants_fit_in_subjects_and_file_names() {
        assert!(TenantId::parse("acme-2").is_ok());
        for bad in ["", "2acme", "Acme", "a.b", "a*", "a/b", &"a".repeat(64)] {
            assert!(TenantId::parse(bad).is_err(), "{bad}");
        }
    }
}
