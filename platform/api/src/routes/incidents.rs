//! Incidents: list, tell the story, and take note of what people make of it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use store::{DetectionFilter, IncidentFilter, PageRequest};
use utoipa::IntoParams;

use super::runtime::{AtLeast, nanoseconds};
use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{
    Detection, IncidentChange, IncidentDetail, IncidentEntry, IncidentGraph, IncidentRow, IncidentStep,
    IncidentTimeline, Page, TimelineStep, moment,
};
use crate::extract::{Body, List, Nothing, PageParams, Path, Query, Text, Word};
use crate::incident_graph;
use crate::problem::Problem;

/// Steps whose detections are told.
const STEPS_TOLD: usize = 50;
/// Detections of a step.
const DETECTIONS_TOLD: u32 = 10;
/// Pages of detections, the newest first, that a graph is made of.
const PAGES_DRAWN: usize = 4;

impl Word for store::IncidentStatus {
    fn read(word: &str) -> Option<Self> {
        Self::from_name(word)
    }
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|status| status.as_str()).collect()
    }
}

/// Which incidents. Parameters narrow each other down.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct IncidentParams {
    /// States, separated by commas: `open`, `investigating`, `contained`, `closed`.
    #[param(value_type = Option<String>, pattern = "^(open|investigating|contained|closed)(,(open|investigating|contained|closed)){0,31}$", example = "open,investigating")]
    status: Option<List<store::IncidentStatus>>,
    /// At least this bad.
    #[param(value_type = Option<String>, example = "high")]
    severity_min: Option<AtLeast>,
    /// Canonical id of an asset.
    #[param(value_type = Option<String>, max_length = 1024)]
    asset: Option<Text>,
    /// An ATT&CK technique.
    #[param(value_type = Option<String>, max_length = 1024, example = "T1611")]
    technique: Option<Text>,
    /// A person; `-` for nobody.
    #[param(value_type = Option<String>, max_length = 1024)]
    assignee: Option<Text>,
    /// A text that occurs in the title or the assets.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
    /// Something was seen at or after.
    from: Option<Timestamp>,
    /// It began before.
    to: Option<Timestamp>,
    /// Those too that became part of another one.
    #[serde(default)]
    #[param(value_type = bool, required = false, default = false)]
    merged: bool,
}

/// List incidents
///
/// Those that something was seen of last first.
#[utoipa::path(
    get,
    path = "/api/v1/incidents",
    operation_id = "list_incidents",
    tag = "incidents",
    params(IncidentParams, PageParams),
    responses((status = 200, description = "A page of incidents.", body = Page<IncidentRow>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked, page): Query<IncidentParams, PageParams>,
) -> Result<Json<Page<IncidentRow>>, Problem> {
    let text = |text: Option<Text>| text.map(|text| text.0);
    let nobody = |name: String| if name == "-" { String::new() } else { name };
    let filter = IncidentFilter {
        status: asked.status.unwrap_or_default().0,
        severity_min: asked.severity_min.map(|least| least.0),
        asset: text(asked.asset),
        technique: text(asked.technique),
        assignee: text(asked.assignee).map(nobody),
        text: text(asked.q),
        from: asked.from.map(nanoseconds),
        to: asked.to.map(nanoseconds),
        include_merged: asked.merged,
    };
    Ok(Json(Page::of(app.store.incidents(&caller.tenant, &filter, &page.into()).await?)))
}

/// Read an incident
///
/// What happened, and what people did with it. One that became part of another one says of which.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}",
    operation_id = "get_incident",
    tag = "incidents",
    params(("id" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The incident.", body = IncidentDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<IncidentDetail>, Problem> {
    let incident = one(&app, &caller, &id).await?;
    detail(&app, &caller, incident).await.map(Json)
}

/// Change an incident
///
/// Where people stand with it, what it was, whose it is, and words for its history.
#[utoipa::path(
    patch,
    path = "/api/v1/incidents/{id}",
    operation_id = "change_incident",
    tag = "incidents",
    params(("id" = String, Path, description = "Its name.")),
    request_body = IncidentChange,
    responses((status = 200, description = "The incident.", body = IncidentDetail))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(change): Body<IncidentChange>,
) -> Result<Json<IncidentDetail>, Problem> {
    let change = store::IncidentChange {
        status: change.status.map(Into::into),
        disposition: change.disposition.map(|given| given.map(Into::into)),
        assignee: change.assignee,
        note: change.note,
        actor: caller.token_name.clone(),
        at: Timestamp::now(),
        if_version: change.version,
    };
    let changed = app.store.change_incident(&caller.tenant, &id, &change).await?.ok_or_else(missing)?;
    detail(&app, &caller, changed).await.map(Json)
}

