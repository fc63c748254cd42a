//! Where issues stand: those that have changed since they were read last.
//!
//! A cursor is the time of the last change that was read, by GitHub's clock, and the page of issues of that same second
//! that comes next. Times are asked for again from that second on, so that an issue that changes while pages are read
//! is met again instead of missed.

use palisade_sdk::{Error, Page};
use ticketing::Standing;

use crate::api::{Api, PAGE};
use crate::issue::Issue;
use crate::settings::Settings;
use crate::text;

/// The cursor of a repository in which nothing has changed yet: GitHub then lists all.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// One page of what has changed since the cursor.
pub(crate) fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<Page, Error> {
    let (since, number) = place(cursor)?;
    let issues = api.changed(Some(since).filter(|since| *since != BEGINNING), number)?;
    let ours = issues.iter().filter(|issue| is_ours(issue));
    let mut resources: Vec<_> = ours
        .map(|issue| {
            ticketing::ticket(&issue.number.to_string(), &status(issue), standing(api.settings, issue))
        })
        .collect();
    // Pull requests count here: they stand in the list.
    let last = issues.last().map_or(since, |issue| issue.updated_at.as_str());
    if issues.len() >= PAGE {
        let next = if last == since { format!("{since} {}", number + 1) } else { last.to_owned() };
        return Ok(Page::new(resources).next(Some(next)));
    }
    // The next reading begins where this one ends.
    resources.push(ticketing::cursor(last));
    Ok(Page::new(resources))
}

fn place(cursor: Option<&str>) -> Result<(&str, u64), Error> {
    let Some(cursor) = cursor else { return Ok((BEGINNING, 1)) };
    let (since, page) = cursor.split_once(' ').unwrap_or((cursor, "1"));
    let page = page.parse().map_err(|_| Error::InvalidInput(format!("{cursor:?} is no cursor of github")))?;
    Ok((since, page))
}

fn is_ours(issue: &Issue) -> bool {
    issue.pull_request.is_none() && issue.body.as_deref().is_some_and(text::has_any_marker)
}

/// In the words of GitHub.
fn status(issue: &Issue) -> String {
    match (issue.is_closed(), issue.state_reason.as_deref()) {
        (true, Some(reason)) => format!("closed as {reason}"),
        _ => issue.state.clone(),
    }
}

fn standing(settings: &Settings, issue: &Issue) -> Standing {
    if issue.is_closed() {
        let rejected = matches!(issue.state_reason.as_deref(), Some("not_planned" | "duplicate"));
        return if rejected { Standing::Rejected } else { Standing::Done };
    }
    let listed = |list: &[String], name: &str| list.iter().any(|one| one.eq_ignore_ascii_case(name));
    // Those whom every new issue is given have not taken it by that.
    let taken = issue.assignees.iter().any(|user| !listed(&settings.assignees, &user.login));
    let labelled = issue.labels.iter().any(|label| listed(&settings.in_progress_labels, label.name()));
    if taken || labelled { Standing::InProgress } else { Standing::Open }
}
