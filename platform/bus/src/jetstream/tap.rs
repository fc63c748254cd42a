//! Messages of a stream that others made and publish to: events that senders already put on NATS.
//!
//! Nothing is made there but one durable consumer. A message is acknowledged when whoever takes it says so; until then the server delivers it
//! again, however often, so that nothing is lost while nobody can take it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer as Remote, DeliverPolicy, pull};
use async_nats::jetstream::{AckKind, Message};

use super::consumer::fetch_one;
use super::{JetStreamOptions, reach};
use crate::BusError;

/// How long a message may be with one process before another gets it.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Messages under way at once, over all processes.
const IN_FLIGHT_MAX: i64 = 64;

/// A consumer of somebody else's stream.
#[derive(Debug)]
pub struct Tap {
    remote: Remote<pull::Config>,
}

impl Tap {
    /// Joins, or makes, the durable consumer `name` of the messages on `subject` in a stream that exists. Everything that is in the stream
    /// is delivered, from its beginning on.
    ///
    /// # Errors
    /// [`BusError::Connect`]; [`BusError::Nats`] when there is no such stream, or it may not be read.
    pub async fn open(
        url: &str,
        options: &JetStreamOptions,
        stream: &str,
        subject: &str,
        name: &str,
    ) -> Result<Self, BusError> {
        let context = reach(url, options).await?.1;
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: IN_FLIGHT_MAX,
            filter_subject: subject.to_owned(),
            ..pull::Config::default()
        };
        let created = context.create_consumer_on_stream(config, stream).await;
        Ok(Self { remote: created.map_err(BusError::nats("create a consumer of somebody else's stream"))? })
    }

    /// Waits for the next message. May be given up at any time: what was under way then is delivered again.
    ///
    /// # Errors
    /// [`BusError::Nats`] when the server cannot be reached for a while.
    pub async fn next(&self) -> Result<Tapped, BusError> {
        Ok(Tapped { message: fetch_one(self.remote.clone()).await?.message })
    }
}

/// A message of somebody else's stream.
#[derive(Debug)]
pub struct Tapped {
    message: Message,
}

impl Tapped {
    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.message.subject
    }

    /// What it says.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.message.payload
    }

    /// A header of it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.message.headers.as_ref()?.get(name).map(|value| value.as_str())
    }

    /// It was taken; returns when the server knows.
    ///
    /// # Errors
    /// [`BusError::Nats`]: it may come again.
    pub async fn ack(&self) -> Result<(), BusError> {
        let done = self.message.double_ack_with(AckKind::Ack).await;
        done.map_err(|source| BusError::Nats { action: "acknowledge a message", source: source.into() })
    }

    /// It is to come again after a while.
    ///
    /// # Errors
    /// [`BusError::Nats`]: it comes again all the same, later.
    pub async fn later(&self, after: Duration) -> Result<(), BusError> {
        super::consumer::send(&self.message, AckKind::Nak(Some(after)), "set a message back").await
    }

    /// Nobody can take it, and it is not to come again. It stays in the stream for as long as its owner keeps it.
    ///
    /// # Errors
    /// [`BusError::Nats`]: it may come again.
    pub async fn refuse(&self) -> Result<(), BusError> {
        super::consumer::send(&self.message, AckKind::Term, "end a delivery").await
    }
}
