//! Signing in through an identity provider: the way there, and the way back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query as AxumQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use identity::{IdentityError, Person, Returned};
use jiff::Timestamp;
use model::TenantId;
use serde::Deserialize;
use store::AuditEvent;
use utoipa::IntoParams;

use super::session::cookie;
use crate::app::{App, Scheme};
use crate::auth::{Holder, LIFETIME, PATIENCE, SIGN_IN_COOKIE, SignInWith, cookie_value, local, permissions};
use crate::code::Code;
use crate::dto::{SignInProvider, SignInWays};
use crate::extract::{Nothing, Query, Text};
use crate::problem::Problem;

/// Longest value of the way back that is looked at, in bytes.
const VALUE_MAX: usize = 4096;

/// Where to go afterwards.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Begin {
    /// A path of this page, such as `/findings`.
    #[param(value_type = Option<String>, max_length = 1024)]
    return_to: Option<Text>,
}

/// What a provider sends a browser back with. Providers add words of their own, which mean nothing here.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Back {
    /// The provider's code.
    code: Option<String>,
    /// What the browser was sent away with.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Which provider it is.
    iss: Option<String>,
}

/// List ways to sign in
///
/// What the page of somebody who is not signed in has to offer.
#[utoipa::path(
    get,
    path = "/api/v1/session/ways",
    operation_id = "list_sign_in_ways",
    tag = "session",
    responses((status = 200, description = "The ways.", body = SignInWays))
)]
pub(crate) async fn ways(State(app): State<App>, Query(..): Query<Nothing>) -> Json<SignInWays> {
    let provider = app
        .sign_in
        .as_ref()
        .map(|with| SignInProvider { label: with.label.clone(), href: "/api/v1/session/oidc".to_owned() });
    Json(SignInWays { provider })
}

/// Sign in through the identity provider
///
/// Sends the browser to the provider, which sends it back to `/api/v1/session/oidc/callback`.
#[utoipa::path(
    get,
    path = "/api/v1/session/oidc",
    operation_id = "begin_sign_in",
    tag = "session",
    params(Begin),
    responses((
        status = 303,
        description = "To the provider, or back to the page with what went wrong.",
        headers(
            ("location" = String, description = "Where to go."),
            ("set-cookie" = String, description = "Binds the sign-in to this browser.")
        )
    ))
)]
pub(crate) async fn begin(
    State(app): State<App>,
    Query(params, _): Query<Begin>,
) -> Result<Response, Problem> {
    let with = provider(&app)?;
    let going = Arc::clone(&with.provider);
    let begun = match tokio::task::spawn_blocking(move || going.begin()).await.map_err(Problem::internal)? {
        Ok(begun) => begun,
        Err(error) => return failed(&error),
    };
    let return_to = params.return_to.map_or_else(|| "/".to_owned(), |text| local(&text.0).to_owned());
    let id = app.sign_ins.begin(begun.pending, return_to, Timestamp::now()).map_err(Problem::internal)?;
    let mut response = to(&begun.url)?;
    add_cookie(&mut response, &bound(&id, PATIENCE.as_secs(), app.scheme))?;
    Ok(response)
}

/// Come back from the identity provider
///
/// Where the provider sends browsers; nothing else has a reason to ask.
#[utoipa::path(
    get,
    path = "/api/v1/session/oidc/callback",
    operation_id = "finish_sign_in",
    tag = "session",
    params(Back),
    responses((
        status = 303,
        description = "To the page, signed in or with what went wrong.",
        headers(
            ("location" = String, description = "Where to go."),
            ("set-cookie" = String, description = "The session cookie.")
        )
    ))
)]
pub(crate) async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    back: Result<AxumQuery<Back>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let with = provider(&app)?;
    let mut response = match finish(&app, with, &headers, back.ok().map(|AxumQuery(back)| back)).await? {
        Ok((session, return_to)) => {
            let mut response = to(&return_to)?;
            add_cookie(&mut response, &cookie(&session, LIFETIME.as_secs(), app.scheme))?;
            response
        }
        Err(code) => to(&format!("/?sign-in={code}"))?,
    };
    add_cookie(&mut response, &bound("", 0, app.scheme))?;
    Ok(response)
}

