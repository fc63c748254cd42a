//! Signing in with a token, and out again.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use crate::app::{App, Scheme};
use crate::auth::{COOKIE, Caller, Holder, LIFETIME, refused, session_id, token_hash, usable_token};
use crate::dto::{Session, SignIn};
use crate::extract::{Body, Query};
use crate::problem::Problem;

/// Sign in
///
/// Gives a session cookie in exchange for a token. The cookie cannot be read by scripts and is not sent along by other
/// sites.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "sign_in",
    tag = "session",
    request_body = SignIn,
    responses((
        status = 204,
        description = "Signed in.",
        headers(("set-cookie" = String, description = "The session cookie."))
    ))
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Query(..): Query<crate::extract::Nothing>,
    Body(request): Body<SignIn>,
) -> Result<Response, Problem> {
    let hash = token_hash(&request.token).ok_or_else(refused)?;
    let token = usable_token(&app, &hash).await?;
    let id = app.sessions.start(Holder::Token(hash), Timestamp::now()).map_err(Problem::internal)?;
    tracing::info!(tenant = %token.tenant, token.name = %token.name, "session started");
    let event = store::AuditEvent {
        at: Timestamp::now(),
        actor: token.name.clone(),
        action: "signed-in".to_owned(),
        subject: format!("token:{}", token.name),
        detail: format!("scopes: {}", token.scopes.join(", ")),
    };
    app.store.append_audit(&token.tenant, &[event]).await?;
    let value = cookie(&id, LIFETIME.as_secs(), app.scheme);
    with_cookie(&value)
}

/// Who am I
///
/// Tells who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "get_session",
    tag = "session",
    responses((status = 200, description = "Who is signed in.", body = Session))
)]
pub(crate) async fn get_session(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<crate::extract::Nothing>,
) -> Json<Session> {
    let mut permissions: Vec<String> = caller.allowed.iter().map(ToString::to_string).collect();
    permissions.sort();
    Json(Session {
        tenant: caller.tenant,
        token_name: caller.token_name,
        version: app.version.clone(),
        permissions,
    })
}

/// Sign out
///
/// Ends the session of the cookie. With a bearer token alone there is nothing to end.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "sign_out",
    tag = "session",
    responses((
        status = 204,
        description = "Signed out.",
        headers(("set-cookie" = String, description = "Removes the session cookie."))
    ))
)]
pub(crate) async fn sign_out(
    State(app): State<App>,
    _caller: Caller,
    headers: HeaderMap,
    Query(..): Query<crate::extract::Nothing>,
) -> Result<Response, Problem> {
    if let Some(id) = session_id(&headers) {
        app.sessions.end(id);
    }
    with_cookie(&cookie("", 0, app.scheme))
}

pub(super) fn cookie(id: &str, seconds: i64, scheme: Scheme) -> String {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    format!("{COOKIE}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn with_cookie(cookie: &str) -> Result<Response, Problem> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let value = HeaderValue::from_str(cookie).map_err(Problem::internal)?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}
