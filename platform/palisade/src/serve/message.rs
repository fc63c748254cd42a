//! What the doors put on the bus and the correlator takes from it: events as they were decoded, and what was said beside them.
//!
//! One line of JSON says what there is; behind it stand the bodies of the events, one after the other. So bodies are neither escaped
//! nor read again on the way.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use host::kinds::Event;
use ingest::runtime::{Record, SensorHealth};
use serde::{Deserialize, Serialize};

/// Bytes of a message at which the next one is begun; half of what a bus takes.
const MESSAGE_BYTES: usize = 512 * 1024;
/// Largest body of an event, in bytes: with its head it has to fit into one message.
pub(crate) const BODY_BYTES_MAX: usize = 900 * 1024;

/// Where messages of a source go.
pub(crate) fn subject(source: &str) -> String {
    format!("event.received.{source}")
}

/// Events that were received together.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// When they were received, in nanoseconds since 1970 in UTC.
    pub(crate) received_at: u64,
    /// Elements that could not be read.
    #[serde(default)]
    pub(crate) problems: u64,
    /// The last of them, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// What sensors said of themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sensors: Vec<Sensor>,
    /// When each sensor whose events these are was last heard of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) heard: BTreeMap<String, u64>,
    heads: Vec<Head>,
    #[serde(skip)]
    bodies: Vec<u8>,
}

/// What a sensor said of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sensor {
    pub(crate) name: String,
    /// By its own clock.
    pub(crate) at: u64,
    pub(crate) blind: bool,
    pub(crate) drops: u64,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    id: String,
    time: u64,
    source: String,
    asset: String,
    length: usize,
}

impl Message {
    /// The bytes that go on the bus.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).context("cannot write a message of events")?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.bodies);
        Ok(bytes)
    }

    /// What it is known by: a hash of the events alone, so that whoever sends them again sends the same message.
    pub(crate) fn id(&self, source: &str) -> String {
        let mut hash = blake3::Hasher::new();
        for head in &self.heads {
            hash.update(&(head.id.len() as u64).to_le_bytes()).update(head.id.as_bytes());
        }
        for sensor in &self.sensors {
            hash.update(sensor.name.as_bytes()).update(&sensor.at.to_le_bytes());
        }
        hash.update(&self.bodies);
        if self.heads.is_empty() && self.sensors.is_empty() {
            hash.update(&self.received_at.to_le_bytes());
        }
        format!("{source}/{}", hash.finalize().to_hex())
    }

    /// Reads a message, and the events in it.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<Event>)> {
        let end = bytes.iter().position(|byte| *byte == b'\n').context("its first line has no end")?;
        let (line, rest) = bytes.split_at(end);
        let mut message: Self = serde_json::from_slice(line).context("its first line cannot be read")?;
        let mut rest = rest.get(1..).unwrap_or_default();
        let mut events = Vec::with_capacity(message.heads.len());
        for head in std::mem::take(&mut message.heads) {
            let (body, after) = rest.split_at_checked(head.length).context("a body is cut off")?;
            rest = after;
            let Head { id, time, source, asset, .. } = head;
            events.push(Event { id, time, source, asset, body: body.to_vec() });
        }
        ensure!(rest.is_empty(), "there is more than its first line says");
        Ok((message, events))
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.sensors.is_empty() && self.problems == 0
    }
}

/// Makes messages of what is decoded.
pub(crate) struct Writer {
    received_at: u64,
    now: Message,
    done: Vec<Message>,
    events: u64,
}

impl Writer {
    pub(crate) fn new(received_at: u64) -> Self {
        let now = Message { received_at, ..Message::default() };
        Self { received_at, now, done: Vec::new(), events: 0 }
    }