/// The session and where to go, or the code of what is wrong.
async fn finish(
    app: &App,
    with: &SignInWith,
    headers: &HeaderMap,
    back: Option<Back>,
) -> Result<Result<(String, String), &'static str>, Problem> {
    let back = back.filter(|back| {
        [&back.code, &back.state, &back.iss].into_iter().flatten().all(|value| value.len() <= VALUE_MAX)
    });
    let known = back.as_ref().and_then(|back| {
        let id = cookie_value(headers, SIGN_IN_COOKIE)?;
        app.sign_ins.take(id, back.state.as_deref()?, Timestamp::now())
    });
    let (Some(back), Some((pending, return_to))) = (back, known) else {
        return Ok(Err(Code::SignInExpired.as_str()));
    };
    let Some(code) = back.code.filter(|_| back.error.is_none()) else {
        let error = back.error.unwrap_or_default();
        tracing::info!(error = %error.chars().take(100).collect::<String>(), "the identity provider signed nobody in");
        return Ok(Err(Code::SignInDenied.as_str()));
    };
    let going = Arc::clone(&with.provider);
    let asked = tokio::task::spawn_blocking(move || {
        going.finish(&pending, &Returned { code: &code, issuer: back.iss.as_deref() })
    });
    match asked.await.map_err(Problem::internal)? {
        Ok(person) => Ok(welcome(app, with, person).await?.map(|session| (session, return_to))),
        Err(error) => {
            warn(&error);
            Ok(Err(error.code()))
        }
    }
}

/// Starts the session of somebody who has a role.
async fn welcome(
    app: &App,
    with: &SignInWith,
    person: Person,
) -> Result<Result<String, &'static str>, Problem> {
    let tenant = TenantId::default_tenant();
    let now = Timestamp::now();
    let roles = with.roles(&person);
    // What people and tokens do is told by their names, so that nobody may have a token's.
    let taken = app.store.tokens(&tenant).await?.iter().any(|token| token.name == person.name);
    let refused = match (roles.is_empty(), taken) {
        (true, _) => Some(Code::SignInNoRole),
        (false, true) => Some(Code::SignInNameTaken),
        (false, false) => None,
    };
    let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    let event = AuditEvent {
        at: now,
        actor: person.name.clone(),
        action: if refused.is_some() { "sign-in-refused" } else { "signed-in" }.to_owned(),
        subject: format!("person:{}", person.subject),
        detail: match refused {
            Some(code) => format!("{}; groups: {}", code.as_str(), person.groups.join(", ")),
            None => format!("roles: {}", words.join(", ")),
        },
    };
    app.store.append_audit(&tenant, &[event]).await?;
    if let Some(code) = refused {
        return Ok(Err(code.as_str()));
    }
    let holder = Holder::Person { tenant, name: person.name, allowed: permissions(&roles) };
    Ok(Ok(app.sessions.start(holder, now).map_err(Problem::internal)?))
}

fn provider(app: &App) -> Result<&SignInWith, Problem> {
    app.sign_in.as_ref().ok_or_else(|| {
        Problem::new(Code::SignInNotSetUp, "This installation has no identity provider.")
            .hint("Set one up in `[sign-in]` of the configuration, or sign in with a token.")
    })
}

fn failed(error: &IdentityError) -> Result<Response, Problem> {
    warn(error);
    to(&format!("/?sign-in={}", error.code()))
}

fn warn(error: &IdentityError) {
    let detail = match error {
        IdentityError::Unreachable { source, .. } => source.detail().unwrap_or_default(),
        _ => "",
    };
    tracing::warn!(code = error.code(), error = %error, detail, "a sign-in went wrong");
}

fn to(place: &str) -> Result<Response, Problem> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let value = HeaderValue::from_str(place).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn add_cookie(response: &mut Response, cookie: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(cookie).map_err(Problem::internal)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// The way back comes from another site, so that this cookie goes with links from there, and nowhere but there.
fn bound(id: &str, seconds: i64, scheme: Scheme) -> String {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    format!(
        "{SIGN_IN_COOKIE}={id}; Path=/api/v1/session/oidc; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )
}
