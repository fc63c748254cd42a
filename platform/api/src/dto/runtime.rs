//! Run-time events: where they come from, what they say, and what was found in them.

use jiff::Timestamp;
use model::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A time of an event, which is kept in nanoseconds.
pub(crate) fn moment(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::MAX)
}

/// A place that events come from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventSource {
    /// Its name; part of the address of its door, `/api/v1/ingest/{name}`.
    pub name: String,
    /// The format of its events.
    #[schema(example = "falco")]
    pub format: String,
    /// The cluster that its events are about, by the uid of its namespace `kube-system`.
    #[schema(required)]
    pub cluster: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When its token was last replaced.
    #[schema(required)]
    pub rotated_at: Option<Timestamp>,
    /// Whether its door is closed.
    pub disabled: bool,
    /// When something of it was last judged.
    #[schema(required)]
    pub last_at: Option<Timestamp>,
    /// Events that were judged.
    pub events: u64,
    /// Events that came again, and counted once.
    pub repeated: u64,
    /// Elements that could not be read.
    pub problems: u64,
    /// Events that came too late to be put in order; rules over single events have judged them all the same.
    pub late: u64,
    /// Events that its sensors say they lost.
    pub drops: u64,
    /// What could not be read last.
    #[schema(required)]
    pub last_problem: Option<String>,
}

impl From<store::EventSource> for EventSource {
    fn from(source: store::EventSource) -> Self {
        let store::EventSource {
            name,
            format,
            cluster,
            created_at,
            created_by,
            rotated_at,
            disabled,
            last_at,
            events,
            repeated,
            problems,
            late,
            drops,
            last_problem,
        } = source;
        Self {
            name,
            format,
            cluster,
            created_at,
            created_by,
            rotated_at,
            disabled,
            last_at,
            events,
            repeated,
            problems,
            late,
            drops,
            last_problem,
        }
    }
}

/// Every source, and which formats there are. Not paged: an installation has few.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventSources {
    /// By name.
    pub items: Vec<EventSource>,
    /// Formats that a source can have.
    pub formats: Vec<String>,
}

/// A source to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEventSource {
    /// Its name: 1 to 40 of `a-z`, `0-9` and `-`.
    #[schema(example = "falco-prod", min_length = 1, max_length = 40)]
    pub name: String,
    /// The format of its events, one of the formats of the list.
    #[schema(example = "falco")]
    pub format: String,
    /// The cluster that its events are about, by the uid of its namespace `kube-system`.
    pub cluster: Option<String>,
}

/// A source and its token, which is shown only now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventSourceToken {
    /// The source.
    pub source: EventSource,
    /// What opens its door: as a bearer token, as the password of any user, or in `X-Palisade-Token`.
    pub token: String,
}

/// A sensor that events come from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Sensor {
    /// The source.
    pub source: String,
    /// Its name, mostly that of a machine.
    pub sensor: String,
    /// `seeing`, `blind` (it lost events within the last ten minutes) or `silent` (nothing came from it for fifteen minutes).
    #[schema(example = "blind")]
    pub state: String,
    /// When it was first heard of.
    pub first_at: Timestamp,
    /// When it was last heard of.
    pub last_at: Timestamp,
    /// When it last lost events.
    #[schema(required)]
    pub blind_at: Option<Timestamp>,
    /// Events that it lost.
    pub drops: u64,
    /// How often it said something of itself.
    pub reports: u64,
    /// What it said last, in a word.
    pub reason: String,
}

impl From<store::Sensor> for Sensor {
    fn from(sensor: store::Sensor) -> Self {
        let store::Sensor { source, sensor, state, first_at, last_at, blind_at, drops, reports, reason } =
            sensor;
        let state = state.as_str().to_owned();
        Self { source, sensor, state, first_at, last_at, blind_at, drops, reports, reason }
    }
}

/// Every sensor. Not paged; at most 10,000.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Sensors {
    /// By source and name.
    pub items: Vec<Sensor>,
    /// How many see everything.
    pub seeing: u64,
    /// How many have lost events.
    pub blind: u64,
    /// How many say nothing.
    pub silent: u64,
}

