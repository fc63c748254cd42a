//! Where issues stand: those that have changed since they were read last.
//!
//! A cursor is the time of the last change that was read, by Redmine's clock, and how many issues of that same second were read already. Times
//! are asked for again from that second on, so that an issue that changes while pages are read is met again instead of missed.

use palisade_sdk::{Error, Page};
use ticketing::Standing;

use crate::api::{Api, Changed, PAGE, Status};

/// Before any issue.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// One page of what has changed since the cursor.
pub(crate) fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<Page, Error> {
    let (since, offset) = place(cursor)?;
    let changed = api.changed(since, offset)?;
    let statuses = if changed.is_empty() { Vec::new() } else { api.statuses()? };
    let mut resources = Vec::with_capacity(changed.len() + 1);
    for issue in &changed {
        let id = issue.id.to_string();
        resources.push(ticketing::ticket(&id, &issue.status.name, standing(api, &statuses, issue)?));
    }
    let last = changed.last().map_or(since, |issue| issue.updated_on.as_str());
    let further = match last == since {
        true => format!("{since} {}", offset + changed.len() as u64),
        false => last.to_owned(),
    };
    if changed.len() >= PAGE {
        return Ok(Page::new(resources).next(Some(further)));
    }
    // The next reading begins where this one ends.
    resources.push(ticketing::cursor(last));
    Ok(Page::new(resources))
}

fn place(cursor: Option<&str>) -> Result<(&str, u64), Error> {
    let Some(cursor) = cursor else { return Ok((BEGINNING, 0)) };
    let (since, offset) = cursor.split_once(' ').unwrap_or((cursor, "0"));
    let offset =
        offset.parse().map_err(|_| Error::InvalidInput(format!("{cursor:?} is no cursor of redmine")))?;
    Ok((since, offset))
}

fn standing(api: &Api<'_>, statuses: &[Status], issue: &Changed) -> Result<Standing, Error> {
    let id = issue.status.id;
    let closed = issue.status.is_closed || statuses.iter().any(|status| status.id == id && status.is_closed);
    if closed {
        return Ok(if api.settings.rejected_statuses.contains(&id) {
            Standing::Rejected
        } else {
            Standing::Done
        });
    }
    let begun = match &api.settings.in_progress_statuses {
        Some(named) => named.contains(&id),
        None => id != api.status(statuses, false)?,
    };
    Ok(if begun { Standing::InProgress } else { Standing::Open })
}
