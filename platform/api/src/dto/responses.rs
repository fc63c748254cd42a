//! Responses: playbooks, their runs, what was planned and done, the ledger and the kill switch. Members are in camelCase here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A playbook on offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Playbook {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// What it is for.
    pub description: String,
    /// Filter over the detection event.
    pub trigger: String,
    /// Whether its trigger is in force; by hand it can be started either way.
    pub enabled: bool,
    /// `built-in`, or its file.
    pub origin: String,
    /// Its steps, in order.
    pub steps: Vec<PlaybookStep>,
    /// How many people have to agree.
    pub approvals: u32,
    /// Seconds after which what it did is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<i64>,
}

/// A step of a playbook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlaybookStep {
    /// Its id.
    pub id: String,
    /// The word of its action.
    pub action: String,
    /// `observing`, `reversible` or `destructive`.
    pub class: String,
}

/// All playbooks on offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Playbooks {
    /// By name.
    pub items: Vec<Playbook>,
}

/// A run of a playbook.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponseRow {
    /// Its id.
    pub id: String,
    /// Name of the playbook.
    pub playbook: String,
    /// Id of the incident.
    pub incident: String,
    /// `planning`, `asking`, `acting`, `leased` or `over`.
    pub phase: String,
    /// `succeeded`, `partial`, `refused`, `denied` or `expired`, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Whether it was only tried: nothing of it is kept.
    pub dry_run: bool,
    /// Who started it; `trigger` where nobody did.
    pub started_by: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// When its journal last grew.
    pub changed_at: Timestamp,
    /// When what it did is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// How many people have to agree.
    pub approvals_needed: u32,
    /// How many have.
    pub approvals_given: u32,
}

/// Runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Responses {
    /// The newest first.
    pub items: Vec<ResponseRow>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// A run with its plan and its journal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResponseDetail {
    /// The row.
    #[serde(flatten)]
    pub row: ResponseRow,
    /// What it would do, or does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<ResponsePlan>,
    /// What people decided.
    pub decisions: Vec<ResponseDecision>,
    /// Why nothing more is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// What happened, in words, the first first.
    pub journal: Vec<JournalLine>,
}

/// What somebody decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResponseDecision {
    /// Who.
    pub by: String,
    /// Whether they agree.
    pub agree: bool,
    /// When.
    pub at: Timestamp,
}

/// One entry of a journal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JournalLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// A plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponsePlan {
    /// Its digest, which a decision names.
    pub digest: String,
    /// When it was made.
    pub planned_at: Timestamp,
    /// What is done, in order.
    pub acts: Vec<PlannedAct>,
    /// Steps that are left out.
    pub skipped: Vec<SkippedStep>,
    /// Pods that would be cut off or ended.
    pub pods: Vec<String>,
    /// All pods of the cluster.
    pub pods_total: u64,
    /// Workloads whose number of pods changes.
    pub replicas: Vec<PlannedReplicas>,
    /// Disruption budgets of pods that are evicted.
    pub disruptions: Vec<PlannedDisruption>,
    /// What one should know before agreeing.
    pub warnings: Vec<String>,
    /// Why it must not be done; with one of these nothing is.
    pub refusals: Vec<String>,
}

/// One thing that is done to one object.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAct {
    /// Its idempotency key.
    pub key: String,
    /// Its step.
    pub step: String,
    /// The word of the step's action.
    pub action: String,
    /// `observing`, `reversible` or `destructive`.
    pub class: String,
    /// What it is done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `patch`, `create`, `delete`, `evict`, `collect` or `send`.
    pub change: String,
    /// Fields that become others.
    pub fields: Vec<FieldChange>,
    /// What the API server said when it was only tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<ActDryRun>,
    /// `waiting`, `asked`, `done`, `failed` or `back`.
    pub state: String,
    /// Why it failed, or what was left when it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Whether its effect was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// A field that becomes another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldChange {
    /// Names of the members on the way to it.
    pub path: Vec<String>,
    /// Before; absent: it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// After.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What the API server said of an act.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActDryRun {
    /// Whether it would be done.
    pub passes: bool,
    /// In its words.
    pub said: String,
}

/// A step that is left out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SkippedStep {
    /// The step.
    pub step: String,
    /// Why.
    pub why: String,
}

/// A workload whose number of pods changes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedReplicas {
    /// Which.
    pub target: String,
    /// Before.
    pub before: i64,
    /// After.
    pub after: i64,
}

/// A disruption budget.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedDisruption {
    /// Which.
    pub budget: String,
    /// How many of its pods may be missing now.
    pub allowed: i64,
    /// How many are to be evicted.
    pub evicted: u64,
}

/// A response to start.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewResponse {
    /// Name of the playbook.
    pub playbook: String,
    /// Id of the incident.
    pub incident: String,
    /// Plan and try it only: nothing is changed, and nothing kept.
    #[serde(default)]
    pub dry_run: bool,
}

/// A decision about a plan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// Whether the caller agrees.
    pub agree: bool,
    /// Digest of the plan that was read.
    pub digest: String,
    /// Why, for the server's log.
    #[serde(default)]
    pub note: Option<String>,
}

/// Why a run is called off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallOff {
    /// Why, for the server's log.
    #[serde(default)]
    pub why: Option<String>,
}

/// A record of the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerRecord {
    /// Its place, from 0.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What happened, such as `intended`, `applied` or `undone`.
    pub what: String,
    /// The action of its step; empty where it is about the whole run.
    pub action: String,
    /// Who, by name.
    pub by: Vec<String>,
    /// More about it.
    pub detail: String,
    /// The incident.
    pub incident: String,
    /// The run.
    pub run: String,
    /// What it was done to.
    pub target: String,
    /// Its hash, which the next record names.
    pub hash: String,
}

/// Records of the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerPage {
    /// In order.
    pub items: Vec<LedgerRecord>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// What a verification of the ledger said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerCheck {
    /// Records that follow from each other.
    pub records: u64,
    /// Hash of the last of them.
    pub head: String,
    /// The first that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<LedgerBreak>,
}

/// The first record that does not follow.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LedgerBreak {
    /// Its place.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Kill switches that are on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KillSwitches {
    /// That of everything first.
    pub items: Vec<KillSwitch>,
}

/// A kill switch that is on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KillSwitch {
    /// The playbook; empty for all.
    pub playbook: String,
    /// Why.
    pub why: String,
    /// Who turned it on.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A turn of the kill switch.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnKillSwitch {
    /// The playbook; empty for all.
    pub playbook: String,
    /// Why it is turned on; null turns it off.
    pub why: Option<String>,
}
