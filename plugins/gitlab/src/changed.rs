//! Where issues stand: those that have changed since they were read last.
//!
//! A cursor is the time of the last change that was read, by GitLab's clock, and the page of issues of that same moment
//! that comes next. Times are asked for again from that moment on, so that an issue that changes while pages are read
//! is met again instead of missed.

use palisade_sdk::{Error, Page};
use ticketing::Standing;

use crate::api::{Api, PAGE};
use crate::issue::Issue;
use crate::settings::Settings;

/// Before any issue.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// One page of what has changed since the cursor.
pub(crate) fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<Page, Error> {
    let (since, number) = place(cursor)?;
    let issues = api.changed(since, number)?;
    // What was moved away is closed here, and nobody knows where it stands.
    let ours = issues.iter().filter(|issue| issue.is_ours() && !issue.is_moved());
    let mut resources: Vec<_> = ours
        .map(|issue| ticketing::ticket(&issue.iid.to_string(), &issue.state, standing(api.settings, issue)))
        .collect();
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
    let page = page.parse().map_err(|_| Error::InvalidInput(format!("{cursor:?} is no cursor of gitlab")))?;
    Ok((since, page))
}

fn standing(settings: &Settings, issue: &Issue) -> Standing {
    match issue.is_closed() {
        true if issue.has_any(&settings.rejected_labels) => Standing::Rejected,
        true => Standing::Done,
        false if !issue.assignees.is_empty() || issue.has_any(&settings.in_progress_labels) => {
            Standing::InProgress
        }
        false => Standing::Open,
    }
}
