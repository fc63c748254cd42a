//! Responses: playbooks, runs, decisions about them, the ledger and the kill switch.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use respond::{Act, ActState, Book as _, Change, Entry, Phase, Plan, Run, RunId};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use store::PageRequest;
use utoipa::IntoParams;

use crate::app::{App, ResponseAnswer, ResponseOrder, ResponseRefusal};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{
    ActDryRun, CallOff, FieldChange, JournalLine, KillSwitch, KillSwitches, LedgerBreak, LedgerCheck,
    LedgerPage, LedgerRecord, NewDecision, NewResponse, NoContent, PlannedAct, PlannedDisruption,
    PlannedReplicas, Playbooks, ResponseDecision, ResponseDetail, ResponsePlan, ResponseRow, Responses,
    SkippedStep, TurnKillSwitch,
};
use crate::extract::{Body, Limit, Nothing, Path, Query, Text};
use crate::problem::Problem;

/// Longest reason that is kept.
const WHY_BYTES_MAX: usize = 1024;

async fn order(app: &App, caller: &Caller, order: ResponseOrder) -> Result<ResponseAnswer, Problem> {
    let answered = (app.respond)(caller.token_name.clone(), caller.tenant.clone(), order).await;
    answered.map_err(|ResponseRefusal { detail, unknown }| match unknown {
        true => Problem::new(Code::ResponseNotFound, detail).hint("List them at /api/v1/responses."),
        false => Problem::new(Code::ResponseRefused, detail),
    })
}

/// List playbooks
///
/// Those that are built in and the operator's own.
#[utoipa::path(
    get,
    path = "/api/v1/playbooks",
    operation_id = "list_playbooks",
    tag = "responses",
    responses((status = 200, description = "The playbooks, by name.", body = Playbooks))
)]
pub(crate) async fn playbooks(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Playbooks>, Problem> {
    match order(&app, &caller, ResponseOrder::Playbooks).await? {
        ResponseAnswer::Playbooks(items) => Ok(Json(Playbooks { items })),
        _ => Err(Problem::internal("another answer than playbooks")),
    }
}

/// Which runs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Those alone that are not over, or that are.
    open: Option<bool>,
    /// Those of this incident alone.
    #[param(value_type = Option<String>)]
    incident: Option<Text>,
    /// Those of this playbook alone.
    #[param(value_type = Option<String>)]
    playbook: Option<Text>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Most runs to look at, the newest first.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
}

/// List responses
///
/// Runs of playbooks, the newest first. A page looks at `limit` runs: of one incident or playbook it may show fewer, and none, before the
/// last page.
#[utoipa::path(
    get,
    path = "/api/v1/responses",
    operation_id = "list_responses",
    tag = "responses",
    params(Wanted),
    responses((status = 200, description = "The runs.", body = Responses))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(wanted, ..): Query<Wanted>,
) -> Result<Json<Responses>, Problem> {
    let mut items = Vec::new();
    let page = PageRequest { cursor: wanted.cursor, limit: wanted.limit.0 };
    let page = app.store.responses(&caller.tenant, wanted.open, &page).await?;
    for row in page.items {
        let Some(journal) = journal(&app, &caller, &row.run).await? else { continue };
        let run = Run::read(&row.run, journal).map_err(Problem::internal)?;
        let fits = |text: &Option<Text>, is: &str| text.as_ref().is_none_or(|text| text.0 == is);
        if fits(&wanted.incident, &run.begin.incident) && fits(&wanted.playbook, &run.playbook.name) {
            items.push(shown_row(&run, row.begun_at, row.changed_at));
        }
    }
    Ok(Json(Responses { items, next: page.next }))
}

