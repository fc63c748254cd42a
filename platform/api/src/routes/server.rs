//! What the server says about itself: health, version, its own description and the pages about its errors.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use model::TenantId;

use crate::app::App;
use crate::code::Code;
use crate::dto::{Health, Version};
use crate::extract::{Nothing, Path, Query};
use crate::pages::error_page as error_page_of;
use crate::problem::Problem;

/// Is the process alive
///
/// Answers as long as the process can answer at all; asks nothing else.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "get_liveness",
    tag = "server",
    responses((status = 200, description = "It is.", body = Health))
)]
pub(crate) async fn liveness(Query(..): Query<Nothing>) -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// Can the server take work
///
/// Answers after the store has answered. While the server stops, it says no, so that nothing new is sent to it.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "server",
    responses((status = 200, description = "It can.", body = Health))
)]
pub(crate) async fn readiness(
    State(app): State<App>,
    Query(..): Query<Nothing>,
) -> Result<Json<Health>, Problem> {
    if *app.draining.borrow() {
        return Err(Problem::new(Code::NotReady, "The server is stopping."));
    }
    let asked = tokio::time::timeout(STORE_TIME, app.store.token_count(&TenantId::default_tenant())).await;
    match asked {
        Ok(Ok(_)) => Ok(Json(Health { status: "ok".to_owned() })),
        Ok(Err(error)) => Err(not_ready().cause(error)),
        Err(_) => Err(not_ready().cause("the store took too long")),
    }
}

/// Time the store has to answer a readiness probe; below the default deadline of a Kubernetes probe by its half.
const STORE_TIME: std::time::Duration = std::time::Duration::from_millis(500);

fn not_ready() -> Problem {
    Problem::new(Code::NotReady, "The store does not answer.")
}

/// Which version runs here
///
/// The version of the program that answers.
#[utoipa::path(
    get,
    path = "/api/v1/version",
    operation_id = "get_version",
    tag = "server",
    responses((status = 200, description = "The version.", body = Version))
)]
pub(crate) async fn version(State(app): State<App>, Query(..): Query<Nothing>) -> Json<Version> {
    Json(Version { version: app.version.clone(), api: "v1".to_owned() })
}

/// This description
///
/// The OpenAPI document of exactly this server.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "get_openapi",
    tag = "server",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value))
)]
pub(crate) async fn openapi(State(app): State<App>, Query(..): Query<Nothing>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.document.clone()).into_response()
}

/// What an error code means
///
/// The page about a code of a problem, of a scan that failed, of a coverage gap or of a plugin fault: what happened, why,
/// and what to do. The `type` of every problem leads here.
#[utoipa::path(
    get,
    path = "/api/v1/errors/{code}",
    operation_id = "get_error_page",
    tag = "server",
    params(("code" = String, Path, description = "The code.", example = "unknown-parameter")),
    responses((status = 200, description = "The page, in Markdown.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn error_page(
    Path(name): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Response, Problem> {
    let page = error_page_of(&name)
        .ok_or_else(|| Problem::new(Code::CodeNotFound, "Nothing in this version has that code."))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page.into_owned()).into_response())
}
