//! Incidents: one story each, of what was detected.

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::runtime::{Detection, moment};

/// Where people stand with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentStatus {
    /// Nobody has taken it up.
    Open,
    /// Somebody looks into it.
    Investigating,
    /// It can do no more harm.
    Contained,
    /// It is over.
    Closed,
}

impl From<store::IncidentStatus> for IncidentStatus {
    fn from(status: store::IncidentStatus) -> Self {
        match status {
            store::IncidentStatus::Open => Self::Open,
            store::IncidentStatus::Investigating => Self::Investigating,
            store::IncidentStatus::Contained => Self::Contained,
            store::IncidentStatus::Closed => Self::Closed,
        }
    }
}

impl From<IncidentStatus> for store::IncidentStatus {
    fn from(status: IncidentStatus) -> Self {
        match status {
            IncidentStatus::Open => Self::Open,
            IncidentStatus::Investigating => Self::Investigating,
            IncidentStatus::Contained => Self::Contained,
            IncidentStatus::Closed => Self::Closed,
        }
    }
}

/// What an incident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentDisposition {
    /// An attack, or a breach of policy.
    TruePositive,
    /// It happened, and it was meant to.
    Benign,
    /// It did not happen as it was told.
    FalsePositive,
}

impl From<store::Disposition> for IncidentDisposition {
    fn from(disposition: store::Disposition) -> Self {
        match disposition {
            store::Disposition::TruePositive => Self::TruePositive,
            store::Disposition::Benign => Self::Benign,
            store::Disposition::FalsePositive => Self::FalsePositive,
        }
    }
}

impl From<IncidentDisposition> for store::Disposition {
    fn from(disposition: IncidentDisposition) -> Self {
        match disposition {
            IncidentDisposition::TruePositive => Self::TruePositive,
            IncidentDisposition::Benign => Self::Benign,
            IncidentDisposition::FalsePositive => Self::FalsePositive,
        }
    }
}

/// An incident in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentRow {
    /// Its name: that of its first detection.
    pub id: String,
    /// One line for people: that of its worst step.
    pub title: String,
    /// The worst of its steps.
    pub severity: Severity,
    /// When it began.
    pub first: Timestamp,
    /// When anything of it was last seen.
    pub last: Timestamp,
    /// Where people stand.
    pub status: IncidentStatus,
    /// What it was.
    #[schema(required)]
    pub disposition: Option<IncidentDisposition>,
    /// Whose it is.
    #[schema(required)]
    pub assignee: Option<String>,
    /// Canonical ids of assets that took part.
    pub assets: Vec<String>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Detections in all.
    pub detections: u64,
    /// Different steps: one rule on one asset each.
    pub steps: u64,
    /// Sensors and plugins that say so.
    pub sources: u32,
    /// The incident that it became part of.
    #[schema(required)]
    pub merged_into: Option<String>,
    /// When it was first stored.
    pub opened_at: Timestamp,
    /// When anything of it last changed.
    pub changed_at: Timestamp,
    /// Grows with every change by people; a change names the version that its author has seen.
    pub version: u64,
}

impl From<store::Incident> for IncidentRow {
    fn from(incident: store::Incident) -> Self {
        let listed = incident.told.steps.as_array().map_or(0, Vec::len);
        Self {
            id: incident.told.id,
            title: incident.told.title,
            severity: incident.told.severity,
            first: moment(incident.told.first),
            last: moment(incident.told.last),
            status: incident.status.into(),
            disposition: incident.disposition.map(Into::into),
            assignee: incident.assignee,
            assets: incident.told.assets,
            techniques: incident.told.techniques,
            detections: incident.told.detections,
            steps: u64::try_from(listed).unwrap_or(0) + incident.told.left_out,
            sources: incident.told.source_count,
            merged_into: incident.merged_into,
            opened_at: incident.opened_at,
            changed_at: incident.changed_at,
            version: incident.version,
        }
    }
}

/// One rule on one asset within an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentStep {
    /// Plugin and rule.
    pub rule: String,
    /// Canonical id of the asset.
    pub asset: String,
    /// One line for people, of its first detection.
    pub title: String,
    /// The worst of its detections.
    pub severity: Severity,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// Detections.
    pub count: u64,
    /// Id of the first of them.
    pub detection: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
}

/// What somebody did with an incident.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentEntry {
    /// The incident it was written about, which may have become part of this one.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What became of `status`, `disposition` and `assignee`; `note`: words; `merged`: an incident that became part of this one.
    pub what: Value,
}

/// An incident with its story.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentDetail {
    /// The row.
    pub incident: IncidentRow,
    /// When somebody first took it up.
    #[schema(required)]
    pub acknowledged_at: Option<Timestamp>,
    /// When it was closed.
    #[schema(required)]
    pub closed_at: Option<Timestamp>,
    /// What happened, the first first.
    pub steps: Vec<IncidentStep>,
    /// Steps that had no room.
    pub left_out: u64,
    /// What people did with it, the oldest first.
    pub history: Vec<IncidentEntry>,
}

/// What a person changes of an incident. What is not named stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentChange {
    /// A new status.
    pub status: Option<IncidentStatus>,
    /// A new disposition; null takes it back.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<IncidentDisposition>)]
    pub disposition: Option<Option<IncidentDisposition>>,
    /// A new assignee; null: nobody.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub assignee: Option<Option<String>>,
    /// Words for the history.
    #[schema(max_length = 10000)]
    pub note: Option<String>,
    /// The version that the author has seen. With it, a change of what somebody else has changed meanwhile is refused.
    pub version: Option<u64>,
}

/// A member that is there, even as null, was given.
pub(super) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A step of an incident with detections that make it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineStep {
    /// The step.
    pub step: IncidentStep,
    /// Its detections, the newest first: ten of them, and the first of all.
    pub detections: Vec<Detection>,
}

/// What happened, the first first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentTimeline {
    /// Steps, at most 50.
    pub items: Vec<TimelineStep>,
    /// Steps beyond those.
    pub left_out: u64,
}

/// A thing that took part in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentNode {
    /// Its id in this answer: that of the asset, or `kind:name` where it is none or its cluster is not known.
    pub id: String,
    /// What it is: `workload`, `pod`, `container`, `node`, `image`, `principal`, `address`, `process`, `resource`, `asset`, or `place` for
    /// what has only a word, such as the internet.
    pub kind: String,
    /// Its whole name, without kind and cluster: `namespace/Kind/name` of a workload, `namespace/name` of a pod, the first 12 digits of a
    /// container's id, the user name of a principal.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Canonical id of the asset that it is.
    pub asset: Option<String>,
    /// The worst that was detected on it; `unknown` if it is only on the way.
    pub severity: Severity,
}

/// How two of them are joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentEdge {
    /// From which.
    pub from: String,
    /// To which.
    pub to: String,
    /// How, in a word.
    pub edge: String,
    /// Why this is known.
    pub why: String,
    /// Ids of the detections that it was made of, the earliest first.
    #[schema(max_items = 20)]
    pub proof: Vec<String>,
}

/// What took part in an incident, and how that is joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentGraph {
    /// Things, at most 200, sorted by id.
    pub nodes: Vec<IncidentNode>,
    /// How they are joined, sorted.
    pub edges: Vec<IncidentEdge>,
    /// Whether there was more, and something of it was left out.
    pub cut: bool,
}