/// Start a response
///
/// Plans a playbook for an incident. What it would do is shown before anything is done; whoever starts it cannot agree to it. With `dryRun`
/// it is only planned and tried, and nothing of it is kept.
#[utoipa::path(
    post,
    path = "/api/v1/responses",
    operation_id = "start_response",
    tag = "responses",
    request_body = NewResponse,
    responses((status = 201, description = "The run.", body = ResponseDetail))
)]
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewResponse>,
) -> Result<(StatusCode, Json<ResponseDetail>), Problem> {
    let NewResponse { playbook, incident, dry_run } = new;
    let asked = ResponseOrder::Start { playbook: playbook.clone(), incident: incident.clone(), dry_run };
    match order(&app, &caller, asked).await? {
        ResponseAnswer::Plan(plan) => {
            let now = Timestamp::now();
            let row = ResponseRow {
                id: String::new(),
                playbook,
                incident,
                phase: "over".to_owned(),
                outcome: (!plan.refusals.is_empty()).then(|| "refused".to_owned()),
                dry_run: true,
                started_by: caller.token_name,
                begun_at: now,
                changed_at: now,
                lease_until: None,
                approvals_needed: 0,
                approvals_given: 0,
            };
            let plan = Some(shown_plan(&plan, &[], now));
            let (decisions, journal) = (Vec::new(), Vec::new());
            let detail = ResponseDetail { row, plan, decisions, stopped: None, journal };
            Ok((StatusCode::CREATED, Json(detail)))
        }
        ResponseAnswer::Run(run) => Ok((StatusCode::CREATED, Json(detail(&app, &caller, &run.id).await?))),
        ResponseAnswer::Playbooks(_) => Err(Problem::internal("another answer than a run")),
    }
}

/// Get a response
///
/// Its plan with every field before and after, who decided, and its journal.
#[utoipa::path(
    get,
    path = "/api/v1/responses/{id}",
    operation_id = "get_response",
    tag = "responses",
    params(("id" = String, Path, description = "Id of the run.")),
    responses((status = 200, description = "The run.", body = ResponseDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<ResponseDetail>, Problem> {
    Ok(Json(detail(&app, &caller, &RunId(id)).await?))
}

/// Decide about a response
///
/// Agrees to the plan with this digest and to no other, or disagrees. Whoever started a run does not decide about it, and nobody twice; the
/// name of the token is the person.
#[utoipa::path(
    post,
    path = "/api/v1/responses/{id}/decide",
    operation_id = "decide_response",
    tag = "responses",
    params(("id" = String, Path, description = "Id of the run.")),
    request_body = NewDecision,
    responses((status = 200, description = "The run.", body = ResponseDetail))
)]
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(decision): Body<NewDecision>,
) -> Result<Json<ResponseDetail>, Problem> {
    let NewDecision { agree, digest, note } = decision;
    let run = RunId(id);
    order(&app, &caller, ResponseOrder::Decide { run: run.clone(), agree, plan: digest }).await?;
    tracing::info!(run = %run, by = caller.token_name, agree, note = note.map(bounded), "somebody decided about a response");
    Ok(Json(detail(&app, &caller, &run).await?))
}

/// Call a response off
///
/// Before anything was done it ends; afterwards what can be taken back is taken back now.
#[utoipa::path(
    post,
    path = "/api/v1/responses/{id}/cancel",
    operation_id = "cancel_response",
    tag = "responses",
    params(("id" = String, Path, description = "Id of the run.")),
    request_body = CallOff,
    responses((status = 200, description = "The run.", body = ResponseDetail))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
    Body(CallOff { why }): Body<CallOff>,
) -> Result<Json<ResponseDetail>, Problem> {
    let run = RunId(id);
    order(&app, &caller, ResponseOrder::Cancel { run: run.clone() }).await?;
    tracing::info!(run = %run, by = caller.token_name, why = why.map(bounded), "somebody called a response off");
    Ok(Json(detail(&app, &caller, &run).await?))
}

/// Which records are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WantedRecords {
    /// Those of this run alone.
    #[param(value_type = Option<String>)]
    run: Option<Text>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Most records to return.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
}

/// List the ledger of responses
///
/// Every record in the order of the chain.
#[utoipa::path(
    get,
    path = "/api/v1/responses/ledger",
    operation_id = "list_response_ledger",
    tag = "responses",
    params(WantedRecords),
    responses((status = 200, description = "The records.", body = LedgerPage))
)]
pub(crate) async fn ledger(
    State(app): State<App>,
    caller: Caller,
    Query(wanted, ..): Query<WantedRecords>,
) -> Result<Json<LedgerPage>, Problem> {
    let from = match wanted.cursor.as_deref().map(str::parse::<u64>) {
        None => 0,
        Some(Ok(from)) => from,
        Some(Err(_)) => {
            return Err(Problem::new(Code::InvalidCursor, "The cursor is not one of this list.")
                .parameter("cursor", "not made by this list"));
        }
    };
    let run = wanted.run.map(|run| RunId(run.0));
    let records = app.store.response_ledger(&caller.tenant, run.as_ref(), from, wanted.limit.0).await?;
    let full = records.len() as u64 >= u64::from(wanted.limit.0);
    let items: Vec<LedgerRecord> =
        records.iter().map(|record| shown_record(record)).collect::<Result<_, _>>()?;
    let next = items.last().filter(|_| full).map(|last| last.sequence.saturating_add(1).to_string());
    Ok(Json(LedgerPage { items, next }))
}

