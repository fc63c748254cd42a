//! What went wrong with a request.

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;
use serde::Deserialize;

/// Longest text of a server that is shown, in characters.
const SHOWN_MAX: usize = 300;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// 401, after credentials were read anew, or none could be had.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 410: the position is older than what the server remembers.
    Gone,
    /// 429 and 5xx.
    Busy,
    /// No connection.
    Unreachable,
    /// The answer ended early, or nothing came for too long.
    Cut,
    /// The answer is larger than is held in memory.
    TooLarge,
    /// There are more objects than are held in memory.
    TooMany,
    /// Any other answer.
    Odd,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// In words, with what the server said, safe to show.
    pub(crate) reason: String,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// What the API server sends with every error (`meta/v1` Status), as far as it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    message: String,
    reason: String,
    pub(crate) code: u16,
    details: Option<Details>,
}

impl Status {
    /// What a server said, with the code of HTTP where it names none.
    pub(crate) fn of(code: u16, body: &[u8]) -> Self {
        let status: Self = serde_json::from_slice(body).unwrap_or_default();
        Self { code, ..status }
    }

    /// Whether a disruption budget does not allow it.
    pub(crate) fn is_disruption(&self) -> bool {
        let causes = self.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
        causes.iter().any(|cause| cause.reason == "DisruptionBudget")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    retry_after_seconds: Option<u64>,
    causes: Vec<StatusCause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusCause {
    reason: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), retry_after: None }
    }

    /// An answer that says what went wrong. `code` is that of HTTP, or of the Status in a stream.
    pub(crate) fn of_status(code: u16, status: &Status, retry_after: Option<Duration>) -> Self {
        let cause = match code {
            401 => Cause::Unauthorized,
            403 => Cause::Forbidden,
            404 => Cause::NotFound,
            410 => Cause::Gone,
            429 | 500..=599 => Cause::Busy,
            _ => Cause::Odd,
        };
        let said = if status.message.is_empty() { &status.reason } else { &status.message };
        let said = if said.is_empty() { "the server says nothing more".to_owned() } else { shown(said) };
        let details = status.details.as_ref().and_then(|details| details.retry_after_seconds);
        let retry_after = retry_after.or(details.map(Duration::from_secs));
        Self { cause, reason: format!("{code}: {said}"), retry_after }
    }

    /// An error below HTTP, or one of getting credentials.
    pub(crate) fn of_client(error: &kube::Error) -> Self {
        if let Some(error) = find::<AuthError>(error) {
            return Self::new(Cause::Unauthorized, credentials(error));
        }
        Self::new(Cause::Unreachable, chain(error))
    }

    /// Whether the same request may work later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.cause, Cause::Busy | Cause::Unreachable | Cause::Cut)
    }
}

/// Why no credentials could be had. What a command was given and printed is left out: that may be
/// credentials.
pub(crate) fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            format!("the command that gets credentials ended with {}", out.status)
        }
        AuthError::AuthExecParse(_) => {
            "what the command that gets credentials printed is no ExecCredential".to_owned()
        }
        other => shown(&other.to_string()),
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error with its causes, without those that repeat what was said.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        next = cause.source();
    }
    shown(&said)
}

/// Text of a stranger: without control characters, and not longer than a few lines.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    short.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn text_of_strangers_is_cut_and_has_no_control_characters() {
        assert_eq!(shown("pods \"x\" is\u{1b}[31m\nforbidden"), "pods \"x\" is\\u{1b}[31m\\nforbidden");
        assert_eq!(shown(&"ä".repeat(1000)).chars().count(), 301);
    }
}
