//! Where the controls of compliance frameworks stand.

use axum::Json;
use axum::extract::State;
use model::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{AssessmentDetail, AssessmentRow, Assessments, TrendPoint};
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
    let controls = serde_json::from_value(found.controls.take()).map_err(|error| unreadable(&error))?;
    let trend = app.store.assessment_trend(&caller.tenant, &scope, &framework).await?;
    let point = |point: store::Assessment| {
        let row = row(point)?;
        Ok(TrendPoint { at: row.at, scan: row.scan, summary: row.summary })
    };
    let trend = trend.into_iter().map(point).collect::<Result<_, Problem>>()?;
    Ok(Json(AssessmentDetail { row: row(found)?, controls, trend }))
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
