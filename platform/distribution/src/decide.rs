//! The decision whether a plugin may be installed or loaded. Pure: what is known goes in, a verdict comes out.
//!
//! Two laws hold, and a test tries them on made-up cases: no revocation turns a refusal into acceptance, and neither
//! does taking signatures away. So a signature that is no good is as if it were not there: it never refuses by itself.

use std::collections::BTreeSet;

use image::Reference;
use model::Digest;
use thiserror::Error;

use crate::artifact::Artifact;
use crate::error::shown;
use crate::identity;
use crate::key::PublicKey;
use crate::payload::Payload;
use crate::policy::{Policy, Rule};
use crate::revocation::Revocations;
use crate::signature::Signature;

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built into the binary, or in a directory that the configuration names: the operator's own act. Signatures are
    /// not asked for; revocations count.
    Operator,
    /// A registry.
    Registry(Reference),
    /// A bundle or a single file.
    File,
}

/// What is to be decided about.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Digest of the manifest; `None` for a component that has none, as those of [`Origin::Operator`].
    pub digest: Option<&'a Digest>,
    /// Digest of the component.
    pub component: &'a Digest,
    /// Plugin id, read from the component itself.
    pub id: &'a str,
    /// Plugin version, read from the component itself.
    pub version: &'a str,
    /// Where it comes from.
    pub origin: &'a Origin,
}

impl<'a> Subject<'a> {
    /// The subject of an artifact, with what its component says of itself.
    #[must_use]
    pub fn of(artifact: &'a Artifact, id: &'a str, version: &'a str, origin: &'a Origin) -> Self {
        let component = artifact.component_digest();
        Self { digest: Some(artifact.digest()), component, id, version, origin }
    }

    fn has(&self, digest: &Digest) -> bool {
        self.digest == Some(digest) || self.component == digest
    }
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be used.
    Accepted {
        /// Names of those who have signed it, sorted; empty where none was asked for.
        signers: Vec<String>,
    },
    /// It may not be used, for these reasons. There is at least one; the first is the gravest.
    Refused(Vec<Refusal>),
}

impl Verdict {
    /// Whether it may be used.
    #[must_use]
    pub fn accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// Why a plugin may not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A revocation list names it.
    #[error("{what} is revoked: {reason}")]
    Revoked {
        /// The digest or version.
        what: String,
        /// What the list says.
        reason: String,
    },
    /// The registry is not on the list.
    #[error("plugins may not come from {repository}; plugins.registries names those they may come from")]
    Registry {
        /// Host and repository.
        repository: String,
    },
    /// No rule speaks of this plugin.
    #[error("no rule of plugins.trust is about {id}")]
    NoRule {
        /// Plugin id.
        id: String,
    },
    /// The rule names digests, and not this one.
    #[error("the rule for it pins other digests than {digest}")]
    NotPinned {
        /// Digest of the manifest or component.
        digest: Digest,
    },
    /// It has no signature at all.
    #[error("it has no signature, and the rule for it asks for one")]
    Unsigned,
    /// The signatures are no signatures.
    #[error("its signatures cannot be read as such: a payload is damaged")]
    SignatureInvalid,
    /// The signatures are good ones of something else.
    #[error("it is signed by {key}, but as something else: {what}")]
    SignatureForeign {
        /// Who.
        key: String,
        /// The digest or name that was signed.
        what: String,
    },
    /// A key that has signed is revoked.
    #[error("it is signed by {key}, and this key is revoked: {reason}")]
    KeyRevoked {
        /// Who.
        key: String,
        /// What the list says.
        reason: String,
    },
    /// Nobody who is known made the signatures.
    #[error("none of the keys and identities of the configuration has signed it")]
    SignerUnknown,
    /// Known signers have signed, and not those that are asked for.
    #[error("it lacks the signature of {missing}; it is signed by {found}")]
    SignerMissing {
        /// Names of signers.
        missing: String,
        /// Names of signers.
        found: String,
    },
}

impl Refusal {
    /// The stable word for this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Revoked { .. } => "plugin-revoked",
            Self::Registry { .. } => "plugin-registry-not-allowed",
            Self::NoRule { .. } => "plugin-without-rule",
            Self::NotPinned { .. } => "plugin-digest-not-pinned",
            Self::Unsigned => "plugin-unsigned",
            Self::SignatureInvalid => "plugin-signature-invalid",
            Self::SignatureForeign { .. } => "plugin-signature-foreign",
            Self::KeyRevoked { .. } => "plugin-key-revoked",
            Self::SignerUnknown => "plugin-signer-unknown",
            Self::SignerMissing { .. } => "plugin-signer-missing",
        }
    }
}

/// Decides whether a plugin may be installed, or loaded again.
#[must_use]
pub fn decide(
    subject: &Subject<'_>,
    signatures: &[Signature],
    policy: &Policy,
    revocations: &Revocations,
) -> Verdict {
    let mut refusals = revoked(subject, revocations);
    let mut signers = BTreeSet::new();
    if *subject.origin != Origin::Operator {
        if let Origin::Registry(reference) = subject.origin {
            refusals.extend(registry_refusal(reference, policy));
        }
        match policy.rule(subject.id) {
            None => refusals.push(Refusal::NoRule { id: shown(subject.id) }),
            Some(rule) => match signed(subject, rule, signatures, policy, revocations) {
                Ok(found) => signers = found,
                Err(refusal) => refusals.push(refusal),
            },
        }
    }
    if refusals.is_empty() {
        Verdict::Accepted { signers: signers.into_iter().collect() }
    } else {
        Verdict::Refused(refusals)
    }
}