/// An event in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuntimeEvent {
    /// Its id: the same event always has the same one.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// When it was judged.
    pub received_at: Timestamp,
    /// The source that it came from.
    pub source: String,
    /// What kind of log or sensor said it.
    pub origin: String,
    /// What sort of event it is.
    #[schema(example = "process.exec")]
    pub kind: String,
    /// How bad, where the sensor judged it.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// Canonical id of the asset it speaks of.
    pub asset: String,
    /// The cluster.
    #[schema(required)]
    pub cluster: Option<String>,
    /// The machine.
    #[schema(required)]
    pub node: Option<String>,
    /// The namespace.
    #[schema(required)]
    pub namespace: Option<String>,
    /// What owns the pod, as `Kind/name`.
    #[schema(required)]
    pub workload: Option<String>,
    /// The first 12 digits of the container's id.
    #[schema(required)]
    pub container: Option<String>,
    /// Digest of the image.
    #[schema(required)]
    pub image: Option<String>,
    /// Who acted.
    #[schema(required)]
    pub principal: Option<String>,
    /// Whether it came too late to be put in order.
    pub late: bool,
}

impl From<store::EventRow> for RuntimeEvent {
    fn from(row: store::EventRow) -> Self {
        Self {
            id: row.id,
            time: moment(row.time),
            received_at: row.received_at,
            source: row.source,
            origin: row.origin,
            kind: row.kind,
            severity: row.severity,
            title: row.title,
            asset: row.asset,
            cluster: row.cluster,
            node: row.node,
            namespace: row.namespace,
            workload: row.workload,
            container: row.container,
            image: row.image,
            principal: row.principal,
            late: row.late,
        }
    }
}

/// An event with everything that is known of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuntimeEventDetail {
    /// The row.
    pub event: RuntimeEvent,
    /// The normalised event; `raw` in it is what the source said. See `plugins/EVENTS.md`.
    pub body: Value,
    /// Ids of detections that it proves.
    pub detections: Vec<String>,
}

/// A process in a tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProcessNode {
    /// Its key in this answer.
    pub key: String,
    /// Key of the process that made it; null for one whose parent is not known.
    #[schema(required)]
    pub parent: Option<String>,
    /// Its program.
    pub binary: String,
    /// Its arguments.
    pub arguments: String,
    /// Its user.
    #[schema(required)]
    pub user: Option<String>,
    /// Its process id.
    #[schema(required)]
    pub pid: Option<u64>,
    /// When it was first seen.
    #[schema(required)]
    pub first: Option<Timestamp>,
    /// Events of it: ids, at most 50, the first first.
    pub events: Vec<String>,
    /// Whether the event that was asked about is one of them.
    pub asked: bool,
}

/// What processes of a container did around an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProcessTree {
    /// The container, by the first 12 digits of its id; null if the event names none.
    #[schema(required)]
    pub container: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Its processes; whoever made another comes before it.
    pub processes: Vec<ProcessNode>,
    /// Whether there was more than is told.
    pub cut: bool,
}

/// A detection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Detection {
    /// Its id: the same detection always has the same one.
    pub id: String,
    /// Plugin and rule; of alerts `sensor`, the kind of sensor and its rule.
    #[schema(example = "palisade.sigma/k8s-request-forbidden")]
    pub rule: String,
    /// Digest of the plugin, or `sensor`.
    pub plugin: String,
    /// One line for people.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Canonical id of the asset at risk.
    pub asset: String,
    /// What joins it to others.
    pub key: String,
    /// Time of its first event.
    pub first: Timestamp,
    /// Time of its last event.
    pub last: Timestamp,
    /// When it was found.
    pub found_at: Timestamp,
    /// Whether one of its events came too late to be put in order.
    pub late: bool,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// What was compared with what.
    pub evidence: Value,
    /// Whom and what its first event is about.
    pub subject: Value,
    /// What says that it need not be told: `suppression:ID` or `baseline:PROFILE`.
    #[schema(required)]
    pub suppressed_by: Option<String>,
}

impl From<store::DetectionRow> for Detection {
    fn from(row: store::DetectionRow) -> Self {
        Self {
            id: row.id,
            rule: row.rule,
            plugin: row.plugin,
            title: row.title,
            severity: row.severity,
            asset: row.asset,
            key: row.key,
            first: moment(row.first),
            last: moment(row.last),
            found_at: row.found_at,
            late: row.late,
            techniques: row.techniques,
            evidence: row.evidence,
            subject: row.subject,
            suppressed_by: row.suppressed_by,
        }
    }
}

