//! Where the controls of compliance frameworks stand.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use model::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::assessed::{blocking, exceptions, read};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{AssessmentDetail, AssessmentRow, Assessments, Control, ControlCounts, TrendPoint};
use crate::extract::{Nothing, Path, Query};
use crate::problem::Problem;

/// List assessments
///
/// The newest assessment of every cluster and account by every framework.
#[utoipa::path(
    get,
    path = "/api/v1/compliance",
    operation_id = "list_assessments",
    tag = "compliance",
    responses((status = 200, description = "All of them.", body = Assessments))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Assessments>, Problem> {
    let newest = app.store.newest_assessments(&caller.tenant).await?;
    let items = newest.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(Json(Assessments { items }))
}

/// Which assessment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScanParams {
    /// The one of this scan; the newest without it.
    scan: Option<Uuid>,
}

/// Get an assessment
///
/// Every control with its status, why it stands there, and which rules prove it.
#[utoipa::path(
    get,
    path = "/api/v1/compliance/{framework}/{scope}",
    operation_id = "get_assessment",
    tag = "compliance",
    params(
        ("framework" = String, Path, description = "Framework, such as `nist-800-53-r5`."),
        ("scope" = String, Path, description = "Id of the cluster or account."),
        ScanParams
    ),
    responses((status = 200, description = "The assessment.", body = AssessmentDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((framework, scope)): Path<(String, String)>,
    Query(params, _): Query<ScanParams>,
) -> Result<Json<AssessmentDetail>, Problem> {
    let scope = AssetId(scope);
    let found = app.store.assessment(&caller.tenant, &scope, &framework, params.scan).await?;
    let mut found = found.ok_or_else(not_found)?;
    let controls: Vec<Control> =
        serde_json::from_value(found.controls.take()).map_err(|error| unreadable(&error))?;
    let (controls, accepted, score_without_accepted) =
        under_exceptions(&app, &caller, &scope, &framework, found.scan, controls).await?;
    let trend = app.store.assessment_trend(&caller.tenant, &scope, &framework).await?;
    let point = |point: store::Assessment| {
        let row = row(point)?;
        Ok(TrendPoint { at: row.at, scan: row.scan, summary: row.summary })
    };
    let trend = trend.into_iter().map(point).collect::<Result<_, Problem>>()?;
    Ok(Json(AssessmentDetail { row: row(found)?, accepted, score_without_accepted, controls, trend }))
}

/// What today's exceptions make of the controls. Without a single one the assessment itself need not be read back.
async fn under_exceptions(
    app: &App,
    caller: &Caller,
    scope: &AssetId,
    framework: &str,
    scan: Uuid,
    mut controls: Vec<Control>,
) -> Result<(Vec<Control>, u32, Option<u32>), Problem> {
    let book = exceptions(app, &caller.tenant).await?;
    let kept = match book.all().is_empty() {
        true => None,
        false => app.store.evidence_assessment(&caller.tenant, scope, Some(scan)).await?,
    };
    let Some(kept) = kept else {
        let score = ControlCounts::score(controls.iter().map(|control| control.status));
        return Ok((controls, 0, score));
    };
    let mut assessment = read(kept).await?;
    assessment.frameworks.retain(|result| result.framework.id == framework);
    // Shown is what is accepted now, not what was when the scan was made.
    assessment.time = Timestamp::now();
    blocking(move || {
        let judged = evidence::judge(&assessment, &book).map_err(Problem::internal)?;
        let Some(of) = judged.frameworks.first() else { return Ok((controls, 0, None)) };
        for (control, judged) in controls.iter_mut().zip(&of.controls) {
            control.accepted = judged.accepted;
            control.exceptions = judged.exceptions.iter().map(|exception| exception.id.clone()).collect();
        }
        Ok((controls, of.summary.accepted, of.summary.score_without_accepted))
    })
    .await
}

fn row(found: store::Assessment) -> Result<AssessmentRow, Problem> {
    Ok(AssessmentRow {
        framework: found.framework,
        scope: found.scope,
        scope_name: found.scope_name,
        at: found.at,
        scan: found.scan,
        summary: serde_json::from_value(found.summary).map_err(|error| unreadable(&error))?,
    })
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::new(Code::InternalError, "What is kept of this assessment cannot be read.")
        .cause(error.to_string())
}

fn not_found() -> Problem {
    Problem::new(Code::AssessmentNotFound, "There is no such assessment.")
        .hint("List them at /api/v1/compliance.")
}
