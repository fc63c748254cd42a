//! The first page.

use axum::Json;
use axum::extract::State;
use model::FindingState;
use store::{FindingFilter, FindingSort, PageRequest};

use crate::app::App;
use crate::auth::Caller;
use crate::dto::{FindingRow, Overview};
use crate::extract::{Nothing, Query};
use crate::problem::Problem;

/// Findings shown on the first page.
const NEWEST_SHOWN: u32 = 10;

/// Where things stand
///
/// Counts over everything the tenant has, and the findings seen last.
#[utoipa::path(
    get,
    path = "/api/v1/overview",
    operation_id = "get_overview",
    tag = "overview",
    responses((status = 200, description = "Where things stand.", body = Overview))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Overview>, Problem> {
    let counts = app.store.overview(&caller.tenant).await?;
    let counted = FindingFilter {
        states: vec![FindingState::Open],
        suppressed: Some(false),
        ..FindingFilter::default()
    };
    let page = PageRequest { cursor: None, limit: NEWEST_SHOWN };
    let newest = app.store.findings(&caller.tenant, &counted, FindingSort::LastSeen, &page).await?;
    let newest = newest.items.into_iter().map(|row| FindingRow::of(row, &app.sla)).collect();
    let ledger = app.store.ledger(&caller.tenant).await?;
    Ok(Json(Overview::new(&counts, &ledger, newest)))
}
