//! The door of run-time events: a body is decoded, put on the bus, and only then answered.
//!
//! What is answered is durable. A body that was put there in part is refused as a whole, and its sender sends all of it again; events
//! are known by their ids, so that none counts twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use api::{DoorRefusal, ElementProblem, Receipt, Received};
use bus::{BusError, ConsumerOptions, Envelope};
use ingest::runtime::{Flow, Format, Item, Source, stream};
use jiff::Timestamp;
use tokio::task::block_in_place;

use super::Service;
use super::message::{self, Message, Writer};

/// Problems of a body that its sender is told one by one.
const PROBLEMS_TOLD: usize = 20;
/// Deliveries of a message before it is given up. Each costs at least the pause after a failure of the store, so that this is hours.
const DELIVERIES_MAX: u32 = 1_000;
/// Messages of a source that are under way at once.
const IN_FLIGHT_MAX: u32 = 32;

/// What is received and not judged yet, by source, and which sources the bus knows.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: Mutex<BTreeMap<String, u64>>,
    known: tokio::sync::Mutex<BTreeSet<String>>,
}

impl Backlog {
    /// Whether nothing more of a source is taken for now.
    fn is_full(&self, source: &str, most: u64) -> bool {
        let all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(source).is_some_and(|waiting| *waiting > most)
    }

    fn add(&self, source: &str, bytes: u64, most: u64) -> bool {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.entry(source.to_owned()).or_default();
        if *waiting > most {
            return false;
        }
        *waiting = waiting.saturating_add(bytes);
        true
    }

    /// These bytes have been judged, or were not taken after all.
    pub(crate) fn done(&self, source: &str, bytes: u64) {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = all.get_mut(source) {
            *waiting = waiting.saturating_sub(bytes);
        }
    }

    /// Another process judges what is received here, and nobody here can tell what waits.
    pub(crate) fn forget(&self) {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// How the correlator takes the messages of a source.
pub(crate) fn consumer(source: &str) -> ConsumerOptions {
    ConsumerOptions {
        max_deliver: DELIVERIES_MAX,
        backoff: Vec::new(),
        in_flight_max: IN_FLIGHT_MAX,
        ..ConsumerOptions::new(&consumer_name(source), &message::subject(source))
    }
}

/// The name of that consumer.
pub(crate) fn consumer_name(source: &str) -> String {
    format!("correlator-{source}")
}

/// Takes a body in.
///
/// # Errors
/// [`DoorRefusal`]: nothing of the body counts as received then.
pub(crate) async fn receive(service: &Arc<Service>, received: Received) -> Result<Receipt, DoorRefusal> {
    let source = received.source.name.as_str();
    // Before anything is decoded: who comes too often must not cost what the others need.
    if service.backlog.is_full(source, service.config.events.backlog_bytes()) {
        return Err(busy("more of this source waits to be judged than may"));
    }
    let (receipt, messages) = block_in_place(|| decode(&received))?;
    known(service, source).await?;
    for message in messages {
        let id = message.id(source);
        let body = message.write().map_err(|error| unavailable("write a message", &error))?;
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if !service.backlog.add(source, bytes, service.config.events.backlog_bytes()) {
            return Err(busy("more of this source waits to be judged than may"));
        }
        let envelope =
            Envelope { id, subject: message::subject(source), tenant: received.tenant.clone(), body };
        if let Err(error) = service.bus.publish(&envelope).await {
            service.backlog.done(source, bytes);
            return Err(match error {
                BusError::Full { .. } => busy("the bus is full"),
                other => unavailable("put a message on the bus", &other.into()),
            });
        }
    }
    Ok(receipt)
}

fn busy(why: &str) -> DoorRefusal {
    DoorRefusal::Busy { why: why.to_owned() }
}

fn unavailable(what: &str, error: &anyhow::Error) -> DoorRefusal {
    tracing::error!(error = %crate::exit::one_line(error), "cannot {what}");
    DoorRefusal::Unavailable
}

/// The bus forgets what nobody wants, so that the correlator's wish has to be known before the first message.
async fn known(service: &Service, source: &str) -> Result<(), DoorRefusal> {
    let mut known = service.backlog.known.lock().await;
    if !known.contains(source) {
        let joined = service.bus.consumer(consumer(source)).await;
        joined.map_err(|error| unavailable("make a consumer", &error.into()))?;
        known.insert(source.to_owned());
    }
    Ok(())
}

fn decode(received: &Received) -> Result<(Receipt, Vec<Message>), DoorRefusal> {
    let Some(format) = Format::from_word(&received.source.format) else {
        tracing::error!(
            source = received.source.name,
            format = received.source.format,
            "no such format of events"
        );
        return Err(DoorRefusal::Unavailable);
    };
    let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(0);
    let source =
        Source { cluster: received.source.cluster.as_deref().map(Into::into), observed_at: Some(now) };
    let mut writer = Writer::new(now);
    let (mut health, mut problems, mut told) = (0_u64, 0_u64, Vec::new());
    let mut failure = None;
    let mut problem = |writer: &mut Writer, index: usize, text: String| {
        writer.problem(&text);
        problems += 1;
        if told.len() < PROBLEMS_TOLD {
            told.push(ElementProblem { index: u64::try_from(index).unwrap_or(u64::MAX), message: text });
        }
    };
    let mut index = 0;
    stream(format, &received.body, &source, &mut |item| {
        match item {
            Item::Event(record) => match writer.event(record) {
                Ok(true) => {}
                Ok(false) => {
                    let most = message::BODY_BYTES_MAX;
                    problem(&mut writer, index, format!("the event is larger than {most} bytes"));
                }
                Err(error) => failure = Some(error),
            },
            Item::Health(said) => {
                writer.health(&said);
                health += 1;
            }
            Item::Problem(said) => problem(&mut writer, said.index, said.to_string()),
        }
        index += 1;
        if failure.is_some() { Flow::Stop } else { Flow::On }
    });
    if let Some(error) = failure {
        return Err(unavailable("write an event", &error));
    }
    let receipt = Receipt { events: writer.events(), health, problems: told, problems_total: problems };
    if receipt.events == 0 && receipt.health == 0 && receipt.problems_total > 0 {
        return Err(DoorRefusal::Undecodable { problems: receipt.problems });
    }
    Ok((receipt, writer.finish()))
}
