//! The few operations of the REST API that are used.

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, Receipt, log};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ticketing::{Wanted, refused, text::line};

use crate::issue::Issue;
use crate::settings::Settings;
use crate::text;

/// Issues of one page, the most that GitLab gives.
pub(crate) const PAGE: usize = 100;
/// Level of access of the role Planner, the least that may set labels.
const PLANNER: u64 = 15;

/// GitLab, as the owner of one token.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
    web_url: Option<String>,
    #[serde(default)]
    archived: bool,
    issues_enabled: Option<bool>,
    issues_access_level: Option<String>,
    #[serde(default)]
    permissions: Permissions,
}

/// Access by the project and by its group. Neither is there for administrators, and where it comes from farther away.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Permissions {
    project_access: Option<Access>,
    group_access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    access_level: u64,
}

#[derive(Deserialize)]
struct Token {
    scopes: Vec<String>,
}

impl Api<'_> {
    /// Whether issues could be made; writes nothing.
    pub(crate) fn test(&self) -> Result<Receipt, Error> {
        let project: Project = done(self.send(Request::get(self.url("")))?)?.json()?;
        usable(&project)?;
        let own = format!("{}/api/v4/personal_access_tokens/self", self.settings.url);
        // Other kinds of tokens are not known there.
        let token = self.send(Request::get(own))?;
        let scopes = if token.status == 200 { Some(token.json::<Token>()?.scopes) } else { None };
        if scopes.is_some_and(|scopes| !scopes.iter().any(|scope| scope == "api")) {
            return Err(Error::Host(
                "gitlab: the token may only read; make one with the scope `api`".to_owned(),
            ));
        }
        done(self.send(Request::get(self.url("/issues")).query("per_page", "1"))?)?;
        Ok(receipt(format!("an issue in {}", project.path_with_namespace), project.web_url.as_deref()))
    }

    /// An issue by its number; nothing if people have deleted it.
    pub(crate) fn issue(&self, iid: u64) -> Result<Option<Issue>, Error> {
        let answer = self.send(Request::get(self.url(&format!("/issues/{iid}"))))?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(done(answer)?.json()?))
    }

    /// The oldest issue with a marker, in any state; one that was moved away only if there is no other.
    ///
    /// This search reads GitLab's own database, which has a title as soon as the issue is made; it looks for words,
    /// though, so what it finds is compared.
    pub(crate) fn find(&self, marker: &str) -> Result<Option<Issue>, Error> {
        let request = self.list(marker).query("order_by", "created_at").query("sort", "asc");
        let found: Vec<Issue> = done(self.send(request.query("per_page", &PAGE.to_string()))?)?.json()?;
        let found = found.into_iter().filter(|issue| issue.is_of(marker));
        // Of equals, the first is the least.
        Ok(found.min_by_key(Issue::is_moved))
    }

    /// A page of issues with any marker of ours that have changed since a time of GitLab's own clock, the one that
    /// changed first in front.
    pub(crate) fn changed(&self, since: &str, page: u64) -> Result<Vec<Issue>, Error> {
        let request = self.list("palisade").query("updated_after", since);
        let request = request.query("order_by", "updated_at").query("sort", "asc");
        let request = request.query("per_page", &PAGE.to_string()).query("page", &page.to_string());
        done(self.send(request)?)?.json()
    }

    fn list(&self, search: &str) -> Request {
        let request = Request::get(self.url("/issues")).query("scope", "all").query("state", "all");
        request.query("search", search).query("in", "title")
    }

    pub(crate) fn create(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut issue = Map::new();
        issue.insert("title".to_owned(), text::title(wanted).into());
        issue.insert("description".to_owned(), text::description(wanted).into());
        issue.insert("confidential".to_owned(), self.settings.confidential.into());
        let severity = self.settings.severity_labels.get(&wanted.severity);
        let labels: Vec<&str> =
            severity.into_iter().chain(&self.settings.labels).map(String::as_str).collect();
        if !labels.is_empty() {
            issue.insert("labels".to_owned(), labels.join(",").into());
        }
        let made: Issue = done(self.send(Request::post(self.url("/issues")).json(&issue)?)?)?.json()?;
        Ok(receipt(made.iid.to_string(), made.web_url.as_deref()))
    }

    /// Writes what is not as it ought to be, and tells people where the state changes. The state goes first: said twice
    /// would be worse than not said.
    pub(crate) fn update(&self, issue: &Issue, wanted: &Wanted) -> Result<Receipt, Error> {
        let fields = issue.differing(self.settings, wanted);
        if issue.is_moved() && wanted.is_open() {
            return Err(Error::Host(format!(
                "gitlab: issue {} was moved to another project; close the ticket there, or move it back",
                issue.iid
            )));
        }
        if !fields.is_empty() {
            let request = Request::put(self.url(&format!("/issues/{}", issue.iid)));
            done(self.send(request.json(&fields)?)?)?;
        }
        if fields.contains_key("state_event") {
            self.comment(issue.iid, wanted.note());
        }
        Ok(receipt(issue.iid.to_string(), issue.web_url.as_deref()))
    }

    /// The ticket is as it ought to be without it: that nobody may comment, as where people have locked an issue, is no
    /// failure.
    fn comment(&self, iid: u64, note: &str) {
        let request = Request::post(self.url(&format!("/issues/{iid}/notes")));
        let sent = request.json(&json!({ "body": note })).and_then(|request| done(self.send(request)?));
        if let Err(error) = sent {
            log::warn(&line(&format!("gitlab: no comment was made at issue {iid}: {error:?}"), 500));
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v4/projects/{}{path}", self.settings.url, self.settings.project)
    }

    fn send(&self, request: Request) -> Result<Response, Error> {
        ticketing::send(request.header("accept", "application/json"), &self.settings.secret)
    }
}

