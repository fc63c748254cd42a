//! The outermost layer: what every response has, whatever made it.
//!
//! Request id, security headers, a deadline, a bound on requests at once, a net under panics, and the one place where
//! problems are written and faults are logged.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use uuid::Uuid;

use crate::app::{App, Scheme};
use crate::auth::{is_api_path, is_door};
use crate::code::Code;
use crate::problem::Problem;

/// Time until a response must begin. Long work is a scan, not a request; streams begin at once.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Longest request id that is taken over from a client or proxy.
const REQUEST_ID_CHARS_MAX: usize = 64;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a browser may do with the user interface: run and load our own files, talk to us, and nothing else.
const UI_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";
/// What a browser may do with an answer of the API: show it.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Runs a request and makes its response fit to leave the house.
pub(crate) async fn edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let api = is_api_path(request.uri().path());
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());

    let began = std::time::Instant::now();
    let door = route.as_deref().is_some_and(|route| is_door(&method, route));
    let response = if door { in_time(request, next).await } else { run(&app, request, next).await };
    let response = written(response, &id, &method, route.as_deref());
    app.http.count(&method, route.as_deref(), response.status(), began.elapsed());
    with_headers(response, &id, api, app.scheme)
}

/// The response of the inner layers, or a problem when they had no room. Doors of events have a room of their own, by what their bodies
/// weigh: however many events come, people get in.
async fn run(app: &App, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.requests.try_acquire() else {
        return Problem::new(Code::Overloaded, "The server works on as many requests as it takes at once.")
            .hint("Send the request again after the time in `Retry-After`.")
            .into_response();
    };
    in_time(request, next).await
}

/// The response of the inner layers, or a problem when they had no time or a panic.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(tokio::time::timeout(REQUEST_TIME, next.run(request))).catch_unwind().await;
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::new(
            Code::RequestTimeout,
            format!("No answer was ready after {} seconds.", REQUEST_TIME.as_secs()),
        )
        .hint("Ask for less at once: a smaller `limit`, more filters.")
        .into_response(),
        Err(panic) => Problem::internal(format!("panic: {}", panic_text(&*panic))).into_response(),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Writes the problem that a response carries, or that a bare error of the framework stands for, and logs it once.
fn written(response: Response, id: &str, method: &Method, route: Option<&str>) -> Response {
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None => match framework_problem(response.status(), method) {
            Some(problem) => problem,
            None => return response,
        },
    };
    let (code, route) = (problem.code().as_str(), route.unwrap_or("-"));
    let cause = problem.logged_cause().unwrap_or("-");
    if problem.code().status().is_server_error() {
        tracing::error!(request.id = %id, http.method = %method, http.route = %route, error.code = code, cause,
            "request failed");
    } else {
        tracing::debug!(request.id = %id, http.method = %method, http.route = %route, error.code = code, cause,
            "request refused");
    }
    let mut out = problem.render(id);
    // The framework knows which methods a path has.
    if let Some(allow) = response.headers().get(header::ALLOW) {
        out.headers_mut().insert(header::ALLOW, allow.clone());
    }
    out
}

/// What an error status without a problem means. Only the framework makes such responses.
fn framework_problem(status: StatusCode, method: &Method) -> Option<Problem> {
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::new(Code::RouteNotFound, "No operation has this path."),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(Code::MethodNotAllowed, format!("This path has no {method}."))
                .hint("The header `Allow` lists the methods it has.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::BodyTooLarge, "The body is larger than the limit.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(Code::UnsupportedMediaType, "The body must be JSON.")
        }
        status if status.is_client_error() => Problem::new(
            Code::BadRequest,
            format!("The request was refused with status {}.", status.as_u16()),
        ),
        status => Problem::internal(format!("bare status {}", status.as_u16())),
    })
}

/// Takes over a sane id, so that a proxy's log and ours can be joined; makes one otherwise.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |text: &&str| {
        !text.is_empty()
            && text.len() <= REQUEST_ID_CHARS_MAX
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn with_headers(mut response: Response, id: &str, api: bool, scheme: Scheme) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, if api { API_POLICY } else { UI_POLICY }),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if scheme == Scheme::Https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if api {
        headers.insert(header::VARY, HeaderValue::from_static("authorization, cookie"));
    }
    // The user interface sets its own; whatever else leaves here must not be kept by anybody.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}
