//! Hands messages of responses over to the destinations of the configuration: JSON, by the one way out.
//!
//! A message arrives at least once. Every request for it carries the same `Idempotency-Key`, by which the other side tells a repetition from a
//! new message, and `Palisade-Signature` where the destination has a secret: `t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use egress::{Client, EgressError, Policy, Request};
use jiff::Timestamp;
use respond::{CallCause, CallError, Deliver, Message, Receipt};
use serde_json::{Value, json};

use crate::config::{Config, Destination, DestinationKind};
use crate::data::read_capped;

/// Longest exchange with a destination: a run waits for it.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Largest secret, and the most of an answer that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Most of each part of a ticket's answer that is kept, in characters.
const REFERENCE_MAX: usize = 200;

/// The destinations of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    client: Client,
    destinations: BTreeMap<String, Destination>,
    page: Option<String>,
}

impl Post {
    /// By the configuration.
    ///
    /// # Errors
    /// The rules of the way out cannot be used.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let policy = Policy { total_timeout: TIME_MAX, ..config.egress.policy()? };
        let client = Client::new(policy).context("cannot prepare the HTTP client of responses")?;
        let page = config.respond.page_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self { client, destinations: config.respond.destinations.clone(), page })
    }

    /// The destination that a message names, or the only one of its kind.
    fn destination(&self, message: &Message) -> Result<(&str, &Destination), CallError> {
        let kind = DestinationKind::of(&message.how);
        let mut fit = self.destinations.iter().filter(|(_, one)| one.kind == kind);
        let found = match &message.destination {
            Some(name) => fit.find(|(known, _)| *known == name),
            None => fit.next().filter(|_| fit.next().is_none()),
        };
        if let Some((name, destination)) = found {
            return Ok((name.as_str(), destination));
        }
        let wanted = message.destination.as_deref().map_or_else(
            || "exactly one, as the step names none".to_owned(),
            |name| format!("one of the name {name:?}"),
        );
        Err(refused(format!(
            "{} wants a destination of the kind {}, {wanted}: there is none under [respond.destinations] of the configuration",
            message.how,
            kind.as_str(),
        )))
    }

    fn body(&self, message: &Message) -> Value {
        let link = self.page.as_ref().map(|page| format!("{page}/incidents/{}", escaped(&message.incident)));
        let said = |name: &str| message.said.get(name).cloned().unwrap_or_default();
        if message.how == "ticket" {
            let text = said("text");
            return json!({
                "title": said("title"),
                "description": if text.is_null() { message.title.as_str().into() } else { text },
                "severity": message.severity,
                "incident": message.incident,
                "link": link,
                "fields": {
                    "queue": said("queue"), "playbook": message.playbook, "run": message.run, "step": message.step,
                    "event": message.title,
                },
            });
        }
        let mut body = json!({
            "kind": message.how,
            "incident": message.incident,
            "severity": message.severity,
            "title": message.title,
            "link": link,
            "playbook": message.playbook,
            "run": message.run,
            "step": message.step,
        });
        let own = if message.how == "notify" { "text" } else { "body" };
        if let Some(members) = body.as_object_mut() {
            members.insert(own.to_owned(), said(own));
        }
        body
    }
}

impl Deliver for Post {
    async fn check(&self, message: &Message) -> Result<(), CallError> {
        let (name, destination) = self.destination(message)?;
        secret(name, destination)?;
        let (client, url) = (self.client.clone(), destination.url.clone());
        let checked = tokio::task::spawn_blocking(move || client.check(&url)).await;
        checked
            .map_err(|error| unknown(format!("destination {name}: {error}")))?
            .map_err(|error| failed(name, &error))
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, CallError> {
        let (name, destination) = self.destination(message)?;
        let body = self.body(message).to_string().into_bytes();
        let mut request = Request::post(destination.url.clone(), body)
            .header("content-type", "application/json")
            .header("idempotency-key", message.key.clone());
        if let Some(secret) = secret(name, destination)? {
            let signature = signature(&secret, Timestamp::now().as_second(), &request.body);
            request = request.header("palisade-signature", signature);
        }
        let client = self.client.clone();
        let answered = tokio::task::spawn_blocking(move || exchange(&client, request)).await;
        let answer = answered.map_err(|error| unknown(format!("destination {name}: {error}")))?;
        judge(name, &answer.map_err(|error| failed(name, &error))?)
    }
}

/// What a destination answered.
#[derive(Debug, Default)]
struct Answer {
    status: u16,
    retry_after: Option<u32>,
    location: Option<String>,
    /// As far as it was read; a body that is cut off says less, and the status still counts.
    body: Vec<u8>,
}

fn exchange(client: &Client, request: Request) -> Result<Answer, EgressError> {
    let response = client.send(request)?;
    let mut answer = Answer {
        status: response.status,
        retry_after: response.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()),
        location: response.location().map(|location| location.to_string()),
        body: Vec::new(),
    };
    if let Err(error) = response.body.take(ANSWER_BYTES_MAX).read_to_end(&mut answer.body) {
        tracing::debug!(error = %error, "the answer of a destination was cut off");
    }
    Ok(answer)
}

