//! A call written down: everything that went in, every reply of the host, and what came out. Enough to repeat it, bit for bit,
//! on another machine.
//!
//! A guest has no clock, no randomness and no memory of earlier calls, and floating-point results are canonical, so a call
//! depends on nothing that is not in here. [`crate::Plugin::replay`] feeds the replies back in order and compares what the guest
//! asks with what it asked then; the first difference is reported, not smoothed over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::Digest;
use serde::{Deserialize, Serialize};

use crate::Limits;
use crate::analysis::{LogLine, SharedBytes};
use crate::fault::FaultKind;
use crate::gate::{Ask, Reply};
use crate::kinds::{Answer, Input};
use crate::overlay::StateChanges;
use crate::rights::Rights;
use crate::services::Refusal;

/// The form of the file. Another number is refused.
pub const TRANSCRIPT_VERSION: u32 = 1;

/// Most bytes of asks and replies that are kept of one call. Beyond it there is no transcript: half of one repeats nothing.
const RECORDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One host call.
#[derive(Clone, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub ask: Ask,
    /// What came back.
    pub answer: Result<Reply, Refusal>,
}

/// What a call left behind, as far as it depends on the guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recorded {
    /// The checked answer, or the kind of the fault and its message.
    pub result: Result<Answer, RecordedFault>,
    /// Changes of state.
    #[serde(with = "changes")]
    pub state: StateChanges,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// Counters it added to.
    pub metrics: BTreeMap<String, u64>,
}

/// A fault, without what differs between machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFault {
    /// Kind.
    pub kind: FaultKind,
    /// Message.
    pub message: String,
}

/// One call.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Transcript {
    /// [`TRANSCRIPT_VERSION`].
    pub version: u32,
    /// Id of the plugin.
    pub plugin: String,
    /// Version of the plugin.
    pub plugin_version: String,
    /// Digest of its component.
    pub digest: Digest,
    /// Limits in force.
    pub limits: Limits,
    /// What was granted. What was asked is in the component.
    pub granted: Rights,
    /// Configuration, as JSON.
    pub config: String,
    /// The time of the call, in nanoseconds since 1970 in UTC.
    pub now: u64,
    /// Values that were replaced by asterisks, in the input, the replies and the configuration.
    pub redacted: u64,
    /// The input.
    pub input: Input,
    /// Host calls that need a grant, in order.
    pub exchanges: Vec<Exchange>,
    /// What came out. Where something was redacted: what came out of a repetition with the redacted words.
    pub recorded: Recorded,
}

/// How a repetition differs from what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// Where: a JSON Pointer into the transcript.
    pub at: String,
    /// What was recorded there.
    pub recorded: String,
    /// What came now.
    pub replayed: String,
}

/// Keeps the host calls of a call.
#[derive(Default)]
pub(crate) struct Recorder {
    exchanges: Vec<Exchange>,
    bytes: usize,
    overflown: bool,
}

impl Recorder {
    pub(crate) fn push(&mut self, exchange: Exchange) {
        let answer = match &exchange.answer {
            Ok(Reply::Blob(bytes)) => (**bytes).as_ref().len(),
            Ok(reply) => reply.bytes(),
            Err(_) => 0,
        };
        self.bytes =
            self.bytes.saturating_add(exchange.ask.bytes()).saturating_add(answer).saturating_add(64);
        self.overflown |= self.bytes > RECORDED_BYTES_MAX;
        if self.overflown {
            self.exchanges = Vec::new();
        } else {
            self.exchanges.push(exchange);
        }
    }

    /// The host calls, or nothing when there were too many to keep.
    pub(crate) fn finish(self) -> Option<Vec<Exchange>> {
        (!self.overflown).then_some(self.exchanges)
    }
}

/// Gives recorded replies.
pub(crate) struct Replayer {
    exchanges: std::vec::IntoIter<Exchange>,
    place: usize,
    lenient: bool,
    progress: Arc<Mutex<Progress>>,
}

/// How far a repetition has come through the recorded replies.
#[derive(Default)]
pub(crate) struct Progress {
    /// Replies that were used.
    used: usize,
    /// The first ask that was not recorded.
    difference: Option<Difference>,
}

