//! The plugins of this installation.

use axum::Json;
use axum::extract::State;
use model::Digest;

use crate::app::{App, PluginDecision};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{ApprovedRights, NoContent, Plugin, PluginDigest, Plugins};
use crate::extract::{Body, Nothing, Path, Query};
use crate::problem::Problem;

/// List plugins
///
/// Every loaded plugin: what it asked for, what it was granted, and how it does.
#[utoipa::path(
    get,
    path = "/api/v1/plugins",
    operation_id = "list_plugins",
    tag = "plugins",
    responses((status = 200, description = "The plugins, by id.", body = Plugins))
)]
pub(crate) async fn list(State(app): State<App>, Query(..): Query<Nothing>) -> Json<Plugins> {
    let mut items = (app.plugins)();
    items.sort_by(|one, other| one.id.cmp(&other.id));
    Json(Plugins { items })
}

/// Get a plugin
///
/// Its versions, the rights that they ask for and have, and how they are doing.
#[utoipa::path(
    get,
    path = "/api/v1/plugins/{id}",
    operation_id = "get_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    responses((status = 200, description = "The plugin.", body = Plugin))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<Plugin>, Problem> {
    let found = (app.plugins)().into_iter().find(|plugin| plugin.id == id);
    found.map(Json).ok_or_else(|| {
        Problem::new(Code::PluginNotFound, "No plugin with this id is loaded.")
            .hint("List them at /api/v1/plugins.")
    })
}

/// Approve a version of a plugin
///
/// Grants exactly the rights that are sent, for this version alone, and puts a version that waits in force. Every right has to be
/// one that the version asks for.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{id}/approve",
    operation_id = "approve_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    request_body = ApprovedRights,
    responses((status = 200, description = "Decided.", body = NoContent))
)]
pub(crate) async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(approved): Body<ApprovedRights>,
) -> Result<Json<NoContent>, Problem> {
    let ApprovedRights { digest, rights } = approved;
    decide(&app, caller, id, PluginDecision::Approve { digest: checked(&digest)?, rights }).await
}

/// Promote the version that runs beside the one in force
///
/// It takes over; the one that was in force stays installed.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{id}/promote",
    operation_id = "promote_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    responses((status = 200, description = "Decided.", body = NoContent))
)]
pub(crate) async fn promote(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<NoContent>, Problem> {
    decide(&app, caller, id, PluginDecision::Promote).await
}

/// Activate a version that was decided about before
///
/// It takes over without being installed again, with the rights that it was given.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{id}/activate",
    operation_id = "activate_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    request_body = PluginDigest,
    responses((status = 200, description = "Decided.", body = NoContent))
)]
pub(crate) async fn activate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(PluginDigest { digest }): Body<PluginDigest>,
) -> Result<Json<NoContent>, Problem> {
    decide(&app, caller, id, PluginDecision::Activate { digest: checked(&digest)? }).await
}

/// Release a plugin from quarantine
///
/// It is called again, and its faults are counted anew.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{id}/release",
    operation_id = "release_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    responses((status = 200, description = "Decided.", body = NoContent))
)]
pub(crate) async fn release(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<NoContent>, Problem> {
    decide(&app, caller, id, PluginDecision::Release).await
}

/// Retire a version of a plugin
///
/// It is called no more. It stays installed and can be activated again.
#[utoipa::path(
    post,
    path = "/api/v1/plugins/{id}/retire",
    operation_id = "retire_plugin",
    tag = "plugins",
    params(("id" = String, Path, description = "Id of the plugin.", example = "palisade.image-packages")),
    request_body = PluginDigest,
    responses((status = 200, description = "Decided.", body = NoContent))
)]
pub(crate) async fn retire(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(PluginDigest { digest }): Body<PluginDigest>,
) -> Result<Json<NoContent>, Problem> {
    decide(&app, caller, id, PluginDecision::Retire { digest: checked(&digest)? }).await
}

async fn decide(
    app: &App,
    caller: Caller,
    id: String,
    decision: PluginDecision,
) -> Result<Json<NoContent>, Problem> {
    match (app.decide)(caller.token_name, id, decision).await {
        Ok(()) => Ok(Json(NoContent {})),
        Err(refusal) if refusal.unknown => Err(Problem::new(Code::PluginNotFound, refusal.detail)),
        Err(refusal) => Err(Problem::new(Code::PluginDecisionRefused, refusal.detail)),
    }
}

fn checked(digest: &str) -> Result<Digest, Problem> {
    Digest::parse(digest).map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))
}
