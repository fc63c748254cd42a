//! What people make of findings: of one, and of many at once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{FindingClass, FindingState, Fingerprint, Justification, Severity, Triage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{FindingRow, JobState};

/// Why a finding is set aside, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingDecision {
    /// In words.
    pub reason: String,
    /// Why it is none, of a false positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<Justification>,
    /// Whose risk it is, of one that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who has agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Until when it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who wrote it down.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl From<store::Decision> for FindingDecision {
    fn from(decision: store::Decision) -> Self {
        let store::Decision { reason, justification, owner, approver, until, by, at } = decision;
        Self { reason, justification, owner, approver, until, by, at }
    }
}

/// What a person changes of a finding. What is not named stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FindingChange {
    /// Where they stand now. `reopened` cannot be said: scans see that.
    pub status: Option<Triage>,
    /// Why it is set aside; goes with `accepted` and `false-positive`.
    #[schema(max_length = 10000)]
    pub reason: Option<String>,
    /// Why it is none, in the words of OpenVEX; goes with `false-positive`.
    pub justification: Option<Justification>,
    /// Whose risk it is; goes with `accepted`.
    #[schema(max_length = 200)]
    pub owner: Option<String>,
    /// Who has agreed, somebody else than the owner; goes with `accepted`.
    #[schema(max_length = 200)]
    pub approver: Option<String>,
    /// Until when, at most two years; goes with `accepted`.
    pub until: Option<Timestamp>,
    /// A new assignee; null: nobody.
    #[serde(deserialize_with = "super::incidents::given")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub assignee: Option<Option<String>>,
    /// Tags that it gets.
    #[schema(max_items = 20)]
    pub add_tags: BTreeSet<String>,
    /// Tags that it loses.
    #[schema(max_items = 20)]
    pub remove_tags: BTreeSet<String>,
    /// Words for the history.
    #[schema(max_length = 10000)]
    pub comment: Option<String>,
    /// The version that the author has seen; of one finding only. With it, a change of what somebody else has changed meanwhile is refused.
    pub version: Option<u64>,
}

/// Which findings, as the parameters of the list say it; at least one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FindingSelection {
    /// These.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub fingerprints: Vec<Fingerprint>,
    /// Of one of these severities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Severity>,
    /// In one of these states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<FindingState>,
    /// Of one of these classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<FindingClass>,
    /// People stand so with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<Triage>,
    /// Known to be exploited, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kev: Option<bool>,
    /// With a fixed version, or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixable: Option<bool>,
    /// Kept without counting, or counting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<bool>,
    /// On this asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub asset: Option<String>,
    /// About the package of exactly this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub package: Option<String>,
    /// About the resource at exactly this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub subject: Option<String>,
    /// By exactly this rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub rule: Option<String>,
    /// Assigned to this person; `-`: to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub assignee: Option<String>,
    /// With this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub tag: Option<String>,
    /// That this one finds: `palisade`, or the name of a source of imports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub found_by: Option<String>,
    /// With at least this risk, 0–100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100)]
    pub risk_min: Option<u8>,
    /// That this filter of the language fits, as the parameter of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub filter: Option<String>,
    /// Only those that are open, count, and should be gone by the time that this is asked.
    pub overdue: bool,
    /// With this in the rule, the title or the package name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub q: Option<String>,
}

/// A change of many findings, to be made or to be tried.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFindingJob {
    /// Which findings: those that fit when their turn comes.
    pub filter: FindingSelection,
    /// What becomes of each.
    pub change: FindingChange,
    /// Only say which they are.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a change of many findings would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingJobPreview {
    /// How many findings fit.
    pub matched: u64,
    /// The first of them, the worst first; at most ten.
    pub examples: Vec<FindingRow>,
}

/// A change of many findings.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingJob {
    /// Its id.
    pub id: Uuid,
    /// What becomes of each, in a sentence.
    pub change: String,
    /// The change that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Uuid>,
    /// The change that takes this one back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<Uuid>,
    /// Who asked.
    pub by: String,
    /// Where it stands.
    pub state: JobState,
    /// Findings that fitted when it was accepted.
    pub matched: u64,
    /// Findings that are other than before.
    pub changed: u64,
    /// Findings that stayed as they were: they were so already, or somebody had changed them since.
    pub skipped: u64,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When somebody first worked at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Why it failed, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<store::FindingJob> for FindingJob {
    fn from(job: store::FindingJob) -> Self {
        let (error_code, error) = job.error.unzip();
        Self {
            id: job.id,
            change: job.ask.change.sentence(),
            undoes: job.undoes,
            undone_by: job.undone_by,
            by: job.by,
            state: job.state.into(),
            matched: job.matched,
            changed: job.changed,
            skipped: job.skipped,
            submitted_at: job.submitted_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            error_code,
            error,
        }
    }
}
