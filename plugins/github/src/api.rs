//! The few operations of the REST API that are used.

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, Receipt, log};
use serde::Deserialize;
use serde_json::{Map, json};
use ticketing::{Wanted, text::line};

use crate::answer::{done, send};
use crate::issue::{Issue, LABEL, drawer, own_labels};
use crate::settings::Settings;
use crate::text;

/// Issues of one page, the most that GitHub gives.
pub(crate) const PAGE: usize = 100;

/// GitHub, as the owner of one token.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

#[derive(Deserialize)]
struct Repository {
    html_url: Option<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default = "yes")]
    has_issues: bool,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    permissions: Option<Permissions>,
}

/// What the token's user may do; an installation's token is allowed none of it, whatever it may do.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Permissions {
    pull: bool,
    triage: bool,
    push: bool,
    maintain: bool,
    admin: bool,
}

fn yes() -> bool {
    true
}

impl Api<'_> {
    /// Whether issues could be made; writes nothing.
    pub(crate) fn test(&self) -> Result<Receipt, Error> {
        let answer = done(self.send(Request::get(self.url("")))?)?;
        let scopes = answer.header("x-oauth-scopes").map(str::to_owned);
        let repository: Repository = answer.json()?;
        self.usable(&repository, scopes.as_deref())?;
        for user in &self.settings.assignees {
            let answer = self.send(Request::get(self.url(&format!("/assignees/{user}"))))?;
            if answer.status == 404 {
                return Err(Error::Host(format!(
                    "github: issues of {} cannot be assigned to {user:?}; check `assignees`",
                    self.name()
                )));
            }
            done(answer)?;
        }
        done(self.send(self.list(None).query("per_page", "1"))?)?;
        let receipt = Receipt::new(format!("an issue in {}", self.name()));
        Ok(match repository.html_url {
            Some(url) => receipt.url(url),
            None => receipt,
        })
    }

    fn usable(&self, repository: &Repository, scopes: Option<&str>) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::Host(format!("github: {} {what}", self.name())));
        if repository.archived || repository.disabled {
            return refuse("is archived or disabled, nothing can be written to it; name another repository");
        }
        if !repository.has_issues {
            return refuse("has no issues; turn them on in its settings");
        }
        let allowed = |may: &Permissions| may.triage || may.push || may.maintain || may.admin;
        if repository.permissions.as_ref().is_some_and(|may| may.pull && !allowed(may)) {
            return refuse(
                "may be read but not written to by the token's user; give the user the role Triage or more",
            );
        }
        // Only tokens of the classic kind tell of scopes.
        let scopes = scopes.filter(|scopes| !scopes.trim().is_empty());
        let enough = |scope: &str| scope == "repo" || (scope == "public_repo" && !repository.private);
        if scopes.is_some_and(|scopes| !scopes.split(',').any(|scope| enough(scope.trim()))) {
            return refuse("needs a token with the scope `repo`, or `public_repo` where it is public");
        }
        Ok(())
    }

    /// An issue by its number; nothing if people have deleted it.
    pub(crate) fn issue(&self, number: u64) -> Result<Option<Issue>, Error> {
        let answer = self.send(Request::get(self.url(&format!("/issues/{number}"))))?;
        if matches!(answer.status, 404 | 410) {
            return Ok(None);
        }
        Ok(Some(done(answer)?.json()?))
    }

    /// A page of issues, the newest in front.
    pub(crate) fn newest(&self, label: Option<&str>, page: u64) -> Result<Vec<Issue>, Error> {
        let request = self.list(label).query("sort", "created").query("direction", "desc");
        self.page(request, page)
    }

    /// A page of issues of ours that have changed since a time, of all where there is none; the one that changed first
    /// in front.
    pub(crate) fn changed(&self, since: Option<&str>, page: u64) -> Result<Vec<Issue>, Error> {
        let request = self.list(Some(LABEL)).query("sort", "updated").query("direction", "asc");
        self.page(since.into_iter().fold(request, |request, since| request.query("since", since)), page)
    }

    fn list(&self, label: Option<&str>) -> Request {
        let request = Request::get(self.url("/issues")).query("state", "all");
        label.into_iter().fold(request, |request, label| request.query("labels", label))
    }

    fn page(&self, request: Request, page: u64) -> Result<Vec<Issue>, Error> {
        let request = request.query("per_page", &PAGE.to_string()).query("page", &page.to_string());
        done(self.send(request)?)?.json()
    }

    pub(crate) fn create(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut labels = own_labels(self.settings, wanted);
        labels.extend(self.settings.labels.iter().cloned());
        let mut issue = Map::new();
        issue.insert("title".to_owned(), text::title(wanted).into());
        issue.insert("body".to_owned(), text::body(wanted).into());
        issue.insert("labels".to_owned(), labels.into());
        if !self.settings.assignees.is_empty() {
            issue.insert("assignees".to_owned(), json!(self.settings.assignees));
        }
        let request = Request::post(self.url("/issues")).json(&issue)?;
        let made: Issue = done(self.send(request)?)?.json()?;
        let label = drawer(&wanted.marker);
        if !made.labels.iter().any(|there| there.name().eq_ignore_ascii_case(&label)) {
            log::warn(&format!(
                "github: issue {} has no label {label:?}; give the token's user the role Triage",
                made.number
            ));
        }
        Ok(self.receipt(&made))
    }

    /// Writes what is not as it ought to be, and tells people where the state changes. The state goes first: said twice
    /// would be worse than not said.
    pub(crate) fn update(&self, issue: &Issue, wanted: &Wanted) -> Result<Receipt, Error> {
        let fields = issue.differing(self.settings, wanted);
        if !fields.is_empty() {
            let request = Request::patch(self.url(&format!("/issues/{}", issue.number)));
            done(self.send(request.json(&fields)?)?)?;
        }
        if fields.contains_key("state") {
            self.comment(issue.number, wanted.note());
        }
        Ok(self.receipt(issue))
    }

    /// The ticket is as it ought to be without it: that nobody may comment, as where people have locked an issue, is no
    /// failure.
    fn comment(&self, number: u64, note: &str) {
        let request = Request::post(self.url(&format!("/issues/{number}/comments")));
        let sent = request.json(&json!({ "body": note })).and_then(|request| done(self.send(request)?));
        if let Err(error) = sent {
            log::warn(&line(&format!("github: no comment was made at issue {number}: {error:?}"), 500));
        }
    }

    fn receipt(&self, issue: &Issue) -> Receipt {
        let receipt = Receipt::new(issue.number.to_string());
        match &issue.html_url {
            Some(url) => receipt.url(url),
            None => receipt,
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.settings.owner, self.settings.repository)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.settings.url, self.name())
    }

    fn send(&self, request: Request) -> Result<Response, Error> {
        let request = request
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("user-agent", "palisade");
        send(request, &self.settings.secret)
    }
}
