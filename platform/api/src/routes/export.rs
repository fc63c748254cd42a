//! Findings as a file: read from the store a page at a time while the client takes them, so that a list of any length needs no memory.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use ingest::export::{Exported, Said, csv, ocsf, openvex};
use jiff::Timestamp;
use model::TenantId;
use serde::Deserialize;
use store::{FindingFilter, FindingSort, PageRequest, StoreError};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;
use uuid::Uuid;

use super::findings::FindingParams;
use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::FindingRow;
use crate::extract::Query;
use crate::problem::Problem;

/// Findings of a page.
const PAGE: u32 = store::PAGE_LIMIT_MAX;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExportFormat {
    /// A table with a line of names. What a spreadsheet would take for a formula begins with an apostrophe.
    #[default]
    Csv,
    /// The rows of the list, one JSON object a line.
    Ndjson,
    /// Findings of OCSF 1.3 (2002, 2003, 2004), one JSON object a line.
    Ocsf,
    /// One document of OpenVEX 0.2.0 with a statement for each vulnerability of a package.
    Openvex,
}

impl ExportFormat {
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson | Self::Ocsf => "application/x-ndjson",
            Self::Openvex => "application/json",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"findings.csv\"",
            Self::Ndjson => "attachment; filename=\"findings.ndjson\"",
            Self::Ocsf => "attachment; filename=\"findings.ocsf.ndjson\"",
            Self::Openvex => "attachment; filename=\"findings.openvex.json\"",
        }
    }
}

/// The form of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// `csv`, `ndjson`, `ocsf` or `openvex`.
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
    let head = match asked.format {
        ExportFormat::Csv => csv::head(),
        ExportFormat::Openvex => {
            let id = format!("urn:uuid:{}", Uuid::now_v7());
            openvex::head(&id, &caller.token_name, Timestamp::now(), &format!("palisade {}", app.version))
        }
        ExportFormat::Ndjson | ExportFormat::Ocsf => String::new(),
    };
    let writer = Writer {
        app,
        tenant: caller.tenant,
        filter,
        format: asked.format,
        request: PageRequest { cursor: None, limit: PAGE },
        text: head,
        written: 0,
        _permit: permit,
    };
    // The first page before the first byte: what is wrong with the filter is a problem and no broken file.
    let (first, rest) = writer.next().await?;
    let mut response = Body::from_stream(pieces(first, rest)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asked.format.content_type()));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(asked.format.file()));
    Ok(response)
}

fn pieces(first: String, rest: Option<Writer>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::unfold((Some(first), rest), |(ready, rest)| async move {
        if let Some(text) = ready {
            return Some((Ok(Bytes::from(text)), (None, rest)));
        }
        match rest?.next().await {
            Ok((text, rest)) => Some((Ok(Bytes::from(text)), (None, rest))),
            Err(error) => {
                tracing::warn!(error = %error, "an export ended: the store does not answer");
                Some((Err(error), (None, None)))
            }
        }
    })
}

/// An export under way.
struct Writer {
    app: App,
    tenant: TenantId,
    filter: FindingFilter,
    format: ExportFormat,
    request: PageRequest,
    /// What is written and not sent.
    text: String,
    /// Statements so far.
    written: u64,
    _permit: OwnedSemaphorePermit,
}

impl Writer {
    /// The next piece, and whoever writes the one after it.
    async fn next(mut self) -> Result<(String, Option<Self>), StoreError> {
        let store = &self.app.store;
        let page = store.findings(&self.tenant, &self.filter, FindingSort::Severity, &self.request).await?;
        for row in page.items {
            self.write(row);
        }
        let mut text = std::mem::take(&mut self.text);
        self.request.cursor = page.next;
        if self.request.cursor.is_some() {
            return Ok((text, Some(self)));
        }
        if self.format == ExportFormat::Openvex {
            text.push_str(openvex::TAIL);
        }
        Ok((text, None))
    }

    fn write(&mut self, row: store::FindingRow) {
        let due_at = FindingRow::of(row.clone(), &self.app.sla).due_at;
        let store::FindingRow { stored, asset } = &row;
        let triage = &stored.triage;
        let exported = Exported {
            fingerprint: &stored.fingerprint,
            asset: &asset.id.0,
            asset_name: &asset.name,
            asset_kind: asset.kind,
            state: stored.state,
            status: triage.status,
            decision: triage.decision.as_ref().map(said),
            assignee: triage.assignee.as_deref(),
            tags: &triage.tags,
            due_at,
            first_seen_at: stored.first_seen_at,
            last_seen_at: stored.last_seen_at,
            fixed_at: stored.fixed_at,
            finding: &stored.finding,
        };
        match self.format {
            ExportFormat::Csv => self.text.push_str(&csv::row(&exported)),
            ExportFormat::Ocsf => {
                self.text.push_str(&ocsf::object(&exported, &self.app.version).to_string());
                self.text.push('\n');
            }
            ExportFormat::Openvex => {
                if let Some(statement) = openvex::statement(&exported) {
                    self.text.push_str(if self.written == 0 { "" } else { ",\n" });
                    self.text.push_str(&statement);
                    self.written += 1;
                }
            }
            ExportFormat::Ndjson => {
                // Nothing of a row can fail to be written: its names are texts.
                let line = serde_json::to_string(&FindingRow::of(row, &self.app.sla)).unwrap_or_default();
                self.text.push_str(&line);
                self.text.push('\n');
            }
        }
    }
}

fn said(decision: &store::Decision) -> Said<'_> {
    Said {
        reason: &decision.reason,
        justification: decision.justification,
        owner: decision.owner.as_deref(),
        approver: decision.approver.as_deref(),
        until: decision.until,
        at: decision.at,
    }
}
