//! Fields of GitHub's webhooks, as Falco's plugin `github` names them.
//!
//! The kind of a webhook stands in a header. Where the object does not have it as `webhook_type`, as Falco's plugin writes it, it is
//! told by what the object holds. An entry of the audit log (`action` is `repo.create`) has its kind before the dot and its action
//! behind it. `github.diff.*` and `github.workflow.has_miners` need what Falco's plugin adds after asking GitHub for the files.

use std::borrow::Cow;

use super::{Event, Field, Value, flag, one, perhaps, text};
use crate::json::Json;

pub(super) const FIELDS: &[Field] = &[
    Field::made("github.type", |e, _| kind(e)),
    Field::made("github.action", |e, _| action(e)),
    Field::made("github.user", |e, _| either(e, &["sender", "login"], &["actor"])),
    Field::path("github.repo", &["repository", "html_url"]),
    Field::path("github.repo.url", &["repository", "html_url"]),
    Field::made("github.repo.name", |e, _| repository(e)),
    Field::path("github.repo.description", &["repository", "description"]),
    Field::made("github.org", |e, _| either(e, &["organization", "login"], &["org"])),
    Field::made("github.owner", |e, _| either(e, &["repository", "owner", "login"], &["org"])),
    Field::made("github.repo.public", |e, _| public(e)),
    Field::made("github.collaborator.name", |e, _| either(e, &["member", "login"], &["user"])),
    Field::made("github.collaborator.role", |e, _| {
        either(e, &["changes", "permission", "to"], &["permission"])
    }),
    Field::path("github.webhook.id", &["hook", "id"]),
    Field::path("github.webhook.type", &["hook", "type"]),
    Field::made("github.commit.added", |e, _| files(e, "added")),
    Field::made("github.commit.modified", |e, _| files(e, "modified")),
    Field::made("github.commit.removed", |e, _| files(e, "removed")),
    Field::made("github.diff.has_secrets", |e, _| has_secrets(e)),
    Field::made("github.diff.committed_secrets.desc", |e, _| secrets(e, |_, found| shown(found, "desc"))),
    Field::made("github.diff.committed_secrets.files", |e, _| secrets(e, |file, _| shown(file, "name"))),
    Field::made("github.diff.committed_secrets.lines", |e, _| secrets(e, |_, found| shown(found, "line"))),
    Field::made("github.diff.committed_secrets.links", |e, _| links(e)),
    Field::made("github.workflow.has_miners", |e, _| has_miners(e)),
    Field::made("github.workflow.miners.type", |e, _| miners(e)),
    Field::path("github.workflow.filename", &["workflow", "path"]),
];

/// Members that only one kind of webhook has, the most telling first.
const TELLING: [(&str, &str); 12] = [
    ("zen", "ping"),
    ("commits", "push"),
    ("workflow_run", "workflow_run"),
    ("workflow_job", "workflow_job"),
    ("pull_request", "pull_request"),
    ("release", "release"),
    ("rule", "branch_protection_rule"),
    ("key", "deploy_key"),
    ("member", "member"),
    ("membership", "organization"),
    ("team", "team"),
    ("alert", "secret_scanning_alert"),
];

fn either<'e>(event: &Event<'e>, webhook: &[&str], audit: &[&str]) -> Value<'e> {
    text(event.raw.at(webhook).or_else(|| event.raw.at(audit)))
}

/// The two parts of an audit log's action.
fn audited<'e>(event: &Event<'e>) -> Option<(String, String)> {
    let action = event.raw.get("action")?.text();
    action.split_once('.').map(|(kind, action)| (kind.to_owned(), action.to_owned()))
}

