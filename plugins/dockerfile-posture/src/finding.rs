//! From a check to its result: pass, or one failure for each place.

use palisade_sdk::{CheckResult, Checks, Severity};
use serde_json::json;

use crate::body::File;
use crate::shell::Command;

/// Failures of one check on one file that are reported one by one.
const FAILURES_MAX: usize = 50;

/// Bytes of a stranger's text that are shown.
const SHOWN_MAX: usize = 120;

/// What checks look at.
pub(crate) struct Subject<'a> {
    pub(crate) file: &'a File,
    pub(crate) commands: &'a [Command],
    pub(crate) registries: &'a [String],
}

/// One failure at one place.
pub(crate) struct Failure {
    pub(crate) at: String,
    pub(crate) message: String,
    pub(crate) found: String,
    pub(crate) wanted: &'static str,
}

/// What a check found. `None`: it does not apply.
pub(crate) type Check = fn(&Subject<'_>) -> Option<Vec<Failure>>;

/// Checks of a topic: the rule's id, how bad a failure is, the check.
pub(crate) type Table = [(&'static str, Severity, Check)];

/// A failure; what was found is a stranger's text.
pub(crate) fn fail(at: &str, message: impl Into<String>, found: &str, wanted: &'static str) -> Failure {
    Failure { at: at.to_owned(), message: message.into(), found: shown(found), wanted }
}

/// Runs every check of a table.
pub(crate) fn run(table: &Table, subject: &Subject<'_>, checks: &mut Checks<'_>) {
    for (rule, severity, check) in table {
        let Some(mut failures) = check(subject) else { continue };
        if failures.is_empty() {
            checks.add(CheckResult::pass(*rule));
        }
        if failures.len() > FAILURES_MAX {
            let count = failures.len();
            checks.problem(format!("{rule} fails at {count} places; the first {FAILURES_MAX} are reported"));
            failures.truncate(FAILURES_MAX);
        }
        for failure in failures {
            let evidence = json!({ "found": failure.found, "wanted": failure.wanted });
            checks.add(
                CheckResult::fail(*rule, *severity, failure.message).location(failure.at).evidence(&evidence),
            );
        }
    }
}

/// A stranger's text, escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(SHOWN_MAX)).unwrap_or_default();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}