/// What an answer means. 409 under a key that was sent before, and under no other, says that the message is there.
fn judge(name: &str, answer: &Answer) -> Result<Receipt, CallError> {
    let status = answer.status;
    let said = format!("destination {name} answered {status}");
    match status {
        200..=299 | 409 => {
            let reference = reference(answer);
            let said = if reference.is_empty() { said } else { format!("{said}: {reference}") };
            Ok(Receipt { known: status == 409, said })
        }
        429 => Err(CallError { cause: CallCause::Busy, message: said, retry_after: answer.retry_after }),
        500.. => {
            Err(CallError { cause: CallCause::Uncertain, message: said, retry_after: answer.retry_after })
        }
        _ => Err(refused(said)),
    }
}

/// Where a ticket is found: `id`, `key` and `url` of the answer, or its `Location`.
fn reference(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut parts: Vec<String> = ["id", "key", "url"]
        .iter()
        .filter_map(|member| {
            let text = match body.get(member)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(format!("{member} {}", cut(&text)))
        })
        .collect();
    if let Some(location) = answer.location.as_ref().filter(|_| body.get("url").is_none()) {
        parts.push(format!("url {}", cut(location)));
    }
    parts.join(", ")
}

fn cut(text: &str) -> String {
    text.chars().take(REFERENCE_MAX).collect()
}

/// The secret of a destination. One that cannot be read now may be readable later: files of secrets are changed while the service runs.
fn secret(name: &str, destination: &Destination) -> Result<Option<Vec<u8>>, CallError> {
    let Some(path) = &destination.secret_file else { return Ok(None) };
    match read_secret(path) {
        Ok(secret) => Ok(Some(secret)),
        Err(error) => {
            tracing::error!(destination = name, error = %crate::exit::one_line(&error), "the secret of a destination cannot be used");
            let message = format!("the secret of destination {name} cannot be used; the log says why");
            Err(CallError { cause: CallCause::Busy, message, retry_after: None })
        }
    }
}

fn read_secret(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_capped(path, SECRET_BYTES_MAX)?;
    let secret = bytes.trim_ascii();
    anyhow::ensure!(!secret.is_empty(), "{} is empty", path.display());
    Ok(secret.to_vec())
}

fn signature(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    let signed = [seconds.to_string().as_bytes(), b".", body].concat();
    let mac: String = aws_sign::mac(secret, &signed).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={mac}")
}

/// A part of a path: what is not plain becomes its bytes in percent.
fn escaped(text: &str) -> String {
    let part = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(part).collect()
}

fn refused(message: String) -> CallError {
    CallError { cause: CallCause::Invalid, message, retry_after: None }
}

fn unknown(message: String) -> CallError {
    CallError { cause: CallCause::Uncertain, message, retry_after: None }
}

/// Why there was no answer. The URL itself may hold a secret and is not told.
fn failed(name: &str, error: &EgressError) -> CallError {
    let said = match error {
        EgressError::Url { why, .. } => format!("its url is none to ask for: {why}"),
        EgressError::Blocked { target, reason } => format!("{target} may not be reached: {reason}"),
        other => other.to_string(),
    };
    let message = format!("destination {name}: {said} ({})", error.code());
    if error.passing() { unknown(message) } else { refused(message) }
}

#[cfg(test)]
mod tests {
    use respond::{CallCause, Message};
    use serde_json::{Value, json};

    use super::{Answer, Post, escaped, judge, signature};
    use crate::config::Config;

    fn post(text: &str) -> Post {
        Post::new(&toml::from_str::<Config>(text).unwrap()).unwrap()
    }

    fn message(how: &str, destination: Option<&str>, said: Value) -> Message {
        Message {
            key: "k".to_owned(),
            how: how.to_owned(),
            destination: destination.map(str::to_owned),
            run: "r".to_owned(),
            incident: "i/1".to_owned(),
            playbook: "p".to_owned(),
            step: "1".to_owned(),
            severity: "high".to_owned(),
            title: "a shell".to_owned(),
            said,
        }
    }