fn kind<'e>(event: &Event<'e>) -> Value<'e> {
    if let Some(said) = event.raw.get("webhook_type") {
        return text(Some(said));
    }
    if let Some((kind, _)) = audited(event) {
        return one(kind);
    }
    if let Some((_, kind)) = TELLING.iter().find(|(member, _)| event.raw.get(member).is_some()) {
        return one(*kind);
    }
    match (event.raw.get("hook"), event.raw.get("repository"), event.raw.get("action")) {
        (Some(_), ..) => one("meta"),
        (None, Some(_), Some(_)) => one("repository"),
        _ => Value::Missing,
    }
}

fn action<'e>(event: &Event<'e>) -> Value<'e> {
    match audited(event) {
        Some((_, action)) => one(action),
        None => text(event.raw.get("action")),
    }
}

fn repository<'e>(event: &Event<'e>) -> Value<'e> {
    let Some(url) = event.raw.at(&["repository", "html_url"]).map(Json::text) else {
        return text(event.raw.get("repo"));
    };
    one(url.strip_prefix("https://github.com/").map(str::to_owned).unwrap_or_else(|| url.into_owned()))
}

fn public<'e>(event: &Event<'e>) -> Value<'e> {
    let said = |path: &[&str]| event.raw.at(path).map(Json::text);
    match (said(&["repository", "private"]), said(&["visibility"]), said(&["public_repo"])) {
        (Some(private), ..) => flag(private != "true"),
        (None, Some(visibility), _) => flag(visibility == "public"),
        (None, None, Some(public)) => flag(public == "true"),
        _ => Value::Missing,
    }
}

fn joined<'e>(texts: impl Iterator<Item = String>) -> Value<'e> {
    let texts: Vec<String> = texts.collect();
    perhaps((!texts.is_empty()).then(|| texts.join(",")))
}

fn files<'e>(event: &Event<'e>, member: &str) -> Value<'e> {
    let commits = event.raw.get("commits").into_iter().flat_map(Json::items);
    let names = commits.filter_map(|commit| commit.get(member)).flat_map(Json::items);
    joined(names.map(|name| name.text().into_owned()))
}

fn found<'e>(event: &Event<'e>) -> impl Iterator<Item = (Json<'e>, Json<'e>)> + use<'e> {
    let files = event.raw.get("files").into_iter().flat_map(Json::items);
    files.flat_map(|file| {
        file.get("matches").into_iter().flat_map(Json::items).map(move |found| (file, found))
    })
}

fn shown(value: Json<'_>, member: &str) -> String {
    value.get(member).map(Json::text).unwrap_or(Cow::Borrowed("")).into_owned()
}

fn has_secrets<'e>(event: &Event<'e>) -> Value<'e> {
    if event.raw.get("files").is_none() {
        return Value::Missing;
    }
    flag(found(event).next().is_some())
}

fn secrets<'e>(event: &Event<'e>, of: fn(Json<'_>, Json<'_>) -> String) -> Value<'e> {
    joined(found(event).map(|(file, found)| of(file, found)))
}

fn links<'e>(event: &Event<'e>) -> Value<'e> {
    let url = event.raw.get("repository").map(|repository| shown(repository, "html_url")).unwrap_or_default();
    let commit = event.raw.get("head_commit").map(|commit| shown(commit, "id")).unwrap_or_default();
    let link = |(file, found): (Json<'_>, Json<'_>)| {
        format!("{url}/blob/{commit}/{}/#L{}", shown(file, "name"), shown(found, "line"))
    };
    joined(found(event).map(link))
}

fn mined<'e>(event: &Event<'e>) -> Option<Json<'e>> {
    event.raw.at(&["workflow_miner_detections", "matches"])
}

fn has_miners<'e>(event: &Event<'e>) -> Value<'e> {
    mined(event).map_or(Value::Missing, |matches| flag(matches.items().next().is_some()))
}

fn miners<'e>(event: &Event<'e>) -> Value<'e> {
    let mut kinds: Vec<String> =
        mined(event).into_iter().flat_map(Json::items).map(|found| shown(found, "type")).collect();
    kinds.sort();
    kinds.dedup();
    joined(kinds.into_iter())
}
