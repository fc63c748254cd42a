//! Where records stand: those that have changed since they were read last.
//!
//! A cursor is the second of the platform's clock at which the reading before began. Times in queries are in the time zone of the user, so that
//! ServiceNow is asked for the last so many minutes, and for some more, as clocks differ. What is read twice changes nothing.

use palisade_sdk::{Error, Page, clock};
use ticketing::Standing;

use crate::api::{Api, OURS, Record};

/// How far clocks may differ, in minutes.
const BEHIND: u64 = 5;
/// Records of one page.
const PAGE: usize = 100;

/// One page of what has changed since the cursor.
pub(crate) fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<Page, Error> {
    let (since, began, offset) = place(cursor)?;
    let mut query = format!("correlation_display={OURS}");
    if let Some(since) = since {
        let minutes = began.saturating_sub(since) / 60 + 1 + BEHIND;
        query += &format!("^sys_updated_onRELATIVEGT@minute@ago@{minutes}");
    }
    // Records that change meanwhile keep their place.
    query += "^ORDERBYsys_created_on^ORDERBYsys_id";
    let records = api.list(&query, PAGE, offset)?;
    let mut resources: Vec<_> = records
        .iter()
        .map(|record| {
            ticketing::ticket(&record.sys_id.value, &record.state.display_value, standing(api, record))
        })
        .collect();
    if records.len() >= PAGE {
        let since = since.map_or_else(|| "-".to_owned(), |since| since.to_string());
        let next = offset + records.len() as u64;
        return Ok(Page::new(resources).next(Some(format!("{since} {began} {next}"))));
    }
    resources.push(ticketing::cursor(&began.to_string()));
    Ok(Page::new(resources))
}

/// Since when, when the reading began, and how many records of it were read.
fn place(cursor: Option<&str>) -> Result<(Option<u64>, u64, u64), Error> {
    let now = clock::now() / 1_000_000_000;
    let Some(cursor) = cursor else { return Ok((None, now, 0)) };
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| Error::InvalidInput(format!("{cursor:?} is no cursor of servicenow")))
    };
    let mut parts = cursor.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("-"), Some(began), Some(offset)) => Ok((None, number(began)?, number(offset)?)),
        (Some(since), Some(began), Some(offset)) => {
            Ok((Some(number(since)?), number(began)?, number(offset)?))
        }
        (since, ..) => {
            Ok((Some(number(since.filter(|_| !cursor.contains(' ')).unwrap_or_default())?), now, 0))
        }
    }
}

fn standing(api: &Api<'_>, record: &Record) -> Standing {
    let state = &record.state.value;
    if api.settings.rejected_states.contains(state) {
        Standing::Rejected
    } else if api.settings.is_over(state) {
        Standing::Done
    } else if *state == api.settings.open_state {
        Standing::Open
    } else {
        Standing::InProgress
    }
}