impl Progress {
    /// The first host call that differs: one that was not recorded.
    pub(crate) fn asked(&mut self) -> Option<Difference> {
        self.difference.take()
    }

    /// The first host call that was recorded and not made again.
    pub(crate) fn left_out(&self, exchanges: &[Exchange]) -> Option<Difference> {
        exchanges.get(self.used).map(|exchange| Difference {
            at: format!("/exchanges/{}", self.used),
            recorded: text(&exchange.ask),
            replayed: "no further host call".to_owned(),
        })
    }
}

impl Replayer {
    pub(crate) fn new(exchanges: Vec<Exchange>) -> (Self, Arc<Mutex<Progress>>) {
        let progress = Arc::default();
        let replayer = Self {
            exchanges: exchanges.into_iter(),
            place: 0,
            lenient: false,
            progress: Arc::clone(&progress),
        };
        (replayer, progress)
    }

    /// Takes an ask of the same name for the same: for a repetition with other words in it.
    pub(crate) fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    pub(crate) fn next(&mut self, ask: &Ask) -> Result<Reply, Refusal> {
        let place = self.place;
        self.place += 1;
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = match self.exchanges.next() {
            Some(exchange) if exchange.ask == *ask || (self.lenient && exchange.ask.name() == ask.name()) => {
                progress.used += 1;
                return exchange.answer;
            }
            Some(exchange) => text(&exchange.ask),
            None => "no further host call".to_owned(),
        };
        progress.difference.get_or_insert_with(|| Difference {
            at: format!("/exchanges/{place}"),
            recorded,
            replayed: text(ask),
        });
        Err(Refusal::Unavailable("the transcript has no reply to this".to_owned()))
    }
}

/// A value as JSON, cut to what fits on a screen.
fn text(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    crate::error::shown(&text)
}

/// The first place where two outcomes differ, as a JSON Pointer below `/recorded`.
pub(crate) fn compare(recorded: &Recorded, replayed: &Recorded) -> Option<Difference> {
    let (one, other) = (serde_json::to_value(recorded).ok()?, serde_json::to_value(replayed).ok()?);
    first_difference("/recorded".to_owned(), &one, &other)
}

fn first_difference(at: String, one: &serde_json::Value, other: &serde_json::Value) -> Option<Difference> {
    use serde_json::Value;
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let value = |map: &serde_json::Map<String, Value>, key: &String| {
                map.get(key).cloned().unwrap_or_default()
            };
            keys.into_iter().find_map(|key| {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                first_difference(format!("{at}/{escaped}"), &value(a, key), &value(b, key))
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            let of = |list: &[Value], index: usize| list.get(index).cloned().unwrap_or_default();
            (0..a.len().max(b.len()))
                .find_map(|index| first_difference(format!("{at}/{index}"), &of(a, index), &of(b, index)))
        }
        _ if one == other => None,
        _ => Some(Difference { at, recorded: text(one), replayed: text(other) }),
    }
}

/// Bytes that are lent, in JSON.
pub(crate) mod blob {
    use std::sync::Arc;

    use serde::{Deserializer, Serializer};

    use super::SharedBytes;

    pub(crate) fn serialize<S: Serializer>(bytes: &SharedBytes, serializer: S) -> Result<S::Ok, S::Error> {
        crate::bytes_text::serialize((**bytes).as_ref(), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SharedBytes, D::Error> {
        Ok(Arc::new(crate::bytes_text::deserialize(deserializer)?))
    }
}

/// Changes of state in JSON: null for a key that was removed.
mod changes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{BTreeMap, StateChanges};

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "crate::bytes_text::optional")] Option<Vec<u8>>);

    pub(super) fn serialize<S: Serializer>(all: &StateChanges, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(all.iter().map(|(key, value)| (key, One(value.clone()))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StateChanges, D::Error> {
        let all = BTreeMap::<String, One>::deserialize(deserializer)?;
        Ok(all.into_iter().map(|(key, value)| (key, value.0)).collect())
    }
}
