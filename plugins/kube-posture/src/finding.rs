//! From a check to its result: pass, one failure for each place, or an error where the platform could not be asked.

use palisade_sdk::{CheckResult, Checks, HostError, Severity, pointer_part};
use serde_json::{Value, json};

use crate::graph::{Graph, Id};
use crate::object::Metadata;

/// Failures of one check on one object that are reported one by one. An object with more is wrong as a whole.
const FAILURES_MAX: usize = 100;

/// Bytes of a stranger's text that are shown.
const SHOWN_MAX: usize = 120;

/// Whether a check applied to an object; an error where the platform did not answer what it needed to know.
pub(crate) type Verdict = Result<bool, HostError>;

/// One check: a pure function of an object and of what the platform answers about others.
pub(crate) type Check<T> = fn(&Object<'_, T>, &mut Found<'_>) -> Verdict;

/// Checks of a topic: the rule's id, how bad a failure usually is, the check.
pub(crate) type Table<T> = [(&'static str, Severity, Check<T>)];

/// An object under examination.
pub(crate) struct Object<'a, T> {
    /// Its place in the platform's graph, unless its id is not one of a Kubernetes object.
    pub(crate) id: Result<Id<'a>, HostError>,
    pub(crate) graph: &'a Graph,
    pub(crate) meta: &'a Metadata,
    pub(crate) body: &'a T,
}

impl<'a, T> Object<'a, T> {
    /// Its id, for a question to the platform.
    pub(crate) fn id(&self) -> Result<&Id<'a>, HostError> {
        self.id.as_ref().map_err(Clone::clone)
    }

    /// Ids of objects joined to this one.
    pub(crate) fn related(&self, edge: &str, limit: u32) -> Result<Vec<String>, HostError> {
        self.graph.related(self.id()?.text, edge, limit)
    }

    /// Whether any object is joined to this one.
    pub(crate) fn joined(&self, edge: &str) -> Result<bool, HostError> {
        Ok(!self.related(edge, 1)?.is_empty())
    }

    /// Whether the namespace of this object holds any object of a kind.
    pub(crate) fn beside(&self, kind: &str) -> Result<bool, HostError> {
        let namespace = self.id()?.of_namespace(self.meta.namespace());
        Ok(!self.graph.related(&namespace, &format!("contains:{kind}"), 1)?.is_empty())
    }
}

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
    lesser: bool,
    found: Value,
    wanted: Value,
    patch: Vec<Value>,
}

impl Finding {
    /// A failure at a JSON Pointer into the object.
    pub(crate) fn at(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            message: message.into(),
            severity: None,
            lesser: false,
            found: Value::Null,
            wanted: Value::Null,
            patch: Vec::new(),
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

    /// One step less bad than usual, where it is so.
    pub(crate) fn lesser(mut self, lesser: bool) -> Self {
        self.lesser = lesser;
        self
    }

    /// Mends by setting a member that may be there already.
    pub(crate) fn set(mut self, path: impl Into<String>, value: Value) -> Self {
        self.patch.push(json!({ "op": "add", "path": path.into(), "value": value }));
        self
    }

    /// Mends by replacing an item of a list, where adding would push it aside.
    pub(crate) fn replace(mut self, path: impl Into<String>, value: Value) -> Self {
        self.patch.push(json!({ "op": "replace", "path": path.into(), "value": value }));
        self
    }

    /// Mends by removing what is there.
    pub(crate) fn remove(mut self, path: impl Into<String>) -> Self {
        self.patch.push(json!({ "op": "remove", "path": path.into() }));
        self
    }

    /// Mends by setting a member of a parent that may be missing.
    pub(crate) fn set_in(self, parent: &str, there: bool, key: &str, value: Value) -> Self {
        if there {
            return self.set(format!("{parent}/{}", pointer_part(key)), value);
        }
        self.set(parent, json!({ key: value }))
    }

    fn result(self, rule: &str, usual: Severity) -> CheckResult {
        let mut evidence = json!({ "found": self.found, "wanted": self.wanted });
        if let (false, Some(evidence)) = (self.patch.is_empty(), evidence.as_object_mut()) {
            evidence.insert("patch".to_owned(), Value::Array(self.patch));
        }
        let usual = match usual {
            Severity::Critical if self.lesser => Severity::High,
            Severity::High if self.lesser => Severity::Medium,
            Severity::Medium if self.lesser => Severity::Low,
            usual => usual,
        };
        CheckResult::fail(rule, self.severity.unwrap_or(usual), self.message)
            .location(self.at)
            .evidence(&evidence)
    }
}

/// Runs every check of a table.
pub(crate) fn run<T>(table: &Table<T>, object: &Object<'_, T>, checks: &mut Checks<'_>) {
    let mut failures = Vec::new();
    for (rule, severity, check) in table {
        match check(object, &mut Found { failures: &mut failures }) {
            Ok(true) if failures.is_empty() => checks.add(CheckResult::pass(*rule)),
            Ok(_) => {
                if failures.len() > FAILURES_MAX {
                    checks.problem(format!(
                        "{rule} fails at {} places; the first {FAILURES_MAX} are reported",
                        failures.len()
                    ));
                    failures.truncate(FAILURES_MAX);
                }
                for failure in failures.drain(..) {
                    checks.add(failure.result(rule, *severity));
                }
            }
            Err(error) => {
                failures.clear();
                checks.add(CheckResult::error(
                    *rule,
                    format!("The platform did not answer what the check needs: {error}."),
                ));
            }
        }
    }
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
