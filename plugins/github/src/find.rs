//! Looking for the issue of a marker before one is made.
//!
//! What protects against a double: the search of GitHub knows an issue some time after it was made, a listing at once.
//! So issues are listed, by a label. One label for all would make the list long, one for each ticket would fill the
//! repository with labels; so there are sixteen, by the last digit of the marker. GitHub drops labels without a word
//! where the token may not set them, and people take them off; so the newest issues are looked at as well, whatever
//! their labels: a receipt that was lost is a new one's. Where a list is too long to be read to its end, nobody knows
//! whether there is an issue, and none is made.

use palisade_sdk::Error;

use crate::api::{Api, PAGE};
use crate::issue::{Issue, drawer};

/// Pages that are read at most.
const PAGES_MAX: u64 = 20;

/// The issue with a marker, in any state.
pub(crate) fn find(api: &Api<'_>, marker: &str) -> Result<Option<Issue>, Error> {
    let label = drawer(marker);
    for page in 1..=PAGES_MAX {
        let issues = api.newest(Some(&label), page)?;
        let last = issues.len() < PAGE;
        if let Some(found) = oldest(issues, marker) {
            return Ok(Some(found));
        }
        if last {
            return Ok(oldest(api.newest(None, 1)?, marker));
        }
    }
    Err(Error::Host(format!(
        "github: more than {} issues have the label {label:?}, too many to know whether one is there already; take the \
         label off old issues that are closed, or name another repository",
        PAGES_MAX * PAGE as u64
    )))
}

/// The first that was made: if there are two, everybody goes on with the same.
fn oldest(issues: Vec<Issue>, marker: &str) -> Option<Issue> {
    issues.into_iter().filter(|issue| issue.is_of(marker)).min_by_key(|issue| issue.number)
}