/// Verify the ledger of responses
///
/// Goes through every record from the first on, and names the first that is not what was written.
#[utoipa::path(
    get,
    path = "/api/v1/responses/ledger/verify",
    operation_id = "verify_response_ledger",
    tag = "responses",
    responses((status = 200, description = "What came of it.", body = LedgerCheck))
)]
pub(crate) async fn verify(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<LedgerCheck>, Problem> {
    let check = app.store.verify_responses(&caller.tenant).await?;
    let broken = check.broken.map(|(sequence, why)| LedgerBreak { sequence, why });
    Ok(Json(LedgerCheck { records: check.records, head: check.head, broken }))
}

/// Get the kill switches that are on
///
/// What is stopped, by whom and why.
#[utoipa::path(
    get,
    path = "/api/v1/kill-switch",
    operation_id = "get_kill_switch",
    tag = "responses",
    responses((status = 200, description = "Those that are on.", body = KillSwitches))
)]
pub(crate) async fn kill_switch(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<KillSwitches>, Problem> {
    let on = app.store.kill_switches(&caller.tenant).await?;
    let shown = |one: store::KillSwitch| KillSwitch {
        playbook: one.playbook,
        why: one.why,
        by: one.actor,
        at: one.at,
    };
    Ok(Json(KillSwitches { items: on.into_iter().map(shown).collect() }))
}

/// Turn a kill switch
///
/// While it is on nothing is done. What was done stays, and is taken back when it is off.
#[utoipa::path(
    put,
    path = "/api/v1/kill-switch",
    operation_id = "turn_kill_switch",
    tag = "responses",
    request_body = TurnKillSwitch,
    responses((status = 200, description = "Turned.", body = NoContent))
)]
pub(crate) async fn turn_kill_switch(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(TurnKillSwitch { playbook, why }): Body<TurnKillSwitch>,
) -> Result<Json<NoContent>, Problem> {
    let why = why.map(bounded);
    if why.as_deref().is_some_and(|why| why.trim().is_empty()) {
        return Err(Problem::new(Code::InvalidBody, "The kill switch is turned on with a reason.")
            .pointer("/why", "it is empty"));
    }
    let now = Timestamp::now();
    app.store.stop_responses(&caller.tenant, &playbook, why.as_deref(), &caller.token_name, now).await?;
    tracing::warn!(
        by = caller.token_name,
        playbook,
        on = why.is_some(),
        "the kill switch of responses was turned"
    );
    Ok(Json(NoContent {}))
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(WHY_BYTES_MAX));
    text
}

async fn journal(
    app: &App,
    caller: &Caller,
    run: &RunId,
) -> Result<Option<Vec<(Timestamp, Entry)>>, Problem> {
    app.store.journal(&caller.tenant, run).await.map_err(Problem::internal)
}

async fn detail(app: &App, caller: &Caller, id: &RunId) -> Result<ResponseDetail, Problem> {
    let Some(journal) = journal(app, caller, id).await? else {
        return Err(Problem::new(Code::ResponseNotFound, "No response has this id.")
            .hint("List them at /api/v1/responses."));
    };
    let times = (journal.first().map(|(at, _)| *at), journal.last().map(|(at, _)| *at));
    let (begun, changed) = (times.0.unwrap_or_default(), times.1.unwrap_or_default());
    let lines = journal.iter().map(|(at, entry)| JournalLine { at: *at, what: entry.to_string() }).collect();
    let decided = |(at, entry): &(Timestamp, Entry)| match entry {
        Entry::Decided(decision) => {
            Some(ResponseDecision { by: decision.by.clone(), agree: decision.agree, at: *at })
        }
        _ => None,
    };
    let decisions = journal.iter().filter_map(decided).collect();
    let run = Run::read(id, journal).map_err(Problem::internal)?;
    let planned = run.planned_at.unwrap_or(begun);
    Ok(ResponseDetail {
        plan: run.plan.as_ref().map(|plan| shown_plan(plan, &run.acts, planned)),
        row: shown_row(&run, begun, changed),
        decisions,
        stopped: run.stopped.clone(),
        journal: lines,
    })
}

