//! Entity tags for JSON answers, so that a client that asks again for what it has is told so in a few bytes.
//!
//! The tag is a hash of the body alone, never of the credential, so that a client with rotating tokens still gets `304`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// Largest body that is hashed. A page of a thousand rows stays below; anything larger passes without a tag.
const BODY_BYTES_MAX: u64 = 8 << 20;

/// Adds `ETag` to JSON answers of `GET` and turns them into `304` when the client has them.
pub(crate) async fn conditional(request: Request, next: Next) -> Result<Response, Problem> {
    let asked = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    if !asked || response.status() != StatusCode::OK || !is_small_json(&response) {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX as usize).await.map_err(Problem::internal)?;
    let digest = hex::encode(Sha256::digest(&bytes));
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or(&digest));
    let unchanged = known.iter().any(|value| matches(value, &tag));
    parts.headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?);
    if unchanged {
        parts.status = StatusCode::NOT_MODIFIED;
        forget_body(&mut parts.headers);
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn is_small_json(response: &Response) -> bool {
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let size = axum::body::HttpBody::size_hint(response.body()).upper();
    json && size.is_some_and(|size| size <= BODY_BYTES_MAX)
}

fn forget_body(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
}

/// Weak comparison, as RFC 9110 section 13.1.2 asks for `If-None-Match`.
fn matches(value: &HeaderValue, tag: &str) -> bool {
    let Ok(value) = value.to_str() else { return false };
    value.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
