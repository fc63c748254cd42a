//! Sources of run-time events, and the sensors behind them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use store::SensorState;

use crate::app::App;
use crate::auth::{Caller, create_source, rotate_source};
use crate::code::Code;
use crate::dto::{EventSource, EventSourceToken, EventSources, NewEventSource, Sensor, Sensors};
use crate::error::ApiError;
use crate::extract::{Body, Nothing, Path, Query};
use crate::problem::Problem;

/// How long nothing may come from a sensor before it counts as silent.
pub(super) const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// Longest name of a source: it is part of names on the bus.
const NAME_MAX: usize = 40;

/// List sources of events
///
/// With what came from each.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/sources",
    operation_id = "list_event_sources",
    tag = "runtime",
    responses((status = 200, description = "All of them.", body = EventSources))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<EventSources>, Problem> {
    let items = app.store.sources(&caller.tenant).await?.into_iter().map(Into::into).collect();
    Ok(Json(EventSources { items, formats: app.event_formats.clone() }))
}

/// Make a source of events
///
/// Its token is shown once, in this answer.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/sources",
    operation_id = "add_event_source",
    tag = "runtime",
    request_body = NewEventSource,
    responses((status = 201, description = "The source and its token.", body = EventSourceToken))
)]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewEventSource>,
) -> Result<(StatusCode, Json<EventSourceToken>), Problem> {
    let letters = new.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if new.name.is_empty() || new.name.len() > NAME_MAX || !letters {
        return Err(Problem::new(Code::SourceInvalid, "The name cannot be part of an address.")
            .hint("Use 1 to 40 of a-z, 0-9 and -.")
            .pointer("/name", "not usable"));
    }
    if !app.event_formats.contains(&new.format) {
        return Err(Problem::new(Code::SourceInvalid, "There is no such format of events.")
            .hint(format!("There are {}.", app.event_formats.join(", ")))
            .pointer("/format", "not known"));
    }
    let said = (new.name.as_str(), new.format.as_str(), new.cluster.as_deref());
    let made = create_source(&app.store, &caller.tenant, said, &caller.token_name, Timestamp::now()).await;
    let secret = made.map_err(refused)?;
    (app.sources_changed)();
    tracing::info!(
        source = new.name,
        format = new.format,
        by = caller.token_name,
        "a source of events was made"
    );
    let source = read(&app, &caller, &new.name).await?;
    Ok((StatusCode::CREATED, Json(EventSourceToken { source, token: secret.expose().to_owned() })))
}

/// Read a source of events
///
/// What it sends and how that goes; its token was shown once, when it was made.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/sources/{name}",
    operation_id = "get_event_source",
    tag = "runtime",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The source.", body = EventSource))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<EventSource>, Problem> {
    read(&app, &caller, &name).await.map(Json)
}

/// Remove a source of events
///
/// What came from it stays. Its token opens nothing any more.
#[utoipa::path(
    delete,
    path = "/api/v1/runtime/sources/{name}",
    operation_id = "remove_event_source",
    tag = "runtime",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<StatusCode, Problem> {
    let _changing = app.known_sources.changing();
    if !app.store.remove_source(&caller.tenant, &name).await? {
        return Err(missing());
    }
    (app.sources_changed)();
    tracing::info!(source = name, by = caller.token_name, "a source of events was removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Replace the token of a source
///
/// The one before opens nothing from now on. The new one is shown once, in this answer.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/sources/{name}/rotate",
    operation_id = "rotate_event_source",
    tag = "runtime",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The source and its token.", body = EventSourceToken))
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<EventSourceToken>, Problem> {
    let _changing = app.known_sources.changing();
    let secret = rotate_source(&app.store, &caller.tenant, &name, Timestamp::now()).await.map_err(refused)?;
    let secret = secret.ok_or_else(missing)?;
    tracing::info!(source = name, by = caller.token_name, "the token of a source was replaced");
    let source = read(&app, &caller, &name).await?;
    Ok(Json(EventSourceToken { source, token: secret.expose().to_owned() }))
}

/// Close the door of a source
///
/// What it sends is refused until it is opened again.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/sources/{name}/disable",
    operation_id = "disable_event_source",
    tag = "runtime",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The source.", body = EventSource))
)]
pub(crate) async fn disable(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<EventSource>, Problem> {
    close(&app, &caller, &name, true).await
}

/// Open the door of a source again
///
/// It sends again with the token that it has.
#[utoipa::path(
    post,
    path = "/api/v1/runtime/sources/{name}/enable",
    operation_id = "enable_event_source",
    tag = "runtime",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The source.", body = EventSource))
)]
pub(crate) async fn enable(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<EventSource>, Problem> {
    close(&app, &caller, &name, false).await
}

/// List sensors
///
/// Each with whether it sees everything: what a sensor has lost is what nobody has seen.
#[utoipa::path(
    get,
    path = "/api/v1/runtime/sensors",
    operation_id = "list_sensors",
    tag = "runtime",
    responses((status = 200, description = "All of them.", body = Sensors))
)]
pub(crate) async fn sensors(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Sensors>, Problem> {
    let all = app.store.sensors(&caller.tenant, Timestamp::now(), SILENT_AFTER).await?;
    let of = |state| all.iter().filter(|sensor| sensor.state == state).count() as u64;
    let [seeing, blind, silent] = [SensorState::Seeing, SensorState::Blind, SensorState::Silent].map(of);
    Ok(Json(Sensors { items: all.into_iter().map(Sensor::from).collect(), seeing, blind, silent }))
}

async fn close(app: &App, caller: &Caller, name: &str, closed: bool) -> Result<Json<EventSource>, Problem> {
    let _changing = app.known_sources.changing();
    if !app.store.disable_source(&caller.tenant, name, closed).await? {
        return Err(missing());
    }
    tracing::info!(
        source = name,
        by = caller.token_name,
        closed,
        "the door of a source was closed or opened"
    );
    read(app, caller, name).await.map(Json)
}

async fn read(app: &App, caller: &Caller, name: &str) -> Result<EventSource, Problem> {
    let source = app.store.source(&caller.tenant, name).await?;
    source.map(Into::into).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::new(Code::SourceNotFound, "No source of events has this name.")
        .hint("List them at /api/v1/runtime/sources.")
}

fn refused(error: ApiError) -> Problem {
    match error {
        ApiError::Store { source, .. } => source.into(),
        other => Problem::internal(other),
    }
}
