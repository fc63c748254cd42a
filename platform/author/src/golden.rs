//! Runs golden cases on the production host and compares what comes out with what was looked at once.
//!
//! A case is an answer and the changes of state that go with it, or the error that the plugin itself gave. A fault is never what
//! a case expects: a plugin that traps has no answer that could be right.

use std::path::Path;
use std::sync::Arc;

use host::{CallContext, Fault, FaultKind, Grant, Input, Outcome, Plugin, Redaction, Services};
use model::TenantId;
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::difference::differences;
use crate::error::{AuthorError, write};
use crate::shown::shown;

/// Differences that are shown of one case.
const DIFFERENCES_SHOWN: usize = 8;

/// Fields whose bytes are JSON by the contract, and are compared as such.
const JSON_FIELDS: [&str; 3] = ["body", "evidence", "patch"];

/// How cases are run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Writes what comes out as what has to come out.
    pub bless: bool,
    /// Writes the transcript of every case into this folder.
    pub record: Option<&'a Path>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Name of the case.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What came out; nothing where a fault did.
    pub found: Option<Value>,
}

/// The verdict on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Written as what is expected from now on.
    Blessed,
    /// Otherwise than expected, or nothing is expected yet: what, line by line.
    Failed(Vec<String>),
}

impl Judged {
    /// Whether the case is as it should be.
    #[must_use]
    pub fn passed(&self) -> bool {
        !matches!(self.verdict, Verdict::Failed(_))
    }
}

/// Runs one case.
///
/// # Errors
/// [`AuthorError::File`], when something cannot be written.
pub fn judge(plugin: &Plugin, case: &Case, options: &Options<'_>) -> Result<Judged, AuthorError> {
    let outcome = call(plugin, case, case.input.clone(), &Conditions::usual(case, options.record.is_some()));
    if let (Some(folder), Some(transcript)) = (options.record, &outcome.transcript) {
        let text = serde_json::to_vec(transcript).unwrap_or_default();
        write(&folder.join(format!("{}.json", case.name)), &text)?;
    }
    let judged = |verdict, found| Ok(Judged { name: case.name.clone(), verdict, found });
    let found = match observed(&outcome) {
        Ok(found) => found,
        Err(fault) => return judged(Verdict::Failed(fault_lines(fault)), None),
    };
    let verdict = match &case.expected {
        Some(expected) if *expected == found => Verdict::Passed,
        _ if options.bless => {
            let mut text = serde_json::to_vec_pretty(&found).unwrap_or_default();
            text.push(b'\n');
            write(&case.expected_path(), &text)?;
            Verdict::Blessed
        }
        Some(expected) => Verdict::Failed(differences(expected, &found, DIFFERENCES_SHOWN)),
        None => Verdict::Failed(vec![
            "it has no expected.json yet; if this is right, run it again with --bless:".to_owned(),
            shown(&found.to_string()),
        ]),
    };
    judged(verdict, Some(found))
}

/// What a call may use.
pub(crate) struct Conditions {
    pub(crate) grant: bool,
    pub(crate) services: Arc<dyn Services>,
    pub(crate) record: bool,
}

impl Conditions {
    /// All granted, answered from `host.json`.
    pub(crate) fn usual(case: &Case, record: bool) -> Self {
        Self { grant: true, services: case.played.services(), record }
    }
}

/// Calls the plugin as the platform does.
pub(crate) fn call(plugin: &Plugin, case: &Case, input: Input, conditions: &Conditions) -> Outcome {
    let tenant = TenantId::default_tenant();
    let rights = case.played.granted(plugin.manifest());
    let grant = Grant { tenant: tenant.clone(), digest: plugin.digest().clone(), rights };
    let context = CallContext {
        now: case.now,
        grant: conditions.grant.then(|| Arc::new(grant)),
        services: Arc::clone(&conditions.services),
        record: conditions.record.then(|| Arc::new(Redaction::default())),
        ..CallContext::new(tenant, Arc::clone(&case.config))
    };
    // Every case stands for itself: those before it do not put the plugin into quarantine.
    plugin.release();
    plugin.call(&context, input)
}

/// What came out, as it stands in `expected.json`; a fault that no case can expect is an error.
pub(crate) fn observed(outcome: &Outcome) -> Result<Value, &Fault> {
    match &outcome.result {
        Ok(answer) => {
            let mut answer = serde_json::to_value(answer).unwrap_or_default();
            open_json(&mut answer);
            let state: Map<String, Value> = outcome
                .state
                .iter()
                .map(|(key, value)| (key.clone(), state_value(value.as_deref())))
                .collect();
            Ok(json!({ "answer": answer, "state": state }))
        }
        Err(fault) if is_honest(fault) => {
            let mut error = json!({ "kind": fault.kind, "message": fault.message });
            if let (Some(pause), Value::Object(error)) = (fault.retry_after, &mut error) {
                let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                error.insert("retry-after-ms".to_owned(), millis.into());
            }
            Ok(json!({ "error": error }))
        }
        Err(fault) => Err(fault),
    }
}

