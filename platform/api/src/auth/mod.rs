//! Who is asking. Nothing behind a route answers without an answer to that.
//!
//! The guard runs in front of every route and denies by default: a route is open only when it is on the short list
//! [`PUBLIC`], which the OpenAPI document is made from as well. A request that matched no route gets no information
//! either: below `/api` it must be authenticated before it is told that there is nothing.

mod known;
mod people;
mod permission;
mod session;
mod source;
mod token;

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header, request};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use model::TenantId;
use store::{AuditEvent, NewSource, NewToken, Store, StoreError, Token, TokenHash};

pub(crate) use self::known::KnownSources;
pub use self::people::SignInWith;
pub(crate) use self::people::{PATIENCE, SIGN_IN_COOKIE, SignIns, local, permissions};
pub(crate) use self::permission::{Need, need};
#[cfg(test)]
pub(crate) use self::permission::{OPEN, OPERATIONS};
pub use self::permission::{Permission, Role};
use self::permission::{allowed, role_scope};
pub(crate) use self::session::{COOKIE, Holder, LIFETIME, Sessions};
pub(crate) use self::source::{Sender, is_door};
pub use self::token::Secret;
pub(crate) use self::token::hash as token_hash;

use crate::ApiError;
use crate::app::App;
use crate::assistants;
use crate::code::Code;
use crate::problem::Problem;

/// The operations that answer without credentials. The user interface's static files are the only other thing.
pub(crate) const PUBLIC: [(Method, &str); 6] = [
    (Method::GET, "/livez"),
    (Method::GET, "/readyz"),
    (Method::POST, "/api/v1/session"),
    (Method::GET, "/api/v1/session/ways"),
    (Method::GET, "/api/v1/session/oidc"),
    (Method::GET, "/api/v1/session/oidc/callback"),
];

/// The header that an unsafe request with a cookie must carry. A page of another origin cannot set it without a
/// preflight, and no preflight is ever answered.
pub(crate) const REQUEST_HEADER: &str = "x-palisade-request";

/// Longest `Authorization` or `Cookie` value that is looked at; a token has 62 characters.
const CREDENTIAL_BYTES_MAX: usize = 4096;

/// Whoever sent the request, proven.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The tenant whose data the caller may see.
    pub(crate) tenant: TenantId,
    /// Name of the token or the person, for people and logs.
    pub(crate) token_name: String,
    /// How it was proven.
    pub(crate) proof: Proof,
    /// What the caller may do.
    pub(crate) allowed: BTreeSet<Permission>,
}

/// What a caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A token in the `Authorization` header, which no browser adds by itself.
    Bearer,
    /// A session cookie, which a browser adds by itself.
    Cookie,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        // The guard put it there. Were a route ever to miss the guard, it would answer 500 and nothing else.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal("a handler ran without the guard"))
    }
}

