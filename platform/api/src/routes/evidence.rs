//! The chain of evidence, and documents that are made of it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use evidence::oscal::{self, Sla};
use evidence::report::{self, Report};
use evidence::{Assessment, Exceptions, Judged, judge};
use jiff::Timestamp;
use model::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::assessed::{assessment, blocking, exceptions, not_found, read};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{BrokenRecord, EvidenceCheck, EvidenceRow, Page};
use crate::extract::{Nothing, PageParams, Path, Query, Text};
use crate::problem::Problem;

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EvidenceParams {
    /// Id of a cluster or account.
    #[param(value_type = Option<String>, max_length = 1024)]
    scope: Option<Text>,
}

/// List evidence
///
/// One record for each assessment that is kept, the newest first, each with the hash of the one before it.
#[utoipa::path(
    get,
    path = "/api/v1/evidence",
    operation_id = "list_evidence",
    tag = "evidence",
    params(EvidenceParams, PageParams),
    responses((status = 200, description = "A page of records.", body = Page<EvidenceRow>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter, page): Query<EvidenceParams, PageParams>,
) -> Result<Json<Page<EvidenceRow>>, Problem> {
    let scope = filter.scope.map(|text| AssetId(text.0));
    Ok(Json(Page::of(app.store.evidence(&caller.tenant, scope.as_ref(), &page.into()).await?)))
}

/// Verify the chain
///
/// Goes through every record and every assessment that is kept with one.
#[utoipa::path(
    get,
    path = "/api/v1/evidence/verify",
    operation_id = "verify_evidence",
    tag = "evidence",
    responses((status = 200, description = "What was found.", body = EvidenceCheck))
)]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<EvidenceCheck>, Problem> {
    let check = app.store.verify_evidence(&caller.tenant).await?;
    Ok(Json(EvidenceCheck {
        sound: check.broken.is_none(),
        records: check.records,
        head: check.head,
        broken: check.broken.map(|(sequence, why)| BrokenRecord { sequence, why }),
    }))
}

/// What a pack is about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PackParams {
    /// Id of a cluster or account.
    #[param(value_type = String, max_length = 1024)]
    scope: Text,
    /// Beginning of the period.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// End of the period.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Download an evidence pack
///
/// Everything that an audit of a period needs, in one signed file that `palisade compliance verify` checks without a network: records in
/// their chain, report, OSCAL.
#[utoipa::path(
    get,
    path = "/api/v1/evidence/pack",
    operation_id = "get_evidence_pack",
    tag = "evidence",
    params(PackParams),
    responses((status = 200, description = "The pack.", body = Vec<u8>, content_type = "application/x-tar"))
)]
pub(crate) async fn pack(
    State(app): State<App>,
    caller: Caller,
    Query(params, _): Query<PackParams>,
) -> Result<Response, Problem> {
    let scope = AssetId(params.scope.0);
    let kept = app.store.evidence_assessments(&caller.tenant, &scope, params.from, params.to).await?;
    if kept.is_empty() {
        return Err(not_found());
    }
    let mut all = Vec::with_capacity(kept.len());
    for bytes in kept {
        all.push(read(bytes).await?);
    }
    let exceptions = exceptions(&app, &caller.tenant).await?;
    let write = std::sync::Arc::clone(&app.evidence_pack);
    let bytes = blocking(move || write(&all, &exceptions).map_err(Problem::internal)).await?;
    Ok(download(bytes, "application/x-tar", "evidence-pack.tar"))
}

/// Form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReportFormat {
    /// A page that is complete in itself.
    #[default]
    Html,
    /// Tagged PDF.
    Pdf,
}

/// Which report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportParams {
    /// `html` or `pdf`.
    #[serde(default)]
    #[param(inline, required = false)]
    format: ReportFormat,
    /// The assessment of this scan; the newest without it.
    scan: Option<Uuid>,
}

