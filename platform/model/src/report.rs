//! The result of one scan, as the command line prints it and the store keeps it.

use serde::{Deserialize, Serialize};

use crate::{Coverage, Digest, Finding, OperatingSystem, Package};

/// What kind of thing was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A container image, from wherever it was read.
    Image,
    /// A root file system or any other directory.
    Directory,
    /// A software bill of materials that somebody else wrote.
    Sbom,
    /// A Kubernetes cluster.
    Cluster,
    /// An account of a cloud.
    Account,
    /// Source code under version control.
    Repository,
    /// A machine.
    Host,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::Directory,
        Self::Sbom,
        Self::Cluster,
        Self::Account,
        Self::Repository,
        Self::Host,
    ];

    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Directory => "directory",
            Self::Sbom => "sbom",
            Self::Cluster => "cluster",
            Self::Account => "account",
            Self::Repository => "repository",
            Self::Host => "host",
        }
    }

    /// Reads [`TargetKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Where a scan looked. Kept apart from the report's content, because the same content can be reached by many ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Target {
    /// Kind of thing.
    pub kind: TargetKind,
    /// What the user asked for: a reference, a path, a file name.
    pub reference: String,
    /// Digest of the image manifest; for `docker save` archives of the image configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// `os/architecture[/variant]` of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Uncompressed digests of the layers, lowest first, as the image configuration states them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Digest>,
}

/// What a scan found. A function of the scanned bytes, the plugins and the advisories alone: no time, no host name, no
/// path of the scanning machine, no order of work.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ScanReport {
    /// Version of this form; now `1`.
    pub schema: u32,
    /// The distribution, if the root has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OperatingSystem>,
    /// Sorted by the order of [`Package`].
    pub packages: Vec<Package>,
    /// Sorted by severity (worst first), then rule, then package, then key.
    pub findings: Vec<Finding>,
    /// What was seen and what was not.
    pub coverage: Coverage,
}
