//! Scans: the jobs.

use jiff::Timestamp;
use model::{AssetId, TargetKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::SeverityCounts;

/// What to scan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScan {
    /// Kind of thing.
    pub kind: ScanKind,
    /// For an image, a reference such as `registry.example/team/app:1.2`, or `oci:DIR[:TAG]`, `oci-archive:FILE`,
    /// `docker-archive:FILE` below a scan root; for a directory, and for the files of a cluster, an absolute path below a scan
    /// root; for a cluster with an API server and for an account, its name in the server's configuration; for what was collected of
    /// an account before, the absolute path of the file below a scan root.
    #[schema(min_length = 1, max_length = 1024, example = "registry.example/team/app:1.2")]
    pub reference: String,
    /// Which image of a multi-platform one, as `os/architecture[/variant]`; the server's own by default.
    #[schema(min_length = 3, max_length = 100, example = "linux/amd64")]
    pub platform: Option<String>,
}

/// Kinds of things that can be scanned through this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanKind {
    /// A container image.
    Image,
    /// A directory of the server's machine.
    Directory,
    /// A Kubernetes cluster, by its name in the server's configuration, or by the files of a directory of the server's machine that
    /// `kubectl get --output json` wrote.
    Cluster,
    /// An account of a cloud, by its name in the server's configuration, or by a file of the server's machine that `palisade account
    /// collect` wrote.
    Account,
}

impl From<ScanKind> for TargetKind {
    fn from(kind: ScanKind) -> Self {
        match kind {
            ScanKind::Image => Self::Image,
            ScanKind::Directory => Self::Directory,
            ScanKind::Cluster => Self::Cluster,
            ScanKind::Account => Self::Account,
        }
    }
}

/// A scan and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Scan {
    /// Its id.
    pub id: Uuid,
    /// Kind of thing that is scanned.
    pub kind: TargetKind,
    /// What was asked for.
    pub reference: String,
    /// Which platform was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// How far it is.
    pub state: ScanState,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When a worker took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended, well or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScanFailure>,
    /// What it turned out to be about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetId>,
    /// What came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ScanSummary>,
    /// Name of the source whose report brought it; absent for a scan of our own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How far a scan is. Each state is entered once, in this order; the last two are ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanState {
    /// Accepted, and kept whatever happens to the process.
    Queued,
    /// A worker has it.
    Running,
    /// Its findings are in the store.
    Finished,
    /// It could not be done.
    Failed,
}

impl ScanState {
    /// Whether nothing will follow.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Failed)
    }

    /// Number of the state in the life of a scan: the id of its event.
    #[must_use]
    pub fn sequence(self) -> u64 {
        match self {
            Self::Queued => 1,
            Self::Running => 2,
            Self::Finished | Self::Failed => 3,
        }
    }
}

/// Why a scan failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScanFailure {
    /// Stable word.
    pub code: String,
    /// What happened.
    pub message: String,
}

/// What came out of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScanSummary {
    /// Packages found.
    pub packages: u64,
    /// Things that were not looked at.
    pub gaps: u64,
    /// Findings seen for the first time.
    pub opened: u64,
    /// Findings that are gone.
    pub fixed: u64,
    /// Findings that came back.
    pub reopened: u64,
    /// Findings whose severity, fix, exploitation or suppression changed.
    pub changed: u64,
    /// Findings that were not seen but stay open, because a gap could hide them.
    pub hidden: u64,
    /// Findings seen as they were before.
    pub unchanged: u64,
    /// Findings that were not seen here any more but stay open, because somebody else sees them.
    pub elsewhere: u64,
    /// A newer scan of the same thing had ended before, so nothing was merged.
    pub superseded: bool,
    /// Findings that count, by severity.
    pub findings: SeverityCounts,
}

impl From<store::Scan> for Scan {
    fn from(scan: store::Scan) -> Self {
        Self {
            id: scan.id,
            kind: scan.request.kind,
            reference: scan.request.reference,
            platform: scan.request.platform,
            state: scan.state.into(),
            submitted_at: scan.submitted_at,
            started_at: scan.started_at,
            finished_at: scan.finished_at,
            error: scan.error.map(|error| ScanFailure { code: error.code, message: error.message }),
            asset: scan.asset,
            summary: scan.summary.map(Into::into),
            source: scan.source,
        }
    }
}

impl From<store::ScanState> for ScanState {
    fn from(state: store::ScanState) -> Self {
        match state {
            store::ScanState::Queued => Self::Queued,
            store::ScanState::Running => Self::Running,
            store::ScanState::Finished => Self::Finished,
            store::ScanState::Failed => Self::Failed,
        }
    }
}

impl From<store::Summary> for ScanSummary {
    fn from(summary: store::Summary) -> Self {
        Self {
            packages: summary.packages,
            gaps: summary.gaps,
            opened: summary.opened,
            fixed: summary.fixed,
            reopened: summary.reopened,
            changed: summary.changed,
            hidden: summary.hidden,
            unchanged: summary.unchanged,
            elsewhere: summary.elsewhere,
            superseded: summary.superseded,
            findings: summary.findings.into(),
        }
    }
}