    const TWO: &str = "[respond]\npage-url = \"https://palisade.example/\"\n\
        [respond.destinations.ops]\nurl = \"https://ops.example/t\"\nkind = \"ticket\"\n\
        [respond.destinations.chat]\nurl = \"http://127.0.0.1:9/x-secret\"\nkind = \"webhook\"\n";

    #[test]
    fn a_destination_is_found_by_name_and_kind_or_because_it_is_the_only_one() {
        let post = post(TWO);
        let found = |how: &str, name: Option<&str>| {
            post.destination(&message(how, name, Value::Null)).map(|(name, _)| name.to_owned())
        };
        assert_eq!(found("ticket", None).unwrap(), "ops");
        assert_eq!(found("ticket", Some("ops")).unwrap(), "ops");
        assert_eq!(found("notify", Some("chat")).unwrap(), "chat");
        assert_eq!(found("webhook", Some("chat")).unwrap(), "chat");
        for (how, name) in [("ticket", "chat"), ("webhook", "ops"), ("notify", "none")] {
            let error = found(how, Some(name)).unwrap_err();
            assert!(error.message.contains("[respond.destinations]") && !error.is_passing(), "{error:?}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_reached_is_known_before_anything_is_sent() {
        use respond::Deliver as _;
        let error = post(TWO).check(&message("notify", Some("chat"), Value::Null)).await.unwrap_err();
        assert!(error.message.contains("egress-blocked") && !error.is_passing(), "{error:?}");
        assert!(!error.message.contains("x-secret"), "{error:?}");
        let open = post(&format!("{TWO}[egress]\nallow = [\"127.0.0.1:9\"]\n"));
        open.check(&message("notify", Some("chat"), Value::Null)).await.unwrap();
        let missing = TWO.replace("kind = \"webhook\"", "kind = \"webhook\"\nsecret-file = \"/none\"");
        let missing = post(&missing).check(&message("notify", Some("chat"), Value::Null)).await.unwrap_err();
        assert!(missing.message.contains("secret of destination chat"), "{missing:?}");
    }

    #[test]
    fn bodies_say_what_it_is_about_and_where_to_look() {
        let post = post(TWO);
        let ticket = post.body(&message("ticket", None, json!({ "title": "Look", "queue": "ops" })));
        assert_eq!((&ticket["title"], &ticket["description"]), (&json!("Look"), &json!("a shell")));
        assert_eq!(ticket["link"], "https://palisade.example/incidents/i%2F1");
        assert_eq!((&ticket["severity"], &ticket["fields"]["run"]), (&json!("high"), &json!("r")));
        let notice = post.body(&message("notify", None, json!({ "channel": "chat", "text": "t" })));
        assert_eq!((&notice["kind"], &notice["text"]), (&json!("notify"), &json!("t")));
        let hook = post.body(&message("webhook", None, json!({ "endpoint": "chat", "body": { "a": 1 } })));
        assert_eq!((&hook["body"]["a"], &hook["incident"]), (&json!(1), &json!("i/1")));
        assert_eq!(escaped("a-1 \u{e4}"), "a-1%20%C3%A4");
    }

    #[test]
    fn answers_are_done_tried_again_or_refused() {
        let of = |status, body: &str| {
            judge(
                "d",
                &Answer { status, retry_after: Some(9), body: body.as_bytes().to_vec(), ..Answer::default() },
            )
        };
        assert!(!of(204, "").unwrap().known && of(409, "").unwrap().known);
        let made = of(201, r#"{"id": 7, "key": "OPS-7", "url": "https://ops.example/7"}"#).unwrap();
        assert_eq!(made.said, "destination d answered 201: id 7, key OPS-7, url https://ops.example/7");
        let elsewhere =
            Answer { status: 201, location: Some("https://a.example/1".to_owned()), ..Answer::default() };
        assert_eq!(
            judge("d", &elsewhere).unwrap().said,
            "destination d answered 201: url https://a.example/1"
        );
        let error = |status| of(status, "").unwrap_err();
        assert_eq!((error(429).cause, error(429).retry_after), (CallCause::Busy, Some(9)));
        assert!([429, 500, 503, 599].iter().all(|status| error(*status).is_passing()));
        assert!([302, 400, 401, 404, 410, 422].iter().all(|status| !error(*status).is_passing()));
    }

    #[test]
    fn a_signature_is_of_time_and_body() {
        // Made with: printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        let expected = "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
        assert_eq!(signature(b"secret", 1_700_000_000, b"{}"), expected);
    }
}
