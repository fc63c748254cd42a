//! At-least-once work with envelopes: publish, consume, acknowledge, retry, park.
//!
//! Two backends keep one contract, proven by one suite: an **embedded** log in a directory, for a single process, and
//! **NATS JetStream**, for several. This is the only crate that names NATS.
//!
//! The contract:
//! - [`Bus::publish`] returns when the message is durable. The same id of the same tenant within the dedupe window
//!   (two minutes unless configured) is one message. A full bus refuses ([`BusError::Full`]); it never drops.
//! - A consumer is durable by its name. Every name gets every message its filter selects; handles with the same name
//!   share the messages between them.
//! - Each delivery must be answered within `ack_wait`, or extended with [`Delivery::keep`]. Silence brings the message
//!   back after `ack_wait` and the backoff of that attempt; [`Delivery::retry`] brings it back when asked.
//! - After `max_deliver` deliveries without an acknowledgement a message is parked with the reason: listed by
//!   [`Bus::parked`], never lost, never delivered again. Attempts are counted across restarts, so that a message which
//!   kills its consumer ends there too.
//! - [`Delivery::ack`] returns when the acknowledgement is durable (embedded), or confirmed by the server (JetStream,
//!   which can forget the last ones when it is killed). A crash between effect and acknowledgement delivers again: the
//!   effect and its record of the message id belong in one transaction of the store.
//! - Messages are kept until every known consumer is past them. With no consumer all are kept; once there is one, a
//!   message that no filter selects is forgotten. So create consumers before publishing. A consumer that will never
//!   come back must be told to the bus ([`Bus::forget_consumer`]), or it fills up.
//! - Deliveries are in order of publication as long as none is retried; nothing may rely on that.

mod embedded;
mod envelope;
mod error;
mod jetstream;

/// The bytes of the embedded log, for the fuzzer alone: opening a log costs threads and disk writes.
#[doc(hidden)]
pub mod bytes {
    pub use crate::embedded::bytes::{rewrite, scan};
}

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use embedded::EmbeddedOptions;
pub use envelope::{BODY_BYTES_MAX, Envelope, NAME_BYTES_MAX};
pub use error::BusError;
pub use jetstream::{Credentials, JetStreamOptions, Tap, Tapped};

/// A handle on a bus; clones share it.
#[derive(Debug, Clone)]
pub struct Bus(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Embedded(Arc<embedded::Embedded>),
    JetStream(Arc<jetstream::JetStream>),
}

/// How a consumer wants its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// Durable name: 1 to 64 of `a-z 0-9 - _`.
    pub name: String,
    /// Subjects wanted: exact, or with `*` for any one word, such as `scan.*`.
    pub subject: String,
    /// How long a delivery may stay unanswered.
    pub ack_wait: Duration,
    /// Deliveries before the message is parked; at least 1.
    pub max_deliver: u32,
    /// Added to `ack_wait` before an unanswered message comes back, by attempt; the last entry repeats. Empty: nothing.
    pub backoff: Vec<Duration>,
    /// Most unanswered deliveries at a time over all handles of the name; at least 1.
    pub in_flight_max: u32,
}

impl ConsumerOptions {
    /// A consumer with the usual figures: 30 seconds to answer, 5 deliveries, backoff of 1, 5 and 30 seconds, and 256
    /// unanswered deliveries at a time.
    #[must_use]
    pub fn new(name: &str, subject: &str) -> Self {
        Self {
            name: name.to_owned(),
            subject: subject.to_owned(),
            ack_wait: Duration::from_secs(30),
            max_deliver: 5,
            backoff: vec![Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)],
            in_flight_max: 256,
        }
    }

    fn check(&self) -> Result<envelope::Filter, BusError> {
        envelope::check_consumer_name(&self.name)?;
        if self.ack_wait.is_zero() || self.max_deliver == 0 || self.in_flight_max == 0 {
            return Err(BusError::Options {
                reason: "ack_wait, max_deliver and in_flight_max must not be zero",
            });
        }
        if self.backoff.len() > 100 {
            return Err(BusError::Options { reason: "backoff has more than 100 entries" });
        }
        envelope::Filter::parse(&self.subject)
    }

    /// How long after delivery number `attempt` (from 1) an unanswered message comes back.
    fn wait_after(&self, attempt: u32) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let backoff = self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default();
        self.ack_wait.saturating_add(backoff)
    }
}

