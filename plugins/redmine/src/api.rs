//! The few operations of the REST API that are used.

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, Receipt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ticketing::{Wanted, refused, segment};

use crate::settings::Settings;
use crate::text;

/// Issues of one page, the most that Redmine gives.
pub(crate) const PAGE: usize = 100;

/// Redmine, as one user.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

/// An issue as it is there.
#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    id: u64,
    status: Status,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) is_closed: bool,
}

/// An issue in a list of what has changed.
#[derive(Debug, Deserialize)]
pub(crate) struct Changed {
    pub(crate) id: u64,
    pub(crate) status: Status,
    pub(crate) updated_on: String,
}

#[derive(Deserialize)]
struct AllChanged {
    issues: Vec<Changed>,
}

#[derive(Deserialize)]
struct One {
    issue: Issue,
}

#[derive(Deserialize)]
struct Many {
    issues: Vec<Issue>,
}

#[derive(Deserialize)]
struct Statuses {
    issue_statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

impl Api<'_> {
    /// Whether issues could be made; writes nothing.
    pub(crate) fn test(&self) -> Result<Receipt, Error> {
        let project = &self.settings.project;
        let answer = self.send(Request::get(self.url(&format!("/projects/{}.json", segment(project)))))?;
        if answer.status == 404 {
            return Err(Error::Host(format!(
                "redmine: the user of the key sees no project {project:?}; check `project`"
            )));
        }
        done(answer)?;
        let statuses = self.statuses()?;
        self.status(&statuses, true)?;
        self.status(&statuses, false)?;
        Ok(Receipt::new(format!("an issue in project {project}"))
            .url(self.url(&format!("/projects/{}", segment(project)))))
    }

    /// An issue by its number; nothing if people have deleted it.
    pub(crate) fn issue(&self, id: u64) -> Result<Option<Issue>, Error> {
        let answer = self.send(Request::get(self.url(&format!("/issues/{id}.json"))))?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(done(answer)?.json::<One>()?.issue))
    }

    /// The oldest issue with a marker, in any status.
    pub(crate) fn find(&self, marker: &str) -> Result<Option<Issue>, Error> {
        let request = Request::get(self.url("/issues.json"))
            .query("project_id", &self.settings.project)
            .query("status_id", "*")
            .query("subject", &format!("~{marker}"))
            .query("sort", "id")
            .query("limit", "1");
        let found = done(self.send(request)?)?.json::<Many>()?;
        Ok(found.issues.into_iter().next())
    }

    pub(crate) fn create(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut issue = self.fields(wanted);
        issue.insert("project_id".to_owned(), self.settings.project.as_str().into());
        if let Some(tracker) = self.settings.tracker {
            issue.insert("tracker_id".to_owned(), tracker.into());
        }
        let request = Request::post(self.url("/issues.json")).json(&json!({ "issue": issue }))?;
        let made = done(self.send(request)?)?.json::<One>()?;
        Ok(self.receipt(made.issue.id))
    }

    pub(crate) fn update(&self, issue: &Issue, wanted: &Wanted) -> Result<Receipt, Error> {
        let open = wanted.is_open();
        let statuses = self.statuses()?;
        let mut fields = Map::new();
        if open {
            fields = self.fields(wanted);
        }
        let closed = issue.status.is_closed
            || statuses.iter().any(|status| status.id == issue.status.id && status.is_closed);
        if open == closed {
            fields.insert("status_id".to_owned(), self.status(&statuses, !open)?.into());
            fields.insert("notes".to_owned(), wanted.note().into());
        }
        if !fields.is_empty() {
            let request = Request::put(self.url(&format!("/issues/{}.json", issue.id)));
            done(self.send(request.json(&json!({ "issue": fields }))?)?)?;
        }
        Ok(self.receipt(issue.id))
    }

    fn fields(&self, wanted: &Wanted) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("subject".to_owned(), text::subject(wanted).into());
        fields.insert("description".to_owned(), text::description(wanted, self.settings.markup).into());
        if let Some(priority) = self.settings.priorities.get(&wanted.severity) {
            fields.insert("priority_id".to_owned(), (*priority).into());
        }
        let custom = self.settings.custom_fields.iter();
        // The keys were checked to be numbers.
        let custom: Vec<Value> = custom
            .filter_map(|(id, value)| Some(json!({ "id": id.parse::<u64>().ok()?, "value": value })))
            .collect();
        if !custom.is_empty() {
            fields.insert("custom_fields".to_owned(), custom.into());
        }
        fields
    }

    /// Every status that an issue can have.
    pub(crate) fn statuses(&self) -> Result<Vec<Status>, Error> {
        let answer = self.send(Request::get(self.url("/issue_statuses.json")))?;
        Ok(done(answer)?.json::<Statuses>()?.issue_statuses)
    }

    /// The status that closes or reopens an issue.
    pub(crate) fn status(&self, statuses: &[Status], closed: bool) -> Result<u64, Error> {
        let (key, said) = match closed {
            true => ("closed-status", self.settings.closed_status),
            false => ("open-status", self.settings.open_status),
        };
        let fits = |status: &&Status| status.is_closed == closed && said.is_none_or(|id| id == status.id);
        let found = statuses.iter().find(fits).map(|status| status.id);
        found.ok_or_else(|| {
            Error::Host(format!("redmine: there is no such status; set `{key}` to the id of one"))
        })
    }

    /// Issues with any marker of ours that have changed since a time of Redmine's own clock, the one that changed first in front.
    pub(crate) fn changed(&self, since: &str, offset: u64) -> Result<Vec<Changed>, Error> {
        let request = Request::get(self.url("/issues.json"))
            .query("project_id", &self.settings.project)
            .query("status_id", "*")
            .query("subject", "~palisade:")
            .query("updated_on", &format!(">={since}"))
            .query("sort", "updated_on,id")
            .query("offset", &offset.to_string())
            .query("limit", &PAGE.to_string());
        Ok(done(self.send(request)?)?.json::<AllChanged>()?.issues)
    }

    fn receipt(&self, id: u64) -> Receipt {
        Receipt::new(id.to_string()).url(self.url(&format!("/issues/{id}")))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url)
    }

    fn send(&self, request: Request) -> Result<Response, Error> {
        ticketing::send(request.header("accept", "application/json"), &self.settings.secret)
    }
}

/// The answer, if it is one of success; else what Redmine says is wrong, and what to do.
fn done(answer: Response) -> Result<Response, Error> {
    let advice = match answer.status {
        401 => "redmine does not know the key; check the secret, and that the REST API is enabled".to_owned(),
        403 => "redmine: the user of the key may not do this; give its role the permissions to view, add and edit issues".to_owned(),
        422 => {
            let said = answer.json::<Refusal>().map(|refusal| refusal.errors.join("; ")).unwrap_or_default();
            return Err(refused("redmine refuses the issue", &said, "fields that are required go into `custom-fields`"));
        }
        _ => return answer.ok(),
    };
    Err(Error::Host(advice))
}
