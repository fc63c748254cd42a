//! Reports of other tools: taken in, followed, listed.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use model::TargetKind;
use serde::Deserialize;
use store::ImportAsk;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::{App, ImportAnswer, ImportRefusal, IncomingImport};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{Import, ImportOutcome, Page};
use crate::extract::{Nothing, PageParams, Path, Query, Text};
use crate::problem::Problem;

/// Largest report, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = exchange::limits::FILE_BYTES;

/// Where a report comes from, and what its sender knows of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportParams {
    /// Name of the source: 1 to 64 letters, digits, `-`, `_` or `.`. What a source finds of an asset is closed by the next report of the same source
    /// about that asset, and by nothing else; name two that look at different parts of it differently.
    #[param(max_length = 64, min_length = 1, example = "trivy-ci")]
    source: String,
    /// The format; without it the content tells: `sarif`, `trivy-json`, `grype-json`, `cyclonedx`, `kube-bench`, `prowler-ocsf`, `ocsf`, `gitleaks`, `semgrep`.
    #[param(value_type = Option<String>, max_length = 64)]
    format: Option<Text>,
    /// Id of the asset that the report is about, of one that is known.
    #[param(value_type = Option<String>, max_length = 1024)]
    asset: Option<Text>,
    /// Kind of the thing that the report is about, where it does not say so: `image`, `directory`, `cluster`, `account`, `repository`, `host`.
    #[param(value_type = Option<String>, max_length = 64)]
    kind: Option<Text>,
    /// Name of the thing that the report is about, where it does not say so.
    #[param(value_type = Option<String>, max_length = 1024, example = "github.com/team/app")]
    target: Option<Text>,
    /// Only say what would become of it.
    #[serde(default)]
    #[param(value_type = bool, required = false, default = false)]
    dry_run: bool,
}

/// Import a report
///
/// Takes a report of another tool as it is. Accepted as a job that can be followed; what it found joins what is known, finding by finding, and
/// what its source does not find any more is closed unless somebody else finds it. The same report again changes nothing. With `dry_run` nothing
/// is kept, and the answer says what would become of it.
#[utoipa::path(
    post,
    path = "/api/v1/imports",
    operation_id = "import_report",
    tag = "findings",
    params(ImportParams),
    request_body(content = String, content_type = "application/octet-stream", description = "The report, at most 64 MiB."),
    responses(
        (status = 200, description = "What would become of it.", body = ImportOutcome),
        (
            status = 202,
            description = "Accepted. `Location` is the import.",
            body = Import,
            headers(("location" = String, description = "Path of the import."))
        )
    )
)]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Query(params, _): Query<ImportParams>,
    request: Request,
) -> Result<Response, Problem> {
    let busy = |_| {
        Problem::new(Code::ImportBusy, "As many reports are being read as may be at once.")
            .hint("Send the same again after the time in `Retry-After`.")
    };
    let _slot = app.imports.try_acquire().map_err(busy)?;
    let body = read(request.into_body()).await?;
    let incoming = incoming(params, body, caller.token_name)?;
    let answer = (app.import)(caller.tenant, incoming).await.map_err(refused)?;
    let import = match answer {
        ImportAnswer::Tried(outcome) => return Ok(Json(ImportOutcome::from(outcome)).into_response()),
        ImportAnswer::Accepted(submission) => Import::from(submission.import),
    };
    let location = format!("/api/v1/imports/{}", import.id);
    let mut response = (StatusCode::ACCEPTED, Json(import)).into_response();
    let value = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

fn incoming(params: ImportParams, body: Vec<u8>, by: String) -> Result<IncomingImport, Problem> {
    let source = store::source_name(&params.source)
        .map_err(|why| Problem::new(Code::ImportRefused, why).parameter("source", why))?;
    let kind = params.kind.map(|word| {
        TargetKind::from_name(&word.0).ok_or_else(|| {
            let known = TargetKind::ALL.map(TargetKind::as_str).join(", ");
            let detail = format!("No kind is called {:?}; there are {known}.", word.0);
            Problem::new(Code::ImportRefused, detail.clone()).parameter("kind", &detail)
        })
    });
    let text = |text: Option<Text>| text.map(|text| text.0);
    Ok(IncomingImport {
        source: source.to_owned(),
        ask: ImportAsk {
            format: text(params.format),
            asset: text(params.asset),
            kind: kind.transpose()?,
            target: text(params.target),
        },
        body,
        by,
        dry_run: params.dry_run,
    })
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let cut_off = |error: axum::Error| {
            Problem::new(Code::BodyUnreadable, "The connection ended before the body did.").cause(error)
        };
        let piece = piece.map_err(cut_off)?;
        if whole.len().saturating_add(piece.len()) > BODY_BYTES_MAX {
            let detail = format!("The report is larger than {BODY_BYTES_MAX} bytes.");
            return Err(Problem::new(Code::BodyTooLarge, detail).hint("Split it by target."));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

fn refused(refusal: ImportRefusal) -> Problem {
    match refusal {
        ImportRefusal::Unusable(code, why) => Problem::new(Code::ImportRefused, format!("{why} ({code})."))
            .hint(format!("`palisade explain {code}` tells more.")),
        ImportRefusal::Store(error) => error.into(),
        ImportRefusal::Internal(why) => Problem::internal(why),
    }
}

/// List imports
///
/// The newest first. The last 1,000 are kept.
#[utoipa::path(
    get,
    path = "/api/v1/imports",
    operation_id = "list_imports",
    tag = "findings",
    params(PageParams),
    responses((status = 200, description = "A page of imports.", body = Page<Import>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page, _): Query<PageParams>,
) -> Result<Json<Page<Import>>, Problem> {
    Ok(Json(Page::of(app.store.imports(&caller.tenant, &page.into()).await?)))
}

/// Get an import
///
/// How far it is, and once it is done what became of the findings of its source.
#[utoipa::path(
    get,
    path = "/api/v1/imports/{id}",
    operation_id = "get_import",
    tag = "findings",
    params(("id" = Uuid, Path, description = "Id of the import.")),
    responses((status = 200, description = "The import.", body = Import))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<Import>, Problem> {
    let import = app.store.import(&caller.tenant, id).await?.ok_or_else(|| {
        Problem::new(Code::ImportNotFound, "No import has this id, or it is not kept any more.")
            .hint("List them at /api/v1/imports.")
    })?;
    Ok(Json(import.into()))
}
