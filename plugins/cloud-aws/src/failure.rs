//! Why a request brought no answer, and what follows from it.

use std::time::Duration;

use palisade_sdk::HostError;
use palisade_sdk::http::Response;
use serde_json::Value;

use crate::xml;

/// Longest text of a service that a message repeats, in bytes.
const SHOWN_BYTES_MAX: usize = 300;

/// Codes that mean: slower.
const THROTTLES: [&str; 12] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];

/// Codes that mean that no request of these credentials will be answered any more.
const SESSIONS: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The service says no, and will say so again: its code and message.
    Said { code: String, message: String },
    /// Slower, please; the service may say when.
    Throttled { after: Option<Duration>, message: String },
    /// It failed, and may succeed next time.
    Passing(String),
    /// It cannot succeed: not granted, too large.
    Lasting(String),
    /// The credentials are not valid any more.
    Session(String),
    /// The call has done its share.
    Spent,
}

impl Failure {
    /// For people.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Said { code, message } if message.is_empty() => code.clone(),
            Self::Said { code, message } => format!("{code}: {message}"),
            Self::Throttled { message, .. } => format!("throttled to the last try: {message}"),
            Self::Passing(message) | Self::Lasting(message) | Self::Session(message) => message.clone(),
            Self::Spent => "the call has done its share".to_owned(),
        }
    }

    /// How often it is tried, if trying again may help.
    pub(crate) fn tries(&self) -> Option<u32> {
        match self {
            Self::Throttled { .. } => Some(8),
            Self::Passing(_) => Some(3),
            _ => None,
        }
    }

    /// How long to wait before the next of these many tries: what the service says, or twice as long each time.
    pub(crate) fn pause(&self, tries: u32, salt: u64) -> Duration {
        const MOST: Duration = Duration::from_secs(60);
        let first = match self {
            Self::Throttled { after: Some(after), .. } => return (*after).min(MOST),
            Self::Throttled { .. } => 500_u64,
            _ => 200,
        };
        let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(10));
        // Up to a quarter more, so that collectors that were throttled together do not come back together.
        Duration::from_millis(doubled.saturating_add(salt % (doubled / 4).max(1))).min(MOST)
    }
}

/// Something that is not configured is an answer too.
pub(crate) fn unless(outcome: Result<Value, Failure>, codes: &[&str]) -> Result<Option<Value>, Failure> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Said { code, .. }) if codes.contains(&code.as_str()) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What the platform's refusal means.
pub(crate) fn of_host(error: HostError) -> Failure {
    match error {
        HostError::Unavailable(why) => Failure::Passing(format!("no answer: {why}")),
        HostError::Limit(what) if what.contains("egress") => Failure::Lasting(
            "the answer is larger than a call may read; raise the limit egress-mib of the plugin".to_owned(),
        ),
        HostError::Limit(_) => Failure::Spent,
        other => Failure::Lasting(other.to_string()),
    }
}

/// What an answer with the status of an error means.
pub(crate) fn of_answer(answer: &Response) -> Failure {
    let (code, message) = said(answer).unwrap_or_default();
    let known = |codes: &[&str]| codes.contains(&code.as_str());
    let text = match (code.is_empty(), message.is_empty()) {
        (true, _) => format!("the answer has status {}", answer.status),
        (false, true) => format!("{code} (status {})", answer.status),
        (false, false) => format!("{code}: {message}"),
    };
    if known(&THROTTLES) || matches!(answer.status, 429 | 503) {
        let seconds = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
        return Failure::Throttled { after: seconds.map(Duration::from_secs), message: text };
    }
    if known(&SESSIONS) {
        return Failure::Session(text);
    }
    match answer.status {
        500..=599 => Failure::Passing(text),
        _ if code.is_empty() => Failure::Lasting(text),
        _ => Failure::Said { code, message },
    }
}

/// Code and message of an error, from the header or body that the protocol puts them into.
fn said(answer: &Response) -> Option<(String, String)> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let field = |names: &[&str]| {
        let body = body.as_ref()?;
        names.iter().find_map(|name| body.get(*name)?.as_str()).map(str::to_owned)
    };
    let json = answer.header("x-amzn-errortype").filter(|code| !code.is_empty()).map(str::to_owned);
    let json = json.or_else(|| field(&["__type", "code", "Code"]));
    let (code, message) = match json {
        Some(code) => (code, field(&["message", "Message", "errorMessage"]).unwrap_or_default()),
        None => xml::error(&answer.body)?,
    };
    // `com.amazonaws.sqs#QueueDoesNotExist`, `ResourceNotFoundException:http://…`
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    Some((shown(code), shown(&message)))
}

fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(SHOWN_BYTES_MAX)).unwrap_or_default();
    cut.trim()
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}