/// Download a report
///
/// One framework for people: score with its coverage beside it, every control with its proof, exceptions, what was not assessed.
#[utoipa::path(
    get,
    path = "/api/v1/compliance/{framework}/{scope}/report",
    operation_id = "get_report",
    tag = "compliance",
    params(
        ("framework" = String, Path, description = "Framework."),
        ("scope" = String, Path, description = "Id of the cluster or account."),
        ReportParams
    ),
    responses((status = 200, description = "The report.", content((String = "text/html"), (Vec<u8> = "application/pdf"))))
)]
pub(crate) async fn report(
    State(app): State<App>,
    caller: Caller,
    Path((framework, scope)): Path<(String, String)>,
    Query(params, _): Query<ReportParams>,
) -> Result<Response, Problem> {
    let one = one(&app, &caller, &framework, scope, params.scan).await?;
    let exceptions = exceptions(&app, &caller.tenant).await?;
    let head =
        app.store.evidence(&caller.tenant, None, &store::PageRequest { cursor: None, limit: 1 }).await?;
    let head = head.items.first().map(|record| record.hash.clone()).unwrap_or_default();
    blocking(move || {
        judged(&one, &exceptions, |judged| {
            let trend = BTreeMap::new();
            let report = Report { judged, trend: &trend, head: &head };
            match params.format {
                ReportFormat::Html => Ok(download(
                    report::html(&report).into_bytes(),
                    "text/html; charset=utf-8",
                    "report.html",
                )),
                ReportFormat::Pdf => {
                    let bytes = report::pdf(&report).map_err(Problem::internal)?;
                    Ok(download(bytes, "application/pdf", "report.pdf"))
                }
            }
        })
    })
    .await
}

/// A model of OSCAL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OscalDocument {
    /// What was found.
    #[default]
    AssessmentResults,
    /// What has to be done.
    Poam,
    /// What the rules implement.
    ComponentDefinition,
}

/// Which document.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OscalParams {
    /// `assessment-results`, `poam` or `component-definition`.
    #[serde(default)]
    #[param(inline, required = false)]
    document: OscalDocument,
    /// The assessment of this scan; the newest without it.
    scan: Option<Uuid>,
}

/// Download OSCAL
///
/// One framework as a document of NIST's OSCAL, JSON.
#[utoipa::path(
    get,
    path = "/api/v1/compliance/{framework}/{scope}/oscal",
    operation_id = "get_oscal",
    tag = "compliance",
    params(
        ("framework" = String, Path, description = "Framework."),
        ("scope" = String, Path, description = "Id of the cluster or account."),
        OscalParams
    ),
    responses((status = 200, description = "The document.", body = Object))
)]
pub(crate) async fn oscal(
    State(app): State<App>,
    caller: Caller,
    Path((framework, scope)): Path<(String, String)>,
    Query(params, _): Query<OscalParams>,
) -> Result<Response, Problem> {
    let one = one(&app, &caller, &framework, scope, params.scan).await?;
    let exceptions = exceptions(&app, &caller.tenant).await?;
    blocking(move || {
        judged(&one, &exceptions, |judged| {
            let trend = BTreeMap::new();
            let (made, name) = match params.document {
                OscalDocument::AssessmentResults => (
                    oscal::assessment_results(judged, &trend, Sla::default()).map(Some),
                    "assessment-results.json",
                ),
                OscalDocument::Poam => (oscal::plan_of_action(judged, &trend, Sla::default()), "poam.json"),
                OscalDocument::ComponentDefinition => {
                    (oscal::component_definition(judged).map(Some), "component-definition.json")
                }
            };
            let nothing =
                || Problem::new(Code::NothingOpen, "No control failed, so there is nothing to plan.");
            let bytes = made.map_err(Problem::internal)?.ok_or_else(nothing)?;
            Ok(download(bytes, "application/json", name))
        })
    })
    .await
}

/// The assessment with one of its frameworks alone.
async fn one(
    app: &App,
    caller: &Caller,
    framework: &str,
    scope: String,
    scan: Option<Uuid>,
) -> Result<Assessment, Problem> {
    let mut found = assessment(app, &caller.tenant, &AssetId(scope), scan).await?;
    found.frameworks.retain(|result| result.framework.id == framework);
    if found.frameworks.is_empty() { Err(not_found()) } else { Ok(found) }
}

fn judged<T>(
    assessment: &Assessment,
    exceptions: &Exceptions,
    use_it: impl FnOnce(&Judged<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    use_it(&judge(assessment, exceptions).map_err(Problem::internal)?)
}

/// Bytes to be kept as a file.
fn download(bytes: Vec<u8>, kind: &'static str, name: &'static str) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes)
        .into_response()
}