/// Why plugins may not be fetched from this repository, if they may not. To be asked before the registry is.
#[must_use]
pub fn registry_refusal(reference: &Reference, policy: &Policy) -> Option<Refusal> {
    (!policy.admits(reference)).then(|| Refusal::Registry { repository: repository(reference) })
}

fn repository(reference: &Reference) -> String {
    format!("{}/{}", reference.host, reference.repository)
}

fn revoked(subject: &Subject<'_>, revocations: &Revocations) -> Vec<Refusal> {
    let digests = subject.digest.into_iter().chain([subject.component]);
    let by_digest = digests.filter_map(|digest| {
        let reason = shown(revocations.of_digest(digest)?);
        Some(Refusal::Revoked { what: digest.to_string(), reason })
    });
    let by_version = revocations.of_version(subject.id, subject.version).map(|entry| Refusal::Revoked {
        what: format!("{} below {}", shown(subject.id), entry.below),
        reason: shown(&entry.reason),
    });
    by_digest.chain(by_version).collect()
}

/// The keys that have signed, if they are those that the rule asks for.
fn signed(
    subject: &Subject<'_>,
    rule: &Rule,
    signatures: &[Signature],
    policy: &Policy,
    revocations: &Revocations,
) -> Result<BTreeSet<String>, Refusal> {
    if !rule.digests.is_empty() && !rule.digests.iter().any(|digest| subject.has(digest)) {
        let digest = subject.digest.unwrap_or(subject.component).clone();
        return Err(Refusal::NotPinned { digest });
    }
    let mut signers = BTreeSet::new();
    let mut worst = None;
    for signature in signatures {
        match signer(signature, subject, rule, policy, revocations) {
            Ok(names) => signers.extend(names),
            Err(refusal) if worst.as_ref().is_none_or(|known| weight(&refusal) > weight(known)) => {
                worst = Some(refusal);
            }
            Err(_) => {}
        }
    }
    let missing: Vec<&str> =
        rule.all_of.iter().filter(|name| !signers.contains(*name)).map(String::as_str).collect();
    let any = rule.any_of.is_empty() || rule.any_of.iter().any(|name| signers.contains(name));
    if rule.unsigned || (missing.is_empty() && any) {
        return Ok(signers);
    }
    if signers.is_empty() {
        return Err(worst.unwrap_or(Refusal::Unsigned));
    }
    let missing = if any { missing.join(" and ") } else { rule.any_of.join(" or ") };
    let found = signers.into_iter().collect::<Vec<_>>().join(", ");
    Err(Refusal::SignerMissing { missing, found })
}

/// Which of several signatures that do not count is the one to speak of: the one that came nearest.
fn weight(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::KeyRevoked { .. } => 3,
        Refusal::SignatureForeign { .. } => 2,
        Refusal::SignerUnknown => 1,
        _ => 0,
    }
}

/// The names of whoever made a signature, if it counts for this plugin: one key, or the identities that its owner is.
fn signer(
    signature: &Signature,
    subject: &Subject<'_>,
    rule: &Rule,
    policy: &Policy,
    revocations: &Revocations,
) -> Result<Vec<String>, Refusal> {
    let payload = Payload::read(&signature.payload).ok_or(Refusal::SignatureInvalid)?;
    let (names, id, described) = made_by(signature, policy).ok_or(Refusal::SignerUnknown)?;
    if let Some(reason) = revocations.of_key(&id) {
        return Err(Refusal::KeyRevoked { key: described, reason: shown(reason) });
    }
    let foreign = |what: &str| Refusal::SignatureForeign { key: described.clone(), what: shown(what) };
    if subject.digest != Some(&payload.digest) {
        return Err(foreign(payload.digest.as_str()));
    }
    let own = match subject.origin {
        Origin::Registry(reference) => payload.name == repository(reference),
        Origin::File | Origin::Operator => false,
    };
    if own || payload.name == subject.id || rule.signed_as.contains(&payload.name) {
        return Ok(names);
    }
    Err(foreign(&payload.name))
}

/// Who of the policy made a signature: their names, the id of the key, and a text for messages.
fn made_by(signature: &Signature, policy: &Policy) -> Option<(Vec<String>, Digest, String)> {
    let signers = policy.signers();
    let made = |key: &PublicKey| key.verifies(&signature.payload, &signature.signature);
    if let Some((name, key)) = signers.keys.iter().find(|(_, key)| made(key)) {
        return Some((vec![name.clone()], key.id(), name.clone()));
    }
    let (owner, id) = signers.authority.as_ref()?.owner(signature)?;
    let names = identity::names(&owner, signers.identities.iter());
    (!names.is_empty()).then(|| (names, id, identity::described(&owner)))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