/// A message that was given up, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Key within the bus, for [`Bus::discard_parked`].
    pub number: u64,
    /// The consumer that gave it up.
    pub consumer: String,
    /// The message.
    pub envelope: Envelope,
    /// How often it was delivered.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
}

impl Bus {
    /// Opens, or creates, the embedded log in a directory, with the usual limits.
    ///
    /// # Errors
    /// [`BusError::InUse`], [`BusError::Corrupt`], [`BusError::Storage`].
    pub async fn embedded(dir: &Path) -> Result<Self, BusError> {
        Self::embedded_with(dir, EmbeddedOptions::default()).await
    }

    /// Opens, or creates, the embedded log in a directory. A torn record at its end, left by a power cut, is cut off.
    ///
    /// # Errors
    /// As [`Bus::embedded`], and [`BusError::Options`].
    pub async fn embedded_with(dir: &Path, options: EmbeddedOptions) -> Result<Self, BusError> {
        Ok(Self(Backend::Embedded(Arc::new(embedded::Embedded::open(dir, options).await?))))
    }

    /// Connects to NATS and creates or adopts the installation's streams. The connection heals itself.
    ///
    /// # Errors
    /// [`BusError::Connect`], [`BusError::Nats`], [`BusError::Name`].
    pub async fn jetstream(url: &str, options: JetStreamOptions) -> Result<Self, BusError> {
        Ok(Self(Backend::JetStream(Arc::new(jetstream::JetStream::connect(url, options).await?))))
    }

    /// Publishes; returns when the message is durable. Publishing the same id again within the window is a success.
    ///
    /// # Errors
    /// [`BusError::Full`] when consumers are too far behind; [`BusError::Name`], [`BusError::TooLarge`]; or the
    /// backend's failure, after which the message may or may not be there: publish it again with the same id.
    pub async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        envelope.check()?;
        match &self.0 {
            Backend::Embedded(backend) => backend.publish(envelope).await,
            Backend::JetStream(backend) => backend.publish(envelope).await,
        }
    }

    /// Joins, or creates, the durable consumer of that name. Of options that differ, the latest count.
    ///
    /// # Errors
    /// [`BusError::Conflict`] when it exists with another filter; [`BusError::Name`], [`BusError::Options`]; or the
    /// backend's failure.
    pub async fn consumer(&self, options: ConsumerOptions) -> Result<Consumer, BusError> {
        let filter = options.check()?;
        Ok(Consumer(match &self.0 {
            Backend::Embedded(backend) => {
                ConsumerBackend::Embedded(embedded::Consumer::join(backend.clone(), options, filter).await?)
            }
            Backend::JetStream(backend) => {
                let joined = jetstream::Consumer::join(backend.clone(), options, &filter).await?;
                ConsumerBackend::JetStream(Box::new(joined))
            }
        }))
    }

    /// Removes a consumer and its place; what only it still waited for is forgotten. Parked messages stay. Removing
    /// one that is not there is a success.
    ///
    /// # Errors
    /// The backend's failure.
    pub async fn forget_consumer(&self, name: &str) -> Result<(), BusError> {
        envelope::check_consumer_name(name)?;
        match &self.0 {
            Backend::Embedded(backend) => backend.forget_consumer(name).await,
            Backend::JetStream(backend) => backend.forget_consumer(name).await,
        }
    }

    /// The messages that were given up, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The backend's failure.
    pub async fn parked(&self, limit: usize) -> Result<Vec<Parked>, BusError> {
        match &self.0 {
            Backend::Embedded(backend) => backend.parked(limit).await,
            Backend::JetStream(backend) => backend.parked(limit).await,
        }
    }

    /// Removes one message from the list of [`Bus::parked`]: somebody has dealt with it. Removing one that is not
    /// there is a success.
    ///
    /// # Errors
    /// The backend's failure.
    pub async fn discard_parked(&self, number: u64) -> Result<(), BusError> {
        match &self.0 {
            Backend::Embedded(backend) => backend.discard_parked(number).await,
            Backend::JetStream(backend) => backend.discard_parked(number).await,
        }
    }
}

