//! The NATS JetStream backend, for several processes.
//!
//! Per installation one stream of messages (`PALISADE_<name>`, subjects `palisade.<name>.<tenant>.<subject>`) and one of
//! parked messages (`PALISADE_<name>_PARKED`), both on file storage with `discard: new`. A consumer is a durable pull
//! consumer with explicit acknowledgement and the server's own redelivery timers.
//!
//! Two things are done here and not by the server. Deliveries are not limited by the server, which would go silent about
//! a message once its limit is reached: the client that receives one delivery too many copies the message to the parked
//! stream and then ends it, so that a crash between the two repeats the copy (which has an id of its own) and loses
//! nothing. And messages behind all consumers are purged by the clients, because the server's interest retention would
//! drop what is published before the first consumer exists.
//!
//! One thing no client can mend: the server writes the state of consumers to disk some time after it has confirmed an
//! acknowledgement, whatever its `sync_interval`. A server that is killed can deliver again what was acknowledged in its
//! last moments, and count its attempts from one. That is within at-least-once, and the reason why effects are recorded
//! with the message id in the store.

mod consumer;
mod parked;
mod tap;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{
    self, Context, ErrorCode,
    context::PublishErrorKind,
    message::PublishMessage,
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};
use futures_util::TryStreamExt as _;
use tokio::time::Instant;

pub(crate) use consumer::{Consumer, Delivery};
pub use tap::{Tap, Tapped};

use crate::{BusError, Envelope};

const ID: &str = "Palisade-Id";
const TENANT: &str = "Palisade-Tenant";

/// How often messages that are behind all consumers are purged. Between purges they only cost disk.
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// How to reach NATS and what to ask of it.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// Name of the installation, part of every stream and subject: 1 to 32 of `a-z 0-9 - _`.
    pub installation: String,
    /// Size of the stream at which publishing is refused.
    pub bytes_max: u64,
    /// Size of the stream of parked messages; when it is full, messages stay in the main stream.
    pub parked_bytes_max: u64,
    /// How long the server remembers message ids.
    pub dedupe_window: Duration,
    /// Copies of each message in a cluster: 1, 3 or 5.
    pub replicas: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long an operation is tried again, over reconnects, before it fails.
    pub patience: Duration,
    /// Certificate authorities to trust besides the built-in ones, as a PEM file.
    pub tls_ca: Option<PathBuf>,
    /// Client certificate and key, as PEM files.
    pub tls_client: Option<(PathBuf, PathBuf)>,
    /// Refuse a connection without TLS.
    pub tls_required: bool,
    /// Who we are.
    pub credentials: Option<Credentials>,
}

impl JetStreamOptions {
    /// The usual figures: one gibibyte, 256 MiB for parked messages, a window of two minutes, no replication, 5 seconds
    /// per request and 30 seconds of patience, TLS only if the server asks for it.
    #[must_use]
    pub fn new(installation: &str) -> Self {
        Self {
            installation: installation.to_owned(),
            bytes_max: 1 << 30,
            parked_bytes_max: 256 << 20,
            dedupe_window: Duration::from_secs(120),
            replicas: 1,
            request_timeout: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            tls_ca: None,
            tls_client: None,
            tls_required: false,
            credentials: None,
        }
    }
}

/// Who we are to NATS. Never printed.
#[derive(Clone)]
pub enum Credentials {
    /// A `.creds` file with a JWT and its seed.
    File(PathBuf),
    /// Name and password.
    Password {
        /// Name.
        user: String,
        /// Password.
        password: String,
    },
    /// A token.
    Token(String),
    /// The seed of an nkey.
    Nkey(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File(…)",
            Self::Password { .. } => "Password(…)",
            Self::Token(_) => "Token(…)",
            Self::Nkey(_) => "Nkey(…)",
        })
    }
}

/// A connection with its streams.
#[derive(Debug)]
pub(crate) struct JetStream {
    context: Context,
    options: JetStreamOptions,
    stream: String,
    parked_stream: String,
    trimmer: tokio::task::JoinHandle<()>,
}

impl Drop for JetStream {
    fn drop(&mut self) {
        self.trimmer.abort();
    }
}

