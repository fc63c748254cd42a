//! Destinations: other systems that are told of findings, and their tickets.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use store::FindingQuery;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{
    Destination, DestinationTest, Destinations, NewDestination, TicketDeliveries, TicketReplay, Tickets,
};
use crate::extract::{Body, Nothing, Path, Query, Text};
use crate::problem::Problem;

/// Longest name of a destination: it is part of addresses.
const NAME_MAX: usize = 40;
/// Longest interval between two notices, in seconds.
const INTERVAL_MAX: u32 = 86_400;
/// Largest settings, in bytes of JSON.
const SETTINGS_MAX: usize = 64 * 1024;

/// Where a list of tickets goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// `next` of the part before.
    #[param(value_type = Option<String>, max_length = 1024)]
    after: Option<Text>,
}

/// List destinations
///
/// By name, with how each of them is doing.
#[utoipa::path(
    get,
    path = "/api/v1/destinations",
    operation_id = "list_destinations",
    tag = "destinations",
    responses((status = 200, description = "All of them.", body = Destinations))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Destinations>, Problem> {
    let items = app.store.destinations(&caller.tenant).await?.into_iter().map(Into::into).collect();
    Ok(Json(Destinations { items }))
}

/// Read a destination
///
/// Its settings and how it is doing; of secrets only names are kept.
#[utoipa::path(
    get,
    path = "/api/v1/destinations/{name}",
    operation_id = "get_destination",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The destination.", body = Destination))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<Destination>, Problem> {
    Ok(Json(read(&app, &caller, &name).await?.into()))
}

/// Make or replace a destination
///
/// Every open finding is looked at anew: what fits becomes a ticket, and a ticket of which nothing fits any more is told to be resolved.
#[utoipa::path(
    put,
    path = "/api/v1/destinations/{name}",
    operation_id = "put_destination",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    request_body = NewDestination,
    responses((status = 200, description = "The destination.", body = Destination))
)]
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
    Body(new): Body<NewDestination>,
) -> Result<Json<Destination>, Problem> {
    let version = new.version;
    let said = checked(name, new)?;
    let by = &caller.token_name;
    let put = app.store.put_destination(&caller.tenant, &said, version, by, Timestamp::now()).await?;
    if let Err(refusal) = put {
        let known =
            refusal.version.map_or_else(|| "not there".to_owned(), |known| format!("at version {known}"));
        return Err(Problem::new(Code::DestinationChanged, format!("The destination is {known}."))
            .hint("Read it again and decide about what is there now.")
            .pointer("/version", "not the present one"));
    }
    tracing::info!(destination = said.name, by, "a destination was made or replaced");
    Ok(Json(read(&app, &caller, &said.name).await?.into()))
}

/// Remove a destination
///
/// Its tickets stay in the other system, and are not told of anything any more.
#[utoipa::path(
    delete,
    path = "/api/v1/destinations/{name}",
    operation_id = "remove_destination",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<StatusCode, Problem> {
    if !app.store.remove_destination(&caller.tenant, &name).await? {
        return Err(missing());
    }
    tracing::info!(destination = name, by = caller.token_name, "a destination was removed");
    Ok(StatusCode::NO_CONTENT)
}

/// List tickets of a destination
///
/// What it keeps a ticket for, where that ticket is, and where it stands there.
#[utoipa::path(
    get,
    path = "/api/v1/destinations/{name}/tickets",
    operation_id = "list_tickets",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name."), After),
    responses((status = 200, description = "A part of them.", body = Tickets))
)]
pub(crate) async fn tickets(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(after, _): Query<After>,
) -> Result<Json<Tickets>, Problem> {
    read(&app, &caller, &name).await?;
    let items =
        app.store.tickets(&caller.tenant, &name, after.after.as_ref().map(|text| text.0.as_str())).await?;
    let full = items.len() >= store::PAGE_LIMIT_MAX as usize;
    let next = items.last().map(|last| last.key.clone()).filter(|_| full);
    Ok(Json(Tickets { items: items.into_iter().map(Into::into).collect(), next }))
}

/// List what was told to a destination
///
/// What it was told lately and what it answered, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/destinations/{name}/deliveries",
    operation_id = "list_deliveries",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The latest attempts.", body = TicketDeliveries))
)]
pub(crate) async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<TicketDeliveries>, Problem> {
    read(&app, &caller, &name).await?;
    let items = app.store.deliveries(&caller.tenant, &name).await?;
    Ok(Json(TicketDeliveries { items: items.into_iter().map(Into::into).collect() }))
}

/// Tell a destination again
///
/// What was given up, and what waits for another attempt, is tried at once.
#[utoipa::path(
    post,
    path = "/api/v1/destinations/{name}/replay",
    operation_id = "replay_destination",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "How many tickets that are.", body = TicketReplay))
)]
pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<TicketReplay>, Problem> {
    read(&app, &caller, &name).await?;
    let tickets = app.store.replay_tickets(&caller.tenant, &name, Timestamp::now()).await?;
    tracing::info!(destination = name, by = caller.token_name, tickets, "tickets are told again");
    Ok(Json(TicketReplay { tickets }))
}

/// Test a destination
///
/// The plugin signs in, and looks whether it could make a ticket; it makes none.
#[utoipa::path(
    post,
    path = "/api/v1/destinations/{name}/test",
    operation_id = "test_destination",
    tag = "destinations",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "It would go well.", body = DestinationTest))
)]
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<DestinationTest>, Problem> {
    let destination = read(&app, &caller, &name).await?;
    let tested = (app.test_destination)(caller.tenant.clone(), destination.said).await;
    let (would, url) = tested.map_err(|detail| {
        Problem::new(Code::DestinationTestFailed, detail)
            .hint("Change the settings of the destination, or what the other system lets the user of the secret do, and test again.")
    })?;
    Ok(Json(DestinationTest { would, url }))
}

fn checked(name: String, new: NewDestination) -> Result<store::NewDestination, Problem> {
    let refused = |detail: String| Problem::new(Code::DestinationInvalid, detail);
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if name.is_empty() || name.len() > NAME_MAX || !letters {
        return Err(refused("The name cannot be part of an address.".to_owned())
            .hint("Use 1 to 40 of a-z, 0-9 and -."));
    }
    if new.plugin.is_empty() || new.plugin.len() > 200 {
        return Err(refused("No plugin is named.".to_owned()).pointer("/plugin", "not usable"));
    }
    if let Err(error) = (!new.filter.trim().is_empty())
        .then(|| FindingQuery::parse(&new.filter, Timestamp::now()))
        .transpose()
    {
        return Err(refused(format!("{error}.")).pointer("/filter", "not readable"));
    }
    if new.interval_seconds > INTERVAL_MAX {
        return Err(refused("The interval is longer than a day.".to_owned())
            .pointer("/interval_seconds", "at most 86400"));
    }
    let settings = serde_json::Value::Object(new.settings);
    if settings.to_string().len() > SETTINGS_MAX {
        return Err(
            refused("The settings are larger than 64 KiB.".to_owned()).pointer("/settings", "too large")
        );
    }
    Ok(store::NewDestination {
        name,
        plugin: new.plugin,
        settings,
        filter: new.filter,
        per: new.per.into(),
        enabled: new.enabled,
        interval_seconds: new.interval_seconds,
    })
}

async fn read(app: &App, caller: &Caller, name: &str) -> Result<store::Destination, Problem> {
    app.store.destination(&caller.tenant, name).await?.ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::new(Code::DestinationNotFound, "No destination has this name.")
        .hint("List them at /api/v1/destinations.")
}
