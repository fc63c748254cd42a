//! Runtime events: what sensors, audit logs and clouds say, read into [`model::event::Event`].
//!
//! ```text
//! body ──▶ stream / decode ──▶ Record (id, time, asset, event)     to be stored and correlated
//!                         ├──▶ SensorHealth                        what a sensor lost or reports of itself
//!                         └──▶ Problem                             an element that is none, by its index
//! ```
//!
//! A body is read once from front to back; texts of an event are borrowed from it, and elements are handed out one by one.
//! Each format accepts what its product sends: its own envelope, a list, one object, or objects one after another with or
//! without line breaks between.
//!
//! **Ids.** The same bytes always give the same id: the source's own id where it has one, else a hash of the object's text
//! ([`id`]). An id that was seen before in a batch is the same event, and is left out.
//!
//! **Broken elements.** One broken element is a [`Problem`]; the others pass. Where bytes are no UTF-8, or a string has an
//! escape that JSON does not have (`\x41`), a control character or half of a surrogate pair, the element is repaired: bytes
//! become the four characters `\xHH` (in JSON `\\xHH`), so that nothing vanishes, though it can no longer be told from a text
//! that said `\xHH` itself. Half of a surrogate pair becomes U+FFFD. `raw` of such an event is the repaired text. Whoever
//! needs the bytes keeps them.
//!
//! **Not known.** Members that are missing, `null`, empty, of another type than expected, or one of the marks -1 and
//! 4294967295 are not known, and absent. An event is refused only when its format's own identity is missing: see
//! [`ProblemCode`].

mod account;
mod azure;
mod build;
mod cloudtrail;
mod envelope;
mod eventbridge;
mod falco;
mod format;
mod gcp;
mod github;
mod guardduty;
mod guess;
pub mod id;
mod kubearmor;
mod kubernetes;
mod ocsf;
mod okta;
mod otlp;
pub mod otlp_protobuf;
mod problem;
mod reader;
mod repair;
mod tetragon;
mod time;

use std::borrow::Cow;

use model::event::{Event, Text};

pub use format::Format;
pub use problem::{Problem, ProblemCode};

use crate::limits;

/// Where a body came from, by configuration and not by its own words.
#[derive(Debug, Clone, Default)]
pub struct Source<'a> {
    /// The cluster it speaks of, by the uid of its namespace `kube-system`.
    pub cluster: Option<Text<'a>>,
    /// When it was received, in nanoseconds since 1970 in UTC. Events without a time of their own get this one, and without it
    /// they are refused; with it, clock skew is told.
    pub observed_at: Option<u64>,
}

/// A normalised event with what the bus needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Message id, `<source>:…`.
    pub id: String,
    /// When it happened, in nanoseconds since 1970 in UTC, by the clock of the source.
    pub time: u64,
    /// Canonical id of the asset it speaks of; empty where none could be told.
    pub asset: String,
    /// The event.
    pub event: Event<'a>,
}

impl Record<'_> {
    /// The event as JSON: `body` of the record `event` of `palisade:types/events`.
    ///
    /// # Errors
    /// None in practice; see [`Event::write_body`].
    pub fn into_body(self) -> Result<Vec<u8>, serde_json::Error> {
        let mut body = Vec::with_capacity(self.event.raw.as_str().len() + 1024);
        self.event.write_body(&mut body)?;
        Ok(body)
    }
}

/// What a sensor says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorHealth<'a> {
    /// The message, as an event of the kind `sensor.health`; `record.event.sensor` is whose it is, `record.asset` the node.
    pub record: Record<'a>,
    /// What it says.
    pub state: HealthState,
    /// Events that it lost since it last said so.
    pub drops: Option<u64>,
    /// Events that it saw in the same time.
    pub seen: Option<u64>,
    /// The time that this covers, in nanoseconds, where it is told; it ends at `record.time`.
    pub period_ns: Option<u64>,
}

/// What a sensor says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthState {
    /// It lost events.
    Drops,
    /// It holds events back until it says otherwise.
    Throttled,
    /// It holds events back no longer.
    Recovered,
    /// It cut parts of an event away.
    Truncated,
    /// It lives, and has figures.
    Report,
}

impl HealthState {
    /// The word for people and for stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drops => "drops",
            Self::Throttled => "throttled",
            Self::Recovered => "recovered",
            Self::Truncated => "truncated",
            Self::Report => "report",
        }
    }

    /// Whether the asset is partly unseen while this holds.
    #[must_use]
    pub fn is_blind(self) -> bool {
        matches!(self, Self::Drops | Self::Throttled | Self::Truncated)
    }
}

/// One thing that was found in a body.
#[derive(Debug)]
pub enum Item<'a> {
    /// An event.
    Event(Record<'a>),
    /// What a sensor says about itself.
    Health(SensorHealth<'a>),
    /// An element that is neither.
    Problem(Problem),
}

/// What a batch held, in its order.
#[derive(Debug, Default)]
pub struct Decoded<'a> {
    /// Events; each id once.
    pub events: Vec<Record<'a>>,
    /// What sensors say about themselves; each id once.
    pub health: Vec<SensorHealth<'a>>,
    /// Elements that are neither, at most [`limits::EVENT_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub problems_unlisted: usize,
    /// Elements that repeated an id of the same batch.
    pub repeats: usize,
}

