//! What people make of findings: of one, and of many at once.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use model::{AssetId, Fingerprint, Triage};
use store::{
    Ask, By, Decision, FindingFilter, FindingQuery, FindingSort, PageRequest, TriageChange, UndoRefusal,
};
use uuid::Uuid;

use super::findings::{detail, missing, whose};
use crate::app::{App, Sla};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{
    FindingChange, FindingDetail, FindingJob, FindingJobPreview, FindingRow, FindingSelection, NewFindingJob,
    NoContent, Page,
};
use crate::extract::{Body, Nothing, PageParams, Path, Query, text_refused};
use crate::problem::Problem;

/// Longest time for which a risk is accepted: two years.
const ACCEPTED_MAX: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);
/// Longest name of a person or a tag, in characters.
const NAME_MAX: usize = 200;
/// Longest reason or comment, in characters.
const WORDS_MAX: usize = 10_000;
/// Most tags that one change gives or takes.
const TAGS_MAX: usize = 20;
/// Most findings that are named one by one.
const NAMED_MAX: usize = 1_000;
/// Findings of a preview.
const EXAMPLES: u32 = 10;

/// Change a finding
///
/// Where people stand with it, whose it is, what it is called, and words for its history. One that is accepted or no finding does not count
/// any more; one that is accepted counts again when its time is over.
#[utoipa::path(
    patch,
    path = "/api/v1/findings/{fingerprint}",
    operation_id = "change_finding",
    tag = "findings",
    params(("fingerprint" = String, Path, description = "Fingerprint of the finding.")),
    request_body = FindingChange,
    responses((status = 200, description = "The finding.", body = FindingDetail))
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(fingerprint): Path<String>,
    Query(..): Query<Nothing>,
    Body(change): Body<FindingChange>,
) -> Result<Json<FindingDetail>, Problem> {
    let by = By { actor: caller.token_name.clone(), at: Timestamp::now() };
    let version = change.version;
    let change = checked(change, &by).map_err(|refusal| refusal.at(""))?;
    let fingerprint = Fingerprint(fingerprint);
    let changed = app.store.change_finding(&caller.tenant, &fingerprint, &change, &by, version).await?;
    detail(&app, &caller, changed.ok_or_else(missing)?).await.map(Json)
}

/// Change many findings
///
/// Accepted as a job that can be followed, called off and taken back. With `dry_run` nothing is changed, and the answer says what would be.
#[utoipa::path(
    post,
    path = "/api/v1/finding-changes",
    operation_id = "submit_finding_change",
    tag = "findings",
    request_body = NewFindingJob,
    responses(
        (status = 200, description = "What would be changed.", body = FindingJobPreview),
        (
            status = 202,
            description = "Accepted. `Location` is the job.",
            body = FindingJob,
            headers(("location" = String, description = "Path of the job."))
        )
    )
)]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
    Body(new): Body<NewFindingJob>,
) -> Result<Response, Problem> {
    let by = By { actor: caller.token_name.clone(), at: Timestamp::now() };
    if new.change.version.is_some() {
        return Err(Refusal("/version", "Versions are of one finding, not of many.").at("/change"));
    }
    let change = checked(new.change, &by).map_err(|refusal| refusal.at("/change"))?;
    let said = new.filter.filter.as_deref().map(|text| super::findings::query(text, by.at)).transpose()?;
    let filter = selected(new.filter, said, &app.sla, by.at).map_err(|refusal| refusal.at("/filter"))?;
    if new.dry_run {
        return preview(&app, &caller, &filter).await;
    }
    let ask = Ask { filter, change };
    let job = app.store.submit_finding_job(&caller.tenant, Uuid::now_v7(), &ask, &by).await?;
    accepted(&app, job)
}

async fn preview(app: &App, caller: &Caller, filter: &FindingFilter) -> Result<Response, Problem> {
    let request = PageRequest { cursor: None, limit: EXAMPLES };
    let matched = app.store.count_findings(&caller.tenant, filter).await?;
    let page = app.store.findings(&caller.tenant, filter, FindingSort::Severity, &request).await?;
    let examples = page.items.into_iter().map(|row| FindingRow::of(row, &app.sla)).collect();
    Ok(Json(FindingJobPreview { matched, examples }).into_response())
}

fn accepted(app: &App, job: store::FindingJob) -> Result<Response, Problem> {
    (app.outbox_changed)();
    let location = format!("/api/v1/finding-changes/{}", job.id);
    let mut response = (StatusCode::ACCEPTED, Json(FindingJob::from(job))).into_response();
    let value = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, value);
    Ok(response)
}

