//! What GitHub answers, and what is to be done about it.

use std::time::Duration;

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, HostError, clock};
use serde::Deserialize;
use serde_json::Value;
use ticketing::{AWAY, refused};

/// When to come back where a limit is used up and GitHub does not say until when: what it asks for at least.
const LIMITED: Duration = Duration::from_secs(60);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    message: String,
    errors: Vec<Value>,
}

/// Sends a request that the secret signs in.
///
/// GitHub tells of its limits with 403 as well as 429, and until when with either of two headers; so this is its own
/// and not that of all.
pub(crate) fn send(request: Request, secret: &str) -> Result<Response, Error> {
    let answer = match request.secret(secret).send() {
        Err(HostError::Unavailable(_)) => return Err(Error::retry_after(AWAY)),
        sent => sent?,
    };
    match answer.status {
        403 | 429 => limited(&answer).map_or(Ok(answer), |pause| Err(Error::retry_after(pause))),
        500 | 502 | 504 => Err(Error::retry_after(AWAY)),
        503 => answer.ok(),
        _ => Ok(answer),
    }
}

/// How long a limit lasts, if that is what an answer of 403 or 429 is about.
fn limited(answer: &Response) -> Option<Duration> {
    let number = |name: &str| answer.header(name).and_then(|value| value.trim().parse::<u64>().ok());
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = clock::now() / 1_000_000_000;
        // Its clock is not ours: a second more.
        let rest = number("x-ratelimit-reset").map(|at| Duration::from_secs(at.saturating_sub(now) + 1));
        return Some(rest.unwrap_or(LIMITED));
    }
    (answer.status == 429 || said(answer).contains("rate limit")).then_some(LIMITED)
}

/// The answer, if it is one of success; else what GitHub says is wrong, and what to do.
pub(crate) fn done(answer: Response) -> Result<Response, Error> {
    let said = said(&answer);
    let (what, advice) = match answer.status {
        301 | 302 | 307 | 308 => {
            let to = answer.header("location").unwrap_or("another place").to_owned();
            let advice = "set `url`, `owner` and `repository` to where it is now, or move it back";
            return Err(refused("github: the repository or the issue has moved to", &to, advice));
        }
        401 => ("github does not know the token", "check the secret, and whether it has expired"),
        403 => (
            "github: the token may not do this",
            "give it the permission to read and write issues of the repository",
        ),
        404 => (
            "github: there is no such repository, or the token may not see it",
            "check `owner`, `repository` and the token's repositories",
        ),
        410 => ("github: issues are turned off in the repository", "turn them on in its settings"),
        422 => ("github refuses the issue", "check `labels` and `assignees`"),
        _ => return answer.ok(),
    };
    Err(refused(what, &said, advice))
}

/// What GitHub says is wrong.
fn said(answer: &Response) -> String {
    let refusal: Refusal = answer.json().unwrap_or_default();
    let errors = refusal.errors.iter().map(|error| match error {
        Value::String(text) => text.clone(),
        other => ["field", "code", "value", "message"]
            .iter()
            .filter_map(|key| {
                other.get(*key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
            })
            .collect::<Vec<_>>()
            .join(" "),
    });
    std::iter::once(refusal.message).chain(errors).collect::<Vec<_>>().join(": ")
}
