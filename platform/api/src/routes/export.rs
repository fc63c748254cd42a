//! Findings as a file: read from the store a page at a time while the client takes them, so that a list of any length needs no memory.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use serde::Deserialize;
use store::StoreError;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::findings::FindingParams;
use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::export::{Export, ExportFormat, NewExport};
use crate::extract::Query;
use crate::problem::Problem;

/// The form of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// `csv`, `ndjson`, `ocsf`, `openvex` or `cyclonedx`.
    #[serde(default)]
    #[param(inline, required = false)]
    format: ExportFormat,
}

/// Export findings
///
/// All that the filter of the list gives, worst first, as a file. It is written while it is read: when the store fails in between, the connection
/// ends without the end of the answer, so that half a file is never taken for a whole one.
#[utoipa::path(
    get,
    path = "/api/v1/findings/export",
    operation_id = "export_findings",
    tag = "findings",
    params(FindingParams, ExportParams),
    responses((
        status = 200,
        description = "The file.",
        content((String = "text/csv"), (String = "application/x-ndjson"), (serde_json::Value = "application/json"))
    ))
)]
pub(crate) async fn findings(
    State(app): State<App>,
    caller: Caller,
    Query(filter, asked): Query<FindingParams, ExportParams>,
) -> Result<Response, Problem> {
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Code::TooManyStreams, "The server writes as many files as it can.")
            .hint("Try again soon.")
    })?;
    let filter = filter.into_filter(&app.sla)?;
    let what = NewExport {
        store: app.store.clone(),
        tenant: caller.tenant,
        filter,
        format: asked.format,
        sla: app.sla.clone(),
        author: caller.token_name,
        version: app.version.clone(),
    };
    // The first page before the first byte: what is wrong with the filter is a problem and no broken file.
    let (first, rest) = Export::new(what, Timestamp::now()).next().await?;
    let mut response = Body::from_stream(pieces(first, rest, permit)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.format.content_type()));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(asked.format.file()));
    Ok(response)
}

fn pieces(
    first: String,
    rest: Option<Export>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::unfold((Some(first), rest, permit), |(ready, rest, permit)| async move {
        if let Some(text) = ready {
            return Some((Ok(Bytes::from(text)), (None, rest, permit)));
        }
        match rest?.next().await {
            Ok((text, rest)) => Some((Ok(Bytes::from(text)), (None, rest, permit))),
            Err(error) => {
                tracing::warn!(error = %error, "an export ended: the store does not answer");
                Some((Err(error), (None, None, permit)))
            }
        }
    })
}
