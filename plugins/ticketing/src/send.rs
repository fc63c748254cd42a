use std::time::Duration;

use palisade_sdk::http::{Request, Response};
use palisade_sdk::{Error, HostError};

use crate::text;

/// When to come back to a system that does not answer and does not say.
pub const AWAY: Duration = Duration::from_secs(1);
/// Longest text of an answer that is repeated in an error, in characters.
const SAID_MAX: usize = 500;

/// Sends a request that a secret signs in.
///
/// # Errors
///
/// [`Error::RetryAfter`] where nobody answers, or the answer is of the kind that another try is worth: 429 and 503 by their own
/// `Retry-After`, 500, 502 and 504 after [`AWAY`]. Whatever else the platform refuses.
pub fn send(request: Request, secret: &str) -> Result<Response, Error> {
    let answer = match request.secret(secret).send() {
        Err(HostError::Unavailable(_)) => return Err(Error::retry_after(AWAY)),
        sent => sent?,
    };
    match answer.status {
        500 | 502 | 504 => Err(Error::retry_after(AWAY)),
        429 | 503 => answer.ok(),
        _ => Ok(answer),
    }
}

/// That a system refused, with what it says, and what to do.
#[must_use]
pub fn refused(system: &str, said: &str, advice: &str) -> Error {
    Error::Host(format!("{system}: {}; {advice}", text::line(said, SAID_MAX)))
}

/// A part of a path: what is no plain letter would lead elsewhere.
#[must_use]
pub fn segment(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).collect()
}
