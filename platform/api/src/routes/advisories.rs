//! The advisory data of this installation.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::dto::AdvisoryStatus;
use crate::extract::{Nothing, Query};

/// Which advisories are in use
///
/// Where they came from, how old they are and what they cover. With `loaded: false` nothing can be judged.
#[utoipa::path(
    get,
    path = "/api/v1/advisories",
    operation_id = "get_advisories",
    tag = "advisories",
    responses((status = 200, description = "The state of the advisory data.", body = AdvisoryStatus))
)]
pub(crate) async fn get(State(app): State<App>, Query(..): Query<Nothing>) -> Json<AdvisoryStatus> {
    Json((app.advisories)())
}