/// Lets a request through when it is proven who sent it, or when the operation is public.
pub(crate) async fn guard(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let route = request.extensions().get::<MatchedPath>();
    let open = match route {
        Some(route) => is_public(request.method(), route.as_str()),
        None => !is_api_path(request.uri().path()),
    };
    if route.is_some_and(|route| is_door(request.method(), route.as_str())) {
        let sender = source::authenticate(&app, request.headers()).await?;
        request.extensions_mut().insert(sender);
    } else if !open {
        let caller = authenticate(&app, request.headers()).await?;
        if caller.proof == Proof::Cookie && !request.method().is_safe() {
            check_request_header(request.headers())?;
        }
        if let Some(route) = request.extensions().get::<MatchedPath>() {
            let checked = check_permission(&caller, need(request.method(), route.as_str()));
            // Before it is done: what cannot be written down is not done.
            // A call of an assistant is written down where it is known what it asks.
            if !request.method().is_safe() && route.as_str() != assistants::PATH {
                let line = deed(&caller, &request, route.as_str(), checked.is_ok());
                app.store.append_audit(&caller.tenant, &[line]).await?;
            }
            checked?;
        }
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

/// What the audit log says of a request that is to change something. Not its body, which may have secrets.
fn deed(caller: &Caller, request: &Request, route: &str, allowed: bool) -> AuditEvent {
    let proof = match caller.proof {
        Proof::Bearer => "with a token",
        Proof::Cookie => "in a session",
    };
    let query = request.uri().query().map(|query| format!("; {query}")).unwrap_or_default();
    let allowed = if allowed { "" } else { "denied; " };
    AuditEvent {
        at: Timestamp::now(),
        actor: caller.token_name.clone(),
        action: format!("{} {route}", request.method()),
        subject: request.uri().path().to_owned(),
        detail: format!("{allowed}{proof}{query}"),
    }
}

/// Whether an operation answers without credentials. `HEAD` is `GET` without the body.
pub(crate) fn is_public(method: &Method, route: &str) -> bool {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    PUBLIC.iter().any(|(public, path)| public == method && *path == route)
}

/// Whether a path belongs to the API, so that it never falls through to the user interface.
pub(crate) fn is_api_path(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let (hash, proof) = if headers.contains_key(header::AUTHORIZATION) {
        (bearer(headers).and_then(token_hash).ok_or_else(refused)?, Proof::Bearer)
    } else {
        let id = session_id(headers).ok_or_else(missing)?;
        match app.sessions.holder(id, Timestamp::now()).ok_or_else(refused)? {
            Holder::Token(hash) => (hash, Proof::Cookie),
            Holder::Person { tenant, name, allowed } => {
                return Ok(Caller { tenant, token_name: name, proof: Proof::Cookie, allowed });
            }
        }
    };
    let token = usable_token(app, &hash).await?;
    // Shown to whoever decides which tokens to revoke; not worth a failed request.
    if let Err(error) = app.store.token_used(&token.tenant, &hash, &token, Timestamp::now()).await {
        tracing::debug!(token.name = %token.name, error = %error, "could not note the use of a token");
    }
    let allowed = allowed(&token.scopes);
    Ok(Caller { tenant: token.tenant, token_name: token.name, proof, allowed })
}

/// The token behind a hash, if it exists, has not expired and opens anything. Scopes that only a later release knows open
/// nothing here.
pub(crate) async fn usable_token(app: &App, hash: &TokenHash) -> Result<Token, Problem> {
    let token = app.store.token(hash).await?.ok_or_else(refused)?;
    if token.is_over(Timestamp::now()) || allowed(&token.scopes).is_empty() {
        return Err(refused());
    }
    Ok(token)
}

/// Asked before anything is looked up, so that who may not learns nothing about what there is.
fn check_permission(caller: &Caller, need: Need) -> Result<(), Problem> {
    let Some(missing) = need.missing(&caller.allowed) else { return Ok(()) };
    let detail = format!("{:?} has not the permission `{missing}`, which this needs.", caller.token_name);
    tracing::info!(
        tenant = %caller.tenant, token.name = %caller.token_name, permission = %missing, "a request was not allowed"
    );
    Err(Problem::new(Code::Forbidden, detail)
        .hint("Use a token with a role that has it; `palisade explain forbidden` lists the roles."))
}

fn missing() -> Problem {
    Problem::new(Code::Unauthenticated, "The request carries no credentials.")
        .hint("Send `Authorization: Bearer <token>`, or sign in to the UI.")
        .challenge("Bearer realm=\"palisade\"")
}

/// One answer for every way in which credentials can be wrong.
pub(crate) fn refused() -> Problem {
    Problem::new(Code::Unauthenticated, "The credentials are not valid: unknown, revoked or expired.")
        .hint("Check the token, or sign in again.")
        .challenge("Bearer realm=\"palisade\", error=\"invalid_token\"")
}

fn check_request_header(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(REQUEST_HEADER).is_some_and(|value| value.as_bytes() == b"1") {
        return Ok(());
    }
    Err(Problem::new(
        Code::RequestHeaderMissing,
        "A request that changes something came with a cookie alone.",
    )
    .hint("Send the header `X-Palisade-Request: 1`, or use a bearer token."))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    // Two headers could mean one thing to a proxy and another to us.
    if values.next().is_some() || value.len() > CREDENTIAL_BYTES_MAX {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session id in the request's cookies.
pub(crate) fn session_id(headers: &HeaderMap) -> Option<&str> {
    cookie_value(headers, COOKIE)
}

/// The value of a cookie.
pub(crate) fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|value| value.len() <= CREDENTIAL_BYTES_MAX)
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Makes the first token of an installation, when the store has none yet.
///
/// The caller shows it to the operator once; only its hash is kept. `None` means that somebody has a token already.
///
/// # Errors
/// When the store does not answer or the operating system has no randomness.
pub async fn bootstrap_token(store: &Store, at: Timestamp) -> Result<Option<Secret>, ApiError> {
    let tenant = TenantId::default_tenant();
    let count = store.token_count(&tenant).await;
    if count.map_err(|source| ApiError::Store { operation: "count the tokens", source })? > 0 {
        return Ok(None);
    }
    match create_token(store, &tenant, "bootstrap", at).await {
        Ok(secret) => Ok(Some(secret)),
        // Another process of the same installation was faster and has shown its token.
        Err(ApiError::Store { source: StoreError::TokenNameTaken { .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a source of run-time events, and the token that opens its door. The caller shows it once; only its hash is kept.
///
/// # Errors
/// When the name is taken, the store does not answer or the operating system has no randomness.
pub async fn create_source(
    store: &Store,
    tenant: &TenantId,
    (name, format, cluster): (&str, &str, Option<&str>),
    by: &str,
    at: Timestamp,
) -> Result<Secret, ApiError> {
    let (secret, token) = source_secret()?;
    let source = NewSource {
        name: name.to_owned(),
        format: format.to_owned(),
        cluster: cluster.map(str::to_owned),
        token,
        created_at: at,
        created_by: by.to_owned(),
    };
    let kept = store.put_source(tenant, &source).await;
    kept.map_err(|source| ApiError::Store { operation: "keep the new source", source })?;
    Ok(secret)
}

/// Replaces the token of a source; nothing if there is none of this name. The one before opens nothing from then on.
///
/// # Errors
/// As [`create_source`].
pub async fn rotate_source(
    store: &Store,
    tenant: &TenantId,
    name: &str,
    at: Timestamp,
) -> Result<Option<Secret>, ApiError> {
    let (secret, token) = source_secret()?;
    let kept = store.rotate_source(tenant, name, &token, at).await;
    let kept =
        kept.map_err(|source| ApiError::Store { operation: "replace the token of a source", source })?;
    Ok(kept.then_some(secret))
}

fn source_secret() -> Result<(Secret, TokenHash), ApiError> {
    let secret = Secret::generate_as(token::SOURCE_PREFIX).map_err(ApiError::Random)?;
    let hash = token::hash_of(token::SOURCE_PREFIX, secret.expose()).ok_or(ApiError::TokenSelfCheck)?;
    Ok((secret, hash))
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// The roles it has.
    pub roles: Vec<Role>,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Who makes it, for people.
    pub created_by: String,
}

/// Makes a token that may do everything and does not end. The caller shows it once; only its hash is kept.
///
/// # Errors
/// As [`create_token_with`].
pub async fn create_token(
    store: &Store,
    tenant: &TenantId,
    name: &str,
    at: Timestamp,
) -> Result<Secret, ApiError> {
    let created_by = "installation".to_owned();
    let grant = TokenGrant { roles: vec![Role::Admin], expires_at: None, created_by };
    create_token_with(store, tenant, name, &grant, at).await
}

/// Makes a token with these roles. The caller shows it once; only its hash is kept.
///
/// # Errors
/// When the name is taken, the store does not answer or the operating system has no randomness.
pub async fn create_token_with(
    store: &Store,
    tenant: &TenantId,
    name: &str,
    grant: &TokenGrant,
    at: Timestamp,
) -> Result<Secret, ApiError> {
    let secret = Secret::generate().map_err(ApiError::Random)?;
    let token = NewToken {
        hash: token_hash(secret.expose()).ok_or(ApiError::TokenSelfCheck)?,
        name: name.to_owned(),
        scopes: grant.roles.iter().map(|role| role_scope(*role)).collect(),
        created_at: at,
        created_by: grant.created_by.clone(),
        expires_at: grant.expires_at,
    };
    let kept = store.put_token(tenant, &token).await;
    kept.map_err(|source| ApiError::Store { operation: "keep the new token", source })?;
    Ok(secret)
}
