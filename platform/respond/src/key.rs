//! The key of one act, by which it is known again wherever it left a trace.

use std::fmt;

use model::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::object::ObjectRef;

/// Annotation that holds the keys of what was done to an object, and label of objects that were made.
pub const MARK: &str = "palisade.dev/response";

/// Most keys that an object remembers: the oldest is forgotten first.
pub(crate) const MARKS_MAX: usize = 16;

/// 40 hexadecimal digits of a SHA-256 over tenant, playbook, incident, step and target, each with its length before it. As short as the value
/// of a label has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// The key of what a step does to an object. `part` tells the acts of one step on one object apart.
    #[must_use]
    pub fn new(origin: &Origin<'_>, step: &str, target: &ObjectRef, part: &str) -> Self {
        let uid = target.uid.as_deref().unwrap_or_default();
        let object = format!("{}/{}/{}/{uid}", target.kind.name(), target.namespace, target.name);
        let parts = [origin.tenant.as_str(), origin.playbook, origin.incident, step, &object, part];
        Self(hex(&parts, 40))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an act comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Digest of the playbook.
    pub playbook: &'a str,
    /// The incident.
    pub incident: &'a str,
}

impl Origin<'_> {
    /// A short name for what a step makes.
    pub(crate) fn short(&self, step: &str) -> String {
        hex(&[self.tenant.as_str(), self.playbook, self.incident, step], 12)
    }
}

/// Digits of the hash of parts, none of which can pass for two.
pub(crate) fn hex(parts: &[&str], digits: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(digits);
    hex
}

/// SHA-256 as the rest of the house writes it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