impl JetStream {
    pub(crate) async fn connect(url: &str, options: JetStreamOptions) -> Result<Self, BusError> {
        crate::envelope::check_consumer_name(&options.installation)?;
        if options.installation.len() > 32 || options.bytes_max == 0 || options.parked_bytes_max == 0 {
            return Err(BusError::Options {
                reason: "installation is limited to 32 characters, sizes to more than 0",
            });
        }
        let (client, context) = reach(url, &options).await?;
        let stream = format!("PALISADE_{}", options.installation);
        let parked_stream = format!("{stream}_PARKED");
        let subjects = format!("palisade.{}.>", options.installation);
        ensure_stream(&context, &options, &stream, subjects, options.bytes_max).await?;
        let subjects = format!("palisade-parked.{}.>", options.installation);
        ensure_stream(&context, &options, &parked_stream, subjects, options.parked_bytes_max).await?;
        report_sync_policy(&client).await;
        let trimmer = tokio::spawn(trim_forever(context.clone(), stream.clone()));
        Ok(Self { context, options, stream, parked_stream, trimmer })
    }

    fn subject(&self, envelope: &Envelope) -> String {
        format!("palisade.{}.{}.{}", self.options.installation, envelope.tenant, envelope.subject)
    }

    pub(crate) async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        let message = PublishMessage::build()
            .message_id(envelope.key())
            .header(ID, envelope.id.as_str())
            .header(TENANT, envelope.tenant.as_str())
            .payload(envelope.body.clone().into());
        match self.store(self.subject(envelope), message.clone(), self.options.bytes_max).await {
            // The stream may only be full of what everybody is done with.
            Err(BusError::Full { .. }) => {
                trim(&self.context, &self.stream).await?;
                self.store(self.subject(envelope), message, self.options.bytes_max).await
            }
            other => other,
        }
    }

    /// Publishes until the server has stored it. The message id makes repeating harmless.
    async fn store(&self, subject: String, message: PublishMessage, limit: u64) -> Result<(), BusError> {
        let deadline = Instant::now() + self.options.patience;
        loop {
            let sent = self.context.send_publish(subject.clone(), message.clone()).await;
            let stored = match sent {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            };
            let Err(error) = stored else { return Ok(()) };
            let passing = matches!(
                error.kind(),
                PublishErrorKind::TimedOut
                    | PublishErrorKind::BrokenPipe
                    | PublishErrorKind::MaxAckPending
                    | PublishErrorKind::StreamNotFound
            );
            if is_full(&error) {
                return Err(BusError::Full { limit });
            }
            if !passing || Instant::now() >= deadline {
                return Err(BusError::nats("store a message")(error));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn forget_consumer(&self, name: &str) -> Result<(), BusError> {
        use jetstream::stream::ConsumerErrorKind;
        match self.context.delete_consumer_from_stream(name, self.stream.as_str()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ConsumerErrorKind::JetStream(reply)
                    if reply.error_code() == ErrorCode::CONSUMER_NOT_FOUND =>
                {
                    Ok(())
                }
                _ => Err(BusError::nats("delete a consumer")(error)),
            },
        }
    }
}

/// A connection, and what asks JetStream over it.
async fn reach(url: &str, options: &JetStreamOptions) -> Result<(async_nats::Client, Context), BusError> {
    let server = url.rsplit_once('@').map_or(url, |(_, server)| server).to_owned();
    let refused = |source: std::sync::Arc<dyn std::error::Error + Send + Sync>| BusError::Connect {
        server: server.clone(),
        source,
    };
    let connect = connect_options(options).await.map_err(|error| refused(std::sync::Arc::new(error)))?;
    let client = connect.connect(url).await.map_err(|error| refused(std::sync::Arc::new(error)))?;
    let mut context = jetstream::new(client.clone());
    context.set_timeout(options.request_timeout);
    Ok((client, context))
}

async fn connect_options(options: &JetStreamOptions) -> Result<async_nats::ConnectOptions, std::io::Error> {
    let mut connect = async_nats::ConnectOptions::new()
        .name("palisade")
        .request_timeout(Some(options.request_timeout))
        .require_tls(options.tls_required)
        .event_callback(|event| async move { tracing::info!(event = %event, "NATS connection") });
    if let Some(path) = &options.tls_ca {
        connect = connect.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.tls_client {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(match &options.credentials {
        None => connect,
        Some(Credentials::File(path)) => connect.credentials(&tokio::fs::read_to_string(path).await?)?,
        Some(Credentials::Password { user, password }) => {
            connect.user_and_password(user.clone(), password.clone())
        }
        Some(Credentials::Token(token)) => connect.token(token.clone()),
        Some(Credentials::Nkey(seed)) => connect.nkey(seed.clone()),
    })
}

/// Creates a stream, or brings the one that exists to these settings.
async fn ensure_stream(
    context: &Context,
    options: &JetStreamOptions,
    name: &str,
    subjects: String,
    bytes_max: u64,
) -> Result<(), BusError> {
    let config = Config {
        name: name.to_owned(),
        subjects: vec![subjects],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(bytes_max).unwrap_or(i64::MAX),
        duplicate_window: options.dedupe_window,
        num_replicas: options.replicas,
        ..Config::default()
    };
    context.create_or_update_stream(config).await.map_err(BusError::nats("create the stream"))?;
    Ok(())
}

fn is_full(error: &async_nats::error::Error<PublishErrorKind>) -> bool {
    // The server has one code for every refusal to store; the text tells this one.
    error.source().is_some_and(|source| source.to_string().contains("maximum bytes exceeded"))
}

async fn trim_forever(context: Context, stream: String) {
    let mut ticks = tokio::time::interval(TRIM_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = trim(&context, &stream).await {
            tracing::warn!(error = %error, "could not purge consumed messages; trying again later");
        }
    }
}

/// Purges the messages that every consumer is past. Without a consumer nothing is purged.
async fn trim(context: &Context, name: &str) -> Result<(), BusError> {
    let stream = context.get_stream(name).await.map_err(BusError::nats("read the stream"))?;
    // Read before the consumers: what is published in between is above it.
    let last = stream.cached_info().state.last_sequence;
    let mut floors = Vec::new();
    let mut consumers = stream.consumers();
    while let Some(info) = consumers.try_next().await.map_err(BusError::nats("list the consumers"))? {
        let idle = info.num_pending == 0 && info.num_ack_pending == 0;
        floors.push(if idle { last } else { info.ack_floor.stream_sequence });
    }
    let floor = floors.into_iter().min().unwrap_or_default();
    if floor >= stream.cached_info().state.first_sequence {
        stream.purge().sequence(floor + 1).await.map_err(BusError::nats("purge consumed messages"))?;
    }
    Ok(())
}

/// Warns when the server acknowledges before data is on disk. Only accounts that may ask the system can know.
async fn report_sync_policy(client: &async_nats::Client) {
    let asked = client.request("$SYS.REQ.SERVER.PING.VARZ", "".into());
    let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
    let Ok(Ok(message)) = answer else {
        tracing::info!(
            "NATS does not tell us its sync_interval; set it to `always`, or acknowledged messages can be lost with power"
        );
        return;
    };
    match syncs_always(&message.payload) {
        Some(true) => {}
        Some(false) => tracing::warn!(
            "NATS does not sync each message to disk: acknowledged messages can be lost when power fails; set `sync_interval: always` in its `jetstream` block"
        ),
        None => tracing::info!("NATS does not tell its sync_interval; it should be `always`"),
    }
}

/// What a server's `varz` says about `sync_interval: always`.
fn syncs_always(varz: &[u8]) -> Option<bool> {
    let varz: serde_json::Value = serde_json::from_slice(varz).ok()?;
    let config = varz.pointer("/data/jetstream/config")?;
    Some(config.get("sync_always").and_then(serde_json::Value::as_bool).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::{Credentials, syncs_always};

    #[test]
    fn the_sync_policy_is_read_from_varz() {
        let varz = |config: &str| format!(r#"{{"data":{{"jetstream":{{"config":{config}}}}}}}"#);
        assert_eq!(syncs_always(varz(r#"{"sync_interval":120000000000}"#).as_bytes()), Some(false));
        assert_eq!(
            syncs_always(varz(r#"{"sync_interval":120000000000,"sync_always":true}"#).as_bytes()),
            Some(true)
        );
        assert_eq!(syncs_always(b"{}"), None);
        assert_eq!(syncs_always(b"no"), None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let all = [
            Credentials::Token("hunter2".into()),
            Credentials::Nkey("hunter2".into()),
            Credentials::Password { user: "hunter2".into(), password: "hunter2".into() },
        ];
        assert!(!format!("{all:?}").contains("hunter2"));
    }
}