/// List changes of many findings
///
/// The newest first. The last 100 are kept.
#[utoipa::path(
    get,
    path = "/api/v1/finding-changes",
    operation_id = "list_finding_changes",
    tag = "findings",
    params(PageParams),
    responses((status = 200, description = "A page of jobs.", body = Page<FindingJob>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page, _): Query<PageParams>,
) -> Result<Json<Page<FindingJob>>, Problem> {
    Ok(Json(Page::of(app.store.finding_jobs(&caller.tenant, &page.into()).await?)))
}

/// Get a change of many findings
///
/// How far it is, and what became of how many findings.
#[utoipa::path(
    get,
    path = "/api/v1/finding-changes/{id}",
    operation_id = "get_finding_change",
    tag = "findings",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses((status = 200, description = "The job.", body = FindingJob))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<FindingJob>, Problem> {
    let job = app.store.finding_job(&caller.tenant, id).await?.ok_or_else(no_job)?;
    Ok(Json(job.into()))
}

/// Cancel a change of many findings
///
/// What is changed already stays so; it can be taken back. One that is over stays as it is, and says so.
#[utoipa::path(
    post,
    path = "/api/v1/finding-changes/{id}/cancel",
    operation_id = "cancel_finding_change",
    tag = "findings",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses((status = 200, description = "Called off.", body = NoContent))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Json<NoContent>, Problem> {
    let job = app.store.finding_job(&caller.tenant, id).await?.ok_or_else(no_job)?;
    if !app.store.cancel_finding_job(&caller.tenant, id, Timestamp::now()).await? {
        let detail = format!("The change is over: {}.", job.state.as_str());
        return Err(Problem::new(Code::FindingJobOver, detail));
    }
    Ok(Json(NoContent {}))
}

