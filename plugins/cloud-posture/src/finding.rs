//! From a check to its result: pass, one failure for each place, or an error where something was not known.

use palisade_sdk::{CheckResult, Checks, Severity};
use serde_json::{Value, json};

use crate::body::{Body, Stop};

/// Failures of one check on one resource that are reported one by one. A resource with more is wrong as a whole.
const FAILURES_MAX: usize = 100;

/// Bytes of a stranger's text that are shown.
const SHOWN_MAX: usize = 120;

/// Whether a check applied to a resource.
pub(crate) type Verdict = Result<bool, Stop>;

/// One check: a pure function of a resource.
pub(crate) type Check = fn(&Body<'_>, &mut Found<'_>) -> Verdict;

/// Checks of a kind of resource: the rule's id, how bad a failure usually is, the check.
pub(crate) type Table = [(&'static str, Severity, Check)];

/// Takes the failures of one check.
pub(crate) struct Found<'a> {
    failures: &'a mut Vec<Finding>,
}

impl Found<'_> {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.failures.push(finding);
    }

    /// Applies if the check failed, or could have passed. A check that another one has already answered for the worse neither
    /// fails nor passes: a pass would count for compliance.
    pub(crate) fn unless(&self, answered: bool) -> Verdict {
        Ok(!self.failures.is_empty() || !answered)
    }
}

/// One failure at one place.
pub(crate) struct Finding {
    at: String,
    message: String,
    severity: Option<Severity>,
    found: Value,
    wanted: Value,
}

impl Finding {
    /// A failure at a JSON Pointer into the body.
    pub(crate) fn at(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            message: message.into(),
            severity: None,
            found: Value::Null,
            wanted: Value::Null,
        }
    }

    /// What was compared with what.
    pub(crate) fn compared(mut self, found: Value, wanted: Value) -> Self {
        self.found = found;
        self.wanted = wanted;
        self
    }

    /// How bad it is here, where that differs from the rule's usual severity.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    fn result(self, rule: &str, usual: Severity) -> CheckResult {
        CheckResult::fail(rule, self.severity.unwrap_or(usual), self.message)
            .location(self.at)
            .evidence(&json!({ "found": self.found, "wanted": self.wanted }))
    }
}

/// Runs every check of a table.
pub(crate) fn run(table: &Table, body: &Body<'_>, checks: &mut Checks<'_>) {
    let mut failures = Vec::new();
    for (rule, severity, check) in table {
        body.begin();
        let verdict = check(body, &mut Found { failures: &mut failures });
        if !failures.is_empty() {
            tell(rule, *severity, &mut failures, checks);
            continue;
        }
        match (verdict, body.not_known()) {
            (Err(Stop::Wrong { at, wanted }), _) => {
                let message = format!("Not as AWS writes it: {} is not {wanted}.", shown(&at));
                checks.add(CheckResult::error(*rule, message));
            }
            // Neither a pass nor "does not apply" may rest on what nobody knows.
            (_, Some(name)) => checks.add(CheckResult::error(*rule, format!("Not known: {}.", shown(name)))),
            (Ok(true), None) => checks.add(CheckResult::pass(*rule)),
            (Ok(false) | Err(Stop::Absent), None) => {}
        }
    }
}

fn tell(rule: &str, severity: Severity, failures: &mut Vec<Finding>, checks: &mut Checks<'_>) {
    if failures.len() > FAILURES_MAX {
        let many = failures.len();
        checks.problem(format!("{rule} fails at {many} places; the first {FAILURES_MAX} are reported"));
        failures.truncate(FAILURES_MAX);
    }
    for failure in failures.drain(..) {
        checks.add(failure.result(rule, severity));
    }
}

/// The commonest check: a flag has to be on.
pub(crate) fn on(body: &Body<'_>, found: &mut Found<'_>, key: &str, message: &str) -> Verdict {
    flag(body, found, key, true, message)
}

/// A flag has to be off.
pub(crate) fn off(body: &Body<'_>, found: &mut Found<'_>, key: &str, message: &str) -> Verdict {
    flag(body, found, key, false, message)
}

fn flag(body: &Body<'_>, found: &mut Found<'_>, key: &str, wanted: bool, message: &str) -> Verdict {
    if body.flag(key)? != wanted {
        found.add(Finding::at(body.place(key), message).compared(json!(!wanted), json!(wanted)));
    }
    Ok(true)
}

/// A stranger's text, escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(SHOWN_MAX)).unwrap_or_default();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

/// The same as JSON, for evidence.
pub(crate) fn quoted(text: &str) -> Value {
    Value::String(shown(text))
}
