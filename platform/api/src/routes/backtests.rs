//! Backtests: what other rules, or another version of a plugin, would have said of stored events.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use store::{BacktestWork, Candidate, RuleFile};
use uuid::Uuid;

use crate::app::{App, BacktestRefusal};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{Backtest, BacktestDetail, BacktestDifference, BacktestRules, NewBacktest, NoContent, Page};
use crate::extract::{Body, Nothing, PageParams, Path, Query};
use crate::problem::Problem;

/// Most files of rules of a backtest.
const FILES_MAX: usize = 100;
/// Longest name of one, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Submit a backtest
///
/// Stored events are judged twice, by what is in force and by what is to be tried, and the difference is kept; nothing else is stored, and no
/// response begins. Answers when it is accepted; ask for it to follow how far it is. One is made at a time.
#[utoipa::path(
    post,
    path = "/api/v1/backtests",
    operation_id = "submit_backtest",
    tag = "runtime",
    request_body = NewBacktest,
    responses((
        status = 202,
        description = "Accepted. `Location` is the backtest.",
        body = Backtest,
        headers(("location" = String, description = "Path of the backtest."))
    ))
)]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewBacktest>,
) -> Result<Response, Problem> {
    let new = checked(new, caller.token_name, Timestamp::now())?;
    let submitted = (app.backtest)(caller.tenant, new).await;
    let submitted = submitted.map_err(|refusal| match refusal {
        BacktestRefusal::Unusable(detail) => Problem::new(Code::BacktestRefused, detail)
            .hint("`palisade rules test` tries rules against cases of their own."),
        BacktestRefusal::Store(error) => error.into(),
    })?;
    let location = format!("/api/v1/backtests/{}", submitted.id);
    let mut response = (StatusCode::ACCEPTED, Json(Backtest::from(submitted))).into_response();
    let value = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

/// What the store is asked to accept.
fn checked(new: NewBacktest, by: String, at: Timestamp) -> Result<store::NewBacktest, Problem> {
    let refuse = |pointer: &str, detail: &str| {
        Err(Problem::new(Code::BacktestRefused, detail).pointer(pointer, detail))
    };
    let to = new.to.unwrap_or(at);
    if new.from >= to {
        return refuse("/from", "The time has to begin before it ends.");
    }
    if new.rules.is_empty() && new.candidate.is_none() && !new.instead {
        return refuse("/rules", "There is nothing to try: give rules, or a version of a plugin.");
    }
    if new.rules.len() > FILES_MAX {
        return refuse("/rules", "At most 100 files are tried at once.");
    }
    let named = |file: &BacktestRules| !file.name.trim().is_empty() && file.name.len() <= NAME_BYTES_MAX;
    if !new.rules.iter().all(named) {
        return refuse("/rules", "Every file needs a name of at most 256 bytes.");
    }
    let file = |file: BacktestRules| RuleFile { name: file.name, text: file.text };
    Ok(store::NewBacktest {
        id: Uuid::now_v7(),
        rules: new.rules.into_iter().map(file).collect(),
        instead: new.instead,
        candidate: new.candidate.map(|one| Candidate { plugin: one.plugin, digest: one.digest }),
        from: new.from,
        to,
        by,
        at,
    })
}

/// List backtests
///
/// The newest first. The last 200 are kept.
#[utoipa::path(
    get,
    path = "/api/v1/backtests",
    operation_id = "list_backtests",
    tag = "runtime",
    params(PageParams),
    responses((status = 200, description = "A page of backtests.", body = Page<Backtest>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page, _): Query<PageParams>,
) -> Result<Json<Page<Backtest>>, Problem> {
    Ok(Json(Page::of(app.store.backtests(&caller.tenant, &page.into()).await?)))
}

/// Get a backtest
///
/// How far it is, and once it is done what the candidate finds and what it does not.
#[utoipa::path(
    get,
    path = "/api/v1/backtests/{id}",
    operation_id = "get_backtest",
    tag = "runtime",
    params(("id" = Uuid, Path, description = "Id of the backtest.")),
    responses((status = 200, description = "The backtest, with the difference when it is finished.", body = BacktestDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<BacktestDetail>, Problem> {
    let BacktestWork { backtest, rules, difference } = one(&app, &caller, id).await?;
    let difference = difference.map(serde_json::from_value::<BacktestDifference>).transpose();
    Ok(Json(BacktestDetail {
        backtest: backtest.into(),
        rules: rules.into_iter().map(|file| BacktestRules { name: file.name, text: file.text }).collect(),
        difference: difference.map_err(Problem::internal)?,
    }))
}

/// Cancel a backtest
///
/// It ends within seconds. One that is over already stays as it is, and says so.
#[utoipa::path(
    post,
    path = "/api/v1/backtests/{id}/cancel",
    operation_id = "cancel_backtest",
    tag = "runtime",
    params(("id" = Uuid, Path, description = "Id of the backtest.")),
    responses((status = 200, description = "Called off.", body = NoContent))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<NoContent>, Problem> {
    let found = one(&app, &caller, id).await?;
    if !app.store.cancel_backtest(&caller.tenant, id, Timestamp::now()).await? {
        let state = found.backtest.state.as_str();
        return Err(Problem::new(Code::BacktestOver, format!("The backtest is over: {state}.")));
    }
    Ok(Json(NoContent {}))
}

async fn one(app: &App, caller: &Caller, id: Uuid) -> Result<BacktestWork, Problem> {
    let missing = || {
        Problem::new(Code::BacktestNotFound, "No backtest has this id, or it is not kept any more.")
            .hint("List them at /api/v1/backtests.")
    };
    app.store.backtest(&caller.tenant, id).await?.ok_or_else(missing)
}