/// Take a change of many findings back
///
/// A job of its own, which makes every finding what it was, but those that somebody has changed since.
#[utoipa::path(
    post,
    path = "/api/v1/finding-changes/{id}/undo",
    operation_id = "undo_finding_change",
    tag = "findings",
    params(("id" = Uuid, Path, description = "Id of the job.")),
    responses((
        status = 202,
        description = "Accepted. `Location` is the job that takes the other one back.",
        body = FindingJob,
        headers(("location" = String, description = "Path of the job."))
    ))
)]
pub(crate) async fn undo(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Response, Problem> {
    let by = By { actor: caller.token_name.clone(), at: Timestamp::now() };
    let job = app.store.undo_finding_job(&caller.tenant, id, Uuid::now_v7(), &by).await?;
    let job = job.map_err(|refusal| match refusal {
        UndoRefusal::Unknown => no_job(),
        UndoRefusal::Unfinished => {
            Problem::new(Code::FindingJobOver, "The change is not over.").hint("Cancel it first.")
        }
        UndoRefusal::Undone(by) => {
            Problem::new(Code::FindingJobOver, format!("The change was taken back before, by {by}."))
        }
    })?;
    accepted(&app, job)
}

fn no_job() -> Problem {
    Problem::new(Code::FindingJobNotFound, "No change of findings has this id, or it is not kept any more.")
        .hint("List them at /api/v1/finding-changes.")
}

/// What is wrong, and with which member.
struct Refusal(&'static str, &'static str);

impl Refusal {
    fn at(self, within: &str) -> Problem {
        Problem::new(Code::FindingChangeRefused, self.1).pointer(&format!("{within}{}", self.0), self.1)
    }
}

/// What the store is asked to change, for who says it without a request.
///
/// # Errors
/// What is wrong with it, as a sentence for people.
pub fn checked_change(change: FindingChange, by: &By) -> Result<TriageChange, String> {
    checked(change, by).map_err(|refusal| refusal.1.to_owned())
}

/// What the store is asked to change.
fn checked(change: FindingChange, by: &By) -> Result<TriageChange, Refusal> {
    let decision = decision(&change, by)?;
    if let Some(Some(name)) = &change.assignee {
        // In lists, `-` stands for nobody.
        named(name).filter(|name| *name != "-").ok_or(Refusal(
            "/assignee",
            "A name has 1 to 200 characters, none of them for control; it is not `-`, which stands for nobody.",
        ))?;
    }
    for (place, tags) in [("/add_tags", &change.add_tags), ("/remove_tags", &change.remove_tags)] {
        if tags.len() > TAGS_MAX || !tags.iter().all(|tag| named(tag).is_some()) {
            return Err(Refusal(
                place,
                "At most 20 tags, of 1 to 200 characters each, none of them for control.",
            ));
        }
    }
    if change.comment.as_ref().is_some_and(|words| words.chars().count() > WORDS_MAX) {
        return Err(Refusal("/comment", "A comment has at most 10,000 characters."));
    }
    let change = TriageChange {
        status: change.status,
        decision,
        assignee: change.assignee,
        add_tags: change.add_tags,
        remove_tags: change.remove_tags,
        comment: change.comment.filter(|words| !words.trim().is_empty()),
    };
    if change == TriageChange::default() {
        return Err(Refusal("", "It changes nothing: name a status, an assignee, tags or a comment."));
    }
    Ok(change)
}

/// A name that people can read.
fn named(name: &str) -> Option<&str> {
    let fits = !name.trim().is_empty()
        && name.trim() == name
        && name.chars().count() <= NAME_MAX
        && !name.chars().any(char::is_control);
    fits.then_some(name)
}

/// Who answers for what is set aside.
fn decision(change: &FindingChange, by: &By) -> Result<Option<Decision>, Refusal> {
    let accepted = change.status == Some(Triage::Accepted);
    let aside = change.status.is_some_and(Triage::is_aside);
    if change.status == Some(Triage::Reopened) {
        return Err(Refusal("/status", "Scans see what is reopened; say that it is open."));
    }
    for (place, given, fits, why) in [
        (
            "/reason",
            change.reason.is_some(),
            aside,
            "A reason goes with accepted and false-positive; otherwise write a comment.",
        ),
        (
            "/justification",
            change.justification.is_some(),
            aside && !accepted,
            "A justification goes with false-positive.",
        ),
        ("/owner", change.owner.is_some(), accepted, "An owner goes with accepted."),
        ("/approver", change.approver.is_some(), accepted, "An approver goes with accepted."),
        ("/until", change.until.is_some(), accepted, "An end goes with accepted."),
    ] {
        if given && !fits {
            return Err(Refusal(place, why));
        }
    }
    if !aside {
        return Ok(None);
    }
    let reason = change.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let reason = reason.filter(|reason| reason.chars().count() <= WORDS_MAX);
    let reason = reason.ok_or(Refusal("/reason", "Say why, in at most 10,000 characters."))?;
    let decision = Decision {
        reason: reason.to_owned(),
        justification: change.justification,
        owner: change.owner.clone(),
        approver: change.approver.clone(),
        until: change.until,
        by: by.actor.clone(),
        at: by.at,
    };
    if accepted {
        answered_for(&decision)?;
    }
    Ok(Some(decision))
}

/// A risk is taken by somebody, agreed to by somebody else, and for a time.
fn answered_for(decision: &Decision) -> Result<(), Refusal> {
    let name = |name: &Option<String>| name.as_deref().and_then(named).map(str::to_owned);
    let owner = name(&decision.owner).ok_or(Refusal("/owner", "Name who owns the risk."))?;
    let approver = name(&decision.approver).ok_or(Refusal("/approver", "Name who has agreed."))?;
    if owner.to_lowercase() == approver.to_lowercase() {
        return Err(Refusal("/approver", "Somebody else than the owner has to agree."));
    }
    let until = decision.until.ok_or(Refusal("/until", "Say until when."))?;
    let latest = decision.at.checked_add(ACCEPTED_MAX).unwrap_or(Timestamp::MAX);
    if until <= decision.at || until > latest {
        return Err(Refusal("/until", "The end is in the future, within two years."));
    }
    Ok(())
}

/// Which findings.
fn selected(
    selection: FindingSelection,
    query: Option<FindingQuery>,
    sla: &Sla,
    now: Timestamp,
) -> Result<FindingFilter, Refusal> {
    if selection.fingerprints.len() > NAMED_MAX {
        return Err(Refusal("/fingerprints", "At most 1,000 findings are named one by one; use a filter."));
    }
    let texts = [
        ("/asset", &selection.asset),
        ("/package", &selection.package),
        ("/subject", &selection.subject),
        ("/rule", &selection.rule),
        ("/assignee", &selection.assignee),
        ("/tag", &selection.tag),
        ("/found_by", &selection.found_by),
        ("/q", &selection.q),
    ];
    for (place, text) in texts {
        if text.as_deref().is_some_and(|text| text_refused(text).is_some()) {
            return Err(Refusal(place, "A text has 1 to 1,024 bytes, none of them for control."));
        }
    }
    if selection.risk_min.is_some_and(|risk| risk > 100) {
        return Err(Refusal("/risk_min", "A risk is a number from 0 to 100."));
    }
    let filter = FindingFilter {
        fingerprints: selection.fingerprints.into_iter().map(|one| one.0).collect(),
        severities: selection.severity,
        states: selection.state,
        classes: selection.class,
        kev: selection.kev,
        fixable: selection.fixable,
        suppressed: selection.suppressed,
        asset: selection.asset.map(AssetId),
        package: selection.package,
        subject: selection.subject,
        rule: selection.rule,
        text: selection.q,
        statuses: selection.status,
        assignee: selection.assignee.map(whose),
        tag: selection.tag,
        found_by: selection.found_by,
        risk_min: selection.risk_min,
        query,
        overdue: selection.overdue.then(|| sla.overdue(now)),
    };
    if filter == FindingFilter::default() {
        return Err(Refusal("", "Name at least one condition; `state` alone will do."));
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};
    use store::By;

    use super::{Sla, checked, selected};

    fn refused(change: Value) -> Option<&'static str> {
        let by = By { actor: "ann".into(), at: "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() };
        checked(serde_json::from_value(change).unwrap(), &by).err().map(|refusal| refusal.0)
    }

    #[test]
    fn a_risk_is_taken_by_two_people_for_a_time() {
        let whole = json!({
            "status": "accepted", "reason": "no data", "owner": "ann", "approver": "bob", "until": "2026-06-01T00:00:00Z",
        });
        assert_eq!(refused(whole.clone()), None);
        let with = |name: &str, value: Value| {
            let mut change = whole.clone();
            change[name] = value;
            refused(change)
        };
        for (name, place) in
            [("reason", "/reason"), ("owner", "/owner"), ("approver", "/approver"), ("until", "/until")]
        {
            assert_eq!(with(name, Value::Null), Some(place));
        }
        assert_eq!(with("approver", json!("ANN")), Some("/approver"));
        assert_eq!(with("until", json!("2026-01-01T00:00:00Z")), Some("/until"));
        assert_eq!(with("until", json!("2029-01-01T00:00:00Z")), Some("/until"));
        assert_eq!(with("reason", json!("  ")), Some("/reason"));
        assert_eq!(with("justification", json!("component_not_present")), Some("/justification"));
        assert_eq!(with("status", json!("acknowledged")), Some("/reason"));
    }

    #[test]
    fn a_change_changes_something_that_people_can_read() {
        assert_eq!(refused(json!({})), Some(""));
        assert_eq!(refused(json!({ "comment": " " })), Some(""));
        assert_eq!(refused(json!({ "status": "reopened" })), Some("/status"));
        assert_eq!(refused(json!({ "assignee": null })), None);
        assert_eq!(refused(json!({ "assignee": "a\u{1}b" })), Some("/assignee"));
        assert_eq!(refused(json!({ "assignee": "-" })), Some("/assignee"));
        assert_eq!(refused(json!({ "add_tags": [" x"] })), Some("/add_tags"));
        assert_eq!(refused(json!({ "remove_tags": ["x".repeat(201)] })), Some("/remove_tags"));
        assert_eq!(refused(json!({ "comment": "x".repeat(10_001) })), Some("/comment"));
        assert_eq!(refused(json!({ "status": "false-positive", "reason": "the code is not built" })), None);
    }

    #[test]
    fn nobody_changes_everything_by_leaving_something_out() {
        let refused = |selection: Value| {
            let selection = serde_json::from_value(selection).unwrap();
            let sla = Sla(vec![(model::Severity::High, 30)]);
            selected(selection, None, &sla, Timestamp::UNIX_EPOCH).err().map(|refusal| refusal.0)
        };
        assert_eq!(refused(json!({ "overdue": true })), None);
        assert_eq!(refused(json!({ "overdue": false })), Some(""));
        assert_eq!(refused(json!({})), Some(""));
        assert_eq!(refused(json!({ "state": ["open"] })), None);
        assert_eq!(refused(json!({ "assignee": "-" })), None);
        assert_eq!(refused(json!({ "fingerprints": vec!["x"; 1_001] })), Some("/fingerprints"));
        for name in ["asset", "package", "subject", "rule", "assignee", "tag", "found_by", "q"] {
            for text in ["", "a\u{0}b", &"x".repeat(1_025)] {
                assert_eq!(refused(json!({ name: text })), Some(format!("/{name}").as_str()), "{text:?}");
            }
        }
    }
}
