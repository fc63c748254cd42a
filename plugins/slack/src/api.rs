//! The few methods of the Web API that are used.

use std::time::Duration;

use palisade_sdk::http::Request;
use palisade_sdk::{Error, Receipt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ticketing::Wanted;

use crate::Settings;
use crate::message::{self, Metadata};

/// Messages of a page of history.
const PAGE: usize = 200;
/// Pages in which a message is looked for whose receipt was lost.
const PAGES: usize = 3;
/// When to come back where Slack says that it is too much, and not when.
const BUSY: Duration = Duration::from_secs(30);

/// Slack, as a bot.
pub(crate) struct Api<'a> {
    pub(crate) settings: &'a Settings,
}

/// Where a message is: its channel and time, which together are its id.
pub(crate) struct Place {
    channel: String,
    ts: String,
}

impl Place {
    /// Out of a receipt.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let (channel, ts) = id.split_once(':')?;
        Some(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }
}

/// A message of ours as it is there.
pub(crate) struct Known {
    place: Place,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct History {
    messages: Vec<Message>,
    #[serde(default)]
    response_metadata: Next,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Next {
    next_cursor: String,
}

#[derive(Deserialize)]
struct Message {
    ts: String,
    /// Of another app, it may be anything.
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct Info {
    channel: Channel,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Channel {
    name: String,
    is_member: bool,
    is_archived: bool,
}

impl Api<'_> {
    /// Whether the bot is in the channel; writes nothing.
    pub(crate) fn test(&self) -> Result<Receipt, Error> {
        let request = self.get("conversations.info").query("channel", &self.settings.channel);
        let channel = self.ask::<Info>(request)?.channel;
        if channel.is_archived {
            return Err(Error::Host(format!(
                "slack: the channel {:?} is archived; name another",
                channel.name
            )));
        }
        if !channel.is_member {
            return Err(Error::Host(format!(
                "slack: the bot is not in the channel {:?}; invite it there",
                channel.name
            )));
        }
        Ok(Receipt::new(format!("a message in #{}", channel.name)))
    }

    /// The message of a receipt; nothing if people have deleted it.
    pub(crate) fn message(&self, place: &Place) -> Result<Option<Known>, Error> {
        let request = self
            .history(&place.channel)
            .query("latest", &place.ts)
            .query("oldest", &place.ts)
            .query("inclusive", "true")
            .query("limit", "1");
        let found = self.ask::<History>(request)?.messages;
        Ok(found
            .into_iter()
            .find(|message| message.ts == place.ts)
            .and_then(|message| known(&place.channel, message)))
    }

    /// The oldest of the last messages with a marker.
    pub(crate) fn find(&self, marker: &str) -> Result<Option<Known>, Error> {
        let channel = &self.settings.channel;
        let (mut cursor, mut oldest) = (String::new(), None);
        for _ in 0..PAGES {
            let mut request = self.history(channel).query("limit", &PAGE.to_string());
            if !cursor.is_empty() {
                request = request.query("cursor", &cursor);
            }
            let page = self.ask::<History>(request)?;
            // The newest come first.
            let mut ours = page.messages.into_iter().filter_map(|message| known(channel, message));
            oldest = ours.rfind(|one| one.metadata.event_payload.marker == marker).or(oldest);
            cursor = page.response_metadata.next_cursor;
            if cursor.is_empty() {
                break;
            }
        }
        Ok(oldest)
    }

    pub(crate) fn post(&self, wanted: &Wanted) -> Result<Receipt, Error> {
        let mut body = message::body(wanted);
        put(&mut body, "channel", &self.settings.channel);
        let posted = self.ask::<Posted>(self.method("chat.postMessage").json(&body)?)?;
        Ok(Receipt::new(format!("{}:{}", posted.channel, posted.ts)))
    }

    pub(crate) fn update(&self, known: &Known, wanted: &Wanted) -> Result<Receipt, Error> {
        let Known { place: Place { channel, ts }, metadata } = known;
        let now = Metadata::of(wanted);
        if *metadata != now {
            // The reply comes first: were it lost, the message would still say that it is to be written.
            if metadata.event_payload.state != now.event_payload.state {
                let reply = json!({ "channel": channel, "thread_ts": ts, "text": wanted.note() });
                self.ask::<Answer>(self.method("chat.postMessage").json(&reply)?)?;
            }
            let mut body = message::body(wanted);
            put(&mut body, "channel", channel);
            put(&mut body, "ts", ts);
            self.ask::<Answer>(self.method("chat.update").json(&body)?)?;
        }
        Ok(Receipt::new(format!("{channel}:{ts}")))
    }

    fn history(&self, channel: &str) -> Request {
        self.get("conversations.history").query("channel", channel).query("include_all_metadata", "true")
    }

    fn get(&self, method: &str) -> Request {
        Request::get(format!("{}/{method}", self.settings.url.trim_end_matches('/')))
    }

    fn method(&self, method: &str) -> Request {
        Request::post(format!("{}/{method}", self.settings.url.trim_end_matches('/')))
    }

    /// Slack says in its answer whether it went well; the status is nearly always 200.
    fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        let answer = ticketing::send(request, &self.settings.secret)?.ok()?;
        let said: Answer = answer.json()?;
        if said.ok { answer.json() } else { Err(refused(&said.error)) }
    }
}

fn known(channel: &str, message: Message) -> Option<Known> {
    let metadata = Metadata::deserialize(&message.metadata).ok().filter(Metadata::is_ours)?;
    Some(Known { place: Place { channel: channel.to_owned(), ts: message.ts }, metadata })
}

fn put(body: &mut Value, name: &str, value: &str) {
    if let Some(object) = body.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// What an error's word means, and what to do.
fn refused(word: &str) -> Error {
    let advice = match word {
        "ratelimited" | "rate_limited" => return Error::retry_after(BUSY),
        "fatal_error" | "internal_error" | "service_unavailable" | "request_timeout" => {
            return Error::retry_after(ticketing::AWAY);
        }
        "not_in_channel" => "invite the bot into the channel",
        "channel_not_found" => {
            "check `channel`; it is an id such as C0123456789, and the bot has to be in a private one"
        }
        "is_archived" => "the channel is archived; name another",
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "check the secret: the bot's token, xoxb-…, with inject = \"bearer\""
        }
        "missing_scope" => {
            "give the bot the scopes chat:write, channels:history and channels:read, and install the app again"
        }
        _ => "see this word in the documentation of Slack's Web API",
    };
    ticketing::refused("slack refuses it", word, advice)
}