impl Decoded<'_> {
    /// Whether the body as a whole was refused, so that its sender has to do something about it.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.code.is_whole())
    }
}

/// Reads one batch, as it came in one request or message.
#[must_use]
pub fn decode<'a>(format: Format, body: &'a [u8], source: &Source<'a>) -> Decoded<'a> {
    let mut decoded = Decoded::default();
    if body.len() > limits::EVENT_BATCH_BYTES {
        let detail = format!("{} bytes; at most {} are read", body.len(), limits::EVENT_BATCH_BYTES);
        decoded.problems.push(Problem::new(0, ProblemCode::BatchTooLarge, detail));
        return decoded;
    }
    let mut seen = id::Seen::default();
    let mut count = 0;
    stream(format, body, source, &mut |item| {
        count += 1;
        if count > limits::EVENTS {
            if count == limits::EVENTS + 1 {
                let detail = format!("more than {} elements", limits::EVENTS);
                decoded.problems.push(Problem::new(limits::EVENTS, ProblemCode::BatchTooLong, detail));
            }
            return Flow::Stop;
        }
        match item {
            Item::Event(record) => {
                if seen.insert(&record.id) {
                    decoded.events.push(record);
                } else {
                    decoded.repeats += 1;
                }
            }
            Item::Health(health) => {
                if seen.insert(&health.record.id) {
                    decoded.health.push(health);
                } else {
                    decoded.repeats += 1;
                }
            }
            Item::Problem(problem) if decoded.problems.len() < limits::EVENT_PROBLEMS => {
                decoded.problems.push(problem);
            }
            Item::Problem(_) => decoded.problems_unlisted += 1,
        }
        Flow::On
    });
    decoded
}

/// Whether there should be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    On,
    /// No more.
    Stop,
}

/// Hands out what a body of any size holds, in its order. Nothing is kept, so that repeated ids are handed out again.
pub fn stream<'a>(
    format: Format,
    body: &'a [u8],
    source: &Source<'a>,
    sink: &mut dyn FnMut(Item<'a>) -> Flow,
) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => envelope::walk(format, text, source, sink),
        Err(_) => {
            let text = repair::bytes(body);
            envelope::walk(format, &text, source, &mut |item| sink(item.into_static()));
        }
    }
}

impl Item<'_> {
    fn into_static(self) -> Item<'static> {
        match self {
            Self::Event(record) => match record.into_static() {
                Ok(record) => Item::Event(record),
                Err(problem) => Item::Problem(problem),
            },
            Self::Health(health) => match health.record.into_static() {
                Ok(record) => Item::Health(SensorHealth {
                    record,
                    state: health.state,
                    drops: health.drops,
                    seen: health.seen,
                    period_ns: health.period_ns,
                }),
                Err(problem) => Item::Problem(problem),
            },
            Self::Problem(problem) => Item::Problem(problem),
        }
    }
}

impl Record<'_> {
    /// The same with texts of its own. By way of JSON, because only elements that were repaired need it.
    fn into_static(self) -> Result<Record<'static>, Problem> {
        let Record { id, time, asset, event } = self;
        let mut body = Vec::new();
        let event =
            event.write_body(&mut body).and_then(|()| serde_json::from_slice::<Event<'static>>(&body));
        match event {
            Ok(event) => Ok(Record { id, time, asset, event }),
            Err(error) => Err(Problem::new(0, ProblemCode::Malformed, error.to_string())),
        }
    }
}

/// What a decoder made of one element. Its text is not known yet.
enum Made<'a> {
    Event(Draft<'a>),
    Health(Draft<'a>, Health),
    Refused(ProblemCode, Cow<'static, str>),
}

impl Made<'_> {
    fn missing(what: &'static str) -> Self {
        Self::Refused(ProblemCode::Incomplete, Cow::Borrowed(what))
    }
}

/// Figures of a sensor.
struct Health {
    state: HealthState,
    drops: Option<u64>,
    seen: Option<u64>,
    period_ns: Option<u64>,
}

/// An event before its text, id, joins and asset are known.
struct Draft<'a> {
    event: Event<'a>,
    /// The id of the source, without its name in front.
    id: Option<Cow<'a, str>>,
    time: Option<u64>,
    /// Uid of a pod that takes part besides the one in the event.
    other_pod: Option<Text<'a>>,
    /// Name of a principal that takes part besides the actor.
    other_principal: Option<Text<'a>>,
    /// The object's own text where it is not the element's: an envelope's content, or several parts.
    raw: Option<Cow<'a, str>>,
}

impl<'a> Draft<'a> {
    fn new(event: Event<'a>) -> Self {
        Self { event, id: None, time: None, other_pod: None, other_principal: None, raw: None }
    }
}