fn shown_row(run: &Run, begun_at: Timestamp, changed_at: Timestamp) -> ResponseRow {
    let phase = match run.phase {
        Phase::Planning => "planning",
        Phase::Asking => "asking",
        Phase::Acting => "acting",
        Phase::Leased => "leased",
        Phase::Over(_) => "over",
    };
    let outcome = match run.phase {
        Phase::Over(outcome) => Some(outcome.as_str().to_owned()),
        _ => None,
    };
    ResponseRow {
        id: run.id.to_string(),
        playbook: run.playbook.name.clone(),
        incident: run.begin.incident.clone(),
        phase: phase.to_owned(),
        outcome,
        dry_run: false,
        started_by: run.begin.by.clone().unwrap_or_else(|| "trigger".to_owned()),
        begun_at,
        changed_at,
        lease_until: run.next_back().filter(|_| run.phase == Phase::Leased).map(|(_, due)| due),
        approvals_needed: run.approval().map_or(0, |approval| approval.need),
        approvals_given: u32::try_from(run.approvers().len()).unwrap_or(u32::MAX),
    }
}

fn shown_plan(plan: &Plan, states: &[ActState], planned_at: Timestamp) -> ResponsePlan {
    let act = |(place, act): (usize, &Act)| shown_act(plan, place, act, states.get(place));
    ResponsePlan {
        digest: plan.digest(),
        planned_at,
        acts: plan.acts.iter().enumerate().map(act).collect(),
        skipped: plan
            .skipped
            .iter()
            .map(|(step, why)| SkippedStep { step: step.clone(), why: why.clone() })
            .collect(),
        pods: plan.pods.iter().map(ToString::to_string).collect(),
        pods_total: plan.pods_total,
        replicas: plan
            .replicas
            .iter()
            .map(|one| PlannedReplicas {
                target: one.target.to_string(),
                before: one.before,
                after: one.after,
            })
            .collect(),
        disruptions: plan
            .disruptions
            .iter()
            .map(|one| PlannedDisruption {
                budget: one.budget.to_string(),
                allowed: one.allowed,
                evicted: one.evicted,
            })
            .collect(),
        warnings: plan.warnings.clone(),
        refusals: plan.refusals.clone(),
    }
}

fn shown_act(plan: &Plan, place: usize, act: &Act, state: Option<&ActState>) -> PlannedAct {
    let none: &[respond::Field] = &[];
    let (change, fields) = match &act.change {
        Change::Patch(fields) => ("patch", fields.as_slice()),
        Change::Create(_) => ("create", none),
        Change::Delete { .. } => ("delete", none),
        Change::Evict { .. } => ("evict", none),
        Change::Collect { .. } => ("collect", none),
        Change::Send(_) => ("send", none),
    };
    let (word, said) = match state {
        Some(ActState { failed: Some(why), .. }) => ("failed", Some(why.clone())),
        Some(ActState { back: Some(left), .. }) => {
            ("back", Some(left.join(", ")).filter(|left| !left.is_empty()))
        }
        Some(ActState { done: Some(_), .. }) => ("done", None),
        Some(state) if state.intents > 0 => ("asked", None),
        _ => ("waiting", None),
    };
    let field = |field: &respond::Field| FieldChange {
        path: field.path.clone(),
        before: field.before.clone(),
        after: field.after.clone(),
    };
    let tried = plan.dry_runs.iter().find(|tried| tried.act == place);
    PlannedAct {
        key: act.key.to_string(),
        step: act.step.clone(),
        action: act.action.clone(),
        class: act.class.as_str().to_owned(),
        target: act.target.as_ref().map(ToString::to_string),
        change: change.to_owned(),
        fields: fields.iter().map(field).collect(),
        dry_run: tried.map(|tried| ActDryRun { passes: tried.passes, said: tried.said.clone() }),
        state: word.to_owned(),
        said,
        verified: state.and_then(|state| state.verified),
    }
}

fn shown_record(text: &str) -> Result<LedgerRecord, Problem> {
    let record: respond::ledger::Record = serde_json::from_str(text).map_err(Problem::internal)?;
    let fact = record.fact;
    Ok(LedgerRecord {
        sequence: record.sequence,
        at: record.at,
        what: fact.what,
        action: fact.action,
        by: fact.by,
        detail: fact.detail,
        incident: fact.incident,
        run: fact.run,
        target: fact.target,
        hash: format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))),
    })
}
