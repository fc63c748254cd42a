//! What a scan saw, what it could not see, and how old the data was that judged it.
//!
//! "No findings" means nothing without this. A gap is never an error message for a log: it is part of the result.

use serde::{Deserialize, Serialize};

/// Why something was not looked at. The words are stable and documented in `platform/error-codes/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GapCode {
    /// More directory entries than the cap allows.
    EntryLimit,
    /// A path nested deeper than the cap allows.
    DepthLimit,
    /// A name longer than the cap allows.
    NameLimit,
    /// A file or layer larger than the cap allows.
    SizeLimit,
    /// A stream that expands more than the cap allows.
    RatioLimit,
    /// The time cap ran out.
    TimeLimit,
    /// A name that is not UTF-8, absolute, or leads out of the root.
    UnsafePath,
    /// A link that leads nowhere, out of the root, or in a circle.
    BrokenLink,
    /// An archive, layer or database that ends early or contradicts itself.
    Corrupt,
    /// A media type or format nobody here reads.
    Unsupported,
    /// The operating system refused to let us read it.
    Unreadable,
    /// The operator said that it is not to be looked at.
    Excluded,
    /// A plugin could not parse a file.
    ParseError,
    /// A plugin call failed (trap, limit, denial); what it would have seen is missing.
    PluginFault,
    /// The distribution is missing or unknown, so its packages cannot be judged.
    UnknownDistribution,
    /// No advisories are loaded for an ecosystem that has packages.
    NoAdvisories,
    /// A version that its ecosystem's order cannot read.
    UnreadableVersion,
    /// A kind of object was not among what was read, or may not be listed, so nothing is known of its objects.
    NotCollected,
    /// A check could not be done on an object.
    CheckError,
}

impl GapCode {
    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntryLimit => "entry-limit",
            Self::DepthLimit => "depth-limit",
            Self::NameLimit => "name-limit",
            Self::SizeLimit => "size-limit",
            Self::RatioLimit => "ratio-limit",
            Self::TimeLimit => "time-limit",
            Self::UnsafePath => "unsafe-path",
            Self::BrokenLink => "broken-link",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Unreadable => "unreadable",
            Self::Excluded => "excluded",
            Self::ParseError => "parse-error",
            Self::PluginFault => "plugin-fault",
            Self::UnknownDistribution => "unknown-distribution",
            Self::NoAdvisories => "no-advisories",
            Self::UnreadableVersion => "unreadable-version",
            Self::NotCollected => "not-collected",
            Self::CheckError => "check-error",
        }
    }
}

/// One thing that was not looked at. Ordered by code, then subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Gap {
    /// Why, as a stable word.
    pub code: GapCode,
    /// What: a path in the root, an ecosystem, a plugin id, or `image` for the whole.
    pub subject: String,
    /// Why, as a sentence with the figures that matter.
    pub reason: String,
}

/// One analyzer that took part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AnalyzerCoverage {
    /// Plugin id.
    pub plugin: String,
    /// Plugin version.
    pub version: String,
    /// Digest of the component that ran.
    pub digest: String,
}

/// Whether the packages of an ecosystem could be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EcosystemCoverage {
    /// OSV ecosystem with its release, such as `Debian:12`.
    pub ecosystem: String,
    /// Packages of the scan that belong to it.
    pub packages: u64,
    /// Advisory records loaded for it; zero means "no data", never "no findings".
    pub records: u64,
}

/// The advisory data that judged the packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AdvisoryData {
    /// Where it came from, for people: a URL, a file name, or `built-in sample`.
    pub source: String,
    /// Latest change of any record in it, as the feeds write it; empty when there is none.
    pub as_of: String,
    /// Digest of the index.
    pub digest: String,
}

/// The coverage statement of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// Nothing was skipped and every ecosystem had data.
    pub complete: bool,
    /// Who looked, sorted.
    pub analyzers: Vec<AnalyzerCoverage>,
    /// What judged; absent when no advisories are loaded at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advisories: Option<AdvisoryData>,
    /// Per ecosystem, sorted.
    pub ecosystems: Vec<EcosystemCoverage>,
    /// What was not looked at, sorted, without doubles.
    pub gaps: Vec<Gap>,
}
