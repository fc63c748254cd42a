//! Problem details (RFC 9457): the one form in which this API says that something went wrong.
//!
//! A handler returns a [`Problem`]; it travels to the edge as a response extension and is written there, because only
//! the edge knows the request id and only the edge sees the errors that the framework makes by itself.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

use crate::code::Code;

/// Something went wrong, and this is what to tell the client and, apart from that, the log.
#[derive(Clone)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Clone)]
struct Parts {
    code: Code,
    detail: String,
    hint: Option<String>,
    errors: Vec<FieldProblem>,
    challenge: Option<&'static str>,
    cause: Option<String>,
}

/// One member of the request that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Name of the query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// JSON Pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

/// Problem details as in RFC 9457, with a stable code.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// Path of the page about this code, on this server.
    #[serde(rename = "type")]
    #[schema(example = "/api/v1/errors/unknown-parameter")]
    pub kind: String,
    /// One line, the same for every occurrence of the code.
    pub title: String,
    /// HTTP status code.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Stable word that a client may branch on; listed in `platform/error-codes/`.
    #[schema(example = "unknown-parameter")]
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Members of the request that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Id of this request, as in the `x-request-id` header and the server's log.
    pub request_id: String,
}

/// Seconds after which a client may try a retryable request again.
const RETRY_AFTER_SECONDS: &str = "2";

impl Problem {
    /// A problem with the sentence that tells what happened this time.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            challenge: None,
            cause: None,
        }))
    }

    /// A fault of the server. The cause goes to the log and never to the client.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(Code::InternalError, "The request could not be completed.");
        problem.0.cause = Some(cause.to_string());
        problem.hint("Look for the request id in the server's log.")
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names a parameter that is wrong.
    pub(crate) fn parameter(mut self, name: &str, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldProblem {
            parameter: Some(name.to_owned()),
            pointer: None,
            detail: detail.into(),
        });
        self
    }

    /// Names a member of the body that is wrong.
    pub(crate) fn pointer(mut self, pointer: &str, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldProblem {
            parameter: None,
            pointer: Some(pointer.to_owned()),
            detail: detail.into(),
        });
        self
    }

    /// Asks for credentials with this `WWW-Authenticate` value.
    pub(crate) fn challenge(mut self, value: &'static str) -> Self {
        self.0.challenge = Some(value);
        self
    }

    /// Adds what the log should know and the client should not.
    pub(crate) fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The code.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// What only the log may see.
    pub(crate) fn logged_cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The finished response.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let code = self.0.code;
        let details = ProblemDetails {
            kind: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            code: code.as_str().to_owned(),
            detail: self.0.detail.clone(),
            hint: self.0.hint.clone(),
            errors: self.0.errors.clone(),
            retryable: code.is_retryable(),
            request_id: request_id.to_owned(),
        };
        let mut response = (code.status(), Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.0.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if code.is_retryable() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl From<StoreError> for Problem {
    /// What a client may know about an error of the store: its own mistakes, and whether to come back.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::CursorInvalid => {
                Self::new(Code::InvalidCursor, "The cursor is not one of this list, order and version.")
                    .hint("Start again without a cursor.")
                    .parameter("cursor", "not valid here")
            }
            StoreError::IdempotencyConflict { scan } => Self::new(
                Code::IdempotencyConflict,
                format!("The Idempotency-Key came with another request before, which made scan {scan}."),
            )
            .hint("Use a new key for a new request."),
            StoreError::SourceNameTaken { name } => {
                Self::new(Code::SourceNameTaken, format!("There is a source named {name:?} already."))
                    .hint("Choose another name, or remove that one.")
            }
            StoreError::TagsFull { max } => {
                let detail = format!("A finding has at most {max} tags.");
                Self::new(Code::FindingTagsFull, detail.clone()).pointer("/add_tags", &detail)
            }
            StoreError::Stale { found, expected, .. } => Self::new(
                Code::VersionStale,
                format!("It is version {found} by now, and the change was made for version {expected}."),
            )
            .hint("Read it again, and send the change with that version if it still makes sense."),
            _ if error.is_transient() => {
                Self::new(Code::StoreUnavailable, "The store is away or busy.").cause(chain(&error))
            }
            _ => Self::internal(chain(&error)),
        }
    }
}

/// An error and what caused it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    /// An empty response that carries the problem to the edge, which writes it.
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
