//! Run-time events and what was detected in them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use model::Severity;
use respond::filter::Filter;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{DetectionFilter, EventFilter};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{
    Detection, DetectionDetail, NewSuppression, Page, ProcessTree, RuntimeEvent, RuntimeEventDetail,
    RuntimeRule, RuntimeRules, Suppression, Suppressions, moment,
};
use crate::extract::{Body, Nothing, PageParams, Path, Query, Text, Word as _};
use crate::problem::Problem;
use crate::processes;

/// Around an event, what processes of its container did before and after is shown.
const TREE_BEFORE: SignedDuration = SignedDuration::from_mins(60);
const TREE_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Days over which rules are counted by default.
const RULE_DAYS: u32 = 30;
/// Longest time that a suppression may hold, in days.
const SUPPRESSION_DAYS_MAX: i64 = 366;

/// A word for a severity, in a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtLeast(pub(crate) Severity);

impl<'de> Deserialize<'de> for AtLeast {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = || Severity::words().join(", ");
        let severity = Severity::read(&word);
        severity.map(Self).ok_or_else(|| serde::de::Error::custom(format!("must be one of {}", known())))
    }
}

pub(crate) fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or(0)
}

/// Which events. Parameters narrow each other down.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Name of a source.
    #[param(value_type = Option<String>, max_length = 1024)]
    source: Option<Text>,
    /// Kind of log or sensor, such as `falco` or `kubernetes-audit`.
    #[param(value_type = Option<String>, max_length = 1024)]
    origin: Option<Text>,
    /// Sort of event, such as `process.exec`, `api.call` or `alert`.
    #[param(value_type = Option<String>, max_length = 1024)]
    kind: Option<Text>,
    /// At least this bad.
    #[param(value_type = Option<String>, example = "high")]
    severity_min: Option<AtLeast>,
    /// A namespace.
    #[param(value_type = Option<String>, max_length = 1024)]
    namespace: Option<Text>,
    /// What owns the pod, as `Kind/name`.
    #[param(value_type = Option<String>, max_length = 1024)]
    workload: Option<Text>,
    /// Canonical id of an asset.
    #[param(value_type = Option<String>, max_length = 1024)]
    asset: Option<Text>,
    /// First 12 digits of a container's id.
    #[param(value_type = Option<String>, max_length = 1024)]
    container: Option<Text>,
    /// Digest of an image.
    #[param(value_type = Option<String>, max_length = 1024)]
    image: Option<Text>,
    /// Who acted.
    #[param(value_type = Option<String>, max_length = 1024)]
    principal: Option<Text>,
    /// Id of an incident: events that prove its detections.
    #[param(value_type = Option<String>, max_length = 1024)]
    incident: Option<Text>,
    /// A text that occurs in the title or the asset.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
    /// At or after.
    from: Option<Timestamp>,
    /// Before.
    to: Option<Timestamp>,
}

/// List events
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/events",
    operation_id = "list_runtime_events",
    tag = "runtime",
    params(EventParams, PageParams),
    responses((status = 200, description = "A page of events.", body = Page<RuntimeEvent>))
)]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    Query(asked, page): Query<EventParams, PageParams>,
) -> Result<Json<Page<RuntimeEvent>>, Problem> {
    let text = |text: Option<Text>| text.map(|text| text.0);
    let filter = EventFilter {
        source: text(asked.source),
        origin: text(asked.origin),
        kind: text(asked.kind),
        severity_min: asked.severity_min.map(|least| least.0),
        namespace: text(asked.namespace),
        workload: text(asked.workload),
        asset: text(asked.asset),
        container: text(asked.container),
        image: text(asked.image),
        principal: text(asked.principal),
        exec: None,
        incident: text(asked.incident),
        text: text(asked.q),
        from: asked.from.map(nanoseconds),
        to: asked.to.map(nanoseconds),
    };
    Ok(Json(Page::of(app.store.events(&caller.tenant, &filter, &page.into()).await?)))
}

