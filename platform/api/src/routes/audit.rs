//! The audit log: who did what, and what was denied to whom.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use model::TenantId;
use serde::Deserialize;
use store::{AuditFilter, Store, StoreError};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{AuditCheck, AuditLine, BrokenRecord, Page};
use crate::extract::{Nothing, PageParams, Query, Text};
use crate::problem::Problem;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Exactly this actor.
    #[param(value_type = Option<String>, max_length = 1024)]
    actor: Option<Text>,
    /// Exactly this subject.
    #[param(value_type = Option<String>, max_length = 1024)]
    subject: Option<Text>,
    /// Exactly this action.
    #[param(value_type = Option<String>, max_length = 1024, example = "signed-in")]
    action: Option<Text>,
    /// From then on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before then.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// List the audit log
///
/// The newest first: every request that was to change something and who sent it, every sign-in, every token, every decision about a plugin, and what
/// was denied to whom.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "audit",
    params(AuditParams, PageParams),
    responses((status = 200, description = "A page of lines.", body = Page<AuditLine>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params, page): Query<AuditParams, PageParams>,
) -> Result<Json<Page<AuditLine>>, Problem> {
    let text = |text: Option<Text>| text.map(|text| text.0);
    let filter = AuditFilter {
        actor: text(params.actor),
        subject: text(params.subject),
        action: text(params.action),
        from: params.from,
        to: params.to,
    };
    Ok(Json(Page::of(app.store.audit(&caller.tenant, &filter, &page.into()).await?)))
}

/// Verify the audit log
///
/// Goes through every line and the hash that the next one has of it.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    operation_id = "verify_audit",
    tag = "audit",
    responses((status = 200, description = "What was found.", body = AuditCheck))
)]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<AuditCheck>, Problem> {
    let check = app.store.verify_audit(&caller.tenant).await?;
    Ok(Json(AuditCheck {
        sound: check.broken.is_none(),
        records: check.records,
        head: check.head,
        broken: check.broken.map(|(sequence, why)| BrokenRecord {
            sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
            why,
        }),
    }))
}

/// Export the audit log
///
/// All of it, the oldest first, a line each, exactly as it was hashed: the SHA-256 of a line is the `previous` of the next. Lines that are older than the chain
/// are not in it.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "export_audit",
    tag = "audit",
    responses((status = 200, description = "The file.", content((String = "application/x-ndjson"))))
)]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Response, Problem> {
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Code::TooManyStreams, "The server writes as many files as it can.")
            .hint("Try again soon.")
    })?;
    let lines = pieces(app.store.clone(), caller.tenant, permit);
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"audit.ndjson\""),
    );
    Ok(response)
}

/// When the store fails in between, the connection ends without the end of the answer.
fn pieces(
    store: Store,
    tenant: TenantId,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::unfold(Some((store, tenant, i64::MIN, permit)), |state| async move {
        let (store, tenant, after, permit) = state?;
        let lines = match store.audit_after(&tenant, after).await {
            Ok(lines) => lines,
            Err(error) => return Some((Err(error), None)),
        };
        let after = lines.last()?.seq;
        let text: String =
            lines.into_iter().filter_map(|line| line.record).map(|record| record + "\n").collect();
        Some((Ok(Bytes::from(text)), Some((store, tenant, after, permit))))
    })
}
