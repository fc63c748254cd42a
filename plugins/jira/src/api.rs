//! The few operations of the REST API that are used.

use std::time::Duration;

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, Receipt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ticketing::{Wanted, refused, segment};

use crate::settings::Settings;
use crate::{moves, text};

/// How long Jira may take until it finds what it has just written.
const INDEXED: Duration = Duration::from_secs(30);
/// What is read of an issue.
pub(crate) const READ: &str = "status,resolution";

/// Jira, as one user.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

/// An issue as it is there.
#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) fields: Fields,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) resolution: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A status, whose category has a meaning in every workflow.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) status_category: Category,
}

/// `new`, `indeterminate` or `done`; others are as yet unknown.
#[derive(Debug, Deserialize)]
pub(crate) struct Category {
    pub(crate) key: String,
}

impl Status {
    pub(crate) fn is_done(&self) -> bool {
        self.status_category.key == "done"
    }
}

#[derive(Deserialize)]
struct Found {
    issues: Vec<Issue>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    key: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Refusal {
    error_messages: Vec<String>,
    errors: Map<String, Value>,
}

impl Api<'_> {
    /// An issue by its number or key; nothing if people have deleted it.
    pub(crate) fn issue(&self, id: &str) -> Result<Option<Issue>, Error> {
        let path = format!("/issue/{}", segment(id));
        let answer = self.send(Request::get(self.url(&path)).query("fields", READ))?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(done(answer)?.json()?))
    }

    /// The oldest issue of a marker, in any status.
    pub(crate) fn find(&self, marker: &str) -> Result<Option<Issue>, Error> {
        let jql = format!(
            "project = \"{}\" AND labels = \"{}\" ORDER BY created ASC, key ASC",
            self.settings.project,
            text::label(marker)
        );
        let answer = self.send(self.search(&jql).query("maxResults", "1"))?;
        Ok(done(answer)?.json::<Found>()?.issues.into_iter().next())
    }

    /// A search. The project's key and labels are of plain letters, so that nothing in it has to be escaped.
    pub(crate) fn search(&self, jql: &str) -> Request {
        let path = if self.settings.is_cloud() { "/search/jql" } else { "/search" };
        Request::get(self.url(path)).query("jql", jql).query("fields", READ)
    }

    pub(crate) fn create(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut fields = self.settings.fields.clone();
        fields.extend(self.fields(wanted));
        fields.insert("project".to_owned(), json!({ "key": self.settings.project }));
        fields.insert("issuetype".to_owned(), json!({ "name": self.settings.issue_type }));
        let mut labels = vec![text::LABEL.to_owned(), text::label(&wanted.marker)];
        labels.extend(self.settings.labels.iter().cloned());
        fields.insert("labels".to_owned(), labels.into());
        let request = Request::post(self.url("/issue")).json(&json!({ "fields": fields }))?;
        // Where nobody answers it may have been made all the same, and a search right away would not find it.
        let answer = self.send(request).map_err(|error| match error {
            Error::RetryAfter(after) => Error::retry_after(INDEXED.max(Duration::from_millis(after))),
            other => other,
        })?;
        let made = done(answer)?.json::<Made>()?;
        Ok(self.receipt(&made.id, &made.key))
    }

    pub(crate) fn update(&self, issue: &Issue, wanted: &Wanted) -> Result<Receipt, Error> {
        if wanted.is_open() {
            let request = Request::put(self.url(&format!("/issue/{}", segment(&issue.id))));
            done(self.send(request.json(&json!({ "fields": self.fields(wanted) }))?)?)?;
        }
        if wanted.is_open() == issue.fields.status.is_done() {
            moves::go(self, issue, !wanted.is_open())?;
            self.comment(issue, wanted.note())?;
        }
        Ok(self.receipt(&issue.id, &issue.key))
    }

    fn comment(&self, issue: &Issue, note: &str) -> Result<(), Error> {
        let body = text::sentence(note, self.settings.is_cloud());
        let request = Request::post(self.url(&format!("/issue/{}/comment", segment(&issue.id))));
        done(self.send(request.json(&json!({ "body": body }))?)?).map(drop)
    }

    fn fields(&self, wanted: &Wanted) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("summary".to_owned(), text::summary(wanted).into());
        let lines = ticketing::text::lines(wanted);
        fields.insert("description".to_owned(), text::block(&lines, self.settings.is_cloud()));
        if let Some(priority) = self.settings.priorities.get(&wanted.severity) {
            fields.insert("priority".to_owned(), json!({ "name": priority }));
        }
        fields
    }

    /// The number stays when an issue is moved to another project; the key is what people know.
    fn receipt(&self, id: &str, key: &str) -> Receipt {
        Receipt::new(id).url(format!("{}/browse/{}", self.settings.url, segment(key)))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let version = if self.settings.is_cloud() { 3 } else { 2 };
        format!("{}/rest/api/{version}{path}", self.settings.url)
    }

    pub(crate) fn send(&self, request: Request) -> Result<Response, Error> {
        ticketing::send(request.header("accept", "application/json"), &self.settings.secret)
    }
}

/// The answer, if it is one of success; else what Jira says is wrong, and what to do.
pub(crate) fn done(answer: Response) -> Result<Response, Error> {
    let advice = match answer.status {
        401 => {
            "jira does not know the user; check the secret: an API token and its user's e-mail on Cloud, a personal access token on Data Center"
        }
        403 => {
            "jira: the user may not do this; give it the permissions to browse, create, edit, transition, resolve and comment issues of the project"
        }
        400 => {
            return Err(refused(
                "jira refuses it",
                &said(&answer),
                "fields that are required go into `fields`, by their ids",
            ));
        }
        404 => {
            "jira: there is no such thing, or the user may not see it; check `url`, `deployment` and `project`"
        }
        _ => return answer.ok(),
    };
    Err(Error::Host(advice.to_owned()))
}

fn said(answer: &Response) -> String {
    let refusal: Refusal = answer.json().unwrap_or_default();
    let field = |(name, why): (&String, &Value)| format!("{name}: {}", why.as_str().unwrap_or_default());
    let mut all = refusal.error_messages.clone();
    all.extend(refusal.errors.iter().map(field));
    all.join("; ")
}
