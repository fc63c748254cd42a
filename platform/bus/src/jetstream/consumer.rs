//! Durable pull consumers: one message is fetched at a time, and only when somebody waits for it, because a message that
//! lies in a buffer here is a message whose ack wait runs down with nobody at work.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{
    self, AckKind, ErrorCode, Message,
    consumer::{AckPolicy, Consumer as Remote, DeliverPolicy, pull},
    context::ConsumerInfoErrorKind,
};
use futures_util::StreamExt as _;
use model::TenantId;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{ID, JetStream, TENANT};
use crate::envelope::Filter;
use crate::{BusError, ConsumerOptions, Envelope, out_of_attempts};

/// How long one request for a message stays open at the server; then it is made anew, which also heals a request that
/// was lost with a connection.
const PULL_EXPIRES: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Consumer {
    bus: Arc<JetStream>,
    options: ConsumerOptions,
    remote: Remote<pull::Config>,
    /// The request under way. It outlives a cancelled `next`, and the following one takes its message.
    fetch: Mutex<Option<Fetch>>,
}

#[derive(Debug)]
struct Fetch(JoinHandle<Result<Fetched, BusError>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) message: Message,
    at: Instant,
}

impl Consumer {
    pub(crate) async fn join(
        bus: Arc<JetStream>,
        options: ConsumerOptions,
        filter: &Filter,
    ) -> Result<Self, BusError> {
        let subject = format!("palisade.{}.*.{}", bus.options.installation, filter.as_str());
        refuse_other_filter(&bus, &options, &subject).await?;
        // The server counts its timers from the delivery; ours are the ack wait and then the backoff.
        let waits = u32::try_from(options.backoff.len()).unwrap_or_default().max(1);
        let config = pull::Config {
            durable_name: Some(options.name.clone()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: options.wait_after(1),
            backoff: (1..=waits).map(|attempt| options.wait_after(attempt)).collect(),
            max_deliver: -1,
            max_ack_pending: i64::from(options.in_flight_max),
            filter_subject: subject,
            ..pull::Config::default()
        };
        let created = bus.context.create_consumer_on_stream(config, bus.stream.as_str()).await;
        let remote = created.map_err(BusError::nats("create a consumer"))?;
        Ok(Self { bus, options, remote, fetch: Mutex::new(None) })
    }

    pub(crate) async fn next(&self) -> Result<Delivery, BusError> {
        let mut fetch = self.fetch.lock().await;
        loop {
            let under_way = fetch.get_or_insert_with(|| Fetch(tokio::spawn(fetch_one(self.remote.clone()))));
            let fetched = (&mut under_way.0).await;
            *fetch = None;
            let failed = BusError::nats("fetch a message");
            let Fetched { message, at } = fetched.map_err(failed)??;
            let waited = at.elapsed();
            if waited >= self.options.ack_wait {
                // Fetched for somebody who gave up waiting; the server delivers it again, or already has.
                continue;
            }
            if waited > self.options.ack_wait / 4 {
                send(&message, AckKind::Progress, "extend a delivery").await?;
            }
            if let Some(delivery) = self.accept(message).await? {
                return Ok(delivery);
            }
        }
    }

    /// A delivery of a message, unless it was one too many: then the message is parked.
    async fn accept(&self, message: Message) -> Result<Option<Delivery>, BusError> {
        let info = message
            .info()
            .map_err(|source| BusError::Nats { action: "tell about a message", source: Arc::from(source) })?;
        let (sequence, attempt) = (info.stream_sequence, u32::try_from(info.delivered).unwrap_or(u32::MAX));
        let envelope = match envelope(&self.bus, &message) {
            Ok(envelope) => envelope,
            Err(reason) => {
                send(&message, AckKind::Term, "end a delivery").await?;
                return Err(BusError::Foreign { sequence, reason });
            }
        };
        let max = self.options.max_deliver;
        let bus = self.bus.clone();
        let delivery =
            Delivery { bus, consumer: self.options.name.clone(), message, sequence, envelope, attempt, max };
        if attempt > max {
            let reason = out_of_attempts(max);
            delivery.give_up(&reason, max).await?;
            return Ok(None);
        }
        Ok(Some(delivery))
    }
}

/// Waits for one message, with one request after the other.
///
/// Without heartbeats: async-nats 0.51 gives up its turn when one comes and asks for no other, so a message behind it is seen
/// when the request has long run out, and dropped. A request that gets lost ends by the client's own clock instead.
pub(super) async fn fetch_one(remote: Remote<pull::Config>) -> Result<Fetched, BusError> {
    let mut failures = 0u32;
    loop {
        let batch = remote.batch().max_messages(1).expires(PULL_EXPIRES).messages().await;
        let first = match batch {
            Ok(mut batch) => batch.next().await,
            Err(error) => Some(Err(Box::from(error))),
        };
        match first {
            Some(Ok(message)) => return Ok(Fetched { message, at: Instant::now() }),
            None => failures = 0,
            Some(Err(source)) => {
                // A missed heartbeat, a reconnect, a server that moves: normal for a while, an error if it lasts.
                failures += 1;
                if failures > 10 {
                    return Err(BusError::Nats { action: "fetch a message", source: Arc::from(source) });
                }
                tracing::debug!(error = %source, "fetching a message failed; trying again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(failures))).await;
            }
        }
    }
}

async fn refuse_other_filter(
    bus: &JetStream,
    options: &ConsumerOptions,
    subject: &str,
) -> Result<(), BusError> {
    let stream = bus.context.get_stream_no_info(bus.stream.as_str()).await;
    let stream = stream.map_err(BusError::nats("read the stream"))?;
    match stream.consumer_info(options.name.as_str()).await {
        Ok(info) if info.config.filter_subject == subject => Ok(()),
        Ok(info) => Err(BusError::Conflict {
            name: options.name.clone(),
            existing: info.config.filter_subject.splitn(4, '.').nth(3).unwrap_or_default().to_owned(),
            asked: options.subject.clone(),
        }),
        Err(error) => match error.kind() {
            ConsumerInfoErrorKind::NotFound => Ok(()),
            ConsumerInfoErrorKind::JetStream(reply)
                if reply.error_code() == ErrorCode::CONSUMER_NOT_FOUND =>
            {
                Ok(())
            }
            _ => Err(BusError::nats("read a consumer")(error)),
        },
    }
}

/// The envelope of a message of ours.
fn envelope(bus: &JetStream, message: &Message) -> Result<Envelope, &'static str> {
    let header = |name: &str| message.headers.as_ref().and_then(|headers| headers.get(name));
    let id = header(ID).ok_or("it has no id")?.as_str().to_owned();
    let tenant = header(TENANT).ok_or("it has no tenant")?.as_str();
    let tenant = TenantId::parse(tenant).map_err(|_| "its tenant is malformed")?;
    let prefix = format!("palisade.{}.{tenant}.", bus.options.installation);
    let subject = message.subject.strip_prefix(&prefix).ok_or("its subject is of another tenant")?.to_owned();
    let envelope = Envelope { id, subject, tenant, body: message.payload.to_vec() };
    envelope.check().map_err(|_| "its id or subject is malformed")?;
    Ok(envelope)
}

#[derive(Debug)]
pub(crate) struct Delivery {
    bus: Arc<JetStream>,
    consumer: String,
    message: Message,
    sequence: u64,
    pub(crate) envelope: Envelope,
    pub(crate) attempt: u32,
    max: u32,
}

impl Delivery {
    pub(crate) async fn ack(self) -> Result<(), BusError> {
        self.confirm(AckKind::Ack, "acknowledge a message").await
    }

