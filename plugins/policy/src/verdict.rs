//! What a policy says of one thing.

use palisade_sdk::Severity;
use serde_json::Value;

/// What a message does to a request. On an object that is there, all but the last are failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// It is refused.
    Deny,
    /// It passes, and its sender is told.
    Warn,
    /// It passes, and nobody is told: a policy on trial.
    Silent,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) effect: Effect,
    /// Where the policy says how bad it is.
    pub(crate) severity: Option<Severity>,
    /// A JSON Pointer into the object; empty for the whole.
    pub(crate) location: String,
    /// What the policy adds, and which of its parts (a constraint, a binding) says so.
    pub(crate) details: Value,
}

impl Message {
    pub(crate) fn new(text: impl Into<String>, effect: Effect) -> Self {
        let details = Value::Null;
        Self { text: text.into(), effect, severity: None, location: String::new(), details }
    }

    pub(crate) fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// What a policy says of one thing that it applies to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Whether any part of it applied.
    pub(crate) applies: bool,
    pub(crate) messages: Vec<Message>,
    /// Parts that could not be computed, and what that does to a request.
    pub(crate) errors: Vec<(String, Effect)>,
    /// Operations of a JSON Patch.
    pub(crate) patch: Vec<Value>,
}

impl Verdict {
    pub(crate) fn error(&mut self, why: impl Into<String>, effect: Effect) {
        self.applies = true;
        self.errors.push((why.into(), effect));
    }
}

/// A severity by its name.
pub(crate) fn severity(name: &str) -> Option<Severity> {
    Some(match name.to_ascii_lowercase().as_str() {
        "none" | "info" | "informational" => Severity::None,
        "negligible" => Severity::Negligible,
        "low" => Severity::Low,
        "medium" | "moderate" | "warning" => Severity::Medium,
        "high" | "error" => Severity::High,
        "critical" => Severity::Critical,
        _ => return None,
    })
}
