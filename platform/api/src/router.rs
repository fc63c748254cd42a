//! The routes, and the layers around them, from the inside out: entity tags, the guard, the edge.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, http};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, Ui};
use crate::auth::{guard, is_api_path};
use crate::code::Code;
use crate::conditional::conditional;
use crate::edge::edge;
use crate::problem::Problem;
use crate::routes::{
    accounts, advisories, attack_map, audit, backtests, clusters, compliance, destinations, events, evidence,
    exceptions, export, findings, images, imports, incidents, ingest, inventory, metrics, overview, plugins,
    responses, runtime, scans, server, session, sign_in, sources, triage,
};
use crate::{assistants, document, ui};

/// Largest body of a request. The largest this API takes is a scan of a few hundred bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// Every operation; the one list that routes and document are made from.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::base())
        .routes(routes!(session::sign_in, session::get_session, session::sign_out))
        .routes(routes!(sign_in::ways))
        .routes(routes!(sign_in::begin))
        .routes(routes!(sign_in::callback))
        .routes(routes!(scans::submit, scans::list))
        .routes(routes!(scans::get))
        .routes(routes!(events::follow))
        .routes(routes!(findings::list))
        .routes(routes!(findings::facets))
        .routes(routes!(findings::groups))
        .routes(routes!(export::findings))
        .routes(routes!(findings::get, triage::change))
        .routes(routes!(triage::submit, triage::list))
        .routes(routes!(triage::get))
        .routes(routes!(triage::cancel))
        .routes(routes!(triage::undo))
        .routes(routes!(images::list))
        .routes(routes!(images::get))
        .routes(routes!(images::packages))
        .routes(routes!(inventory::list))
        .routes(routes!(inventory::facets))
        .routes(routes!(inventory::get))
        .routes(routes!(clusters::list))
        .routes(routes!(clusters::exposure))
        .routes(routes!(clusters::attack_paths))
        .routes(routes!(clusters::who_can))
        .routes(routes!(accounts::exposure))
        .routes(routes!(accounts::attack_paths))
        .routes(routes!(accounts::who_can))
        .routes(routes!(accounts::unused_rights))
        .routes(routes!(compliance::list))
        .routes(routes!(compliance::get))
        .routes(routes!(evidence::report))
        .routes(routes!(evidence::oscal))
        .routes(routes!(exceptions::list, exceptions::add))
        .routes(routes!(exceptions::revoke))
        .routes(routes!(evidence::list))
        .routes(routes!(evidence::verify))
        .routes(routes!(evidence::pack))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::export))
        .routes(routes!(imports::submit, imports::list))
        .routes(routes!(imports::get))
        .routes(routes!(destinations::list))
        .routes(routes!(destinations::get, destinations::put, destinations::remove))
        .routes(routes!(destinations::tickets))
        .routes(routes!(destinations::deliveries))
        .routes(routes!(destinations::replay))
        .routes(routes!(destinations::test))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::get, sources::remove))
        .routes(routes!(sources::rotate))
        .routes(routes!(sources::disable))
        .routes(routes!(sources::enable))
        .routes(routes!(sources::sensors))
        .routes(routes!(ingest::receive))
        .routes(routes!(ingest::receive_otlp))
        .routes(routes!(runtime::events))
        .routes(routes!(runtime::event))
        .routes(routes!(runtime::process_tree))
        .routes(routes!(runtime::detections))
        .routes(routes!(runtime::detection))
        .routes(routes!(runtime::rules))
        .routes(routes!(runtime::suppressions, runtime::suppress))
        .routes(routes!(runtime::end_suppression))
        .routes(routes!(backtests::submit, backtests::list))
        .routes(routes!(backtests::get))
        .routes(routes!(backtests::cancel))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::get, incidents::change))
        .routes(routes!(incidents::timeline))
        .routes(routes!(incidents::graph))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::get))
        .routes(routes!(plugins::approve))
        .routes(routes!(plugins::promote))
        .routes(routes!(plugins::activate))
        .routes(routes!(plugins::release))
        .routes(routes!(plugins::retire))
        .routes(routes!(responses::playbooks))
        .routes(routes!(responses::list, responses::start))
        .routes(routes!(responses::ledger))
        .routes(routes!(responses::verify))
        .routes(routes!(responses::get))
        .routes(routes!(responses::decide))
        .routes(routes!(responses::cancel))
        .routes(routes!(responses::kill_switch, responses::turn_kill_switch))
        .routes(routes!(advisories::get))
        .routes(routes!(attack_map::get))
        .routes(routes!(attack_map::navigator))
        .routes(routes!(overview::get))
        .routes(routes!(metrics::get))
        .routes(routes!(server::version))
        .routes(routes!(server::openapi))
        .routes(routes!(server::error_page))
        .routes(routes!(server::liveness))
        .routes(routes!(server::readiness))
}

/// The OpenAPI 3.1 document of this API.
#[must_use]
pub fn openapi() -> OpenApi {
    document::complete(routes().into_openapi())
}

/// The document as text, with a line feed at the end, as `platform/openapi.json` holds it.
///
/// # Errors
/// Never in practice: the document is plain data.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    Ok(openapi().to_pretty_json()? + "\n")
}

/// The routes with everything around them.
pub(crate) fn router(app: &App) -> Router {
    let (routes, _) = routes().split_for_parts();
    let routes =
        routes.layer(from_fn(conditional)).fallback(fallback).layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let rest = layered(routes.clone(), app);
    layered(assistants::add(routes, app, rest), app)
}

/// The layers that stand in front of every route.
pub(crate) fn layered(routes: Router<App>, app: &App) -> Router {
    routes
        .layer(from_fn_with_state(App::clone(app), guard))
        .layer(from_fn_with_state(App::clone(app), edge))
        .with_state(App::clone(app))
}

/// Everything that is no operation: a file of the user interface, or nothing.
async fn fallback(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    if is_api_path(path) || app.ui == Ui::None {
        return no_route(path);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = http::StatusCode::METHOD_NOT_ALLOWED.into_response();
        response.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    ui::serve(path, request.headers()).unwrap_or_else(|| no_route(path))
}

fn no_route(path: &str) -> Response {
    let shown: String = path.chars().take(200).collect();
    Problem::new(Code::RouteNotFound, format!("Nothing is at {shown:?}."))
        .hint("The operations are listed at /api/v1/openapi.json.")
        .into_response()
}
