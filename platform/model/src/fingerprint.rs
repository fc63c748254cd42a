//! The arithmetic that decides whether two reports speak of the same finding.
//!
//! Recipe 1. Every part is hashed with its length in front, so that no two lists of parts can run together:
//! `key = blake3(“palisade finding key 1”, class, rule, location)` and
//! `fingerprint = blake3(“palisade fingerprint 1”, tenant, asset, key)`, both as 32 hexadecimal digits (128 bits).
//! The location is content: for a package finding its type, name, version, architecture and first evidence path; never a line
//! number, a layer index or a time.

use serde::{Deserialize, Serialize};

use crate::{AssetId, FindingClass, TenantId};

/// Identity of a stored finding within an installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// The identity of the finding with this content key on this asset of this tenant.
    #[must_use]
    pub fn new(tenant: &TenantId, asset: &AssetId, finding_key: &str) -> Self {
        Self(hash_parts("palisade fingerprint 1", &[tenant.as_str(), &asset.0, finding_key]))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The content key of a finding: class, rule and the parts that say where, in an order fixed by the caller's class.
#[must_use]
pub fn finding_key(class: FindingClass, rule: &str, location: &[&str]) -> String {
    let class = match class {
        FindingClass::Vulnerability => "vulnerability",
        FindingClass::Misconfiguration => "misconfiguration",
        FindingClass::Secret => "secret",
        FindingClass::Malware => "malware",
        FindingClass::License => "license",
    };
    let parts: Vec<&str> = [class, rule].into_iter().chain(location.iter().copied()).collect();
    hash_parts("palisade finding key 1", &parts)
}

fn hash_parts(recipe: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(&recipe).chain(parts) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    hex.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Fingerprint, finding_key};
    use crate::{AssetId, FindingClass, TenantId};

    #[test]
    fn the_recipe_is_frozen() {
        let key = finding_key(FindingClass::Vulnerability, "CVE-2024-3094", &["deb", "liblzma5", "5.6.0-1"]);
        let fingerprint = Fingerprint::new(&TenantId::default_tenant(), &AssetId("sha256:00".into()), &key);
        assert_eq!((key.as_str(), fingerprint.0.as_str()), (FROZEN_KEY, FROZEN_FINGERPRINT));
    }

    // Stored findings are found again by these: a change here is a migration, never an edit.
    const FROZEN_KEY: &str = "1aea12600c2be71a1931c8125da8e4a3";
    const FROZEN_FINGERPRINT: &str = "409b353272c2c3acab85e78079533648";

    proptest! {
        #[test]
        fn parts_never_run_together(a in ".{0,8}", b in ".{0,8}", c in ".{1,4}") {
            let joined = format!("{a}{c}");
            let moved = format!("{c}{b}");
            let one = finding_key(FindingClass::Secret, "r", &[&joined, &b]);
            let two = finding_key(FindingClass::Secret, "r", &[&a, &moved]);
            prop_assert_eq!(one == two, joined == a && moved == b);
        }
    }
}