/// Read an event
///
/// With what the source said.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/events/{id}",
    operation_id = "get_runtime_event",
    tag = "runtime",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The event.", body = RuntimeEventDetail))
)]
pub(crate) async fn event(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<RuntimeEventDetail>, Problem> {
    let stored = one_event(&app, &caller, &id).await?;
    let store::StoredEvent { row, body, detections } = stored;
    Ok(Json(RuntimeEventDetail { event: row.into(), body, detections }))
}

async fn one_event(app: &App, caller: &Caller, id: &str) -> Result<store::StoredEvent, Problem> {
    let missing = || {
        Problem::new(Code::EventNotFound, "No event has this id, or it is not kept any more.")
            .hint("List them at /api/v1/runtime/events.")
    };
    app.store.event(&caller.tenant, id).await?.ok_or_else(missing)
}

/// Read the processes around an event
///
/// What processes of its container did within an hour before and ten minutes after it, each below the one that made it.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/events/{id}/process-tree",
    operation_id = "get_process_tree",
    tag = "runtime",
    params(("id" = String, Path, description = "Id of the event.")),
    responses((status = 200, description = "The processes.", body = ProcessTree))
)]
pub(crate) async fn process_tree(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<ProcessTree>, Problem> {
    let asked = one_event(&app, &caller, &id).await?;
    let at = moment(asked.row.time);
    let from = at.checked_sub(TREE_BEFORE).unwrap_or(at);
    let to = at.checked_add(TREE_AFTER).unwrap_or(at);
    let events = match &asked.row.container {
        Some(container) => {
            app.store.process_tree(&caller.tenant, container, nanoseconds(from), nanoseconds(to)).await?
        }
        None => Vec::new(),
    };
    let (processes, cut) = processes::tree(&events, &asked);
    Ok(Json(ProcessTree { container: asked.row.container, from, to, processes, cut }))
}

/// Which detections. Parameters narrow each other down.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DetectionParams {
    /// Plugin and rule.
    #[param(value_type = Option<String>, max_length = 1024)]
    rule: Option<Text>,
    /// At least this bad.
    #[param(value_type = Option<String>, example = "high")]
    severity_min: Option<AtLeast>,
    /// Canonical id of an asset.
    #[param(value_type = Option<String>, max_length = 1024)]
    asset: Option<Text>,
    /// What joins detections to one another.
    #[param(value_type = Option<String>, max_length = 1024)]
    key: Option<Text>,
    /// An ATT&CK technique.
    #[param(value_type = Option<String>, max_length = 1024, example = "T1611")]
    technique: Option<Text>,
    /// Id of an incident.
    #[param(value_type = Option<String>, max_length = 1024)]
    incident: Option<Text>,
    /// Only those that need not be told, or only the others.
    suppressed: Option<bool>,
    /// Only those of events that came late, or only the others.
    late: Option<bool>,
    /// A text that occurs in the title or the asset.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
    /// Seen at or after.
    from: Option<Timestamp>,
    /// Seen before.
    to: Option<Timestamp>,
}

/// List detections
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/detections",
    operation_id = "list_detections",
    tag = "runtime",
    params(DetectionParams, PageParams),
    responses((status = 200, description = "A page of detections.", body = Page<Detection>))
)]
pub(crate) async fn detections(
    State(app): State<App>,
    caller: Caller,
    Query(asked, page): Query<DetectionParams, PageParams>,
) -> Result<Json<Page<Detection>>, Problem> {
    let text = |text: Option<Text>| text.map(|text| text.0);
    let filter = DetectionFilter {
        rule: text(asked.rule),
        severity_min: asked.severity_min.map(|least| least.0),
        asset: text(asked.asset),
        key: text(asked.key),
        ids: None,
        incident: text(asked.incident),
        technique: text(asked.technique),
        suppressed: asked.suppressed,
        late: asked.late,
        text: text(asked.q),
        from: asked.from.map(nanoseconds),
        to: asked.to.map(nanoseconds),
    };
    Ok(Json(Page::of(app.store.detections(&caller.tenant, &filter, &page.into()).await?)))
}

/// Read a detection
///
/// With the events that prove it.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/detections/{id}",
    operation_id = "get_detection",
    tag = "runtime",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The detection.", body = DetectionDetail))
)]
pub(crate) async fn detection(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<DetectionDetail>, Problem> {
    let missing = || {
        Problem::new(Code::DetectionNotFound, "No detection has this id.")
            .hint("List them at /api/v1/runtime/detections.")
    };
    let (row, proof) = app.store.detection(&caller.tenant, &id).await?.ok_or_else(missing)?;
    let mut events = Vec::new();
    for id in proof.iter().take(100) {
        if let Some(event) = app.store.event(&caller.tenant, id).await? {
            events.push(event.row.into());
        }
    }
    Ok(Json(DetectionDetail { detection: row.into(), events }))
}

/// How far back to count.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysParams {
    /// Days, 1 to 366.
    #[param(minimum = 1, maximum = 366, default = 30)]
    pub(crate) days: Option<u32>,
}

impl DaysParams {
    /// The days, and when they began.
    pub(crate) fn since(&self, usual: u32) -> Result<(u32, u64), Problem> {
        let days = self.days.unwrap_or(usual);
        if !(1..=366).contains(&days) {
            return Err(Problem::new(Code::InvalidParameter, "days must be a number from 1 to 366.")
                .parameter("days", "out of bounds"));
        }
        let since = Timestamp::now().checked_sub(SignedDuration::from_hours(i64::from(days) * 24));
        Ok((days, nanoseconds(since.unwrap_or(Timestamp::UNIX_EPOCH))))
    }
}

