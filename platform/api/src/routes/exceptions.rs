//! Exceptions: risks that somebody accepts for a time.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{Exception, ExceptionBook, ExceptionLabel, ExceptionScope, NewException};
use crate::extract::{Body, Nothing, Path, Query};
use crate::problem::Problem;

/// List exceptions
///
/// All that were ever made, those that ended too, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/exceptions",
    operation_id = "list_exceptions",
    tag = "compliance",
    responses((status = 200, description = "All of them.", body = ExceptionBook))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<ExceptionBook>, Problem> {
    let now = Timestamp::now();
    let stored = app.store.exceptions(&caller.tenant).await?;
    let items = stored.into_iter().map(|stored| shown(stored, now)).collect::<Result<_, _>>()?;
    Ok(Json(ExceptionBook { items }))
}

fn shown(stored: store::StoredException, now: Timestamp) -> Result<Exception, Problem> {
    let said = serde_json::from_value(stored.body.clone()).map_err(Problem::internal)?;
    Ok(Exception::of(stored, said, now))
}

/// Accept a risk
///
/// For a rule, or a control of a framework, on some resources, until a day. Somebody owns it and somebody else approves it. A failure
/// under an exception is shown as accepted, never as passed, and no score rises by it.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions",
    operation_id = "add_exception",
    tag = "compliance",
    request_body = NewException,
    responses((status = 201, description = "The exception.", body = Exception))
)]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewException>,
) -> Result<(StatusCode, Json<Exception>), Problem> {
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let said = evidence::Exception {
        approved_at: now,
        approver: Some(new.approver),
        control: new.control,
        expires_at: Some(new.expires_at),
        framework: new.framework,
        id: id.to_string(),
        owner: new.owner,
        reason: new.reason,
        rule: new.rule,
        scope: match new.scope {
            ExceptionScope::Asset(asset) => evidence::Scope::Asset(asset),
            ExceptionScope::Label(ExceptionLabel { key, value }) => evidence::Scope::Label { key, value },
        },
    };
    evidence::Exceptions::new(vec![said.clone()]).map_err(|error| {
        Problem::new(Code::ExceptionRefused, format!("{error}."))
            .hint("An exception needs an owner, a reason, another person who approved it, resources it is for, and an end.")
    })?;
    let stored = store::StoredException {
        id,
        body: serde_json::to_value(&said).map_err(Problem::internal)?,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    app.store.put_exception(&caller.tenant, &stored).await?;
    tracing::info!(exception.id = %id, exception.about = %said.about(), "an exception was made");
    Ok((StatusCode::CREATED, Json(Exception::of(stored, said, now))))
}

/// Take an exception back
///
/// From now on it holds no more. That it held stays on record. Taking it back again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions/{id}/revoke",
    operation_id = "revoke_exception",
    tag = "compliance",
    params(("id" = Uuid, Path, description = "Id of the exception.")),
    responses((status = 200, description = "The exception.", body = Exception))
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<Exception>, Problem> {
    let now = Timestamp::now();
    let stored = app.store.revoke_exception(&caller.tenant, id, now).await?;
    let missing = || {
        Problem::new(Code::ExceptionNotFound, "No exception has this id.")
            .hint("List them at /api/v1/exceptions.")
    };
    Ok(Json(shown(stored.ok_or_else(missing)?, now)?))
}
