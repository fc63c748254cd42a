//! Where issues stand: those that have changed since they were read last.
//!
//! A cursor is the second of the platform's clock at which the reading before began. Jira takes times to the minute and in the time zone of the
//! user, so that it is asked for the last so many minutes, and for some more: its search is behind, and clocks differ. What is read twice changes nothing.

use palisade_sdk::{Error, Page, clock};
use serde::Deserialize;
use ticketing::Standing;

use crate::api::{Api, Issue, done};
use crate::text::LABEL;

/// How far behind the search and the clock may be, in minutes.
const BEHIND: u64 = 5;
/// Issues of one page.
const PAGE: u64 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    issues: Vec<Issue>,
    /// On Cloud, where there is more.
    #[serde(default)]
    next_page_token: Option<String>,
    /// On Data Center, all that fit.
    #[serde(default)]
    total: u64,
}

/// Where a reading is.
struct Place {
    /// Since when, in seconds; nothing for all.
    since: Option<u64>,
    /// When the reading began, in seconds.
    began: u64,
    /// What Jira wants to hear for the next page.
    page: Option<String>,
}

/// One page of what has changed since the cursor.
pub(crate) fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<Page, Error> {
    let place = place(cursor)?;
    let mut jql = format!("project = \"{}\" AND labels = \"{LABEL}\"", api.settings.project);
    if let Some(since) = place.since {
        let minutes = place.began.saturating_sub(since) / 60 + 1 + BEHIND;
        jql += &format!(" AND updated >= \"-{minutes}m\"");
    }
    jql += " ORDER BY key ASC";
    let mut request = api.search(&jql).query("maxResults", &PAGE.to_string());
    let start: u64 = place.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or_default();
    if let Some(page) = &place.page {
        request = request.query(if api.settings.is_cloud() { "nextPageToken" } else { "startAt" }, page);
    }
    let found = done(api.send(request)?)?.json::<Found>()?;
    let mut resources: Vec<_> = found
        .issues
        .iter()
        .map(|issue| ticketing::ticket(&issue.id, &issue.fields.status.name, standing(api, issue)))
        .collect();
    let read = start + found.issues.len() as u64;
    let next = match api.settings.is_cloud() {
        true => found.next_page_token,
        false => (!found.issues.is_empty() && read < found.total).then(|| read.to_string()),
    };
    if let Some(next) = next {
        let since = place.since.map_or_else(|| "-".to_owned(), |since| since.to_string());
        return Ok(Page::new(resources).next(Some(format!("{since} {} {next}", place.began))));
    }
    resources.push(ticketing::cursor(&place.began.to_string()));
    Ok(Page::new(resources))
}

fn place(cursor: Option<&str>) -> Result<Place, Error> {
    let now = clock::now() / 1_000_000_000;
    let Some(cursor) = cursor else { return Ok(Place { since: None, began: now, page: None }) };
    let wrong = || Error::InvalidInput(format!("{cursor:?} is no cursor of jira"));
    let second = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let mut parts = cursor.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(since), None, None) => Ok(Place { since: Some(second(since)?), began: now, page: None }),
        (Some(since), Some(began), Some(page)) => {
            let since = if since == "-" { None } else { Some(second(since)?) };
            Ok(Place { since, began: second(began)?, page: Some(page.to_owned()) })
        }
        _ => Err(wrong()),
    }
}

fn standing(api: &Api<'_>, issue: &Issue) -> Standing {
    let resolution = issue.fields.resolution.as_ref().map(|resolution| &resolution.name);
    match issue.fields.status.status_category.key.as_str() {
        "done" if resolution.is_some_and(|name| api.settings.rejected_resolutions.contains(name)) => {
            Standing::Rejected
        }
        "done" => Standing::Done,
        "indeterminate" => Standing::InProgress,
        _ => Standing::Open,
    }
}