/// Read the timeline of an incident
///
/// Each step with the detections that make it, their evidence and what they are about.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/timeline",
    operation_id = "get_incident_timeline",
    tag = "incidents",
    params(("id" = String, Path, description = "Its name.")),
    responses((status = 200, description = "What happened, the first first.", body = IncidentTimeline))
)]
pub(crate) async fn timeline(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<IncidentTimeline>, Problem> {
    let incident = one(&app, &caller, &id).await?;
    let left_out = incident.told.left_out;
    let (items, more) = told(&app, &caller, &incident).await?;
    Ok(Json(IncidentTimeline { items, left_out: left_out.saturating_add(more) }))
}

/// Read the graph of an incident
///
/// What took part in it and how that is joined, each join with why it is known.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/graph",
    operation_id = "get_incident_graph",
    tag = "incidents",
    params(("id" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The graph.", body = IncidentGraph))
)]
pub(crate) async fn graph(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<IncidentGraph>, Problem> {
    let incident = one(&app, &caller, &id).await?;
    let filter = DetectionFilter { incident: Some(incident.told.id), ..DetectionFilter::default() };
    let mut page = PageRequest { cursor: None, limit: store::PAGE_LIMIT_MAX };
    let mut detections: Vec<Detection> = Vec::new();
    for _ in 0..PAGES_DRAWN {
        let some = app.store.detections(&caller.tenant, &filter, &page).await?;
        detections.extend(some.items.into_iter().map(Into::into));
        page.cursor = some.next;
        if page.cursor.is_none() {
            break;
        }
    }
    // The graph is thousands of little texts: nobody else waits for them.
    let drawn = tokio::task::spawn_blocking(move || incident_graph::of(&detections)).await;
    let mut graph = drawn.map_err(Problem::internal)?;
    graph.cut |= page.cursor.is_some();
    Ok(Json(graph))
}

async fn one(app: &App, caller: &Caller, id: &str) -> Result<store::Incident, Problem> {
    app.store.incident(&caller.tenant, id).await?.ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::new(Code::IncidentNotFound, "No incident has this name.").hint("List them at /api/v1/incidents.")
}

async fn detail(app: &App, caller: &Caller, incident: store::Incident) -> Result<IncidentDetail, Problem> {
    let history = app.store.incident_history(&caller.tenant, &incident.told.id).await?;
    let entry = |entry: store::IncidentEntry| IncidentEntry {
        incident: entry.incident,
        at: entry.at,
        actor: entry.actor,
        what: entry.what,
    };
    Ok(IncidentDetail {
        acknowledged_at: incident.acknowledged_at,
        closed_at: incident.closed_at,
        steps: steps(&incident.told.steps)?,
        left_out: incident.told.left_out,
        history: history.into_iter().map(entry).collect(),
        incident: incident.into(),
    })
}

/// A step as it is stored.
#[derive(Deserialize)]
struct Stored {
    rule: String,
    asset: String,
    title: String,
    severity: model::Severity,
    first: u64,
    last: u64,
    count: u64,
    detection: String,
    #[serde(default)]
    techniques: Vec<String>,
}

fn stored(steps: &Value) -> Result<Vec<Stored>, Problem> {
    serde_json::from_value(steps.clone()).map_err(Problem::internal)
}

fn steps(steps: &Value) -> Result<Vec<IncidentStep>, Problem> {
    Ok(stored(steps)?.into_iter().map(shown).collect())
}

fn shown(step: Stored) -> IncidentStep {
    IncidentStep {
        rule: step.rule,
        asset: step.asset,
        title: step.title,
        severity: step.severity,
        first: moment(step.first),
        last: moment(step.last),
        count: step.count,
        detection: step.detection,
        techniques: step.techniques,
    }
}

/// The first steps with their detections, and how many there are beyond those. A step is one rule on one asset within its time, so
/// that its detections are found by that.
async fn told(
    app: &App,
    caller: &Caller,
    incident: &store::Incident,
) -> Result<(Vec<TimelineStep>, u64), Problem> {
    let all = stored(&incident.told.steps)?;
    let more = u64::try_from(all.len().saturating_sub(STEPS_TOLD)).unwrap_or(0);
    let mut items = Vec::new();
    for step in all.into_iter().take(STEPS_TOLD) {
        let filter = DetectionFilter {
            rule: Some(step.rule.clone()),
            asset: Some(step.asset.clone()),
            suppressed: Some(false),
            from: Some(step.first),
            to: Some(step.last.saturating_add(1)),
            ..DetectionFilter::default()
        };
        let page = PageRequest { cursor: None, limit: DETECTIONS_TOLD };
        let page = app.store.detections(&caller.tenant, &filter, &page).await?;
        let mut detections: Vec<Detection> = page.items.into_iter().map(Into::into).collect();
        // The story begins with it, however many came later.
        if !detections.iter().any(|one| one.id == step.detection)
            && let Some((first, _)) = app.store.detection(&caller.tenant, &step.detection).await?
        {
            detections.push(first.into());
        }
        items.push(TimelineStep { step: shown(step), detections });
    }
    Ok((items, more))
}