/// Count what rules found
///
/// Each rule that fired, with what people made of the incidents that it is a step of: its precision is measured and not promised.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/rules",
    operation_id = "list_runtime_rules",
    tag = "runtime",
    params(DaysParams),
    responses((status = 200, description = "Rules, the most frequent first.", body = RuntimeRules))
)]
pub(crate) async fn rules(
    State(app): State<App>,
    caller: Caller,
    Query(asked, _): Query<DaysParams>,
) -> Result<Json<RuntimeRules>, Problem> {
    let (days, since) = asked.since(RULE_DAYS)?;
    let items = app.store.rule_figures(&caller.tenant, since).await?;
    Ok(Json(RuntimeRules { items: items.into_iter().map(RuntimeRule::from).collect(), days }))
}

/// List suppressions
///
/// All that were ever made, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/suppressions",
    operation_id = "list_suppressions",
    tag = "runtime",
    responses((status = 200, description = "All of them.", body = Suppressions))
)]
pub(crate) async fn suppressions(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Suppressions>, Problem> {
    let now = Timestamp::now();
    let all = app.store.suppressions(&caller.tenant, None).await?;
    Ok(Json(Suppressions { items: all.into_iter().map(|one| Suppression::of(one, now)).collect() }))
}

/// Make a suppression
///
/// Detections that it covers are kept and counted, and make no incident, until a day. It holds from a few seconds after this answer.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/suppressions",
    operation_id = "add_suppression",
    tag = "runtime",
    request_body = NewSuppression,
    responses((status = 201, description = "The suppression.", body = Suppression))
)]
pub(crate) async fn suppress(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewSuppression>,
) -> Result<(StatusCode, Json<Suppression>), Problem> {
    let now = Timestamp::now();
    check(&new, now)?;
    let new = store::NewSuppression {
        rule: new.rule,
        asset: new.asset,
        filter: new.filter,
        reason: new.reason,
        owner: new.owner,
        created_at: now,
        expires_at: new.expires_at,
    };
    let stored = app.store.add_suppression(&caller.tenant, &new).await?;
    (app.sources_changed)();
    tracing::info!(suppression.id = %stored.id, rule = new.rule, by = caller.token_name, "a suppression was made");
    Ok((StatusCode::CREATED, Json(Suppression::of(stored, now))))
}

fn check(new: &NewSuppression, now: Timestamp) -> Result<(), Problem> {
    let refused = |detail: String, pointer: &str| {
        Problem::new(Code::SuppressionRefused, detail)
            .hint(
                "A suppression needs rules, a reason, somebody who answers for it, and an end within a year.",
            )
            .pointer(pointer, "not usable")
    };
    for (pointer, text) in [("/rule", &new.rule), ("/reason", &new.reason), ("/owner", &new.owner)] {
        if text.trim().is_empty() {
            return Err(refused("Something is missing.".to_owned(), pointer));
        }
    }
    let longest = now.checked_add(SignedDuration::from_hours(SUPPRESSION_DAYS_MAX * 24)).unwrap_or(now);
    if new.expires_at <= now || new.expires_at > longest {
        return Err(refused("Its end is not within a year from now.".to_owned(), "/expires_at"));
    }
    let filter = new.filter.as_deref().map(Filter::parse).transpose();
    let filter =
        filter.map_err(|error| refused(format!("The filter cannot be read: {error}."), "/filter"))?;
    let narrows = says_something(&new.rule)
        || says_something(&new.asset)
        || filter.as_ref().is_some_and(asks_something);
    if !narrows {
        return Err(refused("It would suppress everything.".to_owned(), "/rule"));
    }
    Ok(())
}

/// Whether a pattern leaves anything out. One of stars and signs alone does not: every rule has a `/`, and every asset's id has a `:` or `/`.
fn says_something(pattern: &str) -> bool {
    pattern.chars().any(char::is_alphanumeric)
}

/// Whether a filter asks for anything: one that holds of detections that say nothing of themselves, whether harmless or not, holds of nearly all.
fn asks_something(filter: &Filter) -> bool {
    let holds = |bare: &Value| filter.matches(bare).unwrap_or(false);
    let rated = |severity: &str| json!({ "source": "palisade", "kind": "detection", "title": "", "severity": severity });
    !holds(&json!({})) && !["unknown", "critical"].map(rated).iter().all(holds)
}

/// End a suppression
///
/// From now on it holds no more. That it held stays on record. Ending it again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/suppressions/{id}/end",
    operation_id = "end_suppression",
    tag = "runtime",
    params(("id" = Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The suppression.", body = Suppression))
)]
pub(crate) async fn end_suppression(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<Suppression>, Problem> {
    let now = Timestamp::now();
    app.store.end_suppression(&caller.tenant, id, now).await?;
    (app.sources_changed)();
    let all = app.store.suppressions(&caller.tenant, None).await?;
    let missing = || {
        Problem::new(Code::SuppressionNotFound, "No suppression has this id.")
            .hint("List them at /api/v1/runtime/suppressions.")
    };
    let found = all.into_iter().find(|one| one.id == id).ok_or_else(missing)?;
    Ok(Json(Suppression::of(found, now)))
}