/// Whether the plugin itself gave this up, in order: a trap after a refusal has another kind, and still is one.
pub(crate) fn is_honest(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Declined | FaultKind::Denied)
        && fault.frames.is_empty()
        && !fault.message.contains("; then ")
}

/// A fault for its author: what happened, where, and what was asked for last.
pub(crate) fn fault_lines(fault: &Fault) -> Vec<String> {
    let mut lines = vec![shown(&fault.to_string())];
    let list = |name: &str, all: &[String]| {
        let texts: Vec<String> = all.iter().map(|text| shown(text)).collect();
        (!texts.is_empty()).then(|| format!("{name}: {}", texts.join(", ")))
    };
    lines.extend(list("in, innermost first", &fault.frames));
    lines.extend(list("last host calls", &fault.host_calls));
    lines.extend(fault.logs.iter().map(|line| format!("it logged: {}", shown(&line.message))));
    lines
}

fn state_value(value: Option<&[u8]>) -> Value {
    use base64::Engine as _;
    match value.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => text.into(),
        Some((bytes, Err(_))) => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    }
}

/// Replaces texts that hold JSON by what they hold, so that a difference inside has a pointer of its own.
fn open_json(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let opened = match value {
                    Value::String(text) if JSON_FIELDS.contains(&key.as_str()) => {
                        serde_json::from_str(text).ok()
                    }
                    _ => None,
                };
                match opened {
                    Some(opened) => *value = opened,
                    None => open_json(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(open_json),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{is_honest, observed, open_json};
    use host::kinds::{Assessment, CheckResult, CheckStatus};
    use host::{Answer, Fault, FaultKind, Outcome, StateChanges, Usage};
    use serde_json::json;

    fn fault(kind: FaultKind, message: &str, frames: &[&str]) -> Fault {
        Fault {
            kind,
            message: message.to_owned(),
            frames: frames.iter().map(|frame| (*frame).to_owned()).collect(),
            host_calls: Vec::new(),
            logs: Vec::new(),
            retry_after: Some(std::time::Duration::from_secs(7)),
        }
    }

    fn outcome(result: Result<Answer, Fault>, state: StateChanges) -> Outcome {
        Outcome {
            result,
            state,
            logs: Vec::new(),
            usage: Usage::default(),
            audit: Vec::new(),
            audit_dropped: 0,
            transcript: None,
        }
    }

    #[test]
    fn an_answer_is_compared_with_its_state_and_the_json_inside() {
        let result = CheckResult {
            item: 0,
            rule: "r".to_owned(),
            status: CheckStatus::Fail,
            severity: model::Severity::Low,
            message: "{}".to_owned(),
            location: "/a".to_owned(),
            evidence: b"{\"a\":1}".to_vec(),
        };
        let answer = Answer::Posture(Assessment { results: vec![result], problems: Vec::new() });
        let state = [
            ("k".to_owned(), Some(b"v".to_vec())),
            ("b".to_owned(), Some(vec![255])),
            ("gone".to_owned(), None),
        ];
        let found = observed(&outcome(Ok(answer), state.into())).unwrap();
        assert_eq!(found.pointer("/answer/posture/results/0/evidence/a"), Some(&json!(1)));
        assert_eq!(found.pointer("/answer/posture/results/0/message"), Some(&json!("{}")));
        assert_eq!(found["state"], json!({ "k": "v", "b": { "base64": "/w==" }, "gone": null }));
    }

    #[test]
    fn only_what_the_plugin_says_itself_can_be_expected() {
        let declined = fault(FaultKind::Declined, "asks to be called again", &[]);
        let found = observed(&outcome(Err(declined), StateChanges::new())).unwrap();
        assert_eq!(
            found,
            json!({ "error": { "kind": "declined", "message": "asks to be called again", "retry-after-ms": 7000 } })
        );
        for dishonest in [
            fault(FaultKind::Trap, "unreachable", &[]),
            fault(FaultKind::Denied, "not granted", &["plugin::check"]),
            fault(FaultKind::Denied, "not granted; then wasm trap", &[]),
            fault(FaultKind::Protocol, "x", &[]),
        ] {
            assert!(!is_honest(&dishonest), "{dishonest}");
            assert!(observed(&outcome(Err(dishonest), StateChanges::new())).is_err());
        }
    }

    #[test]
    fn text_that_is_no_json_stays() {
        let mut value = json!({ "body": "plain", "evidence": "", "deep": [{ "patch": "[]" }] });
        open_json(&mut value);
        assert_eq!(value, json!({ "body": "plain", "evidence": "", "deep": [{ "patch": [] }] }));
    }
}