    pub(crate) async fn retry(self, after: Duration) -> Result<(), BusError> {
        if self.attempt >= self.max {
            let reason = out_of_attempts(self.attempt);
            return self.give_up(&reason, self.attempt).await;
        }
        self.confirm(AckKind::Nak(Some(after)), "set a message back").await
    }

    pub(crate) async fn park(self, reason: &str) -> Result<(), BusError> {
        self.give_up(reason, self.attempt).await
    }

    pub(crate) async fn keep(&self) -> Result<(), BusError> {
        send(&self.message, AckKind::Progress, "extend a delivery").await
    }

    /// First the copy, then the end: in the other order a crash would lose the message.
    async fn give_up(&self, reason: &str, attempts: u32) -> Result<(), BusError> {
        self.bus.copy_to_parked(&self.consumer, self.sequence, attempts, reason, &self.envelope).await?;
        self.confirm(AckKind::Term, "end a delivery").await
    }

    /// Answers until the server confirms; repeating an answer is harmless.
    async fn confirm(&self, kind: AckKind, action: &'static str) -> Result<(), BusError> {
        let deadline = Instant::now() + self.bus.options.patience;
        loop {
            match self.message.double_ack_with(kind).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    return Err(BusError::Nats { action, source: Arc::from(error) });
                }
                Err(error) => tracing::debug!(error = %error, action, "NATS did not confirm; trying again"),
            }
        }
    }
}

pub(super) async fn send(
    message: &jetstream::Message,
    kind: AckKind,
    action: &'static str,
) -> Result<(), BusError> {
    message.ack_with(kind).await.map_err(|source| BusError::Nats { action, source: Arc::from(source) })
}
