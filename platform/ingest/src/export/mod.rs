//! Stored findings in the forms that others read: a table (CSV), OCSF and OpenVEX.
//!
//! Each is written finding by finding, so that a list of millions needs no memory: a head, one piece for each, a tail.

pub mod csv;
pub mod ocsf;
pub mod openvex;

use jiff::Timestamp;
use model::{Finding, FindingState, Fingerprint, Justification, TargetKind, Triage};

/// A finding with everything that is said of it.
#[derive(Debug, Clone, Copy)]
pub struct Exported<'a> {
    /// Its identity.
    pub fingerprint: &'a Fingerprint,
    /// Canonical id of its asset; the digest of an image.
    pub asset: &'a str,
    /// The name by which the asset was scanned.
    pub asset_name: &'a str,
    /// What kind of thing the asset is.
    pub asset_kind: TargetKind,
    /// Whether it is there.
    pub state: FindingState,
    /// Where people stand with it.
    pub status: Triage,
    /// Why it is set aside.
    pub decision: Option<Said<'a>>,
    /// Whose it is.
    pub assignee: Option<&'a str>,
    /// What people call it.
    pub tags: &'a [String],
    /// When it has to be gone.
    pub due_at: Option<Timestamp>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was found to be gone.
    pub fixed_at: Option<Timestamp>,
    /// How much it matters where it is, 0–100.
    pub risk: u8,
    /// What was found.
    pub finding: &'a Finding,
}

/// Why a finding is set aside, and who answers for it.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// In words.
    pub reason: &'a str,
    /// Why it is none.
    pub justification: Option<Justification>,
    /// Whose risk it is.
    pub owner: Option<&'a str>,
    /// Who has agreed.
    pub approver: Option<&'a str>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// When it was written down.
    pub at: Timestamp,
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;
    use model::{Finding, FindingState, Fingerprint, Justification, TargetKind, Triage};

    use super::{Exported, Said};

    /// Hands a finding whose texts a stranger wrote to a test.
    pub(crate) fn with(status: Triage, state: FindingState, test: impl FnOnce(&Exported<'_>)) {
        let finding: Finding = serde_json::from_value(serde_json::json!({
            "key": "k", "class": "vulnerability", "rule": "CVE-2024-1", "ids": ["CVE-2024-1", "GHSA-x"],
            "title": "=HYPERLINK(\"http://evil\")", "description": "a, \"b\"\nc", "severity": "high", "severity_source": "s",
            "cvss": [{ "version": "3.1", "vector": "CVSS:3.1/AV:N", "score": 8.8, "source": "GHSA-x" }],
            "epss": { "score": 0.5, "percentile": 0.9 },
            "package": { "type": "npm", "name": "@x/y", "version": "1.0", "purl": "pkg:npm/%40x/y@1.0" },
            "fix": { "state": "fixed", "versions": ["1.1", "2.0"] },
            "evidence": [{ "path": "app/package.json", "method": "m", "confidence": "high" }],
        }))
        .unwrap();
        let decision = Said {
            reason: "never built",
            justification: Some(Justification::VulnerableCodeNotPresent),
            owner: Some("ann"),
            approver: Some("bob"),
            until: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            at: "2026-01-02T00:00:00Z".parse().unwrap(),
        };
        test(&Exported {
            fingerprint: &Fingerprint("f".into()),
            asset: "sha256:00",
            asset_name: "registry.example:5000/team/app:1.2",
            asset_kind: TargetKind::Image,
            state,
            status,
            decision: status.is_aside().then_some(decision),
            assignee: Some("dan"),
            tags: &["a".to_owned(), "b".to_owned()],
            due_at: None,
            first_seen_at: Timestamp::UNIX_EPOCH,
            last_seen_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            fixed_at: None,
            risk: 42,
            finding: &finding,
        });
    }
}