fn usable(project: &Project) -> Result<(), Error> {
    let name = &project.path_with_namespace;
    let refuse = |what: &str| Err(Error::Host(format!("gitlab: {name} {what}")));
    if project.archived {
        return refuse("is archived, nothing can be written to it; name another project");
    }
    if project.issues_enabled == Some(false) || project.issues_access_level.as_deref() == Some("disabled") {
        return refuse("has no issues; turn them on in its settings");
    }
    let accesses = [&project.permissions.project_access, &project.permissions.group_access];
    let level = accesses.into_iter().flatten().map(|access| access.access_level).max();
    if level.is_some_and(|level| level < PLANNER) {
        return refuse(
            "lets the token's user set no labels; give the user the role Planner, Reporter or more",
        );
    }
    Ok(())
}

fn receipt(id: String, url: Option<&str>) -> Receipt {
    let receipt = Receipt::new(id);
    match url {
        Some(url) => receipt.url(url),
        None => receipt,
    }
}

/// The answer, if it is one of success; else what GitLab says is wrong, and what to do.
fn done(answer: Response) -> Result<Response, Error> {
    let (what, advice) = match answer.status {
        301 | 302 | 307 | 308 => {
            let to = answer.header("location").unwrap_or("another place").to_owned();
            return Err(refused("gitlab has moved to", &to, "set `url` to where it is now"));
        }
        401 => ("gitlab does not know the token", "check the secret, and whether it has expired"),
        403 => (
            "gitlab: the token may not do this",
            "give it the scope `api`, and its user the role Planner, Reporter or more",
        ),
        404 => (
            "gitlab: there is no such project, or the token may not see it, or issues are turned off in it",
            "check `project`, the token and the project's settings",
        ),
        400 | 409 | 422 => ("gitlab refuses the issue", "check `labels`"),
        _ => return answer.ok(),
    };
    Err(refused(what, &said(&answer), advice))
}

/// What GitLab says is wrong: a text, or lists of texts by field.
fn said(answer: &Response) -> String {
    let body: Value = answer.json().unwrap_or_default();
    let said = ["message", "error", "error_description"].iter().filter_map(|key| body.get(*key));
    let said = said.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    said.collect::<Vec<_>>().join(": ")
}