/// A handle on a durable consumer. Several handles of one name, in one process or many, compete for its messages.
#[derive(Debug)]
pub struct Consumer(ConsumerBackend);

#[derive(Debug)]
enum ConsumerBackend {
    Embedded(embedded::Consumer),
    JetStream(Box<jetstream::Consumer>),
}

impl Consumer {
    /// Waits for the next message. Cancel-safe: dropping the future loses no message.
    ///
    /// # Errors
    /// The backend's failure; calling again is always allowed.
    pub async fn next(&self) -> Result<Delivery, BusError> {
        Ok(Delivery(match &self.0 {
            ConsumerBackend::Embedded(consumer) => DeliveryBackend::Embedded(consumer.next().await?),
            ConsumerBackend::JetStream(consumer) => {
                DeliveryBackend::JetStream(Box::new(consumer.next().await?))
            }
        }))
    }
}

/// One delivery of one message. Dropping it unanswered leaves the message to the ack wait.
#[derive(Debug)]
pub struct Delivery(DeliveryBackend);

#[derive(Debug)]
enum DeliveryBackend {
    Embedded(embedded::Delivery),
    JetStream(Box<jetstream::Delivery>),
}

impl Delivery {
    /// The message.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        match &self.0 {
            DeliveryBackend::Embedded(delivery) => &delivery.envelope,
            DeliveryBackend::JetStream(delivery) => &delivery.envelope,
        }
    }

    /// Which delivery this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        match &self.0 {
            DeliveryBackend::Embedded(delivery) => delivery.attempt,
            DeliveryBackend::JetStream(delivery) => delivery.attempt,
        }
    }

    /// The work is done; returns when that is durable or confirmed. An acknowledgement after the ack wait still counts.
    ///
    /// # Errors
    /// The backend's failure: the message may come again.
    pub async fn ack(self) -> Result<(), BusError> {
        match self.0 {
            DeliveryBackend::Embedded(delivery) => delivery.ack().await,
            DeliveryBackend::JetStream(delivery) => delivery.ack().await,
        }
    }

    /// The work could not be done now: deliver again after this time, or park the message if this was the last attempt.
    ///
    /// # Errors
    /// The backend's failure: the message comes again after the ack wait.
    pub async fn retry(self, after: Duration) -> Result<(), BusError> {
        match self.0 {
            DeliveryBackend::Embedded(delivery) => delivery.retry(after).await,
            DeliveryBackend::JetStream(delivery) => delivery.retry(after).await,
        }
    }

    /// The work can never be done: give the message up, with the reason (the first 1,000 characters are kept,
    /// control characters as spaces).
    ///
    /// # Errors
    /// The backend's failure: the message may come again.
    pub async fn park(self, reason: &str) -> Result<(), BusError> {
        // A header of NATS holds no line breaks.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let reason: String = reason.chars().take(1000).map(plain).collect();
        match self.0 {
            DeliveryBackend::Embedded(delivery) => delivery.park(reason).await,
            DeliveryBackend::JetStream(delivery) => delivery.park(&reason).await,
        }
    }

    /// Still at work: the ack wait starts anew.
    ///
    /// # Errors
    /// The backend's failure.
    pub async fn keep(&self) -> Result<(), BusError> {
        match &self.0 {
            DeliveryBackend::Embedded(delivery) => {
                delivery.keep();
                Ok(())
            }
            DeliveryBackend::JetStream(delivery) => delivery.keep().await,
        }
    }
}

/// The reason of messages that ran out of deliveries.
fn out_of_attempts(attempts: u32) -> String {
    format!("not acknowledged after {attempts} deliveries")
}
