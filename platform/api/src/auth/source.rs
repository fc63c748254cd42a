//! Who sends run-time events: a source, by a token of its own that opens its door and nothing else.
//!
//! Senders differ in what they can be told to send: most a bearer token, Falco's `http_output` no more than a user and a password in its URL,
//! some gateways one header of their own.

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, Method, header, request};
use base64::Engine as _;
use model::TenantId;
use store::EventSource;

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

use super::CREDENTIAL_BYTES_MAX;
use super::token::{SOURCE_PREFIX, hash_of};

/// The operations that are opened by the token of a source alone.
pub(crate) const DOORS: [(Method, &str); 2] =
    [(Method::POST, "/api/v1/ingest/{source}"), (Method::POST, "/api/v1/ingest/{source}/v1/logs")];
/// A header for senders that can set none of the others.
const TOKEN_HEADER: &str = "x-palisade-token";

/// A source that has proven that it is one.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) tenant: TenantId,
    pub(crate) source: EventSource,
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        let sender = parts.extensions.get::<Self>().cloned();
        sender.ok_or_else(|| Problem::internal("a door ran without the guard"))
    }
}

/// Whether an operation is a door.
pub(crate) fn is_door(method: &Method, route: &str) -> bool {
    DOORS.iter().any(|(door, path)| door == method && *path == route)
}

/// The source that these headers prove.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Sender, Problem> {
    let token = token(headers).ok_or_else(refused)?;
    let hash = hash_of(SOURCE_PREFIX, &token).ok_or_else(refused)?;
    let sender = match app.known_sources.find(&hash, Instant::now()) {
        Ok(sender) => sender,
        Err(asked) => {
            let (tenant, source) = app.store.source_of_token(&hash).await?.ok_or_else(refused)?;
            let sender = Sender { tenant, source };
            app.known_sources.keep(hash, sender.clone(), asked, Instant::now());
            sender
        }
    };
    if sender.source.disabled {
        let detail = format!("The source {:?} is closed.", sender.source.name);
        return Err(Problem::new(Code::SourceDisabled, detail)
            .hint("Open it again on the page of sources, or with `palisade source enable`."));
    }
    Ok(sender)
}

fn refused() -> Problem {
    Problem::new(Code::SourceTokenRefused, "The request carries no token of a source, or one that is not valid.")
        .hint("Send the token that was shown when the source was made: as a bearer token, as a password, or in `X-Palisade-Token`.")
        .challenge("Bearer realm=\"palisade-source\", Basic realm=\"palisade-source\"")
}

fn token(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter().chain(headers.get_all(TOKEN_HEADER));
    let value = given.next()?.to_str().ok()?;
    // Two credentials could mean one thing to a proxy and another to us.
    if given.next().is_some() || value.len() > CREDENTIAL_BYTES_MAX {
        return None;
    }
    let Some((scheme, rest)) = value.split_once(' ') else { return Some(value.to_owned()) };
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::token;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_token_is_found_however_a_sender_can_send_it() {
        for pairs in [
            &[("authorization", "Bearer pse_x")][..],
            &[("authorization", "bearer pse_x")],
            &[("authorization", "Basic ZmFsY286cHNlX3g=")],
            &[("x-palisade-token", "pse_x")],
        ] {
            assert_eq!(token(&headers(pairs)).as_deref(), Some("pse_x"), "{pairs:?}");
        }
        for pairs in [
            &[][..],
            &[("authorization", "Digest pse_x")],
            &[("authorization", "Basic !!")],
            &[("authorization", "Bearer pse_x"), ("x-palisade-token", "pse_y")],
        ] {
            assert_eq!(token(&headers(pairs)), None, "{pairs:?}");
        }
    }
}
