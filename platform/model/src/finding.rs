//! A judged risk, with everything needed to believe it, rank it and mend it.

use serde::{Deserialize, Serialize};

use crate::{Evidence, PackageType, Severity, SourcePackage};

/// What sort of risk a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FindingClass {
    /// A package with a published vulnerability.
    Vulnerability,
    /// A configuration that is unsafe.
    Misconfiguration,
    /// A credential where it should not be.
    Secret,
    /// A file that is known to be harmful.
    Malware,
    /// A licence that a policy does not allow.
    License,
}

/// What the vendor offers against a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FixState {
    /// A release without the vulnerability exists.
    Fixed,
    /// The vendor says it is affected and has no release yet.
    NotFixed,
    /// The vendor says there will be none.
    WontFix,
    /// The vendor has postponed it.
    Deferred,
    /// The release is no longer maintained.
    EndOfLife,
    /// The record does not tell.
    Unknown,
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Fix {
    /// Whether there is one.
    pub state: FixState,
    /// Versions without the vulnerability that can replace the installed one, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

/// One CVSS rating. Several may stand side by side; the finding's severity says which one decided.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Cvss {
    /// `2.0`, `3.0`, `3.1` or `4.0`.
    pub version: String,
    /// The vector as published.
    pub vector: String,
    /// Base score computed from the vector, 0.0–10.0.
    pub score: f64,
    /// The record that carried it, such as `GHSA-…`.
    pub source: String,
}

/// Known to be exploited, by CISA's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Kev {
    /// Day it was added, `YYYY-MM-DD`.
    pub added: String,
    /// Day by which federal agencies must act, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Used by ransomware campaigns, as far as the catalogue knows.
    pub ransomware: bool,
}

/// Exploit Prediction Scoring System: how likely exploitation is within 30 days.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Epss {
    /// Probability, 0–1.
    pub score: f64,
    /// Share of all vulnerabilities that score lower or the same, 0–1.
    pub percentile: f64,
}

/// The package a finding is about, without its evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageRef {
    /// Package manager.
    #[serde(rename = "type")]
    pub kind: PackageType,
    /// Name.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Canonical package URL.
    pub purl: String,
    /// The source package that the advisory names, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
}

/// The feed record that led to a finding, and the comparison that decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FeedRecord {
    /// Record id, such as `DEBIAN-CVE-2024-3094`.
    pub id: String,
    /// OSV ecosystem it was published for, such as `Debian:12`.
    pub ecosystem: String,
    /// Package name in the record.
    pub package: String,
    /// When the record was last changed, as the feed writes it.
    pub modified: String,
    /// One sentence: what was compared with what, under which order, and what came out.
    pub reason: String,
}

/// Why a finding is kept but does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Suppression {
    /// Stable word: `owned-by-os-package`, `disputed`, `vex-not-affected`.
    pub code: String,
    /// One sentence for people.
    pub reason: String,
}

/// A judged risk on one asset by one rule at one location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Content key: the same rule at the same location gives the same key in every scan of every asset. The stored
    /// fingerprint adds tenant and asset to it. See [`crate::fingerprint`].
    pub key: String,
    /// What sort of risk.
    pub class: FindingClass,
    /// The rule: a CVE where there is one, else the record id or the plugin's rule id.
    pub rule: String,
    /// All ids of the same thing, `rule` first, the rest sorted.
    pub ids: Vec<String>,
    /// One line.
    pub title: String,
    /// The feed's or the plugin's text; hostile until escaped by whoever shows it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How bad, in one word.
    pub severity: Severity,
    /// Who says so: the record and field that decided, such as `GHSA-… CVSS 3.1`.
    pub severity_source: String,
    /// Every rating known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cvss: Vec<Cvss>,
    /// Set when exploitation is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<Kev>,
    /// Set when a prediction is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// The package, for findings about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageRef>,
    /// The way out.
    pub fix: Fix,
    /// Where, sorted.
    pub evidence: Vec<Evidence>,
    /// The feed records behind it, sorted; empty for findings that a plugin made itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<FeedRecord>,
    /// Links, in the order of the feed, without doubles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// What was compared with what, for findings that a plugin made itself: `found`, `wanted` and `patch` (RFC 6902, against the
    /// object) where the plugin knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<serde_json::Value>,
    /// Set when it is kept for the record but does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
}
