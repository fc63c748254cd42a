//! Images and directories that were scanned, and their packages.

use jiff::Timestamp;
use model::{AssetId, Coverage, Digest, OperatingSystem, Package, TargetKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Scan, SeverityCounts};

/// A scanned image or directory as a row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImageRow {
    /// Canonical id: the digest of an image.
    pub id: AssetId,
    /// Name for people.
    pub name: String,
    /// Other names it was scanned under, such as tags.
    pub aliases: Vec<String>,
    /// Kind of thing.
    pub kind: TargetKind,
    /// `os/architecture[/variant]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<OperatingSystem>,
    /// Packages in it.
    pub packages: u64,
    /// Things its last scan did not look at.
    pub gaps: u64,
    /// When its last scan ended.
    pub last_scan_at: Timestamp,
    /// Findings that are open and count, by severity.
    pub findings: SeverityCounts,
    /// Those of them known to be exploited.
    pub kev_open: u64,
    /// Those of them with a fixed version.
    pub fixable_open: u64,
}

impl From<store::AssetRow> for ImageRow {
    fn from(asset: store::AssetRow) -> Self {
        Self {
            id: asset.id,
            name: asset.name,
            aliases: asset.aliases,
            kind: asset.kind,
            platform: asset.platform,
            os: asset.os,
            packages: asset.packages,
            gaps: asset.gaps,
            last_scan_at: asset.last_scan_at,
            findings: asset.findings.into(),
            kev_open: asset.kev_open,
            fixable_open: asset.fixable_open,
        }
    }
}

/// A scanned image or directory in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImageDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub row: ImageRow,
    /// Uncompressed digests of its layers, lowest first.
    pub layers: Vec<Digest>,
    /// What its latest scan saw and what it did not.
    pub coverage: Coverage,
    /// Its latest scans, newest first, at most ten.
    pub scans: Vec<Scan>,
}

impl ImageDetail {
    /// The wire form of an asset and its latest scans.
    pub(crate) fn new(asset: store::AssetDetail, scans: Vec<store::Scan>) -> Self {
        Self {
            row: asset.row.into(),
            layers: asset.layers,
            coverage: asset.coverage,
            scans: scans.into_iter().map(Into::into).collect(),
        }
    }
}

/// A package of an image.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PackageRow {
    /// The package.
    #[serde(flatten)]
    pub package: Package,
}

impl From<Package> for PackageRow {
    fn from(package: Package) -> Self {
        Self { package }
    }
}