    /// Takes an event; false if it is too large for a message.
    pub(crate) fn event(&mut self, record: Record<'_>) -> Result<bool> {
        let Record { id, time, asset, .. } = &record;
        let (id, asset) = (id.clone(), asset.clone());
        // A clock that is ahead would keep its events waiting until the time that it tells has come.
        let time = (*time).min(self.received_at);
        let source = record.event.source.as_str().to_owned();
        let sensor = record.event.sensor.as_deref().map(str::to_owned);
        let body = record.into_body().with_context(|| format!("cannot write the event {id}"))?;
        if body.len() > BODY_BYTES_MAX {
            return Ok(false);
        }
        if !self.now.heads.is_empty() && self.now.bodies.len() + body.len() > MESSAGE_BYTES {
            self.cut();
        }
        if let Some(sensor) = sensor {
            let heard = self.now.heard.entry(sensor).or_default();
            *heard = time.max(*heard);
        }
        self.now.bodies.extend_from_slice(&body);
        self.now.heads.push(Head { id, time, source, asset, length: body.len() });
        self.events += 1;
        Ok(true)
    }

    /// Takes what a sensor said of itself.
    pub(crate) fn health(&mut self, health: &SensorHealth<'_>) {
        let event = &health.record.event;
        self.now.sensors.push(Sensor {
            name: event.sensor.as_deref().or(event.node.as_deref()).unwrap_or("unnamed").to_owned(),
            at: health.record.time.min(self.received_at),
            blind: health.state.is_blind(),
            drops: health.drops.unwrap_or(0),
            reason: health.state.as_str().to_owned(),
        });
        if self.now.sensors.len() >= 1_000 {
            self.cut();
        }
    }

    /// Takes note of an element that could not be read.
    pub(crate) fn problem(&mut self, problem: &str) {
        self.now.problems += 1;
        self.now.problem = Some(problem.chars().take(300).collect());
    }

    fn cut(&mut self) {
        let next = Message { received_at: self.received_at, ..Message::default() };
        self.done.push(std::mem::replace(&mut self.now, next));
    }

    /// Events so far.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// The messages.
    pub(crate) fn finish(mut self) -> Vec<Message> {
        if !self.now.is_empty() {
            self.cut();
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use ingest::runtime::{Format, Item, Source, stream};

    use super::{Message, Writer};

    fn messages(body: &str, now: u64) -> Vec<Message> {
        let mut writer = Writer::new(now);
        stream(Format::Falco, body.as_bytes(), &Source::default(), &mut |item| {
            match item {
                Item::Event(record) => assert!(writer.event(record).unwrap()),
                Item::Health(health) => writer.health(&health),
                Item::Problem(problem) => writer.problem(&problem.to_string()),
            }
            ingest::runtime::Flow::On
        });
        writer.finish()
    }

    fn alert(number: u32, filling: usize) -> String {
        format!(
            r#"{{"hostname":"n1","output":"{}","priority":"Warning","rule":"r{number}","time":"2026-11-22T10:00:00Z"}}"#,
            "x".repeat(filling)
        )
    }

    #[test]
    fn what_is_written_is_read_and_large_bodies_come_in_parts() {
        let body: String = (0..30).map(|number| alert(number, 100_000) + "\n").collect();
        let messages = messages(&body, u64::MAX);
        assert!(messages.len() >= 5, "{}", messages.len());
        let mut count = 0;
        for message in &messages {
            let bytes = message.write().unwrap();
            assert!(bytes.len() < 800_000, "{}", bytes.len());
            let (read, events) = Message::read(&bytes).unwrap();
            assert_eq!(read.heard.keys().collect::<Vec<_>>(), ["n1"]);
            count += events.len();
            for event in events {
                let read: model::event::Event<'_> = serde_json::from_slice(&event.body).unwrap();
                assert_eq!(read.source.as_str(), event.source);
            }
        }
        assert_eq!(count, 30);
    }

    #[test]
    fn the_same_events_are_the_same_message_whenever_they_come() {
        let ids =
            |now| messages(&alert(1, 10), now).iter().map(|message| message.id("s")).collect::<Vec<_>>();
        assert_eq!(ids(u64::MAX), ids(u64::MAX - 1));
        assert_eq!(messages(&alert(1, 10), 5)[0].heads[0].time, 5, "a clock that is ahead waits for nothing");
    }

    #[test]
    fn broken_bytes_are_no_message() {
        let bytes = messages(&alert(1, 10), 7)[0].write().unwrap();
        for end in 0..bytes.len() {
            assert!(Message::read(&bytes[..end]).is_err(), "{end}");
        }
        let more = [bytes, b"x".to_vec()].concat();
        assert!(Message::read(&more).is_err());
    }
}