/// A detection and what proves it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DetectionDetail {
    /// The detection.
    pub detection: Detection,
    /// Events that prove it, as far as they are kept.
    pub events: Vec<RuntimeEvent>,
}

/// How a rule does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuntimeRule {
    /// Plugin and rule.
    pub rule: String,
    /// Title of one of its detections.
    pub title: String,
    /// The worst of its detections.
    pub severity: Severity,
    /// Its detections.
    pub detections: u64,
    /// Those among them that were suppressed.
    pub suppressed: u64,
    /// When it last fired.
    pub last: Timestamp,
    /// Judged incidents that it is a step of: attacks.
    pub true_positives: u64,
    /// Those that were meant to happen.
    pub benign: u64,
    /// Those that did not happen as told.
    pub false_positives: u64,
    /// Share of attacks among judged incidents; null before any was judged.
    #[schema(required)]
    pub precision: Option<f64>,
}

impl From<store::RuleFigures> for RuntimeRule {
    fn from(figures: store::RuleFigures) -> Self {
        Self {
            precision: figures.precision(),
            rule: figures.rule,
            title: figures.title,
            severity: figures.severity,
            detections: figures.detections,
            suppressed: figures.suppressed,
            last: moment(figures.last),
            true_positives: figures.true_positives,
            benign: figures.benign,
            false_positives: figures.false_positives,
        }
    }
}

/// Rules that fired, the most frequent first; at most 1,000.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuntimeRules {
    /// The rules.
    pub items: Vec<RuntimeRule>,
    /// Days that were counted.
    pub days: u32,
}

/// What need not be told, until when, and who said so.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RuntimeSuppression)]
pub struct Suppression {
    /// Its id.
    pub id: Uuid,
    /// Rules; `*` stands for any characters.
    pub rule: String,
    /// Assets, by canonical id; `*` stands for any characters.
    pub asset: String,
    /// What else has to hold of the detection.
    #[schema(required)]
    pub filter: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When somebody ended it.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Whether it is in force.
    pub active: bool,
    /// Detections that it has kept quiet.
    pub hits: u64,
    /// When it last did.
    #[schema(required)]
    pub last_hit: Option<Timestamp>,
}

impl Suppression {
    pub(crate) fn of(stored: store::Suppression, now: Timestamp) -> Self {
        let store::Suppression { id, said, ended_at, hits, last_hit } = stored;
        let store::NewSuppression { rule, asset, filter, reason, owner, created_at, expires_at } = said;
        let active = ended_at.is_none() && expires_at > now;
        Self {
            id,
            rule,
            asset,
            filter,
            reason,
            owner,
            created_at,
            expires_at,
            ended_at,
            active,
            hits,
            last_hit,
        }
    }
}

/// Every suppression, the newest first, those that ended too.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Suppressions {
    /// The suppressions.
    pub items: Vec<Suppression>,
}

/// A suppression to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuppression {
    /// Rules, as `PLUGIN/RULE` or `sensor/KIND/RULE`; `*` stands for any characters.
    #[schema(example = "sensor/falco/Contact K8S API Server From Container", max_length = 1024)]
    pub rule: String,
    /// Assets, by canonical id; `*` stands for any characters. All of them by default.
    #[serde(default = "any")]
    #[schema(required = false, default = "*", max_length = 1024)]
    pub asset: String,
    /// What else has to hold of the detection, in the language of filters, such as `process.binary:/usr/bin/curl`.
    #[schema(max_length = 4096)]
    pub filter: Option<String>,
    /// Why, in a sentence.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it ends: within a year.
    pub expires_at: Timestamp,
}

fn any() -> String {
    "*".to_owned()
}

/// What a sender is told of what it sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IngestReceipt {
    /// Events that will be judged; those that are known already count once.
    pub events: u64,
    /// Words of sensors about themselves.
    pub health: u64,
    /// Elements that could not be read, the first 20.
    pub problems: Vec<IngestProblem>,
    /// All of them.
    pub problems_total: u64,
}

/// An element that could not be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IngestProblem {
    /// Its place in the body, from 0.
    pub index: u64,
    /// Why not.
    pub message: String,
}
