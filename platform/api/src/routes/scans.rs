//! Scans: submit one, look at them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use store::ScanRequest;
use uuid::Uuid;

use crate::app::{App, ScanChange};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{NewScan, Page, Scan};
use crate::extract::{Body, Nothing, PageParams, Path, Query};
use crate::problem::Problem;
use crate::reference;

/// Longest `Idempotency-Key`, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// Submit a scan
///
/// Accepts the scan durably and answers before it is done; follow it at `/scans/{id}/events`. With an
/// `Idempotency-Key` the same request can be sent again safely: it gives the scan that the first one made.
#[utoipa::path(
    post,
    path = "/api/v1/scans",
    operation_id = "submit_scan",
    tag = "scans",
    params(("idempotency-key" = Option<String>, Header,
        description = "1 to 255 printable ASCII characters, chosen by the client for this scan.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewScan,
    responses((
        status = 202,
        description = "Accepted. `Location` is the scan.",
        body = Scan,
        headers(("location" = String, description = "Path of the scan."))
    ))
)]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(..): Query<Nothing>,
    Body(new): Body<NewScan>,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency_key(&headers)?;
    let reference = checked_reference(&app, &new).await?;
    let request = ScanRequest { kind: new.kind.into(), reference, platform: new.platform };
    let new = store::NewScan { id: Uuid::now_v7(), idempotency_key, request, at: Timestamp::now() };
    let submitted = app.store.submit_scan(&caller.tenant, &new).await?;
    if submitted.created {
        // Nobody listening is fine: whoever comes later reads the store.
        let _ = app.progress.send(ScanChange { tenant: caller.tenant, scan: submitted.scan.id });
    }
    let location = format!("/api/v1/scans/{}", submitted.scan.id);
    let mut response = (StatusCode::ACCEPTED, Json(Scan::from(submitted.scan))).into_response();
    let value = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

/// Checks the reference on a thread that may wait for a disk.
async fn checked_reference(app: &App, new: &NewScan) -> Result<String, Problem> {
    let (app, new) = (App::clone(app), new.clone());
    tokio::task::spawn_blocking(move || reference::check(&new, &app.places))
        .await
        .map_err(Problem::internal)?
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let printable = key.bytes().all(|byte| byte.is_ascii_graphic());
    if values.next().is_some() || key.is_empty() || key.len() > KEY_BYTES_MAX || !printable {
        return Err(Problem::new(
            Code::InvalidIdempotencyKey,
            format!("The key must be one value of 1 to {KEY_BYTES_MAX} printable ASCII characters."),
        )
        .hint("A random UUID makes a good key."));
    }
    Ok(Some(key.to_owned()))
}

/// List scans
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/scans",
    operation_id = "list_scans",
    tag = "scans",
    params(PageParams),
    responses((status = 200, description = "A page of scans.", body = Page<Scan>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page, _): Query<PageParams>,
) -> Result<Json<Page<Scan>>, Problem> {
    let page = app.store.scans(&caller.tenant, &store::ScanFilter::default(), &page.into()).await?;
    Ok(Json(Page::of(page)))
}

/// Get a scan
///
/// How far it is, and once it is done what came of it.
#[utoipa::path(
    get,
    path = "/api/v1/scans/{id}",
    operation_id = "get_scan",
    tag = "scans",
    params(("id" = Uuid, Path, description = "Id of the scan.")),
    responses((status = 200, description = "The scan.", body = Scan))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<Scan>, Problem> {
    let scan = app.store.scan(&caller.tenant, id).await?.ok_or_else(not_found)?;
    Ok(Json(scan.into()))
}

/// The answer for a scan that does not exist, or not for this tenant.
pub(crate) fn not_found() -> Problem {
    Problem::new(Code::ScanNotFound, "No scan has this id.").hint("List them at /api/v1/scans.")
}
