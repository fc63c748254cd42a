//! What must not be used any more, whoever has signed it.
//!
//! A list is JSON: `{"form": "palisade-revocations-1", "digests": [{"digest": "sha256:…", "reason": "…"}], "keys":
//! [{"key": "sha256:…", "reason": "…"}], "plugins": [{"id": "org.example.x", "below": "1.4.2", "reason": "…"}]}`. Lists
//! only add up: one that comes with a bundle cannot take back what another says.

use model::Digest;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::error::{DistributionError, shown};

const FORM: &str = "palisade-revocations-1";

/// Entries of one list.
const ENTRIES_MAX: usize = 100_000;

/// One revoked manifest or component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDigest {
    /// Digest of a manifest or of a component.
    pub digest: Digest,
    /// Why, for people.
    pub reason: String,
}

/// One revoked key: nothing that it signed counts as signed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    /// The key's id.
    pub key: Digest,
    /// Why, for people.
    pub reason: String,
}

/// The versions of a plugin below a floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedVersions {
    /// Plugin id.
    pub id: String,
    /// The first version that may be used again, by the order of Semantic Versioning.
    pub below: Version,
    /// Why, for people.
    pub reason: String,
}

/// A revocation list. The default revokes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Manifests and components.
    pub digests: Vec<RevokedDigest>,
    /// Keys.
    pub keys: Vec<RevokedKey>,
    /// Old versions.
    pub plugins: Vec<RevokedVersions>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    form: String,
    #[serde(default)]
    digests: Vec<RevokedDigest>,
    #[serde(default)]
    keys: Vec<RevokedKey>,
    #[serde(default)]
    plugins: Vec<RevokedVersions>,
}

impl Revocations {
    /// Largest list, in bytes.
    pub const BYTES_MAX: u64 = 16 << 20;

    /// Reads a list.
    ///
    /// # Errors
    /// [`DistributionError::Revocations`] when it is none. A key that is not known is refused, since it could have
    /// revoked something.
    pub fn read(json: &[u8]) -> Result<Self, DistributionError> {
        let wrong = |why: String| DistributionError::Revocations { why };
        if json.len() as u64 > Self::BYTES_MAX {
            return Err(wrong(format!("it is larger than {} bytes", Self::BYTES_MAX)));
        }
        let raw: Raw = serde_json::from_slice(json).map_err(|error| wrong(shown(&error.to_string())))?;
        if raw.form != FORM {
            return Err(wrong(format!("its form is {:?}, not {FORM:?}", shown(&raw.form))));
        }
        if raw.digests.len() + raw.keys.len() + raw.plugins.len() > ENTRIES_MAX {
            return Err(wrong(format!("it has more than {ENTRIES_MAX} entries")));
        }
        Ok(Self { digests: raw.digests, keys: raw.keys, plugins: raw.plugins })
    }

    /// The list as JSON.
    ///
    /// # Errors
    /// [`DistributionError::Artifact`] never in practice: everything in it can be written.
    pub fn write(&self) -> Result<Vec<u8>, DistributionError> {
        let Self { digests, keys, plugins } = self.clone();
        crate::artifact::json(&Raw { form: FORM.to_owned(), digests, keys, plugins })
    }

    /// Adds what another list revokes.
    pub fn extend(&mut self, other: Self) {
        self.digests.extend(other.digests);
        self.keys.extend(other.keys);
        self.plugins.extend(other.plugins);
    }

    /// Why this digest is revoked, if it is.
    #[must_use]
    pub fn of_digest(&self, digest: &Digest) -> Option<&str> {
        self.digests.iter().find(|entry| entry.digest == *digest).map(|entry| entry.reason.as_str())
    }

    /// Why this key is revoked, if it is.
    #[must_use]
    pub fn of_key(&self, id: &Digest) -> Option<&str> {
        self.keys.iter().find(|entry| entry.key == *id).map(|entry| entry.reason.as_str())
    }

    /// Why this version is revoked, if it is. A version that has no place in the order is below every floor.
    #[must_use]
    pub fn of_version(&self, id: &str, version: &str) -> Option<&RevokedVersions> {
        let version = Version::parse(version).ok();
        let below =
            |floor: &Version| version.as_ref().is_none_or(|known| known.cmp_precedence(floor).is_lt());
        self.plugins.iter().find(|entry| entry.id == id && below(&entry.below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::digest_of;

    fn floor(below: &str) -> Revocations {
        let text = format!(
            "{{\"form\":\"{FORM}\",\"plugins\":[{{\"id\":\"a.b\",\"below\":\"{below}\",\"reason\":\"r\"}}]}}"
        );
        Revocations::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn versions_are_compared_as_versions() {
        let list = floor("1.10.0");
        for old in ["1.9.0", "1.10.0-rc.1", "0.0.1", "1.9.99+build", "01.20.0", "1.20", "new", ""] {
            assert!(list.of_version("a.b", old).is_some(), "{old}");
        }
        for new in ["1.10.0", "1.10.1-rc.1", "2.0.0", "1.10.0+build"] {
            assert!(list.of_version("a.b", new).is_none(), "{new}");
        }
        assert!(list.of_version("a.c", "0.1.0").is_none());
        assert!(floor("1.0.0-rc.10").of_version("a.b", "1.0.0-rc.9").is_some());
        assert!(floor("1.0.0+b").of_version("a.b", "1.0.0+a").is_none(), "builds have no order");
    }

    #[test]
    fn lists_are_read_strictly_and_add_up() {
        let digest = digest_of(b"x");
        let mut list = floor("1.0.0");
        let other = Revocations {
            digests: vec![RevokedDigest { digest: digest.clone(), reason: "bad".to_owned() }],
            keys: vec![RevokedKey { key: digest.clone(), reason: "stolen".to_owned() }],
            ..Revocations::default()
        };
        list.extend(other);
        assert_eq!(Revocations::read(&list.write().unwrap()).unwrap(), list);
        assert_eq!((list.of_digest(&digest), list.of_key(&digest)), (Some("bad"), Some("stolen")));
        assert!(list.of_version("a.b", "0.9.0").is_some());
        let good = String::from_utf8(list.write().unwrap()).unwrap();
        let bad = [
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            good.replace(FORM, "palisade-revocations-9"),
            good.replace("\"keys\"", "\"signers\""),
            good.replace("\"keys\"", "\"digests\""),
            good.replace("1.0.0", "1.0"),
            good.replace("sha256:", "sha1:"),
            format!("{good}x"),
        ];
        for text in bad {
            let error = Revocations::read(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "plugin-revocations-invalid", "{text}");
        }
    }
}
