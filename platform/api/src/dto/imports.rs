//! Reports of other tools.

use jiff::Timestamp;
use model::{AssetId, Gap, TargetKind};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{JobState, ScanFailure, ScanSummary};

/// A report of another tool, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// Name of the source.
    pub source: String,
    /// Who sent it.
    pub by: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Where it stands.
    pub state: JobState,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When it was first worked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ImportOutcome>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScanFailure>,
}

/// What came of a report, or would.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportOutcome {
    /// Its format.
    pub format: String,
    /// Who wrote it.
    pub tool: String,
    /// In which version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// When, if the report says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
    /// What it is about, in its order.
    pub targets: Vec<ImportedTarget>,
    /// Results that could not be used. While there are any, nothing is closed: it may be among them.
    pub skipped: u64,
    /// What was not used and why, with a JSON pointer; the first of them.
    pub gaps: Vec<Gap>,
}

/// What became of the findings of one thing that a report is about.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportedTarget {
    /// Id of the asset.
    pub asset: AssetId,
    /// Its name.
    pub name: String,
    /// Kind of thing.
    pub kind: TargetKind,
    /// The scan under which its findings came.
    pub scan: Uuid,
    /// How many findings are new, gone, back, as before.
    pub summary: ScanSummary,
}

impl From<store::Import> for Import {
    fn from(import: store::Import) -> Self {
        Self {
            id: import.id,
            source: import.source,
            by: import.by,
            bytes: import.bytes,
            digest: import.digest,
            state: import.state.into(),
            submitted_at: import.submitted_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
            outcome: import.outcome.map(ImportOutcome::from),
            error: import.error.map(|(code, message)| ScanFailure { code, message }),
        }
    }
}

impl From<store::ImportOutcome> for ImportOutcome {
    fn from(outcome: store::ImportOutcome) -> Self {
        let target = |target: store::ImportedTarget| ImportedTarget {
            asset: target.asset,
            name: target.name,
            kind: target.kind,
            scan: target.scan,
            summary: target.summary.into(),
        };
        Self {
            format: outcome.format,
            tool: outcome.tool,
            tool_version: outcome.tool_version,
            made_at: outcome.made_at,
            targets: outcome.targets.into_iter().map(target).collect(),
            skipped: outcome.skipped,
            gaps: outcome.gaps,
        }
    }
}
