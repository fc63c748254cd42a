//! The advisory data in use.

use serde::Serialize;
use utoipa::ToSchema;

/// Which advisories judge the packages, and how old they are.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct AdvisoryStatus {
    /// Whether any are loaded. When not, no package can be judged and every scan says so in its coverage.
    pub loaded: bool,
    /// Where they came from, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Latest change of any record, as the feeds write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Digest of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether this is the small built-in sample, which proves nothing about what it does not contain.
    pub sample: bool,
    /// Records in all. Less than the sum over the ecosystems, because a record may speak of several.
    pub records: u64,
    /// Records per ecosystem, by name.
    pub ecosystems: Vec<EcosystemRecords>,
    /// Entries of the catalogue of known exploited vulnerabilities.
    pub kev: u64,
    /// Entries with an exploit prediction.
    pub epss: u64,
}

/// How many advisory records an ecosystem has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EcosystemRecords {
    /// OSV ecosystem with its release, such as `Debian:12`.
    pub ecosystem: String,
    /// Records.
    pub records: u64,
}
