//! A message. What findings say comes from feeds and scanned files: it stands in texts that Slack does not format.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ticketing::{Wanted, text};

/// Longest text of a header, in characters.
const HEADER_MAX: usize = 150;
/// Longest text of a block, in characters.
const BLOCK_MAX: usize = 2_900;
/// What our messages call their metadata.
const EVENT: &str = "palisade_ticket";

/// Metadata of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    event_type: String,
    pub(crate) event_payload: Payload,
}

/// Whose message it is, and how it stood when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) marker: String,
    /// `open` or `resolved`.
    pub(crate) state: String,
    /// What was told, as a number that differs where the text does.
    told: String,
}

impl Metadata {
    pub(crate) fn of(wanted: &Wanted) -> Self {
        let payload = Payload {
            marker: wanted.marker.clone(),
            state: if wanted.is_open() { "open" } else { "resolved" }.to_owned(),
            told: fnv(&(title(wanted) + &lines(wanted))),
        };
        Self { event_type: EVENT.to_owned(), event_payload: payload }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.event_type == EVENT
    }
}

/// What `chat.postMessage` and `chat.update` take, without where.
pub(crate) fn body(wanted: &Wanted) -> Value {
    let title = title(wanted);
    json!({
        // What notifications and old clients show.
        "text": escaped(&title),
        "mrkdwn": false,
        "parse": "none",
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": title, "emoji": false } },
            { "type": "rich_text", "elements": [
                { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": lines(wanted) }] }
            ] },
        ],
        "metadata": Metadata::of(wanted),
    })
}

fn title(wanted: &Wanted) -> String {
    let state = if wanted.is_open() { "" } else { "Resolved: " };
    text::line(&format!("{state}[{}] {}", wanted.severity, wanted.title), HEADER_MAX)
}

/// As many lines as there is room for.
fn lines(wanted: &Wanted) -> String {
    let mut out = String::new();
    for line in text::lines(wanted) {
        if out.chars().count() + line.chars().count() + 2 > BLOCK_MAX {
            out.push('…');
            break;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// The three characters that mean something in every text of Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// FNV-1a of 64 bits: whether a text is the same, not whether somebody has made it so.
fn fnv(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
